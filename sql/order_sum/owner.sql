-- The check of the sums that reports are made of.

CREATE OR REPLACE FUNCTION boxoffice.check_reports(event bigint)
    RETURNS TABLE (event_id bigint, what text, expected jsonb, found jsonb)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.id, d.what, d.expected, d.found
      FROM boxoffice.check_events(check_reports.event) AS e (id)
     CROSS JOIN LATERAL (
        SELECT 'order ' || COALESCE(c.order_id, s.order_id) AS what,
               c.counted AS expected, s.counted AS found
          FROM (
            SELECT * FROM boxoffice_code.order_count AS c WHERE c.event_id = e.id
          ) AS c
          FULL JOIN (
            SELECT * FROM boxoffice.order_search AS s
             WHERE s.event_id = e.id AND s.counted IS NOT NULL
          ) AS s ON s.order_id = c.order_id
         WHERE c.counted IS DISTINCT FROM s.counted
           AND COALESCE(c.order_id, s.order_id) NOT IN (
            SELECT t.order_id FROM boxoffice_code.order_tail AS t WHERE t.event_id = e.id)
        UNION ALL
        SELECT 'sums', pg_catalog.to_jsonb(x.*), pg_catalog.to_jsonb(s.*) - 'event_id'
          FROM boxoffice_code.order_sums_of_event(ARRAY(
            SELECT s.counted FROM boxoffice.order_search AS s WHERE s.event_id = e.id), '{}') AS x
          LEFT JOIN (
            SELECT s.event_id, s.orders, s.paid_orders, s.tickets, s.total, s.paid
              FROM boxoffice.order_sum AS s
          ) AS s ON s.event_id = e.id
         WHERE pg_catalog.to_jsonb(x.*) <> pg_catalog.to_jsonb(s.*) - 'event_id'
            OR s.event_id IS NULL AND x.orders <> 0
        UNION ALL
        SELECT 'sums by day', pg_catalog.to_jsonb(x.*), pg_catalog.to_jsonb(s.*)
          FROM boxoffice_code.order_sums_by_day(ARRAY(
            SELECT s.counted FROM boxoffice.order_search AS s WHERE s.event_id = e.id), '{}') AS x
          FULL JOIN (
            SELECT s.day, s.ticket_type_id, s.channel, s.orders, s.tickets, s.cancelled, s.price,
                   s.fees
              FROM boxoffice.order_sum_day AS s
             WHERE s.event_id = e.id AND s.orders <> 0
          ) AS s ON (s.day, s.ticket_type_id, s.channel) = (x.day, x.ticket_type_id, x.channel)
         WHERE pg_catalog.to_jsonb(x.*) IS DISTINCT FROM pg_catalog.to_jsonb(s.*)
      ) AS d
$$;
COMMENT ON FUNCTION boxoffice.check_reports(bigint) IS
'Differences between the sums that reports read and the orders themselves, of an event or (NULL) of all; no rows, always, in one snapshot. Orders that are yet to be counted anew are no difference. Reads every order.';

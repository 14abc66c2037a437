-- What was sold, added up: how it is kept, and what has changed since.
--
-- Each order that the worker has counted keeps what was counted of it (order_search.counted), so
-- the sums are those of all that is kept, always. What an order would add now differs from it only
-- if a message about the order is in the outbox that the worker has not seen, or if the order is
-- one of before that it has not come to: every change of an order, of its tickets or its payments
-- writes a message in its transaction. So the sums, with such orders counted now put in and what
-- was counted of them taken out (order_tail), are exact in every snapshot, and cost what the worker
-- is behind by, not what was ever sold.

-- What an order adds to the sums, as it is now. day is there once it was paid; types has valid and
-- cancelled tickets, price and fee of the valid ones, by ticket type.
CREATE OR REPLACE VIEW boxoffice_code.order_count AS
SELECT o.event_id,
       o.id AS order_id,
       pg_catalog.jsonb_build_object(
           'status', o.status,
           'total', o.total,
           'paid', (SELECT COALESCE(pg_catalog.sum(p.amount), 0)
                      FROM boxoffice.payment AS p
                     WHERE p.event_id = o.event_id AND p.order_id = o.id),
           'day', (o.paid_at AT TIME ZONE e.zone)::date,
           'channel', o.channel,
           'types', (
            SELECT COALESCE(pg_catalog.jsonb_object_agg(t.ticket_type_id, t.sums), '{}')
              FROM (
                SELECT x.ticket_type_id,
                       pg_catalog.jsonb_build_array(
                           pg_catalog.count(*) FILTER (WHERE x.state = 'valid'),
                           pg_catalog.count(*) FILTER (WHERE x.state = 'cancelled'),
                           COALESCE(pg_catalog.sum(x.price) FILTER (WHERE x.state = 'valid'), 0),
                           COALESCE(pg_catalog.sum(x.fee) FILTER (WHERE x.state = 'valid'), 0))
                           AS sums
                  FROM boxoffice.ticket AS x
                 WHERE x.event_id = o.event_id AND x.order_id = o.id
                 GROUP BY x.ticket_type_id
              ) AS t)) AS counted
  FROM boxoffice.order AS o
  JOIN boxoffice.event AS e ON e.id = o.event_id;
COMMENT ON VIEW boxoffice_code.order_count IS
'What each order adds to the sums of its event, as it is now. For the worker and the views of reports.';

-- In a view, since a function in a view runs with the rights of who reads it.
CREATE OR REPLACE VIEW boxoffice_code.order_tail AS
SELECT e.id AS event_id, u.order_id, v.sign, v.counted
  FROM boxoffice.event AS e
  LEFT JOIN boxoffice.order_search_mark AS m ON m.event_id = e.id
 CROSS JOIN LATERAL (
    SELECT o.id AS order_id
      FROM boxoffice.order AS o
     WHERE o.event_id = e.id
       -- from both sides, and the planner takes it for few
       AND o.id >= 0
       AND o.id < COALESCE(m.sums_from, 9223372036854775807)
    UNION
    SELECT CASE
               WHEN b.topic LIKE 'order.%' THEN b.ref_id
               WHEN b.topic LIKE 'ticket.%' THEN (
                   SELECT t.order_id
                     FROM boxoffice.ticket AS t
                    WHERE t.event_id = e.id AND t.id = b.ref_id)
               WHEN b.topic LIKE 'payment.%' THEN (
                   SELECT p.order_id
                     FROM boxoffice.payment AS p
                    WHERE p.event_id = e.id AND p.id = b.ref_id)
           END
      FROM boxoffice.outbox AS b
     WHERE b.event_id = e.id AND b.id > m.outbox_id
  ) AS u
 CROSS JOIN LATERAL (
    SELECT 1 AS sign, c.counted
      FROM boxoffice_code.order_count AS c
     WHERE c.event_id = e.id AND c.order_id = u.order_id
    UNION ALL
    SELECT -1, s.counted
      FROM boxoffice.order_search AS s
     WHERE s.event_id = e.id AND s.order_id = u.order_id AND s.counted IS NOT NULL
  ) AS v;
COMMENT ON VIEW boxoffice_code.order_tail IS
'What the sums of an event lack: orders that the worker has not counted as they are now (sign 1), and what is in the sums of them (sign -1). Ask by event_id.';

-- What is counted, by day, ticket type and channel. None of it is NULL but for an order that was
-- never paid.
CREATE OR REPLACE FUNCTION boxoffice_code.order_sums_by_day(plus jsonb[], minus jsonb[])
    RETURNS TABLE (day date, ticket_type_id bigint, channel text, orders bigint, tickets bigint,
                   cancelled bigint, price bigint, fees bigint)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (d.counted ->> 'day')::date, t.key::bigint, d.counted ->> 'channel',
           pg_catalog.sum(d.sign)::bigint,
           pg_catalog.sum(d.sign * (t.value ->> 0)::bigint)::bigint,
           pg_catalog.sum(d.sign * (t.value ->> 1)::bigint)::bigint,
           pg_catalog.sum(d.sign * (t.value ->> 2)::bigint)::bigint,
           pg_catalog.sum(d.sign * (t.value ->> 3)::bigint)::bigint
      FROM (
        SELECT 1 AS sign, p.counted FROM pg_catalog.unnest(plus) AS p (counted)
        UNION ALL
        SELECT -1, m.counted FROM pg_catalog.unnest(minus) AS m (counted)
      ) AS d
     CROSS JOIN LATERAL pg_catalog.jsonb_each(d.counted -> 'types') AS t
     WHERE d.counted ->> 'day' IS NOT NULL
     GROUP BY 1, 2, 3
$$;
COMMENT ON FUNCTION boxoffice_code.order_sums_by_day IS
'What orders as they were counted come to by day, ticket type and channel, those of minus taken off.';

CREATE OR REPLACE FUNCTION boxoffice_code.order_sums_of_event(plus jsonb[], minus jsonb[])
    RETURNS TABLE (orders bigint, paid_orders bigint, total bigint, paid bigint, tickets bigint)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(pg_catalog.sum(d.sign), 0)::bigint,
           COALESCE(pg_catalog.sum(d.sign) FILTER (WHERE d.status = 'paid'), 0)::bigint,
           COALESCE(pg_catalog.sum(d.sign * d.total) FILTER (WHERE d.status = 'paid'), 0)::bigint,
           COALESCE(pg_catalog.sum(d.sign * d.paid), 0)::bigint,
           COALESCE(pg_catalog.sum(d.sign * d.tickets), 0)::bigint
      FROM (
        SELECT c.sign, c.counted ->> 'status' AS status, (c.counted ->> 'total')::bigint AS total,
               (c.counted ->> 'paid')::bigint AS paid,
               (SELECT pg_catalog.sum((t.value ->> 0)::bigint)
                  FROM pg_catalog.jsonb_each(c.counted -> 'types') AS t) AS tickets
          FROM (
            SELECT 1 AS sign, p.counted FROM pg_catalog.unnest(plus) AS p (counted)
            UNION ALL
            SELECT -1, m.counted FROM pg_catalog.unnest(minus) AS m (counted)
          ) AS c
         WHERE c.counted IS NOT NULL
      ) AS d
$$;
COMMENT ON FUNCTION boxoffice_code.order_sums_of_event IS
'What orders as they were counted come to, those of minus taken off.';

-- Adds to the sums and takes off. Who calls it has the event's mark locked: nobody else writes
-- them. First what is there, then what is not: a row is checked before it is found to be there
-- already, and one that only takes off would not pass.
CREATE OR REPLACE FUNCTION boxoffice_code.order_sums_add(
    event bigint, plus jsonb[], minus jsonb[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE boxoffice.order_sum AS s
       SET orders = s.orders + d.orders,
           paid_orders = s.paid_orders + d.paid_orders,
           total = s.total + d.total,
           paid = s.paid + d.paid,
           tickets = s.tickets + d.tickets
      FROM boxoffice_code.order_sums_of_event(plus, minus) AS d
     WHERE s.event_id = event;
    IF NOT FOUND THEN
        INSERT INTO boxoffice.order_sum (event_id, orders, paid_orders, total, paid, tickets)
        SELECT event, d.* FROM boxoffice_code.order_sums_of_event(plus, minus) AS d;
    END IF;
    WITH delta AS MATERIALIZED (
        SELECT * FROM boxoffice_code.order_sums_by_day(plus, minus)
    ), added AS (
        UPDATE boxoffice.order_sum_day AS s
           SET orders = s.orders + d.orders,
               tickets = s.tickets + d.tickets,
               cancelled = s.cancelled + d.cancelled,
               price = s.price + d.price,
               fees = s.fees + d.fees
          FROM delta AS d
         WHERE s.event_id = event
           AND (s.day, s.ticket_type_id, s.channel) = (d.day, d.ticket_type_id, d.channel)
        RETURNING s.day, s.ticket_type_id, s.channel
    )
    INSERT INTO boxoffice.order_sum_day (event_id, day, ticket_type_id, channel, orders, tickets,
                                         cancelled, price, fees)
    SELECT event, d.*
      FROM delta AS d
      LEFT JOIN added AS a
        ON (a.day, a.ticket_type_id, a.channel) = (d.day, d.ticket_type_id, d.channel)
     WHERE a.day IS NULL;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_sums_add IS
'Adds orders as they were counted to the sums of an event, and takes others off.';

-- Counts orders as they are now in place of what was counted of them before; what was counted of
-- each, to be kept. NULL: there is no such order.
CREATE OR REPLACE FUNCTION boxoffice_code.order_sums_take(event bigint, orders bigint[])
    RETURNS jsonb[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT jsonb[] := ARRAY(
        SELECT c.counted
          FROM pg_catalog.unnest(orders) WITH ORDINALITY AS given (id, n)
          LEFT JOIN boxoffice_code.order_count AS c ON c.event_id = event AND c.order_id = given.id
         ORDER BY given.n);
BEGIN
    PERFORM boxoffice_code.order_sums_add(event, now, ARRAY(
        SELECT s.counted
          FROM boxoffice.order_search AS s
         WHERE s.event_id = event
           AND s.order_id = ANY (orders)
           AND s.counted IS NOT NULL));
    RETURN now;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_sums_take IS
'Counts orders anew; what was counted of each.';

-- Takes orders off that are about to be removed, and what they are found by.
CREATE OR REPLACE FUNCTION boxoffice_code.order_sums_forget(event bigint, orders bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone jsonb[];
BEGIN
    -- the worker has it too: what it is writing of these orders comes first
    PERFORM FROM boxoffice.order_search_mark AS m
      WHERE m.event_id = event
        FOR NO KEY UPDATE;
    WITH removed AS (
        DELETE FROM boxoffice.order_search AS s
         WHERE s.event_id = event AND s.order_id = ANY (orders)
        RETURNING s.counted
    )
    SELECT pg_catalog.array_agg(r.counted) INTO gone FROM removed AS r;
    PERFORM boxoffice_code.order_sums_add(event, '{}', gone);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_sums_forget IS
'Takes orders that are removed off the sums and out of the search.';

-- The endpoint of what was done to an order: its ledger of changes and that of its payments, read
-- together. Both are found by the order, and an order has few of them.

CREATE OR REPLACE FUNCTION api.order_change_list(
    event bigint, "order" bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of CONSTANT boxoffice.event := boxoffice_code.require_orders(event);
    before CONSTANT bigint :=
        COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
BEGIN
    PERFORM FROM boxoffice.order AS o
      WHERE o.event_id = order_change_list.event AND o.id = order_change_list."order";
    IF NOT FOUND THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    RETURN (
        WITH page AS (
            SELECT x.*, pg_catalog.row_number() OVER (ORDER BY x.id DESC) AS place
              FROM (
                (SELECT c.id, c.kind, c.changed_by, c.changed_at, c.total_before, c.total_after,
                        c.reopened, c.other_id, c.reason, c.overruled, NULL::json AS payment
                   FROM boxoffice.order_change AS c
                  WHERE c.event_id = order_change_list.event
                    AND c.order_id = order_change_list."order" AND c.id < before
                  ORDER BY c.id DESC
                  LIMIT wanted + 1)
                UNION ALL
                (SELECT p.id, 'payment', p.recorded_by, p.recorded_at, NULL, NULL,
                        false, NULL, NULL, '{}',
                        pg_catalog.json_build_object(
                            'kind', p.kind, 'amount', p.amount, 'outcome', p.outcome,
                            'method', p.method, 'reference', p.reference)
                   FROM boxoffice.payment AS p
                  WHERE p.event_id = order_change_list.event
                    AND p.order_id = order_change_list."order" AND p.id < before
                  ORDER BY p.id DESC
                  LIMIT wanted + 1)
              ) AS x
             ORDER BY x.id DESC
             LIMIT wanted + 1
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(pg_catalog.json_build_object(
                       'id', p.id::text,
                       'kind', p.kind,
                       'by', p.changed_by,
                       'total_before', p.total_before,
                       'total_after', p.total_after,
                       'reopened', p.reopened,
                       'other_order', p.other_id::text,
                       'reason', p.reason,
                       'overruled', p.overruled,
                       'payment', p.payment,
                       'currency', of.currency,
                       'changed_at', boxoffice_code.time_text(p.changed_at, of.zone),
                       'zone', of.zone)
                       ORDER BY p.place) FILTER (WHERE p.place <= wanted),
                   CASE WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                       NULL, pg_catalog.min(p.id) FILTER (WHERE p.place <= wanted)) END)
          FROM page AS p);
END
$$;
COMMENT ON FUNCTION api.order_change_list IS
'What was done to an order, by whom and when, the newest first.
Its changes, cancellations and payments. For the organizer''s people; no buyer sees it.';

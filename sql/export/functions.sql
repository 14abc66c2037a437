-- What exports have in them. The queries read orders, contacts and tickets in the order of their
-- keys and join them as they come (merge joins of index scans), so that an export of any size keeps
-- no more than a few rows, and its first piece comes at once.

CREATE OR REPLACE FUNCTION boxoffice_code.order_export(
    format text, event boxoffice.event, session bigint, status text)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.export_chunks(format, $query$
        SELECT o.id,
               e.short_code || '-' || o.code AS code,
               n.status,
               o.channel,
               o.test,
               c.name,
               c.email,
               c.phone,
               c.locale,
               (SELECT pg_catalog.count(*)
                  FROM boxoffice.ticket AS t
                 WHERE t.event_id = o.event_id
                   AND t.order_id = o.id
                   AND t.state <> 'cancelled') AS tickets,
               o.total,
               o.currency,
               p.paid,
               boxoffice_code.order_owes(o.event_id, o.id, e.status, n.status, o.total) - p.paid
                   AS due,
               o.placed_at,
               CASE WHEN n.status = 'pending' THEN o.expires_at END AS expires_at,
               o.paid_at,
               o.cancelled_at
          FROM boxoffice.event AS e
          JOIN boxoffice.order AS o ON o.event_id = e.id
          LEFT JOIN boxoffice.contact AS c ON c.event_id = $1 AND c.order_id = o.id
         CROSS JOIN LATERAL (
            SELECT boxoffice_code.order_status_now(
                       o.status, o.expires_at, e.payment_grace_ms, boxoffice_code.clock()) AS status
            OFFSET 0
          ) AS n
         CROSS JOIN LATERAL (
            SELECT COALESCE(pg_catalog.sum(m.amount), 0)::bigint AS paid
              FROM boxoffice.payment AS m
             WHERE m.event_id = $1 AND m.order_id = o.id
          ) AS p
         WHERE e.id = $1
           AND o.event_id = $1
           AND ($3 IS NULL OR n.status = $3)
           AND ($2 IS NULL OR EXISTS (
                SELECT
                  FROM boxoffice.ticket AS t
                 WHERE t.event_id = $1 AND t.order_id = o.id AND t.session_id = $2))
         ORDER BY o.id
        $query$, (event).id, session, status, (event).zone)
$$;
COMMENT ON FUNCTION boxoffice_code.order_export IS
'The orders of an event as csv or jsonl, in pieces, the oldest first.';

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_export(
    format text, event boxoffice.event, session bigint, state text)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.export_chunks(format, $query$
        SELECT t.id,
               t.code,
               n.state,
               e.short_code || '-' || o.code AS order_code,
               o.id AS order_id,
               w.order_status,
               o.channel,
               y.key AS ticket_type,
               s.key AS session,
               s.starts_at AS session_starts_at,
               t.price,
               t.fee,
               o.currency,
               h.name AS holder_name,
               h.email AS holder_email,
               c.name AS buyer_name,
               c.email AS buyer_email,
               o.placed_at,
               o.paid_at
          FROM boxoffice.event AS e
          JOIN boxoffice.ticket AS t ON t.event_id = e.id
          JOIN boxoffice.order AS o ON o.event_id = $1 AND o.id = t.order_id
          JOIN boxoffice.ticket_type AS y ON y.event_id = $1 AND y.id = t.ticket_type_id
          LEFT JOIN boxoffice.session AS s ON s.event_id = $1 AND s.id = t.session_id
         CROSS JOIN LATERAL (
            SELECT boxoffice_code.order_status_now(
                       o.status, o.expires_at, e.payment_grace_ms, boxoffice_code.clock())
                   AS order_status
            OFFSET 0
          ) AS w
         CROSS JOIN LATERAL (
            SELECT CASE WHEN e.status = 'cancelled' OR s.status = 'cancelled' THEN 'cancelled'
                        WHEN t.state = 'reserved' AND w.order_status = 'expired' THEN 'expired'
                        ELSE t.state END AS state
          ) AS n
          LEFT JOIN boxoffice.contact AS c ON c.event_id = $1 AND c.order_id = t.order_id
          LEFT JOIN boxoffice.holder AS h ON h.event_id = $1 AND h.ticket_id = t.id
         WHERE e.id = $1
           AND t.event_id = $1
           AND ($2 IS NULL OR t.session_id = $2)
           AND ($3 IS NULL OR n.state = $3)
         ORDER BY t.order_id, t.id
        $query$, (event).id, session, state, (event).zone)
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_export IS
'The tickets of an event as csv or jsonl, in pieces, those of the oldest order first.';

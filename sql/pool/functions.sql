-- Blocks and stock rows as answers show them.

CREATE OR REPLACE FUNCTION boxoffice_code.block_json(event bigint, block bigint)
    RETURNS json
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
               'id', b.id::text,
               'channel', b.channel,
               'reason', b.reason,
               'release_at', boxoffice_code.local_time(b.release_at, e.zone),
               'created_by', b.created_by,
               'created_at', boxoffice_code.local_time(b.created_at, e.zone),
               'zone', e.zone,
               'items', (
                    SELECT COALESCE(json_agg(json_build_object(
                               'id', c.line::text,
                               'ticket_type', t.key,
                               'pool', CASE WHEN c.ticket_type_id IS NULL THEN p.key END,
                               'session', s.key,
                               'quantity', CASE c.state WHEN 'blocked' THEN c.quantity ELSE 0 END)
                               ORDER BY c.line), '[]')
                      FROM boxoffice.claim AS c
                      LEFT JOIN boxoffice.ticket_type AS t
                        ON t.event_id = c.event_id AND t.id = c.ticket_type_id
                      LEFT JOIN boxoffice.stock AS k
                        ON k.event_id = c.event_id AND k.id = c.stock_ids[1]
                      LEFT JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
                      LEFT JOIN boxoffice.session AS s
                        ON s.event_id = c.event_id AND s.id = c.session_id
                     WHERE c.event_id = b.event_id AND c.owner_id = b.id))
      FROM boxoffice.block AS b
      JOIN boxoffice.event AS e ON e.id = b.event_id
     WHERE b.event_id = block_json.event AND b.id = block_json.block
$$;
COMMENT ON FUNCTION boxoffice_code.block_json IS 'A block as its organizer sees it.';

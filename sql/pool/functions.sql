-- Pools, stock rows and blocks as answers show them, and how pools are written.

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

-- How full stock rows are: available (NULL: unlimited) and a state, as a number so that the worst
-- of several is their maximum: 0 available, 1 low (a tenth or less), 2 all_held, 3 sold_out. What
-- has expired counts as free. Claims are looked at only where the counters alone don't tell: where
-- little is left, or the number must be exact.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_now(event bigint, stocks bigint[], exact boolean)
    RETURNS TABLE (id bigint, available integer, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH counted AS MATERIALIZED (
        SELECT s.id, s.group_id, s.capacity::bigint + s.overbook AS places,
               s.held::bigint + s.pending AS waiting,
               s.held::bigint + s.pending + s.blocked AS losable,
               s.held::bigint + s.pending + s.sold + s.blocked AS taken
          FROM boxoffice.stock AS s
         WHERE s.event_id = stock_now.event AND s.id = ANY (stocks)
    ), lapsed AS MATERIALIZED (
        SELECT stock.id, pg_catalog.sum(c.quantity)::bigint AS quantity,
               pg_catalog.sum(c.quantity) FILTER (WHERE c.state <> 'blocked') AS waiting
          FROM (
            SELECT DISTINCT n.group_id
              FROM counted AS n
             WHERE n.losable > 0 AND (exact OR (n.places - n.taken) * 10 <= n.places)
          ) AS short
          JOIN boxoffice.claim AS c
            ON c.event_id = stock_now.event
           AND c.group_id = short.group_id
           AND c.state IN ('held', 'pending', 'blocked')
           AND c.expires_at <= (SELECT boxoffice_code.clock())
         CROSS JOIN LATERAL pg_catalog.unnest(c.stock_ids) AS stock (id)
         GROUP BY stock.id
    ), free AS (
        SELECT n.id, n.places, n.waiting - COALESCE(l.waiting, 0) AS waiting,
               CASE WHEN n.places IS NOT NULL
                    THEN GREATEST(n.places - n.taken + COALESCE(l.quantity, 0), 0)
               END AS places_free
          FROM counted AS n
          LEFT JOIN lapsed AS l ON l.id = n.id
    )
    SELECT f.id, f.places_free::integer,
           CASE WHEN f.places IS NULL THEN 0
                WHEN f.places_free = 0 AND f.waiting > 0 THEN 2
                WHEN f.places_free = 0 THEN 3
                WHEN f.places_free * 10 <= f.places THEN 1
                ELSE 0 END
      FROM free AS f;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_now IS
'How many places stock rows have now, with what has expired, and a state: 0 available, 1 low, 2 all_held, 3 sold_out.';

CREATE OR REPLACE FUNCTION boxoffice_code.stock_state_name(state integer)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ('{available,low,all_held,sold_out}'::text[])[state + 1]
$$;
COMMENT ON FUNCTION boxoffice_code.stock_state_name IS
'The word for a state of boxoffice_code.stock_now.';

CREATE OR REPLACE FUNCTION boxoffice_code.pools_own_json(event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', p.id::text,
                   'key', p.key,
                   'name', p.name,
                   'scope', p.scope,
                   'capacity', p.capacity,
                   'overbook', p.overbook,
                   'held', COALESCE(c.held, 0),
                   'pending', COALESCE(c.pending, 0),
                   'sold', COALESCE(c.sold, 0),
                   'blocked', COALESCE(c.blocked, 0))
                   ORDER BY p.id), '[]'::json)
          FROM boxoffice.pool AS p
          LEFT JOIN (
            SELECT s.pool_id, pg_catalog.sum(s.held) AS held, pg_catalog.sum(s.pending) AS pending,
                   pg_catalog.sum(s.sold) AS sold, pg_catalog.sum(s.blocked) AS blocked
              FROM boxoffice.stock AS s
             WHERE s.event_id = pools_own_json.event
             GROUP BY s.pool_id
          ) AS c ON c.pool_id = p.id
         WHERE p.event_id = pools_own_json.event);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pools_own_json IS
'The pools of an event with their counts over all stock, as its organizer sees them.';

CREATE OR REPLACE FUNCTION boxoffice_code.stocks_json(event bigint, stocks bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'pool', p.key,
                   'session', session.key,
                   'capacity', s.capacity,
                   'overbook', s.overbook,
                   'held', s.held,
                   'pending', s.pending,
                   'sold', s.sold,
                   'blocked', s.blocked,
                   'available', n.available,
                   'state', boxoffice_code.stock_state_name(n.state))
                   ORDER BY s.id)
          FROM boxoffice.stock AS s
          JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id
          LEFT JOIN boxoffice.session AS session
            ON session.event_id = s.event_id AND session.id = s.session_id
          JOIN boxoffice_code.stock_now(event, stocks, true) AS n ON n.id = s.id
         WHERE s.event_id = stocks_json.event AND s.id = ANY (stocks));
END
$$;
COMMENT ON FUNCTION boxoffice_code.stocks_json IS 'Stock rows as their organizer sees them.';

-- Stock: one row per session for a pool per session, one for a pool of the event. All start in one
-- group; which groups there are is found by inventory_regroup.
CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_pools(event bigint, pools jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    SELECT event, boxoffice_code.new_id(), p.key, p.name, p.scope, p.capacity,
           COALESCE(p.overbook, 0)
      FROM pg_catalog.jsonb_to_recordset(pools) AS p (
               key text, name text, scope text, capacity integer, overbook integer);

    INSERT INTO boxoffice.inventory_group (event_id, id) VALUES (event, boxoffice_code.new_id());

    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT event, boxoffice_code.new_id(), place.pool_id, place.session_id, g.id, place.capacity,
           place.overbook, 0, 0, 0, 0
      FROM (
        SELECT p.id AS pool_id, s.id AS session_id, p.capacity, p.overbook
          FROM boxoffice.pool AS p
          LEFT JOIN boxoffice.session AS s ON s.event_id = p.event_id AND p.scope = 'session'
         WHERE p.event_id = event
         ORDER BY p.id, s.starts_at, s.id
      ) AS place
     CROSS JOIN (
        SELECT i.id FROM boxoffice.inventory_group AS i WHERE i.event_id = event LIMIT 1
      ) AS g;
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_pools IS
'Writes pools of a new event and their stock rows.';

-- One row for each thing that does not add up in an event's inventory; zero rows when all is well.
-- STABLE, so that all of it is seen in one snapshot: a VOLATILE one sees sales between its queries
-- and reports differences that never were.
CREATE OR REPLACE FUNCTION boxoffice.check_inventory_event(event bigint)
    RETURNS TABLE (problem text, id bigint, expected bigint, found bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH live AS MATERIALIZED (
        SELECT c.owner_id, c.line, c.state, c.quantity, c.group_id, c.stock_ids
          FROM boxoffice.claim AS c
         WHERE c.event_id = check_inventory_event.event
           AND c.state IN ('held', 'pending', 'sold', 'blocked')
    ), summed AS (
        SELECT t.stock_id, t.state, sum(t.quantity) AS quantity
          FROM (SELECT unnest(l.stock_ids) AS stock_id, l.state, l.quantity FROM live AS l) AS t
         GROUP BY t.stock_id, t.state
    ), counted AS (
        SELECT s.id, n.state, n.quantity
          FROM boxoffice.stock AS s
         CROSS JOIN LATERAL (
            VALUES ('held', s.held), ('pending', s.pending), ('sold', s.sold),
                   ('blocked', s.blocked)) AS n (state, quantity)
         WHERE s.event_id = check_inventory_event.event
    )
    SELECT 'stock_' || COALESCE(n.state, m.state), COALESCE(n.id, m.stock_id),
           COALESCE(m.quantity, 0)::bigint, n.quantity::bigint
      FROM counted AS n
      FULL JOIN summed AS m ON m.stock_id = n.id AND m.state = n.state
     WHERE n.quantity IS DISTINCT FROM COALESCE(m.quantity, 0)
    UNION ALL
    SELECT 'capacity', s.id, s.capacity::bigint + s.overbook,
           s.held::bigint + s.pending + s.sold + s.blocked
      FROM boxoffice.stock AS s
     WHERE s.event_id = check_inventory_event.event
       AND s.held::bigint + s.pending + s.sold + s.blocked > s.capacity::bigint + s.overbook
    UNION ALL
    SELECT 'claim_group', l.owner_id, l.group_id, s.group_id
      FROM live AS l
     CROSS JOIN LATERAL unnest(l.stock_ids) AS t (stock_id)
      JOIN boxoffice.stock AS s ON s.event_id = check_inventory_event.event AND s.id = t.stock_id
     WHERE s.group_id <> l.group_id
    UNION ALL
    SELECT 'claim_state', l.owner_id, NULL, l.line
      FROM live AS l
      JOIN boxoffice.hold AS h ON h.event_id = check_inventory_event.event AND h.id = l.owner_id
     WHERE (l.state = 'held') <> (h.status IN ('active', 'expired'))
        OR h.status = 'released'
        OR l.state = 'blocked'
    UNION ALL
    SELECT 'claim_owner', c.owner_id, NULL, c.line
      FROM boxoffice.claim AS c
     WHERE c.event_id = check_inventory_event.event
       AND NOT EXISTS (
            SELECT FROM boxoffice.hold AS h WHERE h.event_id = c.event_id AND h.id = c.owner_id)
       AND NOT EXISTS (
            SELECT FROM boxoffice.block AS b WHERE b.event_id = c.event_id AND b.id = c.owner_id)
    UNION ALL
    SELECT 'claim_ticket_type', c.owner_id, c.ticket_type_id, c.line
      FROM boxoffice.claim AS c
     WHERE c.event_id = check_inventory_event.event
       AND c.ticket_type_id IS NOT NULL
       AND NOT EXISTS (
            SELECT FROM boxoffice.ticket_type AS t
             WHERE t.event_id = c.event_id AND t.id = c.ticket_type_id)
    UNION ALL
    SELECT 'claim_session', c.owner_id, c.session_id, c.line
      FROM boxoffice.claim AS c
     WHERE c.event_id = check_inventory_event.event
       AND c.session_id IS NOT NULL
       AND NOT EXISTS (
            SELECT FROM boxoffice.session AS s
             WHERE s.event_id = c.event_id AND s.id = c.session_id)
$$;
COMMENT ON FUNCTION boxoffice.check_inventory_event(bigint) IS
'What check_inventory looks at, of one event.';

-- What is not counted by the row: that the rows are those of what was sold, and kept as long.
CREATE OR REPLACE FUNCTION boxoffice.check_inventory_places(event bigint)
    RETURNS TABLE (problem text, id bigint, expected bigint, found bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'claim_place', c.owner_id, c.session_id, s.session_id
      FROM boxoffice.claim AS c
     CROSS JOIN LATERAL unnest(c.stock_ids) AS t (stock_id)
      JOIN boxoffice.stock AS s ON s.event_id = c.event_id AND s.id = t.stock_id
     WHERE c.event_id = check_inventory_places.event
       AND s.session_id <> c.session_id
    UNION ALL
    SELECT 'claim_block', c.owner_id, c.block_id, c.line
      FROM boxoffice.claim AS c
     WHERE c.event_id = check_inventory_places.event
       AND c.block_id IS NOT NULL
       AND NOT EXISTS (
            SELECT FROM boxoffice.block AS b WHERE b.event_id = c.event_id AND b.id = c.block_id)
    UNION ALL
    SELECT 'claim_deadline', c.owner_id, NULL, c.line
      FROM boxoffice.claim AS c
      JOIN boxoffice.hold AS h
        ON h.event_id = check_inventory_places.event AND h.id = c.owner_id
     WHERE c.event_id = check_inventory_places.event
       AND c.state = 'held'
       AND (c.expires_at < h.expires_at
            OR c.expires_at > h.expires_at
               -- a session that is called off ends carts, but not what they have in other groups
               AND NOT EXISTS (
                SELECT FROM boxoffice.claim AS x
                  JOIN boxoffice.session AS s
                    ON s.event_id = check_inventory_places.event AND s.id = x.session_id
                 WHERE x.event_id = check_inventory_places.event
                   AND x.owner_id = c.owner_id
                   AND s.status = 'cancelled'))
    UNION ALL
    SELECT 'claim_deadline', c.owner_id, NULL, c.line
      FROM boxoffice.block AS b
      JOIN boxoffice.claim AS c
        ON c.event_id = check_inventory_places.event AND c.owner_id = b.id
     WHERE b.event_id = check_inventory_places.event
       AND c.state = 'blocked'
       AND c.expires_at IS DISTINCT FROM b.release_at
    UNION ALL
    SELECT 'stock_scope', s.id, NULL, s.session_id
      FROM boxoffice.stock AS s
      JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id
     WHERE s.event_id = check_inventory_places.event
       AND (p.scope = 'session') <> (s.session_id IS NOT NULL)
$$;
COMMENT ON FUNCTION boxoffice.check_inventory_places(bigint) IS
'What check_inventory looks at, of one event: places of another session, places out of no block, and deadlines that are not those of their hold or block.';

-- No SET here: so that it is inlined. The checks have a pinned search_path.
CREATE OR REPLACE FUNCTION boxoffice.check_events(event bigint)
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
AS $$
    SELECT check_events.event WHERE check_events.event IS NOT NULL
    UNION ALL
    SELECT e.id FROM boxoffice.event AS e WHERE check_events.event IS NULL
$$;
COMMENT ON FUNCTION boxoffice.check_events(bigint) IS
'The events that a check is asked for: one, whether or not there is such an event, or with NULL all.';

CREATE OR REPLACE FUNCTION boxoffice.check_inventory(event bigint)
    RETURNS TABLE (problem text, id bigint, expected bigint, found bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.*
      FROM boxoffice.check_events(check_inventory.event) AS e (id)
     CROSS JOIN LATERAL (
        SELECT * FROM boxoffice.check_inventory_event(e.id)
        UNION ALL
        SELECT * FROM boxoffice.check_inventory_places(e.id)
     ) AS p
$$;
COMMENT ON FUNCTION boxoffice.check_inventory(bigint) IS
'Compares counters of stock rows with the claims on them and looks for orphans: one row for each problem, none when all is well. id is the stock row''s, or the hold''s or block''s whose claim it is (found: its line). NULL: every event.';

-- Which events have claims whose time is up: what the worker goes by. The index on deadlines goes
-- by event, group and deadline, so each group costs one probe, however much is sold: the walk goes
-- from the oldest claim of one group to the next group, and on to the next event where one is
-- overdue.

-- A part of the walk: the groups after one, at most so many (NULL: all of them), numbered.
CREATE OR REPLACE FUNCTION boxoffice_code.expired_look(
    after_event bigint, after_group bigint, most integer)
    RETURNS TABLE (n integer, event_id bigint, group_id bigint, due boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE late AS MATERIALIZED (
        SELECT boxoffice_code.clock() - '5 s'::interval AS before
    ), g AS (
        (SELECT 1 AS n, c.event_id, c.group_id, c.expires_at <= late.before AS due
           FROM boxoffice.claim AS c
          CROSS JOIN late
          WHERE c.state IN ('held', 'pending', 'blocked') AND c.expires_at IS NOT NULL
            AND (c.event_id, c.group_id) > (after_event, after_group)
          ORDER BY c.event_id, c.group_id, c.expires_at
          LIMIT 1)
        UNION ALL
        SELECT g.n + 1, next.event_id, next.group_id, next.expires_at <= late.before
          FROM g
         CROSS JOIN late
         CROSS JOIN LATERAL (
            SELECT c.event_id, c.group_id, c.expires_at
              FROM boxoffice.claim AS c
             WHERE c.state IN ('held', 'pending', 'blocked') AND c.expires_at IS NOT NULL
               AND (c.event_id, c.group_id)
                   > (g.event_id, CASE WHEN g.due THEN 9223372036854775807 ELSE g.group_id END)
             ORDER BY c.event_id, c.group_id, c.expires_at
             LIMIT 1) AS next
         WHERE most IS NULL OR g.n < most
    )
    SELECT g.n, g.event_id, g.group_id, g.due FROM g
$$;
COMMENT ON FUNCTION boxoffice_code.expired_look IS
'The inventory groups with live claims after one, at most so many, and whether one of these is overdue; of an event not those after the first that has one.';

CREATE OR REPLACE FUNCTION boxoffice_code.expired_events()
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.event_id FROM boxoffice_code.expired_look(0, 0, NULL) AS l WHERE l.due
$$;
COMMENT ON FUNCTION boxoffice_code.expired_events IS
'Events that have something for boxoffice_code.expire_claims to take back.';

-- The places of claims whose time is up. for_sale: what came out of a block goes back to it, where
-- it has the pool, as long as the block's own time is not up. In a view, so that each reader brings
-- his event and groups, and reports may read it.
CREATE OR REPLACE VIEW boxoffice_code.stock_lapsed AS
SELECT c.event_id, c.group_id, stock.id AS stock_id, c.state, c.quantity,
       c.block_id IS NULL
       OR NOT EXISTS (
            SELECT
              FROM boxoffice.claim AS b
             WHERE b.event_id = c.event_id
               AND b.owner_id = c.block_id
               AND b.state = 'blocked'
               AND (b.expires_at IS NULL OR b.expires_at > (SELECT boxoffice_code.clock()))
               AND stock.id = ANY (b.stock_ids)) AS for_sale
  FROM boxoffice.claim AS c
 CROSS JOIN LATERAL pg_catalog.unnest(c.stock_ids) AS stock (id)
 WHERE c.state IN ('held', 'pending', 'blocked')
   AND c.expires_at <= (SELECT boxoffice_code.clock());
COMMENT ON VIEW boxoffice_code.stock_lapsed IS
'Places of claims past their deadline that nobody has taken back yet, and whether they can be sold then. Ask by event_id and group_id.';

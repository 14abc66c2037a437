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

-- Counts what each buyer has, of a ticket type or (0) in all, when a limit is set: counters are
-- kept only where there is one. Under the locks of all groups, so nothing that counts comes or goes
-- meanwhile. What has lapsed counts until it is taken back, as ever. No index leads from a buyer to
-- his claims: all of the event's are read.
CREATE OR REPLACE FUNCTION boxoffice_code.buyer_recount(
    event bigint, ticket_type bigint, buyer_limit integer)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS (
        SELECT k.buyer_key, pg_catalog.sum(c.quantity)::integer AS taken
          FROM boxoffice.claim AS c
          JOIN boxoffice.hold AS h
            ON h.event_id = buyer_recount.event AND h.id = c.owner_id
          LEFT JOIN boxoffice.order AS o
            ON o.event_id = buyer_recount.event AND o.hold_id = h.id
         CROSS JOIN LATERAL (VALUES ('s:' || h.subject), (o.email_key)) AS k (buyer_key)
         WHERE c.event_id = buyer_recount.event
           AND c.state IN ('held', 'pending', 'sold')
           AND CASE WHEN buyer_recount.ticket_type = 0 THEN c.parent_line IS NULL
                    ELSE c.ticket_type_id = buyer_recount.ticket_type END
           AND k.buyer_key IS NOT NULL
         GROUP BY k.buyer_key
    ), gone AS (
        UPDATE boxoffice.buyer AS b
           SET taken = 0
         WHERE b.event_id = buyer_recount.event
           AND b.ticket_type_id = buyer_recount.ticket_type
           AND b.taken > 0
           AND NOT EXISTS (SELECT FROM counted AS n WHERE n.buyer_key = b.buyer_key)
    )
    INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max)
    SELECT buyer_recount.event, n.buyer_key, buyer_recount.ticket_type, n.taken,
           GREATEST(n.taken, buyer_recount.buyer_limit)
      FROM counted AS n
     ORDER BY n.buyer_key COLLATE "C"
        ON CONFLICT (event_id, buyer_key, ticket_type_id) DO UPDATE
       SET taken = EXCLUDED.taken, taken_max = EXCLUDED.taken_max
$$;
COMMENT ON FUNCTION boxoffice_code.buyer_recount IS
'Counts anew what each buyer has, of a ticket type or (0) in all, as a limit that was just set goes by it; under the locks of all groups.';

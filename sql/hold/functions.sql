-- Which events have claims whose time is up: what the worker goes by. One probe of the index on
-- deadlines for each event that has live claims at all, so it costs little however much is sold.
CREATE OR REPLACE FUNCTION boxoffice_code.expired_events()
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE g AS (
        (SELECT c.event_id, c.group_id, c.expires_at
           FROM boxoffice.claim AS c
          WHERE c.state IN ('held', 'pending', 'blocked') AND c.expires_at IS NOT NULL
          ORDER BY c.event_id, c.group_id, c.expires_at
          LIMIT 1)
        UNION ALL
        SELECT n.event_id, n.group_id, n.expires_at
          FROM g
         CROSS JOIN LATERAL (
            SELECT c.event_id, c.group_id, c.expires_at
              FROM boxoffice.claim AS c
             WHERE c.state IN ('held', 'pending', 'blocked') AND c.expires_at IS NOT NULL
               AND (c.event_id, c.group_id) > (g.event_id, g.group_id)
             ORDER BY c.event_id, c.group_id, c.expires_at
             LIMIT 1) AS n
    )
    SELECT DISTINCT g.event_id
      FROM g
     WHERE g.expires_at <= (SELECT boxoffice_code.clock()) - '5 s'::interval
$$;
COMMENT ON FUNCTION boxoffice_code.expired_events IS
'Events that have something for boxoffice_code.expire_claims to take back.';

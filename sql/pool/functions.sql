-- Pools and stock rows as answers show them, and how pools are written.

-- How full stock rows are: available (NULL: unlimited) and a state, as a number so that the worst
-- of several is their maximum: 0 available, 1 low (a tenth or less), 2 all_held, 3 sold_out. What
-- has expired counts as free. Claims are looked at only where the counters alone don't tell: where
-- little is left, or the number must be exact. Each row is looked up by its key: a plan for a usual
-- event would read all rows of one with 13,000 sessions (OFFSET 0 forbids that).
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
          FROM pg_catalog.unnest(stocks) AS wanted (id)
         CROSS JOIN LATERAL (
            SELECT x.*
              FROM boxoffice.stock AS x
             WHERE x.event_id = stock_now.event AND x.id = wanted.id
            OFFSET 0
          ) AS s
    ), lapsed AS MATERIALIZED (
        SELECT l.stock_id,
               pg_catalog.sum(l.quantity) FILTER (WHERE l.for_sale)::bigint AS quantity,
               pg_catalog.sum(l.quantity) FILTER (WHERE l.state <> 'blocked') AS waiting
          FROM (
            SELECT DISTINCT n.group_id
              FROM counted AS n
             WHERE n.losable > 0 AND (exact OR (n.places - n.taken) * 10 <= n.places)
          ) AS short
          JOIN boxoffice_code.stock_lapsed AS l
            ON l.event_id = stock_now.event AND l.group_id = short.group_id
         GROUP BY l.stock_id
    ), free AS (
        SELECT n.id, n.places, n.waiting - COALESCE(l.waiting, 0) AS waiting,
               CASE WHEN n.places IS NOT NULL
                    THEN GREATEST(n.places - n.taken + COALESCE(l.quantity, 0), 0)
               END AS places_free
          FROM counted AS n
          LEFT JOIN lapsed AS l ON l.stock_id = n.id
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

-- The pool of an event that a key or an id names; refuses one that is not there.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_find(event bigint, ref text)
    RETURNS boxoffice.pool
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.pool;
BEGIN
    SELECT * INTO found
      FROM boxoffice.pool AS p
     WHERE p.event_id = pool_find.event AND p.key = ref;
    IF found.id IS NULL AND ref ~ '^[0-9]{1,18}$' THEN
        SELECT * INTO found
          FROM boxoffice.pool AS p
         WHERE p.event_id = pool_find.event AND p.id = ref::bigint;
    END IF;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'pool');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_find IS 'The pool with this key or id.';

-- The same for a pool that a body or a query names; NULL for none named.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_named(event bigint, ref text, pointer text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint;
BEGIN
    SELECT p.id
      INTO found
      FROM boxoffice.pool AS p
     WHERE p.event_id = pool_named.event AND (p.key = ref OR p.id::text = ref)
     ORDER BY p.key = ref DESC
     LIMIT 1;
    IF found IS NULL AND ref IS NOT NULL THEN
        PERFORM boxoffice_code.refuse('unknown_reference', pointer);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_named IS
'The id of the pool with this key or id; refuses, at a pointer, a name that is unknown.';

CREATE OR REPLACE FUNCTION boxoffice_code.pool_json(event bigint, pool bigint)
    RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.json_build_object(
               'id', p.id::text,
               'key', p.key,
               'name', p.name,
               'scope', p.scope,
               'capacity', p.capacity,
               'overbook', p.overbook,
               'held', c.held,
               'pending', c.pending,
               'sold', c.sold,
               'blocked', c.blocked)
      FROM boxoffice.pool AS p
     CROSS JOIN LATERAL (
        SELECT COALESCE(pg_catalog.sum(s.held), 0) AS held,
               COALESCE(pg_catalog.sum(s.pending), 0) AS pending,
               COALESCE(pg_catalog.sum(s.sold), 0) AS sold,
               COALESCE(pg_catalog.sum(s.blocked), 0) AS blocked
          FROM boxoffice.stock AS s
         WHERE s.event_id = p.event_id AND s.pool_id = p.id
      ) AS c
     WHERE p.event_id = pool_json.event AND p.id = pool_json.pool
$$;
COMMENT ON FUNCTION boxoffice_code.pool_json IS
'A pool with its counts over all stock, as its organizer sees it.';

-- The stock rows of a new pool. Nothing is linked to it yet, so each of its rows is a group of its
-- own, and nobody who sells the event waits for this.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_stock(pool boxoffice.pool)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH place AS MATERIALIZED (
        SELECT s.id AS session_id, boxoffice_code.new_id() AS group_id
          FROM (VALUES (true)) AS one (row)
          LEFT JOIN (
            SELECT x.id, x.starts_at
              FROM boxoffice.session AS x
             WHERE x.event_id = pool.event_id AND pool.scope = 'session'
          ) AS s ON true
         WHERE s.id IS NOT NULL OR pool.scope = 'event'
         ORDER BY s.starts_at, s.id
    ), made AS (
        INSERT INTO boxoffice.inventory_group (event_id, id)
        SELECT pool.event_id, p.group_id FROM place AS p
    )
    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT pool.event_id, boxoffice_code.new_id(), pool.id, p.session_id, p.group_id,
           pool.capacity, pool.overbook, 0, 0, 0, 0
      FROM place AS p;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_stock IS
'Writes the stock rows of a new pool, for all sessions there are.';

-- Changes the capacities of a pool's rows: of those that follow the pool (have what it has), of
-- all, or of none.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_edit(
    event boxoffice.event, found boxoffice.pool, wanted boxoffice.pool, apply text, reason text,
    preview boolean)
    RETURNS json
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stocks CONSTANT bigint[] := ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
         WHERE s.event_id = found.event_id
           AND s.pool_id = found.id
           AND (wanted.capacity, wanted.overbook)
               IS DISTINCT FROM (found.capacity, found.overbook)
           AND (apply = 'all' OR apply = 'following'
                AND (s.capacity, s.overbook) IS NOT DISTINCT FROM (found.capacity, found.overbook))
         ORDER BY s.id);
    n CONSTANT integer := pg_catalog.cardinality(stocks);
BEGIN
    RETURN boxoffice_code.stock_edit(
        event, stocks, pg_catalog.array_fill(wanted.capacity, ARRAY[n]),
        pg_catalog.array_fill(wanted.overbook, ARRAY[n]), reason, preview);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_edit IS
'Changes the capacities of a pool''s rows, or says what that would do.';

-- Locks the groups of a pool's rows and takes back what has expired of them.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_free(pool boxoffice.pool)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stocks CONSTANT bigint[] := ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
         WHERE s.event_id = pool.event_id AND s.pool_id = pool.id
         ORDER BY s.id);
BEGIN
    PERFORM boxoffice_code.stock_reclaim(
        pool.event_id, stocks,
        pg_catalog.array_fill(0::bigint, ARRAY[pg_catalog.cardinality(stocks)]));
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_free IS
'Locks the groups of a pool''s stock rows and takes back what has expired of them.';

-- Why a pool can't be removed: its ticket types, what is taken from it, or what ever was: a claim
-- keeps its rows' ids for good, and a late payment may want its places again.
CREATE OR REPLACE FUNCTION boxoffice_code.pool_uses(pool boxoffice.pool)
    RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    uses text[] := ARRAY(
        SELECT 'ticket_type ' || t.key
          FROM boxoffice.ticket_type_pool AS x
          JOIN boxoffice.ticket_type AS t ON t.event_id = x.event_id AND t.id = x.ticket_type_id
         WHERE x.event_id = pool.event_id AND x.pool_id = pool.id
         ORDER BY t.position, t.id);
    places boolean;
    history boolean;
BEGIN
    SELECT pg_catalog.bool_or(s.held + s.pending + s.sold + s.blocked > 0),
           pg_catalog.bool_or(s.used)
      INTO places, history
      FROM boxoffice.stock AS s
     WHERE s.event_id = pool.event_id AND s.pool_id = pool.id;
    IF places THEN
        uses := uses || 'places'::text;
    ELSIF history THEN
        uses := uses || 'history'::text;
    END IF;
    RETURN uses;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_uses IS
'What stands in the way of removing a pool: "ticket_type KEY", "places" or "history".';

CREATE OR REPLACE FUNCTION boxoffice_code.pool_remove(pool boxoffice.pool)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM boxoffice.stock AS s
         WHERE s.event_id = pool.event_id AND s.pool_id = pool.id
        RETURNING s.group_id
    )
    DELETE FROM boxoffice.inventory_group AS g
     USING (SELECT DISTINCT x.group_id FROM gone AS x) AS x
     WHERE g.event_id = pool.event_id
       AND g.id = x.group_id
       AND NOT EXISTS (
        SELECT FROM boxoffice.stock AS s
         WHERE s.event_id = g.event_id AND s.group_id = g.id AND s.pool_id <> pool.id);
    DELETE FROM boxoffice.pool AS p WHERE p.event_id = pool.event_id AND p.id = pool.id;
    PERFORM boxoffice_code.event_changed(pool.event_id, 'pool_delete', pool.key);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pool_remove IS
'Removes a pool that nothing uses, with its stock rows and their groups.';

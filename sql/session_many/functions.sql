-- Many sessions changed at once: which ones a filter means, what a change makes of them, and what
-- is wrong with it. Everything is asked of all sessions together, never of one after the other.

-- The sessions that a list names, in its order; NULL where there is none.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_listed(event bigint, refs jsonb)
    RETURNS TABLE (n bigint, id bigint, status text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.n - 1, COALESCE(k.id, i.id), COALESCE(k.status, i.status)
      FROM pg_catalog.jsonb_array_elements_text(boxoffice_code.list_or_none(refs))
           WITH ORDINALITY AS r (ref, n)
      LEFT JOIN boxoffice.session AS k
        ON k.event_id = sessions_listed.event AND k.key = r.ref
      LEFT JOIN boxoffice.session AS i
        ON i.event_id = sessions_listed.event AND k.id IS NULL
       AND i.id = CASE WHEN r.ref ~ '^[0-9]{1,18}$' THEN r.ref::bigint END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_listed IS
'The sessions that keys or ids name; NULL where there is none.';

-- The sessions that a filter means, by time, at most so many. What is cancelled stays as it is.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_where(
    event bigint, wanted jsonb, most integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    all_of CONSTANT boolean := NOT wanted ? 'sessions';
    days CONSTANT jsonb := wanted -> 'weekdays';
    clocks CONSTANT jsonb := wanted -> 'times';
    since CONSTANT timestamptz := COALESCE(wanted ->> 'from', '-infinity');
    until CONSTANT timestamptz := COALESCE(wanted ->> 'to', 'infinity');
    state CONSTANT text := wanted ->> 'status';
    listed CONSTANT bigint[] := ARRAY(
        SELECT l.id
          FROM boxoffice_code.sessions_listed(event, wanted -> 'sessions') AS l
         WHERE l.id IS NOT NULL);
BEGIN
    RETURN ARRAY(
        SELECT s.id
          FROM boxoffice.session AS s
         WHERE s.event_id = sessions_where.event
           AND s.starts_at >= since
           AND s.starts_at < until
           AND s.status <> 'cancelled'
           AND (state IS NULL OR s.status = state)
           AND (days IS NULL
                OR days ? pg_catalog.to_char(s.starts_at AT TIME ZONE s.zone, 'dy'))
           AND (clocks IS NULL
                OR clocks ? pg_catalog.to_char(s.starts_at AT TIME ZONE s.zone, 'HH24:MI'))
           AND (all_of OR s.id IN (SELECT pg_catalog.unnest(listed)))
         ORDER BY s.starts_at, s.id
         LIMIT most);
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_where IS
'The sessions that a filter means, by time, at most so many; none that is cancelled.';

-- What sessions would be, each with the names of what becomes different.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_made(
    event boxoffice.event, sessions bigint[], change jsonb)
    RETURNS TABLE (id bigint, key text, name text, status text, ends_at timestamptz,
                   venue_id bigint, sale_starts_at timestamptz, sale_ends_at timestamptz,
                   close_ms bigint, members text[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    venue CONSTANT bigint := boxoffice_code.venue_find(event.organizer_id, change ->> 'venue');
    lasts CONSTANT interval := (change ->> 'duration_minutes')::integer * '1 min'::interval;
    opens CONSTANT interval := (change ->> 'sale_open_offset_seconds')::bigint * '1 s'::interval;
BEGIN
    RETURN QUERY
    SELECT n.id, n.key, n.name, n.status, n.ends_at, n.venue_id, n.sale_starts_at,
           n.sale_ends_at, n.close_ms,
           pg_catalog.array_remove(ARRAY[
               CASE WHEN n.name IS DISTINCT FROM s.name THEN 'name' END,
               CASE WHEN n.status <> s.status THEN 'status' END,
               CASE WHEN n.ends_at IS DISTINCT FROM s.ends_at THEN 'ends_at' END,
               CASE WHEN n.venue_id IS DISTINCT FROM s.venue_id THEN 'venue' END,
               CASE WHEN n.sale_starts_at IS DISTINCT FROM s.sale_starts_at
                    THEN 'sale_starts_at' END,
               CASE WHEN n.sale_ends_at IS DISTINCT FROM s.sale_ends_at
                    THEN 'sale_ends_at' END,
               CASE WHEN n.close_ms <> s.sale_close_offset_ms
                    THEN 'sale_close_offset_seconds' END], NULL)
      FROM pg_catalog.unnest(sessions) AS w (id)
      JOIN boxoffice.session AS s
        ON s.event_id = event.id AND s.id = w.id
     CROSS JOIN LATERAL (
        SELECT s.id, s.key,
               CASE WHEN change ? 'name' THEN change ->> 'name' ELSE s.name END AS name,
               COALESCE(change ->> 'status', s.status) AS status,
               CASE WHEN change ? 'duration_minutes' THEN s.starts_at + lasts
                    ELSE s.ends_at END AS ends_at,
               CASE WHEN change ? 'venue' THEN venue ELSE s.venue_id END AS venue_id,
               CASE WHEN change ? 'sale_open_offset_seconds' THEN s.starts_at + opens
                    WHEN change ? 'sale_starts_at'
                    THEN (change ->> 'sale_starts_at')::timestamptz
                    ELSE s.sale_starts_at END AS sale_starts_at,
               CASE WHEN change ? 'sale_ends_at' THEN (change ->> 'sale_ends_at')::timestamptz
                    ELSE s.sale_ends_at END AS sale_ends_at,
               COALESCE((change ->> 'sale_close_offset_seconds')::bigint * 1000,
                        s.sale_close_offset_ms) AS close_ms
      ) AS n;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_made IS
'What a change makes of sessions, and what of each becomes different.';

-- The prices that sessions would have where that is another one than now; NULL for the type's own.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_priced(
    event bigint, sessions bigint[], change jsonb)
    RETURNS TABLE (session_id bigint, ticket_type_id bigint, price bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT w.id, t.id, x.price
      FROM pg_catalog.jsonb_to_recordset(boxoffice_code.list_or_none(change -> 'prices'))
           AS x (ticket_type text, price bigint)
      JOIN boxoffice.ticket_type AS t
        ON t.event_id = sessions_priced.event AND t.key = x.ticket_type
     CROSS JOIN pg_catalog.unnest(sessions) AS w (id)
      LEFT JOIN boxoffice.session_price AS p
        ON p.event_id = sessions_priced.event
       AND p.ticket_type_id = t.id
       AND p.session_id = w.id
     WHERE p.price IS DISTINCT FROM x.price;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_priced IS
'The prices that a change gives sessions where they have another one; NULL is the type''s own.';

-- The capacities that stock rows of sessions are wanted to have, by id.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_stocked(
    event bigint, sessions bigint[], change jsonb)
    RETURNS TABLE (stock bigint, session_id bigint, capacity integer, overbook integer,
                   different boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT n.id, n.session_id, n.capacity, n.overbook,
           (n.capacity, n.overbook) IS DISTINCT FROM (n.capacity_now, n.overbook_now)
      FROM (
        SELECT k.id, k.session_id, k.capacity AS capacity_now, k.overbook AS overbook_now,
               CASE WHEN x.item ? 'capacity' THEN (x.item ->> 'capacity')::integer
                    WHEN k.capacity IS NOT NULL THEN LEAST(GREATEST(
                        k.capacity + COALESCE((x.item ->> 'add')::bigint, 0), 0), 100000000)
               END::integer AS capacity,
               COALESCE((x.item ->> 'overbook')::integer, k.overbook) AS overbook
          FROM pg_catalog.jsonb_array_elements(
                   boxoffice_code.list_or_none(change -> 'capacities')) AS x (item)
          JOIN boxoffice.pool AS p
            ON p.event_id = sessions_stocked.event AND p.key = x.item ->> 'pool'
         CROSS JOIN pg_catalog.unnest(sessions) AS w (id)
          JOIN boxoffice.stock AS k
            ON k.event_id = sessions_stocked.event
           AND k.pool_id = p.id
           AND k.session_id = w.id
      ) AS n
     ORDER BY n.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_stocked IS
'The capacities that a change gives stock rows of sessions, and whether they have others now.';

-- ---- what is wrong
-- ------------------------------------------------------------------------------

-- What is wrong with what a change says, whichever sessions it is of.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_faults_asked(
    event boxoffice.event, change jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('invalid_document', '/patch/sale_open_offset_seconds',
               'Say this or sale_starts_at, not both.')
     WHERE change ?& '{sale_starts_at,sale_open_offset_seconds}'
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/patch/venue',
               'The organizer has no such venue.')
     WHERE change ->> 'venue' IS NOT NULL
       AND boxoffice_code.venue_find(event.organizer_id, change ->> 'venue') IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/patch/capacities/' || (x.n - 1),
               'Say one of capacity and add, or overbook, or both.')
      FROM pg_catalog.jsonb_array_elements(
               boxoffice_code.list_or_none(change -> 'capacities'))
           WITH ORDINALITY AS x (item, n)
     WHERE NOT x.item ?| '{capacity,add,overbook}' OR x.item ?& '{capacity,add}'
    UNION ALL
    SELECT f.fault || pg_catalog.jsonb_build_object('pointer', '/patch' || pg_catalog.substr(
               f.fault ->> 'pointer', pg_catalog.length('/rule') + 1))
      FROM boxoffice_code.session_faults_parts(event.id, NULL, change) AS f (fault)
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_faults_asked IS
'What is wrong with a change of many sessions in itself.';

-- What is wrong with single sessions: those of the list that are none, or cancelled, and those that
-- the change would make impossible.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_faults_made(
    event boxoffice.event, wanted jsonb, change jsonb, sessions bigint[])
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    (SELECT boxoffice_code.fault(
                CASE WHEN l.id IS NULL THEN 'unknown_reference' ELSE 'event_cancelled' END,
                '/where/sessions/' || l.n,
                CASE WHEN l.id IS NULL THEN 'The event has no such session.'
                     ELSE 'The session is cancelled.' END)
       FROM boxoffice_code.sessions_listed(event.id, wanted -> 'sessions') AS l
      WHERE l.id IS NULL OR l.status = 'cancelled'
      ORDER BY l.n)
    UNION ALL
    (SELECT boxoffice_code.fault('invalid_document',
                CASE WHEN change ? 'sale_ends_at' THEN '/patch/sale_ends_at'
                     WHEN change ? 'sale_starts_at' THEN '/patch/sale_starts_at'
                     ELSE '/patch/sale_open_offset_seconds' END,
                'The sale of the session would end before it starts.')
            || pg_catalog.jsonb_build_object('session', m.key)
       FROM boxoffice_code.sessions_made(event, sessions, change) AS m
      WHERE m.members <> '{}' AND m.sale_ends_at <= m.sale_starts_at
      ORDER BY m.id)
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_faults_made IS
'Which sessions a change of many can not be made of, and why.';

-- ---- answer and writing
-- -------------------------------------------------------------------------

-- What a change does, or would do (schema SessionsChanged, but for what came of the stock).
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_change_json(
    event boxoffice.event, sessions bigint[], change jsonb, faults jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH different AS MATERIALIZED (
            SELECT m.id, x.member
              FROM boxoffice_code.sessions_made(event, sessions, change) AS m
             CROSS JOIN LATERAL pg_catalog.unnest(m.members) AS x (member)
            UNION
            SELECT p.session_id, 'prices'
              FROM boxoffice_code.sessions_priced(event.id, sessions, change) AS p
            UNION
            SELECT k.session_id, 'capacities'
              FROM boxoffice_code.sessions_stocked(event.id, sessions, change) AS k
             WHERE k.different
        ), shown AS (
            SELECT s.id, s.key, s.starts_at, s.zone, d.members
              FROM (
                SELECT x.id, pg_catalog.json_agg(x.member ORDER BY x.member) AS members
                  FROM different AS x
                 GROUP BY x.id
              ) AS d
              JOIN boxoffice.session AS s ON s.event_id = event.id AND s.id = d.id
             ORDER BY s.starts_at, s.id
             LIMIT 100
        )
        SELECT pg_catalog.jsonb_build_object(
                   'matched', pg_catalog.cardinality(sessions),
                   'changed', (SELECT pg_catalog.count(DISTINCT d.id) FROM different AS d),
                   'members', (
                        SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                   'member', c.member, 'sessions', c.count)
                                   ORDER BY c.member), '[]')
                          FROM (SELECT d.member, pg_catalog.count(*) AS count
                                  FROM different AS d
                                 GROUP BY d.member) AS c),
                   'items', (
                        SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                   'id', s.id::text, 'key', s.key,
                                   'starts_at', boxoffice_code.time_text(s.starts_at, s.zone),
                                   'zone', s.zone, 'members', s.members)
                                   ORDER BY s.starts_at, s.id), '[]')
                          FROM shown AS s),
                   'refused_count', pg_catalog.jsonb_array_length(faults),
                   'refused', (
                        SELECT COALESCE(pg_catalog.jsonb_agg(f.fault ORDER BY f.n), '[]')
                          FROM pg_catalog.jsonb_array_elements(faults)
                               WITH ORDINALITY AS f (fault, n)
                         WHERE f.n <= 100)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_change_json IS
'What a change of many sessions does: how many become different in what, and what is refused.';

-- Writes sessions and their prices as a change makes them. Returns whether anything is different.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_write(
    event boxoffice.event, sessions bigint[], change jsonb)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows bigint;
    prices bigint := 0;
BEGIN
    UPDATE boxoffice.session AS s
       SET name = m.name,
           status = m.status,
           ends_at = m.ends_at,
           venue_id = m.venue_id,
           sale_starts_at = m.sale_starts_at,
           sale_ends_at = m.sale_ends_at,
           sale_close_offset_ms = m.close_ms
      FROM boxoffice_code.sessions_made(event, sessions, change) AS m
     WHERE s.event_id = event.id AND s.id = m.id AND m.members <> '{}';
    GET DIAGNOSTICS rows = ROW_COUNT;
    IF change ? 'prices' THEN
        WITH wanted AS MATERIALIZED (
            SELECT * FROM boxoffice_code.sessions_priced(event.id, sessions, change)
        ), gone AS (
            DELETE FROM boxoffice.session_price AS p
             USING wanted AS w
             WHERE w.price IS NULL
               AND p.event_id = event.id
               AND p.ticket_type_id = w.ticket_type_id
               AND p.session_id = w.session_id
        ), put AS (
            INSERT INTO boxoffice.session_price (event_id, ticket_type_id, session_id, price)
            SELECT event.id, w.ticket_type_id, w.session_id, w.price
              FROM wanted AS w
             WHERE w.price IS NOT NULL
                ON CONFLICT ON CONSTRAINT session_price_pkey DO UPDATE SET price = EXCLUDED.price
        )
        SELECT pg_catalog.count(*) INTO prices FROM wanted;
    END IF;
    RETURN rows + prices > 0;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_write IS
'Writes what a change makes of sessions, and their prices; whether anything is different.';

-- Changes capacities of stock rows of sessions, or says what that would do; NULL if the change
-- names none.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_edit_stock(
    event boxoffice.event, sessions bigint[], change jsonb, reason text, preview boolean)
    RETURNS json
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stocks bigint[];
    capacities integer[];
    overbooks integer[];
BEGIN
    IF boxoffice_code.list_or_none(change -> 'capacities') = '[]' THEN
        RETURN NULL;
    END IF;
    SELECT COALESCE(pg_catalog.array_agg(k.stock ORDER BY k.stock), '{}'),
           COALESCE(pg_catalog.array_agg(k.capacity ORDER BY k.stock), '{}'),
           COALESCE(pg_catalog.array_agg(k.overbook ORDER BY k.stock), '{}')
      INTO stocks, capacities, overbooks
      FROM boxoffice_code.sessions_stocked(event.id, sessions, change) AS k;
    RETURN boxoffice_code.stock_edit(
        event, stocks, capacities, overbooks, reason, preview, (
            SELECT pg_catalog.jsonb_object_agg(
                       x.item ->> 'pool', '/patch/capacities/' || (x.n - 1))
              FROM pg_catalog.jsonb_array_elements(change -> 'capacities')
                   WITH ORDINALITY AS x (item, n)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_edit_stock IS
'Changes capacities of sessions, or says what that would do.';

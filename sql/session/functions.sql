-- The sessions of an event: which there are, as answers show them, and how full each is.

-- Sessions by time: at most so many, after a cursor. Without a lower bound those that are over are
-- left out.
CREATE OR REPLACE FUNCTION boxoffice_code.session_page(
    event bigint, since timestamptz, until timestamptz, after_time timestamptz, after_id bigint,
    wanted integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
BEGIN
    RETURN ARRAY(
        SELECT s.id
          FROM boxoffice.session AS s
         WHERE s.event_id = event
           AND (s.starts_at, s.id) > (COALESCE(after_time, '-infinity'), COALESCE(after_id, 0))
           AND s.starts_at >= COALESCE(since, '-infinity')
           AND s.starts_at < COALESCE(until, 'infinity')
           AND (since IS NOT NULL OR COALESCE(s.ends_at, s.starts_at) >= now)
         ORDER BY s.starts_at, s.id
         LIMIT wanted);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_page IS 'Ids of sessions of an event, by time.';

-- What the public sees of each shown type in these sessions, as a JSON array a session. A type with
-- several pools has as much as the scarcest of them; a type without a pool can't be sold and is
-- left out.
CREATE OR REPLACE FUNCTION boxoffice_code.session_availability(
    event bigint, sessions bigint[], exact boolean)
    RETURNS TABLE (session_id bigint, availability json)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH stock AS MATERIALIZED (
        SELECT s.id, s.pool_id, s.session_id
          FROM boxoffice.stock AS s
         WHERE s.event_id = session_availability.event
           AND (s.session_id = ANY (sessions) OR s.session_id IS NULL)
    ), now AS MATERIALIZED (
        SELECT s.pool_id, s.session_id, n.available, n.state
          FROM boxoffice_code.stock_now(
                   event, (SELECT pg_catalog.array_agg(stock.id) FROM stock), exact) AS n
          JOIN stock AS s ON s.id = n.id
    ), sold AS (
        SELECT wanted.id AS session_id, t.position, t.id, t.key,
               pg_catalog.min(n.available) AS available, pg_catalog.max(n.state) AS state
          FROM pg_catalog.unnest(sessions) AS wanted (id)
         CROSS JOIN boxoffice.ticket_type AS t
          JOIN boxoffice.ticket_type_pool AS p
            ON p.event_id = t.event_id AND p.ticket_type_id = t.id
          JOIN now AS n
            ON n.pool_id = p.pool_id AND (n.session_id = wanted.id OR n.session_id IS NULL)
         WHERE t.event_id = session_availability.event
           AND t.status <> 'retired'
           AND NOT t.hidden
           AND (t.all_sessions OR EXISTS (
                SELECT FROM boxoffice.ticket_type_session AS x
                 WHERE x.event_id = t.event_id
                   AND x.ticket_type_id = t.id
                   AND x.session_id = wanted.id))
         GROUP BY wanted.id, t.position, t.id, t.key
    )
    SELECT s.session_id,
           pg_catalog.json_agg(
               CASE WHEN exact
                    THEN pg_catalog.json_build_object(
                        'ticket_type', s.key,
                        'state', boxoffice_code.stock_state_name(s.state),
                        'available', s.available)
                    ELSE pg_catalog.json_build_object(
                        'ticket_type', s.key,
                        'state', boxoffice_code.stock_state_name(s.state)) END
               ORDER BY s.position, s.id)
      FROM sold AS s
     GROUP BY s.session_id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_availability IS
'What the public sees of how much is left of each shown ticket type in sessions; with numbers if exact.';

-- Sessions in the order given by their start, as the public sees them.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_json(event boxoffice.event, sessions bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'key', s.key,
                   'name', s.name,
                   'status', s.status,
                   'starts_at', boxoffice_code.local_time(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.local_time(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.local_time(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', boxoffice_code.venue_json(v),
                   'sale_starts_at', boxoffice_code.local_time(
                       GREATEST(s.sale_starts_at, event.sale_starts_at), s.zone),
                   'sale_ends_at', boxoffice_code.local_time(
                       LEAST(s.sale_ends_at, event.sale_ends_at,
                             s.starts_at + s.sale_close_offset_ms * '1 ms'::interval), s.zone),
                   'availability', COALESCE(a.availability, '[]'::json))
                   ORDER BY s.starts_at, s.id), '[]'::json)
          FROM boxoffice.session AS s
          LEFT JOIN boxoffice.venue AS v ON v.id = COALESCE(s.venue_id, event.venue_id)
          LEFT JOIN boxoffice_code.session_availability(
                    event.id, sessions, event.show_quantity) AS a
            ON a.session_id = s.id
         WHERE s.event_id = event.id AND s.id = ANY (sessions));
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_json IS 'Sessions as the public sees them, by time.';

CREATE OR REPLACE FUNCTION boxoffice_code.sessions_own_json(event boxoffice.event)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'key', s.key,
                   'name', s.name,
                   'status', s.status,
                   'starts_at', boxoffice_code.local_time(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.local_time(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.local_time(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', v.key,
                   'sale_starts_at', boxoffice_code.local_time(s.sale_starts_at, s.zone),
                   'sale_ends_at', boxoffice_code.local_time(s.sale_ends_at, s.zone),
                   'sale_close_offset_seconds', s.sale_close_offset_ms / 1000)
                   ORDER BY s.starts_at, s.id), '[]'::json)
          FROM (
            SELECT x.*
              FROM boxoffice.session AS x
             WHERE x.event_id = event.id
             ORDER BY x.starts_at, x.id
             LIMIT 200
          ) AS s
          LEFT JOIN boxoffice.venue AS v ON v.id = s.venue_id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_own_json IS
'The first 200 sessions of an event as its organizer sees them.';

-- ---- sessions of a new event's document
-- ----------------------------------------------------------

-- What is wrong with the sessions of a document.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_sessions(organizer bigint, document jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH session AS (
        SELECT '/sessions/' || (s.n - 1) AS pointer, s.*,
               pg_catalog.row_number() OVER (PARTITION BY s.key ORDER BY s.n) AS use
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(document -> 'sessions') AS (
                   key text, starts_at timestamptz, ends_at timestamptz, zone text, venue text,
                   sale_starts_at timestamptz, sale_ends_at timestamptz))
               WITH ORDINALITY
               AS s (key, starts_at, ends_at, zone, venue, sale_starts_at, sale_ends_at, n)
    )
    SELECT boxoffice_code.fault('invalid_document', s.pointer || '/key',
               'An earlier session has this key.')
      FROM session AS s
     WHERE s.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', s.pointer || '/ends_at',
               'The session ends before it starts.')
      FROM session AS s
     WHERE s.ends_at < s.starts_at
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', s.pointer || '/sale_ends_at',
               'The sale ends before it starts.')
      FROM session AS s
     WHERE s.sale_ends_at <= s.sale_starts_at
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', s.pointer || '/zone',
               'The time zone is not known.')
      FROM session AS s
     WHERE NOT boxoffice_code.zone_known(s.zone)
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', s.pointer || '/venue',
               'The organizer has no such venue.')
      FROM session AS s
     WHERE s.venue IS NOT NULL AND boxoffice_code.venue_find(organizer, s.venue) IS NULL
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_sessions IS
'What is wrong with the sessions of a new event''s document.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_sessions(
    event boxoffice.event, sessions jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.session (
        event_id, id, key, name, status, starts_at, ends_at, zone, venue_id,
        sale_starts_at, sale_ends_at, sale_close_offset_ms)
    SELECT event.id, boxoffice_code.new_id(), s.key, s.name, 'open', s.starts_at, s.ends_at,
           COALESCE(s.zone, event.zone), boxoffice_code.venue_find(event.organizer_id, s.venue),
           s.sale_starts_at, s.sale_ends_at, COALESCE(s.sale_close_offset_seconds, 0) * 1000
      FROM pg_catalog.jsonb_to_recordset(sessions) AS s (
               key text, name text, starts_at timestamptz, ends_at timestamptz, zone text,
               venue text, sale_starts_at timestamptz, sale_ends_at timestamptz,
               sale_close_offset_seconds bigint);

    UPDATE boxoffice.event AS e
       SET starts_at = s.starts_at,
           ends_at = s.ends_at
      FROM (
        SELECT pg_catalog.min(x.starts_at) AS starts_at,
               pg_catalog.max(COALESCE(x.ends_at, x.starts_at)) AS ends_at
          FROM boxoffice.session AS x
         WHERE x.event_id = event.id
      ) AS s
     WHERE e.id = event.id;
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_sessions IS
'Writes sessions of an event, and when its first starts and its last ends.';

-- The session of an event that a key or an id names; NULL for none named.
CREATE OR REPLACE FUNCTION boxoffice_code.session_named(event bigint, ref text, pointer text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint;
BEGIN
    SELECT s.id
      INTO found
      FROM boxoffice.session AS s
     WHERE s.event_id = session_named.event AND s.key = ref;
    IF found IS NULL AND ref ~ '^[0-9]{1,18}$' THEN
        SELECT s.id
          INTO found
          FROM boxoffice.session AS s
         WHERE s.event_id = session_named.event AND s.id = ref::bigint;
    END IF;
    IF found IS NULL AND ref IS NOT NULL THEN
        PERFORM boxoffice_code.refuse('unknown_reference', pointer);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_named IS
'The id of the session with this key or id; refuses, at a pointer, a name that is unknown.';

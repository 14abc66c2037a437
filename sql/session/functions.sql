-- The sessions of an event: which there are, as answers show them, and how full each is.

-- Sessions by time: at most so many, after a cursor. Without a lower bound those that are over are
-- left out; what has begun but is not over began no longer ago than the longest session lasts, so
-- what is past is not walked through, however much it is.
CREATE OR REPLACE FUNCTION boxoffice_code.session_page(
    event bigint, since timestamptz, until timestamptz, after_time timestamptz, after_id bigint,
    wanted integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    begin_at timestamptz := since;
    begin_id bigint := 0;
BEGIN
    IF since IS NULL THEN
        begin_at := now - COALESCE((
            SELECT pg_catalog.max(COALESCE(s.ends_at, s.starts_at) - s.starts_at)
              FROM boxoffice.session AS s
             WHERE s.event_id = session_page.event), '0');
    END IF;
    IF after_time >= begin_at THEN
        begin_at := after_time;
        begin_id := after_id;
    END IF;
    RETURN ARRAY(
        SELECT s.id
          FROM boxoffice.session AS s
         WHERE s.event_id = session_page.event
           AND (s.starts_at, s.id) > (begin_at, begin_id)
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
    RETURNS TABLE (session_id bigint, availability json, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH stock AS MATERIALIZED (
        SELECT k.id, k.pool_id, k.session_id
          FROM pg_catalog.unnest(sessions) AS wanted (id)
         CROSS JOIN LATERAL (
            SELECT s.id, s.pool_id, s.session_id
              FROM boxoffice.stock AS s
             WHERE s.event_id = session_availability.event AND s.session_id = wanted.id
            OFFSET 0
          ) AS k
        UNION ALL
        SELECT s.id, s.pool_id, s.session_id
          FROM boxoffice.stock AS s
         WHERE s.event_id = session_availability.event AND s.session_id IS NULL
    ), now AS MATERIALIZED (
        SELECT s.id, s.pool_id, s.session_id, n.available, n.state
          FROM boxoffice_code.stock_now(
                   event, (SELECT pg_catalog.array_agg(stock.id) FROM stock), exact) AS n
          JOIN stock AS s ON s.id = n.id
    ), sold AS (
        SELECT wanted.id AS session_id, t.position, t.id, t.key, t.price,
               pg_catalog.min(LEAST(n.available / (p.each + COALESCE(x.each, 0)),
                                    pass.available)) AS available,
               pg_catalog.max(GREATEST(
                   n.state, CASE WHEN n.available < p.each + COALESCE(x.each, 0) THEN 2 END,
                   pass.state)) AS state
          FROM pg_catalog.unnest(sessions) AS wanted (id)
         CROSS JOIN boxoffice.ticket_type AS t
          JOIN boxoffice_code.ticket_type_takes(session_availability.event) AS p
            ON p.ticket_type_id = t.id
          JOIN now AS n
            ON n.pool_id = p.pool_id AND (n.session_id = wanted.id OR n.session_id IS NULL)
          LEFT JOIN boxoffice_code.ticket_type_takes_passes(session_availability.event) AS x
            ON x.ticket_type_id = t.id AND x.stock_id = n.id
          LEFT JOIN boxoffice_code.ticket_type_left_passes(event, exact) AS pass
            ON pass.ticket_type_id = t.id
         WHERE t.event_id = session_availability.event
           AND t.status <> 'retired' AND NOT t.hidden AND t.admits = 'session'
           AND (t.id, wanted.id) NOT IN (
                SELECT k.ticket_type_id, k.session_id
                  FROM boxoffice_code.ticket_type_absent(
                           session_availability.event, sessions) AS k)
         GROUP BY wanted.id, t.position, t.id, t.key, t.price
    )
    SELECT s.session_id,
           pg_catalog.json_agg(
               CASE WHEN exact
                    THEN pg_catalog.json_build_object(
                        'ticket_type', s.key, 'price', COALESCE(x.price, s.price),
                        'state', boxoffice_code.stock_state_name(s.state),
                        'available', s.available)
                    ELSE pg_catalog.json_build_object(
                        'ticket_type', s.key, 'price', COALESCE(x.price, s.price),
                        'state', boxoffice_code.stock_state_name(s.state)) END
               ORDER BY s.position, s.id),
           pg_catalog.min(s.state)
      FROM sold AS s
      LEFT JOIN LATERAL (
        SELECT p.price
          FROM boxoffice.session_price AS p
         WHERE p.event_id = session_availability.event
           AND p.ticket_type_id = s.id
           AND p.session_id = s.session_id
        OFFSET 0
      ) AS x ON true
     GROUP BY s.session_id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_availability IS
'What the public sees of how much is left of each shown ticket type in sessions, and of the session: the best of its types; with numbers if exact.';

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
                   'starts_at', boxoffice_code.time_text(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.time_text(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.time_text(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', boxoffice_code.venue_json(v),
                   'sale_starts_at', boxoffice_code.time_text(
                       GREATEST(s.sale_starts_at, event.sale_starts_at), s.zone),
                   'sale_ends_at', boxoffice_code.time_text(
                       LEAST(s.sale_ends_at, event.sale_ends_at,
                             s.starts_at + s.sale_close_offset_ms * '1 ms'::interval), s.zone),
                   'state', boxoffice_code.stock_state_name(a.state),
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

-- The sessions of an event that start in some days of their own calendars, and whether each still
-- sells. What is cancelled is no session of a day; what is over is none unless it is asked for.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_of_days(
    event boxoffice.event, since date, until date, over_too boolean)
    RETURNS TABLE (id bigint, day date, starts_at timestamptz, zone text, sells boolean)
    LANGUAGE plpgsql STABLE
    ROWS 1000
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    -- a day begins up to 14 hours earlier and ends up to 12 later than in UTC
    low CONSTANT timestamptz := since::timestamp AT TIME ZONE 'UTC' - '15 h'::interval;
    high CONSTANT timestamptz := (until + 1)::timestamp AT TIME ZONE 'UTC' + '15 h'::interval;
BEGIN
    RETURN QUERY
    SELECT x.*
      FROM (
        SELECT s.id, (s.starts_at AT TIME ZONE s.zone)::date AS day, s.starts_at, s.zone,
               s.status = 'open' AND now < LEAST(s.sale_ends_at, event.sale_ends_at,
                   s.starts_at + s.sale_close_offset_ms * '1 ms'::interval) AS sells
          FROM boxoffice.session AS s
         WHERE s.event_id = event.id
           AND s.starts_at >= low
           AND s.starts_at < high
           AND s.status <> 'cancelled'
           AND (over_too OR COALESCE(s.ends_at, s.starts_at) >= now)
      ) AS x
     WHERE x.day BETWEEN since AND until;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_of_days IS
'The sessions of an event that start in some days where they take place, and whether each still sells.';

-- How full each stock row is that types of these sessions take from, as stock_now says it; claims
-- are looked at only where the counters alone don't tell. Rows of the whole event have no session.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_stock_state(event bigint, sessions bigint[])
    RETURNS TABLE (pool_id bigint, session_id bigint, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH counted AS MATERIALIZED (
        SELECT k.*, k.losable > 0 AND (k.places - k.taken) * 10 <= k.places AS tight
          FROM (
            SELECT x.id, x.pool_id, x.session_id, x.capacity::bigint + x.overbook AS places,
                   x.held::bigint + x.pending + x.blocked AS losable,
                   x.held::bigint + x.pending + x.sold + x.blocked AS taken
              FROM (
                SELECT s.*
                  FROM pg_catalog.unnest(sessions) AS w (id)
                 CROSS JOIN LATERAL (
                    SELECT y.* FROM boxoffice.stock AS y
                     WHERE y.event_id = sessions_stock_state.event AND y.session_id = w.id
                    OFFSET 0
                  ) AS s
                UNION ALL
                SELECT s.*
                  FROM boxoffice.stock AS s
                 WHERE s.event_id = sessions_stock_state.event AND s.session_id IS NULL
              ) AS x
          ) AS k
    )
    SELECT c.pool_id, c.session_id,
           CASE WHEN c.places <= c.taken THEN 3
                WHEN (c.places - c.taken) * 10 <= c.places THEN 1
                ELSE 0 END
      FROM counted AS c
     WHERE c.tight IS NOT TRUE
    UNION ALL
    SELECT s.pool_id, s.session_id, n.state
      FROM boxoffice_code.stock_now(
               event, ARRAY(SELECT c.id FROM counted AS c WHERE c.tight), false) AS n
     CROSS JOIN LATERAL (
        SELECT y.pool_id, y.session_id FROM boxoffice.stock AS y
         WHERE y.event_id = sessions_stock_state.event AND y.id = n.id
        OFFSET 0
      ) AS s;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_stock_state IS
'How full the stock rows of sessions and of their event are, as in boxoffice_code.stock_now.';

-- Of each of these sessions the lowest price with its fee and the best state, of what is shown and
-- sold in sessions one by one. What does not let in by itself counts only where nothing else is
-- sold. It goes from stock rows to types, so what it costs grows with the sessions alone.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_offer(event bigint, sessions bigint[])
    RETURNS TABLE (session_id bigint, price bigint, state integer)
    LANGUAGE plpgsql STABLE
    ROWS 1000
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH now AS MATERIALIZED (
        SELECT * FROM boxoffice_code.sessions_stock_state(event, sessions)
    ), takes AS MATERIALIZED (
        SELECT * FROM boxoffice_code.ticket_type_takes(sessions_offer.event)
    ), type AS MATERIALIZED (
        SELECT t.id, t.price, t.fee,
               t.kind = 'admission' AND t.sold_alone AS lets_in,
               pg_catalog.bool_or(p.scope = 'session') AS of_session,
               GREATEST(pg_catalog.max(n.state), pg_catalog.max(pass.state)) AS state
          FROM boxoffice.ticket_type AS t
          JOIN takes AS l ON l.ticket_type_id = t.id
          JOIN boxoffice.pool AS p ON p.event_id = t.event_id AND p.id = l.pool_id
          LEFT JOIN now AS n ON n.pool_id = p.id AND p.scope = 'event'
          LEFT JOIN boxoffice_code.ticket_type_left_passes(sessions_offer.event, false) AS pass
            ON pass.ticket_type_id = t.id
         WHERE t.event_id = sessions_offer.event
           AND t.status <> 'retired'
           AND NOT t.hidden
           AND t.admits = 'session'
         GROUP BY t.id, t.price, t.fee, t.kind, t.sold_alone
    ), sold AS (
        SELECT t.id, n.session_id, t.lets_in, t.price, t.fee,
               pg_catalog.max(GREATEST(n.state, t.state)) AS state
          FROM now AS n
          JOIN takes AS l ON l.pool_id = n.pool_id
          JOIN type AS t ON t.id = l.ticket_type_id
         WHERE n.session_id IS NOT NULL
         GROUP BY t.id, n.session_id, t.lets_in, t.price, t.fee
        UNION ALL
        SELECT t.id, w.id, t.lets_in, t.price, t.fee, t.state
          FROM type AS t
         CROSS JOIN pg_catalog.unnest(sessions) AS w (id)
         WHERE NOT t.of_session
    ), priced AS (
        SELECT s.session_id, s.lets_in, s.state, s.fee + COALESCE(x.price, s.price) AS price
          FROM sold AS s
          LEFT JOIN LATERAL (
            SELECT p.price FROM boxoffice.session_price AS p
             WHERE p.event_id = sessions_offer.event
               AND p.ticket_type_id = s.id
               AND p.session_id = s.session_id
            OFFSET 0
          ) AS x ON true
         WHERE (s.id, s.session_id) NOT IN (
                SELECT k.ticket_type_id, k.session_id
                  FROM boxoffice_code.ticket_type_absent(sessions_offer.event, sessions) AS k)
    )
    SELECT p.session_id,
           COALESCE(pg_catalog.min(p.price) FILTER (WHERE p.lets_in), pg_catalog.min(p.price)),
           COALESCE(pg_catalog.min(p.state) FILTER (WHERE p.lets_in), pg_catalog.min(p.state))
      FROM priced AS p
     GROUP BY p.session_id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_offer IS
'Of sessions of an event the lowest price with its fee and the best state, as the public sees them.';

-- Days with sessions, as the public sees them.
CREATE OR REPLACE FUNCTION boxoffice_code.session_days_json(
    event boxoffice.event, since date, until date, over_too boolean)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH found AS MATERIALIZED (
            SELECT * FROM boxoffice_code.sessions_of_days(event, since, until, over_too)
        ), day AS (
            SELECT f.day, pg_catalog.count(*) AS sessions,
                   pg_catalog.count(*) FILTER (WHERE f.sells) AS selling,
                   (pg_catalog.array_agg(f.zone ORDER BY f.starts_at, f.id))[1] AS zone,
                   pg_catalog.min(f.starts_at) AS starts_at,
                   pg_catalog.min(o.price) AS price_from,
                   pg_catalog.min(o.state) AS state
              FROM found AS f
              LEFT JOIN boxoffice_code.sessions_offer(
                        event.id, ARRAY(SELECT x.id FROM found AS x WHERE x.sells)) AS o
                ON o.session_id = f.id
             GROUP BY f.day
        )
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'date', pg_catalog.to_char(d.day, 'YYYY-MM-DD'),
                   'sessions', d.sessions,
                   'selling', d.selling,
                   'starts_at', boxoffice_code.time_text(d.starts_at, d.zone),
                   'price_from', d.price_from,
                   'state', boxoffice_code.stock_state_name(d.state))
                   ORDER BY d.day), '[]')
          FROM day AS d);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_days_json IS
'Days of an event with sessions: how many, the first start, the lowest price, and how much is left.';

-- The first day after one on which a session starts, of those from a time on; NULL if there is
-- none.
-- Zones differ by 26 hours at most: the first start may be on a later day than the next one.
CREATE OR REPLACE FUNCTION boxoffice_code.session_day_after(
    event bigint, since timestamptz, after date)
    RETURNS date
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first CONSTANT timestamptz := (
        SELECT s.starts_at
          FROM boxoffice.session AS s
         WHERE s.event_id = session_day_after.event
           AND s.starts_at >= since
           AND s.status <> 'cancelled'
           AND (s.starts_at AT TIME ZONE s.zone)::date > after
         ORDER BY s.starts_at, s.id
         LIMIT 1);
BEGIN
    RETURN (
        SELECT pg_catalog.min((s.starts_at AT TIME ZONE s.zone)::date)
          FROM boxoffice.session AS s
         WHERE s.event_id = session_day_after.event
           AND s.starts_at >= first
           AND s.starts_at <= first + '26 h'::interval
           AND s.status <> 'cancelled'
           AND (s.starts_at AT TIME ZONE s.zone)::date > after);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_day_after IS
'The first day after one on which a session of an event starts, of those that start from a time on.';

-- These sessions, or the first 200.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_own_json(
    event boxoffice.event, sessions bigint[] DEFAULT NULL)
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
                   'starts_at', boxoffice_code.time_text(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.time_text(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.time_text(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', v.key,
                   'sale_starts_at', boxoffice_code.time_text(s.sale_starts_at, s.zone),
                   'sale_ends_at', boxoffice_code.time_text(s.sale_ends_at, s.zone),
                   'sale_close_offset_seconds', s.sale_close_offset_ms / 1000)
                   ORDER BY s.starts_at, s.id), '[]'::json)
          FROM (
            SELECT x.*
              FROM boxoffice.session AS x
             WHERE x.event_id = event.id AND x.id = ANY (COALESCE(sessions, ARRAY(
                SELECT f.id
                  FROM boxoffice.session AS f
                 WHERE f.event_id = event.id
                 ORDER BY f.starts_at, f.id
                 LIMIT 200)))
          ) AS s
          LEFT JOIN boxoffice.venue AS v ON v.id = s.venue_id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_own_json IS
'Sessions of an event, or its first 200, as its organizer sees them.';

-- An event of an organizer, for whoever may see it; refuses others.
CREATE OR REPLACE FUNCTION boxoffice_code.event_of(organizer bigint, event bigint)
    RETURNS boxoffice.event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    PERFORM boxoffice_code.require_member(organizer);
    SELECT *
      INTO found
      FROM boxoffice.event AS e
     WHERE e.id = event_of.event AND e.organizer_id = event_of.organizer;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_of IS
'An event of an organizer, for whoever may see it.';

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

    SELECT boxoffice_code.event_note_sessions(event.id);
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_sessions IS
'Writes sessions of an event, how many it has, and when its first starts and its last ends.';

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

-- What an event's row says of its sessions, after they were written. Both ends are a probe of an
-- index each; the count is only made anew where nobody can say by how many it changed.
CREATE OR REPLACE FUNCTION boxoffice_code.event_note_sessions(
    event bigint, more integer DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE boxoffice.event AS e
       SET starts_at = (SELECT pg_catalog.min(s.starts_at)
                          FROM boxoffice.session AS s
                         WHERE s.event_id = event_note_sessions.event),
           ends_at = (SELECT pg_catalog.max(COALESCE(s.ends_at, s.starts_at))
                        FROM boxoffice.session AS s
                       WHERE s.event_id = event_note_sessions.event),
           session_count = COALESCE(e.session_count + more,
               (SELECT pg_catalog.count(*)
                  FROM boxoffice.session AS s
                 WHERE s.event_id = event_note_sessions.event))
     WHERE e.id = event
$$;
COMMENT ON FUNCTION boxoffice_code.event_note_sessions IS
'Writes when the first session of an event starts and the last ends, and how many there are: so many more, or counted anew.';

-- ---- many sessions at once
-- ----------------------------------------------------------------------
--
-- What is asked for (a list, or a rule) becomes a plan: a JSON array with an object for each
-- session, in which nothing is left out. The plan is checked, shown, and written, set-wise.

-- A local time as an instant: one in the hour that is skipped moves forward by what is skipped
-- (PostgreSQL's own way), of one that comes twice it is the first (PostgreSQL takes the second).
CREATE OR REPLACE FUNCTION boxoffice_code.local_instant(at timestamp, zone text)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    instant CONSTANT timestamptz := at AT TIME ZONE zone;
    day_before CONSTANT timestamptz := instant - '24 hours'::interval;
    earlier CONSTANT timestamptz := instant
        - ((day_before AT TIME ZONE zone) - (day_before AT TIME ZONE 'UTC'))
        + ((instant AT TIME ZONE zone) - (instant AT TIME ZONE 'UTC'));
BEGIN
    IF earlier < instant AND earlier AT TIME ZONE zone = at THEN
        RETURN earlier;
    END IF;
    RETURN instant;
END
$$;
COMMENT ON FUNCTION boxoffice_code.local_instant IS
'A local time as an instant: forward where a zone skips it, the first where it comes twice.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_key(pattern text, local timestamp, n bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
               COALESCE(pattern, '{date}-{time}'),
               '{date}', pg_catalog.to_char(local, 'YYYY-MM-DD')),
               '{time}', pg_catalog.to_char(local, 'HH24MI')),
               '{weekday}', pg_catalog.to_char(local, 'dy')),
               '{n}', n::text)
$$;
COMMENT ON FUNCTION boxoffice_code.session_key IS
'The key that a pattern makes for a session: {date}, {time}, {weekday} of its local start, {n} its number.';

-- The days that a rule names: ten years of them at most, and as many again by name.
CREATE OR REPLACE FUNCTION boxoffice_code.session_rule_days(rule jsonb)
    RETURNS SETOF date
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.day::date
      FROM pg_catalog.generate_series(
               (rule ->> 'from')::timestamp, (rule ->> 'to')::timestamp, '1 day') AS d (day)
     WHERE rule -> 'weekdays' ? pg_catalog.to_char(d.day, 'dy')
       AND NOT COALESCE(rule -> 'except_dates', '[]') ? pg_catalog.to_char(d.day, 'YYYY-MM-DD')
    UNION
    SELECT x.day::date
      FROM pg_catalog.jsonb_array_elements_text(
               COALESCE(NULLIF(rule -> 'extra_dates', 'null'), '[]')) AS x (day)
$$;
COMMENT ON FUNCTION boxoffice_code.session_rule_days IS 'The days on which a rule has sessions.';

-- How many sessions a rule asks for, before the work of finding out when each of them starts: a
-- short document can name five million.
CREATE OR REPLACE FUNCTION boxoffice_code.session_rule_size(rule jsonb)
    RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (SELECT pg_catalog.count(*) FROM boxoffice_code.session_rule_days(rule))
           * (SELECT pg_catalog.count(DISTINCT t.clock)
                FROM pg_catalog.jsonb_array_elements_text(rule -> 'times') AS t (clock))
$$;
COMMENT ON FUNCTION boxoffice_code.session_rule_size IS 'How many sessions a rule asks for.';

-- The local starts that a rule names; two of them may be one instant where an hour is skipped, and
-- then the one that was moved there is a second.
CREATE OR REPLACE FUNCTION boxoffice_code.session_rule_told(rule jsonb, zone text)
    RETURNS TABLE (local timestamp, starts_at timestamptz, moved boolean, second boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.local, t.starts_at, t.moved,
           pg_catalog.row_number() OVER (
               PARTITION BY t.starts_at ORDER BY t.moved, t.local) > 1
      FROM (
        SELECT DISTINCT s.local, s.starts_at, s.starts_at AT TIME ZONE zone <> s.local AS moved
          FROM (
            SELECT d.day + t.clock::time AS local,
                   boxoffice_code.local_instant(d.day + t.clock::time, zone) AS starts_at
              FROM boxoffice_code.session_rule_days(rule) AS d (day)
             CROSS JOIN pg_catalog.jsonb_array_elements_text(rule -> 'times') AS t (clock)
          ) AS s
      ) AS t
$$;
COMMENT ON FUNCTION boxoffice_code.session_rule_told IS
'The local starts that a rule names, whether each was moved out of a skipped hour, and whether that was to where the rule has one anyway.';

-- The plan of a rule: its starts, each once, in order. merged: its first slots that are no session
-- of their own, as answers show them.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_rule(
    event boxoffice.event, rule jsonb, OUT plan jsonb, OUT merged json)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shown_max CONSTANT integer := 100;
    zone CONSTANT text := COALESCE(rule ->> 'zone', event.zone);
    lasts CONSTANT interval := (rule ->> 'duration_minutes')::integer * '1 min'::interval;
    opens CONSTANT interval := (rule ->> 'sale_open_offset_seconds')::bigint * '1 s'::interval;
    shared CONSTANT jsonb := pg_catalog.jsonb_build_object(
        'name', rule -> 'name', 'status', COALESCE(rule ->> 'status', 'open'), 'zone', zone,
        'venue', boxoffice_code.venue_find(event.organizer_id, rule ->> 'venue'),
        'sale_ends_at', rule -> 'sale_ends_at',
        'close_ms', COALESCE((rule ->> 'sale_close_offset_seconds')::bigint, 0) * 1000);
BEGIN
    SELECT pg_catalog.jsonb_agg(shared || pg_catalog.jsonb_build_object(
               'n', s.n, 'pointer', '/rule',
               'key', boxoffice_code.session_key(rule ->> 'key', s.local, s.n),
               'starts_at', s.starts_at, 'ends_at', s.starts_at + lasts,
               'sale_starts_at', COALESCE((rule ->> 'sale_starts_at')::timestamptz,
                                          s.starts_at + opens),
               'moved', s.moved)
               ORDER BY s.n) FILTER (WHERE NOT s.second),
           pg_catalog.json_agg(pg_catalog.json_build_object(
               'date', pg_catalog.to_char(s.local, 'YYYY-MM-DD'),
               'time', pg_catalog.to_char(s.local, 'HH24:MI'),
               'starts_at', boxoffice_code.time_text(s.starts_at, zone))
               ORDER BY s.n) FILTER (WHERE s.second AND s.n <= shown_max)
      INTO plan, merged
      FROM (
        SELECT t.*, pg_catalog.row_number() OVER (
                   PARTITION BY t.second ORDER BY t.starts_at, t.local) AS n
          FROM boxoffice_code.session_rule_told(rule, zone) AS t
      ) AS s;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_rule IS
'The plan of the sessions of a rule, and the slots in skipped hours that fall on another of its slots.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_list(event boxoffice.event, sessions jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH wanted AS MATERIALIZED (
        SELECT s.*, COALESCE(s.zone, event.zone) AS in_zone
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(sessions) AS (
                   key text, name text, status text, starts_at timestamptz, ends_at timestamptz,
                   zone text, venue text, sale_starts_at timestamptz, sale_ends_at timestamptz,
                   sale_close_offset_seconds bigint)) WITH ORDINALITY
               AS s (key, name, status, starts_at, ends_at, zone, venue, sale_starts_at,
                     sale_ends_at, close_s, n)
    ), venue AS MATERIALIZED (
        SELECT v.ref, boxoffice_code.venue_find(event.organizer_id, v.ref) AS id
          FROM (SELECT DISTINCT w.venue AS ref FROM wanted AS w) AS v
    )
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'n', w.n, 'pointer', '/sessions/' || (w.n - 1),
               'key', COALESCE(w.key, boxoffice_code.session_key(
                   NULL, w.starts_at AT TIME ZONE w.in_zone, w.n)),
               'name', w.name, 'status', COALESCE(w.status, 'open'),
               'starts_at', w.starts_at, 'ends_at', w.ends_at, 'zone', w.in_zone,
               'venue', v.id, 'sale_starts_at', w.sale_starts_at,
               'sale_ends_at', w.sale_ends_at, 'close_ms', COALESCE(w.close_s, 0) * 1000,
               'moved', false)
               ORDER BY w.n)
      FROM wanted AS w
      LEFT JOIN venue AS v ON v.ref = w.venue
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_list IS 'The plan of a list of sessions.';

-- What is wrong with what is asked for, before a plan can be made of it.
CREATE OR REPLACE FUNCTION boxoffice_code.session_faults_asked(
    event boxoffice.event, sessions jsonb, rule jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('invalid_document', '',
               'Either sessions or a rule says which are wanted.')
     WHERE (sessions IS NULL) = (rule IS NULL)
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/rule/zone', 'The time zone is not known.')
     WHERE NOT boxoffice_code.zone_known(rule ->> 'zone')
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/rule/venue',
               'The organizer has no such venue.')
     WHERE rule ->> 'venue' IS NOT NULL
       AND boxoffice_code.venue_find(event.organizer_id, rule ->> 'venue') IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/rule/to',
               'It is before the first day, or more than ten years after it.')
     WHERE (rule ->> 'to')::date - (rule ->> 'from')::date NOT BETWEEN 0 AND 3660
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/rule/key',
               'A key is made of a-z, 0-9, - and _, and of {date}, {time}, {weekday} and {n}.')
     WHERE pg_catalog.regexp_replace(rule ->> 'key', '[{](date|time|weekday|n)[}]', '0', 'g')
           !~ '^[a-z0-9][a-z0-9_-]{0,62}$'
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', z.pointer || '/zone',
               'The time zone is not known.')
      FROM (
        SELECT s.zone, '/sessions/' || pg_catalog.min(s.n) - 1 AS pointer
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(sessions) AS (zone text))
               WITH ORDINALITY AS s (zone, n)
         WHERE s.zone IS NOT NULL
         GROUP BY s.zone
      ) AS z
     WHERE NOT boxoffice_code.zone_known(z.zone)
$$;
COMMENT ON FUNCTION boxoffice_code.session_faults_asked IS
'What is wrong with a list of sessions or a rule before a plan can be made of it.';

-- Capacities, prices and types that are named for a session of the list, or by the rule for all (n
-- is NULL then): one row each.
CREATE OR REPLACE FUNCTION boxoffice_code.session_parts(sessions jsonb, rule jsonb)
    RETURNS TABLE (n bigint, pointer text, part text, key text, capacity integer,
                   overbook integer, price bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH named AS (
        SELECT s.n, '/sessions/' || (s.n - 1) AS pointer, s.session
          FROM pg_catalog.jsonb_array_elements(sessions) WITH ORDINALITY AS s (session, n)
        UNION ALL
        SELECT NULL, '/rule', rule
         WHERE rule IS NOT NULL
    )
    SELECT d.n, pg_catalog.format('%s/%s/%s', d.pointer, p.part, x.n - 1), p.part,
           COALESCE(x.item ->> 'pool', x.item ->> 'ticket_type', x.item #>> '{}'),
           (x.item ->> 'capacity')::integer, (x.item ->> 'overbook')::integer,
           (x.item ->> 'price')::bigint
      FROM named AS d
     CROSS JOIN (VALUES ('capacities'), ('prices'), ('ticket_types')) AS p (part)
     CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(
           CASE WHEN pg_catalog.jsonb_typeof(d.session -> p.part) = 'array'
                THEN d.session -> p.part ELSE '[]' END)
           WITH ORDINALITY AS x (item, n)
     WHERE d.session ?| '{capacities,prices,ticket_types}'
$$;
COMMENT ON FUNCTION boxoffice_code.session_parts IS
'The capacities, prices and ticket types that a list of sessions or a rule names.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_faults_parts(
    event bigint, sessions jsonb, rule jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH part AS MATERIALIZED (
        SELECT x.*,
               pg_catalog.row_number() OVER (PARTITION BY x.n, x.part, x.key ORDER BY x.pointer)
               AS use
          FROM boxoffice_code.session_parts(sessions, rule) AS x
    )
    SELECT boxoffice_code.fault('invalid_document', x.pointer, 'The list names this twice.')
      FROM part AS x
     WHERE x.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', x.pointer || '/pool',
               'The event has no such pool.')
      FROM part AS x
      LEFT JOIN boxoffice.pool AS p
        ON p.event_id = session_faults_parts.event AND p.key = x.key
     WHERE x.part = 'capacities' AND p.id IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', x.pointer || '/pool',
               'The pool is counted once for the whole event.')
      FROM part AS x
      JOIN boxoffice.pool AS p
        ON p.event_id = session_faults_parts.event AND p.key = x.key AND p.scope = 'event'
     WHERE x.part = 'capacities'
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference',
               x.pointer || CASE x.part WHEN 'prices' THEN '/ticket_type' ELSE '' END,
               'The event has no such ticket type.')
      FROM part AS x
      LEFT JOIN boxoffice.ticket_type AS t
        ON t.event_id = session_faults_parts.event AND t.key = x.key
     WHERE x.part <> 'capacities' AND t.id IS NULL
$$;
COMMENT ON FUNCTION boxoffice_code.session_faults_parts IS
'What is wrong with the capacities, prices and ticket types that are named for sessions.';

-- A plan as rows.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_rows(plan jsonb)
    RETURNS TABLE (n bigint, id bigint, pointer text, key text, name text, status text,
                   starts_at timestamptz, ends_at timestamptz, zone text, venue bigint,
                   sale_starts_at timestamptz, sale_ends_at timestamptz, close_ms bigint,
                   moved boolean)
    LANGUAGE sql STABLE
    ROWS 10000
AS $$
    SELECT p.*
      FROM pg_catalog.jsonb_to_recordset(plan) AS p (
               n bigint, id bigint, pointer text, key text, name text, status text,
               starts_at timestamptz, ends_at timestamptz, zone text, venue bigint,
               sale_starts_at timestamptz, sale_ends_at timestamptz, close_ms bigint,
               moved boolean)
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_rows IS 'A plan of sessions as rows.';

-- What is wrong with a plan in itself. Of a rule one fault of a kind tells enough.
CREATE OR REPLACE FUNCTION boxoffice_code.session_faults_plan(plan jsonb, sessions jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH planned AS MATERIALIZED (
        SELECT p.*,
               pg_catalog.row_number() OVER (PARTITION BY p.key ORDER BY p.n) > 1 AS again
          FROM boxoffice_code.session_plan_rows(plan) AS p
    ), faulty AS (
        SELECT p.n, p.pointer || '/key' AS pointer, 'An earlier session has this key: ' || p.key
               AS detail
          FROM planned AS p
         WHERE p.again
        UNION ALL
        SELECT p.n, p.pointer || '/key', 'This can not be a key: ' || p.key
          FROM planned AS p
         WHERE p.key !~ '^[a-z0-9][a-z0-9_-]{0,62}$'
        UNION ALL
        SELECT p.n, p.pointer || '/ends_at', 'The session ends before it starts.'
          FROM planned AS p
         WHERE p.ends_at < p.starts_at
        UNION ALL
        SELECT p.n, p.pointer || '/sale_ends_at', 'The sale ends before it starts.'
          FROM planned AS p
         WHERE p.sale_ends_at <= p.sale_starts_at
    ), told AS (
        SELECT DISTINCT ON (f.pointer) f.* FROM faulty AS f ORDER BY f.pointer, f.n
    ), list AS (
        SELECT t.n, boxoffice_code.fault('invalid_document', t.pointer, t.detail) AS fault
          FROM told AS t
        UNION ALL
        SELECT p.n, boxoffice_code.fault('unknown_reference', p.pointer || '/venue',
               'The organizer has no such venue.')
          FROM planned AS p
         WHERE p.venue IS NULL AND sessions -> (p.n - 1)::integer ->> 'venue' IS NOT NULL
    )
    SELECT l.fault FROM list AS l ORDER BY l.n LIMIT 16
$$;
COMMENT ON FUNCTION boxoffice_code.session_faults_plan IS 'What is wrong with a plan of sessions.';

-- Writes the sessions of a plan, and what they are sold by: their stock, prices and types. No group
-- that is there is touched but where all stock of joined pools is one: nobody can claim a place
-- before this commits, so nobody need be kept out.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_write(
    event bigint, plan jsonb, sessions jsonb, rule jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.session (
        event_id, id, key, name, status, starts_at, ends_at, zone, venue_id,
        sale_starts_at, sale_ends_at, sale_close_offset_ms)
    SELECT event, p.id, p.key, p.name, p.status, p.starts_at, p.ends_at, p.zone, p.venue,
           p.sale_starts_at, p.sale_ends_at, p.close_ms
      FROM boxoffice_code.session_plan_rows(plan) AS p;

    WITH pool AS MATERIALIZED (
        SELECT p.id, p.key, p.capacity, p.overbook, s.set_id, s.whole_event
          FROM boxoffice.pool AS p
          JOIN boxoffice_code.inventory_sets(event) AS s ON s.pool_id = p.id
         WHERE p.event_id = event AND p.scope = 'session'
    ), one AS MATERIALIZED (
        SELECT w.set_id, COALESCE(there.group_id, boxoffice_code.new_id()) AS id,
               there.group_id IS NULL AS made
          FROM (SELECT DISTINCT p.set_id FROM pool AS p WHERE p.whole_event) AS w
          LEFT JOIN LATERAL (
            SELECT k.group_id
              FROM boxoffice_code.inventory_sets(event) AS s
              JOIN boxoffice.stock AS k ON k.event_id = event AND k.pool_id = s.pool_id
             WHERE s.set_id = w.set_id
             LIMIT 1
          ) AS there ON true
    ), own AS MATERIALIZED (
        SELECT w.set_id, p.id AS session_id, boxoffice_code.new_id() AS id
          FROM boxoffice_code.session_plan_rows(plan) AS p
         CROSS JOIN (SELECT DISTINCT o.set_id FROM pool AS o WHERE NOT o.whole_event) AS w
    ), made AS (
        INSERT INTO boxoffice.inventory_group (event_id, id)
        SELECT event, o.id FROM own AS o
        UNION ALL
        SELECT event, o.id FROM one AS o WHERE o.made
    ), named AS MATERIALIZED (
        SELECT x.* FROM boxoffice_code.session_parts(sessions, rule) AS x
         WHERE x.part = 'capacities'
    )
    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT event, boxoffice_code.new_id(), o.id, p.id, COALESCE(own.id, one.id),
           CASE WHEN x.key IS NULL THEN o.capacity ELSE x.capacity END,
           COALESCE(x.overbook, o.overbook), 0, 0, 0, 0
      FROM boxoffice_code.session_plan_rows(plan) AS p
     CROSS JOIN pool AS o
      LEFT JOIN own ON own.set_id = o.set_id AND own.session_id = p.id
      LEFT JOIN one ON one.set_id = o.set_id
      LEFT JOIN named AS x ON x.key = o.key AND x.n IS NOT DISTINCT FROM
           CASE WHEN rule IS NULL THEN p.n END;

    INSERT INTO boxoffice.session_price (event_id, ticket_type_id, session_id, price)
    SELECT event, t.id, p.id, x.price
      FROM boxoffice_code.session_parts(sessions, rule) AS x
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.key = x.key
      JOIN boxoffice_code.session_plan_rows(plan) AS p ON x.n = p.n OR x.n IS NULL
     WHERE x.part = 'prices';

    INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
    SELECT event, t.id, p.id
      FROM boxoffice_code.session_parts(sessions, rule) AS x
      JOIN boxoffice.ticket_type AS t
        ON t.event_id = event AND t.key = x.key AND NOT t.all_sessions
      JOIN boxoffice_code.session_plan_rows(plan) AS p ON x.n = p.n OR x.n IS NULL
     WHERE x.part = 'ticket_types';
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_write IS
'Writes the sessions of a plan with their stock, prices and ticket types.';

-- The first sessions of a plan as answers show them.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_json(plan jsonb, wanted integer)
    RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
               'id', p.id::text,
               'key', p.key,
               'starts_at', boxoffice_code.time_text(p.starts_at, p.zone),
               'ends_at', boxoffice_code.time_text(p.ends_at, p.zone),
               'zone', p.zone,
               'moved', p.moved)
               ORDER BY p.starts_at, p.n), '[]'::json)
      FROM (
        SELECT x.*
          FROM boxoffice_code.session_plan_rows(plan) AS x
         ORDER BY x.starts_at, x.n
         LIMIT wanted
      ) AS p
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_json IS
'The first sessions of a plan, by time.';

-- The plan of what is asked for; refuses what is wrong with it. merged: slots of a rule that are no
-- session of their own.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan(
    event boxoffice.event, sessions jsonb, rule jsonb, OUT plan jsonb, OUT merged json)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sessions_max CONSTANT integer := 20000;
    faults jsonb;
BEGIN
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM (
        SELECT boxoffice_code.session_faults_asked(event, sessions, rule)
        UNION ALL
        SELECT boxoffice_code.session_faults_parts(event.id, sessions, rule)
      ) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    IF boxoffice_code.session_rule_size(rule) > sessions_max THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/rule',
            pg_catalog.jsonb_build_object('max', sessions_max),
            'The rule makes more sessions than one request may.');
    END IF;
    IF rule IS NULL THEN
        plan := boxoffice_code.session_plan_list(event, sessions);
    ELSE
        SELECT p.plan, p.merged
          INTO plan, merged
          FROM boxoffice_code.session_plan_rule(event, rule) AS p;
    END IF;
    IF plan IS NULL THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/rule', '{}',
            'No day is left of the rule.');
    END IF;
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM boxoffice_code.session_faults_plan(plan, sessions) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan IS
'The plan of the sessions that are asked for; refuses what is wrong with it.';

-- The sessions of a plan whose key the event has already; NULL for none.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_there(event bigint, plan jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_agg(p.item || pg_catalog.jsonb_build_object('id', s.id) ORDER BY p.n)
      FROM pg_catalog.jsonb_array_elements(plan) WITH ORDINALITY AS p (item, n)
      JOIN boxoffice.session AS s
        ON s.event_id = event AND s.key = p.item ->> 'key'
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_there IS
'The sessions of a plan whose keys the event has already; NULL for none.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_faults_there(there jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_agg(boxoffice_code.fault('already_exists',
               (t.item ->> 'pointer') || '/key', 'The event has a session ' || (t.item ->> 'key'))
               ORDER BY t.n)
      FROM pg_catalog.jsonb_array_elements(there) WITH ORDINALITY AS t (item, n)
     WHERE t.n <= 16
$$;
COMMENT ON FUNCTION boxoffice_code.session_faults_there IS
'The faults of a plan whose sessions are there already.';

-- The sessions of a plan that are not there yet, by time, each with its id.
CREATE OR REPLACE FUNCTION boxoffice_code.session_plan_number(plan jsonb, there jsonb)
    RETURNS jsonb
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(pg_catalog.jsonb_agg(
               p.item || pg_catalog.jsonb_build_object('id', boxoffice_code.new_id())
               ORDER BY p.n), '[]'::jsonb)
      FROM (
        SELECT x.item, x.n
          FROM pg_catalog.jsonb_array_elements(plan) WITH ORDINALITY AS x (item, n)
         WHERE NOT EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(there) AS t
             WHERE t ->> 'key' = x.item ->> 'key')
         ORDER BY (x.item ->> 'starts_at')::timestamptz, x.n
      ) AS p
$$;
COMMENT ON FUNCTION boxoffice_code.session_plan_number IS
'The sessions of a plan that are not there yet, each with a new id.';

-- A pass takes a place in each session of its type, and only so many can be taken at once.
CREATE OR REPLACE FUNCTION boxoffice_code.session_require_passes(event bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    faults jsonb;
BEGIN
    SELECT pg_catalog.jsonb_agg(boxoffice_code.fault('invalid_document', '',
               'With these sessions a pass can not be sold any more. ' || f.detail))
      INTO faults
      FROM boxoffice_code.ticket_type_faults(event) AS f;
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_require_passes IS
'Refuses sessions that would be too many for a pass of the event.';

-- ---- one session
-- --------------------------------------------------------------------------------

-- The session of an event that a key or an id names; refuses an unknown one.
CREATE OR REPLACE FUNCTION boxoffice_code.session_of(event bigint, ref text)
    RETURNS boxoffice.session
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.session;
BEGIN
    SELECT * INTO found
      FROM boxoffice.session AS s
     WHERE s.event_id = session_of.event AND s.key = ref;
    IF found.id IS NULL AND ref ~ '^[0-9]{1,18}$' THEN
        SELECT * INTO found
          FROM boxoffice.session AS s
         WHERE s.event_id = session_of.event AND s.id = ref::bigint;
    END IF;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'session');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_of IS
'The session of an event with this key or id; refuses one that is unknown.';

-- Locks the inventory groups that a sale in these sessions takes, in the order in which everybody
-- locks them: when this returns no hold of before is on its way, and none goes on but by what is
-- written then.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_lock_groups(event bigint, sessions bigint[])
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.count(*)
      FROM (
        SELECT g.id
          FROM boxoffice.inventory_group AS g
         WHERE g.event_id = sessions_lock_groups.event
           AND g.id IN (
            SELECT k.group_id
              FROM pg_catalog.unnest(sessions) AS wanted (id)
              JOIN boxoffice.stock AS k
                ON k.event_id = sessions_lock_groups.event AND k.session_id = wanted.id
            UNION ALL
            SELECT k.group_id
              FROM boxoffice.stock AS k
             WHERE k.event_id = sessions_lock_groups.event AND k.session_id IS NULL)
         ORDER BY g.id
           FOR NO KEY UPDATE
      ) AS locked
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_lock_groups IS
'Locks the inventory groups that sales in these sessions lock.';

-- One session as its organizer sees it, with the version of its event, its prices, types and stock.
CREATE OR REPLACE FUNCTION boxoffice_code.session_own_json(event boxoffice.event, session bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_build_object(
                   'version', event.version,
                   'id', s.id::text,
                   'key', s.key,
                   'name', s.name,
                   'status', s.status,
                   'starts_at', boxoffice_code.time_text(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.time_text(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.time_text(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', v.key,
                   'sale_starts_at', boxoffice_code.time_text(s.sale_starts_at, s.zone),
                   'sale_ends_at', boxoffice_code.time_text(s.sale_ends_at, s.zone),
                   'sale_close_offset_seconds', s.sale_close_offset_ms / 1000,
                   'prices', (
                        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                                   'ticket_type', t.key, 'price', p.price)
                                   ORDER BY t.position, t.id), '[]'::json)
                          FROM boxoffice.session_price AS p
                          JOIN boxoffice.ticket_type AS t
                            ON t.event_id = p.event_id AND t.id = p.ticket_type_id
                         WHERE p.event_id = s.event_id AND p.session_id = s.id),
                   'ticket_types', (
                        SELECT COALESCE(pg_catalog.json_agg(t.key ORDER BY t.position, t.id),
                                        '[]'::json)
                          FROM boxoffice.ticket_type AS t
                         WHERE t.event_id = s.event_id
                           AND NOT t.all_sessions
                           AND EXISTS (
                            SELECT FROM boxoffice.ticket_type_session AS x
                             WHERE x.event_id = t.event_id
                               AND x.ticket_type_id = t.id
                               AND x.session_id = s.id)),
                   'stock', COALESCE(boxoffice_code.stocks_json(event.id, ARRAY(
                        SELECT k.id
                          FROM boxoffice.stock AS k
                         WHERE k.event_id = s.event_id AND k.session_id = s.id)), '[]'::json))
          FROM boxoffice.session AS s
          LEFT JOIN boxoffice.venue AS v ON v.id = s.venue_id
         WHERE s.event_id = event.id AND s.id = session_own_json.session);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_own_json IS
'A session as its organizer sees it, with its prices, ticket types and stock.';

-- A session as a patch makes it. When its start moves, its end moves along unless the patch says
-- otherwise; what the public has seen of its start is kept, until it is that again.
CREATE OR REPLACE FUNCTION boxoffice_code.session_patched(
    event boxoffice.event, session boxoffice.session, patch jsonb)
    RETURNS boxoffice.session
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.session := session;
BEGIN
    IF patch ? 'starts_at' THEN
        made.starts_at := patch ->> 'starts_at';
        made.ends_at := session.ends_at + (made.starts_at - session.starts_at);
        IF event.published_at IS NOT NULL THEN
            made.original_starts_at := NULLIF(
                COALESCE(session.original_starts_at, session.starts_at), made.starts_at);
        END IF;
    END IF;
    IF patch ? 'ends_at' THEN made.ends_at := patch ->> 'ends_at'; END IF;
    IF patch ? 'name' THEN made.name := patch ->> 'name'; END IF;
    IF patch ? 'status' THEN made.status := patch ->> 'status'; END IF;
    IF patch ? 'zone' THEN made.zone := COALESCE(patch ->> 'zone', event.zone); END IF;
    IF patch ? 'venue' THEN
        made.venue_id := boxoffice_code.venue_find(event.organizer_id, patch ->> 'venue');
    END IF;
    IF patch ? 'sale_starts_at' THEN made.sale_starts_at := patch ->> 'sale_starts_at'; END IF;
    IF patch ? 'sale_ends_at' THEN made.sale_ends_at := patch ->> 'sale_ends_at'; END IF;
    IF patch ? 'sale_close_offset_seconds' THEN
        made.sale_close_offset_ms := (patch ->> 'sale_close_offset_seconds')::bigint * 1000;
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_patched IS 'A session as a patch makes it.';

-- What is wrong with a patch and the session that it makes.
CREATE OR REPLACE FUNCTION boxoffice_code.session_faults_patch(
    event boxoffice.event, made boxoffice.session, patch jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('unknown_reference', '/zone', 'The time zone is not known.')
     WHERE NOT boxoffice_code.zone_known(patch ->> 'zone')
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/venue', 'The organizer has no such venue.')
     WHERE patch ->> 'venue' IS NOT NULL AND made.venue_id IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/ends_at',
               'The session ends before it starts.')
     WHERE made.ends_at < made.starts_at
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/sale_ends_at',
               'The sale ends before it starts.')
     WHERE made.sale_ends_at <= made.sale_starts_at
    UNION ALL
    SELECT f.fault || pg_catalog.jsonb_build_object('pointer',
               pg_catalog.substr(f.fault ->> 'pointer', pg_catalog.length('/rule') + 1))
      FROM boxoffice_code.session_faults_parts(event.id, NULL, patch) AS f (fault)
$$;
COMMENT ON FUNCTION boxoffice_code.session_faults_patch IS
'What is wrong with a patch of a session and what it makes.';

-- Writes the prices and the ticket types that a patch gives sessions, instead of those they had.
CREATE OR REPLACE FUNCTION boxoffice_code.session_write_parts(
    event bigint, sessions bigint[], patch jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF patch ? 'prices' THEN
        DELETE FROM boxoffice.session_price AS p
         WHERE p.event_id = session_write_parts.event AND p.session_id = ANY (sessions);
        INSERT INTO boxoffice.session_price (event_id, ticket_type_id, session_id, price)
        SELECT t.event_id, t.id, s.id, x.price
          FROM boxoffice_code.session_parts(NULL, patch) AS x
          JOIN boxoffice.ticket_type AS t
            ON t.event_id = session_write_parts.event AND t.key = x.key
         CROSS JOIN pg_catalog.unnest(sessions) AS s (id)
         WHERE x.part = 'prices';
    END IF;
    IF patch ? 'ticket_types' THEN
        DELETE FROM boxoffice.ticket_type_session AS l
         USING boxoffice.ticket_type AS t
         WHERE t.event_id = session_write_parts.event
           AND l.event_id = t.event_id
           AND l.ticket_type_id = t.id
           AND l.session_id = ANY (sessions);
        INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
        SELECT t.event_id, t.id, s.id
          FROM boxoffice_code.session_parts(NULL, patch) AS x
          JOIN boxoffice.ticket_type AS t
            ON t.event_id = session_write_parts.event AND t.key = x.key AND NOT t.all_sessions
         CROSS JOIN pg_catalog.unnest(sessions) AS s (id)
         WHERE x.part = 'ticket_types';
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_write_parts IS
'Writes the prices and ticket types that a patch gives sessions.';

-- Changes a session of a locked event, and returns it as it is then.
CREATE OR REPLACE FUNCTION boxoffice_code.session_change(
    event boxoffice.event, session text, patch jsonb)
    RETURNS boxoffice.session
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found CONSTANT boxoffice.session := boxoffice_code.session_of(event.id, session);
    made boxoffice.session;
    faults jsonb;
BEGIN
    IF 'cancelled' IN (event.status, found.status) THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    END IF;
    PERFORM boxoffice_code.sessions_lock_groups(event.id, ARRAY[found.id]);
    made := boxoffice_code.session_patched(event, found, patch);
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM boxoffice_code.session_faults_patch(event, made, patch) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    IF made IS DISTINCT FROM found OR patch ?| '{prices,ticket_types}' THEN
        PERFORM boxoffice_code.session_write(made);
        PERFORM boxoffice_code.session_write_parts(event.id, ARRAY[found.id], patch);
        PERFORM boxoffice_code.event_note_sessions(event.id, 0);
        PERFORM boxoffice_code.event_changed(event.id, 'session_change', found.key, patch);
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_change IS
'Changes a session of a locked event as a patch says; refuses what is wrong with it then.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_write(made boxoffice.session)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE boxoffice.session AS s
       SET name = made.name,
           status = made.status,
           starts_at = made.starts_at,
           ends_at = made.ends_at,
           original_starts_at = made.original_starts_at,
           zone = made.zone,
           venue_id = made.venue_id,
           sale_starts_at = made.sale_starts_at,
           sale_ends_at = made.sale_ends_at,
           sale_close_offset_ms = made.sale_close_offset_ms
     WHERE s.event_id = made.event_id AND s.id = made.id
$$;
COMMENT ON FUNCTION boxoffice_code.session_write IS 'Writes what a patch has made of a session.';

-- Whether anybody ever took a place of a session. Stock of its own knows for the types that take
-- from it, and tickets are found by their session. What is counted for the whole event alone (all
-- of the event, or types beside those of the session's stock) can't tell sessions apart: once any
-- of it was taken the event's claims are read; those of passes and merchandise name no session.
-- Nobody buys meanwhile, so where these are more than 10,000 the session counts as used. Under the
-- locks of its groups.
CREATE OR REPLACE FUNCTION boxoffice_code.session_used(event bigint, session bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM boxoffice.stock AS k
         WHERE k.event_id = session_used.event
           AND k.session_id = session_used.session
           AND k.used)
        OR EXISTS (
        SELECT FROM boxoffice.ticket AS t
         WHERE t.event_id = session_used.event AND t.session_id = session_used.session) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM boxoffice.stock AS k
          LEFT JOIN boxoffice.ticket_type_pool AS l
            ON l.event_id = k.event_id AND l.pool_id = k.pool_id
         WHERE k.event_id = session_used.event
           AND k.session_id IS NULL
           AND k.used
           AND NOT EXISTS (
            SELECT FROM boxoffice.ticket_type_pool AS o
              JOIN boxoffice.stock AS own
                ON own.event_id = o.event_id
               AND own.pool_id = o.pool_id
               AND own.session_id = session_used.session
             WHERE o.event_id = l.event_id AND o.ticket_type_id = l.ticket_type_id))
        AND (
        SELECT pg_catalog.count(*) > 10000
               OR pg_catalog.count(*) FILTER (WHERE c.session_id = session_used.session) > 0
          FROM (
            SELECT a.session_id
              FROM boxoffice.claim AS a
             WHERE a.event_id = session_used.event
             LIMIT 10001) AS c);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_used IS
'Whether anybody ever took a place of a session, given back or not; also if it takes more than 10,000 claims to know.';

-- Removes a session that nobody ever took a place of, with its stock and its groups.
CREATE OR REPLACE FUNCTION boxoffice_code.session_remove(event bigint, session bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    groups bigint[];
BEGIN
    DELETE FROM boxoffice.session_price AS p
     WHERE p.event_id = session_remove.event AND p.session_id = session_remove.session;
    DELETE FROM boxoffice.ticket_type_session AS l
     USING boxoffice.ticket_type AS t
     WHERE t.event_id = session_remove.event
       AND l.event_id = t.event_id
       AND l.ticket_type_id = t.id
       AND l.session_id = session_remove.session;
    WITH removed AS (
        DELETE FROM boxoffice.stock AS k
         WHERE k.event_id = session_remove.event AND k.session_id = session_remove.session
        RETURNING k.group_id
    )
    SELECT pg_catalog.array_agg(r.group_id) INTO groups FROM removed AS r;
    DELETE FROM boxoffice.inventory_group AS g
     WHERE g.event_id = session_remove.event
       AND g.id = ANY (groups)
       AND NOT EXISTS (
        SELECT FROM boxoffice.stock AS k
         WHERE k.event_id = g.event_id AND k.group_id = g.id);
    DELETE FROM boxoffice.session AS s
     WHERE s.event_id = session_remove.event AND s.id = session_remove.session;
EXCEPTION WHEN foreign_key_violation THEN
    PERFORM boxoffice_code.refuse('in_use', 'session');
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_remove IS
'Removes a session that nobody ever took a place of.';

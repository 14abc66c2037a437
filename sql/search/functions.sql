-- The directory of public events: how it is written, and how filters become conditions.
--
-- Text is folded the same way on both sides: compatibility forms are resolved, accents dropped,
-- capitals made small, letters that have no accent to drop spelt out (ß is ss), signs made blanks.
-- Words are not stemmed, as a query does not say its language; the last letters may be left out
-- instead: each word of a query is the beginning of a word.

CREATE OR REPLACE FUNCTION boxoffice_code.search_fold(text text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pg_catalog.btrim(pg_catalog.regexp_replace(
               pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
               pg_catalog.translate(
                   pg_catalog.regexp_replace(
                       pg_catalog.lower(pg_catalog.normalize(text, 'NFKD')),
                       E'[\\u0300-\\u036f]', '', 'g'),
                   'øłđðı', 'olddi'),
               'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
               E'[\\u0001-\\u002f\\u003a-\\u0060\\u007b-\\u00bf\\u2000-\\u206f\\u3000-\\u303f]+', ' ', 'g'));
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_fold IS
'Text as it is searched: small letters without accents, signs made blanks.';

-- What one word after the other begins, all of them; NULL if there is no word. At most ten words
-- count.
CREATE OR REPLACE FUNCTION boxoffice_code.search_query(q text)
    RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.string_agg(pg_catalog.quote_literal(word.text) || ':*', ' & ')::tsquery
          FROM (
            SELECT x.text
              FROM pg_catalog.regexp_split_to_table(boxoffice_code.search_fold(q), ' ')
                   WITH ORDINALITY AS x (text, n)
             WHERE x.text <> ''
             ORDER BY x.n
             LIMIT 10
          ) AS word);
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_query IS
'What a text that a person typed looks for: words that begin as its words do, all of them.';

CREATE OR REPLACE FUNCTION boxoffice_code.search_words(text text, weight "char")
    RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.simple',
               boxoffice_code.search_fold(COALESCE(text, ''))), weight);
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_words IS 'The folded words of a text, with a weight.';

-- ---- writing
-- -------------------------------------------------------------------------------------

-- The venues that sessions of an event name, and the names that they have: each found by one probe
-- of an index, from the last one found, so that thousands of sessions of one name cost what one
-- does.
CREATE OR REPLACE FUNCTION boxoffice_code.session_venues(event bigint, most integer)
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE used AS (
        SELECT pg_catalog.min(s.venue_id) AS id
          FROM boxoffice.session AS s
         WHERE s.event_id = event AND s.venue_id IS NOT NULL
        UNION ALL
        SELECT (SELECT pg_catalog.min(s.venue_id)
                  FROM boxoffice.session AS s
                 WHERE s.event_id = event AND s.venue_id > u.id)
          FROM used AS u
         WHERE u.id IS NOT NULL
    )
    SELECT u.id FROM used AS u WHERE u.id IS NOT NULL LIMIT most
$$;
COMMENT ON FUNCTION boxoffice_code.session_venues IS
'The venues that sessions of an event name, at most so many.';

CREATE OR REPLACE FUNCTION boxoffice_code.session_names(event bigint, most integer)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE used AS (
        SELECT pg_catalog.min(s.name) AS name
          FROM boxoffice.session AS s
         WHERE s.event_id = event AND s.name IS NOT NULL
        UNION ALL
        SELECT (SELECT pg_catalog.min(s.name)
                  FROM boxoffice.session AS s
                 WHERE s.event_id = event AND s.name > u.name)
          FROM used AS u
         WHERE u.name IS NOT NULL
    )
    SELECT u.name FROM used AS u WHERE u.name IS NOT NULL LIMIT most
$$;
COMMENT ON FUNCTION boxoffice_code.session_names IS
'The different names of sessions of an event, in order, at most so many.';

-- Where an event takes place: the venues of its sessions, or its own.
CREATE OR REPLACE FUNCTION boxoffice_code.search_venues(event boxoffice.event)
    RETURNS SETOF boxoffice.venue
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT v.*
      FROM (
        SELECT event.venue_id AS id
         WHERE event.venue_id IS NOT NULL
        UNION
        SELECT s.id FROM boxoffice_code.session_venues(event.id, 1000) AS s (id)
      ) AS used
      JOIN boxoffice.venue AS v ON v.id = used.id
     ORDER BY v.id
     LIMIT 1000;
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_venues IS
'The venues of an event and of its sessions, at most a thousand.';

-- The row of the directory that an event in these venues should have. Names of sessions count too:
-- those of a festival are its artists. At most 500 different ones.
CREATE OR REPLACE FUNCTION boxoffice_code.search_row(
    event boxoffice.event, venues boxoffice.venue[])
    RETURNS boxoffice.event_search
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.event_search;
    tags text[] := ARRAY(
        SELECT t.tag FROM boxoffice.event_tag AS t WHERE t.event_id = event.id);
BEGIN
    made.event_id := event.id;
    made.organizer_id := event.organizer_id;
    made.shown := event.status IN ('published', 'paused');
    made.starts_at := event.starts_at;
    made.ends_at := event.ends_at;
    made.version := event.version;
    made.facets := ARRAY(
        SELECT 'category:' || event.category WHERE event.category IS NOT NULL
        UNION
        SELECT 'tag:' || boxoffice_code.search_fold(t) FROM pg_catalog.unnest(tags) AS t
        UNION
        SELECT 'country:' || v.country FROM pg_catalog.unnest(venues) AS v WHERE v.country <> ''
        UNION
        SELECT 'city:' || boxoffice_code.search_fold(v.city)
          FROM pg_catalog.unnest(venues) AS v
         WHERE v.city <> ''
        UNION
        SELECT 'place:' || v.country || '/' || boxoffice_code.search_fold(v.city)
          FROM pg_catalog.unnest(venues) AS v
         WHERE v.city <> '' AND v.country <> '');
    made.words :=
        boxoffice_code.search_words(event.name, 'A')
        || boxoffice_code.search_words(pg_catalog.concat_ws(
            ' ', event.category, pg_catalog.array_to_string(tags, ' '), event.summary), 'B')
        || boxoffice_code.search_words((
            SELECT pg_catalog.string_agg(n.name, ' ')
              FROM boxoffice_code.session_names(event.id, 500) AS n (name)), 'B')
        || boxoffice_code.search_words((
            SELECT o.name FROM boxoffice.organizer AS o WHERE o.id = event.organizer_id), 'C')
        || boxoffice_code.search_words((
            SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', v.name, v.city), ' ')
              FROM pg_catalog.unnest(venues) AS v), 'C')
        || boxoffice_code.search_words(event.description, 'D');
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_row IS
'The row that an event should have in the directory of public events.';

CREATE OR REPLACE FUNCTION boxoffice_code.search_refresh_places(
    event bigint, venues boxoffice.venue[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM boxoffice.event_place AS p
     WHERE p.event_id = event
       AND NOT EXISTS (
        SELECT FROM pg_catalog.unnest(venues) AS v
         WHERE v.id = p.venue_id AND v.latitude IS NOT NULL AND v.longitude IS NOT NULL);
    INSERT INTO boxoffice.event_place AS p (event_id, venue_id, at)
    SELECT event, v.id, pg_catalog.point(v.longitude, v.latitude)
      FROM pg_catalog.unnest(venues) AS v
     WHERE v.latitude IS NOT NULL AND v.longitude IS NOT NULL
        ON CONFLICT ON CONSTRAINT event_place_pkey DO UPDATE SET at = EXCLUDED.at
     WHERE NOT p.at ~= EXCLUDED.at;
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_refresh_places IS
'Writes where an event of the directory takes place.';

-- Writes what the public finds an event by, as the event is now: the last step of every transaction
-- that changes it. A draft that was never published has no row, nor has an event that was deleted.
-- A row made from a later version stays.
CREATE OR REPLACE FUNCTION boxoffice_code.search_refresh(event bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stands boxoffice.event;
    venues boxoffice.venue[];
    made boxoffice.event_search;
BEGIN
    SELECT * INTO stands FROM boxoffice.event AS e WHERE e.id = search_refresh.event;
    IF stands.id IS NULL THEN
        DELETE FROM boxoffice.event_place AS p WHERE p.event_id = search_refresh.event;
        DELETE FROM boxoffice.event_search AS s WHERE s.event_id = search_refresh.event;
    END IF;
    IF stands.starts_at IS NULL OR stands.status = 'draft' AND NOT EXISTS (
        SELECT FROM boxoffice.event_search AS s WHERE s.event_id = search_refresh.event) THEN
        RETURN;
    END IF;
    venues := ARRAY(SELECT v FROM boxoffice_code.search_venues(stands) AS v);
    made := boxoffice_code.search_row(stands, venues);
    INSERT INTO boxoffice.event_search AS s (
        event_id, organizer_id, shown, starts_at, ends_at, facets, words, version)
    VALUES (made.event_id, made.organizer_id, made.shown, made.starts_at, made.ends_at,
            made.facets, made.words, made.version)
        ON CONFLICT ON CONSTRAINT event_search_pkey DO UPDATE
       SET organizer_id = EXCLUDED.organizer_id,
           shown = EXCLUDED.shown,
           starts_at = EXCLUDED.starts_at,
           ends_at = EXCLUDED.ends_at,
           facets = EXCLUDED.facets,
           words = EXCLUDED.words,
           version = EXCLUDED.version
     WHERE s.version <= EXCLUDED.version;
    IF FOUND THEN
        PERFORM boxoffice_code.search_refresh_places(event, venues);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_refresh IS
'Writes what the public finds an event by; the last step of every transaction that changes what the public sees of it.';

-- What a caller forgot: one step through the events in order of id, for the worker and a deploy.
-- 0 at the end.
CREATE OR REPLACE FUNCTION boxoffice_code.sweep_search(after bigint, step integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    seen CONSTANT bigint[] := ARRAY(
        SELECT e.id FROM boxoffice.event AS e WHERE e.id > after ORDER BY e.id LIMIT step);
BEGIN
    PERFORM boxoffice_code.search_refresh(e.id)
       FROM boxoffice.event AS e
       LEFT JOIN boxoffice.event_search AS s ON s.event_id = e.id
      WHERE e.id = ANY (seen)
        AND (s.version < e.version OR s.version IS NULL AND e.status <> 'draft');
    RETURN CASE WHEN pg_catalog.cardinality(seen) = step THEN seen[step] ELSE 0 END;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sweep_search IS
'Refreshes the directory for events that changed without it, among the next few; the next position, or 0 at the end.';

-- ---- looking
-- -------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.distance_km(a point, b point)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 12742.02 * pg_catalog.asin(LEAST(1, pg_catalog.sqrt(
               pg_catalog.power(pg_catalog.sind((b[1] - a[1]) / 2), 2)
               + pg_catalog.cosd(a[1]) * pg_catalog.cosd(b[1])
                 * pg_catalog.power(pg_catalog.sind((b[0] - a[0]) / 2), 2))))
$$;
COMMENT ON FUNCTION boxoffice_code.distance_km IS
'Kilometres between two points (longitude, latitude) on a sphere of the Earth''s mean radius; haversine formula.';

-- "50.94,6.96" as a point (longitude, latitude).
CREATE OR REPLACE FUNCTION boxoffice_code.search_point(near text)
    RETURNS point
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    number CONSTANT text := '-?[0-9]{1,3}([.][0-9]{1,10})?';
    latitude double precision;
    longitude double precision;
BEGIN
    IF near ~ pg_catalog.format('^%s,%s$', number, number) THEN
        latitude := pg_catalog.split_part(near, ',', 1);
        longitude := pg_catalog.split_part(near, ',', 2);
    END IF;
    IF near IS NOT NULL
        AND (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180) IS NOT TRUE THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'near', '{}',
            'It must be degrees north and degrees east, such as 51.15,-2.58.');
    END IF;
    RETURN pg_catalog.point(longitude, latitude);
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_point IS
'Latitude and longitude as a request names them, as a point; NULL for none.';

-- A condition on event_place as p: within so many kilometres of a point. First boxes, which the
-- index knows, also beyond the date line; then the distance.
CREATE OR REPLACE FUNCTION boxoffice_code.search_near(here point, within_km integer)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
    high CONSTANT double precision := within_km / 110.5;
    wide CONSTANT double precision := CASE
        WHEN pg_catalog.abs(here[1]) + high >= 89.9 THEN 180
        ELSE LEAST(high / pg_catalog.cosd(pg_catalog.abs(here[1]) + high), 180) END;
    around CONSTANT box := pg_catalog.box(pg_catalog.point(here[0] - wide, here[1] - high),
                                          pg_catalog.point(here[0] + wide, here[1] + high));
BEGIN
    RETURN pg_catalog.format(
        '(p.at <@ %L::box OR p.at <@ %L::box OR p.at <@ %L::box)'
        ' AND boxoffice_code.distance_km(p.at, %L::point) <= %s',
        around, around + '(360,0)'::point, around - '(360,0)'::point, here, within_km);
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_near IS
'The condition that event_place p lies within so many kilometres of a point.';

-- What a request filters by, as a condition on event_search as s. Each request is planned anew with
-- its values: what is rare is found by its index, what is common by the order of the list.
CREATE OR REPLACE FUNCTION boxoffice_code.search_condition(
    q text, category text, tag text, country text, city text, near text, within_km integer,
    organizer bigint)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    query tsquery;
    here CONSTANT point := boxoffice_code.search_point(near);
    town CONSTANT text := boxoffice_code.search_fold(city);
    facets CONSTANT text[] := pg_catalog.array_remove(ARRAY[
        'category:' || category,
        'tag:' || boxoffice_code.search_fold(tag),
        CASE WHEN town IS NULL THEN 'country:' || country
             ELSE 'place:' || country || '/' || town END,
        CASE WHEN country IS NULL THEN 'city:' || town END], NULL);
BEGIN
    PERFORM boxoffice_code.require_fits('event_list', pg_catalog.jsonb_build_object('q', q));
    query := boxoffice_code.search_query(q);
    IF within_km IS NOT NULL AND near IS NULL THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'within_km', '{}',
            'It needs near: of where?');
    END IF;
    RETURN pg_catalog.concat_ws(' AND ', 's.shown',
        CASE WHEN query IS NULL AND q IS NOT NULL THEN 'false' END,
        CASE WHEN query IS NOT NULL
             THEN pg_catalog.format('s.words @@ %L::tsquery', query) END,
        CASE WHEN pg_catalog.cardinality(facets) > 0
             THEN pg_catalog.format('s.facets @> %L::text[]', facets) END,
        CASE WHEN organizer IS NOT NULL
             THEN pg_catalog.format('s.organizer_id = %s', organizer) END,
        CASE WHEN here IS NOT NULL THEN pg_catalog.format(
            's.event_id IN (SELECT p.event_id FROM boxoffice.event_place AS p WHERE %s)',
            boxoffice_code.search_near(here, COALESCE(within_km, 25))) END);
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_condition IS
'What a request filters public events by, as a condition on event_search s.';

-- The condition on event_search as s that something of the event lies in [since, until): a session
-- starts in it, or one of the latest that started before it still runs. Two short looks into the
-- index of sessions by time, however many sessions the event has. Without a lower bound: what is
-- not over.
CREATE OR REPLACE FUNCTION boxoffice_code.search_dates(since timestamptz, until timestamptz)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'   -- times go through text here, and no other style says all of them
AS $$
DECLARE
    low CONSTANT timestamptz := COALESCE(since, boxoffice_code.clock());
BEGIN
    IF until IS NULL AND since IS NULL THEN
        RETURN pg_catalog.format('s.ends_at >= %L', low);
    END IF;
    RETURN pg_catalog.format($condition$
        s.ends_at >= %1$L AND s.starts_at < %2$L
        AND (EXISTS (SELECT FROM boxoffice.session AS x
                      WHERE x.event_id = s.event_id AND x.starts_at >= %1$L AND x.starts_at < %2$L)
             OR EXISTS (SELECT FROM (SELECT x.ends_at FROM boxoffice.session AS x
                                      WHERE x.event_id = s.event_id AND x.starts_at < %1$L
                                      ORDER BY x.starts_at DESC, x.id DESC LIMIT 20) AS latest
                         WHERE latest.ends_at > %1$L))$condition$,
        low, COALESCE(until, 'infinity'));
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_dates IS
'The condition that something of the event of event_search s lies in a range of time.';

-- One page of events: ids and the cursor after each, in the order that was asked for: new (the
-- newest first), date (by the start of the first session), relevance (the best first; words in the
-- name count most).
CREATE OR REPLACE FUNCTION boxoffice_code.search_page(
    condition text, sort text, query tsquery, cursor text, wanted integer)
    RETURNS TABLE (place bigint, event_id bigint, cursor_after text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'   -- times go through text here, and no other style says all of them
AS $$
DECLARE
    from_directory CONSTANT text := pg_catalog.format(
        ' FROM boxoffice.event_search AS s WHERE %s', condition);
    rank CONSTANT text := pg_catalog.format(
        '(pg_catalog.ts_rank(s.words, %L::tsquery) * 1000000)::bigint', query);
    after CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
BEGIN
    CASE sort
        WHEN 'date' THEN
            RETURN QUERY EXECUTE pg_catalog.format(
                'SELECT pg_catalog.row_number() OVER (), f.event_id,
                        boxoffice_code.cursor_make(f.starts_at, f.event_id)
                   FROM (SELECT s.event_id, s.starts_at %s %s
                          ORDER BY s.starts_at, s.event_id LIMIT %s) AS f',
                from_directory, CASE WHEN cursor IS NOT NULL THEN pg_catalog.format(
                    ' AND (s.starts_at, s.event_id) > (%L, %s)',
                    boxoffice_code.cursor_time(cursor), after) END, wanted);
        WHEN 'relevance' THEN
            IF cursor NOT LIKE '%-%' THEN
                PERFORM boxoffice_code.cursor_time(cursor);
            END IF;
            RETURN QUERY EXECUTE pg_catalog.format(
                'SELECT pg_catalog.row_number() OVER (), f.event_id, f.rank || ''-'' || f.event_id
                   FROM (SELECT r.*
                           FROM (SELECT s.event_id, %s AS rank %s) AS r
                          WHERE (r.rank, r.event_id) < (%s, %s)
                          ORDER BY r.rank DESC, r.event_id DESC LIMIT %s) AS f',
                rank, from_directory,
                COALESCE(pg_catalog.split_part(cursor, '-', 1), '9223372036854775807'), after,
                wanted);
        ELSE
            RETURN QUERY EXECUTE pg_catalog.format(
                'SELECT pg_catalog.row_number() OVER (), f.event_id, f.event_id::text
                   FROM (SELECT s.event_id %s AND s.event_id < %s
                          ORDER BY s.event_id DESC LIMIT %s) AS f',
                from_directory, after, wanted);
    END CASE;
END
$$;
COMMENT ON FUNCTION boxoffice_code.search_page IS
'One page of the directory of public events: ids in order, and the cursor after each.';

-- ---- the calendar
-- ---------------------------------------------------------------------------------

-- Sessions of events by time, from few events: of each as many as a page has, by its own index.
CREATE OR REPLACE FUNCTION boxoffice_code.calendar_of(
    events bigint[], since timestamptz, until timestamptz, after_time timestamptz,
    after_id bigint, wanted integer)
    RETURNS TABLE (event_id bigint, id bigint, starts_at timestamptz)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT x.event_id, x.id, x.starts_at
      FROM pg_catalog.unnest(events) AS e (id)
     CROSS JOIN LATERAL (
        SELECT s.event_id, s.id, s.starts_at
          FROM boxoffice.session AS s
         WHERE s.event_id = e.id
           AND s.starts_at >= since
           AND s.starts_at < until
           AND (s.starts_at, s.id) > (after_time, after_id)
         ORDER BY s.starts_at, s.id
         LIMIT wanted
      ) AS x
     ORDER BY x.starts_at, x.id
     LIMIT wanted;
END
$$;
COMMENT ON FUNCTION boxoffice_code.calendar_of IS
'The next sessions of these events by time, at most so many.';

-- One page of sessions of public events by time: ids, in order. Two ways: where few events meet the
-- condition (at most so many), from those; where many do, along the index of all sessions by time.
CREATE OR REPLACE FUNCTION boxoffice_code.calendar_page(
    condition text, since timestamptz, until timestamptz, cursor text, wanted integer,
    few integer DEFAULT 100)
    RETURNS TABLE (event_id bigint, id bigint, starts_at timestamptz)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'   -- times go through text here, and no other style says all of them
AS $$
DECLARE
    low CONSTANT timestamptz := COALESCE(since, boxoffice_code.clock());
    high CONSTANT timestamptz := COALESCE(until, 'infinity');
    after_time CONSTANT timestamptz := COALESCE(boxoffice_code.cursor_time(cursor), '-infinity');
    after_id CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
    events bigint[];
BEGIN
    IF condition <> 's.shown' THEN
        EXECUTE pg_catalog.format(
            'SELECT ARRAY(SELECT s.event_id FROM boxoffice.event_search AS s
              WHERE %s AND s.ends_at >= %L AND s.starts_at < %L LIMIT %s)',
            condition, low, high, few + 1)
           INTO events;
    END IF;
    IF pg_catalog.cardinality(events) <= few THEN
        RETURN QUERY
        SELECT * FROM boxoffice_code.calendar_of(events, low, high, after_time, after_id, wanted);
        RETURN;
    END IF;
    RETURN QUERY EXECUTE pg_catalog.format(
        'SELECT x.event_id, x.id, x.starts_at
           FROM boxoffice.session AS x
           JOIN boxoffice.event_search AS s ON s.event_id = x.event_id
          WHERE %s AND (x.starts_at, x.id) > (%L, %s) AND x.starts_at >= %L AND x.starts_at < %L
          ORDER BY x.starts_at, x.id LIMIT %s',
        condition, after_time, after_id, low, high, wanted);
END
$$;
COMMENT ON FUNCTION boxoffice_code.calendar_page IS
'The next sessions of public events by time that meet a condition, at most so many.';

-- How full sessions of several events are: the state of the type of which most is left, by the
-- scarcest of its pools; no row where no shown type is sold. What does not let in by itself
-- (add-ons, merchandise, donations) counts only where nothing else is sold. What may have expired
-- is looked at only where the counters say that little is left.
CREATE OR REPLACE FUNCTION boxoffice_code.sessions_state(events bigint[], sessions bigint[])
    RETURNS TABLE (session_id bigint, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT w.event_id, w.id
          FROM ROWS FROM (pg_catalog.unnest(events), pg_catalog.unnest(sessions))
               AS w (event_id, id)
    ), of_event AS MATERIALIZED (
        SELECT DISTINCT w.event_id AS id FROM wanted AS w
    ), stock AS MATERIALIZED (
        SELECT s.* FROM wanted AS w
          JOIN boxoffice.stock AS s ON s.event_id = w.event_id AND s.session_id = w.id
        UNION ALL
        SELECT s.* FROM of_event AS e
          JOIN boxoffice.stock AS s ON s.event_id = e.id AND s.session_id IS NULL
    ), counted AS MATERIALIZED (
        SELECT s.event_id, s.id, s.pool_id, s.session_id,
               s.capacity::bigint + s.overbook AS places,
               s.held::bigint + s.pending + s.blocked AS losable,
               s.held::bigint + s.pending + s.sold + s.blocked AS taken
          FROM stock AS s
    ), tight AS MATERIALIZED (
        SELECT n.id, n.state
          FROM (
            SELECT c.event_id AS id, pg_catalog.array_agg(c.id) AS stocks
              FROM counted AS c
             WHERE (c.places - c.taken) * 10 <= c.places AND c.losable > 0
             GROUP BY c.event_id
          ) AS e
         CROSS JOIN LATERAL boxoffice_code.stock_now(e.id, e.stocks, false) AS n
    ), now AS MATERIALIZED (
        SELECT c.event_id, c.pool_id, c.session_id,
               CASE WHEN t.id IS NOT NULL THEN t.state
                    WHEN c.places <= c.taken THEN 3
                    WHEN (c.places - c.taken) * 10 <= c.places THEN 1
                    ELSE 0 END AS state
          FROM counted AS c
          LEFT JOIN tight AS t ON t.id = c.id
    ), sold AS (
        SELECT w.id, y.id AS type, y.kind = 'admission' AND y.sold_alone AS admits,
               pg_catalog.max(n.state) AS state
          FROM wanted AS w
          JOIN boxoffice.ticket_type AS y
            ON y.event_id = w.event_id AND y.status <> 'retired' AND NOT y.hidden
          JOIN boxoffice.ticket_type_pool AS p
            ON p.event_id = y.event_id AND p.ticket_type_id = y.id
          JOIN now AS n
            ON n.event_id = p.event_id AND n.pool_id = p.pool_id
           AND (n.session_id = w.id OR n.session_id IS NULL)
         WHERE y.all_sessions OR EXISTS (
                SELECT FROM boxoffice.ticket_type_session AS x
                 WHERE x.event_id = y.event_id
                   AND x.ticket_type_id = y.id
                   AND x.session_id = w.id)
         GROUP BY w.id, y.id, y.kind, y.sold_alone
    )
    SELECT s.id, COALESCE(pg_catalog.min(s.state) FILTER (WHERE s.admits), pg_catalog.min(s.state))
      FROM sold AS s
     GROUP BY s.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sessions_state IS
'How full sessions of several events are, as in boxoffice_code.stock_now: the best of their shown types.';

-- ---- answers
-- -------------------------------------------------------------------------------------

-- Events in a list, in the order given. One query for all of them: a function for each would cost
-- three times as much.
CREATE OR REPLACE FUNCTION boxoffice_code.event_summaries_json(events bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', e.id::text,
                   'slug', e.slug,
                   'name', e.name,
                   'summary', e.summary,
                   'category', e.category,
                   'tags', COALESCE((
                        SELECT pg_catalog.json_agg(t.tag ORDER BY t.position)
                          FROM boxoffice.event_tag AS t
                         WHERE t.event_id = e.id), '[]'),
                   'image', (
                        SELECT pg_catalog.json_build_object('url', i.url, 'alt', i.alt)
                          FROM boxoffice.event_image AS i
                         WHERE i.event_id = e.id
                         ORDER BY i.position
                         LIMIT 1),
                   'status', e.status,
                   'test', e.test,
                   'organizer', pg_catalog.json_build_object(
                       'id', o.id::text, 'slug', o.slug, 'name', o.name),
                   'venue', boxoffice_code.venue_json(v),
                   'currency', e.currency,
                   'zone', e.zone,
                   'starts_at', boxoffice_code.time_text(e.starts_at, e.zone),
                   'ends_at', boxoffice_code.time_text(e.ends_at, e.zone),
                   'price_from', (
                        SELECT COALESCE(pg_catalog.min(c.amount) FILTER (WHERE c.admits),
                                        pg_catalog.min(c.amount))
                          FROM (
                            SELECT y.kind = 'admission' AND y.sold_alone AS admits,
                                   y.fee + LEAST(y.price, (
                                       SELECT p.price
                                         FROM boxoffice.session_price AS p
                                        WHERE p.event_id = y.event_id AND p.ticket_type_id = y.id
                                        ORDER BY p.price
                                        LIMIT 1)) AS amount
                              FROM boxoffice.ticket_type AS y
                             WHERE y.event_id = e.id AND y.status <> 'retired' AND NOT y.hidden
                          ) AS c))
                   ORDER BY w.place)
          FROM pg_catalog.unnest(events) WITH ORDINALITY AS w (id, place)
          JOIN boxoffice.event AS e ON e.id = w.id
          JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
          LEFT JOIN boxoffice.venue AS v ON v.id = e.venue_id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_summaries_json IS 'Events in a list, in the order given.';

CREATE OR REPLACE FUNCTION boxoffice_code.calendar_json(events bigint[], sessions bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'key', s.key,
                   'name', s.name,
                   'status', s.status,
                   'starts_at', boxoffice_code.time_text(s.starts_at, s.zone),
                   'ends_at', boxoffice_code.time_text(s.ends_at, s.zone),
                   'original_starts_at', boxoffice_code.time_text(s.original_starts_at, s.zone),
                   'zone', s.zone,
                   'venue', boxoffice_code.venue_json(v),
                   'event', pg_catalog.json_build_object(
                       'id', e.id::text,
                       'slug', e.slug,
                       'name', e.name,
                       'status', e.status,
                       'test', e.test),
                   'availability', boxoffice_code.stock_state_name(a.state))
                   ORDER BY w.place)
          FROM ROWS FROM (pg_catalog.unnest(events), pg_catalog.unnest(sessions))
               WITH ORDINALITY AS w (event_id, id, place)
          JOIN boxoffice.session AS s ON s.event_id = w.event_id AND s.id = w.id
          JOIN boxoffice.event AS e ON e.id = w.event_id
          LEFT JOIN boxoffice.venue AS v ON v.id = COALESCE(s.venue_id, e.venue_id)
          LEFT JOIN boxoffice_code.sessions_state(events, sessions) AS a ON a.session_id = w.id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.calendar_json IS
'Sessions of several events in the order given, each with its event and how full it is.';

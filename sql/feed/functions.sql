-- What other programs read of events: calendars (iCalendar, RFC 5545) and descriptions for search
-- engines (schema.org, JSON-LD).
--
-- Calendars: lines of at most 75 octets, folded between characters; CRLF; times in UTC, so that no
-- time zone need be described. A UID is made of ids and never changes; SEQUENCE is the version of
-- the event, DTSTAMP and LAST-MODIFIED when it was changed, so that a feed has the same bytes until
-- then. What is cancelled stays, with its STATUS, or calendars that know it would keep it.

-- ---- iCalendar
-- -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.ical_text(text text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.regexp_replace(
               text, E'([\\\\;,])', E'\\\\\\1', 'g'),
               E'\r\n|[\r\n]', E'\\\\n', 'g'),
               E'[\\u0001-\\u0008\\u000b-\\u001f\\u007f]', '', 'g')
$$;
COMMENT ON FUNCTION boxoffice_code.ical_text IS
'A value of type TEXT of RFC 5545: signs escaped, control characters left out.';

-- One content line, folded: no piece is longer than 75 octets with the blank that goes before it,
-- and none ends within a character.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_line(line text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rest text := line;
    piece text;
    folded text := '';
    room integer := 75;
BEGIN
    WHILE pg_catalog.octet_length(rest) > room LOOP
        piece := pg_catalog.left(rest, room);
        WHILE pg_catalog.octet_length(piece) > room LOOP
            piece := pg_catalog.left(
                piece, -GREATEST(1, (pg_catalog.octet_length(piece) - room) / 4));
        END LOOP;
        folded := folded || piece || E'\r\n ';
        rest := pg_catalog.substr(rest, pg_catalog.length(piece) + 1);
        room := 74;
    END LOOP;
    RETURN folded || rest || E'\r\n';
END
$$;
COMMENT ON FUNCTION boxoffice_code.ical_line IS
'A content line of RFC 5545, folded at 75 octets between characters, with its CRLF; NULL for NULL.';

CREATE OR REPLACE FUNCTION boxoffice_code.ical_time(at timestamptz)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"')
$$;
COMMENT ON FUNCTION boxoffice_code.ical_time IS 'A DATE-TIME of RFC 5545, in UTC.';

-- A whole calendar. It must have a component: one without events has the zone of its times.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_calendar(name text, events text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.replace(
               E'BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Boxoffice//Boxoffice//EN\n'
               || E'CALSCALE:GREGORIAN\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\n'
               || E'X-PUBLISHED-TTL:PT1H\n', E'\n', E'\r\n')
           || boxoffice_code.ical_line('NAME:' || boxoffice_code.ical_text(name))
           || boxoffice_code.ical_line('X-WR-CALNAME:' || boxoffice_code.ical_text(name))
           || COALESCE(events, pg_catalog.replace(
               E'BEGIN:VTIMEZONE\nTZID:Etc/UTC\nBEGIN:STANDARD\nDTSTART:19700101T000000\n'
               || E'TZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nTZNAME:UTC\nEND:STANDARD\n'
               || E'END:VTIMEZONE\n', E'\n', E'\r\n'))
           || E'END:VCALENDAR\r\n'
$$;
COMMENT ON FUNCTION boxoffice_code.ical_calendar IS
'A whole iCalendar object with this name around these components; NULL is none.';

-- Name, place and, if they are known, coordinates of a venue, as lines.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_venue(venue boxoffice.venue)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN venue.id IS NOT NULL THEN
        boxoffice_code.ical_line('LOCATION:' || boxoffice_code.ical_text(pg_catalog.concat_ws(
            ', ', venue.name, venue.address, venue.city, venue.country)))
        || CASE WHEN venue.latitude IS NOT NULL AND venue.longitude IS NOT NULL
                THEN 'GEO:' || pg_catalog.round(venue.latitude::numeric, 6)
                     || ';' || pg_catalog.round(venue.longitude::numeric, 6) || E'\r\n'
                ELSE '' END
        ELSE '' END
$$;
COMMENT ON FUNCTION boxoffice_code.ical_venue IS
'LOCATION and GEO of a venue as content lines; nothing for none.';

-- What every session of an event has in common, as lines: the version, the text, its kind.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_event(event boxoffice.event)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'DTSTAMP:' || boxoffice_code.ical_time(event.updated_at) || E'\r\n'
           || 'LAST-MODIFIED:' || boxoffice_code.ical_time(event.updated_at) || E'\r\n'
           || 'SEQUENCE:' || LEAST(event.version, 2147483647) || E'\r\n'
           || COALESCE((
                SELECT boxoffice_code.ical_line('CATEGORIES:' || pg_catalog.string_agg(
                           boxoffice_code.ical_text(c.word), ',' ORDER BY c.n))
                  FROM (
                    SELECT event.category AS word, 0 AS n
                     WHERE event.category IS NOT NULL
                    UNION ALL
                    SELECT t.tag, t.position
                      FROM boxoffice.event_tag AS t
                     WHERE t.event_id = event.id
                  ) AS c), '')
           || COALESCE((
                SELECT boxoffice_code.ical_line('DESCRIPTION:' || boxoffice_code.ical_text(
                           CASE WHEN pg_catalog.length(d.text) > 1000
                                THEN pg_catalog.left(d.text, 999) || '…'
                                ELSE d.text END))
                  FROM (SELECT COALESCE(event.description, event.summary) AS text) AS d
                 WHERE d.text <> ''), '')
$$;
COMMENT ON FUNCTION boxoffice_code.ical_event IS
'The content lines that all sessions of an event have in common; the description is cut at 1000 characters.';

CREATE OR REPLACE FUNCTION boxoffice_code.ical_summary(event text, session text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.ical_line('SUMMARY:' || boxoffice_code.ical_text(event
               || CASE WHEN session <> event THEN ': ' || session ELSE '' END))
$$;
COMMENT ON FUNCTION boxoffice_code.ical_summary IS
'SUMMARY: the event''s name and, if it has one of its own, the session''s.';

-- Sessions, given with the event of each, as components by time.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_sessions(events bigint[], sessions bigint[])
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH wanted AS MATERIALIZED (
            SELECT w.event_id, w.id
              FROM ROWS FROM (pg_catalog.unnest(events), pg_catalog.unnest(sessions))
                   AS w (event_id, id)
        ), event AS MATERIALIZED (
            SELECT e.id, e.name, e.status, e.venue_id, boxoffice_code.ical_event(e) AS lines
              FROM boxoffice.event AS e
             WHERE e.id IN (SELECT w.event_id FROM wanted AS w)
        ), venue AS MATERIALIZED (
            SELECT v.id, boxoffice_code.ical_venue(v) AS lines
              FROM boxoffice.venue AS v
             WHERE v.id IN (SELECT e.venue_id FROM event AS e
                            UNION
                            SELECT s.venue_id
                              FROM wanted AS w
                              JOIN boxoffice.session AS s
                                ON s.event_id = w.event_id AND s.id = w.id)
        )
        SELECT pg_catalog.string_agg(
                   E'BEGIN:VEVENT\r\nUID:' || s.id || '-' || e.id || E'@boxoffice\r\n'
                   || 'DTSTART:' || boxoffice_code.ical_time(s.starts_at) || E'\r\n'
                   || CASE WHEN s.ends_at > s.starts_at
                           THEN 'DTEND:' || boxoffice_code.ical_time(s.ends_at) || E'\r\n'
                           ELSE '' END
                   || boxoffice_code.ical_summary(e.name, s.name)
                   || COALESCE(v.lines, '')
                   || 'STATUS:' || CASE WHEN 'cancelled' IN (e.status, s.status)
                                        THEN E'CANCELLED\r\n' ELSE E'CONFIRMED\r\n' END
                   || e.lines
                   || E'END:VEVENT\r\n', '' ORDER BY s.starts_at, s.id)
          FROM wanted AS w
          JOIN event AS e ON e.id = w.event_id
          JOIN boxoffice.session AS s ON s.event_id = w.event_id AND s.id = w.id
          LEFT JOIN venue AS v ON v.id = COALESCE(s.venue_id, e.venue_id));
END
$$;
COMMENT ON FUNCTION boxoffice_code.ical_sessions IS
'Sessions as components of a calendar, by time; NULL for none.';

-- The sessions that an order's tickets admit to, and what is bought for each: a ticket of a pass
-- admits to those that its claim has taken a place in. At most 500.
CREATE OR REPLACE FUNCTION boxoffice_code.order_sessions(event bigint, "order" bigint)
    RETURNS TABLE (session_id bigint, tickets text, live boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH admitted AS (
        SELECT t.session_id, t.ticket_type_id, t.state
          FROM boxoffice.ticket AS t
         WHERE t.event_id = event AND t.order_id = "order" AND t.session_id IS NOT NULL
        UNION ALL
        SELECT k.session_id, t.ticket_type_id, t.state
          FROM boxoffice.ticket AS t
          JOIN boxoffice.order AS o ON o.event_id = t.event_id AND o.id = t.order_id
          JOIN boxoffice.claim AS c
            ON c.event_id = o.event_id AND c.owner_id = o.hold_id AND c.line = t.line
          JOIN boxoffice.stock AS k
            ON k.event_id = c.event_id AND k.id = ANY (c.stock_ids) AND k.session_id IS NOT NULL
         WHERE t.event_id = event AND t.order_id = "order" AND t.session_id IS NULL
    ), counted AS (
        SELECT a.session_id, a.ticket_type_id,
               pg_catalog.count(*) FILTER (WHERE a.state <> 'cancelled') AS live,
               pg_catalog.count(*) AS any_state
          FROM admitted AS a
         GROUP BY a.session_id, a.ticket_type_id
    )
    SELECT c.session_id,
           pg_catalog.string_agg(c.live || ' × ' || y.name, ', ' ORDER BY y.position, y.id)
           FILTER (WHERE c.live > 0),
           pg_catalog.bool_or(c.live > 0)
      FROM counted AS c
      JOIN boxoffice.ticket_type AS y ON y.event_id = event AND y.id = c.ticket_type_id
      JOIN boxoffice.session AS s ON s.event_id = event AND s.id = c.session_id
     GROUP BY c.session_id, s.starts_at
     ORDER BY s.starts_at, c.session_id
     LIMIT 500;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_sessions IS
'Which sessions the tickets of an order admit to, and how many of which type; live if any of them is not cancelled.';

-- What somebody bought, as components. Their sequence rises with each change of the event, with the
-- order's payment and cancellation, and with each ticket that is cancelled.
CREATE OR REPLACE FUNCTION boxoffice_code.ical_order(
    event boxoffice.event, "order" boxoffice.order)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed CONSTANT timestamptz := GREATEST(event.updated_at, "order".placed_at, "order".paid_at,
                                             "order".cancelled_at);
    standing CONSTANT text := CASE "order".status
        WHEN 'paid' THEN 'CONFIRMED' WHEN 'expired' THEN 'CANCELLED'
        WHEN 'cancelled' THEN 'CANCELLED' ELSE 'TENTATIVE' END;
    gone CONSTANT bigint := (
        SELECT pg_catalog.count(*)
          FROM boxoffice.ticket AS t
         WHERE t.event_id = event.id AND t.order_id = "order".id AND t.state = 'cancelled');
    code CONSTANT text := event.short_code || '-' || "order".code;
BEGIN
    RETURN (
        SELECT pg_catalog.string_agg(
                   E'BEGIN:VEVENT\r\nUID:' || s.id || '-' || "order".id || E'-order@boxoffice\r\n'
                   || 'DTSTAMP:' || boxoffice_code.ical_time(changed) || E'\r\n'
                   || 'LAST-MODIFIED:' || boxoffice_code.ical_time(changed) || E'\r\n'
                   || 'SEQUENCE:' || LEAST(
                          EXTRACT(EPOCH FROM changed - "order".placed_at)::bigint + event.version
                          + gone, 2147483647) || E'\r\n'
                   || 'DTSTART:' || boxoffice_code.ical_time(s.starts_at) || E'\r\n'
                   || CASE WHEN s.ends_at > s.starts_at
                           THEN 'DTEND:' || boxoffice_code.ical_time(s.ends_at) || E'\r\n'
                           ELSE '' END
                   || boxoffice_code.ical_summary(event.name, s.name)
                   || boxoffice_code.ical_line('DESCRIPTION:' || boxoffice_code.ical_text(
                          pg_catalog.concat_ws(E'\n', code, t.tickets)))
                   || boxoffice_code.ical_venue(v)
                   || 'STATUS:' || CASE WHEN NOT t.live OR 'cancelled' IN (event.status, s.status)
                                        THEN 'CANCELLED' ELSE standing END
                   || E'\r\nEND:VEVENT\r\n', '' ORDER BY s.starts_at, s.id)
          FROM boxoffice_code.order_sessions(event.id, "order".id) AS t
          JOIN boxoffice.session AS s ON s.event_id = event.id AND s.id = t.session_id
          LEFT JOIN boxoffice.venue AS v ON v.id = COALESCE(s.venue_id, event.venue_id));
END
$$;
COMMENT ON FUNCTION boxoffice_code.ical_order IS
'The sessions that an order''s tickets admit to as components of a calendar; no personal data.';

-- ---- schema.org
-- ----------------------------------------------------------------------------------

-- An amount in minor units as schema.org writes a price: with the currency's places, no signs.
CREATE OR REPLACE FUNCTION boxoffice_code.price_text(amount bigint, exponent integer)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.round(amount / pg_catalog.power(10::numeric, exponent), exponent)::text
$$;
COMMENT ON FUNCTION boxoffice_code.price_text IS
'An amount in minor units as a decimal number with as many places as the currency has.';

CREATE OR REPLACE FUNCTION boxoffice_code.venue_jsonld(venue jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        '@type', 'Place',
        'name', venue -> 'name',
        'address', pg_catalog.jsonb_build_object(
            '@type', 'PostalAddress',
            'streetAddress', venue -> 'address',
            'addressLocality', venue -> 'city',
            'addressCountry', venue -> 'country'),
        'geo', CASE WHEN venue ->> 'latitude' IS NOT NULL AND venue ->> 'longitude' IS NOT NULL
            THEN pg_catalog.jsonb_build_object(
                '@type', 'GeoCoordinates',
                'latitude', venue -> 'latitude',
                'longitude', venue -> 'longitude') END))
     WHERE pg_catalog.jsonb_typeof(venue) = 'object'
$$;
COMMENT ON FUNCTION boxoffice_code.venue_jsonld IS
'A venue, as answers show it, as a Place of schema.org; NULL for none.';

-- What schema.org calls the availability of a type: what is paused or over is out of stock, though
-- there may be places. Before the sale opens validFrom says when.
CREATE OR REPLACE FUNCTION boxoffice_code.availability_jsonld(state text, on_sale boolean)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 'https://schema.org/' || CASE
        WHEN state = 'sold_out' THEN 'SoldOut'
        WHEN NOT on_sale THEN 'OutOfStock'
        WHEN state = 'available' THEN 'InStock'
        ELSE 'LimitedAvailability' END
$$;
COMMENT ON FUNCTION boxoffice_code.availability_jsonld IS
'ItemAvailability of schema.org for a state of stock; low and all held are limited.';

-- What is offered for a session, as answers show it: an Offer for each shown type that is sold in
-- it. The price has the fee in it, as it must be paid.
CREATE OR REPLACE FUNCTION boxoffice_code.offers_jsonld(
    event boxoffice.event, session jsonb, types jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    exponent CONSTANT integer := (
        SELECT c.exponent FROM boxoffice.currency AS c WHERE c.code = event.currency);
    open CONSTANT boolean := event.status = 'published' AND session ->> 'status' = 'open';
BEGIN
    RETURN (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   '@type', 'Offer',
                   'name', o.type ->> 'name',
                   'price', boxoffice_code.price_text(
                       COALESCE(o.price, (o.type ->> 'price')::bigint)
                       + (o.type ->> 'fee')::bigint, exponent),
                   'priceCurrency', event.currency,
                   'availability', boxoffice_code.availability_jsonld(
                       o.place ->> 'state',
                       open AND o.type ->> 'status' = 'active' AND COALESCE(o.until > now, true)),
                   'validFrom', boxoffice_code.time_text(o.since, session ->> 'zone'),
                   'validThrough', boxoffice_code.time_text(o.until, session ->> 'zone')))
                   ORDER BY o.n)
          FROM (
            SELECT t.type, t.n, p.place, s.price,
                   GREATEST((session ->> 'sale_starts_at')::timestamptz,
                            (t.type ->> 'sale_starts_at')::timestamptz) AS since,
                   LEAST((session ->> 'sale_ends_at')::timestamptz,
                         (t.type ->> 'sale_ends_at')::timestamptz) AS until
              FROM pg_catalog.jsonb_array_elements(types) WITH ORDINALITY AS t (type, n)
              JOIN pg_catalog.jsonb_array_elements(session -> 'availability') AS p (place)
                ON p.place ->> 'ticket_type' = t.type ->> 'key'
              LEFT JOIN boxoffice.session_price AS s
                ON s.event_id = event.id
               AND s.ticket_type_id = (t.type ->> 'id')::bigint
               AND s.session_id = (session ->> 'id')::bigint
          ) AS o);
END
$$;
COMMENT ON FUNCTION boxoffice_code.offers_jsonld IS
'What is offered for a session as Offers of schema.org; NULL where nothing is.';

-- A session as an Event of schema.org; of an event with one session it is the event itself.
CREATE OR REPLACE FUNCTION boxoffice_code.session_jsonld(
    event boxoffice.event, session jsonb, types jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        '@type', 'Event',
        '@id', pg_catalog.format('urn:boxoffice:event:%s:session:%s', event.id, session ->> 'id'),
        'name', CASE WHEN session ->> 'name' <> event.name
                     THEN event.name || ': ' || (session ->> 'name') ELSE event.name END,
        'startDate', session -> 'starts_at',
        'endDate', session -> 'ends_at',
        'eventStatus', 'https://schema.org/' || CASE
            WHEN 'cancelled' IN (event.status, session ->> 'status') THEN 'EventCancelled'
            WHEN session ->> 'original_starts_at' <> session ->> 'starts_at'
            THEN 'EventRescheduled'
            ELSE 'EventScheduled' END,
        'previousStartDate', CASE
            WHEN session ->> 'original_starts_at' <> session ->> 'starts_at'
            THEN session -> 'original_starts_at' END,
        'location', boxoffice_code.venue_jsonld(session -> 'venue'),
        'offers', CASE WHEN 'cancelled' NOT IN (event.status, session ->> 'status')
                       THEN boxoffice_code.offers_jsonld(event, session, types) END))
$$;
COMMENT ON FUNCTION boxoffice_code.session_jsonld IS
'A session, as answers show it, as an Event of schema.org.';

-- What all of a series' offers have in common. Who looks for the lowest price wants to get in: a
-- donation counts only where nothing admits.
CREATE OR REPLACE FUNCTION boxoffice_code.offers_sum_jsonld(event boxoffice.event, types jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_build_object(
               '@type', 'AggregateOffer',
               'lowPrice', boxoffice_code.price_text(
                   pg_catalog.min(t.fee + LEAST(t.price, s.low)), c.exponent),
               'highPrice', boxoffice_code.price_text(
                   pg_catalog.max(t.fee + GREATEST(t.price, s.high)), c.exponent),
               'priceCurrency', c.code,
               'offerCount', pg_catalog.count(*))
      FROM (
        SELECT (x.type ->> 'id')::bigint AS id, (x.type ->> 'price')::bigint AS price,
               (x.type ->> 'fee')::bigint AS fee,
               x.type ->> 'kind' = 'admission' AS admits,
               pg_catalog.bool_or(x.type ->> 'kind' = 'admission') OVER () AS some_admit
          FROM pg_catalog.jsonb_array_elements(types) AS x (type)
      ) AS t
     CROSS JOIN LATERAL (
        SELECT pg_catalog.min(p.price) AS low, pg_catalog.max(p.price) AS high
          FROM boxoffice.session_price AS p
         WHERE p.event_id = event.id AND p.ticket_type_id = t.id
      ) AS s
      JOIN boxoffice.currency AS c ON c.code = event.currency
     WHERE event.status <> 'cancelled' AND (t.admits OR NOT t.some_admit)
     GROUP BY c.code, c.exponent
$$;
COMMENT ON FUNCTION boxoffice_code.offers_sum_jsonld IS
'The prices of an event''s shown types as an AggregateOffer of schema.org; NULL where nothing is sold.';

-- An event with one session is an Event; one with several an EventSeries of the next hundred, or of
-- its first ones where all are over. What is not sold alone is no offer.
CREATE OR REPLACE FUNCTION boxoffice_code.event_jsonld(event boxoffice.event, sessions bigint[])
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    types CONSTANT jsonb := pg_catalog.jsonb_path_query_array(
        boxoffice_code.ticket_types_json(event)::jsonb, '$[*] ? (!(@.sold_alone == false))');
    shown CONSTANT jsonb := boxoffice_code.sessions_json(event, sessions);
    series CONSTANT boolean := EXISTS (
        SELECT FROM boxoffice.session AS s WHERE s.event_id = event.id OFFSET 1);
    whole jsonb;
BEGIN
    IF series THEN
        whole := pg_catalog.jsonb_build_object(
            '@type', 'EventSeries',
            'name', event.name,
            'startDate', boxoffice_code.time_text(event.starts_at, event.zone),
            'endDate', boxoffice_code.time_text(event.ends_at, event.zone),
            'eventStatus', 'https://schema.org/' || CASE event.status
                WHEN 'cancelled' THEN 'EventCancelled' ELSE 'EventScheduled' END,
            'location', boxoffice_code.venue_jsonld(COALESCE(
                (SELECT boxoffice_code.venue_json(v)::jsonb
                   FROM boxoffice.venue AS v WHERE v.id = event.venue_id),
                shown #> '{0,venue}')),
            'offers', boxoffice_code.offers_sum_jsonld(event, types),
            'subEvent', (
                SELECT pg_catalog.jsonb_agg(boxoffice_code.session_jsonld(event, s.session, types)
                                            ORDER BY s.n)
                  FROM pg_catalog.jsonb_array_elements(shown) WITH ORDINALITY AS s (session, n)));
    ELSE
        whole := boxoffice_code.session_jsonld(event, shown -> 0, types);
    END IF;
    RETURN pg_catalog.jsonb_strip_nulls(whole || pg_catalog.jsonb_build_object(
        '@context', 'https://schema.org',
        '@id', 'urn:boxoffice:event:' || event.id,
        'identifier', event.slug,
        'description', COALESCE(event.description, event.summary),
        'keywords', (
            SELECT pg_catalog.string_agg(t.tag, ', ' ORDER BY t.position)
              FROM boxoffice.event_tag AS t
             WHERE t.event_id = event.id),
        'image', (
            SELECT pg_catalog.jsonb_agg(i.url ORDER BY i.position)
              FROM boxoffice.event_image AS i
             WHERE i.event_id = event.id),
        'inLanguage', event.locale,
        'organizer', (
            SELECT pg_catalog.jsonb_build_object('@type', 'Organization', 'name', o.name)
              FROM boxoffice.organizer AS o
             WHERE o.id = event.organizer_id)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_jsonld IS
'An event with these sessions as schema.org describes events.';

-- What other programs read: calendars by RFC 5545, and descriptions by schema.org.
\set VERBOSITY terse
\set SHOW_CONTEXT never

-- text is escaped, lines are folded at 75 octets between characters
SELECT boxoffice_code.ical_text(E'a;b,c\\d\r\ne\nf\x01\x1b') AS text;
SELECT left(line, 12) AS line, octet_length(boxoffice_code.ical_line(line)) AS octets,
       (SELECT max(octet_length(p)) FROM regexp_split_to_table(boxoffice_code.ical_line(line), '\r\n') AS p) AS longest,
       replace(replace(boxoffice_code.ical_line(line), E'\r\n ', ''), E'\r\n', '') = line AS same
  FROM (VALUES ('SUMMARY:short'), ('SUMMARY:' || repeat('x', 67)), ('SUMMARY:' || repeat('x', 68)), ('SUMMARY:' || repeat('ö', 100)),
               ('SUMMARY:' || repeat('🎪', 60)), ('SUMMARY:' || repeat('xé€🎪', 500))) AS l (line);
SELECT boxoffice_code.ical_line(NULL) IS NULL AS nothing;
SELECT boxoffice_code.price_text(37850, 2), boxoffice_code.price_text(500, 0), boxoffice_code.price_text(1, 3), boxoffice_code.price_text(0, 2);

SELECT api.organizer_create(slug => 'feed-test', name => 'Feed; Test') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'hall', 'The Hall', 'Europe/Berlin', address => 'Ringstraße 1', city => 'Köln', country => 'DE',
                        latitude => 50.94, longitude => 6.96) ->> 'id' AS venue \gset
CREATE FUNCTION pg_temp.make(slug text, days integer[], types jsonb, note text DEFAULT NULL, seen jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.event_create(
        organizer => (SELECT o.id FROM boxoffice.organizer AS o WHERE o.slug = 'feed-test'),
        name => 'Feed, ' || slug, currency => 'EUR', zone => 'Europe/Berlin', slug => slug, short_code => translate(upper(slug), 'OI-', 'QY'),
        venue => 'hall', description => note, locale => 'de-DE',
        category => seen ->> 'category', summary => seen ->> 'summary', tags => seen -> 'tags', images => seen -> 'images',
        sessions => (SELECT jsonb_agg(jsonb_build_object('key', 's' || d, 'name', CASE WHEN d = 2 THEN 'Zweiter Tag' END,
                                'starts_at', '2040-06-01T10:00:00Z'::timestamptz + d * '1 day'::interval,
                                'ends_at', '2040-06-01T12:00:00Z'::timestamptz + d * '1 day'::interval)) FROM unnest(days) AS d),
        pools => '[{"key": "p", "name": "P", "scope": "session", "capacity": 10}]',
        ticket_types => types) ->> 'id')::bigint
$$;
SELECT pg_temp.make('feed-one', '{1}', '[{"key": "t", "name": "Full, with; signs", "price": 37350, "fee": 500, "pools": ["p"]},
                                         {"key": "h", "name": "Hidden", "price": 1, "pools": ["p"], "hidden": true}]',
                    E'First line.\nSecond; line, with \\ signs.',
                    '{"category": "music", "tags": ["rock, loud", "tents"], "images": [{"url": "https://images.example.org/a.jpg", "alt": "A stage"}]}') AS one \gset
SELECT pg_temp.make('feed-two', '{1,2,3}', '[{"key": "t", "name": "Day", "price": 1000, "pools": ["p"]},
                                             {"key": "first", "name": "First day", "price": 700, "pools": ["p"], "sessions": ["s1"]},
                                             {"key": "pass", "name": "All days", "price": 2500, "pools": ["p"]},
                                             {"key": "gift", "name": "Donation", "price": 100, "kind": "donation", "admits": "all", "free_price": true}]',
                    seen => '{"summary": "In a sentence."}') AS two \gset
-- a draft has none
SELECT api.event_calendar('feed-one');
SELECT api.event_jsonld('feed-one');
SELECT api.event_publish(:one) ->> 'status' AS one, api.event_publish(:two) ->> 'status' AS two;

-- ids and times of this run are blanked
CREATE FUNCTION pg_temp.blank(calendar text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(replace(calendar, E'\r\n', E'\n'), '(UID:)[0-9]+-[0-9]+', '\1…'),
                          '(DTSTAMP|LAST-MODIFIED):[0-9TZ]+', '\1:…', 'g')
$$;
SELECT pg_temp.blank(api.event_calendar('feed-one')) AS calendar;
SELECT api.event_calendar(:'one') = api.event_calendar('feed-one') AS by_id,
       api.event_calendar('feed-one') !~ E'[^\r]\n' AND api.event_calendar('feed-one') !~ E'\r[^\n]' AS crlf;
SELECT (SELECT count(*) FROM regexp_matches(api.event_calendar('feed-two'), 'BEGIN:VEVENT', 'g')) AS all,
       (SELECT count(*) FROM regexp_matches(api.event_calendar('feed-two', "limit" => 2), 'BEGIN:VEVENT', 'g')) AS two,
       (SELECT count(*) FROM regexp_matches(api.event_calendar('feed-two', "from" => '2040-06-04Z'), 'BEGIN:VEVENT', 'g')) AS last,
       (SELECT count(*) FROM regexp_matches(api.event_calendar('feed-two', "to" => '2040-06-03Z'), 'BEGIN:VEVENT', 'g')) AS first,
       (SELECT count(*) FROM regexp_matches(api.organizer_calendar(:organizer), 'BEGIN:VEVENT', 'g')) AS organizer;
-- one without events is a calendar still
SELECT pg_temp.blank(api.event_calendar('feed-two', "from" => '2041-01-01Z')) AS empty;
SELECT api.organizer_calendar(1);

-- an order's: what is bought, then paid, then cancelled
SELECT h ->> 'id' AS hold, h ->> 'secret' AS secret
  FROM api.hold_create(:two, '[{"ticket_type": "t", "session": "s2", "quantity": 2}, {"ticket_type": "first", "session": "s1", "quantity": 1}]') AS h \gset
SELECT o ->> 'id' AS "order", o ->> 'secret' AS secret
  FROM api.order_create(:two, :hold, :'secret', '{"name": "Ada", "email": "ada@example.org"}') AS o \gset
CREATE FUNCTION pg_temp.lines(calendar text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(l, '-[A-Z2-9]{6}(\\n|$)', '-……\1') FROM regexp_split_to_table(replace(calendar, E'\r\n ', ''), '\r\n') AS l
     WHERE l ~ '^(NAME|SUMMARY|STATUS|DTSTART|DTEND|DESCRIPTION)'
$$;
SELECT pg_temp.lines(api.order_calendar(:two, :order, :'secret')) AS pending;
SELECT api.order_calendar(:two, :order, :'secret') ~ 'Ada' AS personal;
SELECT api.payment_create(:two, :order, kind => 'manual', amount => 2700, method => 'cash') #>> '{order,status}' AS paid;
SELECT pg_temp.lines(api.order_calendar(:two, :order, :'secret')) AS paid;
SELECT (substring(api.order_calendar(:two, :order, :'secret') FROM 'SEQUENCE:(\d+)')) AS sequence \gset
SELECT api.order_cancel(:two, :order, tickets => ARRAY(SELECT t.id FROM boxoffice.ticket AS t JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
                                                        WHERE t.order_id = :order AND s.key = 's1')) ->> 'status' AS one_cancelled;
SELECT pg_temp.lines(api.order_calendar(:two, :order, :'secret')) AS partly;
SELECT substring(api.order_calendar(:two, :order, :'secret') FROM 'SEQUENCE:(\d+)')::integer > :sequence AS sequence_rises;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT api.order_calendar(:two, :order, 'wrong-secret-wrong');
SELECT api.order_calendar(:two, 1);
SELECT api.order_calendar(:one, :order, :'secret');
SELECT count(*) > 3 AS its_secret_opens_it FROM pg_temp.lines(api.order_calendar(:two, :order, :'secret'));
RESET SESSION AUTHORIZATION;

-- schema.org
CREATE FUNCTION pg_temp.plain(document json) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(jsonb_pretty(document::jsonb), '(urn:boxoffice:event:|:session:)[0-9]+', '\1…', 'g')
$$;
SELECT pg_temp.plain(api.event_jsonld('feed-one'));
SELECT jsonb_pretty((api.event_jsonld('feed-two')::jsonb - '{@id,subEvent}'::text[]) #- '{location}') AS series;
SELECT e.v ->> 'name' AS name, e.v ->> 'startDate' AS starts, e.v #>> '{offers,0,availability}' AS first_offer, jsonb_array_length(e.v -> 'offers') AS offers,
       e.v ->> 'eventStatus' AS status
  FROM jsonb_array_elements(api.event_jsonld('feed-two')::jsonb -> 'subEvent') AS e (v);
-- a price of a session's own
INSERT INTO boxoffice.session_price (event_id, ticket_type_id, session_id, price)
SELECT t.event_id, t.id, s.id, 4000 FROM boxoffice.ticket_type AS t JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.key = 's3'
 WHERE t.event_id = :two AND t.key = 't';
SELECT d.j #>> '{offers,highPrice}' AS high, d.j #>> '{subEvent,1,offers,0,price}' AS usual, d.j #>> '{subEvent,2,offers,0,price}' AS own
  FROM api.event_jsonld('feed-two') AS d (j);
-- moved, low, sold out, paused, over, cancelled
UPDATE boxoffice.session SET original_starts_at = starts_at, starts_at = starts_at + '1 hour'::interval WHERE event_id = :two AND key = 's3';
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = :two AND key = 's1';
SELECT api.hold_create(:two, '[{"ticket_type": "t", "session": "s2", "quantity": 7}]') ->> 'status' AS low;
SELECT e.v ->> 'name' AS name, e.v ->> 'startDate' AS starts, e.v ->> 'previousStartDate' AS before, e.v #>> '{offers,0,availability}' AS first_offer,
       e.v ->> 'eventStatus' AS status
  FROM jsonb_array_elements(api.event_jsonld('feed-two')::jsonb -> 'subEvent') AS e (v);
SELECT pg_temp.lines(api.event_calendar('feed-two')) AS with_a_cancelled_one;
SELECT api.event_pause(:one) ->> 'status' AS status;
SELECT api.event_jsonld('feed-one') #>> '{offers,0,availability}' AS paused;
SELECT api.event_cancel(:one) ->> 'status' AS status;
SELECT api.event_jsonld('feed-one') ->> 'eventStatus' AS cancelled, api.event_jsonld('feed-one') -> 'offers' AS offers;
SELECT array_agg(l) AS cancelled_stays FROM pg_temp.lines(api.organizer_calendar(:organizer)) AS l WHERE l ~ '^STATUS';
SET boxoffice.clock_offset = 504576000; -- sixteen years: all is over
SELECT api.event_jsonld('feed-two') #>> '{subEvent,2,offers,0,availability}' AS over,
       (SELECT count(*) FROM regexp_matches(api.event_calendar('feed-two'), 'BEGIN:VEVENT', 'g')) AS calendar;
RESET boxoffice.clock_offset;

-- a pass admits to every session that its claim has a place in; a session that is put off is moved in the calendar, too
SELECT api.event_create(:organizer, 'Weekend', 'EUR', 'Europe/Berlin', slug => 'feed-pass', short_code => 'FEEDP',
    sessions => '[{"key": "fri", "starts_at": "2040-08-03T18:00:00Z"}, {"key": "sat", "starts_at": "2040-08-04T18:00:00Z"}, {"key": "sun", "starts_at": "2040-08-05T18:00:00Z"}]',
    pools => '[{"key": "p", "name": "P", "scope": "session", "capacity": 10}]',
    ticket_types => '[{"key": "pass", "name": "Weekend", "price": 0, "admits": "all", "pools": ["p"]}, {"key": "day", "name": "Day", "price": 0, "pools": ["p"]}]')
    ->> 'id' AS pass \gset
SELECT api.event_publish(:pass) ->> 'status' AS status;
SELECT h ->> 'id' AS hold, h ->> 'secret' AS secret
  FROM api.hold_create(:pass, '[{"ticket_type": "pass", "quantity": 2}, {"ticket_type": "day", "session": "sat", "quantity": 1}]') AS h \gset
SELECT o ->> 'id' AS "order", o ->> 'secret' AS secret
  FROM api.order_create(:pass, :hold, :'secret', '{"name": "Ada", "email": "ada@example.org"}') AS o \gset
SELECT pg_temp.lines(api.order_calendar(:pass, :order, :'secret')) AS pass;
SELECT s.id AS sat FROM boxoffice.session AS s WHERE s.event_id = :pass AND s.key = 'sat' \gset
SELECT substring(api.event_calendar('feed-pass') FROM 'SEQUENCE:(\d+)') AS sequence \gset
SELECT api.session_postpone(:pass, 'sat', '2040-08-11T18:00:00Z') IS NOT NULL AS put_off;
SELECT array_agg(l) AS starts FROM pg_temp.lines(api.event_calendar('feed-pass')) AS l WHERE l ~ '^DTSTART';
SELECT substring(api.event_calendar('feed-pass') FROM 'SEQUENCE:(\d+)')::integer > :sequence AS sequence_rises,
       api.event_list(:organizer, "from" => '2040-08-10Z', "to" => '2040-08-12Z') #>> '{items,0,slug}' AS found_by_its_new_date;
SELECT e.v ->> 'startDate' AS starts, e.v ->> 'previousStartDate' AS before, e.v ->> 'eventStatus' AS status
  FROM jsonb_array_elements(api.event_jsonld('feed-pass')::jsonb -> 'subEvent') AS e (v);

-- Finding public events and their sessions: words, facets, places, dates, pages; and that the directory follows the
-- events.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'search-test', name => 'Säulen GmbH') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'koeln', 'Große Halle', 'Europe/Berlin', city => 'Köln', country => 'DE',
                        latitude => 50.94, longitude => 6.96) ->> 'id' AS koeln \gset
SELECT api.venue_create(:organizer, 'suva', 'Date Line Club', 'Pacific/Fiji', city => 'Suva', country => 'FJ',
                        latitude => -18.14, longitude => 179.9) ->> 'id' AS suva \gset

-- an event whose sessions start so many days into June 2040
CREATE FUNCTION pg_temp.make(slug text, name text, days integer[], venue text DEFAULT 'koeln', note text DEFAULT NULL,
                             names text[] DEFAULT '{}', category text DEFAULT NULL, tags jsonb DEFAULT '[]') RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.event_create(
        organizer => (SELECT o.id FROM boxoffice.organizer AS o WHERE o.slug = 'search-test'),
        name => name, currency => 'EUR', zone => 'Europe/Berlin', slug => slug, venue => venue, description => note,
        category => category, tags => tags,
        sessions => (SELECT jsonb_agg(jsonb_build_object('key', 's' || d, 'name', names[n],
                                'starts_at', '2040-06-01T10:00:00Z'::timestamptz + d * '1 day'::interval,
                                'ends_at', '2040-06-01T12:00:00Z'::timestamptz + d * '1 day'::interval))
                       FROM unnest(days) WITH ORDINALITY AS d (d, n)),
        pools => '[{"key": "p", "name": "P", "scope": "session", "capacity": 10}]',
        ticket_types => '[{"key": "t", "name": "T", "price": 100, "pools": ["p"]}]') ->> 'id')::bigint
$$;
CREATE FUNCTION pg_temp.slugs(page json) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(j.item ->> 'slug', ' ' ORDER BY j.n), '')
        || CASE WHEN page ->> 'next' IS NOT NULL THEN ' …' ELSE '' END
      FROM json_array_elements(page -> 'items') WITH ORDINALITY AS j (item, n)
$$;

CREATE FUNCTION pg_temp.calendar(page json) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg((j.item #>> '{event,slug}') || '/' || (j.item ->> 'key') || '=' || COALESCE(j.item ->> 'availability', '-'), ' ' ORDER BY j.n), '')
        || CASE WHEN page ->> 'next' IS NOT NULL THEN ' …' ELSE '' END
      FROM json_array_elements(page -> 'items') WITH ORDINALITY AS j (item, n)
$$;

SELECT pg_temp.make('s-rock', 'Röck am Ring', '{10}', note => 'Loud music, three stages.', category => 'music', tags => '["Öpen air", "guitars"]') AS rock \gset
SELECT pg_temp.make('s-ring', 'Der Ring des Nibelungen', '{1,2,4,6}', names => '{Rheingold,Walküre,Siegfried,Dämmerung}', category => 'music') AS ring \gset
SELECT pg_temp.make('s-suva', 'Straßenfest', '{20}', venue => 'suva', note => 'The ring of fire.') AS suva_event \gset
SELECT pg_temp.make('s-draft', 'Ring of drafts', '{1}') AS draft \gset
SELECT pg_temp.make('s-long', 'Museum', (SELECT array_agg(n * 2) FROM generate_series(0, 150) AS n)) AS long \gset

-- nothing is public yet
SELECT pg_temp.slugs(api.event_list(:organizer)) AS nothing;
SELECT count(*) FROM boxoffice.event_search AS s WHERE s.organizer_id = :organizer;
SELECT api.event_publish(id) ->> 'status' AS status
  FROM unnest(ARRAY[:rock, :ring, :suva_event, :long]) AS id;

-- orders: the newest first, by date, by relevance
SELECT pg_temp.slugs(api.event_list(:organizer)) AS new,
       pg_temp.slugs(api.event_list(:organizer, sort => 'date')) AS date,
       pg_temp.slugs(api.event_list(:organizer, q => 'ring')) AS relevance,
       pg_temp.slugs(api.event_list(:organizer, q => 'ring', sort => 'new')) AS ring_new;
SELECT api.event_list(:organizer, sort => 'relevance');

-- words: folded, begun, all of them; of sessions, organizer, venue, town; signs alone find nothing
SELECT q, pg_temp.slugs(api.event_list(:organizer, q => q)) AS found
  FROM unnest(ARRAY['rock', 'RÖCK ring', 'strassenfest', 'Straße', 'walkure', 'sieg', 'saulen muse', 'koln', 'große halle nibel',
                    'ring fire', 'ing', 'drafts', '& | ! :* ''', '   -', E'ro''ck; DROP', 'a b c d e f g h i j k l'])
       WITH ORDINALITY AS w (q, n)
 ORDER BY n;

-- places
SELECT pg_temp.slugs(api.event_list(:organizer, country => 'FJ')) AS country,
       pg_temp.slugs(api.event_list(:organizer, city => 'KOLN', sort => 'date')) AS city,
       pg_temp.slugs(api.event_list(:organizer, city => 'köln', country => 'FJ')) AS elsewhere,
       pg_temp.slugs(api.event_list(:organizer, city => 'Suva', country => 'FJ')) AS both_fit;
SELECT pg_temp.slugs(api.event_list(:organizer, near => '51.0,7.0', sort => 'date')) AS near,
       pg_temp.slugs(api.event_list(:organizer, near => '51.0,9.0')) AS not_near,
       pg_temp.slugs(api.event_list(:organizer, near => '51.0,9.0', within_km => 200, sort => 'date')) AS wider,
       pg_temp.slugs(api.event_list(:organizer, near => '-18.1,-179.9')) AS beyond_the_date_line,
       pg_temp.slugs(api.event_list(:organizer, near => '90,0', within_km => 2000)) AS pole;
SELECT round(boxoffice_code.distance_km('(6.96,50.94)', '(-2.58,51.15)')) AS km;
SELECT api.event_list(near => '91,0');
SELECT api.event_list(near => '1');
SELECT api.event_list(near => '1e1,0');
SELECT api.event_list(within_km => 3);

-- categories and tags, also by their words
SELECT pg_temp.slugs(api.event_list(:organizer, category => 'music')) AS category,
       pg_temp.slugs(api.event_list(:organizer, tag => 'open AIR')) AS tag,
       pg_temp.slugs(api.event_list(:organizer, tag => 'open')) AS part_of_a_tag,
       pg_temp.slugs(api.event_list(:organizer, category => 'music', tag => 'guitars', city => 'Köln', country => 'DE', q => 'mus gui')) AS all_fit,
       pg_temp.slugs(api.event_list(:organizer, category => 'museum', tag => 'guitars')) AS one_does_not;
SELECT pg_temp.calendar(api.session_list_all("to" => '2040-07-01Z', organizer => :organizer, tag => 'guitars')) AS calendar;

-- dates: some session starts in the range, or one still runs at its beginning
SELECT pg_temp.slugs(api.event_list(:organizer, "from" => '2040-06-04Z', "to" => '2040-06-06Z', sort => 'date')) AS range,
       pg_temp.slugs(api.event_list(:organizer, "from" => '2040-06-04Z', "to" => '2040-06-05Z')) AS between_two,
       pg_temp.slugs(api.event_list(:organizer, "from" => '2040-06-11T11:00Z', "to" => '2040-06-11T11:30Z', sort => 'date')) AS running,
       pg_temp.slugs(api.event_list(:organizer, "from" => '2040-06-11T12:00Z', "to" => '2040-06-11T13:00Z')) AS just_over,
       pg_temp.slugs(api.event_list(:organizer, "to" => '2040-06-02Z')) AS until,
       pg_temp.slugs(api.event_list(:organizer, "from" => '2041-01-01Z')) AS never;
SET boxoffice.clock_offset = 504576000; -- sixteen years: all is over
SELECT pg_temp.slugs(api.event_list(:organizer)) AS over,
       pg_temp.slugs(api.event_list(:organizer, "from" => '2040-06-10Z', "to" => '2040-06-30Z', sort => 'date')) AS asked_for;
RESET boxoffice.clock_offset;

-- pages, in each order
CREATE FUNCTION pg_temp.pages(sort text, q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    page json;
    told text := '';
BEGIN
    FOR n IN 1 .. 9 LOOP
        page := api.event_list((SELECT o.id FROM boxoffice.organizer AS o WHERE o.slug = 'search-test'),
                               cursor => page ->> 'next', "limit" => 2, q => q, sort => sort);
        told := told || pg_temp.slugs(page) || ' / ';
        EXIT WHEN page ->> 'next' IS NULL;
    END LOOP;
    RETURN told;
END
$$;
SELECT sort, pg_temp.pages(sort, q) FROM (VALUES ('new', NULL), ('date', NULL), ('relevance', 'ring'), ('date', 'ring')) AS w (sort, q);
SELECT api.event_list(sort => 'date', cursor => '17');
SELECT api.event_list(q => 'x', cursor => '17');
SELECT api.event_list(cursor => 'x');

-- the directory follows the event
SELECT api.event_pause(:rock) ->> 'status' AS status, api.event_cancel(:ring) ->> 'status' AS other;
SELECT pg_temp.slugs(api.event_list(:organizer, q => 'ring')) AS cancelled_is_gone;
UPDATE boxoffice.event SET name = 'Jazz', version = version + 1 WHERE id = :rock;
UPDATE boxoffice.venue SET latitude = NULL WHERE id = :koeln;
DELETE FROM boxoffice.event_search WHERE event_id = :suva_event;
SELECT pg_temp.slugs(api.event_list(:organizer, q => 'jazz')) AS not_yet;
SELECT boxoffice_code.sweep_search(:rock - 1, 3) = :suva_event AS next, boxoffice_code.sweep_search(:suva_event, 500) AS "end";
SELECT pg_temp.slugs(api.event_list(:organizer, q => 'jazz')) AS healed,
       pg_temp.slugs(api.event_list(:organizer, q => 'strassenfest')) AS back,
       pg_temp.slugs(api.event_list(:organizer, near => '51.0,7.0')) AS no_point_any_more;
UPDATE boxoffice.venue SET latitude = 50.94 WHERE id = :koeln;
SELECT boxoffice_code.search_refresh(id) FROM unnest(ARRAY[:rock, :ring, :long]) AS id;
-- a row made from a later version stays
UPDATE boxoffice.event_search SET version = 99, words = '' WHERE event_id = :rock;
SELECT boxoffice_code.search_refresh(:rock);
SELECT s.version, s.words FROM boxoffice.event_search AS s WHERE s.event_id = :rock;
UPDATE boxoffice.event_search SET version = 1 WHERE event_id = :rock;
SELECT boxoffice_code.search_refresh(:rock);

-- the calendar
SELECT api.event_resume(:rock) ->> 'status' AS status;
SELECT api.hold_create(:rock, '[{"ticket_type": "t", "quantity": 10}]') ->> 'status' AS held,
       api.hold_create(:long, '[{"ticket_type": "t", "session": "s10", "quantity": 9}]') ->> 'status' AS low;
SELECT pg_temp.calendar(api.session_list_all("from" => '2040-06-09Z', "to" => '2040-06-14Z', organizer => :organizer)) AS days;
SELECT api.session_list_all("from" => '2040-06-09Z', organizer => :organizer, "limit" => 2) AS page \gset
SELECT pg_temp.calendar(:'page'), pg_temp.calendar(api.session_list_all(
    "from" => '2040-06-09Z', organizer => :organizer, "limit" => 3, cursor => :'page'::json ->> 'next')) AS next;
SELECT pg_temp.calendar(api.session_list_all("to" => '2040-06-12Z', q => 'museum', organizer => :organizer, "limit" => 3)) AS words,
       pg_temp.calendar(api.session_list_all("to" => '2040-07-01Z', city => 'suva', organizer => :organizer)) AS town,
       pg_temp.calendar(api.session_list_all("from" => '2040-06-01Z', "to" => '2040-06-30Z', organizer => 1)) AS nobody;
SELECT jsonb_pretty((api.session_list_all("from" => '2040-06-11Z', "to" => '2040-06-12Z', organizer => :organizer, "limit" => 1)::jsonb #> '{items,0}')
                    - '{id,event,venue}'::text[]) AS one;
-- the walk along all sessions finds what the look into each event finds
SELECT (SELECT array_agg(f.id ORDER BY f.starts_at, f.id)
          FROM boxoffice_code.calendar_page('s.shown', '2040-06-01Z', '2040-07-01Z', NULL, 1000) AS f
         WHERE f.event_id IN (:rock, :suva_event, :long))
     = (SELECT array_agg(f.id ORDER BY f.starts_at, f.id)
          FROM boxoffice_code.calendar_page('s.shown AND s.organizer_id = ' || :organizer, '2040-06-01Z', '2040-07-01Z', NULL, 1000) AS f) AS same;
SELECT api.session_list_all(cursor => '17');
-- what does not let in by itself counts neither as a price nor as a place
INSERT INTO boxoffice.ticket_type (event_id, id, key, name, kind, price, fee, status, hidden, all_sessions, min_per_order, position, sold_alone)
VALUES (:rock, 9300001, 'parking', 'Parking', 'addon', 5, 0, 'active', false, true, 1, 9, false);
INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook) VALUES (:rock, 9300002, 'cars', 'Cars', 'event', NULL, 0);
INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold, blocked)
SELECT :rock, 9300003, 9300002, NULL, g.id, NULL, 0, 0, 0, 0, 0 FROM boxoffice.inventory_group AS g WHERE g.event_id = :rock LIMIT 1;
INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id) VALUES (:rock, 9300001, 9300002);
SELECT api.event_list(:organizer, tag => 'guitars') #>> '{items,0,price_from}' AS price_from,
       pg_temp.calendar(api.session_list_all("to" => '2040-07-01Z', organizer => :organizer, tag => 'guitars')) AS calendar,
       api.event_jsonld('s-rock') -> 'offers' -> 1 AS second_offer;

-- a deleted event leaves the directory
SELECT count(*) FROM boxoffice.event_place AS p WHERE p.event_id = :long;
SELECT api.event_cancel(id) ->> 'status' AS status FROM unnest(ARRAY[:rock, :suva_event, :long]) AS id;
SELECT pg_temp.slugs(api.event_list(:organizer)) AS left_over;

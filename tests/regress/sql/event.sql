-- A whole event in one document, its views, and its life.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'event-test', name => 'Event Test') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'hall', 'The Hall', 'Europe/Berlin') ->> 'id' AS venue \gset

CREATE FUNCTION pg_temp.make(
    slug text, sessions jsonb, pools jsonb, types jsonb, test boolean DEFAULT true,
    quantity boolean DEFAULT false) RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.event_create(
        organizer => (SELECT o.id FROM boxoffice.organizer AS o WHERE o.slug = 'event-test'),
        name => 'Event ' || slug, currency => 'EUR', zone => 'Europe/Berlin', sessions => sessions,
        pools => pools, ticket_types => types, slug => slug, venue => 'hall', test => test,
        show_quantity => quantity) ->> 'id')::bigint
$$;

-- every fault at once, each where it is
\set VERBOSITY default
SELECT api.event_create(
    organizer => :organizer, name => 'Faults', currency => 'XXQ', zone => 'Mars/Base',
    venue => 'nowhere', sale_starts_at => '2027-02-01 00:00Z', sale_ends_at => '2027-01-01 00:00Z',
    max_per_order => 3,
    sessions => '[{"key": "a", "starts_at": "2027-06-01T10:00:00Z", "ends_at": "2027-06-01T09:00:00Z"},
                  {"key": "a", "starts_at": "2027-06-02T10:00:00Z", "zone": "Mars/Base", "venue": "attic"}]',
    pools => '[{"key": "p", "name": "P", "scope": "session", "capacity": 10},
               {"key": "p", "name": "P", "scope": "session", "capacity": 10}]',
    ticket_types => '[{"key": "t", "name": "T", "price": 1, "pools": ["p", "p", "q"], "sessions": ["a", "z"]},
                      {"key": "t", "name": "T", "price": 1, "pools": ["p"], "min_per_order": 4}]');

-- what does not fit the contract at all is refused in SQL as it is over HTTP
SELECT api.event_create(
    organizer => :organizer, name => E'two\nlines', currency => 'euro', zone => 'Europe/Berlin', max_per_order => 0,
    sessions => '[{"key": "A B", "starts_at": "tomorrow"}]',
    pools => '[{"key": "p", "name": "P", "scope": "world", "capacity": "many"}]',
    ticket_types => '[{"key": "t", "price": -1, "pools": [], "colour": "red"}]');
SELECT api.event_create(
    organizer => :organizer, name => 'Not lists', currency => 'EUR', zone => 'Europe/Berlin',
    sessions => '{}', pools => 'null', ticket_types => NULL);
\set VERBOSITY terse

-- what is left out has its default; short code and slug are chosen
SELECT api.event_create(
    organizer => :organizer, name => 'Ça c''est un Événement! 2027', currency => 'JPY',
    zone => 'Asia/Tokyo',
    sessions => '[{"key": "only", "starts_at": "2027-06-01T10:00:00Z"}]',
    pools => '[{"key": "house", "name": "House", "scope": "event", "capacity": null}]',
    ticket_types => '[{"key": "t", "name": "T", "price": 500, "pools": ["house"]}]') AS made \gset
SELECT jsonb_pretty(:'made'::jsonb - '{id,organizer,created_at,updated_at,sessions,pools,ticket_types}'::text[]);
SELECT (:'made'::jsonb #> '{sessions,0}') - 'id' AS session, (:'made'::jsonb #> '{pools,0}') - 'id' AS pool,
       (:'made'::jsonb #> '{ticket_types,0}') - 'id' AS type;
SELECT api.event_create(
    organizer => :organizer, name => 'Ça c''est un Événement! 2027', currency => 'JPY',
    zone => 'Asia/Tokyo', slug => :'made'::jsonb ->> 'slug', short_code => :'made'::jsonb ->> 'short_code',
    sessions => '[{"key": "only", "starts_at": "2027-06-01T10:00:00Z"}]',
    pools => '[{"key": "house", "name": "House", "scope": "event", "capacity": null}]',
    ticket_types => '[{"key": "t", "name": "T", "price": 500, "pools": ["house"]}]');

-- stock: one row per session for a pool per session, one for a pool of the event
SELECT pg_temp.make('series',
    (SELECT jsonb_agg(jsonb_build_object('key', 's' || n, 'starts_at', '2027-06-01T10:00:00Z'::timestamptz + n * '1 day'::interval))
       FROM generate_series(1, 200) AS n),
    '[{"key": "seats", "name": "Seats", "scope": "session", "capacity": 10, "overbook": 2},
      {"key": "house", "name": "House", "scope": "event", "capacity": 1000}]',
    '[{"key": "full", "name": "Full", "price": 1000, "fee": 50, "pools": ["seats", "house"]},
      {"key": "first", "name": "First only", "price": 900, "pools": ["seats"], "sessions": ["s1"]},
      {"key": "secret", "name": "Secret", "price": 1, "hidden": true, "pools": ["seats"]}]',
    quantity => true) AS series \gset
SELECT p.key, count(*), min(s.capacity), max(s.overbook), count(s.session_id) AS with_session
  FROM boxoffice.stock AS s
  JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id
 WHERE s.event_id = :series
 GROUP BY p.key ORDER BY p.key;

-- a draft is nobody's business
SELECT api.event_get(:'series');
SELECT api.event_get('series');
SELECT api.session_list(:series);
SELECT api.event_view(:organizer, :series) ->> 'status' AS status;
SELECT api.event_view(1, :series);

-- publishing, with the version that was looked at
SELECT api.event_pause(:series);
SELECT api.event_publish(:series, if_match => '"7"');
SELECT api.event_publish(:series, if_match => '"3", "1"') ->> 'version' AS version;
SELECT api.event_publish(:series) ->> 'version' AS again;
SELECT o.topic FROM boxoffice.outbox AS o WHERE o.event_id = :series ORDER BY o.id;

-- the public's view: hidden types are not there, the first session has one type more
SELECT jsonb_path_query_array(e.j, '$.ticket_types[*].key') AS types,
       jsonb_array_length(e.j -> 'sessions') AS sessions, e.j ->> 'session_count' AS count,
       e.j #> '{sessions,0,availability}' AS first, e.j #> '{sessions,1,availability}' AS second
  FROM (SELECT api.event_get('series')::jsonb) AS e (j);
SELECT jsonb_pretty((api.event_get(:'series')::jsonb #> '{sessions,0}') - '{id,venue,availability}'::text[]);

-- sessions by pages and by time
SELECT api.session_list(:series, "limit" => 3) AS page \gset
SELECT j.item ->> 'starts_at' AS starts_at FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT api.session_list(:series, cursor => :'page'::json ->> 'next', "limit" => 2) AS page \gset
SELECT j.item ->> 'key' AS key FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT api.session_list(:series, "from" => '2027-06-10 00:00Z', "to" => '2027-06-12 00:00Z') AS page \gset
SELECT j.item ->> 'key' AS key FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT :'page'::json ->> 'next' AS next;
SELECT api.session_list(:series, cursor => '17');
-- those that are over are left out, until they are asked for
SET boxoffice.clock_offset = 31536000;
SELECT json_array_length(api.session_list(:series) -> 'items') > 0 AS some_left,
       api.event_list(:organizer) #>> '{items,0,slug}' AS listed;
SET boxoffice.clock_offset = 94608000;
SELECT json_array_length(api.session_list(:series) -> 'items') AS over,
       json_array_length(api.session_list(:series, "from" => '2027-01-01 00:00Z') -> 'items') AS asked_for,
       json_array_length(api.event_list(:organizer) -> 'items') AS listed;
RESET boxoffice.clock_offset;

-- how much is left: the scarcest pool tells; a tenth is low; held by others, then sold out; what lapsed is free
SELECT s.id AS stock, s.group_id AS "group", s.session_id AS session
  FROM boxoffice.stock AS s
  JOIN boxoffice.session AS x ON x.event_id = s.event_id AND x.id = s.session_id
 WHERE s.event_id = :series AND x.key = 's2' \gset
CREATE FUNCTION pg_temp.shown(event bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT (api.event_get(event::text)::jsonb #> '{sessions,1,availability,0}') - 'ticket_type'
$$;
BEGIN;
UPDATE boxoffice.stock SET sold = 11 WHERE event_id = :series AND id = :stock;
SELECT pg_temp.shown(:series);
UPDATE boxoffice.stock SET held = 1 WHERE event_id = :series AND id = :stock;
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, session_id, unit_price, unit_fee, stock_ids, expires_at)
VALUES (:series, 1, 1, 'held', 1, :group, :session, 0, 0, ARRAY[:stock], boxoffice_code.clock() + '1 minute'::interval);
SELECT pg_temp.shown(:series);
SET LOCAL boxoffice.clock_offset = 61;
SELECT pg_temp.shown(:series);
SELECT j.item - '{id,session}'::text[] AS stock
  FROM json_array_elements(api.stock_list(:series) -> 'items') AS t (text)
 CROSS JOIN LATERAL (SELECT t.text::jsonb) AS j (item)
 WHERE j.item ->> 'id' = :'stock';
UPDATE boxoffice.stock SET held = 0, sold = 12 WHERE event_id = :series AND id = :stock;
SELECT pg_temp.shown(:series);
ROLLBACK;
SELECT json_array_length(api.stock_list(:series, "limit" => 100) -> 'items') AS stocks;
SELECT api.stock_list(1);

-- what can't be sold can't be published
SELECT pg_temp.make('past',
    '[{"key": "gone", "starts_at": "2020-06-01T10:00:00Z"}]',
    '[{"key": "house", "name": "House", "scope": "event", "capacity": 5}]',
    '[{"key": "t", "name": "T", "price": 500, "pools": ["house"]}]') AS past \gset
DELETE FROM boxoffice.ticket_type_pool WHERE event_id = :past;
\set VERBOSITY default
SELECT api.event_publish(:past);
\set VERBOSITY terse

-- the organizer's list, by status and by pages
SELECT j.item ->> 'slug' AS slug, j.item ->> 'status' AS status, j.item ->> 'session_count' AS sessions
  FROM json_array_elements(api.event_list_own(:organizer) -> 'items') AS j (item);
SELECT j.item ->> 'slug' AS slug FROM json_array_elements(api.event_list_own(:organizer, status => 'published') -> 'items') AS j (item);
SELECT api.event_list_own(:organizer, "limit" => 1) ->> 'next' AS next \gset
SELECT api.event_list_own(:organizer, cursor => :'next', "limit" => 1) #>> '{items,0,slug}' AS second;

-- pause and resume
SELECT api.event_pause(:series) ->> 'status' AS status;
SELECT api.event_publish(:series);
SELECT api.event_get('series') ->> 'status' AS still_shown;
SELECT api.event_resume(:series) ->> 'status' AS status;

-- going live: the trial goes, in steps; the event must not be on sale
SELECT api.event_go_live(:series);
SELECT api.event_pause(:series) ->> 'status' AS status;
INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel)
SELECT :series, n, CASE WHEN n <= 3 THEN 'ordered' ELSE 'active' END, boxoffice_code.clock(), boxoffice_code.clock(), boxoffice_code.clock(), 'web' FROM generate_series(1, 7000) AS n;
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, session_id, unit_price, unit_fee, stock_ids, expires_at)
SELECT :series, n, 1, CASE WHEN n <= 3 THEN 'sold' WHEN n <= 6 THEN 'held' ELSE 'released' END, 1, :group, :session, 0, 0, ARRAY[:stock], boxoffice_code.clock()
  FROM generate_series(1, 7000) AS n;
UPDATE boxoffice.stock SET sold = 3, held = 3 WHERE event_id = :series AND id = :stock;
INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
SELECT :series, 100 + n, n, 'CODE' || n, 'paid', 1000, 'EUR', true, 'web', boxoffice_code.clock(), boxoffice_code.clock() FROM generate_series(1, 3) AS n;
INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
SELECT :series, 200 + n, 100 + n, 1, 1, :session, 1000, 0, 'valid', 'T' || n FROM generate_series(1, 3) AS n;
INSERT INTO boxoffice.holder (event_id, ticket_id, name) VALUES (:series, 201, 'Ann');
INSERT INTO boxoffice.contact (event_id, order_id, name, email) VALUES (:series, 101, 'Ann', 'ann@example.com');
INSERT INTO boxoffice.order_fee (event_id, order_id, line, kind, name, quantity, unit_amount, amount) VALUES (:series, 101, 1, 'ticket', 'Fee', 1, 50, 50);
INSERT INTO boxoffice.payment (event_id, id, order_id, kind, amount, currency, outcome, recorded_at) VALUES (:series, 301, 101, 'test', 1000, 'EUR', 'paid', boxoffice_code.clock());
INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max) VALUES (:series, 's:ann', 0, 1, 2);
INSERT INTO boxoffice.idempotency (event_id, key_hash, body_hash, ref_id, created_at) VALUES (:series, gen_random_uuid(), gen_random_uuid(), 1, boxoffice_code.clock());
SELECT g.j ->> 'status' AS status, g.j ->> 'removed' AS removed, g.j #>> '{event,test}' AS test FROM (SELECT api.event_go_live(:series)) AS g (j);
SELECT g.j ->> 'status' AS status, g.j ->> 'removed' AS removed, g.j #>> '{event,test}' AS test FROM (SELECT api.event_go_live(:series)) AS g (j);
SELECT g.j ->> 'status' AS status, g.j ->> 'removed' AS removed, g.j #>> '{event,test}' AS test FROM (SELECT api.event_go_live(:series)) AS g (j);
SELECT (SELECT count(*) FROM boxoffice.hold WHERE event_id = :series) AS holds,
       (SELECT count(*) FROM boxoffice.claim WHERE event_id = :series) AS claims,
       (SELECT count(*) FROM boxoffice.order WHERE event_id = :series) AS orders,
       (SELECT count(*) FROM boxoffice.ticket WHERE event_id = :series) AS tickets,
       (SELECT count(*) FROM boxoffice.payment WHERE event_id = :series) AS payments,
       (SELECT count(*) FROM boxoffice.buyer WHERE event_id = :series) AS buyers,
       (SELECT count(*) FROM boxoffice.idempotency WHERE event_id = :series) AS keys,
       (SELECT sum(held + pending + sold) FROM boxoffice.stock WHERE event_id = :series) AS taken;
-- nothing but a trial can be removed so
SELECT boxoffice_code.trial_remove(:series, 10);

-- cancelling ends the holds
SELECT api.event_resume(:series) ->> 'status' AS status;
INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel)
VALUES (:series, 1, 'active', boxoffice_code.clock() + '1 hour', boxoffice_code.clock() + '1 hour', boxoffice_code.clock(), 'web');
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, session_id, unit_price, unit_fee, stock_ids, expires_at)
VALUES (:series, 1, 1, 'held', 1, :group, :session, 0, 0, ARRAY[:stock], boxoffice_code.clock() + '1 hour');
UPDATE boxoffice.stock SET held = 1 WHERE event_id = :series AND id = :stock;
SELECT api.event_cancel(:series) ->> 'status' AS status;
SELECT h.expires_at <= boxoffice_code.clock() AS hold_over, c.expires_at <= boxoffice_code.clock() AS claim_over
  FROM boxoffice.hold AS h JOIN boxoffice.claim AS c ON c.event_id = h.event_id AND c.owner_id = h.id
 WHERE h.event_id = :series;
SELECT api.event_resume(:series);
SELECT api.event_go_live(:series);
SELECT api.event_cancel(:series) ->> 'version' AS version;
DELETE FROM boxoffice.claim WHERE event_id = :series;
DELETE FROM boxoffice.hold WHERE event_id = :series;
UPDATE boxoffice.stock SET held = 0 WHERE event_id = :series;

-- who changed what, the newest first, by pages; the ledger can't be rewritten
SELECT c.version, c.operation, c.part, c.subject IS NOT NULL AS subject, c.role, c.patch
  FROM boxoffice.change AS c WHERE c.event_id = :series ORDER BY c.id;
SELECT api.change_list(:series, "limit" => 2) AS page \gset
SELECT j.item ->> 'operation' AS operation FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT api.change_list(:series, cursor => :'page'::json ->> 'next', "limit" => 1) #>> '{items,0,operation}' AS next;
SELECT api.change_list(1);
SET ROLE boxoffice_code;
UPDATE boxoffice.change SET subject = 'nobody';
DELETE FROM boxoffice.change;
RESET ROLE;
-- long members of a patch are cut
SELECT char_length(boxoffice_code.change_patch(jsonb_build_object('name', 'x', 'description', repeat('ü', 20000))) ->> 'description') AS cut,
       boxoffice_code.change_patch('{"price": 5, "sessions": null}') AS whole, boxoffice_code.change_patch('{}') AS nothing;

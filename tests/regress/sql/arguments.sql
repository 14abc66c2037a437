-- Every function of api, called as a service calls it, with each argument in turn wrong: NULL, empty, huge, out of range, JSON of another
-- kind, and each member of each document likewise. The answer is a success or a refusal of ours; no other error, and the server stays.
-- A new function or argument is walked as well: what it is given where all is well stands in argument_test.good.
SET client_min_messages = warning;
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA argument_test;
INSERT INTO boxoffice.login_actor (login, subject, role) VALUES ('boxoffice_service', 'walker', 'admin');

-- ---- what all is about: an event with something of everything
SELECT api.organizer_create(slug => 'argument-test', name => 'Argument Test') ->> 'id' AS organizer \gset
SELECT api.organizer_create(slug => 'argument-none', name => 'None') ->> 'id' AS organizer_none \gset
SELECT api.venue_create(:organizer, 'hall', 'Hall', 'Europe/Berlin') ->> 'key' AS venue,
       api.venue_create(:organizer, 'shed', 'Shed', 'Europe/Berlin') ->> 'key' AS venue_unused \gset
SELECT api.event_create(
    organizer => :organizer, name => 'Walk', slug => 'argument-walk', short_code => 'ARGUE', currency => 'EUR', zone => 'Europe/Berlin', test => true,
    sessions => '[{"key": "one", "starts_at": "2031-06-01T20:00:00Z"}, {"key": "two", "starts_at": "2031-06-02T20:00:00Z"}, {"key": "three", "starts_at": "2031-06-03T20:00:00Z"}]',
    pools => '[{"key": "house", "name": "House", "scope": "session", "capacity": 100}, {"key": "tents", "name": "Tents", "scope": "event", "capacity": 50},
               {"key": "spare", "name": "Spare", "scope": "event", "capacity": 5}]',
    ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "fee": 100, "pools": ["house"]}, {"key": "asked", "name": "Asked", "price": 5, "pools": ["house"], "approval": true},
                      {"key": "tent", "name": "Tent", "price": 900, "pools": ["tents"], "kind": "addon", "addon_to": [{"ticket_type": "adult"}]},
                      {"key": "spare", "name": "Spare", "price": 900, "pools": ["tents"]},
                      {"key": "gift", "name": "Gift", "kind": "donation", "price": 100, "free_price": true}]') ->> 'id' AS event \gset
SELECT api.event_publish(:event) ->> 'status' AS status \gset
SELECT api.event_create(
    organizer => :organizer, name => 'Draft', slug => 'argument-draft', short_code => 'ARGUED', currency => 'EUR', zone => 'Europe/Berlin',
    sessions => '[{"key": "one", "starts_at": "2031-06-01T20:00:00Z"}]', pools => '[{"key": "house", "name": "House", "scope": "session", "capacity": 100}]',
    ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "pools": ["house"]}]') ->> 'id' AS draft \gset
SELECT api.event_clone(:event, slug => 'argument-paused', short_code => 'ARGUEP') ->> 'id' AS paused \gset
SELECT api.event_publish(:paused) ->> 'status' AS status, api.event_pause(:paused) ->> 'status' AS paused_status \gset
SELECT api.block_create(:event, 'press', 'for the papers', '[{"ticket_type": "adult", "session": "one", "quantity": 5}]') ->> 'id' AS block \gset
SELECT h ->> 'id' AS hold, h ->> 'secret' AS hold_secret FROM api.hold_create(:event, '[{"ticket_type": "adult", "session": "one", "quantity": 2}]') AS h \gset
CREATE FUNCTION argument_test.place(event bigint, items jsonb) RETURNS json LANGUAGE sql AS $$
    SELECT api.order_create(event, (h ->> 'id')::bigint, h ->> 'secret', '{"name": "Ada", "email": "ada@example.org"}', idempotency_key => gen_random_uuid()::text)
      FROM api.hold_create(event, items) AS h
$$;
SELECT o ->> 'id' AS pending, o ->> 'secret' AS pending_secret, o #>> '{tickets,0,id}' AS pending_ticket
  FROM argument_test.place(:event, '[{"ticket_type": "adult", "session": "one", "quantity": 2}]') AS o \gset
SELECT o ->> 'id' AS approval FROM argument_test.place(:event, '[{"ticket_type": "asked", "session": "one", "quantity": 1}]') AS o \gset
SELECT o ->> 'id' AS paid, o ->> 'secret' AS paid_secret, o ->> 'code' AS code, o #>> '{tickets,0,id}' AS ticket
  FROM argument_test.place(:event, '[{"ticket_type": "adult", "session": "two", "quantity": 2}]') AS o \gset
SELECT api.payment_create(:event, :paid, 'test', secret => :'paid_secret', idempotency_key => gen_random_uuid()::text) ->> 'outcome' AS outcome \gset
SELECT (api.member_add(:organizer, 'mary', 'manager')) ->> 'subject' AS subject \gset
SELECT id AS stock FROM boxoffice.stock WHERE event_id = :event AND session_id IS NULL LIMIT 1 \gset

SELECT api.pretix_import(:organizer, '{"currency": "EUR", "date_from": "2027-12-27T10:00:00Z", "name": "Moved", "slug": "argument-moved"}',
    '[{"admission": true, "default_price": "23.00", "id": 1, "name": "Standard"}]', '[{"id": 1, "items": [1], "name": "Tickets", "size": 200, "variations": []}]',
    zone => 'Europe/Berlin') ->> 'event' AS imported \gset

-- ---- what is good: by the argument's name, or by function and name
CREATE TABLE argument_test.good (function text, argument text, value text, PRIMARY KEY (function, argument));
INSERT INTO argument_test.good VALUES
    ('', 'organizer', :'organizer'), ('', 'event', :'event'), ('', 'session', 'one'), ('', 'venue', 'hall'), ('', 'pool', 'house'), ('', 'ticket_type', 'adult'),
    ('', 'stock', :'stock'), ('', 'block', :'block'), ('', 'hold', :'hold'), ('', 'order', :'paid'), ('', 'ticket', :'ticket'), ('', 'code', :'code'),
    ('', 'secret', :'paid_secret'), ('', 'subject', 'mary'), ('', 'role', 'scanner'), ('', 'idempotency_key', '00000000-0000-4000-8000-000000000001'), ('', 'if_match', '*'),
    ('', 'key', 'new'), ('', 'name', 'New'), ('', 'slug', 'argument-new'), ('', 'short_code', 'ARGUEN'), ('', 'zone', 'Europe/Berlin'), ('', 'currency', 'JPY'),
    ('', 'locale', 'en-GB'), ('', 'description', 'Words.'), ('', 'summary', 'Words.'), ('', 'category', 'music'), ('', 'address', 'Road 1'), ('', 'city', 'Bonn'), ('', 'country', 'DE'),
    ('', 'latitude', '50.7'), ('', 'longitude', '7.1'), ('', 'near', '50.7,7.1'), ('', 'within_km', '10'), ('', 'q', 'walk'), ('', 'tag', 'jazz'), ('', 'sort', 'relevance'),
    ('', 'cursor', '1-1'), ('', 'limit', '5'), ('', 'status', 'paid'), ('', 'state', 'valid'), ('', 'channel', 'web'), ('', 'email', 'ada@example.org'),
    ('', 'reason', 'Because.'), ('', 'text', 'Words.'), ('', 'method', 'cash'), ('', 'reference', 'R1'), ('', 'kind', 'manual'), ('', 'amount', '100'),
    ('', 'price', '700'), ('', 'fee', '50'), ('', 'price_max', '90000'), ('', 'expected_total', '3400'), ('', 'capacity', '20'), ('', 'overbook', '1'), ('', 'scope', 'event'),
    ('', 'min_per_order', '1'), ('', 'max_per_order', '6'), ('', 'buyer_limit', '8'), ('', 'hold_ttl_seconds', '600'), ('', 'hold_extend_max_seconds', '3600'),
    ('', 'payment_grace_seconds', '60'), ('', 'shift_days', '7'), ('', 'admits', 'session'), ('', 'duplicates', 'skip'), ('', 'override', '{capacity}'),
    ('', 'from', '2031-06-01'), ('', 'to', '2031-06-30'), ('', 'until', '2031-05-01T00:00:00Z'), ('', 'starts_at', '2031-06-05T20:00:00Z'), ('', 'ends_at', '2031-06-05T22:00:00Z'),
    ('', 'release_at', '2031-05-01T00:00:00Z'), ('', 'sale_starts_at', '2026-01-01T00:00:00Z'), ('', 'sale_ends_at', '2031-01-01T00:00:00Z'), ('', 'changed_since', '2026-01-01T00:00:00Z'),
    ('', 'approval', 'false'), ('', 'blocks', 'true'), ('', 'free_price', 'false'), ('', 'hidden', 'false'), ('', 'late_payment', 'true'), ('', 'partial', 'false'),
    ('', 'preview', 'false'), ('', 'show_quantity', 'true'), ('', 'sold_alone', 'true'), ('', 'test', 'true'),
    ('', 'tags', '["jazz"]'), ('', 'images', '[{"url": "https://example.org/a.png", "alt": "A"}]'), ('', 'payment_term', '{"minutes": 30}'),
    ('', 'contact', '{"name": "Ada", "email": "ada@example.org", "locale": "en"}'), ('', 'items', '[{"ticket_type": "adult", "session": "two", "quantity": 1}]'),
    ('', 'moves', '[{"from": {"pool": "house", "session": "one"}, "to": {"pool": "house", "session": "two"}, "quantity": 1}]'),
    ('', 'sessions', '[{"key": "new", "name": "New", "starts_at": "2031-07-01T20:00:00Z", "ends_at": "2031-07-01T22:00:00Z", "zone": "Asia/Tokyo", "venue": "hall"}]'),
    ('', 'pools', '[{"key": "deck", "name": "Deck", "scope": "session", "capacity": 10, "overbook": 1}]'),
    ('', 'ticket_types', '[{"key": "child", "name": "Child", "price": 1600, "fee": 100, "pools": ["deck"], "sessions": ["new"], "min_per_order": 1, "max_per_order": 5}]');
INSERT INTO argument_test.good
SELECT f, a, v
  FROM (VALUES
    ('member_add', 'subject', 'olga'), ('venue_create', 'key', 'barn'), ('venue_delete', 'venue', 'shed'), ('pool_delete', 'pool', 'spare'), ('ticket_type_delete', 'ticket_type', 'spare'),
    ('session_delete', 'session', 'three'), ('event_publish', 'event', :'draft'), ('event_delete', 'event', :'draft'), ('event_unpublish', 'event', :'paused'), ('event_resume', 'event', :'paused'),
    ('event_get', 'event', 'argument-walk'), ('event_jsonld', 'event', 'argument-walk'), ('event_calendar', 'event', 'argument-walk'),
    ('event_go_live', 'event', :'paused'), ('event_postpone', 'event', :'paused'), ('event_clone', 'starts_at', NULL), ('event_list_own', 'status', 'draft'), ('block_list', 'channel', 'press'),
    ('order_cancel', 'secret', :'pending_secret'), ('order_cancel', 'order', :'pending'), ('order_cancel', 'tickets', format('{%s}', :'pending_ticket')),
    ('order_split', 'tickets', format('{%s}', :'ticket')), ('order_approve', 'order', :'approval'), ('order_deny', 'order', :'approval'), ('order_extend', 'order', :'pending'),
    ('payment_create', 'order', :'pending'), ('payment_create', 'secret', :'pending_secret'), ('payment_create', 'kind', 'test'), ('payment_create', 'amount', '3400'), ('payment_create', 'method', NULL),
    ('payment_create', 'reference', NULL),
    ('order_create', 'hold', :'hold'), ('order_create', 'secret', :'hold_secret'), ('order_create', 'holders', '[{"name": "Bo", "email": "bo@example.org"}, {"name": null}]'),
    ('hold_get', 'secret', :'hold_secret'), ('hold_change', 'secret', :'hold_secret'), ('hold_release', 'secret', :'hold_secret'), ('hold_extend', 'secret', :'hold_secret'),
    ('session_list_all', 'cursor', '1924000000000000-1'), ('event_list', 'sort', 'soonest'), ('session_list', 'cursor', '1924000000000000-1'), ('session_list_own', 'cursor', '1924000000000000-1'),
    ('sale_create', 'channel', 'phone'), ('sale_create', 'expected_total', '1700'), ('sale_create', 'holders', '[{"name": "Bo"}]'), ('sale_create', 'override', '{paused}'),
    ('sale_create', 'payment', '{"kind": "cash", "amount": 1700, "reference": "R1"}'),
    ('sale_create free', 'expected_total', '0'), ('sale_create free', 'payment', '{"kind": "complimentary", "reason": "Why."}'),
    ('session_create', 'sessions', '[{"key": "new", "name": "New", "starts_at": "2031-07-01T20:00:00Z", "capacities": [{"pool": "house", "capacity": 5, "overbook": 1}],
                                      "prices": [{"ticket_type": "adult", "price": 5}], "ticket_types": ["adult"], "sale_close_offset_seconds": 60}]'),
    ('session_create', 'rule', NULL),
    ('session_create rule', 'sessions', NULL),
    ('session_create rule', 'rule', '{"weekdays": ["mon"], "times": ["10:00"], "from": "2031-10-01", "to": "2031-10-20", "except_dates": ["2031-10-06"], "extra_dates": ["2031-10-07"], "name": "R",
        "capacities": [{"pool": "house", "capacity": 5, "overbook": 1}], "prices": [{"ticket_type": "adult", "price": 5}], "duration_minutes": 60, "sale_open_offset_seconds": -9999, "status": "open",
        "ticket_types": ["adult"], "venue": "hall", "zone": "Asia/Tokyo"}'),
    ('ticket_type_create', 'pools', '["house"]'), ('ticket_type_create', 'sessions', '["one"]'), ('ticket_type_create', 'kind', 'admission'), ('ticket_type_create', 'addon_to', NULL), ('ticket_type_create', 'bundle', NULL),
    ('ticket_type_create', 'price_max', NULL), ('ticket_type_create', 'price_suggested', NULL),
    ('ticket_type_create addon', 'kind', 'addon'), ('ticket_type_create addon', 'addon_to', '[{"ticket_type": "adult", "min": 0, "max": 2}]'), ('ticket_type_create addon', 'bundle', NULL),
    ('ticket_type_create addon', 'pools', '["tents"]'), ('ticket_type_create addon', 'sessions', NULL), ('ticket_type_create addon', 'price_max', NULL), ('ticket_type_create addon', 'price_suggested', NULL),
    ('ticket_type_create gift', 'kind', 'donation'), ('ticket_type_create gift', 'addon_to', NULL), ('ticket_type_create gift', 'bundle', NULL), ('ticket_type_create gift', 'fee', '0'),
    ('ticket_type_create gift', 'pools', NULL), ('ticket_type_create gift', 'sessions', NULL), ('ticket_type_create gift', 'price_suggested', '[800, 900]'), ('ticket_type_create gift', 'free_price', 'true'),
    ('ticket_type_create set', 'bundle', '[{"ticket_type": "adult", "quantity": 2, "share_ppm": 1000000}]'), ('ticket_type_create set', 'addon_to', NULL), ('ticket_type_create set', 'kind', 'admission'),
    ('ticket_type_create set', 'pools', NULL), ('ticket_type_create set', 'sessions', NULL), ('ticket_type_create set', 'price_max', NULL), ('ticket_type_create set', 'price_suggested', NULL),
    ('pretix_import', 'event', '{"currency": "EUR", "date_from": "2027-12-27T10:00:00Z", "date_to": null, "name": {"en": "Sample"}, "slug": "argument-pretix", "has_subevents": false, "testmode": true,
        "timezone": "Europe/Berlin", "presale_start": null, "location": {"en": "Here"}}'),
    ('pretix_import', 'items', '[{"admission": true, "active": true, "default_price": "23.00", "id": 1, "name": {"en": "Standard"}, "description": null, "min_per_order": 1, "max_per_order": 9, "position": 0,
        "variations": [{"id": 3, "value": {"en": "Child"}, "price": "5.00", "active": true, "position": 1}]}]'),
    ('pretix_import', 'quotas', '[{"id": 1, "items": [1], "name": "Tickets", "size": 200, "variations": [3]}]'), ('pretix_import', 'subevents', '[]'),
    ('pretix_import', 'orders', '[{"code": "FOO", "status": "p", "testmode": true, "email": "ada@example.org", "datetime": "2027-01-01T10:00:00Z", "expires": "2027-01-10T10:00:00Z", "total": "5.00", "locale": "en",
        "positions": [{"id": 23, "item": 1, "variation": 3, "price": "5.00", "attendee_name": "Ada", "attendee_email": null, "addon_to": null, "subevent": null, "secret": "abcdefgh", "checkins": []}],
        "payments": [{"local_id": 1, "state": "confirmed", "amount": "5.00", "created": "2027-01-01T10:00:00Z", "payment_date": null, "provider": "banktransfer"}], "refunds": [], "fees": []}]'),
    ('pretix_import_orders', 'event', :'imported'), ('pretix_import_orders', 'orders', '[]'),
    ('order_exchange', 'tickets', format('[{"ticket": "%s", "session": "one", "ticket_type": "adult"}]', :'ticket')),
    ('order_holders', 'holders', format('[{"ticket": "%s", "name": "Bo", "email": "bo@example.org"}]', :'ticket')), ('stock_move', 'moves', NULL),
    ('block_create', 'items', '[{"ticket_type": "adult", "session": "two", "quantity": 1}, {"pool": "tents", "quantity": 2}]'), ('block_create', 'channel', 'press'),
    ('event_change', 'patch', '{"name": "X", "approval": false, "buyer_limit": 9, "category": "music", "description": "D", "summary": "S", "hold_ttl_seconds": 700, "hold_extend_max_seconds": 7000,
        "images": [{"url": "https://example.org/a.png", "alt": "A"}], "late_payment": true, "locale": "de", "max_per_order": 5, "payment_grace_seconds": 5, "payment_term": {"days": 3},
        "sale_starts_at": "2026-01-01T00:00:00Z", "sale_ends_at": null, "short_code": "ARGUE", "currency": "EUR", "show_quantity": true, "slug": "argument-else", "tags": ["a"], "venue": "hall", "zone": "Europe/Berlin"}'),
    ('block_change', 'patch', '{"channel": "press", "reason": "R", "release_at": null, "items": [{"id": "1", "quantity": 4}]}'),
    ('member_change', 'patch', '{"role": "scanner"}'), ('organizer_change', 'patch', '{"name": "N", "slug": "argument-else"}'),
    ('pool_change', 'patch', '{"apply": "all", "capacity": 120, "key": "house", "name": "H", "overbook": 1, "preview": false, "reason": "R"}'),
    ('session_change', 'patch', '{"starts_at": "2031-06-01T21:00:00Z", "ends_at": null, "name": "N", "preview": false, "prices": [{"ticket_type": "adult", "price": 5}], "sale_close_offset_seconds": 5,
        "sale_starts_at": null, "sale_ends_at": null, "status": "paused", "ticket_types": ["adult"], "venue": "hall", "zone": "Asia/Tokyo"}'),
    ('session_change_many', 'patch', '{"patch": {"capacities": [{"pool": "house", "add": 1}], "duration_minutes": 60, "name": "N", "prices": [{"ticket_type": "adult", "price": 5}], "sale_close_offset_seconds": 5,
        "sale_open_offset_seconds": -5, "sale_ends_at": null, "status": "open", "venue": "hall"}, "preview": false, "reason": "R", "where": {"from": "2031-06-01T00:00:00Z", "to": "2031-06-09T00:00:00Z",
        "sessions": ["one"], "status": "open", "times": ["22:00"], "weekdays": ["sun"]}}'),
    ('stock_change_many', 'patch', '{"capacity": 150, "from": "2031-06-01T00:00:00Z", "to": "2031-06-09T00:00:00Z", "overbook": 1, "pool": "house", "preview": false, "reason": "R"}'),
    ('ticket_type_change', 'patch', '{"addon_to": [], "admits": "session", "approval": false, "bundle": [], "buyer_limit": 9, "description": "D", "fee": 5, "free_price": false, "hidden": false, "key": "adult", "kind": "admission",
        "max_per_order": 5, "min_per_order": 1, "name": "N", "pools": ["house"], "position": 3, "price": 5, "price_max": null, "sale_ends_at": null, "sale_starts_at": null,
        "sessions": ["one", "two"], "sold_alone": true, "status": "active"}'),
    ('venue_change', 'patch', '{"address": "A", "city": "C", "country": "DE", "key": "hall", "latitude": 1.5, "longitude": 2, "name": "N", "zone": "Europe/Berlin"}'),
    ('order_contact', 'patch', '{"email": "eve@example.org", "locale": "de", "name": "Eve", "phone": "123"}')) AS g (f, a, v)
ON CONFLICT DO NOTHING;
UPDATE argument_test.good
   SET value = (SELECT format('[{"from": "%s", "to": "%s", "quantity": 1}]', a.id, b.id)
                  FROM boxoffice.stock AS a JOIN boxoffice.stock AS b USING (event_id, pool_id)
                 WHERE a.event_id = :event AND a.session_id < b.session_id ORDER BY a.id, b.id LIMIT 1)
 WHERE (function, argument) = ('stock_move', 'moves');

-- ---- what is wrong: for each type, and for each node of a document
CREATE TABLE argument_test.wrong (type text, name text, value text);
INSERT INTO argument_test.wrong
SELECT t, coalesce(left(v, 20), 'NULL'), v
  FROM unnest('{bigint,integer,text,boolean,jsonb,node,date,"timestamp with time zone","double precision","bigint[]","text[]"}'::text[]) AS u (t),
       LATERAL (SELECT NULL UNION ALL SELECT * FROM unnest(CASE t
           WHEN 'bigint' THEN ARRAY['0', '-1', '9223372036854775807', '-9223372036854775808']
           WHEN 'integer' THEN ARRAY['0', '-1', '2147483647', '-2147483648']
           WHEN 'text' THEN ARRAY['', '{"', E'a\tb', repeat('x', 100000), repeat('9', 400)]
           WHEN 'boolean' THEN ARRAY['true', 'false']
           WHEN 'date' THEN ARRAY['infinity', '-infinity', '4713-01-01 BC', '5874897-12-31']
           WHEN 'timestamp with time zone' THEN ARRAY['infinity', '-infinity', '4713-12-31 BC', '294276-12-31']
           WHEN 'double precision' THEN ARRAY['NaN', '-Infinity', '1e308']
           WHEN 'bigint[]' THEN ARRAY['{}', '{NULL}', '{0}', '{{1,2},{3,4}}', '[5:5]={1}', (SELECT array_agg(n)::text FROM generate_series(1, 5000) AS n)]
           WHEN 'text[]' THEN ARRAY['{}', '{NULL}', '{""}', '{{a,b},{c,d}}', '[5:5]={a}', array_fill('x'::text, '{5000}')::text]
           WHEN 'node' THEN ARRAY['null', '1e400', '"' || repeat('x', 100000) || '"']
           WHEN 'jsonb' THEN ARRAY['null', 'true', '1e400', '""', '[]', '[null]', '[1]', '["x"]', '{}', '[{}]', '{"x": null}', '"' || repeat('x', 100000) || '"']
       END)) AS w (v);
CREATE FUNCTION argument_test.paths(document jsonb) RETURNS SETOF text[] LANGUAGE sql AS $$
    WITH RECURSIVE node (path, value) AS (
        SELECT '{}'::text[], document
        UNION ALL
        SELECT n.path || m.key, m.value
          FROM node AS n,
               LATERAL (SELECT key, value FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value END)
                        UNION ALL SELECT (i - 1)::text, e FROM jsonb_array_elements(CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value END) WITH ORDINALITY AS a (e, i)) AS m
    ) SELECT path FROM node WHERE path <> '{}'
$$;

-- Makes the call, takes it back, and says what came of it.
CREATE FUNCTION argument_test.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    BEGIN
        EXECUTE call;
        RAISE SQLSTATE 'P0099';
    EXCEPTION
        WHEN SQLSTATE 'P0099' THEN
            RETURN 'ok';
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
            RETURN format('%s %s; %s', SQLSTATE, left(message, 100), left(detail, 100));
    END;
END
$$;
-- What an argument is given where all is well, by itself or in a variant of the call ("session_create rule").
CREATE FUNCTION argument_test.good_value(variant text, name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT g.value FROM argument_test.good AS g
             WHERE g.function IN (variant, split_part(variant, ' ', 1), '') AND g.argument = name
             ORDER BY g.function = variant DESC, g.function <> '' DESC LIMIT 1);
END
$$;
-- The call of a function with what is good, but for one argument.
CREATE FUNCTION argument_test.call(variant text, wrong text DEFAULT NULL, instead text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('SELECT count(*) FROM api.%I(%s)', p.proname, string_agg(format('%I => %L::%s', a.name,
               CASE WHEN a.name = wrong THEN instead ELSE argument_test.good_value(variant, a.name) END, a.type::regtype), ', ' ORDER BY n))
      FROM pg_proc AS p
     CROSS JOIN LATERAL unnest(p.proargtypes, p.proargnames) WITH ORDINALITY AS a (type, name, n)
     WHERE p.pronamespace = 'api'::regnamespace AND p.proname = split_part(variant, ' ', 1)
     GROUP BY p.proname);
END
$$;
CREATE TABLE argument_test.walked AS
SELECT v.variant, w.name AS argument, w.type, w.what, w.value
  FROM (SELECT proname::text AS variant FROM pg_proc WHERE pronamespace = 'api'::regnamespace UNION SELECT function FROM argument_test.good WHERE function LIKE '% %') AS v
  JOIN pg_proc AS p ON p.pronamespace = 'api'::regnamespace AND p.proname = split_part(v.variant, ' ', 1)
 CROSS JOIN LATERAL unnest(p.proargtypes, p.proargnames) AS a (type, name)
 CROSS JOIN LATERAL (
    SELECT a.name, a.type::regtype::text AS type, w.name AS what, w.value FROM argument_test.wrong AS w WHERE w.type = a.type::regtype::text
    UNION ALL
    SELECT a.name, 'jsonb', path::text || ' ' || w.name, jsonb_set(g.document, path, coalesce(w.value, 'null')::jsonb)::text
      FROM (SELECT argument_test.good_value(v.variant, a.name)::jsonb WHERE a.type = 'jsonb'::regtype) AS g (document),
           argument_test.paths(g.document) AS path, argument_test.wrong AS w
     WHERE w.type = 'node'
    UNION ALL
    SELECT a.name, 'jsonb', path::text || ' removed', (g.document #- path)::text
      FROM (SELECT argument_test.good_value(v.variant, a.name)::jsonb WHERE a.type = 'jsonb'::regtype) AS g (document), argument_test.paths(g.document) AS path) AS w
 WHERE v.variant = p.proname OR (v.variant, a.name) IN (SELECT g.function, g.argument FROM argument_test.good AS g WHERE g.value IS NOT NULL);
GRANT USAGE ON SCHEMA argument_test TO boxoffice_service;
GRANT SELECT ON ALL TABLES IN SCHEMA argument_test TO boxoffice_service;

\echo # an argument of a type for which there is nothing wrong to say
SELECT DISTINCT a.type::regtype FROM pg_proc AS p CROSS JOIN LATERAL unnest(p.proargtypes) AS a (type)
 WHERE p.pronamespace = 'api'::regnamespace AND a.type::regtype::text NOT IN (SELECT type FROM argument_test.wrong);
SET SESSION AUTHORIZATION boxoffice_service;
\echo # what is good that is refused: cursors, and what excludes something else
SELECT v.variant, argument_test.try(argument_test.call(v.variant))
  FROM (SELECT DISTINCT variant FROM argument_test.walked) AS v WHERE argument_test.try(argument_test.call(v.variant)) <> 'ok' ORDER BY 1;
\echo # what is neither done nor refused
SELECT w.variant, w.argument, w.what, left(t.said, 160)
  FROM argument_test.walked AS w, argument_test.try(argument_test.call(w.variant, w.argument, w.value)) AS t (said)
 WHERE t.said <> 'ok' AND t.said NOT LIKE 'TK%' ORDER BY 1, 2, 3;
RESET SESSION AUTHORIZATION;
\echo # where the contract has no null, NULL is what is left out, so the default of the contract
SELECT e -> 'hold_ttl_seconds', e -> 'payment_grace_seconds', e ->> 'locale', e -> 'test', e -> 'late_payment', e -> 'show_quantity', e -> 'approval', api.pool_create((e ->> 'id')::bigint, 'x', 'X', 'event', 5, NULL) -> 'overbook'
  FROM api.event_create(:organizer, 'Nulls', 'EUR', 'Europe/Berlin', '[{"key": "one", "starts_at": "2031-06-01T20:00:00Z"}]', '[{"key": "house", "name": "House", "scope": "session", "capacity": 100}]',
           '[{"key": "adult", "name": "Adult", "price": 1600, "pools": ["house"]}]', locale => NULL, test => NULL, hold_ttl_seconds => NULL, payment_grace_seconds => NULL, late_payment => NULL,
           show_quantity => NULL, approval => NULL) AS e;
SELECT argument_test.try(c) FROM unnest(ARRAY[format('SELECT api.session_create(%s, sessions => %L)', :event, 'null'), format('SELECT api.ticket_type_change(%s, %L, NULL)', :event, 'adult'),
    format('SELECT api.order_contact(%s, %s, NULL)', :event, :paid), format('SELECT api.order_contact(%s, %s, %L)', :event, :paid, '[]'), format('SELECT api.pool_change(%s, %L, %L)', :event, 'house', '{"preview": "x"}'),
    format('SELECT api.event_list(q => %L)', repeat('x', 201)), format('SELECT api.pretix_import_orders(%s, %L)', :imported, '[{"code": "A", "positions": [{"id": 99999999999999999999}]}]')]) AS c;
\echo # as many as usual, not one
SELECT json_array_length(api.session_list_all("limit" => NULL) -> 'items') = json_array_length(api.session_list_all() -> 'items') AS usual;
\echo # a time is the time that it is, also to a session that has it written as in India: IST is read as the time of Israel
SET timezone = 'Asia/Kolkata';
SET datestyle = 'Postgres, MDY';
SELECT json_array_length(api.session_list_all("from" => '2031-06-03T20:00:00Z', "to" => '2031-06-03T20:00:01Z', organizer => :organizer) -> 'items'),
       json_array_length(api.event_list("from" => '2031-06-03T20:00:00Z', "to" => '2031-06-03T20:00:01Z', organizer => :organizer) -> 'items');
RESET timezone;
RESET datestyle;
DELETE FROM boxoffice.login_actor WHERE login = 'boxoffice_service';
SELECT count(*) FROM boxoffice.check_inventory(:event);
SELECT count(*) FROM boxoffice.check_orders(:event);
DROP SCHEMA argument_test CASCADE;

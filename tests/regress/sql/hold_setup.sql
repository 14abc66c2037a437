-- What the tests of holds, blocks and stock stand on: schema hold_test, with an event made by hand and calls that go
-- through the dispatcher as the gateway's do.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS hold_test CASCADE;
CREATE SCHEMA hold_test;

INSERT INTO boxoffice.organizer (id, slug, name, created_at)
VALUES (800, 'hold-test', 'Hold Test', '2027-01-01'), (801, 'hold-else', 'Elsewhere', '2027-01-01');
INSERT INTO boxoffice.member (organizer_id, subject, role, created_at)
VALUES (800, 'mary', 'manager', '2027-01-01'), (800, 'bob', 'box_office', '2027-01-01'),
       (800, 'sid', 'scanner', '2027-01-01'), (801, 'eve', 'owner', '2027-01-01');
INSERT INTO boxoffice.currency (code, exponent) VALUES ('EUR', 2) ON CONFLICT DO NOTHING;

-- An event with two sessions of 10 places each, and 4 passes that take a place of both pools. Holds last 15 minutes
-- and can be extended to an hour. Ids follow from the event's.
CREATE FUNCTION hold_test.make_event(event bigint, code text, sessions integer DEFAULT 2)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO boxoffice.event (id, organizer_id, slug, short_code, name, status, test, currency, zone, locale,
        hold_ttl_ms, hold_extend_max_ms, payment_term_minutes, payment_grace_ms, late_payment, show_quantity, version,
        created_at, updated_at, published_at)
    VALUES (event, 800, lower(code), code, code, 'published', true, 'EUR', 'Europe/Berlin', 'en', 900000, 3600000, 30,
        60000, true, true, 1, '2027-01-01', '2027-01-01', '2027-01-01');
    INSERT INTO boxoffice.session (event_id, id, key, status, starts_at, ends_at, zone, sale_close_offset_ms)
    SELECT event, event + n, key, 'open', boxoffice_code.clock() + n * interval '10 days',
           boxoffice_code.clock() + n * interval '10 days' + interval '3 hours', 'Europe/Berlin', 0
      FROM (VALUES (1, 'fri'), (2, 'sat')) AS s (n, key)
     WHERE n <= sessions;
    INSERT INTO boxoffice.inventory_group (event_id, id) VALUES (event, event + 30);
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    VALUES (event, event + 10, 'house', 'House', 'session', 10, 0),
           (event, event + 11, 'passes', 'Passes', 'event', 4, 0),
           (event, event + 12, 'camping', 'Camping', 'event', 3, 0);
    INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT event, event + 20 + n, event + 10, event + n, event + 30, 10, 0, 0, 0, 0, 0 FROM generate_series(1, sessions) AS n
    UNION ALL VALUES (event, event + 23, event + 11, NULL::bigint, event + 30, 4, 0, 0, 0, 0, 0),
           (event, event + 24, event + 12, NULL, event + 30, 3, 0, 0, 0, 0, 0);
    INSERT INTO boxoffice.ticket_type (event_id, id, key, name, kind, price, fee, status, hidden, all_sessions,
        min_per_order, max_per_order, position)
    SELECT event, event + n, key, initcap(key), kind, price, fee, 'active', key = 'secret', key <> 'friday-only', low, high, n
      FROM (VALUES (40, 'general', 'admission', 2500, 150, 1, NULL::integer),
                   (41, 'pass', 'admission', 4000, 0, 1, NULL),
                   (42, 'tent', 'addon', 1000, 0, 1, NULL),
                   (43, 'group', 'admission', 2000, 0, 3, 6),
                   (44, 'secret', 'admission', 500, 0, 1, NULL),
                   (45, 'friday-only', 'admission', 1500, 0, 1, NULL),
                   (46, 'poolless', 'admission', 100, 0, 1, NULL)) AS t (n, key, kind, price, fee, low, high);
    INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id) VALUES (event, event + 45, event + 1);
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    SELECT event, event + t, event + p
      FROM (VALUES (40, 10), (41, 10), (41, 11), (42, 12), (43, 10), (44, 10), (45, 10)) AS l (t, p);
    SELECT boxoffice_code.inventory_regroup(event);
$$;

-- The fingerprint of the contract, which dispatch tells to who has another.
CREATE FUNCTION hold_test.contract() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM boxoffice_code.dispatch(0, 'hold_get', 'none', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0);
EXCEPTION WHEN SQLSTATE 'TK907' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN substring(detail FROM '([0-9a-f]{16})\.$');
END
$$;

-- Calls as the gateway makes them: one for each body, in one batch. An actor is "role subject"; NULL is nobody.
CREATE FUNCTION hold_test.call(event bigint, operation text, bodies text[], actor text DEFAULT NULL, keys text[] DEFAULT NULL,
    secret text DEFAULT NULL, param text DEFAULT '', actors text[] DEFAULT NULL)
RETURNS TABLE (status integer, replayed boolean, answer jsonb) LANGUAGE sql AS $$
    SELECT d.status, d.replayed, d.body::jsonb
      FROM boxoffice_code.dispatch(event, operation, hold_test.contract(),
        (SELECT array_agg(format('event=%s%s', event, param)) FROM unnest(bodies)),
        (SELECT array_agg(convert_to(b, 'UTF8')) FROM unnest(bodies) AS b),
        (SELECT array_agg(split_part(coalesce(actors[n], actor), ' ', 2)) FROM generate_subscripts(bodies, 1) AS n),
        (SELECT array_agg(coalesce(split_part(coalesce(actors[n], actor), ' ', 1), 'public')) FROM generate_subscripts(bodies, 1) AS n),
        array_fill(0::bigint, ARRAY[cardinality(bodies)]),
        coalesce(keys, array_fill(NULL::text, ARRAY[cardinality(bodies)])),
        array_fill(secret, ARRAY[cardinality(bodies)]), array_fill('test'::text, ARRAY[cardinality(bodies)]), 5000) AS d
$$;

-- An answer in one line: a hold's lines and total, or what a problem says.
CREATE FUNCTION hold_test.brief(status integer, replayed boolean, answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN status >= 400 THEN
        (SELECT format('%s %s', status, string_agg(concat_ws(' ', e ->> 'code', e ->> 'pointer', e ->> 'parameter',
                    nullif((e - '{code,pointer,parameter,detail}'::text[])::text, '{}'), e ->> 'detail'), '; ' ORDER BY n))
           FROM jsonb_array_elements(answer -> 'errors') WITH ORDINALITY AS p (e, n))
    ELSE
        format('%s%s %s:%s = %s%s', status, CASE WHEN replayed THEN ' replayed' END, answer ->> 'status',
            (SELECT string_agg(format(' %s %s %s @%s', i ->> 'quantity', i ->> 'ticket_type', i ->> 'session', i ->> 'unit_price'), ',' ORDER BY n)
               FROM jsonb_array_elements(answer -> 'items') WITH ORDINALITY AS p (i, n)), answer ->> 'total',
            (SELECT string_agg(format(', missing %s %s %s %s', i ->> 'quantity', i ->> 'ticket_type', i ->> 'session', i ->> 'code'), '' ORDER BY n)
               FROM jsonb_array_elements(answer -> 'missing') WITH ORDINALITY AS p (i, n)))
    END
$$;

-- "2 general fri, 1 pass sat" as the items of a request.
CREATE FUNCTION hold_test.items(wanted text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ticket_type', p[2], 'session', p[3], 'quantity', p[1]::integer, 'block', p[4])) ORDER BY n)
      FROM (SELECT string_to_array(trim(w), ' ') AS p, n FROM unnest(string_to_array(wanted, ',')) WITH ORDINALITY AS u (w, n)) AS u
$$;

-- Asks for a hold, or for several in one batch, and says what became of each.
CREATE FUNCTION hold_test.hold(event bigint, VARIADIC wanted text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT hold_test.brief(c.status, c.replayed, c.answer)
      FROM hold_test.call(event, 'hold_create', (SELECT array_agg(jsonb_build_object('items', hold_test.items(w))::text ORDER BY n)
             FROM unnest(wanted) WITH ORDINALITY AS u (w, n))) AS c
$$;

CREATE FUNCTION hold_test.hold_as(event bigint, actor text, wanted text, partial boolean DEFAULT false, key text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.brief(c.status, c.replayed, c.answer)
      FROM hold_test.call(event, 'hold_create', ARRAY[jsonb_build_object('items', hold_test.items(wanted), 'partial', partial)::text],
             actor, ARRAY[key]) AS c
$$;

-- An operation of one hold, with its secret unless told otherwise.
CREATE FUNCTION hold_test.op(event bigint, operation text, hold bigint, wanted text DEFAULT NULL, actor text DEFAULT NULL,
    secret text DEFAULT '', key text DEFAULT NULL, partial boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.brief(c.status, c.replayed, c.answer)
      FROM hold_test.call(event, operation,
             ARRAY[CASE WHEN wanted IS NOT NULL THEN jsonb_build_object('items', hold_test.items(wanted), 'partial', partial)::text END],
             actor, ARRAY[key],
             CASE secret WHEN '' THEN boxoffice_code.hold_secret(hold) ELSE secret END, '&hold=' || hold) AS c
$$;

-- The last hold that was made.
CREATE FUNCTION hold_test.last(event bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT max(h.id) FROM boxoffice.hold AS h WHERE h.event_id = event
$$;

-- Moves the clock to just past the hold's deadline, when it may still be written to for some seconds, however long the
-- test has taken up to here.
CREATE FUNCTION hold_test.pass_deadline(event bigint, hold bigint) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('boxoffice.clock_offset', (current_setting('boxoffice.clock_offset')::numeric
               + extract(epoch FROM h.expires_at - boxoffice_code.clock()) + 1)::text, false)
      FROM boxoffice.hold AS h WHERE h.event_id = event AND h.id = hold
$$;

-- Counters that are not zero, and whatever check_inventory finds.
CREATE FUNCTION hold_test.stock(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(line, ' | ' ORDER BY o, id), 'all free')
      FROM (SELECT 1 AS o, k.id, concat_ws(' ', p.key, s.key, 'held ' || nullif(k.held, 0), 'pending ' || nullif(k.pending, 0),
                   'sold ' || nullif(k.sold, 0), 'blocked ' || nullif(k.blocked, 0)) AS line
              FROM boxoffice.stock AS k
              JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
              LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
             WHERE k.event_id = event AND k.held + k.pending + k.sold + k.blocked > 0
             UNION ALL
            SELECT 2, c.id, format('PROBLEM %s %s %s', c.problem, c.expected, c.found) FROM boxoffice.check_inventory(event) AS c) AS l
$$;

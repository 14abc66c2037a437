-- Passes: tickets that admit to every session of their type, and take a place in each.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS pass_test CASCADE;
CREATE SCHEMA pass_test;
\pset format unaligned
\pset tuples_only on

INSERT INTO boxoffice.organizer (id, slug, name, created_at) VALUES (9600000, 'pass-test', 'Pass Test', '2027-01-01');

-- An event of three days, made by its document: 5 places a day, and types that the caller gives.
CREATE FUNCTION pass_test.make_event(code text, types text, pools text DEFAULT '', publish boolean DEFAULT true)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    event bigint;
BEGIN
    event := api.event_create(9600000, code, 'EUR', 'Europe/Berlin',
        (SELECT jsonb_agg(jsonb_build_object('key', s.key, 'starts_at', boxoffice_code.clock() + s.n * interval '10 days') ORDER BY s.n)
           FROM unnest('{fri,sat,sun}'::text[]) WITH ORDINALITY AS s (key, n)),
        ('[{"key": "house", "name": "House", "scope": "session", "capacity": 5}' || pools || ']')::jsonb,
        types::jsonb, test => true, short_code => code, slug => lower(code)) ->> 'id';
    IF publish THEN
        PERFORM api.event_publish(event);
    END IF;
    RETURN event;
END
$$;

-- What a statement says, or how it is refused.
CREATE FUNCTION pass_test.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    detail text;
BEGIN
    EXECUTE statement INTO said;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END
$$;

-- An answer in one line; an add-on follows its ticket after a plus.
CREATE FUNCTION pass_test.brief(status integer, answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN status >= 400 THEN hold_test.brief(status, false, answer)
    ELSE format('%s %s:%s = %s%s', status, answer ->> 'status',
            (SELECT string_agg(format('%s %s%s %s%s @%s', CASE WHEN n > 1 THEN ',' END, CASE WHEN i ? 'parent' THEN '+' || (i ->> 'parent') || ' ' END,
                        i ->> 'quantity', i ->> 'ticket_type', ' ' || (i ->> 'session'), i ->> 'unit_price'), '' ORDER BY n)
               FROM jsonb_array_elements(answer -> 'items') WITH ORDINALITY AS p (i, n)), answer ->> 'total',
            (SELECT string_agg(format(', missing %s %s%s %s', i ->> 'quantity', i ->> 'ticket_type', ' ' || (i ->> 'session'), i ->> 'code'), '' ORDER BY n)
               FROM jsonb_array_elements(answer -> 'missing') WITH ORDINALITY AS p (i, n)))
    END
$$;
CREATE FUNCTION pass_test.hold(event bigint, items text, partial boolean DEFAULT false, actor text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pass_test.brief(c.status, c.answer)
      FROM hold_test.call(event, 'hold_create', ARRAY[format('{"items":[%s],"partial":%s}', items, partial::text)], actor) AS c
$$;
CREATE FUNCTION pass_test.change(event bigint, items text, hold bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pass_test.brief(c.status, c.answer)
      FROM coalesce(hold, hold_test.last(event)) AS h (id),
           hold_test.call(event, 'hold_change', ARRAY[format('{"items":[%s]}', items)], secret => boxoffice_code.hold_secret(h.id),
                          param => '&hold=' || h.id) AS c
$$;
CREATE FUNCTION pass_test.release(event bigint, hold bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.op(event, 'hold_release', coalesce(hold, hold_test.last(event)))
$$;
-- Lets a hold, with its claims, run out.
CREATE FUNCTION pass_test.lapse(event bigint, hold bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE boxoffice.hold AS h SET expires_at = boxoffice_code.clock() - interval '1 minute' WHERE h.event_id = event AND h.id = hold;
    UPDATE boxoffice.claim AS c SET expires_at = h.expires_at FROM boxoffice.hold AS h WHERE c.event_id = event AND c.owner_id = hold AND h.event_id = event AND h.id = hold;
$$;
CREATE FUNCTION pass_test.order(event bigint, hold bigint DEFAULT NULL, email text DEFAULT 'ada@example.org') RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.order_create(event, h.id, boxoffice_code.hold_secret(h.id), jsonb_build_object('name', 'Ada', 'email', email),
                idempotency_key => gen_random_uuid()::text) ->> 'id')::bigint
      FROM coalesce(hold, hold_test.last(event)) AS h (id)
$$;
CREATE FUNCTION pass_test.pay(event bigint, "order" bigint) RETURNS text LANGUAGE sql AS $$
    SELECT api.payment_create(event, "order", 'test', idempotency_key => gen_random_uuid()::text) ->> 'outcome'
$$;
-- What is stored of an order, ticket by ticket.
CREATE FUNCTION pass_test.tickets(event bigint, "order" bigint) RETURNS text LANGUAGE sql AS $$
    SELECT o.status || ' ' || o.total || ': ' || (
        SELECT string_agg(format('%s%s %s %s %s', CASE WHEN t.parent_id IS NOT NULL THEN '+' || (SELECT count(*) FROM boxoffice.ticket AS b
                                   WHERE b.event_id = event AND b.order_id = o.id AND b.id <= t.parent_id) || ' ' END,
                          y.key, coalesce(s.key, 'all'), t.price, t.state), ', ' ORDER BY t.id)
          FROM boxoffice.ticket AS t
          JOIN boxoffice.ticket_type AS y ON y.event_id = event AND y.id = t.ticket_type_id
          LEFT JOIN boxoffice.session AS s ON s.event_id = event AND s.id = t.session_id
         WHERE t.event_id = event AND t.order_id = o.id)
      FROM boxoffice.order AS o
     WHERE o.event_id = event AND o.id = "order"
$$;
-- Counters that are not zero, and whatever the checks find.
CREATE FUNCTION pass_test.stock(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.stock(event) || coalesce((SELECT string_agg(' | PROBLEM ' || c.problem, '') FROM boxoffice.check_orders(event) AS c), '')
$$;

-- What the public page says of each type: whether it can be had, and days until its sale begins and ends.
CREATE FUNCTION pass_test.offered(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s..%s', t ->> 'key', t ->> 'status',
               round(extract(epoch FROM (t ->> 'sale_starts_at')::timestamptz - boxoffice_code.clock()) / 86400),
               round(extract(epoch FROM (t ->> 'sale_ends_at')::timestamptz - boxoffice_code.clock()) / 86400)), ', ' ORDER BY n)
      FROM jsonb_array_elements(api.event_get(event::text)::jsonb -> 'ticket_types') WITH ORDINALITY AS p (t, n)
$$;

SELECT pass_test.make_event('PASSA', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]},
    {"key": "all", "name": "All days", "price": 2500, "fee": 100, "admits": "all", "pools": ["house"], "max_per_order": 4},
    {"key": "end", "name": "Weekend", "price": 1800, "admits": "all", "sessions": ["sat", "sun"], "pools": ["house"]}]') AS e \gset

\echo # a pass takes a place in each session of its type; its pools are one group
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 2}');
SELECT pass_test.hold(:e, '{"ticket_type": "end", "quantity": 1}, {"ticket_type": "day", "session": "fri", "quantity": 1}');
SELECT pass_test.stock(:e);
SELECT count(DISTINCT s.group_id) FROM boxoffice.stock AS s WHERE s.event_id = :e;

\echo # sold out in one session: that session is told (FIELD 4.1.26: the others sell on)
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sun", "quantity": 2}');
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 1}');
SELECT pass_test.release(:e, hold_test.last(:e));

\echo # a part of it is whole passes only; nothing is taken where nothing can be had
SELECT pass_test.release(:e, (SELECT h.id FROM boxoffice.hold AS h JOIN boxoffice.claim AS c ON c.event_id = :e AND c.owner_id = h.id
                                JOIN boxoffice.session AS s ON s.event_id = :e AND s.id = c.session_id AND s.key = 'sun' WHERE h.event_id = :e));
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 4}', partial => true);
SELECT pass_test.stock(:e);
SELECT pass_test.release(:e);

\echo # how it is asked for: it names no session; the session is only left out of a pass
SELECT pass_test.hold(:e, '{"ticket_type": "all", "session": "fri", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 5}');

\echo # a pass is on sale while each of its sessions is
UPDATE boxoffice.session AS s SET status = 'paused' WHERE s.event_id = :e AND s.key = 'fri';
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "end", "quantity": 1}');
SELECT pass_test.release(:e);
SELECT pass_test.offered(:e);
UPDATE boxoffice.session AS s SET status = 'cancelled' WHERE s.event_id = :e AND s.key = 'fri';
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT pass_test.offered(:e);
UPDATE boxoffice.session AS s SET status = 'open', sale_starts_at = boxoffice_code.clock() + interval '2 days' WHERE s.event_id = :e AND s.key = 'fri';
SELECT left(pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}'), 60);
SELECT pass_test.offered(:e);
UPDATE boxoffice.session AS s SET sale_starts_at = NULL, sale_close_offset_ms = -10 * 86400000 WHERE s.event_id = :e AND s.key = 'fri';
SELECT left(pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}'), 60);
SELECT pass_test.offered(:e);
UPDATE boxoffice.session AS s SET sale_close_offset_ms = 0 WHERE s.event_id = :e AND s.key = 'fri';
SELECT pass_test.offered(:e);

\echo # a bundle of passes is as full as the fullest session of any of them, also one that it does not admit to itself
SELECT pass_test.make_event('PASSX', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]},
    {"key": "all", "name": "All days", "price": 2500, "admits": "all", "pools": ["house"]},
    {"key": "duo", "name": "For two", "price": 4000, "admits": "all", "sessions": ["sat", "sun"], "pools": ["house"], "bundle": [{"ticket_type": "all", "quantity": 1, "share_ppm": 500000}]}]') AS x \gset
SELECT pass_test.hold(:x, '{"ticket_type": "day", "session": "fri", "quantity": 5}');
SELECT pass_test.hold(:x, '{"ticket_type": "duo", "quantity": 1}');
SELECT t ->> 'key', t #>> '{availability,state}' FROM jsonb_array_elements(api.event_get((:x)::text)::jsonb -> 'ticket_types') WITH ORDINALITY AS p (t, n) ORDER BY n;

\echo # a ticket for one session with a pass in it, or that must have one: what is left is what a hold can have, of the pass in its own sessions and none other
SELECT pass_test.make_event('PASSY', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]},
    {"key": "end", "name": "Weekend", "price": 2500, "admits": "all", "sessions": ["sat", "sun"], "pools": ["house"]},
    {"key": "card", "name": "Card", "price": 500, "admits": "all", "sessions": ["sun"], "pools": ["house"], "addon_to": [{"ticket_type": "member", "min": 1, "max": 1}]},
    {"key": "long", "name": "Day and weekend", "price": 3000, "pools": ["house"], "bundle": [{"ticket_type": "end", "quantity": 1, "share_ppm": 500000}]},
    {"key": "member", "name": "Member", "price": 100, "pools": ["house"]}]') AS y \gset
CREATE FUNCTION pass_test.left_of(event bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s: %s', s ->> 'key', s ->> 'state', string_agg(concat_ws(' ', a ->> 'ticket_type', a ->> 'state', a ->> 'available'), ', ' ORDER BY k))
      FROM jsonb_array_elements(api.session_list(event)::jsonb -> 'items') WITH ORDINALITY AS p (s, n), LATERAL jsonb_array_elements(s -> 'availability') WITH ORDINALITY AS q (a, k)
     GROUP BY n, s ORDER BY n
$$;
UPDATE boxoffice.event SET show_quantity = true WHERE id = :y;
SELECT pass_test.left_of(:y);
SELECT pass_test.hold(:y, '{"ticket_type": "long", "session": "sat", "quantity": 3}');
SELECT pass_test.hold(:y, '{"ticket_type": "long", "session": "sat", "quantity": 2}');
SELECT pass_test.left_of(:y);
SELECT pass_test.release(:y);
SELECT pass_test.hold(:y, '{"ticket_type": "day", "session": "sun", "quantity": 4}');
SELECT pass_test.left_of(:y);
SELECT left(pass_test.hold(:y, format('{"ticket_type": "%s", "session": "%s", "quantity": 2%s}', t, s, a)), 60)
  FROM (VALUES ('long', 'fri', ''), ('member', 'fri', ', "addons": [{"ticket_type": "card", "quantity": 1}]')) AS x (t, s, a);
SELECT pass_test.hold(:y, '{"ticket_type": "member", "session": "sun", "quantity": 1, "addons": [{"ticket_type": "card", "quantity": 1}]}');
SELECT pass_test.hold(:y, '{"ticket_type": "day", "session": "sun", "quantity": 1}');
SELECT pass_test.left_of(:y);
SELECT pass_test.hold(:y, '{"ticket_type": "long", "session": "fri", "quantity": 1}');
\echo # … in a calendar too, where the day is as good as the best that is sold
UPDATE boxoffice.ticket_type SET hidden = true WHERE event_id = :y AND key IN ('day', 'member');
SELECT d ->> 'date' IS NOT NULL, d ->> 'state' FROM jsonb_array_elements(api.session_days(:y)::jsonb -> 'items') WITH ORDINALITY AS p (d, n) ORDER BY n;

\echo # it lapses, is taken back as a whole, and gives all its places
SELECT pass_test.lapse(:e, min(h.id)) FROM boxoffice.hold AS h WHERE h.event_id = :e AND h.status = 'active';
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 4}');
SELECT pass_test.stock(:e);
SELECT pass_test.release(:e);

\echo # changed: what stays keeps its places and its price
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 3}');
UPDATE boxoffice.ticket_type AS t SET price = 2600 WHERE t.event_id = :e AND t.key = 'all';
SELECT pass_test.change(:e, '{"ticket_type": "all", "quantity": 4}');
SELECT pass_test.change(:e, '{"ticket_type": "all", "quantity": 1}, {"ticket_type": "day", "session": "fri", "quantity": 3}');
SELECT pass_test.stock(:e);

\echo # ordered, paid, shown: a ticket of a pass has no session
SELECT pass_test.order(:e) AS o \gset
SELECT pass_test.tickets(:e, :o);
SELECT pass_test.stock(:e);
SELECT pass_test.pay(:e, :o);
SELECT pass_test.stock(:e);
SELECT t ->> 'ticket_type', t -> 'session', t -> 'session_name', t -> 'starts_at' FROM json_array_elements(api.ticket_list(:e, :o) -> 'items') AS t LIMIT 1;

\echo # FIELD 4.1.32: a capacity is not cut below what passes took
SELECT pass_test.try(format('SELECT api.stock_change(%s, %s, %s)', :e, s.id, n)) ~ 'TK111' AS refused
  FROM boxoffice.stock AS s JOIN boxoffice.session AS d ON d.event_id = :e AND d.id = s.session_id AND d.key = 'sun', (VALUES (1), (2)) AS c (n)
 WHERE s.event_id = :e ORDER BY n;

\echo # cancelled: its places are free in each session
SELECT api.order_cancel(:e, :o, ARRAY[(SELECT min(t.id) FROM boxoffice.ticket AS t WHERE t.event_id = :e AND t.order_id = :o)]) ->> 'total';
SELECT pass_test.stock(:e);

\echo # a payment that comes late takes the places again, in all sessions or in none
UPDATE boxoffice.stock AS s SET capacity = 5 WHERE s.event_id = :e;
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT pass_test.order(:e) AS o \gset
UPDATE boxoffice.order AS o SET expires_at = boxoffice_code.clock() - interval '1 hour' WHERE o.event_id = :e AND o.id = :o;
UPDATE boxoffice.claim AS c SET expires_at = boxoffice_code.clock() - interval '50 minutes' WHERE c.event_id = :e AND c.state = 'pending';
SELECT boxoffice_code.expire_orders(:e, 10);
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sun", "quantity": 4}');
SELECT pass_test.pay(:e, :o);
SELECT pass_test.release(:e);
SELECT pass_test.stock(:e);

\echo # of a pass no more places than a claim may have (1000), told when it is made
SELECT pass_test.try(format('SELECT api.event_create(9600000, %L, %L, %L, %L, %L, %L)', 'Long', 'EUR', 'Europe/Berlin',
    (SELECT jsonb_agg(jsonb_build_object('key', 's' || n, 'starts_at', '2030-01-01T10:00:00Z'::timestamptz + n * interval '1 day')) FROM generate_series(1, 200) AS n),
    (SELECT jsonb_agg(jsonb_build_object('key', 'p' || n, 'name', 'P', 'scope', 'session', 'capacity', 1)) FROM generate_series(1, 6) AS n),
    '[{"key": "t", "name": "T", "price": 1, "admits": "all", "pools": ["p1", "p2", "p3", "p4", "p5", "p6"]}]'));
\echo # and where sessions came later, when it is asked for
SELECT pass_test.make_event('PASSB', '[{"key": "all", "name": "All days", "price": 2500, "admits": "all", "pools": ["house"]},
    {"key": "gift", "name": "A gift", "kind": "donation", "price": 100, "free_price": true, "price_max": 5000, "price_suggested": [500, 1000], "admits": "all"}]') AS e \gset
INSERT INTO boxoffice.session (event_id, id, key, status, starts_at, zone, sale_close_offset_ms)
SELECT :e, boxoffice_code.new_id(), 'more' || n, 'open', boxoffice_code.clock() + n * interval '1 day', 'Europe/Berlin', 0 FROM generate_series(1, 998) AS n;
INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold, blocked)
SELECT :e, boxoffice_code.new_id(), p.id, s.id, g.id, 5, 0, 0, 0, 0, 0
  FROM boxoffice.session AS s, boxoffice.pool AS p, (SELECT min(k.group_id) FROM boxoffice.stock AS k WHERE k.event_id = :e) AS g (id)
 WHERE s.event_id = :e AND s.key LIKE 'more%' AND p.event_id = :e AND p.key = 'house';
SELECT boxoffice_code.inventory_regroup(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT f.pointer, f.detail FROM boxoffice_code.ticket_type_faults(:e) AS f;
DELETE FROM boxoffice.stock AS k USING boxoffice.session AS s WHERE k.event_id = :e AND s.event_id = :e AND s.id = k.session_id AND s.key = 'more998';
DELETE FROM boxoffice.session AS s WHERE s.event_id = :e AND s.key = 'more998';
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT cardinality(c.stock_ids) FROM boxoffice.claim AS c WHERE c.event_id = :e;
SELECT sum(s.held) FROM boxoffice.stock AS s WHERE s.event_id = :e;
SELECT pass_test.release(:e);

\echo # a donation names no session, takes from the unlimited pool, and the buyer names the price (FIELD 4.5.91)
SELECT pass_test.hold(:e, '{"ticket_type": "gift", "quantity": 1, "price": 750}, {"ticket_type": "gift", "quantity": 2}, {"ticket_type": "gift", "quantity": 1, "price": 100}');
SELECT pass_test.hold(:e, '{"ticket_type": "gift", "quantity": 1, "price": 99}');
SELECT pass_test.hold(:e, '{"ticket_type": "gift", "quantity": 1, "price": 5001}');
SELECT pass_test.hold(:e, '{"ticket_type": "gift", "quantity": 1, "price": 200000000000}');
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1, "price": 2499}');
SELECT pass_test.hold(:e, '{"ticket_type": "gift", "quantity": 1000, "price": 5000}');
SELECT pass_test.try(format('SELECT api.order_create(%s, %s, %L, %L, 4999999, idempotency_key => %L)', :e, hold_test.last(:e), boxoffice_code.hold_secret(hold_test.last(:e)),
    '{"name": "Ada", "email": "ada@example.org"}', gen_random_uuid()));
SELECT pass_test.stock(:e);

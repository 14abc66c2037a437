-- Behaviour cases of the field that no subject's own test has, by their numbers: 4.1 pools, 4.3 carts, 4.6 payment.
-- Stands on the functions of order_setup, hold_setup and pass.
--
-- What has no subject here: vouchers, waiting lists, check-in, seats, fees kept of a cancellation, webhooks. Capacity is never
-- overruled (131), and what is cancelled is not brought back (137).
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

-- An event whose types are each in the pools of the same letters, with so many places a day: 'one 2' is a pool and its capacity.
CREATE FUNCTION pass_test.make_pools(code text, types text, VARIADIC pools text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    event bigint := pass_test.make_event(code,
        (SELECT jsonb_agg(jsonb_build_object('key', t[1], 'name', t[1], 'price', 1000, 'pools', t[2:]))::text FROM unnest(string_to_array(types, ', ')) AS x (t_), string_to_array(t_, ' ') AS t),
        (SELECT string_agg(format(', {"key": "%s", "name": "%1$s", "scope": "session", "capacity": %s}', split_part(p, ' ', 1), split_part(p, ' ', 2)), '') FROM unnest(pools) AS p));
BEGIN
    UPDATE boxoffice.event AS e SET show_quantity = true, payment_grace_ms = 60000 WHERE e.id = event;
    RETURN event;
END
$$;
-- What the public sees of a session: each type, how it stands and how many there are.
CREATE FUNCTION pass_test.shown(event bigint, session text DEFAULT 'fri') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', a ->> 'ticket_type', a ->> 'state', coalesce(a ->> 'available', 'unlimited')), ', ' ORDER BY a ->> 'ticket_type')
      FROM json_array_elements(api.session_list(event) -> 'items') AS s, json_array_elements(s -> 'availability') AS a WHERE s ->> 'key' = session
$$;
-- Holds so many of a type, perhaps orders and pays them; the hold's or order's id.
CREATE FUNCTION pass_test.take(event bigint, type text, quantity integer, as_ text, session text DEFAULT 'fri') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint := api.hold_create(event, jsonb_build_array(jsonb_build_object('ticket_type', type, 'session', session, 'quantity', quantity))) ->> 'id';
BEGIN
    IF as_ <> 'held' THEN
        id := pass_test.order(event, id);
    END IF;
    IF as_ = 'paid' THEN
        PERFORM pass_test.pay(event, id);
    END IF;
    RETURN id;
END
$$;
CREATE FUNCTION pass_test.capacity(event bigint, pool text, places integer, session text DEFAULT 'fri') RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(pass_test.try(format('SELECT api.stock_change(%s, %s, %L) ->> ''capacity''', event, k.id, places)), '"stock":"\d+",', '')
      FROM boxoffice.stock AS k JOIN boxoffice.pool AS p ON p.event_id = event AND p.id = k.pool_id AND p.key = pool
      JOIN boxoffice.session AS s ON s.event_id = event AND s.id = k.session_id AND s.key = session WHERE k.event_id = event
$$;

\echo # 4.1.1, 2: two places, nothing sold; two paid; raised to three
SELECT pass_test.make_pools('CASEA', 't one', 'one 2') AS e \gset
SELECT pass_test.shown(:e);
SELECT pass_test.take(:e, 't', 2, 'paid') > 0;
SELECT pass_test.shown(:e);
SELECT pass_test.capacity(:e, 'one', 3);
SELECT pass_test.shown(:e);
\echo # 4.1.26: the other date is as it was
SELECT pass_test.shown(:e, 'sat');
\echo # 4.1.32: below what is sold is refused, with what there is; what is sold is fine, no limit too
SELECT pass_test.capacity(:e, 'one', 1);
SELECT pass_test.capacity(:e, 'one', 2);
SELECT pass_test.shown(:e);
SELECT pass_test.capacity(:e, 'one', NULL);
SELECT pass_test.shown(:e);

\echo # 4.1.4: past its deadline a pending order still has its places, as its payment may be late; past its grace they are free, whether or not anybody wrote so
SELECT pass_test.make_pools('CASEB', 't one', 'one 1') AS e \gset
SELECT pass_test.take(:e, 't', 1, 'pending') AS o \gset
SELECT pass_test.shown(:e);
SET boxoffice.clock_offset = 1830;
SELECT pass_test.shown(:e);
SET boxoffice.clock_offset = 1870;
SELECT o.status, pass_test.shown(:e) FROM boxoffice.order AS o WHERE o.event_id = :e AND o.id = :o;
SELECT boxoffice_code.expire_orders(:e, 10);
SELECT o.status, pass_test.shown(:e) FROM boxoffice.order AS o WHERE o.event_id = :e AND o.id = :o;
RESET boxoffice.clock_offset;

\echo # 4.1.6: of three places one is paid for, one is ordered, one is in a cart; the cart lapses
SELECT pass_test.make_pools('CASEC', 't one', 'one 3') AS e \gset
SELECT pass_test.take(:e, 't', 1, 'paid') > 0, pass_test.take(:e, 't', 1, 'pending') > 0;
SELECT pass_test.shown(:e);
SELECT pass_test.take(:e, 't', 1, 'held') AS h \gset
SELECT pass_test.shown(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "t", "session": "fri", "quantity": 1}');
SELECT pass_test.lapse(:e, :h);
SELECT pass_test.shown(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "t", "session": "fri", "quantity": 1}');
\echo # … and when all are paid for, they are sold out
SELECT pass_test.pay(:e, o.id) FROM boxoffice.order AS o WHERE o.event_id = :e AND o.status = 'pending';
SELECT pass_test.pay(:e, pass_test.order(:e));
SELECT pass_test.shown(:e);

\echo # 4.1.9: in two pools the scarcer one counts; out of it, the other; out of both it is not for sale; 4.1.7: what another type takes counts
SELECT pass_test.make_pools('CASED', 'both one many, other many', 'one 1', 'many 5') AS e \gset
SELECT pass_test.shown(:e);
SELECT pass_test.take(:e, 'other', 2, 'held') > 0;
SELECT pass_test.shown(:e);
SELECT api.ticket_type_change(:e, 'both', '{"pools": ["many"]}') IS NULL;
SELECT pass_test.shown(:e);
SELECT pass_test.capacity(:e, 'many', NULL);
SELECT pass_test.shown(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "both", "session": "fri", "quantity": 4}');
DELETE FROM boxoffice.ticket_type_pool AS x USING boxoffice.ticket_type AS t WHERE x.event_id = :e AND t.event_id = :e AND t.id = x.ticket_type_id AND t.key = 'other';
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.shown(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "other", "session": "fri", "quantity": 1}');

\echo # 4.1.11, 12: a block of a type takes of all its pools, and of no other; released it takes none
SELECT pass_test.make_pools('CASEE', 'both one two, one one, two two, three three', 'one 1', 'two 2', 'three 3') AS e \gset
SELECT pass_test.shown(:e);
SELECT api.block_create(:e, 'press', 'The papers', '[{"ticket_type": "both", "session": "fri", "quantity": 1}]') ->> 'id' AS b \gset
SELECT pass_test.shown(:e);
SELECT pass_test.shown(:e, 'sat');
SELECT api.block_release(:e, :b) IS NULL;
SELECT pass_test.shown(:e);

\echo # 4.1, bundles: as many as its parts allow; parts without a limit do not
SELECT pass_test.make_event('CASEF', '[{"key": "night", "name": "Night", "price": 1, "pools": ["house"], "bundle": [{"ticket_type": "drink", "quantity": 3, "share_ppm": 0}, {"ticket_type": "song", "quantity": 9, "share_ppm": 0}]},
    {"key": "drink", "name": "Drink", "price": 1, "pools": ["drink"]}, {"key": "song", "name": "Song", "price": 1, "pools": ["song"]}]',
    ', {"key": "drink", "name": "Drink", "scope": "event", "capacity": 8}, {"key": "song", "name": "Song", "scope": "event", "capacity": null}') AS e \gset
UPDATE boxoffice.event AS e SET show_quantity = true WHERE e.id = :e;
SELECT pass_test.shown(:e);

\echo # 4.1.31: nobody decides on what is free in a snapshot that was taken before the locks
SELECT pass_test.make_pools('CASEG', 't one', 'one 2') AS e \gset
SELECT pass_test.take(:e, 't', 1, 'pending') AS o, pass_test.take(:e, 't', 1, 'held') AS h \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT what, pass_test.try(format(statement, :e, :o)) AS refused FROM (VALUES
    ('hold', 'SELECT api.hold_create(%s, ''[{"ticket_type": "t", "session": "fri", "quantity": 1}]'')'),
    ('pay', 'SELECT api.payment_create(%s, %s, ''test'', idempotency_key => gen_random_uuid()::text)'),
    ('cancel', 'SELECT api.order_cancel(%s, %s)'),
    ('sale', 'SELECT api.sale_create(%s, ''[{"ticket_type": "t", "session": "fri", "quantity": 1}]'', payment => ''{"kind": "cash"}'', idempotency_key => gen_random_uuid()::text)'),
    ('block', 'SELECT api.block_create(%s, ''press'', ''x'', ''[{"ticket_type": "t", "session": "fri", "quantity": 1}]'')')) AS v (what, statement);
SELECT pass_test.try(format('SELECT pass_test.order(%s, %s)', :e, :h)) AS order, pass_test.capacity(:e, 'one', 5) AS capacity;
ROLLBACK;
SELECT pass_test.stock(:e);

\echo # 4.3.51: neither before sale starts, nor after it ended, nor after the session, nor in one whose payment could not come in time
SELECT pass_test.make_pools('CASEH', 't one', 'one 5') AS e \gset
CREATE FUNCTION pass_test.says(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(pass_test.hold(event, '{"ticket_type": "t", "session": "fri", "quantity": 1}'), '"20[^"]*"', '"…"', 'g')
$$;
UPDATE boxoffice.event AS e SET sale_starts_at = boxoffice_code.clock() + interval '1 hour', sale_ends_at = boxoffice_code.clock() + interval '2 hours', version = version + 1 WHERE e.id = :e;
SELECT pass_test.says(:e);
SET boxoffice.clock_offset = 3610;
SELECT pass_test.says(:e);
SET boxoffice.clock_offset = 7210;
SELECT pass_test.says(:e);
UPDATE boxoffice.event AS e SET sale_ends_at = NULL, version = version + 1 WHERE e.id = :e;
SET boxoffice.clock_offset = 863990;
SELECT pass_test.says(:e);
SELECT pass_test.order(:e) AS o \gset
SELECT o.expires_at <= s.starts_at AS due_before_it FROM boxoffice.order AS o, boxoffice.session AS s WHERE o.event_id = :e AND o.id = :o AND s.event_id = :e AND s.key = 'fri';
SET boxoffice.clock_offset = 864010;
SELECT pass_test.says(:e);
RESET boxoffice.clock_offset;

\echo # 4.3.54: half an hour from each write, an hour in all; the next day it is a new cart with times of its own. 56, 57: one that lapsed is not revived
SELECT pass_test.make_pools('CASEK', 't one', 'one 4') AS e \gset
UPDATE boxoffice.event AS e SET hold_ttl_ms = 1800000, hold_extend_max_ms = 3600000, version = version + 1 WHERE e.id = :e;
SELECT pass_test.take(:e, 't', 1, 'held') AS h \gset
SELECT hold_test.minutes(:e, :h);
SET boxoffice.clock_offset = 1200;
SELECT pass_test.change(:e, '{"ticket_type": "t", "session": "fri", "quantity": 1}, {"ticket_type": "t", "session": "sat", "quantity": 1}', :h);
SELECT hold_test.minutes(:e, :h);
SET boxoffice.clock_offset = 2700;
SELECT pass_test.change(:e, '{"ticket_type": "t", "session": "fri", "quantity": 1}, {"ticket_type": "t", "session": "sat", "quantity": 2}', :h);
SELECT hold_test.minutes(:e, :h);
SET boxoffice.clock_offset = 86400;
SELECT pass_test.change(:e, '{"ticket_type": "t", "session": "fri", "quantity": 2}', :h);
SELECT pass_test.take(:e, 't', 4, 'held') AS h \gset
SELECT hold_test.minutes(:e, :h);
RESET boxoffice.clock_offset;

\echo # 4.6.126: a pending order is paid though the capacity was cut to what is taken, and can not be cut below it
SELECT pass_test.make_pools('CASEJ', 't one', 'one 3') AS e \gset
SELECT pass_test.take(:e, 't', 2, 'pending') AS o \gset
\echo # 139: until then its places are not sold ones
SELECT pass_test.stock(:e);
SELECT pass_test.capacity(:e, 'one', 0), pass_test.capacity(:e, 'one', 2);
SELECT pass_test.pay(:e, :o);
SELECT pass_test.stock(:e);
\echo # 134: cancelled, all that was paid is owed, and no more is taken for it; 144: its buyer could not
SELECT boxoffice_code.order_secret(:o) AS secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT api.order_cancel(:e, :o, secret => :'secret');
RESET SESSION AUTHORIZATION;
SELECT c ->> 'status', c ->> 'paid', c ->> 'due' FROM api.order_cancel(:e, :o) AS c;
SELECT pass_test.pay(:e, :o);
SELECT pass_test.stock(:e);

\echo # what is owed is the same whether it is looked for among the few that may be owed something, or among all orders
SELECT b.event_id, b.order_id, b.due FROM report.order AS b WHERE b.due < 0
EXCEPT ALL
SELECT w.event_id, w.order_id, -w.owed FROM report.owed AS w;
SELECT count(*) > 0 AS some FROM report.owed;

-- Exchanging what belongs together: tickets with add-ons, add-ons alone, bundles. Stands on order_exchange.sql's and pass.sql's functions.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

SELECT pass_test.make_event('TGTR', '[{"key": "day", "name": "Day", "price": 1000, "fee": 50, "pools": ["house"]},
    {"key": "vip", "name": "VIP", "price": 3000, "pools": ["house"]}, {"key": "all", "name": "All days", "price": 2500, "admits": "all", "pools": ["house"]},
    {"key": "tour", "name": "Tour", "kind": "addon", "price": 200, "fee": 10, "pools": ["tour"], "sold_alone": false, "addon_to": [{"ticket_type": "day", "max": 2}, {"ticket_type": "vip"}]},
    {"key": "lounge", "name": "Lounge", "kind": "addon", "price": 700, "pools": ["lounge"], "sold_alone": false, "addon_to": [{"ticket_type": "vip", "max": 1}, {"ticket_type": "day"}]},
    {"key": "poster", "name": "Poster", "kind": "addon", "price": 100, "admits": "all", "addon_to": [{"ticket_type": "day"}, {"ticket_type": "all"}]},
    {"key": "night", "name": "A night", "price": 1999, "fee": 30, "pools": ["house"], "bundle": [{"ticket_type": "drink", "quantity": 2, "share_ppm": 200000}], "sessions": ["fri", "sat"]},
    {"key": "gala", "name": "A gala", "price": 4001, "pools": ["house"], "bundle": [{"ticket_type": "wine", "quantity": 2, "share_ppm": 500000}]},
    {"key": "feast", "name": "A feast", "price": 5000, "pools": ["house"], "bundle": [{"ticket_type": "wine", "quantity": 1, "share_ppm": 500000}]},
    {"key": "drink", "name": "Drink", "price": 400, "pools": ["bar"]}, {"key": "wine", "name": "Wine", "price": 600, "pools": ["bar"]}]',
    ', {"key": "tour", "name": "Tour", "scope": "session", "capacity": 2}, {"key": "lounge", "name": "Lounge", "scope": "session", "capacity": 1}, {"key": "bar", "name": "Bar", "scope": "session", "capacity": 4}') AS e \gset
CREATE FUNCTION pass_test.bought(event bigint, items text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint := api.hold_create(event, ('[' || items || ']')::jsonb) ->> 'id';
BEGIN
    id := pass_test.order(event, id);
    PERFORM pass_test.pay(event, id);
    RETURN id;
END
$$;
-- Exchanges tickets, each "n type session" with "-" for what stays: what it says, and the order afterwards if it did.
CREATE FUNCTION pass_test.exchange(event bigint, "order" bigint, moves text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    said text := order_test.say(format('SELECT api.order_exchange(%s, %s, %L, idempotency_key => gen_random_uuid()::text)', event, "order",
        (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ticket', order_test.ticket("order", p[1]::integer),
                    'ticket_type', nullif(p[2], '-'), 'session', nullif(p[3], '-'))) ORDER BY m.n)
           FROM regexp_split_to_table(moves, ',') WITH ORDINALITY AS m (move, n), string_to_array(m.move, ' ') AS p)), 'status', 'total', 'due');
BEGIN
    FOR n IN 1 .. 9 LOOP
        said := replace(said, COALESCE(order_test.ticket("order", n)::text, '?'), 'ticket ' || n);
    END LOOP;
    RETURN NEXT said;
    IF said LIKE 'status%' THEN
        RETURN NEXT pass_test.tickets(event, "order");
        RETURN NEXT pass_test.stock(event);
    END IF;
END
$$;

\echo # an add-on goes with its ticket to another session; what lets in to all stays; the other ticket keeps its own
SELECT pass_test.bought(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}, {"ticket_type": "poster", "quantity": 1}]}') AS o \gset
SELECT pass_test.tickets(:e, :o);
CREATE TEMP TABLE codes AS SELECT id, code FROM boxoffice.ticket WHERE event_id = :e;
SELECT pass_test.exchange(:e, :o, '1 - sat');
SELECT string_agg(CASE WHEN c.code = t.code THEN 'same' ELSE 'new' END, ' ' ORDER BY t.id) FROM codes AS c JOIN boxoffice.ticket AS t USING (id);
SELECT ticket_type_id = (SELECT t.id FROM boxoffice.ticket_type AS t WHERE t.event_id = :e AND t.key = 'tour') AS tour, line, parent_line, quantity, state FROM boxoffice.claim AS c JOIN boxoffice.order AS o ON o.hold_id = c.owner_id WHERE o.id = :o ORDER BY line;
\echo # … and where it can not be had there, nothing moves
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sun", "quantity": 1, "addons": [{"ticket_type": "tour", "quantity": 2}]}');
SELECT pass_test.exchange(:e, :o, '1 - sun');
SELECT pass_test.stock(:e);
\echo # in a full house: two tickets with their add-ons change places
SELECT pass_test.release(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "fri", "quantity": 4, "addons": []}, {"ticket_type": "day", "session": "sat", "quantity": 4}');
SELECT pass_test.exchange(:e, :o, '1 - fri');
SELECT pass_test.exchange(:e, :o, '1 - fri,2 - sat');
SELECT pass_test.release(:e);

\echo # an add-on alone: for another of its ticket, in the session of its ticket
SELECT pass_test.exchange(:e, :o, '3 lounge -');
SELECT pass_test.exchange(:e, :o, '3 - sun');
SELECT pass_test.exchange(:e, :o, '3 vip -');
SELECT pass_test.exchange(:e, :o, '3 - -,3 tour sat');
SELECT pass_test.exchange(:e, :o, '3 tour fri');
\echo # … as many as its ticket may have
UPDATE boxoffice.ticket_type_addon AS a SET max_per_parent = 1 FROM boxoffice.ticket_type AS t WHERE a.event_id = :e AND t.event_id = :e AND t.key = 'day' AND t.id = a.parent_type_id AND a.max_per_parent = 2;
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :o, '5 tour -');
UPDATE boxoffice.ticket_type_addon AS a SET max_per_parent = 2 FROM boxoffice.ticket_type AS t WHERE a.event_id = :e AND t.event_id = :e AND t.key = 'day' AND t.id = a.parent_type_id AND a.max_per_parent = 1;
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :o, '5 tour -');

\echo # an upgrade keeps add-ons that go with it; one that does not is told, and goes if it is exchanged too
SELECT pass_test.exchange(:e, :o, '2 vip -');
SELECT pass_test.exchange(:e, :o, '2 vip -,6 tour -');
\echo # … to what must have one, only with it
UPDATE boxoffice.ticket_type_addon AS a SET min_per_parent = 1 FROM boxoffice.ticket_type AS t, boxoffice.ticket_type AS l WHERE a.event_id = :e AND t.event_id = :e AND t.key = 'vip' AND t.id = a.parent_type_id AND l.event_id = :e AND l.id = a.ticket_type_id AND l.key = 'lounge';
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :o, '1 vip -,5 tour -');
SELECT pass_test.exchange(:e, :o, '1 vip sun,5 tour -,3 lounge sun');
\echo # … to a pass: what lets in to one session does not go with it
SELECT pass_test.exchange(:e, :o, '2 all -');
\echo # cancelled, split: what was exchanged together still is
SELECT api.order_cancel(:e, :o, ARRAY[order_test.ticket(:o, 1)]) ->> 'total';
SELECT pass_test.tickets(:e, :o);
SELECT pass_test.stock(:e);
SELECT api.order_cancel(:e, :o) ->> 'total';
SELECT pass_test.stock(:e);

\echo # a bundle goes as a whole, by its first ticket; it costs what it costs there, and its parts their shares
SELECT pass_test.bought(:e, '{"ticket_type": "night", "session": "fri", "quantity": 2}') AS b \gset
SELECT pass_test.tickets(:e, :b);
INSERT INTO boxoffice.session_price (event_id, session_id, ticket_type_id, price) SELECT :e, s.id, t.id, 1001 FROM boxoffice.session AS s, boxoffice.ticket_type AS t WHERE s.event_id = :e AND s.key = 'sat' AND t.event_id = :e AND t.key = 'night';
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :b, '1 - sat');
SELECT pass_test.exchange(:e, :b, '3 - sat');
SELECT pass_test.exchange(:e, :b, '1 - sun');
\echo # … for another with as many parts
SELECT pass_test.exchange(:e, :b, '2 gala sun');
SELECT pass_test.bought(:e, '{"ticket_type": "day", "session": "fri", "quantity": 1}') AS d \gset
SELECT pass_test.exchange(:e, :d, '1 tour -');
\echo # … and not if it is made of other parts by now
UPDATE boxoffice.ticket_type_bundle AS x SET quantity = 3 FROM boxoffice.ticket_type AS t WHERE x.event_id = :e AND t.event_id = :e AND t.key = 'night' AND x.ticket_type_id = t.id;
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :b, '1 - fri');
UPDATE boxoffice.ticket_type_bundle AS x SET quantity = 2 FROM boxoffice.ticket_type AS t WHERE x.event_id = :e AND t.event_id = :e AND t.key = 'night' AND x.ticket_type_id = t.id;
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
\echo # … where a part is sold out none of it moves; two bundles change places in a full bar
SELECT pass_test.hold(:e, '{"ticket_type": "drink", "session": "sat", "quantity": 2}, {"ticket_type": "wine", "session": "sun", "quantity": 2}');
SELECT pass_test.exchange(:e, :b, '2 night sat');
SELECT pass_test.exchange(:e, :b, '2 night sat,1 gala sun');
SELECT api.order_cancel(:e, :b, ARRAY[order_test.ticket(:b, 1)]) ->> 'total';
SELECT pass_test.tickets(:e, :b);
SELECT pass_test.stock(:e);

\echo # a ticket costs what it costs in the session that it goes to
INSERT INTO boxoffice.session_price (event_id, session_id, ticket_type_id, price) SELECT :e, s.id, t.id, 555 FROM boxoffice.session AS s, boxoffice.ticket_type AS t WHERE s.event_id = :e AND s.key = 'sun' AND t.event_id = :e AND t.key = 'day';
UPDATE boxoffice.event AS e SET version = version + 1 WHERE e.id = :e;
SELECT pass_test.exchange(:e, :d, '1 - sun');

\echo # a ticket becomes a bundle: its parts are made, and it is to be paid for; two bundles do not fit
SELECT pass_test.bought(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "poster", "quantity": 1}]}') AS o \gset
SELECT pass_test.exchange(:e, :o, '1 night -');
SELECT api.order_cancel(:e, :o, ARRAY[order_test.ticket(:o, 3), order_test.ticket(:o, 4)]) ->> 'total';
SELECT pass_test.hold(:e, '{"ticket_type": "drink", "session": "fri", "quantity": 1}');
SELECT pass_test.exchange(:e, :o, '1 night -,2 night -');
SELECT pass_test.release(:e);
SELECT pass_test.stock(:e);
SELECT pass_test.exchange(:e, :o, '1 night -');
SELECT pass_test.pay(:e, :o);
SELECT state, code IS NOT NULL AS has_code, parent_id IS NOT NULL AS part FROM boxoffice.ticket WHERE event_id = :e AND order_id = :o ORDER BY id;
SELECT total_before, total_after, reopened FROM boxoffice.order_change WHERE event_id = :e AND order_id = :o AND kind = 'exchange';
\echo # … for another with fewer parts or with more: what is too many is cancelled, what is lacking made
SELECT pass_test.exchange(:e, :o, '1 feast sun');
SELECT pass_test.exchange(:e, :o, '1 gala -');
\echo # … into a plain ticket: all of its parts are cancelled, and money is owed back; its place may be what makes room
SELECT pass_test.hold(:e, '{"ticket_type": "wine", "session": "sun", "quantity": 2}');
SELECT pass_test.exchange(:e, :o, '1 day -,2 feast sun');
SELECT pass_test.exchange(:e, :o, '2 day fri');
\echo # … a part that is not sold there is told, and nothing moves
SELECT api.ticket_type_create(:e, 'cup', 'Cup', 100, pools => '["bar"]', sessions => '["fri"]') ->> 'version' IS NOT NULL,
       api.ticket_type_create(:e, 'snack', 'Snack', 1500, pools => '["house"]', bundle => '[{"ticket_type": "cup", "quantity": 1, "share_ppm": 100000}]') ->> 'version' IS NOT NULL;
SELECT pass_test.exchange(:e, :o, '2 night sun');
SELECT pass_test.exchange(:e, :o, '2 snack sat');
SELECT pass_test.exchange(:e, :o, '2 snack -');
\echo # … before it was paid for, and with a part that is a pass
SELECT api.ticket_type_create(:e, 'pair', 'Pair', 3000, pools => '["house"]', bundle => '[{"ticket_type": "all", "quantity": 1, "share_ppm": 500000}]') ->> 'version' IS NOT NULL;
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 1}');
SELECT pass_test.order(:e) AS p \gset
SELECT pass_test.exchange(:e, :p, '1 pair -');
SELECT pass_test.exchange(:e, :p, '1 day fri');
SELECT pass_test.pay(:e, :p);
SELECT pass_test.stock(:e);
\echo # a pass that can not be had names the session that is full
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sun", "quantity": 3}');
SELECT pass_test.exchange(:e, :p, '1 all -');
SELECT pass_test.release(:e);
\echo # split off: its cancelled parts go with what was a bundle, its new ones with what became one; both go on
SELECT pass_test.bought(:e, '{"ticket_type": "gala", "session": "fri", "quantity": 1}, {"ticket_type": "day", "session": "fri", "quantity": 1}') AS s \gset
SELECT pass_test.exchange(:e, :s, '1 day -,2 snack -');
SELECT api.order_split(:e, :s, ARRAY[order_test.ticket(:s, 1)], NULL, gen_random_uuid()::text) #>> '{split,id}' AS day \gset
SELECT pass_test.tickets(:e, :s), pass_test.tickets(:e, :day);
SELECT pass_test.exchange(:e, :day, '1 feast -');
SELECT pass_test.stock(:e);
SELECT api.order_cancel(:e, :s) ->> 'total', api.order_cancel(:e, :day) ->> 'total';
SELECT pass_test.stock(:e);

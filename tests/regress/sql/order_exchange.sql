-- Exchanging tickets: other types, other sessions, in a full house, and what the order then costs.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9702000, 'EXCHNG', 2);

-- Exchanges tickets, each "n type session" with "-" for what stays, and says what came of it.
CREATE FUNCTION order_test.exchange(event bigint, "order" bigint, moves text, expected_total bigint DEFAULT NULL)
RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT order_test.say(format('SELECT api.order_exchange(%s, %s, %L, %L, gen_random_uuid()::text)', event, "order",
        (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ticket', order_test.ticket("order", p[1]::integer),
                    'ticket_type', nullif(p[2], '-'), 'session', nullif(p[3], '-'))) ORDER BY m.n)
           FROM regexp_split_to_table(moves, ',') WITH ORDINALITY AS m (move, n), string_to_array(m.move, ' ') AS p),
        expected_total), 'status', 'total', 'paid', 'due');
    RETURN NEXT order_test.state(event, "order");
    RETURN NEXT (SELECT string_agg(format('%s %s %s+%s %s', y.key, coalesce(s.key, '-'), t.price, t.fee, t.state), ', ' ORDER BY t.id)
                   FROM boxoffice.ticket AS t JOIN boxoffice.ticket_type AS y ON y.event_id = event AND y.id = t.ticket_type_id
                   LEFT JOIN boxoffice.session AS s ON s.event_id = event AND s.id = t.session_id
                  WHERE t.event_id = event AND t.order_id = "order");
END
$$;
-- A paid order of these lines.
CREATE FUNCTION order_test.bought(event bigint, lines text[], email text DEFAULT 'ada@example.org')
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    placed bigint := order_test.place(event, order_test.make_hold(event, lines), email);
BEGIN
    PERFORM api.payment_create(event, placed, 'test', idempotency_key => gen_random_uuid()::text);
    RETURN placed;
END
$$;

\echo # FIELD 4.7.159: to a full session: refused; two tickets change places in a full house
SELECT order_test.bought(9702000, '{general 1 friday,general 1 saturday}') AS a, order_test.bought(9702000, '{general 1 friday,general 1 saturday}', 'bob@example.org') AS b \gset
SELECT * FROM order_test.stock(9702000);
SELECT order_test.exchange(9702000, :a, '1 - saturday');
CREATE TEMP TABLE codes AS SELECT id, code FROM boxoffice.ticket WHERE event_id = 9702000;
SELECT order_test.exchange(9702000, :a, '1 - saturday,2 - friday', 5300);
SELECT * FROM order_test.stock(9702000);
SELECT count(*) FILTER (WHERE c.code = t.code) AS same, count(*) FILTER (WHERE c.code <> t.code) AS new FROM codes AS c JOIN boxoffice.ticket AS t USING (id);
SELECT x.topic FROM boxoffice.outbox AS x WHERE x.event_id = 9702000 AND x.topic LIKE '%changed' ORDER BY x.id;
SELECT kind, total_before, total_after, reopened FROM boxoffice.order_change WHERE order_id = :a;
SELECT * FROM boxoffice.check_orders(9702000);
SELECT * FROM boxoffice.check_inventory(9702000);

\echo # FIELD 4.7.162: a circle in one exchange; the same ticket twice is refused
SELECT order_test.make_event(9702100, 'CYCLE', 1);
INSERT INTO boxoffice.session (event_id, id, key, status, starts_at, ends_at, zone, sale_close_offset_ms)
SELECT 9702100, 9702103, 'sunday', 'open', starts_at + interval '1 day', ends_at + interval '1 day', zone, 0 FROM boxoffice.session WHERE id = 9702102;
INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold, blocked)
VALUES (9702100, 9702124, 9702110, 9702103, 9702130, 1, 0, 0, 0, 0, 0);
SELECT order_test.bought(9702100, '{general 1 friday,general 1 saturday,free 1 sunday}') AS c \gset
SELECT order_test.exchange(9702100, :c, '1 - saturday,2 - sunday,3 - friday');
SELECT order_test.exchange(9702100, :c, '1 - friday,1 - sunday') AS twice;
SELECT order_test.exchange(9702100, :c, '1 - friday,2 - saturday') AS not_a_circle;
SELECT order_test.exchange(9702100, :c, '1 - friday,2 - saturday,3 - sunday');
SELECT * FROM boxoffice.check_orders(9702100);
SELECT * FROM boxoffice.check_inventory(9702100);

\echo # FIELD 4.7.161: raised, a paid order is pending for the difference; its other tickets keep their codes
UPDATE boxoffice.stock SET capacity = 10 WHERE event_id = 9702000;
TRUNCATE codes; INSERT INTO codes SELECT id, code FROM boxoffice.ticket WHERE order_id = :a;
SELECT order_test.exchange(9702000, :a, '1 pass -', 5300) AS another_total;
SELECT order_test.exchange(9702000, :a, '1 pass -', 6650);
SELECT o.expires_at - boxoffice_code.clock() BETWEEN '29 minutes' AND '30 minutes' FROM boxoffice.order AS o WHERE o.id = :a;
SELECT bool_and(c.expires_at > boxoffice_code.clock()) FROM boxoffice.order AS o JOIN boxoffice.claim AS c ON c.owner_id = o.hold_id AND c.state = 'pending' WHERE o.id = :a;
SELECT order_test.say(format('SELECT api.order_get(9702000, %s)', :a), 'tickets.0.code', 'tickets.1.code', 'due');
SELECT * FROM boxoffice.check_orders(9702000);
SELECT order_test.pay(9702000, :a, 'test');
SELECT count(*) FILTER (WHERE c.code = t.code) AS same, count(*) FILTER (WHERE c.code <> t.code) AS new FROM codes AS c JOIN boxoffice.ticket AS t USING (id);
SELECT * FROM order_test.stock(9702000);
\echo # lowered, the rest is owed back; raised again within what was paid it stays paid; lowered to nothing it is paid
SELECT order_test.exchange(9702000, :a, '1 free -');
SELECT order_test.exchange(9702000, :a, '1 general -');
SELECT order_test.exchange(9702000, :a, '1 free -,2 free -');
SELECT quantity, amount FROM boxoffice.order_fee WHERE order_id = :a ORDER BY line;
\echo # a raised order that nobody pays expires as a whole, and its money is owed back
SELECT order_test.exchange(9702000, :b, '1 pass -');
SET boxoffice.clock_offset = 1900;
SELECT boxoffice_code.expire_orders(9702000, 10);
SELECT order_test.say(format('SELECT api.order_get(9702000, %s)', :b), 'status', 'total', 'paid', 'due');
SELECT order_test.exchange(9702000, :b, '1 general -') AS expired;
SET boxoffice.clock_offset = 0;

\echo # a pending order keeps its deadline, but not past its sessions; lowered to what was paid it is paid, to nothing as well
SELECT order_test.place(9702000, order_test.make_hold(9702000, '{general 2 saturday}')) AS p \gset
SELECT o.expires_at AS before FROM boxoffice.order AS o WHERE o.id = :p \gset
SELECT order_test.exchange(9702000, :p, '1 - friday');
SELECT o.expires_at = :'before' FROM boxoffice.order AS o WHERE o.id = :p;
UPDATE boxoffice.session SET starts_at = boxoffice_code.clock() - interval '1 hour', ends_at = boxoffice_code.clock() + interval '5 minutes' WHERE event_id = 9702000 AND key = 'friday';
SELECT order_test.exchange(9702000, :p, '1 free -');
SELECT o.expires_at = s.ends_at FROM boxoffice.order AS o JOIN boxoffice.session AS s ON s.event_id = o.event_id AND s.key = 'friday' WHERE o.id = :p;
SELECT order_test.exchange(9702000, :p, '2 free -');

\echo # a pass that takes from two pools, and back: claims, counters and fees follow
SELECT order_test.bought(9702000, '{general 1 saturday}') AS q \gset
SELECT order_test.exchange(9702000, :q, '1 pass -');
SELECT order_test.exchange(9702000, :q, '1 general -');
SELECT ticket_type_id - 9702000 AS type, state, quantity FROM boxoffice.claim AS c JOIN boxoffice.order AS o ON o.hold_id = c.owner_id WHERE o.id = :q ORDER BY line;

\echo # limits per buyer of the new type; what cannot be named; what cannot be had
UPDATE boxoffice.ticket_type SET buyer_limit = 1 WHERE event_id = 9702000 AND key = 'pass';
SELECT order_test.bought(9702000, '{general 2 saturday}', 'cy@example.org') AS r \gset
SELECT order_test.exchange(9702000, :r, '1 pass -,2 pass -');
SELECT order_test.exchange(9702000, :r, '1 pass -');
SELECT order_test.exchange(9702000, :r, '2 pass -');
SELECT order_test.exchange(9702000, :r, '1 general -,2 pass -');
SELECT ticket_type_id - 9702000 AS type, taken FROM boxoffice.buyer WHERE event_id = 9702000 ORDER BY 1, 2;
SELECT order_test.exchange(9702000, :r, '1 - -') AS nothing;
SELECT order_test.exchange(9702000, :r, '1 none none') AS unknown;
SELECT order_test.say(format('SELECT api.order_exchange(9702000, %s, %L)', :r, '[{"ticket": "1", "session": "friday"}]')) AS no_ticket;
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9702000 AND key = 'friday';
UPDATE boxoffice.ticket_type SET status = 'retired' WHERE event_id = 9702000 AND key = 'free';
SELECT order_test.exchange(9702000, :r, '1 - friday,2 free -') AS cancelled_and_retired;
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 9702000 AND key = 'friday';
SELECT order_test.cancel(9702000, :r, ARRAY[order_test.ticket(:r, 1)]);
SELECT order_test.exchange(9702000, :r, '1 general -') AS gone;

\echo # a key is good for one exchange; only staff
SELECT api.order_exchange(9702000, :r, jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:r, 2)::text, 'session', 'friday')), idempotency_key => 'x-1')::jsonb
     = api.order_exchange(9702000, :r, jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:r, 2)::text, 'session', 'friday')), idempotency_key => 'x-1')::jsonb;
SELECT boxoffice_code.order_secret(:r) AS secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_exchange(9702000, %s, %L)', :r, '[{"ticket": "1", "session": "friday"}]')) AS public;
RESET SESSION AUTHORIZATION;
SELECT * FROM order_test.stock(9702000);
SELECT * FROM boxoffice.check_orders(9702000);
SELECT * FROM boxoffice.check_inventory(9702000);

\echo # what was paid for an order that became dearer and then expired is owed
SELECT order_test.make_event(9991000, 'DEARER');
SELECT order_test.bought(9991000, '{general 1 friday}') AS o \gset
SELECT order_test.exchange(9991000, :o, '1 pass -');
SELECT api.event_owed(9991000) ->> 'amount' AS owed;
SET boxoffice.clock_offset = 1900;
SELECT boxoffice_code.expire_orders(9991000, 10);
SELECT o ->> 'orders', o ->> 'amount', o -> 'items' -> 0 ->> 'status', o -> 'items' -> 0 ->> 'due' FROM api.event_owed(9991000) AS o;
SET boxoffice.clock_offset = 0;

\echo # … and no paid order becomes dearer when one of its sessions is over, as nobody could pay in time
SELECT order_test.make_event(9992000, 'EXPAST');
SELECT order_test.bought(9992000, '{general 2 friday}') AS o \gset
SET boxoffice.clock_offset = 950400;
SELECT order_test.exchange(9992000, :o, '1 pass saturday');
SELECT order_test.exchange(9992000, :o, '1 - saturday');
SELECT order_test.exchange(9992000, :o, '1 pass saturday,2 pass saturday');
SET boxoffice.clock_offset = 0;
SELECT * FROM boxoffice.check_inventory(9992000);

\echo # into a pass as a sale would have it: while all of its sessions take place, and not one that takes more places than a claim can
SELECT order_test.make_event(9993000, 'EXWEEK');
UPDATE boxoffice.ticket_type SET admits = 'all' WHERE event_id = 9993000 AND key = 'pass';
SELECT order_test.bought(9993000, '{general 2 friday}') AS o \gset
SELECT order_test.exchange(9993000, :o, '1 pass -');
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9993000 AND key = 'saturday';
SELECT order_test.exchange(9993000, :o, '2 pass -');
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 9993000 AND key = 'saturday';
INSERT INTO boxoffice.session (event_id, id, key, status, starts_at, ends_at, zone, sale_close_offset_ms)
SELECT 9993000, 99930000 + n, 'day-' || n, 'open', starts_at, ends_at, zone, 0
  FROM boxoffice.session, generate_series(1, 1001) AS n WHERE id = 9993002;
INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold, blocked)
SELECT 9993000, 99940000 + n, 9993010, 99930000 + n, 9993030, 1, 0, 0, 0, 0, 0 FROM generate_series(1, 1001) AS n;
UPDATE boxoffice.event SET version = version + 1 WHERE id = 9993000;
SELECT order_test.exchange(9993000, :o, '2 pass -');
SELECT * FROM boxoffice.check_orders(9993000);
SELECT * FROM boxoffice.check_inventory(9993000);

\echo # a limit holds for all tickets of the type together, also where one that has it already changes only its session, whichever is named first
SELECT order_test.make_event(9994000, 'EXCAP');
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 9994000 AND key = 'pass';
SELECT order_test.bought(9994000, '{pass 2 friday,general 1 friday}', 'dan@example.org') AS o \gset
SELECT order_test.exchange(9994000, :o, '3 pass -,1 - saturday');
SELECT order_test.exchange(9994000, :o, '1 - saturday,3 pass -');
SELECT order_test.exchange(9994000, :o, '3 pass -,1 general -,2 - saturday');
SELECT ticket_type_id - 9994000 AS type, taken FROM boxoffice.buyer WHERE event_id = 9994000 ORDER BY 1, 2;
SELECT * FROM boxoffice.check_inventory(9994000);

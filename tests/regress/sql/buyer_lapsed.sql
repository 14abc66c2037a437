-- What a buyer let lapse does not count against his limit, wherever it is and whoever has taken it back or not. There is
-- no worker here: nobody but the buyer's own next call takes anything back.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION hold_test.taken(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', CASE WHEN b.buyer_key LIKE 's:%' THEN b.buyer_key ELSE 'e:' END, b.taken), ', ' ORDER BY b.buyer_key LIKE 'e:%', b.taken)
      FROM boxoffice.buyer AS b WHERE b.event_id = event AND b.ticket_type_id = 0
$$;

\echo # a cart in another group of the event: camping is one of its own
SELECT hold_test.make_event(9800000, 'LAPSEA');
UPDATE boxoffice.event SET buyer_limit = 4, version = version + 1 WHERE id = 9800000;
SELECT hold_test.hold_as(9800000, 'customer ann', '3 tent fri');
SELECT hold_test.hold_as(9800000, 'customer ann', '2 general fri');
SET boxoffice.clock_offset = 901;
SELECT hold_test.hold_as(9800000, 'customer ann', '5 general fri');
SELECT hold_test.stock(9800000);
SELECT hold_test.hold_as(9800000, 'customer ann', '4 general fri');
SELECT hold_test.stock(9800000);
SELECT hold_test.taken(9800000);
\echo # at the limit by what stands
SELECT hold_test.hold_as(9800000, 'customer ann', '1 tent fri');
SELECT hold_test.hold_as(9800000, 'customer bea', '1 tent fri');
\echo # two of one batch: what lapsed makes room once
SET boxoffice.clock_offset = 1802;
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(9800000, 'hold_create', array_fill('{"items":[{"ticket_type":"general","session":"sat","quantity":3}]}'::text, ARRAY[2]), 'customer ann') AS c;
SELECT hold_test.stock(9800000);
SELECT hold_test.taken(9800000);
\echo # what others let lapse stays, as long as nobody needs the place
SELECT status, count(*) FROM boxoffice.hold WHERE event_id = 9800000 GROUP BY 1 ORDER BY 1;

\echo # the limit of a type: what lapsed of another type makes no room
SELECT hold_test.make_event(9801000, 'LAPSEB');
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 9801000 AND key IN ('tent', 'general');
SELECT hold_test.hold_as(9801000, 'customer ann', '2 tent fri');
SET boxoffice.clock_offset = 2300;
SELECT hold_test.hold_as(9801000, 'customer ann', '2 general fri');
SET boxoffice.clock_offset = 2703;
SELECT hold_test.hold_as(9801000, 'customer ann', '1 general fri');
SELECT hold_test.hold_as(9801000, 'customer ann', '1 tent sat');
SELECT hold_test.stock(9801000);

\echo # a change of a cart: what else lapsed is taken back, the cart itself never
SELECT hold_test.make_event(9802000, 'LAPSEC');
UPDATE boxoffice.event SET buyer_limit = 4, version = version + 1 WHERE id = 9802000;
SELECT hold_test.hold_as(9802000, 'customer ann', '3 tent fri');
SET boxoffice.clock_offset = 3601;
SELECT hold_test.hold_as(9802000, 'customer ann', '1 general fri');
SELECT hold_test.last(9802000) AS h \gset
SET boxoffice.clock_offset = 3605;
SELECT hold_test.op(9802000, 'hold_change', :h, '5 general fri');
SELECT hold_test.op(9802000, 'hold_change', :h, '4 general fri');
SELECT hold_test.stock(9802000);
\echo # in the seconds in which it may still be written to
SELECT hold_test.pass_deadline(9802000, :h);
SELECT hold_test.op(9802000, 'hold_change', :h, '3 general fri, 1 secret fri');
SELECT hold_test.stock(9802000);
SELECT hold_test.taken(9802000);

\echo # an order that nobody paid, under its address
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9803000, 'LAPSED');
UPDATE boxoffice.event SET buyer_limit = 4, version = version + 1 WHERE id = 9803000;
CREATE FUNCTION hold_test.held(event bigint, wanted text) RETURNS bigint LANGUAGE sql AS $$
    SELECT hold_test.hold(event, wanted);
    SELECT hold_test.last(event)
$$;
SELECT order_test.place(9803000, hold_test.held(9803000, '3 tent fri')) AS a \gset
SELECT order_test.buy(9803000, hold_test.held(9803000, '2 general fri'));
\echo # not as long as it may still be paid
SET boxoffice.clock_offset = 1850;
SELECT hold_test.held(9803000, '4 general fri') AS h \gset
SELECT order_test.buy(9803000, :h);
SET boxoffice.clock_offset = 1870;
SELECT order_test.buy(9803000, :h);
SELECT hold_test.stock(9803000);
SELECT hold_test.taken(9803000);
SELECT order_test.state(9803000, :a);
SELECT ref_id = :a FROM boxoffice.outbox WHERE event_id = 9803000 AND topic = 'order.expired';
\echo # paid late it would be past the limit: the money is due back
SELECT order_test.pay(9803000, :a, 'test');
SELECT order_test.buy(9803000, hold_test.held(9803000, '1 general sat'));
\echo # and once the other one has lapsed, it may be paid
SET boxoffice.clock_offset = 3760;
SELECT order_test.pay(9803000, :a, 'manual', 1);
SELECT hold_test.stock(9803000);
SELECT hold_test.taken(9803000);

\echo # a sale by staff, another address for an order, a part of it for somebody else
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9804000, 'LAPSEE');
UPDATE boxoffice.event SET buyer_limit = 3, version = version + 1 WHERE id = 9804000;
SELECT order_test.place(9804000, hold_test.held(9804000, '1 tent fri'), email) > 0 FROM unnest('{a@example.org,b@example.org,c@example.org}'::text[]) AS email;
UPDATE boxoffice.stock SET capacity = 9 WHERE event_id = 9804000 AND capacity = 3;
SELECT order_test.place(9804000, hold_test.held(9804000, '2 tent fri'), email) > 0 FROM unnest('{a@example.org,b@example.org,c@example.org}'::text[]) AS email;
SELECT hold_test.stock(9804000);
SET boxoffice.clock_offset = 1870;
SELECT order_test.say($$SELECT api.sale_create(9804000, '[{"ticket_type": "general", "quantity": 3, "session": "fri"}]', contact => '{"name": "A", "email": "a@example.org"}')$$) AS sold;
SELECT order_test.say($$SELECT api.sale_create(9804000, '[{"ticket_type": "general", "quantity": 1, "session": "fri"}]', contact => '{"name": "A", "email": "a@example.org"}')$$) AS no_more;
SELECT order_test.place(9804000, hold_test.held(9804000, '3 general sat'), 'd@example.org') AS d \gset
SELECT order_test.say(format('SELECT api.order_contact(9804000, %s, %L)', :d, '{"email": "b@example.org"}'), 'contact.email');
SELECT order_test.say(format('SELECT api.order_split(9804000, %s, %L, %L)', :d, ARRAY[order_test.ticket(:d, 1)],
    '{"name": "A", "email": "a@example.org"}'), 'split.contact.email') AS no_room;
SELECT order_test.say(format('SELECT api.order_split(9804000, %s, %L, %L)', :d, ARRAY[order_test.ticket(:d, 1), order_test.ticket(:d, 2)],
    '{"name": "C", "email": "c@example.org"}'), 'split.contact.email');
SELECT hold_test.stock(9804000);
SELECT hold_test.taken(9804000);

\echo # more time for an order that expired, and another type for a ticket
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9805000, 'LAPSEF');
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 9805000 AND key IN ('tent', 'general');
SELECT order_test.place(9805000, hold_test.held(9805000, '2 general fri')) AS a \gset
SET boxoffice.clock_offset = 1870;
SELECT order_test.place(9805000, hold_test.held(9805000, '2 general fri')) AS b, order_test.place(9805000, hold_test.held(9805000, '2 tent fri')) AS c \gset
SELECT order_test.say(format('SELECT api.order_extend(9805000, %s, %L)', :a, boxoffice_code.clock() + interval '1 hour')) AS no_room;
SET boxoffice.clock_offset = 3740;
SELECT order_test.say(format('SELECT api.order_extend(9805000, %s, %L)', :a, boxoffice_code.clock() + interval '1 hour')) AS again;
SELECT order_test.state(9805000, :b);
SELECT order_test.place(9805000, hold_test.held(9805000, '1 secret fri')) AS d \gset
SELECT order_test.say(format('SELECT api.order_exchange(9805000, %s, %L)', :d, jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:d, 1)::text,
    'ticket_type', 'general'))), 'tickets.0.ticket_type') AS no_room;
SET boxoffice.clock_offset = 7420;
SELECT order_test.place(9805000, hold_test.held(9805000, '1 secret fri')) AS d \gset
SELECT order_test.say(format('SELECT api.order_exchange(9805000, %s, %L)', :d, jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:d, 1)::text,
    'ticket_type', 'general'))), 'tickets.0.ticket_type');
SELECT order_test.state(9805000, :a);

\echo # more expired than is looked at: come again, and each time some are back
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9806000, 'LAPSEG');
UPDATE boxoffice.stock SET capacity = 2000 WHERE event_id = 9806000;
UPDATE boxoffice.event SET buyer_limit = 4, version = version + 1 WHERE id = 9806000;
SELECT count(*) FROM generate_series(0, 8) AS n, hold_test.call(9806000 + 0 * n, 'hold_create',
    array_fill('{"items":[{"ticket_type":"tent","session":"fri","quantity":1}]}'::text, ARRAY[120]));
SELECT hold_test.hold_as(9806000, 'customer ann', '4 tent fri');
SET boxoffice.clock_offset = 901;
SELECT hold_test.hold_as(9806000, 'customer ann', '1 general fri');
SELECT hold_test.stock(9806000);
SELECT hold_test.hold_as(9806000, 'customer ann', '1 general fri');
SELECT hold_test.stock(9806000);
RESET boxoffice.clock_offset;

\echo # an event of very many groups: a call looks at a part of them, and the next goes on from there
CREATE FUNCTION pg_temp.claims_read() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid))::bigint FROM pg_index AS i WHERE i.indrelid = 'boxoffice.claim'::regclass
$$;
SELECT e.id AS many FROM boxoffice.event AS e WHERE e.short_code = 'MANYSES' \gset
BEGIN;
UPDATE boxoffice.event SET buyer_limit = 1, version = version + 1 WHERE id = :many;
SELECT hold_test.hold_as(:many, 'customer ann', '1 adult n750');
UPDATE boxoffice.event SET buyer_limit = NULL, version = version + 1 WHERE id = :many;
SET LOCAL boxoffice.clock_offset = 600;
SELECT count(api.hold_create(event => :many, items => jsonb_build_array(jsonb_build_object('ticket_type', 'adult', 'session', 'n' || n, 'quantity', 1))))
  FROM generate_series(1, 700) AS n;
SET LOCAL boxoffice.clock_offset = 1000;
UPDATE boxoffice.event SET buyer_limit = 1, version = version + 1 WHERE id = :many;
SELECT pg_temp.claims_read() AS before \gset
SELECT hold_test.hold_as(:many, 'customer ann', '1 adult n1');
SELECT pg_temp.claims_read() - :before < 1300 AS bounded;
SELECT hold_test.hold_as(:many, 'customer ann', '1 adult n1');
SELECT hold_test.hold_as(:many, 'customer ann', '1 adult n1');
ROLLBACK;

\echo # a limit that is set in mid-sale: what a buyer has by then counts, and what of it lapses makes room once
SELECT hold_test.make_event(9807000, 'LAPSEH');
SELECT hold_test.hold_as(9807000, 'customer ann', '2 general fri, 1 tent fri');
SET boxoffice.clock_offset = 600;
SELECT hold_test.hold_as(9807000, 'customer bea', '3 general sat');
SELECT api.event_change(event => 9807000, patch => '{"buyer_limit": 4}') ->> 'buyer_limit' AS buyer_limit;
SELECT hold_test.taken(9807000);
SELECT hold_test.hold_as(9807000, 'customer ann', '2 general sat');
SELECT hold_test.hold_as(9807000, 'customer ann', '1 general sat');
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(9807000, 'customer ann', '4 general sat');
SELECT hold_test.hold_as(9807000, 'customer ann', '3 general sat');
SELECT hold_test.taken(9807000);
\echo # of a type; a lower limit than what he has; taken away, and set again
SELECT api.ticket_type_change(event => 9807000, ticket_type => 'general', patch => '{"buyer_limit": 3}') -> 'ticket_type' ->> 'buyer_limit' AS buyer_limit;
SELECT b.buyer_key, b.taken, b.taken_max FROM boxoffice.buyer AS b WHERE b.event_id = 9807000 AND b.ticket_type_id <> 0 ORDER BY 1;
SELECT hold_test.hold_as(9807000, 'customer bea', '1 general fri');
SELECT hold_test.hold_as(9807000, 'customer bea', '1 tent fri');
SELECT api.ticket_type_change(event => 9807000, ticket_type => 'general', patch => '{"buyer_limit": null}') -> 'ticket_type' ->> 'buyer_limit' AS buyer_limit;
SELECT api.event_change(event => 9807000, patch => '{"buyer_limit": null}') ->> 'buyer_limit' AS buyer_limit;
SELECT hold_test.hold_as(9807000, 'customer cat', '5 general fri');
SELECT api.event_change(event => 9807000, patch => '{"buyer_limit": 2}') ->> 'buyer_limit' AS buyer_limit;
SELECT hold_test.taken(9807000);
SELECT hold_test.hold_as(9807000, 'customer cat', '1 general fri');
RESET boxoffice.clock_offset;

SELECT check_.* FROM generate_series(9800000, 9807000, 1000) AS event, boxoffice.check_inventory(event) AS check_;
SELECT check_.* FROM generate_series(9800000, 9807000, 1000) AS event, boxoffice.check_orders(event) AS check_;

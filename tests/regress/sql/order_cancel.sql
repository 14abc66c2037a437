-- Cancelling orders, whole and by ticket: everything that was counted goes down with the tickets.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(170000, 'CANCEL', 10);
UPDATE boxoffice.event SET buyer_limit = 6 WHERE id = 170000;
UPDATE boxoffice.ticket_type SET buyer_limit = 5 WHERE event_id = 170000 AND key = 'general';

\echo # a buyer cancels a pending order; places and numbers are free at once
SELECT api.order_create(170000, h, boxoffice_code.hold_secret(h), '{"name": "Ada", "email": "ada@example.org"}', NULL, idempotency_key => 'cancel-1') AS placed
  FROM order_test.make_hold(170000, '{general 2,free 1 saturday}') AS h \gset
SELECT :'placed'::jsonb ->> 'id' AS id, :'placed'::jsonb ->> 'secret' AS secret \gset
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 170000 ORDER BY 1;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s)', :id)) AS stranger;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, %L, %L)', :id, '{1}', :'secret')) AS by_ticket;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, NULL, %L, %L)', :id, :'secret', '3f6b5b0e-37c1-4a0c-9a3b-1d2c3b4a5f60'), 'status', 'total', 'paid', 'due', 'fees', 'tickets.0.state', 'cancelled_at') LIKE 'status cancelled, total 0, paid 0, due 0, fees [], tickets.0.state cancelled, cancelled_at 20%';
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, NULL, %L, %L)', :id, :'secret', '3f6b5b0e-37c1-4a0c-9a3b-1d2c3b4a5f60')) AS same_key;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, NULL, %L)', :id, :'secret')) AS twice;
RESET SESSION AUTHORIZATION;
SELECT order_test.state(170000, :id);
SELECT * FROM order_test.stock(170000);
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 170000 ORDER BY 1;
SELECT topic, count(*) FROM boxoffice.outbox AS x WHERE x.event_id = 170000 GROUP BY topic ORDER BY 1;

\echo # not a paid one, nor one whose time is over
SELECT api.order_create(170000, h, boxoffice_code.hold_secret(h), '{"name": "Ada", "email": "ada@example.org"}', NULL, idempotency_key => 'cancel-2') AS placed
  FROM order_test.make_hold(170000, '{general 3,free 1}') AS h \gset
SELECT :'placed'::jsonb ->> 'id' AS id, :'placed'::jsonb ->> 'secret' AS secret \gset
SET boxoffice.clock_offset = 1870;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, NULL, %L)', :id, :'secret')) AS over;
RESET SESSION AUTHORIZATION;
SET boxoffice.clock_offset = 0;
SELECT order_test.pay(170000, :id, 'test');
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_cancel(170000, %s, NULL, %L)', :id, :'secret')) AS paid;
RESET SESSION AUTHORIZATION;

\echo # the organizer cancels by ticket: fees, total, claims and numbers follow, and the money is owed back
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 1)]);
SELECT order_test.state(170000, :id);
SELECT quantity, unit_amount, amount FROM boxoffice.order_fee WHERE order_id = :id;
SELECT * FROM order_test.stock(170000);
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 170000 ORDER BY 1;
SELECT * FROM boxoffice.check_orders(170000);
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 2), 7, order_test.ticket(:id, 1)]) AS unknown_and_gone;
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 2), order_test.ticket(:id, 1)]) AS gone;
SELECT order_test.state(170000, :id);
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 2), order_test.ticket(:id, 2)]) AS same_twice;
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 2)]) AS once;
SELECT order_test.state(170000, :id);

\echo # with its last ticket the order is cancelled
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 3), order_test.ticket(:id, 4)]);
SELECT order_test.state(170000, :id);
SELECT order_test.cancel(170000, :id) AS again;
SELECT * FROM order_test.stock(170000);
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 170000 ORDER BY 1;

\echo # a pending order that its payments cover after a cancellation is paid; one that costs nothing more as well
SELECT order_test.place(170000, order_test.make_hold(170000, '{general 2}')) AS a,
       order_test.place(170000, order_test.make_hold(170000, '{general 1,free 1}')) AS b \gset
SELECT order_test.pay(170000, :a, 'manual', 2650);
SELECT order_test.cancel(170000, :a, ARRAY[order_test.ticket(:a, 2)]);
SELECT order_test.state(170000, :a);
SELECT order_test.cancel(170000, :b, ARRAY[order_test.ticket(:b, 1)]);
SELECT order_test.state(170000, :b);
SELECT count(*) FROM boxoffice.ticket WHERE order_id IN (:a, :b) AND state = 'valid' AND code IS NOT NULL;

\echo # whole, and paid: all of it is owed back
SELECT order_test.cancel(170000, :a);
SELECT order_test.state(170000, :a);

\echo # an expired order can be cancelled, so that no late payment brings it back
SELECT order_test.place(170000, order_test.make_hold(170000, '{general 3}')) AS id \gset
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_orders(170000, 10);
SELECT order_test.cancel(170000, :id, ARRAY[order_test.ticket(:id, 1)]);
SELECT order_test.state(170000, :id);
SELECT * FROM boxoffice.check_orders(170000);
SELECT order_test.pay(170000, :id, 'manual', 5300);
SELECT order_test.cancel(170000, :id);
SELECT order_test.pay(170000, :id, 'manual', 100);
SELECT * FROM order_test.stock(170000);
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 170000 ORDER BY 1;
SET boxoffice.clock_offset = 0;
SELECT * FROM boxoffice.check_orders(170000);

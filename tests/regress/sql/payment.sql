-- Recording payments: what each does to its order. Recording always stands.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(120000, 'PAYS', 4);

\echo # all at once, by a test payment with the secret of the order
SELECT order_test.place(120000, order_test.make_hold(120000, '{general 1}')) AS id \gset
SELECT api.order_get(120000, :id) AS before \gset
SELECT api.payment_create(120000, :id, 'test', idempotency_key => 'pay-1') AS paid \gset
SELECT key, CASE WHEN key IN ('id', 'recorded_at', 'order') THEN jsonb_typeof(value) ELSE value::text END
  FROM jsonb_each(:'paid'::jsonb) ORDER BY key;
SELECT order_test.state(120000, :id);
SELECT topic FROM boxoffice.outbox AS x WHERE x.ref_id IN (:id, (:'paid'::jsonb ->> 'id')::bigint) ORDER BY x.id;
SELECT count(*), bool_and(code IS NOT NULL) FROM boxoffice.ticket WHERE order_id = :id;

\echo # its key gives it again and does nothing more
SELECT api.payment_create(120000, :id, 'test', idempotency_key => 'pay-1')::jsonb = :'paid'::jsonb;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, 100, idempotency_key => %L)', :id, 'test', 'pay-1'));
SELECT order_test.state(120000, :id);

\echo # once paid nothing is due; more is owed back (FIELD 132)
SELECT order_test.pay(120000, :id, 'test');
SELECT order_test.pay(120000, :id, 'manual', 200);

\echo # in parts, the last of them too large
SELECT order_test.place(120000, order_test.make_hold(120000, '{general 1}')) AS id \gset
SELECT order_test.pay(120000, :id, 'manual', 1000);
SELECT order_test.pay(120000, :id, 'manual', 1000);
SELECT order_test.pay(120000, :id, 'manual', 700);

\echo # who may, and with what
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, idempotency_key => gen_random_uuid()::text)', :id, 'test')) AS stranger;
RESET SESSION AUTHORIZATION;
SELECT api.order_create(120000, h, boxoffice_code.hold_secret(h), '{"name": "Ada", "email": "ada@example.org"}', NULL, idempotency_key => 'pay-2') AS placed
  FROM order_test.make_hold(120000, '{general 1}') AS h \gset
SELECT :'placed'::jsonb ->> 'id' AS id, :'placed'::jsonb ->> 'secret' AS secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, method => %L, secret => %L, idempotency_key => gen_random_uuid()::text)', :id, 'manual', 'cash', :'secret')) AS buyer_manual;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, secret => %L, idempotency_key => gen_random_uuid()::text)', :id, 'free', :'secret')) AS buyer_free;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, method => %L, secret => %L, idempotency_key => gen_random_uuid()::text)', :id, 'test', 'cash', :'secret')) AS test_with_method;
RESET SESSION AUTHORIZATION;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, idempotency_key => gen_random_uuid()::text)', :id, 'manual')) AS manual_without_method;
UPDATE boxoffice.event SET test = false WHERE id = 120000;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, secret => %L, idempotency_key => gen_random_uuid()::text)', :id, 'test', :'secret')) AS real_event;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.event SET test = true WHERE id = 120000;
SELECT order_test.pay(120000, :id, 'manual', 9007199254740991);
SELECT order_test.pay(120000, :id, 'manual', 1);
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.payment_create(120000, %s, %L, secret => %L, idempotency_key => gen_random_uuid()::text)', :id, 'test', :'secret'), 'outcome', 'amount', 'order.due') AS buyer;
RESET SESSION AUTHORIZATION;

\echo # pending past its deadline, in its grace and after it: the places are still its own (FIELD 127)
SELECT order_test.make_event(130000, 'LATE', 4);
SELECT order_test.place(130000, order_test.make_hold(130000, '{general 1}')) AS a,
       order_test.place(130000, order_test.make_hold(130000, '{general 1}')) AS b,
       order_test.place(130000, order_test.make_hold(130000, '{general 2}')) AS c \gset
SET boxoffice.clock_offset = 1850;
SELECT order_test.pay(130000, :a, 'test');
SET boxoffice.clock_offset = 1870;
SELECT order_test.pay(130000, :b, 'manual', 100);
SELECT order_test.pay(130000, :b, 'manual');
SET boxoffice.clock_offset = 0;

\echo # expired, and the places can be had: they are claimed again
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_orders(130000, 100);
SELECT order_test.state(130000, :c);
SELECT * FROM order_test.stock(130000);
SELECT topic FROM boxoffice.outbox WHERE ref_id = :c ORDER BY id;
SELECT boxoffice_code.expire_orders(130000, 100);
SELECT order_test.pay(130000, :c, 'manual', 100);
SELECT order_test.pay(130000, :c, 'test');
SELECT * FROM order_test.stock(130000);
SET boxoffice.clock_offset = 0;
SELECT * FROM boxoffice.check_orders(130000);

\echo # expired, and there is one place for two: none is taken, the money is owed back
SELECT order_test.make_event(140000, 'GAPS', 3);
SELECT order_test.place(140000, order_test.make_hold(140000, '{general 2,general 1 saturday}')) AS a \gset
SET boxoffice.clock_offset = 1870;
SELECT order_test.make_hold(140000, '{general 1}') AS other \gset
SELECT boxoffice_code.expire_orders(140000, 100);
UPDATE boxoffice.stock SET capacity = 2 WHERE event_id = 140000 AND id = 140021;
SELECT * FROM order_test.stock(140000);
SELECT order_test.pay(140000, :a, 'test');
SELECT * FROM order_test.stock(140000);
\echo # two places for two are enough (a copy counted down for each was not)
UPDATE boxoffice.stock SET capacity = 3 WHERE event_id = 140000 AND id = 140021;
SELECT order_test.pay(140000, :a, 'manual', 1);
SELECT * FROM order_test.stock(140000);

\echo # late payments are not accepted (FIELD 129)
UPDATE boxoffice.event SET late_payment = false WHERE id = 140000;
SELECT order_test.place(140000, order_test.make_hold(140000, '{free 1 saturday,general 1 saturday}')) AS b \gset
SET boxoffice.clock_offset = 3740;
SELECT boxoffice_code.expire_orders(140000, 100);
SELECT order_test.pay(140000, :b, 'test');
\echo # nor after the session
UPDATE boxoffice.event SET late_payment = true WHERE id = 140000;
UPDATE boxoffice.session SET starts_at = starts_at - interval '30 days', ends_at = ends_at - interval '30 days' WHERE event_id = 140000 AND key = 'saturday';
SELECT order_test.pay(140000, :b, 'manual', 50);
UPDATE boxoffice.session SET starts_at = starts_at + interval '30 days', ends_at = ends_at + interval '30 days' WHERE event_id = 140000 AND key = 'saturday';
\echo # nor past the limit of its buyer
INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max) SELECT 140000, email_key, 0, 5, 5 FROM boxoffice.order WHERE id = :b;
UPDATE boxoffice.event SET buyer_limit = 5 WHERE id = 140000;
SELECT order_test.pay(140000, :b, 'manual', 50);
UPDATE boxoffice.event SET buyer_limit = 7 WHERE id = 140000;
SELECT order_test.pay(140000, :b, 'manual', 50);
SELECT taken FROM boxoffice.buyer WHERE event_id = 140000 AND ticket_type_id = 0;
UPDATE boxoffice.buyer SET taken = taken - 5 WHERE event_id = 140000; -- those that nobody bought

\echo # a late payment takes back what others let lapse, whoever they are
SELECT order_test.make_event(150000, 'LAPSE', 2);
SELECT order_test.place(150000, order_test.make_hold(150000, '{general 2}')) AS a \gset
SET boxoffice.clock_offset = 5610;
SELECT boxoffice_code.expire_orders(150000, 100);
SELECT order_test.place(150000, order_test.make_hold(150000, '{general 2}')) AS b \gset
SET boxoffice.clock_offset = 7480;
SELECT order_test.pay(150000, :a, 'test');
SELECT order_test.state(150000, :b);
SELECT * FROM order_test.stock(150000);
SELECT order_test.pay(150000, :b, 'test');

\echo # cancelled: the order, its event
SELECT order_test.make_event(160000, 'CALLED', 5);
SELECT order_test.place(160000, order_test.make_hold(160000, '{general 1}')) AS a,
       order_test.place(160000, order_test.make_hold(160000, '{general 1}')) AS b \gset
SELECT order_test.say(format('SELECT api.order_cancel(160000, %s)', :a), 'status', 'due');
SELECT order_test.pay(160000, :a, 'test');
SELECT order_test.pay(160000, :a, 'manual', 2650);
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = 160000;
SELECT order_test.pay(160000, :b, 'manual', 2650);
UPDATE boxoffice.event SET status = 'published' WHERE id = 160000;
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 160000 AND key = 'friday';
SELECT order_test.pay(160000, :b, 'test');
SET boxoffice.clock_offset = 0;

SELECT e AS event, c.* FROM unnest('{120000,130000,140000,150000,160000}'::bigint[]) AS e, boxoffice.check_orders(e) AS c;

\echo # late, and one of its sessions was cancelled meanwhile: what takes place is had again, the rest leaves the order
SELECT order_test.make_event(165000, 'PARTS', 4);
CREATE FUNCTION pg_temp.lapse(lines text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    PERFORM set_config('boxoffice.clock_offset', '0', false);
    id := order_test.place(165000, order_test.make_hold(165000, lines));
    PERFORM set_config('boxoffice.clock_offset', '1870', false);
    PERFORM boxoffice_code.expire_orders(165000, 100);
    RETURN id;
END
$$;
SELECT pg_temp.lapse('{general 2,general 1 saturday}') AS a \gset
SELECT pg_temp.lapse('{general 2,general 1 saturday}') AS b \gset
SELECT pg_temp.lapse('{general 2,general 1 saturday}') AS c \gset
SELECT pg_temp.lapse('{general 1,free 1 saturday}') AS d \gset
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 165000 AND key = 'friday';
\echo # places in the cancelled session are not asked for: there are none
UPDATE boxoffice.stock SET capacity = 0 WHERE event_id = 165000 AND id = 165021;
SELECT order_test.pay(165000, :a, 'test');
SELECT kind, total_before, total_after, reason FROM boxoffice.order_change WHERE event_id = 165000 AND order_id = :a;
SELECT topic FROM boxoffice.outbox WHERE event_id = 165000 AND (ref_id = :a OR ref_id IN (SELECT id FROM boxoffice.ticket WHERE order_id = :a)) ORDER BY id;
\echo # the whole of the old total came in: what it was too much is owed back; a part of the new one does not do
SELECT order_test.pay(165000, :b, 'manual', 1000);
SELECT order_test.pay(165000, :b, 'manual', 6950);
\echo # what takes place is sold out: nothing has changed; and where what is left costs nothing there is nothing to pay
UPDATE boxoffice.stock SET capacity = 2 WHERE event_id = 165000 AND id = 165022;
SELECT order_test.pay(165000, :c, 'manual', 7950);
SELECT count(*) FROM boxoffice.order_change WHERE event_id = 165000 AND order_id = :c;
SELECT order_test.pay(165000, :d, 'test');
\echo # staff give it time: it comes back in the same way, and the money that came too late pays it
UPDATE boxoffice.stock SET capacity = 4 WHERE event_id = 165000 AND id = 165022;
SELECT order_test.say(format('SELECT api.order_extend(165000, %s, %L)', :c, boxoffice_code.clock() + interval '1 hour'), 'status', 'total', 'paid', 'due');
SELECT order_test.state(165000, :c);
SELECT kind, total_before, total_after FROM boxoffice.order_change WHERE event_id = 165000 AND order_id = :c ORDER BY id;
\echo # an add-on for the whole event goes with its ticket, so nothing is left of this one
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 165000 AND key = 'friday';
UPDATE boxoffice.stock SET capacity = 4 WHERE event_id = 165000 AND id = 165021;
SET boxoffice.clock_offset = 0;
SELECT order_test.make_hold(165000, '{general 1,free 1}') AS h \gset
UPDATE boxoffice.claim SET session_id = NULL, parent_line = 1 WHERE event_id = 165000 AND owner_id = :h AND line = 2;
SELECT order_test.place(165000, :h) AS e \gset
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_orders(165000, 100);
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 165000 AND key = 'friday';
SELECT order_test.pay(165000, :e, 'manual', 2650);
SELECT order_test.say(format('SELECT api.order_extend(165000, %s, %L)', :e, boxoffice_code.clock() + interval '1 hour'));
SELECT * FROM order_test.stock(165000);
SET boxoffice.clock_offset = 0;
SELECT * FROM boxoffice.check_orders(165000);
SELECT * FROM boxoffice.check_inventory(165000);

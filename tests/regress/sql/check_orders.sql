-- check_orders finds what is broken: each difference made by hand is seen, and nothing else.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(190000, 'CHECK', 50);
SELECT order_test.place(190000, order_test.make_hold(190000, '{general 2}')) AS pending,
       order_test.place(190000, order_test.make_hold(190000, '{general 1}')) AS paid,
       order_test.place(190000, order_test.make_hold(190000, '{general 1}')) AS gone,
       order_test.place(190000, order_test.make_hold(190000, '{free 1}')) AS free \gset
SELECT order_test.pay(190000, :paid, 'manual');
SELECT order_test.cancel(190000, :gone);
SELECT provolatile FROM pg_proc WHERE oid = 'boxoffice.check_orders(bigint)'::regprocedure;
SELECT count(*) FROM boxoffice.check_orders(190000);

-- Breaks something, tells what is found, and takes it back. Constraints that would not let it
-- happen are off: this is the second guard.
CREATE FUNCTION order_test.break(VARIADIC statements text[])
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    found text[];
    statement text;
BEGIN
    BEGIN
        SET LOCAL session_replication_role = replica;
        SET LOCAL datestyle = 'ISO';
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE statement;
        END LOOP;
        SELECT array_agg(DISTINCT c.problem || ': ' || regexp_replace(coalesce(c.wanted, '-') || ' <> ' || coalesce(c.found, '-'),
                   '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[-+]\d\d(:\d\d)?', 'then', 'g'))
          INTO found
          FROM boxoffice.check_orders(190000) AS c;
        RAISE EXCEPTION USING ERRCODE = 'P0099';
    EXCEPTION WHEN SQLSTATE 'P0099' THEN
        RETURN QUERY SELECT * FROM unnest(coalesce(found, '{nothing}'));
    END;
END
$$;
SELECT n, order_test.break(statement)
  FROM unnest(ARRAY[
    format('UPDATE boxoffice.order SET total = total + 1 WHERE id = %s', :pending),
    format('UPDATE boxoffice.order_fee SET quantity = 1, amount = 150 WHERE order_id = %s', :pending),
    format('UPDATE boxoffice.order SET status = %L, paid_at = placed_at WHERE id = %s', 'paid', :pending),
    format('UPDATE boxoffice.payment SET amount = 1 WHERE order_id = %s', :paid),
    format('UPDATE boxoffice.payment SET order_id = %s WHERE order_id = %s', :pending, :paid),
    format('UPDATE boxoffice.payment SET currency = %L WHERE order_id = %s', 'USD', :paid),
    format('WITH made_real AS (UPDATE boxoffice.order SET test = false WHERE id = %2$s)
        UPDATE boxoffice.payment SET kind = %1$L, method = NULL WHERE order_id = %2$s', 'test', :paid),
    format('UPDATE boxoffice.ticket SET state = %L WHERE order_id = %s', 'reserved', :paid),
    format('UPDATE boxoffice.ticket SET state = %L WHERE order_id = %s', 'reserved', :gone),
    format('UPDATE boxoffice.claim SET state = %L WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', 'sold', :pending),
    format('UPDATE boxoffice.claim SET quantity = 3 WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :pending),
    format('UPDATE boxoffice.claim SET session_id = 190002 WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :pending),
    format('UPDATE boxoffice.hold SET status = %L WHERE id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', 'active', :pending),
    format('DELETE FROM boxoffice.order WHERE id = %s', :paid),
    format('DELETE FROM boxoffice.ticket WHERE order_id = %s', :gone),
    format('DELETE FROM boxoffice.claim WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :gone),
    format('DELETE FROM boxoffice.hold WHERE id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :gone),
    'INSERT INTO boxoffice.holder (event_id, ticket_id, name) VALUES (190000, 1, ''Nobody'')',
    'INSERT INTO boxoffice.order_note (event_id, id, order_id, text, created_at) VALUES (190000, 1, 1, ''Of nothing'', now())',
    format('UPDATE boxoffice.ticket SET ticket_type_id = 1 WHERE order_id = %s', :gone),
    'UPDATE boxoffice.event SET currency = ''USD'' WHERE id = 190000',
    format('UPDATE boxoffice.payment SET outcome = %L WHERE order_id = %s', 'partial', :paid),
    format('UPDATE boxoffice.payment SET outcome = %L WHERE order_id = %s', 'overpaid', :free),
    format('UPDATE boxoffice.claim SET unit_price = unit_price - 1 WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :paid),
    format('UPDATE boxoffice.claim SET unit_fee = unit_fee - 1 WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = %s)', :pending),
    format('UPDATE boxoffice.order SET status = %L, expires_at = placed_at WHERE id = %s', 'approval', :paid),
    format('WITH approved AS (UPDATE boxoffice.order SET status = %1$L WHERE id = %3$s)
        UPDATE boxoffice.order_change SET kind = %2$L, order_id = %3$s WHERE order_id = %4$s', 'approval', 'approve', :pending, :gone),
    format('UPDATE boxoffice.payment SET outcome = %L WHERE order_id = %s', 'approval', :paid),
    format('UPDATE boxoffice.order SET status = %L, expires_at = placed_at WHERE id = %s', 'pending', :paid),
    format('UPDATE boxoffice.order SET status = %L, expires_at = placed_at WHERE id = %s', 'expired', :free),
    format('UPDATE boxoffice.order SET paid_at = paid_at + interval %L WHERE id = %s', '1 second', :paid),
    format('UPDATE boxoffice.order SET placed_at = placed_at + interval %L WHERE id = %s', '1 day', :free),
    format('UPDATE boxoffice.order SET placed_at = placed_at + interval %L WHERE id = %s', '1 day', :gone),
    format('UPDATE boxoffice.order SET cancelled_at = placed_at WHERE id = %s', :pending),
    format('UPDATE boxoffice.order_change SET total_after = 5 WHERE order_id = %s', :gone),
    format('UPDATE boxoffice.payment SET amount = amount + 1 WHERE order_id = %s', :paid),
    format('UPDATE boxoffice.payment SET amount = amount + 1, surplus = 2 WHERE order_id = %s', :paid),
    format('UPDATE boxoffice.payment SET outcome = %L, order_id = %s WHERE order_id = %s', 'overpaid', :pending, :paid),
    format('INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max) SELECT event_id, %L, 0, 1, 1 FROM boxoffice.order WHERE id = %s', 's:nobody', :pending),
    format('WITH named AS (UPDATE boxoffice.order SET email_key = %L WHERE id = %s)
        INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max) VALUES (190000, %1$L, 0, 2, 2), (190000, %1$L, 190040, 3, 3), (190000, %1$L, 190041, 0, 9)', 'e:ada', :pending)
  ]) WITH ORDINALITY AS broken (statement, n)
 ORDER BY n;
SELECT count(*) FROM boxoffice.check_orders(190000);
\echo # without an event they look at all
BEGIN;
UPDATE boxoffice.stock SET capacity = capacity + 1, sold = sold + 1
 WHERE id = (SELECT min(id) FROM boxoffice.stock WHERE event_id = 190000);
UPDATE boxoffice.order SET total = total + 1 WHERE id = :paid;
SELECT problem FROM boxoffice.check_inventory(NULL)
 WHERE id = (SELECT min(id) FROM boxoffice.stock WHERE event_id = 190000);
SELECT count(*) > 0 FROM boxoffice.check_orders(NULL) WHERE order_id = :paid;
ROLLBACK;
\echo # places that are given away before the time of the buyer is over
BEGIN;
UPDATE boxoffice.claim SET expires_at = expires_at - interval '2 minutes' WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = :pending);
SELECT problem, wanted::timestamptz - found::timestamptz FROM boxoffice.check_orders(190000);
ROLLBACK;
\echo # places of another session, out of no block, and of another scope than their pool
BEGIN;
UPDATE boxoffice.claim SET session_id = 190002, block_id = 1 WHERE owner_id = (SELECT hold_id FROM boxoffice.order WHERE id = :paid);
UPDATE boxoffice.stock SET session_id = 190001 WHERE event_id = 190000 AND id = 190023;
SELECT problem, expected, found FROM boxoffice.check_inventory(190000) ORDER BY problem;
ROLLBACK;
\echo # places that are kept until another time than their cart, or than their block
BEGIN;
SELECT order_test.make_hold(190000, '{general 1}') AS cart \gset
SELECT (api.block_create(190000, 'house', 'A reason', '[{"pool": "passes", "quantity": 2}]', boxoffice_code.clock() + interval '1 day') ->> 'id')::bigint AS block,
       (api.block_create(190000, 'house', 'A reason', '[{"pool": "passes", "quantity": 3}]') ->> 'id')::bigint AS kept \gset
SELECT count(*) FROM boxoffice.check_inventory(190000);
UPDATE boxoffice.hold SET expires_at = expires_at + interval '1 second' WHERE id = :cart;
UPDATE boxoffice.claim SET expires_at = NULL WHERE owner_id = :block;
UPDATE boxoffice.block SET release_at = boxoffice_code.clock() WHERE id = :kept;
SELECT problem, id = :cart AS cart, id = :block AS block, id = :kept AS kept, expected, found FROM boxoffice.check_inventory(190000) ORDER BY id;
\echo # what a cart that a cancelled session ended has in other sessions stays until the deadline of before, and no shorter
UPDATE boxoffice.hold SET expires_at = expires_at - interval '1 hour' WHERE id = :cart;
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 190000 AND id = 190001;
SELECT count(*) FROM boxoffice.check_inventory(190000) WHERE id = :cart;
UPDATE boxoffice.claim SET expires_at = expires_at - interval '2 hours' WHERE owner_id = :cart;
SELECT count(*) FROM boxoffice.check_inventory(190000) WHERE id = :cart;
ROLLBACK;

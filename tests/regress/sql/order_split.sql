-- Splitting orders: tickets, claims, fees and money are parted; nothing is taken and nothing lost.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9703000, 'SPLT', 10);

-- Splits the nth tickets off, and says what both orders are; the new one's id is left in order_test.split_off.
CREATE TABLE order_test.split_off (id bigint);
CREATE FUNCTION order_test.split(event bigint, "order" bigint, tickets integer[], contact jsonb DEFAULT NULL)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    made bigint;
BEGIN
    said := order_test.say(format('SELECT api.order_split(%s, %s, %L, %L, gen_random_uuid()::text)', event, "order",
        (SELECT array_agg(order_test.ticket("order", n)) FROM unnest(tickets) AS n), contact),
        'order.status', 'order.total', 'order.paid', 'order.due', 'split.status', 'split.total', 'split.paid', 'split.due', 'split.contact.name', 'split.id');
    RETURN NEXT regexp_replace(said, ', split.id .*', '');
    RETURN NEXT order_test.state(event, "order");
    made := substring(said FROM 'split.id (\d+)');
    IF made IS NOT NULL THEN
        DELETE FROM order_test.split_off;
        INSERT INTO order_test.split_off VALUES (made);
        RETURN NEXT order_test.state(event, made);
    END IF;
END
$$;

\echo # FIELD 4.7.156: a paid order becomes two paid ones, with an offset of the money
SELECT order_test.bought(9703000, '{general 2,free 1 saturday}') AS a \gset
CREATE TEMP TABLE codes AS SELECT id, code FROM boxoffice.ticket WHERE order_id = :a;
SELECT order_test.split(9703000, :a, '{2}');
SELECT count(*) FILTER (WHERE c.code = t.code) AS same, count(*) FILTER (WHERE c.code <> t.code) AS new FROM codes AS c JOIN boxoffice.ticket AS t USING (id);
SELECT bool_and(o.placed_at <= o.paid_at) AS placed_before_paid, count(DISTINCT o.placed_at) AS placed, count(DISTINCT o.paid_at) AS paid FROM boxoffice.order AS o WHERE o.event_id = 9703000;
SELECT count(DISTINCT o.code), count(DISTINCT boxoffice_code.order_secret(o.id)), count(DISTINCT hold_id) FROM boxoffice.order AS o WHERE o.event_id = 9703000;
SELECT order_id = :a AS old, quantity, amount FROM boxoffice.order_fee WHERE event_id = 9703000 ORDER BY 1;
SELECT order_id = :a AS old, kind, total_before, total_after, other_id = :a AS of_old FROM boxoffice.order_change WHERE event_id = 9703000 ORDER BY 1;
SELECT x.topic, count(*) FROM boxoffice.outbox AS x WHERE x.event_id = 9703000 GROUP BY 1 ORDER BY 1;
SELECT * FROM order_test.stock(9703000);
SELECT * FROM boxoffice.check_orders(9703000);
SELECT * FROM boxoffice.check_inventory(9703000);
\echo # the rest again: what costs nothing is paid with nothing; the last ticket stays
SELECT order_test.split(9703000, :a, '{2}');
SELECT order_test.split(9703000, :a, '{1}') AS last;
\echo # both live on: the one is cancelled, the other is exchanged
SELECT order_test.cancel(9703000, :a);
SELECT order_test.exchange(9703000, s.id, '1 - friday') FROM order_test.split_off AS s;
SELECT * FROM boxoffice.check_orders(9703000);

\echo # FIELD 4.7.157: a ticket that was lowered to less takes no more along than it costs: the rest is overpaid in the first
SELECT order_test.bought(9703000, '{general 2}') AS b \gset
SELECT order_test.exchange(9703000, :b, '2 free -');
SELECT order_test.split(9703000, :b, '{2}');
SELECT order_test.bought(9703000, '{pass 1,general 1}') AS b \gset
SELECT order_test.exchange(9703000, :b, '1 general -');
SELECT order_test.split(9703000, :b, '{1}');

\echo # pending orders: no money, a part that covers the rest, a part that does not
SELECT order_test.place(9703000, order_test.make_hold(9703000, '{general 1 saturday,pass 1 saturday}')) AS c, order_test.place(9703000, order_test.make_hold(9703000, '{general 2 saturday}')) AS d,
       order_test.place(9703000, order_test.make_hold(9703000, '{general 1 saturday,free 1 saturday}')) AS e \gset
SELECT order_test.split(9703000, :c, '{2}');
SELECT o.expires_at = n.expires_at FROM boxoffice.order AS o, boxoffice.order AS n JOIN order_test.split_off USING (id) WHERE o.id = :c;
SELECT order_test.pay(9703000, s.id, 'test') FROM order_test.split_off AS s;
SELECT order_test.pay(9703000, :d, 'manual', 4000);
SELECT order_test.split(9703000, :d, '{1}');
SELECT order_test.split(9703000, :e, '{2}');
\echo # an order that waits for approval splits into two that wait
UPDATE boxoffice.event SET approval = true WHERE id = 9703000;
SELECT order_test.place(9703000, order_test.make_hold(9703000, '{free 2}')) AS f \gset
SELECT order_test.split(9703000, :f, '{1}');
SELECT order_test.act('approve', 9703000, s.id) FROM order_test.split_off AS s;
SELECT order_test.act('deny', 9703000, :f, ', ''no''');
UPDATE boxoffice.event SET approval = false WHERE id = 9703000;
SELECT * FROM order_test.stock(9703000);
SELECT * FROM boxoffice.check_orders(9703000);
SELECT * FROM boxoffice.check_inventory(9703000);

\echo # with a contact the tickets count to the new address, within its limit
SELECT order_test.make_event(9703100, 'SPLTB', 10);
UPDATE boxoffice.event SET buyer_limit = 3 WHERE id = 9703100;
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 9703100 AND key = 'general';
SELECT order_test.bought(9703100, '{general 2,free 1}', 'ada@example.org') AS a, order_test.bought(9703100, '{general 2}', 'bea@example.org') AS b \gset
SELECT order_test.split(9703100, :a, '{1}', '{"name": "Bea", "email": "BEA@example.org"}') AS limit_of_the_type;
SELECT order_test.split(9703100, :a, '{3}', '{"name": "Bea", "email": "BEA@example.org"}');
SELECT order_test.split(9703100, :a, '{2}', '{"name": "Cy", "email": "cy@example.org"}');
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 9703100 ORDER BY 1, 2;
SELECT c.name, c.email, o.subject FROM boxoffice.contact AS c JOIN boxoffice.order AS o ON o.id = c.order_id WHERE c.event_id = 9703100 ORDER BY c.order_id;
\echo # cancelled, it gives the numbers of its own address back
SELECT order_test.cancel(9703100, s.id) FROM order_test.split_off AS s;
SELECT ticket_type_id, taken FROM boxoffice.buyer WHERE event_id = 9703100 ORDER BY 1, 2;

\echo # what cannot be split
SELECT order_test.bought(9703100, '{general 1,free 1}', 'dee@example.org') AS d \gset
SELECT order_test.say(format('SELECT api.order_split(9703100, %s, %L)', :d, '{1}')) AS unknown;
SELECT order_test.split(9703100, :d, '{2,1,2}') AS same_twice;
SELECT order_test.cancel(9703100, :d, ARRAY[order_test.ticket(:d, 1)]);
SELECT order_test.split(9703100, :d, '{1}') AS gone;
SELECT order_test.split(9703100, :d, '{2}') AS the_last;
SELECT order_test.cancel(9703100, :d);
SELECT order_test.split(9703100, :d, '{2}') AS cancelled;

\echo # a key is good for one split; only staff
SELECT order_test.ticket(:b, 1) AS t \gset
SELECT api.order_split(9703100, :b, ARRAY[:t]::bigint[], idempotency_key => 's-1')::jsonb = api.order_split(9703100, :b, ARRAY[:t]::bigint[], idempotency_key => 's-1')::jsonb;
SELECT order_test.say(format('SELECT api.order_split(9703100, %s, %L, idempotency_key => %L)', :b, '{1}', 's-1'));
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_split(9703100, %s, %L)', :b, '{1}')) AS public;
RESET SESSION AUTHORIZATION;
SELECT * FROM boxoffice.check_orders(9703100);
SELECT * FROM boxoffice.check_inventory(9703100);
DROP TABLE order_test.split_off;

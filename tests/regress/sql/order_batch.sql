-- A batch of orders or payments has the result of single calls made in its order.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

-- Calls the dispatcher with these bodies: all at once, or one after the other.
CREATE FUNCTION order_test.ask(operation text, event bigint, params text[], bodies text[],
    keys text[], secrets text[], at_once boolean)
RETURNS TABLE (n bigint, status integer, replayed boolean, body jsonb) LANGUAGE plpgsql AS $$
DECLARE
    first integer := 1;
    step integer := CASE WHEN at_once THEN cardinality(bodies) ELSE 1 END;
BEGIN
    WHILE first <= cardinality(bodies) LOOP
        RETURN QUERY
            SELECT d.n + first - 1, d.status, d.replayed, d.body::jsonb
              FROM boxoffice_code.dispatch(ask.event, operation, boxoffice_code.contract(),
                       params[first : first + step - 1],
                       (SELECT array_agg(convert_to(b.body, 'UTF8') ORDER BY b.n)
                          FROM unnest(bodies[first : first + step - 1]) WITH ORDINALITY AS b (body, n)),
                       array_fill(NULL::text, ARRAY[step]), array_fill('public'::text, ARRAY[step]),
                       array_fill(0::bigint, ARRAY[step]), keys[first : first + step - 1],
                       secrets[first : first + step - 1], array_fill('test'::text, ARRAY[step]), 5000)
                   WITH ORDINALITY AS d (status, replayed, retry_after, etag, body, n);
        first := first + step;
    END LOOP;
END
$$;

-- Two events alike, with the same holds; what is asked of them differs in nothing but the ids.
SELECT order_test.make_event(410000, 'BATCH', 20);
SELECT order_test.make_event(411000, 'SNGLES', 20);
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id IN (410000, 411000) AND key = 'general';
CREATE TABLE order_test.batch_hold (event bigint, n bigint, hold bigint);
INSERT INTO order_test.batch_hold
SELECT e, n, order_test.make_hold(e, lines)
  FROM unnest('{410000,411000}'::bigint[]) AS e,
       (VALUES (1, '{free 1}'::text[]), (2, '{general 2}'), (3, '{general 1}'), (4, '{free 2,pass 1 saturday}'), (5, '{pass 3}')) AS h (n, lines);

CREATE TABLE order_test.batch_call (n integer, hold integer, secret text, email text, total text, key text);
INSERT INTO order_test.batch_call VALUES
    (1, 1, NULL, 'ada@example.org', 'null', 'a'),   -- free: paid at once
    (2, 1, NULL, 'eve@example.org', 'null', 'b'),   -- the same hold: has become an order
    (3, 2, 'x', 'ada@example.org', 'null', 'c'),    -- a wrong secret
    (4, 2, NULL, 'ada@example.org', '1', 'd'),      -- another price
    (5, 2, NULL, 'ada@example.org', '5300', 'i'),
    (6, 1, NULL, 'ada@example.org', 'null', 'a'),   -- the same key and request: the same answer
    (7, 3, NULL, 'ada@example.org', 'null', 'a'),   -- the same key, another request
    (8, 3, NULL, 'ADA@example.org', 'null', 'e'),   -- over the limit of the buyer
    (9, 3, NULL, 'bob@example.org', 'null', 'f'),
    (10, 4, NULL, 'bob@example.org', '4000', 'g'),
    (11, 5, NULL, 'no address', 'null', 'h'),       -- by the contract alone
    (12, 5, NULL, 'cat@example.org', 'null', 'd');  -- the key of one that was refused: free for another

CREATE FUNCTION order_test.ask_orders(event bigint, at_once boolean)
RETURNS TABLE (n bigint, status integer, replayed boolean, body jsonb) LANGUAGE sql AS $$
    SELECT a.*
      FROM (SELECT array_agg('event=' || ask_orders.event ORDER BY c.n) AS params,
                   array_agg(format('{"hold":"%s","secret":"%s","contact":{"name":"Ada","email":"%s"},"expected_total":%s}',
                       h.hold, coalesce(c.secret, boxoffice_code.hold_secret(h.hold)), c.email, c.total) ORDER BY c.n) AS bodies,
                   array_agg(md5(c.key)::uuid::text ORDER BY c.n) AS keys,
                   array_agg(NULL::text) AS secrets
              FROM order_test.batch_call AS c
              JOIN order_test.batch_hold AS h ON h.event = ask_orders.event AND h.n = c.hold) AS x,
           order_test.ask('order_create', ask_orders.event, x.params, x.bodies, x.keys, x.secrets, at_once) AS a
$$;
CREATE TABLE order_test.batch_answer AS
SELECT 'batch' AS how, a.* FROM order_test.ask_orders(410000, true) AS a
UNION ALL
SELECT 'single', a.* FROM order_test.ask_orders(411000, false) AS a;

\echo # what a batch answers
SELECT n, status, replayed, coalesce(body ->> 'title', body ->> 'status' || ' ' || (body ->> 'total'))
  FROM order_test.batch_answer WHERE how = 'batch' ORDER BY n;
SELECT (SELECT body ->> 'id' FROM order_test.batch_answer WHERE how = 'batch' AND n = 1)
     = (SELECT body ->> 'id' FROM order_test.batch_answer WHERE how = 'batch' AND n = 6) AS same_order;

\echo # where single calls answer something else
SELECT b.n, b.status, b.body ->> 'title', s.status, s.body ->> 'title'
  FROM order_test.batch_answer AS b
  JOIN order_test.batch_answer AS s ON s.how = 'single' AND s.n = b.n
 WHERE b.how = 'batch'
   AND (b.status, b.replayed, b.body - '{id,hold,code,secret,event,tickets,placed_at,paid_at,expires_at}'::text[])
    IS DISTINCT FROM (s.status, s.replayed, s.body - '{id,hold,code,secret,event,tickets,placed_at,paid_at,expires_at}'::text[])
 ORDER BY b.n;
SELECT * FROM order_test.stock(410000);
SELECT count(*) FROM boxoffice.check_orders(410000);

\echo # payments of one batch are decided one after the other, each answered with the order as it then was
SELECT o.id AS "order", s.secret
  FROM boxoffice.order AS o,
       LATERAL (SELECT body ->> 'secret' FROM order_test.batch_answer WHERE how = 'batch' AND n = 10) AS s (secret)
 WHERE o.event_id = 410000 AND o.total = 4000 \gset
SELECT a.n, a.status, a.replayed, a.body ->> 'outcome', a.body #>> '{order,status}', a.body #>> '{order,due}', a.body ->> 'code'
  FROM order_test.ask('payment_create', 410000, array_fill(format('event=410000&order=%s', :order), ARRAY[6]),
      ARRAY['{"kind":"test","amount":1000}', '{"kind":"test","amount":1000}', '{"kind":"test","amount":1000}', '{"kind":"manual","method":"cash"}', '{"kind":"test"}', '{"kind":"test","amount":5}'],
      ARRAY[md5('p1')::uuid::text, md5('p1')::uuid::text, md5('p2')::uuid::text, md5('p3')::uuid::text, md5('p4')::uuid::text, md5('p5')::uuid::text],
      array_fill(:'secret'::text, ARRAY[6]), true) AS a;
SELECT order_test.state(410000, :order);
SELECT count(*) FROM boxoffice.check_orders(410000);
SELECT count(*) FROM boxoffice.check_inventory(410000);

\echo # late payments of one batch for the same places: one of them takes back what the other let lapse
CREATE FUNCTION order_test.pay_late(event bigint, code text, places text[], at_once boolean)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    orders jsonb = '{}';
BEGIN
    PERFORM order_test.make_event(event, code, 2);
    orders := orders || jsonb_build_object('gone', order_test.place(event, order_test.make_hold(event, '{general 2}')));
    SET LOCAL boxoffice.clock_offset = 1870;
    PERFORM boxoffice_code.expire_orders(event, 10);
    orders := orders || jsonb_build_object('lapsed', order_test.place(event, order_test.make_hold(event, '{general 2}')));
    SET LOCAL boxoffice.clock_offset = 3740;
    RETURN QUERY
        SELECT format('%s %s %s', p.name, a.body ->> 'outcome', a.body #>> '{order,status}')
          FROM (SELECT array_agg(format('event=%s&order=%s', event, orders ->> u.name) ORDER BY u.n) AS params,
                       array_agg('{"kind":"test"}'::text) AS bodies,
                       array_agg(md5(event || u.name)::uuid::text ORDER BY u.n) AS keys,
                       array_agg(boxoffice_code.order_secret((orders ->> u.name)::bigint) ORDER BY u.n) AS secrets
                  FROM unnest(places) WITH ORDINALITY AS u (name, n)) AS x,
               order_test.ask('payment_create', event, x.params, x.bodies, x.keys, x.secrets, at_once) AS a
          JOIN unnest(places) WITH ORDINALITY AS p (name, n) ON p.n = a.n
         ORDER BY a.n;
    RETURN NEXT order_test.state(event, (orders ->> 'lapsed')::bigint);
    RETURN QUERY SELECT c.problem FROM boxoffice.check_orders(event) AS c;
    RETURN QUERY SELECT c::text FROM boxoffice.check_inventory(event) AS c;
    SET LOCAL boxoffice.clock_offset = 0;
END
$$;
SELECT order_test.pay_late(412000, 'LATEA', '{lapsed,gone}', true);
SELECT order_test.pay_late(413000, 'LATEB', '{lapsed,gone}', false);
SELECT order_test.pay_late(414000, 'LATEC', '{gone,lapsed}', true);
SELECT order_test.pay_late(415000, 'LATED', '{gone,lapsed}', false);

\echo # order codes: four orders at once, and four more, where there are but 32 codes. (Without assertions nothing collides.)
SELECT order_test.make_event(9140000, 'CDES', 20);
SET boxoffice.debug_code_mask = 31;
CREATE FUNCTION order_test.four_at_once() RETURNS SETOF integer LANGUAGE sql AS $$
    SELECT a.status
      FROM (SELECT array_agg(order_test.make_hold(9140000, '{general 1}')) AS holds FROM generate_series(1, 4)) AS h,
           order_test.ask('order_create', 9140000, array_fill('event=9140000'::text, ARRAY[4]),
               ARRAY(SELECT format('{"hold":"%s","secret":"%s","contact":{"name":"Ada","email":"ada@example.org"}}', i, boxoffice_code.hold_secret(i))
                       FROM unnest(h.holds) AS i),
               ARRAY(SELECT gen_random_uuid()::text FROM unnest(h.holds)), array_fill(NULL::text, ARRAY[4]), true) AS a
$$;
SELECT order_test.four_at_once();
SELECT order_test.four_at_once();
SELECT count(*), count(DISTINCT o.code) FROM boxoffice.order AS o WHERE o.event_id = 9140000;
RESET boxoffice.debug_code_mask;

\echo # a late payment whose places may be free, but not all that lapsed could be taken back at once: 503, later it is paid
SELECT order_test.make_event(9141000, 'GNTAKE', 300);
SELECT order_test.place(9141000, order_test.make_hold(9141000, '{general 300}')) AS late \gset
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_orders(9141000, 10);
SELECT count(order_test.make_hold(9141000, '{general 1}')) FROM generate_series(1, 300);
SET boxoffice.clock_offset = 3740;
CREATE FUNCTION order_test.pay_last(placed bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', a.status, a.body ->> 'code', a.body ->> 'outcome', a.body #>> '{order,status}')
      FROM order_test.ask('payment_create', 9141000, ARRAY[format('event=9141000&order=%s', placed)], ARRAY['{"kind":"test"}'],
          ARRAY[gen_random_uuid()::text], ARRAY[boxoffice_code.order_secret(placed)], true) AS a
$$;
SELECT order_test.pay_last(:late);
SELECT order_test.pay_last(:late);
RESET boxoffice.clock_offset;
SELECT count(*) FROM boxoffice.check_inventory(9141000);

-- Keys that secrets and hashes hang on are rotated: what was made before opens, limits per buyer do not begin anew.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

SELECT order_test.make_event(9110000, 'KEYED', 20);
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 9110000 AND key = 'general';
SELECT order_test.make_hold(9110000, '{general 1}') AS first, order_test.make_hold(9110000, '{general 1}') AS second,
       order_test.make_hold(9110000, '{general 1}') AS third \gset
SELECT boxoffice_code.hold_secret(:first) AS secret \gset
SELECT order_test.buy(9110000, :first, email => 'ann@example.org');

\echo # a new key: new secrets, and the old ones open
SELECT boxoffice_code.secret_rotate();
SELECT boxoffice_code.hold_secret(:second) AS new_secret \gset
SELECT boxoffice_code.hold_secret(:first) <> :'secret' AS other_secret;
SELECT order_test.buy(9110000, :second, email => 'ANN@example.org', secret => :'new_secret');
SELECT order_test.buy(9110000, :third, email => 'bob@example.org', secret => substr(:'secret', 2) || 'x');
SELECT hold_test.op(9110000, 'hold_get', :first, secret => :'secret');
SELECT hold_test.op(9110000, 'hold_get', :first);

\echo # a hash of an event made before stays: the third is one too many, whatever key is the newest
SELECT boxoffice_code.secret_rotate('buyer');
SELECT order_test.buy(9110000, :third, email => 'ann@example.org');
SELECT b.buyer_key = o.email_key AS counted_there, b.taken
  FROM boxoffice.buyer AS b, boxoffice.order AS o
 WHERE b.event_id = 9110000 AND b.buyer_key LIKE 'e:%' AND o.event_id = 9110000 AND o.hold_id = :second;

\echo # an event made more than a minute after the key has hashes of its own
UPDATE boxoffice.secret_key SET created_at = created_at - interval '1 hour' WHERE purpose = 'buyer' AND kid = 2;
SELECT boxoffice_code.secret_keys_changed();
SELECT boxoffice_code.new_id() AS event \gset
SELECT order_test.make_event(:event, 'NEWER', 20);
SELECT order_test.buy(:event, order_test.make_hold(:event, '{general 1}'), email => 'ann@example.org');
SELECT count(DISTINCT o.email_key) FROM boxoffice.order AS o WHERE o.event_id IN (9110000, :event);

\echo # a key is retired: what it made is closed
SELECT boxoffice_code.secret_retire(1);
SELECT hold_test.op(9110000, 'hold_get', :third);
SELECT hold_test.op(9110000, 'hold_get', :first, secret => :'secret');
SELECT order_test.say('SELECT boxoffice_code.secret_retire(2)::text::jsonb');
SELECT order_test.say('SELECT to_jsonb(boxoffice_code.secret_rotate(''nothing''))');
SELECT purpose, kid FROM boxoffice.secret_key ORDER BY 1, 2;

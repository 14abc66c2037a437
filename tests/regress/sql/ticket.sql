-- The tickets of an order, and their QR codes.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(180000, 'TKET', 10);
SELECT api.order_create(180000, h, boxoffice_code.hold_secret(h), '{"name": "Ada", "email": "ada@example.org"}', NULL, idempotency_key => 'ticket-1') AS placed
  FROM order_test.make_hold(180000, '{general 1,free 1 saturday}') AS h \gset
SELECT :'placed'::jsonb ->> 'id' AS id, :'placed'::jsonb ->> 'secret' AS secret \gset

\echo # reserved tickets have no code
SELECT order_test.say(format('SELECT api.ticket_list(180000, %s)', :id), 'next', 'test', 'items.0.state', 'items.0.code', 'items.2');
SELECT t - 'id' - 'starts_at' FROM jsonb_array_elements(api.ticket_list(180000, :id)::jsonb -> 'items') AS t;
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, order_test.ticket(:id, 1)));

\echo # valid ones do
SELECT order_test.pay(180000, :id, 'test');
SELECT (t ->> 'code') = k.code, t ->> 'state'
  FROM jsonb_array_elements(api.ticket_list(180000, :id)::jsonb -> 'items') AS t
  JOIN boxoffice.ticket AS k ON k.id = (t ->> 'id')::bigint;
SELECT api.ticket_qr(180000, :id, order_test.ticket(:id, 1)) ~ '^<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300" viewBox="0 0 29 29".*<path stroke="#000" d="[Mmh0-9 .]+"/></svg>\n$',
       length(api.ticket_qr(180000, :id, order_test.ticket(:id, 1))) < 1500;
SELECT api.ticket_qr(180000, :id, order_test.ticket(:id, 1)) <> api.ticket_qr(180000, :id, order_test.ticket(:id, 2));

\echo # only for who may see the order, and only its own tickets
SELECT order_test.place(180000, order_test.make_hold(180000, '{free 1}')) AS other \gset
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, order_test.ticket(:other, 1)));
SELECT order_test.ticket(:id, 1) AS ticket \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.ticket_list(180000, %s)', :id));
SELECT order_test.say(format('SELECT api.ticket_list(180000, %s, %L)', :id, :'secret'), 'items.0.state');
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, :ticket));
SELECT left(api.ticket_qr(180000, :id, :ticket, :'secret'), 5);
RESET SESSION AUTHORIZATION;

\echo # a cancelled ticket has none, nor one of a cancelled session or event
SELECT order_test.cancel(180000, :id, ARRAY[order_test.ticket(:id, 1)]);
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, order_test.ticket(:id, 1)));
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 180000 AND key = 'saturday';
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, order_test.ticket(:id, 2)));
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 180000;
SELECT left(api.ticket_qr(180000, :id, order_test.ticket(:id, 2)), 5);
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = 180000;
SELECT order_test.say(format('SELECT to_json(api.ticket_qr(180000, %s, %s))', :id, order_test.ticket(:id, 2)));
SELECT order_test.say(format('SELECT api.ticket_list(180000, %s)', :id), 'items.0.state', 'items.1.state', 'items.1.code');
UPDATE boxoffice.event SET status = 'published' WHERE id = 180000;
SELECT * FROM boxoffice.check_orders(180000);

\echo # who they are for: the first holder has the first ticket
SELECT order_test.make_hold(180000, '{free 3}') AS hold \gset
SELECT api.order_create(180000, :hold, boxoffice_code.hold_secret(:hold), '{"name": "Ada", "email": "ada@example.org"}',
    holders => '[{"name": "Ada"}, {}, {"name": "Eve", "email": "eve@example.org"}]', idempotency_key => 'ticket-2') ->> 'id' AS id \gset
SELECT t -> 'holder' FROM jsonb_array_elements(api.ticket_list(180000, :id)::jsonb -> 'items') AS t;
SELECT order_test.say(format($$SELECT api.order_create(180000, %s, %L, '{"name": "Ada", "email": "ada@example.org"}',
    holders => '[{"name": "Ada"}, {"name": "Eve"}]', idempotency_key => 'ticket-3')$$, h, boxoffice_code.hold_secret(h)))
  FROM order_test.make_hold(180000, '{free 1}') AS h;
SELECT * FROM boxoffice.check_orders(180000);

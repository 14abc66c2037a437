-- Who bought, who comes, what staff note, and sending again.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9704000, 'CNTACT', 20);
UPDATE boxoffice.event SET buyer_limit = 3 WHERE id = 9704000;
SELECT order_test.place(9704000, order_test.make_hold(9704000, '{general 2}'), 'ada@example.org') AS id,
       order_test.place(9704000, order_test.make_hold(9704000, '{general 2}'), 'bea@example.org') AS other \gset
SELECT boxoffice_code.order_secret(:id) AS secret \gset
\echo # a buyer changes a part of the contact; null removes; the rest stays
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"phone": "+44 20 1", "locale": "en"}', :'secret'), 'contact.name', 'contact.email', 'contact.phone', 'contact.locale');
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"name": "Ada L.", "phone": null}', :'secret'), 'contact.name', 'contact.email', 'contact.phone', 'contact.locale');
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"email": "ada"}', :'secret')) AS no_address;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{}', :'secret')) AS nothing;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"name": "Eve"}', 'wrong')) AS stranger;
\echo # another address is another buyer to the limits
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"email": "bea@example.org"}', :'secret'), 'contact.email') AS no_room;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"email": "ada@example.net"}', :'secret'), 'contact.email');
RESET SESSION AUTHORIZATION;
SELECT taken, count(*) FROM boxoffice.buyer WHERE event_id = 9704000 AND ticket_type_id = 0 GROUP BY 1 ORDER BY 1;
SELECT order_test.buy(9704000, order_test.make_hold(9704000, '{general 3}'), email => 'ada@example.org') AS old_address;
SELECT order_test.buy(9704000, order_test.make_hold(9704000, '{general 2}'), email => 'ada@example.net') AS new_address;
SELECT topic, count(*) FROM boxoffice.outbox AS x WHERE x.ref_id = :id GROUP BY 1 ORDER BY 1;
\echo # a sale without a contact gets one
SELECT api.sale_create(9704000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]') ->> 'id' AS sale \gset
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L)', :sale, '{"name": "Cy"}')) AS no_address;
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s)', :sale)) AS to_whom;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L)', :sale, '{"name": "Cy", "email": "cy@example.org"}'), 'contact.name', 'contact.phone');

\echo # names later: one, many, another, none
SELECT jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:id, 1)::text, 'name', 'Grace'), jsonb_build_object('ticket', order_test.ticket(:id, 2)::text, 'email', 'kay@example.org')) AS both,
       jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:id, 1)::text)) AS none,
       jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:id, 2)::text, 'name', 'Kay', 'email', 'kay@example.org')) AS one,
       jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:other, 1)::text, 'name', 'Kay')) AS elsewhere,
       jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:id, 1)::text, 'name', 'a'), jsonb_build_object('ticket', order_test.ticket(:id, 1)::text, 'name', 'b')) AS twice \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'both', :'secret'), 'items.0.holder', 'items.1.holder');
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'one', :'secret'), 'items.0.holder', 'items.1.holder');
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'none', :'secret'), 'items.0.holder', 'items.1.holder');
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'elsewhere', :'secret'));
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'twice', :'secret'));
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L)', :id, :'one')) AS stranger;
\echo # sent again: once a minute
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s, %L)', :id, :'secret'));
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s, %L)', :id, :'secret')) AS too_soon;
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s)', :id)) AS stranger;
RESET SESSION AUTHORIZATION;
SET boxoffice.clock_offset = 61;
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s)', :id)) AS later;
INSERT INTO boxoffice.order_change (event_id, id, order_id, kind, total_before, total_after, reopened, overruled, changed_at)
SELECT 9704000, boxoffice_code.new_id(), :id, 'resend', 0, 0, false, '{}', boxoffice_code.clock() - n * interval '1 hour' FROM generate_series(9, 2, -1) AS n;
SET boxoffice.clock_offset = 200;
SELECT order_test.say(format('SELECT api.order_resend(9704000, %s)', :id)) AS too_many;
SET boxoffice.clock_offset = 0;
SELECT count(*) FROM boxoffice.outbox AS x WHERE x.ref_id = :id AND topic = 'order.resend';

\echo # once the first session has begun only staff change anything; once the order is cancelled as well
UPDATE boxoffice.session SET starts_at = boxoffice_code.clock() - interval '1 minute' WHERE event_id = 9704000 AND key = 'friday';
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L, %L)', :id, '{"name": "Late"}', :'secret')) AS begun;
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L, %L)', :id, :'one', :'secret')) AS begun;
RESET SESSION AUTHORIZATION;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L)', :id, '{"name": "Staff may"}'), 'contact.name');
SELECT order_test.cancel(9704000, :id);
SELECT order_test.say(format('SELECT api.order_holders(9704000, %s, %L)', :id, :'one')) AS gone;
SELECT order_test.say(format('SELECT api.order_contact(9704000, %s, %L)', :id, '{"email": "bea@example.org"}'), 'contact.email') AS counts_no_more;
SELECT taken, count(*) FROM boxoffice.buyer WHERE event_id = 9704000 AND ticket_type_id = 0 GROUP BY 1 ORDER BY 1;

\echo # notes: staff write and read them, nobody else
SELECT order_test.say(format('SELECT api.order_note_create(9704000, %s, %L, %L)', :other, E'called twice\nwants the aisle', 'n-1'), 'author', 'text');
SELECT (api.order_note_create(9704000, :other, 'second', 'n-2') ->> 'id') = (api.order_note_create(9704000, :other, 'second', 'n-2') ->> 'id') AS same_key;
SELECT order_test.say(format('SELECT api.order_note_create(9704000, %s, %L)', :other, '')) AS empty;
SELECT order_test.say(format('SELECT api.order_note_list(9704000, %s)', :other), 'items.0.text', 'items.1.text', 'items.2', 'next');
SELECT api.order_note_list(9704000, :other, "limit" => 1) AS page \gset
SELECT order_test.say(format('SELECT api.order_note_list(9704000, %s, %L)', :other, (:'page'::jsonb ->> 'next')), 'items.0.text', 'items.1', 'next');
SELECT boxoffice_code.order_secret(:other) AS secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_note_create(9704000, %s, %L)', :other, 'x')) AS public;
SELECT order_test.say(format('SELECT api.order_note_list(9704000, %s)', :other)) AS public;
SELECT order_test.say(format('SELECT api.order_get(9704000, %s, %L)', :other, :'secret'), 'notes');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM boxoffice.idempotency WHERE event_id = 9704000 AND answer IS NOT NULL;
SELECT * FROM boxoffice.check_orders(9704000);
SELECT * FROM boxoffice.check_inventory(9704000);

-- Placing orders, and looking at them.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(100000, 'PLACE');

\echo # an order of something that costs waits for its payment
SELECT order_test.make_hold(100000, '{general 2,free 1,pass 1 saturday}') AS hold \gset
SELECT api.order_create(100000, :hold, boxoffice_code.hold_secret(:hold),
    '{"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+44 20"}', 9300, idempotency_key => 'placing-1') AS placed \gset
SELECT (:'placed'::jsonb ->> 'id') AS id, (:'placed'::jsonb ->> 'secret') AS secret,
       (:'placed'::jsonb ->> 'code') AS code \gset
SELECT key, CASE WHEN key IN ('id', 'hold', 'secret', 'code', 'placed_at', 'expires_at', 'tickets')
                 THEN jsonb_typeof(value)::text ELSE value::text END
  FROM jsonb_each(:'placed'::jsonb) ORDER BY key;
SELECT t - 'id' FROM jsonb_array_elements(:'placed'::jsonb -> 'tickets') AS t;
SELECT :'code' ~ '^PLACE-[A-HJ-NP-Z2-9]{6}$';
SELECT (:'placed'::jsonb ->> 'expires_at')::timestamptz - (:'placed'::jsonb ->> 'placed_at')::timestamptz,
       o.email_key ~ '^e:', o.channel
  FROM boxoffice.order AS o WHERE o.id = :id;
SELECT * FROM order_test.stock(100000);
SELECT order_test.state(100000, :id);
SELECT status FROM boxoffice.hold WHERE id = :hold;
SELECT bool_and(c.expires_at = o.expires_at + interval '1 minute')
  FROM boxoffice.order AS o JOIN boxoffice.claim AS c ON c.owner_id = o.hold_id WHERE o.id = :id;
SELECT name, email, phone, locale FROM boxoffice.contact WHERE order_id = :id;
SELECT topic FROM boxoffice.outbox WHERE ref_id = :id ORDER BY id;

\echo # its key gives it again, and only for the same request
SELECT api.order_create(100000, :hold, boxoffice_code.hold_secret(:hold),
    '{"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+44 20"}', 9300, idempotency_key => 'placing-1')::jsonb = :'placed'::jsonb;
SELECT order_test.say(format($$SELECT api.order_create(100000, %s, %L, '{"name": "Ada", "email": "ada@example.org"}', 9300, idempotency_key => 'placing-1')$$,
    :hold, boxoffice_code.hold_secret(:hold)));

\echo # an order that costs nothing is paid at once
SELECT order_test.make_hold(100000, '{free 2}') AS hold \gset
SELECT order_test.place(100000, :hold) AS free \gset
SELECT order_test.state(100000, :free);
SELECT bool_and(t.code ~ '^[0-9A-HJKMNP-TV-Z]{16}$'), count(DISTINCT t.code)
  FROM boxoffice.ticket AS t WHERE t.order_id = :free;
SELECT topic FROM boxoffice.outbox WHERE ref_id = :free ORDER BY id;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :free),
    'status', 'paid', 'due', 'expires_at', 'tickets.0.state', 'secret');

\echo # who may see an order, and who is told that there is none
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_get(100000, %s, %L)', :id, :'secret'), 'status', 'due', 'secret') = format('status pending, due 9300, secret %s', :'secret');
SELECT order_test.say(format('SELECT api.order_get(100000, %s, %L)', :id, 'x' || :'secret'), 'status');
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status');
SELECT order_test.say(format('SELECT api.order_get(100001, %s, %L)', :id, :'secret'), 'status');
SELECT order_test.say(format('SELECT api.order_get(100000, 1, %L)', :'secret'), 'status');
SELECT order_test.say(format('SELECT api.order_find(%L, %L)', :'code', :'secret'), 'status');
SELECT order_test.say(format('SELECT api.order_find(%L)', :'code'), 'status');
SELECT order_test.say(format('SELECT api.order_find(%L, %L)', 'NXNE-' || right(:'code', 6), :'secret'), 'status');
SELECT order_test.say(format('SELECT api.order_find(%L, %L)', 'PLACE-AAAAAA', :'secret'), 'status');
RESET SESSION AUTHORIZATION;
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id) VALUES ('boxoffice_service', 'olga', 'organizer', NULL);
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status', 'secret') AS member;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'sam';
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status') AS scanner;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'eve', organizer_id = 901;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status') AS other_organizer;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'nobody', organizer_id = 900;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status') AS claim_of_organizer;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'ann', role = 'customer', organizer_id = NULL;
SELECT order_test.make_hold(100000, '{general 1}') AS hold \gset
SELECT boxoffice_code.hold_secret(:hold) AS hold_secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT (api.order_create(100000, :hold, :'hold_secret', '{"name": "Ann", "email": "ann@example.org"}', NULL, idempotency_key => 'ann-1') ->> 'id') AS hers \gset
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :hers), 'status') AS who_placed_it;
RESET SESSION AUTHORIZATION;
DELETE FROM boxoffice.login_actor;

\echo # refusals, in the order of precedence
SELECT order_test.make_event(110000, 'REFUSE');
SELECT order_test.make_hold(110000, '{general 1}') AS hold \gset
SELECT order_test.buy(110000, :hold, secret => 'wrong-secret-wrong-sec');
SELECT order_test.buy(110000, :hold + 1);
-- past the deadline by 4 s its claims still stand and it is accepted, by 6 s it is not: see below
SET boxoffice.clock_offset = 606;
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = 110000;
SELECT order_test.buy(110000, :hold, 1) AS expired;
SET boxoffice.clock_offset = 0;
SELECT order_test.buy(110000, :hold, 1) AS event_cancelled;
UPDATE boxoffice.event SET status = 'published' WHERE id = 110000;
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 110000 AND key = 'friday';
SELECT order_test.buy(110000, :hold, 1) AS session_cancelled;
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 110000;
UPDATE boxoffice.event SET status = 'draft' WHERE id = 110000;
SELECT order_test.buy(110000, :hold, 1) AS draft;
UPDATE boxoffice.event SET status = 'published', buyer_limit = 1 WHERE id = 110000;
SELECT order_test.buy(110000, :hold, 1) AS another_price;
SELECT * FROM order_test.stock(110000);

\echo # a paused event keeps what it promised; so does one whose sale is over
UPDATE boxoffice.event SET status = 'paused', sale_ends_at = '2020-01-01' WHERE id = 110000;
SELECT order_test.buy(110000, :hold, 2650);
SELECT order_test.buy(110000, :hold, 1) AS again;

\echo # one buyer is one however the address is written
SELECT order_test.make_hold(110000, '{general 1}') AS hold \gset
SELECT order_test.buy(110000, :hold);
SELECT order_test.buy(110000, :hold, email => 'ADA@Example.org');
SELECT order_test.buy(110000, :hold, email => 'ada.l+x@gmail.com');
SELECT order_test.make_hold(110000, '{free 1}') AS hold \gset
SELECT order_test.buy(110000, :hold, email => 'AdaL@googlemail.com');
SELECT buyer_key ~ '^e:[A-Za-z0-9_-]{22}$', ticket_type_id, taken, taken_max FROM boxoffice.buyer WHERE event_id = 110000 ORDER BY taken;

\echo # a limit of one type does not count another
UPDATE boxoffice.event SET buyer_limit = NULL WHERE id = 110000;
UPDATE boxoffice.ticket_type SET buyer_limit = 2 WHERE event_id = 110000 AND key = 'free';
SELECT order_test.buy(110000, h)
  FROM (VALUES (1, '{free 2,general 3}'::text[]), (2, '{general 2}'), (3, '{free 1}')) AS case_ (n, lines),
       order_test.make_hold(110000, lines) AS h;

\echo # a hold is accepted some seconds past its deadline as long as its places stand
SELECT order_test.make_hold(110000, '{general 1}') AS late, order_test.make_hold(110000, '{general 1}') AS lost \gset
UPDATE boxoffice.claim SET state = 'expired' WHERE owner_id = :lost;
UPDATE boxoffice.stock SET held = held - 1 WHERE event_id = 110000 AND id = 110021;
SET boxoffice.clock_offset = 604;
SELECT order_test.buy(110000, :lost) AS lost;
SELECT order_test.buy(110000, :late) AS late;
SET boxoffice.clock_offset = 0;

\echo # released
SELECT order_test.make_hold(110000, '{general 1}') AS hold \gset
UPDATE boxoffice.hold SET status = 'released' WHERE id = :hold;
UPDATE boxoffice.claim SET state = 'released' WHERE owner_id = :hold;
UPDATE boxoffice.stock SET held = held - 1 WHERE event_id = 110000 AND id = 110021;
SELECT order_test.buy(110000, :hold);

\echo # the deadline is the term, not past the session that ends first
UPDATE boxoffice.event SET payment_term_minutes = NULL, payment_term_days = 14 WHERE id = 100000;
SELECT order_test.make_hold(100000, '{general 1 saturday,general 1}') AS capped, order_test.make_hold(100000, '{general 1 saturday}') AS uncapped \gset
SELECT order_test.place(100000, :capped) AS capped, order_test.place(100000, :uncapped) AS uncapped \gset
SELECT o.expires_at = s.ends_at FROM boxoffice.order AS o JOIN boxoffice.session AS s ON s.id = 100001 WHERE o.id = :capped;
SELECT to_char(o.expires_at AT TIME ZONE 'Europe/Berlin', 'HH24:MI:SS'), (o.expires_at AT TIME ZONE 'Europe/Berlin')::date - (o.placed_at AT TIME ZONE 'Europe/Berlin')::date
  FROM boxoffice.order AS o WHERE o.id = :uncapped;

\echo # past its deadline and grace it is expired, whether or not anybody wrote so
SET boxoffice.clock_offset = 1850;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status', 'due') AS in_grace;
SET boxoffice.clock_offset = 1870;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status', 'due', 'expires_at', 'tickets.0.state') AS over;
SET boxoffice.clock_offset = 0;

\echo # nothing is due for what was called off
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = 100000;
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :id), 'status', 'due', 'tickets.0.state');
SELECT order_test.say(format('SELECT api.order_get(100000, %s)', :free), 'status', 'due', 'tickets.0.state', 'tickets.0.code');
UPDATE boxoffice.event SET status = 'published' WHERE id = 100000;

SELECT * FROM boxoffice.check_orders(100000);
SELECT * FROM boxoffice.check_orders(110000);

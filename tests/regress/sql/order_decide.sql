-- Orders that wait for staff: approval before payment, denial, and more time.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9701000, 'APPRVE', 10);
UPDATE boxoffice.event SET approval = true WHERE id = 9701000;

-- What an act of staff on an order says, then what is stored.
CREATE FUNCTION order_test.act(what text, event bigint, "order" bigint, more text DEFAULT '')
RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT order_test.say(format('SELECT api.order_%s(%s, %s%s)', what, event, "order", more),
        'status', 'total', 'paid', 'due', 'tickets.0.state');
    RETURN NEXT order_test.state(event, "order");
END
$$;

\echo # an order waits, keeps its places, and until the first of its sessions is over
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 2,pass 1 saturday}')) AS id \gset
SELECT order_test.state(9701000, :id);
SELECT o.expires_at = s.ends_at FROM boxoffice.order AS o JOIN boxoffice.session AS s ON s.event_id = o.event_id AND s.key = 'friday' WHERE o.id = :id;
SELECT order_test.say(format('SELECT api.order_get(9701000, %s)', :id), 'status', 'due', 'expires_at') ~ '^status approval, due 9300, expires_at 20';
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 day'$$);

\echo # money that comes meanwhile is recorded and does not pay it
SELECT order_test.pay(9701000, :id, 'manual');
SELECT order_test.pay(9701000, :id, 'manual', 300);

\echo # FIELD 4.6.124: it does not expire while it waits
SET boxoffice.clock_offset = 86400;
SELECT boxoffice_code.expire_orders(9701000, 10), boxoffice_code.expire_claims(9701000, 10);
SELECT order_test.state(9701000, :id);

\echo # FIELD 4.6.136: approved, it has the payment term from now on
SELECT order_test.act('approve', 9701000, :id);
SELECT o.expires_at - boxoffice_code.clock() BETWEEN '29 minutes 50 seconds' AND '30 minutes' FROM boxoffice.order AS o WHERE o.id = :id;
SELECT c.expires_at = o.expires_at + interval '1 minute' FROM boxoffice.order AS o JOIN boxoffice.claim AS c ON c.owner_id = o.hold_id WHERE o.id = :id;
SELECT order_test.act('approve', 9701000, :id) AS twice;
SELECT order_test.act('deny', 9701000, :id, ', ''too late''');
SELECT order_test.pay(9701000, :id, 'manual');
SET boxoffice.clock_offset = 0;

\echo # a free order is paid when it is approved, even after the last day; one that costs is not approved then
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{free 1}')) AS free, order_test.place(9701000, order_test.make_hold(9701000, '{general 1}')) AS costs \gset
SELECT order_test.state(9701000, :free);
SET boxoffice.clock_offset = 900000;
SELECT order_test.act('approve', 9701000, :costs);
SELECT order_test.act('approve', 9701000, :free);
SET boxoffice.clock_offset = 0;

\echo # paid for while it waited: approved, it is paid
SELECT order_test.pay(9701000, :costs, 'manual', 2650);
SELECT order_test.act('approve', 9701000, :costs);

\echo # denied, it is cancelled, its places are free, its money is owed back, the reason is kept
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 2}')) AS id \gset
SELECT order_test.pay(9701000, :id, 'manual', 100);
SELECT order_test.act('deny', 9701000, :id, ', NULL');
SELECT order_test.act('deny', 9701000, :id, ', ''no member''');
SELECT order_test.act('approve', 9701000, :id);
SELECT kind, total_before, total_after, reason FROM boxoffice.order_change WHERE order_id = :id;
SELECT topic FROM boxoffice.outbox AS x WHERE x.ref_id = :id ORDER BY x.id;

\echo # its buyer may give up waiting; a type can ask for approval alone
UPDATE boxoffice.event SET approval = false WHERE id = 9701000;
UPDATE boxoffice.ticket_type SET approval = true WHERE event_id = 9701000 AND key = 'pass';
SELECT order_test.buy(9701000, order_test.make_hold(9701000, '{general 1}'));
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 1,pass 1}')) AS id \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_approve(9701000, %s)', :id)) AS stranger;
RESET SESSION AUTHORIZATION;
SELECT boxoffice_code.order_secret(:id) AS secret \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_cancel(9701000, %s, NULL, %L)', :id, :'secret'));
RESET SESSION AUTHORIZATION;

\echo # staff give a pending order more time, within its session
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 2}')) AS id \gset
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '2 days'$$);
SELECT o.expires_at - boxoffice_code.clock() BETWEEN '47 hours 59 minutes' AND '48 hours', c.expires_at - o.expires_at
  FROM boxoffice.order AS o JOIN boxoffice.claim AS c ON c.owner_id = o.hold_id WHERE o.id = :id;
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock()$$);
SELECT order_test.say(format('SELECT api.order_extend(9701000, %s, %L)', :id, boxoffice_code.clock() + interval '20 days')) LIKE 'TK127 it cannot be extended further · /until: it cannot be extended further {"extend_until":%';

\echo # an expired one is pending again if its places can be had
SET boxoffice.clock_offset = 172900;
SELECT boxoffice_code.expire_orders(9701000, 10);
SELECT order_test.state(9701000, :id);
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$);
SET boxoffice.clock_offset = 180000;
SELECT boxoffice_code.expire_orders(9701000, 10);
SELECT order_test.make_hold(9701000, '{free 6}') > 0;
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$) AS no_places;
\echo # never more than there is, not even by staff
UPDATE boxoffice.stock SET overbook = 4 WHERE event_id = 9701000;
SELECT order_test.pay(9701000, :id, 'manual', 5000);
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$);
SELECT order_test.pay(9701000, :id, 'manual', 300);
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$) AS paid;

\echo # late money pays an order that is extended
UPDATE boxoffice.event SET late_payment = false WHERE id = 9701000;
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{free 1,general 1 saturday}')) AS id \gset
SET boxoffice.clock_offset = 190000;
SELECT boxoffice_code.expire_orders(9701000, 10);
SELECT order_test.pay(9701000, :id, 'manual');
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$);

\echo # a limit per buyer counts again
UPDATE boxoffice.event SET buyer_limit = 2 WHERE id = 9701000;
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 2 saturday}'), 'bea@example.org') AS id \gset
SET boxoffice.clock_offset = 200000;
SELECT boxoffice_code.expire_orders(9701000, 10);
SELECT order_test.place(9701000, order_test.make_hold(9701000, '{general 1 saturday}'), 'bea@example.org') > 0;
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$);
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = 9701000;
SELECT order_test.act('extend', 9701000, :id, $$, boxoffice_code.clock() + interval '1 hour'$$) AS called_off;
SET boxoffice.clock_offset = 0;
SELECT * FROM order_test.stock(9701000);
SELECT * FROM boxoffice.check_orders(9701000);
SELECT * FROM boxoffice.check_inventory(9701000);

\echo # a session that is cancelled ends nothing: the rest can be paid until its own is over
SELECT order_test.make_event(9706000, 'PARTLY', 10);
SELECT order_test.place(9706000, order_test.make_hold(9706000, '{general 1,general 1 saturday}')) AS id \gset
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9706000 AND key = 'friday';
SELECT order_test.act('extend', 9706000, :id, $$, boxoffice_code.clock() + interval '15 days'$$);
SELECT order_test.pay(9706000, :id, 'manual', 2650);
\echo # … and what costs nothing any more is approved also after the last day
UPDATE boxoffice.event SET approval = true WHERE id = 9706000;
UPDATE boxoffice.session SET status = 'open' WHERE event_id = 9706000 AND key = 'friday';
SELECT order_test.place(9706000, order_test.make_hold(9706000, '{general 1,free 1 saturday}')) AS id \gset
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9706000 AND key = 'friday';
SET boxoffice.clock_offset = 1900800;
SELECT order_test.act('approve', 9706000, :id);
SET boxoffice.clock_offset = 0;
SELECT * FROM boxoffice.check_orders(9706000);
SELECT * FROM boxoffice.check_inventory(9706000);

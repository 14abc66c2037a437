-- What came from a block goes back to it, on every way, as long as it stands; and a late payment looks there first.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION hold_test.keep(event bigint, quantity integer, release_s integer DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM api.block_create(event, 'house', 'A reason',
        jsonb_build_array(jsonb_build_object('ticket_type', 'general', 'session', 'fri', 'quantity', quantity)),
        boxoffice_code.clock() + release_s * interval '1 s');
    RETURN (SELECT max(b.id) FROM boxoffice.block AS b WHERE b.event_id = keep.event);
END
$$;
-- Staff takes so many from the block and orders them; the order's id.
CREATE FUNCTION hold_test.order_of(event bigint, quantity integer, block bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hold_test.hold_as(event, 'organizer bob', concat(quantity, ' general fri ', block));
    RETURN order_test.place(event, hold_test.last(event));
END
$$;
CREATE FUNCTION hold_test.pay(event bigint, placed bigint) RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.payment_create(%s, %s, %L, idempotency_key => gen_random_uuid()::text)',
        event, placed, 'test'), 'outcome', 'order.status', 'order.due')
$$;
-- What blocks keep, and where the places of orders come from.
CREATE FUNCTION hold_test.blocks(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', hold_test.stock(event),
        (SELECT string_agg(format('block %s %s', c.state, c.quantity), ', ' ORDER BY c.owner_id, c.line)
           FROM boxoffice.claim AS c JOIN boxoffice.block AS b ON b.event_id = c.event_id AND b.id = c.owner_id
          WHERE c.event_id = event),
        (SELECT string_agg(format('%s %s%s', c.quantity, c.state, CASE WHEN c.block_id IS NOT NULL THEN ' of the block' END), ', ' ORDER BY c.owner_id, c.line)
           FROM boxoffice.claim AS c JOIN boxoffice.order AS o ON o.event_id = c.event_id AND o.hold_id = c.owner_id
          WHERE c.event_id = event))
$$;

\echo # an order lapses: by the worker, and by whoever needs the places
SELECT hold_test.make_event(9120000, 'BACKA');
SELECT hold_test.keep(9120000, 4) AS block \gset
SELECT hold_test.order_of(9120000, 3, :block) AS late \gset
SELECT hold_test.blocks(9120000);
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_orders(9120000, 10);
SELECT hold_test.blocks(9120000);
SELECT hold_test.order_of(9120000, 2, :block) AS second \gset
SET boxoffice.clock_offset = 3740;
SELECT hold_test.hold(9120000, '7 general fri');
SELECT hold_test.hold(9120000, '6 general fri');
SELECT hold_test.blocks(9120000);

\echo # a late payment: the house is full, the block has its places
SELECT hold_test.pay(9120000, :late);
SELECT hold_test.blocks(9120000);
\echo # the block has one left, which is not enough, and nothing else is free: none is taken
SELECT hold_test.pay(9120000, :second);
SELECT hold_test.blocks(9120000);

\echo # the block has too few, others are free: these are taken, and have nothing to do with the block any more
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9121000, 'BACKB');
SELECT hold_test.keep(9121000, 4) AS block \gset
SELECT hold_test.order_of(9121000, 3, :block) AS late \gset
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_claims(9121000, 10);
SELECT hold_test.hold_as(9121000, 'organizer bob', '2 general fri ' || :block);
SELECT hold_test.pay(9121000, :late);
SELECT hold_test.blocks(9121000);
SELECT order_test.cancel(9121000, :late);
SELECT hold_test.blocks(9121000);
\echo # a paid one that is cancelled gives back to the block
SELECT hold_test.order_of(9121000, 1, :block) AS paid \gset
SELECT hold_test.pay(9121000, :paid);
SELECT order_test.cancel(9121000, :paid);
SELECT hold_test.blocks(9121000);

\echo # a block that goes back to sale takes with it what comes back to it in the same moment
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9122000, 'BACKC');
SELECT hold_test.keep(9122000, 6, 600) AS block \gset
SELECT hold_test.hold_as(9122000, 'organizer bob', '4 general fri ' || :block);
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold(9122000, '10 general fri');
SELECT hold_test.blocks(9122000);
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9123000, 'BACKD');
SELECT hold_test.keep(9123000, 6, 600) AS block \gset
SET boxoffice.clock_offset = 1000;
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(9123000, 'hold_create', ARRAY(SELECT jsonb_build_object('items', hold_test.items(w))::text
           FROM unnest(ARRAY['2 general fri ' || :block, '7 general fri', '3 general fri']) WITH ORDINALITY AS u (w, n) ORDER BY n),
         'organizer bob') AS c;
SELECT hold_test.blocks(9123000);

\echo # a trial that is removed gives back to the block
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9124000, 'BACKE');
SELECT hold_test.keep(9124000, 4) AS block \gset
SELECT hold_test.order_of(9124000, 2, :block) AS sold \gset
SELECT hold_test.pay(9124000, :sold);
SELECT hold_test.order_of(9124000, 1, :block) IS NOT NULL;
SELECT hold_test.hold(9124000, '3 general fri');
SELECT hold_test.blocks(9124000);
SELECT holds, done FROM boxoffice_code.trial_remove(9124000, 100);
SELECT hold_test.blocks(9124000);

\echo # a block is over at its time, whether or not anybody has taken it back: nothing comes out of it any more
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9126000, 'BACKG');
SELECT hold_test.keep(9126000, 4, 60) AS block \gset
SELECT hold_test.order_of(9126000, 1, :block) AS placed \gset
SET boxoffice.clock_offset = 61;
SELECT hold_test.hold_as(9126000, 'organizer bob', '1 general fri ' || :block);
SELECT order_test.say(format('SELECT api.order_cancel(9126000, %s)', :placed), 'status');
SELECT hold_test.blocks(9126000);
SELECT hold_test.hold(9126000, '7 general fri');
SELECT hold_test.blocks(9126000);

\echo # what lapsed goes back to its block first, which helps nobody; then what others have let lapse is taken back
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9127000, 'BACKH');
SELECT hold_test.keep(9127000, 4) AS block \gset
SELECT hold_test.hold_as(9127000, 'organizer bob', '4 general fri ' || :block);
SELECT hold_test.hold(9127000, '6 general fri');
SET boxoffice.clock_offset = 906;
SELECT i.session, i.pool, i.capacity, i.held, i.blocked, i.lapsed, i.available FROM report.inventory AS i WHERE i.event_id = 9127000 AND i.held > 0;
SELECT n.available, n.state FROM boxoffice.stock AS k CROSS JOIN boxoffice_code.stock_now(9127000, ARRAY[k.id], true) AS n WHERE k.event_id = 9127000 AND k.held > 0;
SELECT hold_test.hold(9127000, '3 general fri');
SELECT hold_test.blocks(9127000);
SELECT * FROM boxoffice.check_inventory(9127000);
RESET boxoffice.clock_offset;

\echo # an exchange of what came out of a block: given up since, the block is no reason to refuse, and what it frees is free; one that stands has it again, also where a ticket becomes the same once more
SELECT hold_test.make_event(9128000, 'BACKK');
SELECT hold_test.keep(9128000, 4) AS block \gset
SELECT hold_test.order_of(9128000, 3, :block) AS placed \gset
CREATE FUNCTION hold_test.exchange(event bigint, placed bigint, n integer, session text) RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.order_exchange(%s, %s, %L, idempotency_key => gen_random_uuid()::text)', event, placed,
        jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(placed, n)::text, 'ticket_type', 'general', 'session', session))), 'status')
$$;
SELECT hold_test.exchange(9128000, :placed, 1, 'fri');
SELECT hold_test.blocks(9128000);
SELECT hold_test.call(9128000, 'block_release', ARRAY[NULL], 'organizer mary', param => '&block=' || :block) IS NOT NULL AS released;
SELECT hold_test.exchange(9128000, :placed, 2, 'sat');
SELECT hold_test.blocks(9128000);
SELECT hold_test.hold(9128000, '9 general fri');
SELECT hold_test.hold(9128000, '8 general fri');
\echo # … nor is a session that is called off: its places are kept by who has them, and free once he has others
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9128000 AND key = 'fri';
SELECT hold_test.exchange(9128000, :placed, 1, 'fri');
SELECT hold_test.exchange(9128000, :placed, 1, 'sat');
SELECT hold_test.blocks(9128000);
SELECT * FROM boxoffice.check_inventory(9128000);

\echo # a block keeps one of two things that a ticket takes: the other is on sale, so what has lapsed there is taken back for it
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9129000, 'BACKR');
SELECT (api.block_create(9129000, 'house', 'A reason', '[{"pool": "passes", "quantity": 2}]') ->> 'id')::bigint AS block \gset
SELECT hold_test.hold(9129000, '10 general fri');
\echo # held by others who may let go
SELECT hold_test.hold_as(9129000, 'organizer bob', '2 pass fri ' || :block);
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(9129000, 'organizer bob', '2 pass fri ' || :block);
SELECT hold_test.blocks(9129000);
\echo # of the block itself no more are left
SELECT hold_test.hold_as(9129000, 'organizer bob', '1 pass fri ' || :block);
RESET boxoffice.clock_offset;
SELECT * FROM boxoffice.check_inventory(9129000);

\echo # what lapsed out of a block is back in it for the next hold out of it, whoever comes by first: as many as it lacks
RESET boxoffice.clock_offset;
SELECT hold_test.make_event(9130000, 'BACKL');
SELECT hold_test.keep(9130000, 4) AS block \gset
SELECT hold_test.hold_as(9130000, 'organizer bob', '1 general fri ' || :block);
SELECT hold_test.hold_as(9130000, 'organizer bob', '2 general fri ' || :block);
SELECT hold_test.hold(9130000, '2 general fri');
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(9130000, 'organizer bob', '2 general fri ' || :block);
SELECT hold_test.blocks(9130000);
\echo # a change of such a hold, and a part; what lapsed on sale is no help
SELECT hold_test.op(9130000, 'hold_change', hold_test.last(9130000), '3 general fri ' || :block, actor => 'organizer bob');
SELECT hold_test.op(9130000, 'hold_change', hold_test.last(9130000), '4 general fri ' || :block, actor => 'organizer bob');
SELECT hold_test.blocks(9130000);
SELECT hold_test.hold_as(9130000, 'organizer bob', '1 general fri ' || :block);
SELECT hold_test.blocks(9130000);
SET boxoffice.clock_offset = 2000;
SELECT hold_test.hold_as(9130000, 'organizer bob', '5 general fri ' || :block, partial => true);
SELECT hold_test.blocks(9130000);
\echo # several at once, out of the block and from sale
SET boxoffice.clock_offset = 3000;
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(9130000, 'hold_create', ARRAY(SELECT jsonb_build_object('items', hold_test.items(w))::text
           FROM unnest(ARRAY['2 general fri ' || :block, '6 general fri', '2 general fri ' || :block, '1 general fri ' || :block]) WITH ORDINALITY AS u (w, n) ORDER BY n),
         'organizer bob') AS c;
SELECT hold_test.blocks(9130000);
\echo # an order out of it that lapsed with its grace, in a house that is full; paid late it has its places from it again
SET boxoffice.clock_offset = 4000;
SELECT hold_test.hold(9130000, '6 general fri');
SELECT hold_test.order_of(9130000, 3, :block) AS placed \gset
SET boxoffice.clock_offset = 5000;
SELECT hold_test.hold(9130000, '6 general fri');
SET boxoffice.clock_offset = 5870;
SELECT hold_test.hold_as(9130000, 'organizer bob', '4 general fri ' || :block);
SELECT hold_test.blocks(9130000);
SET boxoffice.clock_offset = 6800;
SELECT hold_test.hold(9130000, '6 general fri');
SELECT hold_test.pay(9130000, :placed);
SELECT hold_test.blocks(9130000);
RESET boxoffice.clock_offset;

\echo # the same of what a ticket takes of two pools, where the block keeps of both, and of one
SELECT hold_test.make_event(9131000, 'BACKM');
SELECT hold_test.call(9131000, 'block_create', ARRAY[$${"channel": "house", "reason": "A reason",
    "items": [{"ticket_type": "pass", "session": "fri", "quantity": 2}, {"pool": "passes", "quantity": 2}]}$$], 'organizer mary',
    ARRAY[gen_random_uuid()::text]) IS NOT NULL;
SELECT max(b.id) AS block FROM boxoffice.block AS b WHERE b.event_id = 9131000 \gset
SELECT hold_test.hold_as(9131000, 'organizer bob', '2 pass fri ' || :block);
SELECT hold_test.hold_as(9131000, 'organizer bob', '2 pass sat ' || :block);
SELECT hold_test.blocks(9131000);
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(9131000, 'organizer bob', '2 pass sat ' || :block);
SELECT hold_test.hold_as(9131000, 'organizer bob', '2 pass fri ' || :block);
SELECT hold_test.blocks(9131000);
RESET boxoffice.clock_offset;

\echo # more than one transaction takes back: not sold out
SELECT hold_test.make_event(9132000, 'BACKN');
UPDATE boxoffice.stock SET capacity = 400 WHERE event_id = 9132000 AND id = 9132021;
SELECT hold_test.keep(9132000, 300) AS block \gset
SELECT count(*), min(c.status), max(c.status)
  FROM hold_test.call(9132000, 'hold_create', array_fill(jsonb_build_object('items', hold_test.items('1 general fri ' || :block))::text, ARRAY[300]),
         'organizer bob') AS c;
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(9132000, 'organizer bob', '300 general fri ' || :block);
SELECT hold_test.hold_as(9132000, 'organizer bob', '300 general fri ' || :block);
SELECT hold_test.stock(9132000);
SELECT hold_test.hold_as(9132000, 'organizer bob', '1 general fri ' || :block);
RESET boxoffice.clock_offset;
SELECT k.* FROM generate_series(9130000, 9132000, 1000) AS e (id), boxoffice.check_inventory(e.id) AS k;

\echo # what others hold out of a block they may let go of, in the batch or before it; not of what is sold, nor of what the cart itself has
SELECT hold_test.make_event(9133000, 'BACKP');
SELECT hold_test.keep(9133000, 5) AS block \gset
SELECT hold_test.order_of(9133000, 1, :block) AS placed \gset
SELECT hold_test.hold_as(9133000, 'organizer bob', '3 general fri ' || :block);
SELECT hold_test.last(9133000) AS cart \gset
SELECT hold_test.hold_as(9133000, 'organizer bob', '2 general fri ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '5 general fri ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '6 general fri ' || :block);
SELECT hold_test.op(9133000, 'hold_change', :cart, '5 general fri ' || :block, actor => 'organizer bob');
SELECT hold_test.op(9133000, 'hold_change', :cart, '6 general fri ' || :block, actor => 'organizer bob');
SELECT hold_test.pay(9133000, :placed);
SELECT hold_test.hold_as(9133000, 'organizer bob', '5 general fri ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '4 general fri ' || :block);
SELECT hold_test.op(9133000, 'hold_release', :cart);
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(9133000, 'hold_create', ARRAY(SELECT jsonb_build_object('items', hold_test.items(w))::text
           FROM unnest(ARRAY['3 general fri ' || :block, '2 general fri ' || :block, '5 general fri ' || :block]) WITH ORDINALITY AS u (w, n) ORDER BY n),
         'organizer bob') AS c;
SELECT hold_test.blocks(9133000);
\echo # where the block keeps one of two things that a ticket takes, both must be there to come back
SELECT (api.block_create(9133000, 'house', 'A reason', '[{"pool": "passes", "quantity": 3}]') ->> 'id')::bigint AS block \gset
SELECT hold_test.hold_as(9133000, 'organizer bob', '2 pass sat ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '2 pass sat ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '3 pass sat ' || :block);
UPDATE boxoffice.stock SET capacity = held WHERE event_id = 9133000 AND id = 9133022;
SELECT hold_test.hold_as(9133000, 'organizer bob', '2 pass sat ' || :block);
SELECT hold_test.hold_as(9133000, 'organizer bob', '3 pass sat ' || :block);

\echo # a late payment, and more time for an order, look into the block first: also for what lapsed out of it, whoever comes by first
SELECT hold_test.make_event(9134000, 'BACKQ');
SELECT hold_test.keep(9134000, 6) AS block \gset
SELECT hold_test.order_of(9134000, 3, :block) AS late \gset
SELECT hold_test.order_of(9134000, 3, :block) AS later \gset
SET boxoffice.clock_offset = 1870;
SELECT boxoffice_code.expire_claims(9134000, 10);
SELECT hold_test.hold_as(9134000, 'organizer bob', '4 general fri ' || :block);
SELECT hold_test.blocks(9134000);
SET boxoffice.clock_offset = 3000;
SELECT hold_test.pay(9134000, :late);
SELECT hold_test.blocks(9134000);
SELECT hold_test.hold_as(9134000, 'organizer bob', '2 general fri ' || :block);
SET boxoffice.clock_offset = 4000;
SELECT order_test.say(format('SELECT api.order_extend(9134000, %s, %L)', :later, boxoffice_code.clock() + interval '1 hour'), 'status');
SELECT hold_test.blocks(9134000);
RESET boxoffice.clock_offset;

\echo # a block that is changed has back first what lapsed out of it: it keeps as many as it says, and no more later
SELECT hold_test.make_event(9135000, 'BACKS');
SELECT hold_test.keep(9135000, 6) AS block \gset
SELECT hold_test.hold_as(9135000, 'organizer bob', '2 general fri ' || :block);
SET boxoffice.clock_offset = 500;
SELECT hold_test.hold_as(9135000, 'organizer bob', '1 general fri ' || :block);
SELECT hold_test.blocks(9135000);
SET boxoffice.clock_offset = 1000;
CREATE FUNCTION hold_test.allow(event bigint, block bigint, quantity integer) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(c.answer #>> '{errors,0,code}', c.answer ->> 'left') || ' ' || hold_test.blocks(event)
      FROM hold_test.call(event, 'block_change', ARRAY[format('{"items": [{"id": "1", "quantity": %s}]}', quantity)], 'organizer mary', param => '&block=' || block) AS c
$$;
SELECT hold_test.allow(9135000, :block, 4);
SET boxoffice.clock_offset = 2000;
SELECT hold_test.hold_as(9135000, 'organizer bob', '6 general fri ' || :block);
SELECT hold_test.allow(9135000, :block, 8);
SELECT boxoffice_code.expire_claims(9135000, 10);
SELECT hold_test.blocks(9135000);
RESET boxoffice.clock_offset;
SELECT k.* FROM generate_series(9133000, 9135000, 1000) AS e (id), boxoffice.check_inventory(e.id) AS k;

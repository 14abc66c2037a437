-- Capacities, inventory groups, expiry by the worker, and the check that all of it adds up.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(730000, 'STCK');
CREATE FUNCTION hold_test.change(event bigint, stock bigint, body text, actor text DEFAULT 'organizer mary') RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN c.status >= 400 THEN hold_test.brief(c.status, c.replayed, c.answer)
           ELSE format('%s %s + %s, available %s, %s', c.status, coalesce(c.answer ->> 'capacity', 'unlimited'), c.answer ->> 'overbook',
                c.answer ->> 'available', c.answer ->> 'state') END
      FROM hold_test.call(event, 'stock_change', ARRAY[body], actor, param => '&stock=' || stock) AS c
$$;

\echo # who may
SELECT actor, hold_test.change(730000, 730021, '{"capacity": 20}', nullif(actor, 'nobody'))
  FROM unnest('{nobody,customer ann,organizer eve,organizer bob,organizer mary}'::text[]) AS actor;
SELECT hold_test.change(730000, 1, '{"capacity": 20}'), hold_test.change(700000, 730021, '{"capacity": 20}');

\echo # never below what is taken; what is held is taken
SELECT hold_test.hold(730000, '5 general fri');
SELECT hold_test.change(730000, 730021, '{"capacity": 4}');
SELECT hold_test.change(730000, 730021, '{"capacity": 5}');
SELECT hold_test.hold(730000, '1 general fri');
SELECT hold_test.change(730000, 730021, '{"overbook": 2}');
SELECT hold_test.hold(730000, '2 general fri');
SELECT hold_test.hold(730000, '1 general fri');
SELECT hold_test.change(730000, 730021, '{"overbook": 1}');
SELECT hold_test.change(730000, 730021, '{"capacity": 3, "overbook": 3}');
SELECT hold_test.change(730000, 730021, '{"capacity": null, "overbook": 0}');
SELECT hold_test.hold(730000, '1000 general fri', '1000 general fri');
SELECT hold_test.change(730000, 730021, '{"capacity": 2006}');
\echo # but what has expired is not
SET boxoffice.clock_offset = 901;
SELECT hold_test.hold(730000, '3 general fri');
SELECT hold_test.change(730000, 730021, '{"capacity": 7}');
SELECT hold_test.change(730000, 730021, '{"capacity": 2}');
RESET boxoffice.clock_offset;
SELECT hold_test.stock(730000);
\echo # unlimited is counted
SELECT hold_test.change(730000, 730022, '{"capacity": null}');
SELECT hold_test.hold(730000, '999 general sat');
SELECT hold_test.stock(730000);
SELECT api.stock_change(730000, 730022, 999) ->> 'state', api.stock_change(730000, 730022, NULL) ->> 'capacity';

\echo # the worker finds what has expired, five seconds late, and takes back a bounded number
SELECT hold_test.make_event(731000, 'LATE');
SELECT hold_test.hold(731000, '1 general fri', '1 pass fri', '1 tent fri', '1 general sat');
SELECT count(*) FROM boxoffice_code.expired_events() AS e WHERE e = 731000;
SET boxoffice.clock_offset = 902;
SELECT count(*) FROM boxoffice_code.expired_events() AS e WHERE e = 731000;
SELECT boxoffice_code.expire_claims(731000, 100);
SET boxoffice.clock_offset = 906;
SELECT count(*) FROM boxoffice_code.expired_events() AS e WHERE e = 731000;
SELECT boxoffice_code.expire_claims(731000, 3);
SELECT hold_test.stock(731000);
SELECT boxoffice_code.expire_claims(731000, 3), boxoffice_code.expire_claims(731000, 3);
SELECT count(*) FROM boxoffice_code.expired_events() AS e WHERE e = 731000;
SELECT boxoffice_code.expire_claims(731000, 0);
RESET boxoffice.clock_offset;
SELECT status, count(*) FROM boxoffice.hold WHERE event_id = 731000 GROUP BY 1;
SELECT hold_test.stock(731000);

\echo # inventory groups: pools that a type joins to one for the whole event are one group, others go by session
CREATE FUNCTION hold_test.groups(event bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p.key, s.key), ', ' ORDER BY p.id, s.id)
      FROM boxoffice.stock AS k
      JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
      LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
     WHERE k.event_id = event GROUP BY k.group_id ORDER BY min(k.id)
$$;
SELECT hold_test.groups(731000);
SELECT hold_test.hold(731000, '2 general sat');
DELETE FROM boxoffice.ticket_type_pool WHERE event_id = 731000 AND ticket_type_id = 731041 AND pool_id = 731011;
SELECT boxoffice_code.inventory_regroup(731000);
SELECT hold_test.groups(731000);
SELECT count(*) FROM boxoffice.inventory_group WHERE event_id = 731000;
SELECT hold_test.stock(731000);
SELECT hold_test.op(731000, 'hold_change', hold_test.last(731000), '3 general sat');
INSERT INTO boxoffice.ticket_type_pool VALUES (731000, 731042, 731010);
SELECT boxoffice_code.inventory_regroup(731000), boxoffice_code.inventory_regroup(731000);
SELECT hold_test.groups(731000);
SELECT hold_test.op(731000, 'hold_change', hold_test.last(731000), '3 general sat, 1 tent sat');
SELECT count(*) FROM boxoffice.inventory_group WHERE event_id = 731000;
SELECT hold_test.stock(731000);

\echo # check_inventory sees what does not add up
BEGIN;
UPDATE boxoffice.stock SET held = held + 1, sold = 1 WHERE event_id = 731000 AND id = 731022;
UPDATE boxoffice.hold SET status = 'released' WHERE event_id = 731000 AND id = hold_test.last(731000);
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, ticket_type_id, session_id, unit_price, unit_fee, stock_ids, expires_at)
SELECT 731000, 5, 1, 'held', 2, 6, 7, 8, 0, 0, '{731023,9}', boxoffice_code.clock();
SELECT problem, CASE WHEN id < 1000000 THEN id END, CASE WHEN problem = 'claim_group' THEN NULL ELSE expected END, CASE WHEN problem = 'claim_group' THEN NULL ELSE found END
  FROM boxoffice.check_inventory(731000) ORDER BY 1, 2, 4;
ROLLBACK;
SELECT * FROM boxoffice.check_inventory(731000);

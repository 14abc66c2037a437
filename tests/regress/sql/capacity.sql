-- Pools and capacities as organizers change them: previews, bulk changes, moves, who changed what.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(9500000, 'CAPA');
-- An organizer's call: a refusal in a line, or what matters of the answer.
CREATE FUNCTION hold_test.organize(event bigint, operation text, body text, param text DEFAULT '', actor text DEFAULT 'organizer mary') RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN c.status >= 400 THEN hold_test.brief(c.status, c.replayed, c.answer)
           ELSE c.status || ' ' || regexp_replace(regexp_replace(c.answer::text, '"(id|stock)": "\d{15,}"', '"\1": "new"', 'g'), '"changed_at": "[^"]*"', '"changed_at": "then"', 'g') END
      FROM hold_test.call(event, operation, ARRAY[body], actor, param => param) AS c
$$;
CREATE FUNCTION hold_test.free(event bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s%s %s/%s+%s', p.key, ' ' || s.key, n.available, k.capacity, k.overbook), ', ' ORDER BY k.id)
      FROM boxoffice.stock AS k
      JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
      LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
      JOIN boxoffice_code.stock_now(event, ARRAY(SELECT x.id FROM boxoffice.stock AS x WHERE x.event_id = event), true) AS n ON n.id = k.id
     WHERE k.event_id = event
$$;

\echo # who may
SELECT actor, op, hold_test.organize(9500000, op, body, param, nullif(actor, 'nobody'))
  FROM unnest('{nobody,customer ann,organizer eve,organizer bob,support sue}'::text[]) AS actor,
       (VALUES ('pool_create', '{"key": "balcony", "name": "Balcony", "scope": "session", "capacity": 5}', ''), ('pool_change', '{"name": "x"}', '&pool=house'), ('pool_delete', NULL, '&pool=house'),
               ('stock_change_many', '{"pool": "house", "capacity": 1}', ''), ('stock_move', '{"moves": [{"from": "1", "to": "2", "quantity": 1}]}', '')) AS o (op, body, param);

\echo # a new pool has its rows, each a group of its own, and disturbs no group that sells
SELECT array_agg(id ORDER BY id) AS groups FROM boxoffice.inventory_group WHERE event_id = 9500000 \gset
SELECT hold_test.organize(9500000, 'pool_create', '{"key": "balcony", "name": "Balcony", "scope": "session", "capacity": 5}');
SELECT hold_test.organize(9500000, 'pool_create', '{"key": "balcony", "name": "Again", "scope": "event", "capacity": 5}');
SELECT hold_test.organize(9500000, 'pool_create', '{"key": "early", "name": "Early", "scope": "event", "capacity": null, "overbook": 0}');
SELECT count(*), bool_and(:'groups'::bigint[] <@ ARRAY(SELECT g.id FROM boxoffice.inventory_group AS g WHERE g.event_id = 9500000))
  FROM boxoffice.inventory_group WHERE event_id = 9500000;
SELECT boxoffice_code.inventory_regroup(9500000);
SELECT hold_test.free(9500000);

\echo # a preview says what a change would do and changes nothing (FIELD 4.1: 32, stock below sold is refused and the right one is named)
SELECT hold_test.hold(9500000, '4 general fri');
SELECT version AS v FROM boxoffice.event WHERE id = 9500000 \gset
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 3, "preview": true}', '&pool=house');
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 3}', '&pool=house');
SET boxoffice.clock_offset = 901;
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 3, "preview": true}', '&pool=house');
RESET boxoffice.clock_offset;
SELECT version - :v FROM boxoffice.event WHERE id = 9500000;
SELECT hold_test.free(9500000), hold_test.stock(9500000);
SELECT count(*) FROM boxoffice.stock_change WHERE event_id = 9500000;
\echo # … and what it said comes true
SET boxoffice.clock_offset = 901;
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 3, "reason": "The gallery is closed"}', '&pool=house');
RESET boxoffice.clock_offset;
SELECT hold_test.free(9500000), hold_test.stock(9500000);
SELECT version - :v FROM boxoffice.event WHERE id = 9500000;
\echo # raised, as much more is free (FIELD 4.1: 1, 2); equal is fine, unlimited too (32)
SELECT hold_test.hold(9500000, '3 general fri'), hold_test.hold(9500000, '1 general fri');
SELECT hold_test.organize(9500000, 'stock_change', '{"capacity": 3}', '&stock=9500021');
SELECT hold_test.organize(9500000, 'stock_change', '{"capacity": 4}', '&stock=9500021');
SELECT hold_test.hold(9500000, '1 general fri'), hold_test.hold(9500000, '1 general fri');
\echo # a sell-out of one date leaves the other as it is (FIELD 4.1: 26); other types of the pool count as well (7)
SELECT hold_test.hold(9500000, '1 secret fri'), hold_test.hold(9500000, '1 secret sat');
\echo # rows that were set by themselves do not follow the pool, unless all are to
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 6, "overbook": 1, "reason": "More chairs"}', '&pool=house');
SELECT hold_test.free(9500000);
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 7, "apply": "all"}', '&pool=9500010');
SELECT hold_test.organize(9500000, 'pool_change', '{"capacity": 8, "apply": "none", "key": "hall", "name": "Hall"}', '&pool=house');
SELECT hold_test.free(9500000);
SELECT hold_test.organize(9500000, 'pool_change', '{"key": "balcony"}', '&pool=hall');
SELECT hold_test.organize(9500000, 'pool_change', '{}', '&pool=hall'), hold_test.organize(9500000, 'pool_change', '{"scope": "event"}', '&pool=hall');
SELECT hold_test.organize(9500000, 'pool_change', '{"name": "x"}', '&pool=house');

\echo # many at once, all or none
SELECT hold_test.organize(9500000, 'stock_change_many', body) FROM unnest(ARRAY[
    '{"pool": "hall", "add": -4, "preview": true}', '{"pool": "hall", "add": -4}', '{"pool": "hall", "session": "sat", "add": -4}',
    '{"session": "fri", "overbook": 0, "reason": "No more of it"}', '{"stock": ["9500023", "9500024"], "capacity": 9}', '{"pool": "early", "add": 5}',
    '{"stock": ["9500023", "1"], "capacity": 9}', '{"pool": "moon", "capacity": 9}', '{"pool": "hall", "session": "moon", "capacity": 9}',
    '{"capacity": 9, "overbook": 0}', '{"pool": "hall", "preview": true}', '{"pool": "hall", "capacity": 1, "add": 1}', '{"pool": "hall", "capacity": -1}',
    '{"pool": "hall", "from": "2126-01-01T00:00:00Z", "capacity": 1}', '{"stock": [], "capacity": 1}']) AS body;
SELECT hold_test.free(9500000);

\echo # moves: one step, and rows that are full may swap
SELECT hold_test.hold(9500000, '3 general sat');
SELECT hold_test.organize(9500000, 'stock_move', body) FROM unnest(ARRAY[
    '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 4}]}', '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 2}], "preview": true}',
    '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 2}], "reason": "Saturday sells better"}',
    '{"moves": [{"from": "9500023", "to": "9500024", "quantity": 3}, {"from": "9500024", "to": "9500023", "quantity": 3}]}',
    '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 1}, {"from": "9500024", "to": "9500021", "quantity": 1}]}',
    '{"moves": [{"from": "9500021", "to": "1", "quantity": 1}]}', '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 6}]}', '{"moves": []}',
    '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 0}]}',
    '{"moves": [{"from": "9500021", "to": "9500022", "quantity": 1}, {"from": "9500021", "to": "9500021", "quantity": 1}, {"from": "1", "to": "1", "quantity": 1}]}']) AS body;
SELECT hold_test.organize(9500000, 'stock_move', format('{"moves": [{"from": "9500021", "to": "%s", "quantity": 1}]}', k.id))
  FROM boxoffice.stock AS k WHERE k.event_id = 9500000 AND k.capacity IS NULL;
SELECT hold_test.free(9500000), hold_test.stock(9500000);

\echo # lists
SELECT hold_test.organize(9500000, 'stock_list', NULL, '&session=fri&limit=1', 'support sue');
SELECT string_agg(i ->> 'pool' || coalesce(' ' || (i ->> 'session'), ''), ', ' ORDER BY n) || coalesce(' …', '')
  FROM (VALUES ('&pool=hall'), ('&pool=passes'), ('&session=sat'), ('&pool=hall&session=sat'), ('&limit=100')) AS f (filter),
       LATERAL hold_test.call(9500000, 'stock_list', ARRAY[NULL], 'organizer bob', param => filter) AS c, LATERAL jsonb_array_elements(c.answer -> 'items') WITH ORDINALITY AS l (i, n)
 GROUP BY filter ORDER BY filter;
SELECT status, answer ->> 'next' FROM hold_test.call(9500000, 'stock_list', ARRAY[NULL], 'organizer bob', param => '&pool=hall&limit=1');
SELECT status, answer #>> '{items,0,session}', answer ->> 'next' FROM hold_test.call(9500000, 'stock_list', ARRAY[NULL], 'organizer bob', param => '&pool=hall&limit=1&cursor=9500001');
SELECT hold_test.organize(9500000, 'stock_list', NULL, '&pool=moon'), hold_test.organize(9500000, 'stock_list', NULL, '', 'organizer eve'), hold_test.organize(1, 'stock_list', NULL);
SELECT i ->> 'pool', i ->> 'session', i ->> 'capacity_from', i ->> 'capacity_to', i ->> 'overbook_to', i ->> 'reason', i ->> 'changed_by'
  FROM hold_test.call(9500000, 'stock_change_list', ARRAY[NULL], 'organizer bob') AS c, LATERAL jsonb_array_elements(c.answer -> 'items') WITH ORDINALITY AS l (i, n) ORDER BY n;

\echo # a pool in use stays
SELECT hold_test.organize(9500000, 'pool_delete', NULL, '&pool=hall'), hold_test.organize(9500000, 'pool_delete', NULL, '&pool=hall&preview=true');
SELECT hold_test.organize(9500000, 'block_create', '{"channel": "house", "reason": "x", "items": [{"pool": "early", "quantity": 1}]}') LIKE '201%';
SELECT hold_test.organize(9500000, 'pool_delete', NULL, '&pool=early');
SELECT hold_test.organize(9500000, 'block_release', NULL, '&block=' || max(id)) LIKE '200%' FROM boxoffice.block WHERE event_id = 9500000;
SELECT hold_test.organize(9500000, 'pool_delete', NULL, '&pool=early&preview=true');
SELECT hold_test.organize(9500000, 'pool_delete', NULL, '&pool=balcony&preview=true');
SELECT hold_test.organize(9500000, 'pool_delete', NULL, '&pool=balcony'), hold_test.organize(9500000, 'pool_delete', NULL, '&pool=balcony');
SELECT hold_test.free(9500000);
SELECT count(*) FROM boxoffice.inventory_group AS g WHERE g.event_id = 9500000
   AND NOT EXISTS (SELECT FROM boxoffice.stock AS s WHERE s.event_id = g.event_id AND s.group_id = g.id);
SELECT * FROM boxoffice.check_inventory(9500000);

\echo # in SQL: the same, and a refusal is an error
SELECT api.stock_change(9500000, 9500021, overbook => 2, reason => 'By hand') ->> 'overbook';
SELECT api.pool_change(9500000, 'hall', '{"capacity": 1, "apply": "all"}');
SELECT api.pool_create(9500000, 'Bad Key', 'x', 'session', 1);
SELECT api.pool_create(9500000, 'good', 'x', 'session', 1, if_match => '"1"');
SELECT changed_by, reason FROM boxoffice.stock_change WHERE event_id = 9500000 ORDER BY id DESC LIMIT 1;

\echo # in SQL what a capacity may be is what the contract says
\set SHOW_CONTEXT never
SELECT api.stock_change(9500000, 9500021, capacity => -5, overbook => 10);
SELECT api.stock_change(9500000, 9500021, capacity => 2000000000);
SELECT api.stock_change(9500000, 9500021, overbook => NULL);
SELECT api.stock_change(9500000, 9500021, reason => repeat('x', 501));
SELECT api.stock_change(9500000, 9500021, preview => NULL) IS NOT NULL, api.stock_change(9500000, 9500021) IS NOT NULL;

\echo # what is unlimited is counted, so it ends where counting does
SELECT api.pool_create(9500000, 'endless', 'Endless', 'event', NULL) ->> 'capacity';
SELECT max(n) FROM generate_series(1, 42) AS n, LATERAL (SELECT api.block_create(9500000, 'house', 'x' || n,
    (SELECT jsonb_agg('{"pool": "endless", "quantity": 1000000}'::jsonb) FROM generate_series(1, 50)))) AS b;
SELECT api.block_create(9500000, 'house', 'x', (SELECT jsonb_agg('{"pool": "endless", "quantity": 1000000}'::jsonb) FROM generate_series(1, 48)));
SELECT s.blocked FROM boxoffice.stock AS s JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id WHERE p.event_id = 9500000 AND p.key = 'endless';
SELECT * FROM boxoffice.check_inventory(9500000);

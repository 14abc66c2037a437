-- Places kept back, and sales from them.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(720000, 'BLCK');
CREATE FUNCTION hold_test.block(event bigint, actor text, items text, extra jsonb DEFAULT '{}', key text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN c.status >= 400 THEN hold_test.brief(c.status, c.replayed, c.answer)
           ELSE format('%s%s %s: %s', c.status, CASE WHEN c.replayed THEN ' replayed' END, c.answer ->> 'created_by',
            (SELECT string_agg(concat_ws(' ', i ->> 'quantity', i ->> 'ticket_type', 'pool ' || (i ->> 'pool'), i ->> 'session'), ', ' ORDER BY n)
               FROM jsonb_array_elements(c.answer -> 'items') WITH ORDINALITY AS p (i, n))) END
      FROM hold_test.call(event, 'block_create', ARRAY[(jsonb_build_object('channel', 'sponsor', 'reason', 'The main sponsor', 'items', items::jsonb) || extra)::text], actor, ARRAY[key]) AS c
$$;

\echo # who may: managers of the organizer
SELECT actor, hold_test.block(720000, nullif(actor, 'nobody'), '[{"ticket_type": "general", "session": "fri", "quantity": 1}]')
  FROM unnest('{nobody,customer ann,organizer eve,organizer bob}'::text[]) AS actor;
SELECT hold_test.block(720000, 'organizer mary', '[{"ticket_type": "general", "session": "fri", "quantity": 4}, {"pool": "camping", "quantity": 2}, {"pool": "house", "session": "sat", "quantity": 1}]', key => 'block-1');
SELECT hold_test.block(720000, 'organizer mary', '[{"ticket_type": "general", "session": "fri", "quantity": 4}, {"pool": "camping", "quantity": 2}, {"pool": "house", "session": "sat", "quantity": 1}]', key => 'block-1');
SELECT max(id) AS b FROM boxoffice.block WHERE event_id = 720000 \gset
SELECT hold_test.stock(720000);

\echo # what cannot be kept back
SELECT hold_test.block(720000, 'organizer mary', items) FROM unnest(ARRAY[
    '[{"ticket_type": "general", "quantity": 1}]', '[{"ticket_type": "nothing", "session": "fri", "quantity": 1}]',
    '[{"pool": "nothing", "session": "fri", "quantity": 1}]', '[{"pool": "house", "quantity": 1}]',
    '[{"quantity": 1}]', '[{"ticket_type": "general", "pool": "house", "session": "fri", "quantity": 1}]',
    '[{"ticket_type": "friday-only", "session": "sat", "quantity": 1}]', '[{"pool": "camping", "quantity": 1}, {"ticket_type": "general", "session": "fri", "quantity": 7}]']) AS items;
SELECT hold_test.stock(720000);

\echo # blocked places are not for sale, and sold from the block by whom it is for
SELECT hold_test.hold(720000, '7 general fri');
SELECT hold_test.hold(720000, '6 general fri');
SELECT hold_test.hold_as(720000, 'customer ann', '1 general fri ' || :b);
SELECT hold_test.hold_as(720000, 'organizer bob', '2 general fri ' || :b);
SELECT hold_test.last(720000) AS h \gset
SELECT hold_test.stock(720000);
SELECT hold_test.hold_as(720000, 'organizer bob', '3 general fri ' || :b);
SELECT hold_test.hold_as(720000, 'organizer bob', '3 general fri ' || :b, true);
SELECT hold_test.hold_as(720000, 'organizer bob', '1 general sat ' || :b || ', 1 tent fri ' || :b);
SELECT hold_test.hold_as(720000, 'organizer bob', '1 general fri ' || 1);
SELECT hold_test.stock(720000);
\echo # a pass from a block of the house takes a place of the block and a pass
SELECT hold_test.block(720000, 'organizer mary', '[{"pool": "house", "session": "sat", "quantity": 2}]');
SELECT max(id) AS c FROM boxoffice.block WHERE event_id = 720000 \gset
SELECT hold_test.hold_as(720000, 'organizer bob', '2 pass sat ' || :c);
SELECT hold_test.stock(720000);

\echo # given up they go back to the block; a lapsed hold too
SELECT hold_test.op(720000, 'hold_release', hold_test.last(720000));
SELECT hold_test.op(720000, 'hold_change', :h, '1 general fri ' || :b, actor => 'organizer bob');
SELECT hold_test.stock(720000);
SET boxoffice.clock_offset = 906;
SELECT boxoffice_code.expire_claims(720000, 100);
SELECT hold_test.stock(720000);
RESET boxoffice.clock_offset;
SELECT hold_test.hold_as(720000, 'organizer bob', '3 general fri ' || :b);
\echo # released, what is not sold is free; what comes back later is free as well
SELECT status, answer -> 'items' -> 0 ->> 'quantity' FROM hold_test.call(720000, 'block_release', ARRAY[NULL], 'organizer bob', param => '&block=' || :b);
SELECT status, answer -> 'items' -> 0 ->> 'quantity' FROM hold_test.call(720000, 'block_release', ARRAY[NULL], 'organizer mary', param => '&block=' || :b);
SELECT status, answer -> 'items' -> 0 ->> 'quantity' FROM hold_test.call(720000, 'block_release', ARRAY[NULL], 'organizer mary', param => '&block=' || :b);
SELECT hold_test.stock(720000);
SELECT hold_test.op(720000, 'hold_release', hold_test.last(720000));
SELECT hold_test.stock(720000);

\echo # a block with a time goes back to sale by itself, when somebody needs it or the worker comes
SELECT hold_test.block(720000, 'organizer mary', '[{"ticket_type": "general", "session": "fri", "quantity": 10}]',
    jsonb_build_object('release_at', to_char((boxoffice_code.clock() + interval '1 hour') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
SELECT hold_test.hold(720000, '1 general fri');
SET boxoffice.clock_offset = 3601;
SELECT hold_test.hold(720000, '1 general fri');
SELECT state, quantity FROM boxoffice.claim WHERE event_id = 720000 AND owner_id = (SELECT max(id) FROM boxoffice.block WHERE event_id = 720000);
RESET boxoffice.clock_offset;
SELECT hold_test.stock(720000);

\echo # what a ticket takes beside its block, is not there for its add-on
SELECT hold_test.make_event(9990000, 'BLCKADD');
INSERT INTO boxoffice.ticket_type_addon (event_id, ticket_type_id, parent_type_id, min_per_parent, max_per_parent) VALUES (9990000, 9990042, 9990041, 0, 1);
UPDATE boxoffice.ticket_type_pool SET pool_id = 9990011 WHERE event_id = 9990000 AND ticket_type_id = 9990042;
SELECT boxoffice_code.inventory_regroup(9990000);
SELECT hold_test.block(9990000, 'organizer mary', '[{"pool": "house", "session": "sat", "quantity": 3}]');
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM generate_series(3, 2, -1) AS n, (SELECT max(id) AS id FROM boxoffice.block WHERE event_id = 9990000) AS b,
       hold_test.call(9990000, 'hold_create', ARRAY[format('{"items": [{"ticket_type": "pass", "session": "sat", "quantity": %s, "block": "%s", "addons": [{"ticket_type": "tent", "quantity": 1}]}]}', n, b.id)], 'organizer bob') AS c;
SELECT hold_test.stock(9990000);
SELECT * FROM boxoffice.check_inventory(9990000);

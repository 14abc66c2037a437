-- Allotments of channels: what a block has sold and left, and how it grows, shrinks and ends.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(9520000, 'ALTT');
CREATE FUNCTION hold_test.block_brief(status integer, replayed boolean, answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN status >= 400 THEN hold_test.brief(status, replayed, answer)
           ELSE format('%s %s (%s)%s: left %s held %s pending %s sold %s: %s', status, answer ->> 'channel', answer ->> 'reason', ' until ' || CASE WHEN answer ->> 'release_at' LIKE '2127%' THEN answer ->> 'release_at' ELSE replace(answer ->> 'release_at', answer ->> 'release_at', 'then') END,
                answer ->> 'left', answer ->> 'held', answer ->> 'pending', answer ->> 'sold',
                (SELECT string_agg(concat_ws(' ', i ->> 'quantity', i ->> 'ticket_type', i ->> 'pool', i ->> 'session'), ', ' ORDER BY n)
                   FROM jsonb_array_elements(answer -> 'items') WITH ORDINALITY AS p (i, n))) END
$$;
CREATE FUNCTION hold_test.allot(event bigint, operation text, body text, param text DEFAULT '', actor text DEFAULT 'organizer mary') RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.block_brief(c.status, c.replayed, c.answer) FROM hold_test.call(event, operation, ARRAY[body], actor, param => param) AS c
$$;
CREATE FUNCTION hold_test.allotted_until(block bigint) RETURNS text LANGUAGE sql AS $$
    SELECT boxoffice_code.time_text(b.release_at, 'UTC') FROM boxoffice.block AS b WHERE b.event_id = 9520000 AND b.id = block
$$;
SELECT hold_test.allot(9520000, 'block_create', '{"channel": "agency", "reason": "Allotment", "items": [{"ticket_type": "general", "session": "fri", "quantity": 4}, {"pool": "camping", "quantity": 1}]}');
SELECT max(id) AS b FROM boxoffice.block WHERE event_id = 9520000 \gset
SELECT '&block=' || :b AS p \gset

\echo # who may
SELECT actor, hold_test.allot(9520000, 'block_get', NULL, :'p', nullif(actor, 'nobody')), hold_test.allot(9520000, 'block_change', '{"reason": "x"}', :'p', nullif(actor, 'nobody')),
       (SELECT c.status FROM hold_test.call(9520000, 'block_list', ARRAY[NULL], nullif(actor, 'nobody')) AS c)
  FROM unnest('{nobody,customer ann,organizer eve,organizer bob,support sue}'::text[]) AS actor;
SELECT hold_test.allot(9520000, 'block_get', NULL, '&block=1'), hold_test.allot(9520000, 'block_change', '{"reason": "x"}', '&block=1');

\echo # sold out of it, it says so
SELECT hold_test.hold_as(9520000, 'organizer bob', '2 general fri ' || :b);
SELECT hold_test.allot(9520000, 'block_get', NULL, :'p', 'support sue');
\echo # it grows where there are places, also such as have expired, and shrinks at once
SELECT hold_test.hold(9520000, '6 general fri');
SELECT hold_test.allot(9520000, 'block_change', '{"items": [{"id": "1", "quantity": 3}]}', :'p');
SELECT hold_test.allot(9520000, 'block_change', '{"items": [{"id": "1", "quantity": 9}]}', :'p');
SELECT hold_test.allot(9520000, 'block_change', '{"items": [{"id": "1", "quantity": 1}, {"id": "2", "quantity": 2}], "reason": "Less of one, more of the other"}', :'p');
SELECT hold_test.stock(9520000);
SELECT hold_test.hold(9520000, '1 general fri');
SET boxoffice.clock_offset = 901;
SELECT hold_test.allot(9520000, 'block_change', '{"items": [{"id": "1", "quantity": 8}]}', :'p');
SELECT hold_test.stock(9520000);
RESET boxoffice.clock_offset;
\echo # what cannot be
SELECT hold_test.allot(9520000, 'block_change', body, :'p') FROM unnest(ARRAY['{"items": [{"id": "3", "quantity": 1}]}', '{"items": [{"id": "1", "quantity": 1}, {"id": "1", "quantity": 2}]}',
    '{"items": [{"id": "1", "quantity": -1}]}', '{"items": []}', '{}', '{"channel": "A b"}', '{"release_at": "soon"}', '{"reason": null}']) AS body;
\echo # … nor a time of release that is past, of a new one or of this (once, they kept nothing and said so to nobody)
SELECT hold_test.allot(9520000, 'block_create', '{"channel": "agency", "reason": "Late", "items": [{"pool": "camping", "quantity": 1}], "release_at": "2020-01-01T00:00:00Z"}'),
       hold_test.allot(9520000, 'block_change', '{"release_at": "2020-01-01T00:00:00Z"}', :'p');
\echo # a time of release may come, move and go; once it is over the places are free (FIELD 4.1: 11, 16 for blocks; 17: a place held out of a block counts once)
SELECT hold_test.allot(9520000, 'block_change', '{"channel": "partner", "release_at": "2127-01-01T00:00:00Z"}', :'p');
SELECT hold_test.allot(9520000, 'block_change', '{"release_at": null, "items": [{"id": "1", "quantity": 5}]}', :'p');
SELECT hold_test.allot(9520000, 'block_change', format('{"release_at": "%s"}', to_char((boxoffice_code.clock() + interval '1 hour') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), :'p') LIKE '200 partner%until%';
SELECT n.available FROM boxoffice_code.stock_now(9520000, ARRAY[9520021::bigint], true) AS n;
SET boxoffice.clock_offset = 3601;
SELECT n.available FROM boxoffice_code.stock_now(9520000, ARRAY[9520021::bigint], true) AS n;
SELECT hold_test.hold(9520000, '10 general fri');
SELECT hold_test.allot(9520000, 'block_get', NULL, :'p');
SELECT hold_test.allot(9520000, 'block_change', '{"items": [{"id": "1", "quantity": 1}]}', :'p');
\echo # … and the time that it has may be said again
SELECT hold_test.allot(9520000, 'block_change', format('{"reason": "Over", "release_at": "%s"}', hold_test.allotted_until(:b)), :'p');
RESET boxoffice.clock_offset;
SELECT problem, expected, found FROM boxoffice.check_inventory(9520000);
\echo # lists
SELECT hold_test.allot(9520000, 'block_create', '{"channel": "house", "reason": "For the artists", "items": [{"ticket_type": "general", "session": "sat", "quantity": 2}]}');
SELECT hold_test.block_brief(200, false, i) FROM hold_test.call(9520000, 'block_list', ARRAY[NULL], 'organizer bob') AS c, LATERAL jsonb_array_elements(c.answer -> 'items') WITH ORDINALITY AS l (i, n) ORDER BY n;
SELECT hold_test.block_brief(200, false, i), answer ->> 'next' IS NULL FROM hold_test.call(9520000, 'block_list', ARRAY[NULL], 'organizer bob', param => '&channel=partner') AS c, LATERAL jsonb_array_elements(c.answer -> 'items') AS i;
SELECT jsonb_array_length(answer -> 'items'), answer ->> 'next' IS NULL FROM hold_test.call(9520000, 'block_list', ARRAY[NULL], 'organizer bob', param => '&limit=1') AS c;

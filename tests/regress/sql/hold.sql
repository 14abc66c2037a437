-- Keeping places: what is granted, what is refused and how it is said.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(700000, 'HELD');

\echo # how an answer looks
SELECT answer AS a FROM hold_test.call(700000, 'hold_create', ARRAY['{"items":[{"ticket_type":"general","session":"fri","quantity":2}]}']) \gset
SELECT key, CASE WHEN key IN ('id', 'secret', 'created_at', 'expires_at', 'extend_until') THEN jsonb_typeof(value) ELSE value::text END
  FROM jsonb_each(:'a'::jsonb) ORDER BY key;
SELECT (:'a'::jsonb ->> 'expires_at')::timestamptz - (:'a'::jsonb ->> 'created_at')::timestamptz,
       (:'a'::jsonb ->> 'extend_until')::timestamptz - (:'a'::jsonb ->> 'created_at')::timestamptz;
SELECT :'a'::jsonb ->> 'secret' = boxoffice_code.hold_secret((:'a'::jsonb ->> 'id')::bigint), length(:'a'::jsonb ->> 'secret');
SELECT hold_test.stock(700000);

\echo # one line takes of all its pools; what is asked for twice is one line; an id is as good as a key
SELECT hold_test.hold(700000, '1 pass fri, 1 general sat, 2 general sat, 1 700040 sat');
SELECT hold_test.stock(700000);

\echo # a batch is decided in order of arrival, and what is refused spoils nothing
SELECT hold_test.hold(700000, '6 general fri', '2 nothing fri', '2 general fri', '1 general fri', '1 general fri');
SELECT hold_test.stock(700000);

\echo # all or nothing: a line that is short takes the others with it
SELECT hold_test.hold(700000, '1 tent sat, 2 general fri');
SELECT hold_test.stock(700000);
\echo # but partial takes what there is
SELECT hold_test.hold_as(700000, NULL, '1 tent sat, 2 general fri', true);
SELECT hold_test.hold_as(700000, NULL, '2 general fri', true);
SELECT hold_test.hold_as(700000, NULL, '4 general sat', true);
\echo # a part below the minimum of its type is none
SELECT hold_test.hold_as(700000, NULL, '3 group sat', true);
SELECT hold_test.hold_as(700000, NULL, '9 general sat', true);

\echo # sold out is what nobody can let go of
UPDATE boxoffice.stock SET capacity = 0 WHERE event_id = 700000 AND id = 700024 AND held = 0;
SELECT hold_test.hold(700000, '4 tent fri');
SELECT hold_test.hold(700000, '3 tent fri');

\echo # names, sessions and types
SELECT hold_test.make_event(701000, 'NAME'), hold_test.make_event(701500, 'NAMEB', 1);
SELECT hold_test.hold(701000, '1 general', '1 nothing fri', '1 general sun', '1 friday-only sat', '1 friday-only fri', '1 secret fri', '1 poolless fri');
SELECT hold_test.hold(701500, '1 general', '1 general fri');
SELECT hold_test.hold(1, '1 general');

\echo # numbers an order may have
SELECT hold_test.hold(701000, '2 group fri', '7 group fri', '2 group fri, 2 group sat', '2 group fri, 5 group sat');
UPDATE boxoffice.event SET max_per_order = 5, version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '3 general fri, 3 general sat', '2 general fri, 3 general sat');

\echo # when the event, the session or the type is not on sale (FIELD 4.3.51)
UPDATE boxoffice.event SET status = 'draft', version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
UPDATE boxoffice.event SET status = 'paused', version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
UPDATE boxoffice.event SET status = 'cancelled', version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
UPDATE boxoffice.event SET status = 'published', sale_starts_at = '2099-01-01', sale_ends_at = '2099-02-01', version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
UPDATE boxoffice.event SET sale_starts_at = NULL, sale_ends_at = '2001-02-01', version = version + 1 WHERE id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
UPDATE boxoffice.event SET sale_ends_at = NULL, version = version + 1 WHERE id = 701000;
UPDATE boxoffice.session SET sale_starts_at = '2099-01-01' WHERE event_id = 701000 AND key = 'fri';
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 701000 AND key = 'sat';
UPDATE boxoffice.ticket_type SET status = 'paused' WHERE event_id = 701000 AND key = 'secret';
UPDATE boxoffice.ticket_type SET status = 'retired' WHERE event_id = 701000 AND key = 'tent';
UPDATE boxoffice.ticket_type SET sale_ends_at = '2001-01-01' WHERE event_id = 701000 AND key = 'pass';
SELECT regexp_replace(h, '"sale_ends_at": "[^"]*"', '"sale_ends_at": "(its start)"') FROM hold_test.hold(701000, '1 general fri', '1 general sat') AS h;
UPDATE boxoffice.session SET sale_starts_at = NULL, status = 'open' WHERE event_id = 701000;
SELECT hold_test.hold(701000, '1 secret fri', '1 tent fri', '1 pass fri', '1 general fri');
\echo # a session closes at its start, or an offset from it
SET boxoffice.clock_offset = 864001;
SELECT regexp_replace(hold_test.hold(701000, '1 general fri'), '"20[^"]*"', '"(its start)"');
SELECT hold_test.hold(701000, '1 general sat');
UPDATE boxoffice.session SET sale_close_offset_ms = 60000 WHERE event_id = 701000;
SELECT hold_test.hold(701000, '1 general fri');
RESET boxoffice.clock_offset;

\echo # a limit per buyer counts over sessions and holds, comes back, and knows nobody without a token
SELECT hold_test.make_event(702000, 'FEWS');
UPDATE boxoffice.ticket_type SET buyer_limit = 3 WHERE event_id = 702000 AND key = 'general';
UPDATE boxoffice.event SET buyer_limit = 4, version = version + 1 WHERE id = 702000;
SELECT hold_test.hold_as(702000, 'customer ann', '2 general fri');
SELECT hold_test.hold_as(702000, 'customer ann', '2 general sat');
SELECT hold_test.hold_as(702000, 'customer ann', '1 general sat');
SELECT hold_test.hold_as(702000, 'customer ann', '2 secret sat');
SELECT hold_test.hold_as(702000, 'customer ann', '1 secret sat');
SELECT hold_test.hold_as(702000, 'customer bea', '3 general sat');
SELECT hold_test.hold_as(702000, NULL, '4 general fri');
SELECT buyer_key, ticket_type_id, taken, taken_max FROM boxoffice.buyer WHERE event_id = 702000 ORDER BY 1, 2;
\echo # two of one batch share it
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(702000, 'hold_create', array_fill('{"items":[{"ticket_type":"general","session":"fri","quantity":2}]}'::text, ARRAY[2]), 'customer cat') AS c;
\echo # what a buyer let lapse does not count
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(702000, 'customer ann', '3 general sat');
SELECT buyer_key, ticket_type_id, taken, taken_max FROM boxoffice.buyer WHERE event_id = 702000 AND buyer_key = 's:ann' ORDER BY 1, 2;
SELECT hold_test.stock(702000);
RESET boxoffice.clock_offset;

\echo # an expired hold gives its places to who needs them, the oldest first and no more than needed
SELECT hold_test.make_event(703000, 'LAPSE');
SELECT hold_test.hold(703000, '4 general fri');
SELECT hold_test.hold(703000, '2 pass fri');
SELECT hold_test.hold(703000, '4 general fri');
SELECT hold_test.hold(703000, '1 general fri');
SET boxoffice.clock_offset = 901;
SELECT hold_test.hold(703000, '3 general fri');
SELECT hold_test.stock(703000);
SELECT status, count(*) FROM boxoffice.hold WHERE event_id = 703000 GROUP BY 1 ORDER BY 1;
SELECT hold_test.hold(703000, '7 general fri');
SELECT hold_test.stock(703000);
\echo # and what is left of the batch is told apart: held by others, and sold
SELECT hold_test.hold(703000, '1 general fri');
RESET boxoffice.clock_offset;
SELECT hold_test.stock(703000);

\echo # more expired than one transaction takes back: come again, and each time some are back
SELECT hold_test.make_event(704000, 'MANY');
UPDATE boxoffice.stock SET capacity = 600 WHERE event_id = 704000;
SELECT count(*) FROM generate_series(0, 4) AS n, hold_test.call(704000 + 0 * n, 'hold_create',
    array_fill('{"items":[{"ticket_type":"general","session":"fri","quantity":1}]}'::text, ARRAY[120]));
SET boxoffice.clock_offset = 901;
SELECT hold_test.hold(704000, '600 general fri');
SELECT hold_test.stock(704000);
SELECT hold_test.hold(704000, '600 general fri');
SELECT hold_test.hold(704000, '600 general fri');
SELECT hold_test.stock(704000);
RESET boxoffice.clock_offset;

\echo # an idempotency key gives the same hold again, and only for the same request
SELECT hold_test.make_event(705000, 'KEYS');
SELECT hold_test.hold_as(705000, 'customer ann', '2 general fri', key => 'one');
SELECT hold_test.hold_as(705000, 'customer ann', '2 general fri', key => 'one');
SELECT hold_test.hold_as(705000, 'customer ann', '3 general fri', key => 'one');
SELECT hold_test.hold_as(705000, 'customer bea', '3 general fri', key => 'one');
SELECT hold_test.stock(705000);
\echo # a refusal is not stored
SELECT hold_test.hold_as(705000, 'customer ann', '6 general fri', key => 'two');
SELECT hold_test.op(705000, 'hold_release', hold_test.last(705000));
SELECT hold_test.hold_as(705000, 'customer ann', '6 general fri', key => 'two');
\echo # one key twice in a batch: granted, given again, refused; then refused twice
SELECT hold_test.brief(c.status, c.replayed, c.answer), c.answer ->> 'id' = min(c.answer ->> 'id') OVER () AS same
  FROM hold_test.call(705000, 'hold_create', ARRAY['{"items":[{"ticket_type":"general","session":"sat","quantity":6}]}',
    '{"items":[{"ticket_type":"general","session":"sat","quantity":6}]}', '{"items":[{"ticket_type":"general","session":"sat","quantity":1}]}'],
    'customer ann', array_fill('three'::text, ARRAY[3])) AS c;
SELECT hold_test.brief(c.status, c.replayed, c.answer)
  FROM hold_test.call(705000, 'hold_create', ARRAY['{"items":[{"ticket_type":"general","session":"sat","quantity":6}]}',
    '{"items":[{"ticket_type":"general","session":"sat","quantity":6}]}', '{"items":[{"ticket_type":"general","session":"sat","quantity":1}]}'],
    'customer ann', array_fill('four'::text, ARRAY[3])) AS c;
\echo # a key with the time in it is a key like any other
SELECT hold_test.hold_as(705000, NULL, n || ' tent fri', key => k)
  FROM (VALUES (1, 1, '019aab12-3456-7abc-8def-0123456789ab'), (2, 1, '019aab12-3456-7abc-8def-0123456789ab'),
               (3, 2, '019aab12-3456-7abc-8def-0123456789ab'), (4, 1, '019aab12-3456-7abc-8def-0123456789ac')) AS v (o, n, k)
 ORDER BY o;
\echo # it is given again though the sale is over, as it is by then
UPDATE boxoffice.event SET status = 'paused', version = version + 1 WHERE id = 705000;
SET boxoffice.clock_offset = 1000;
SELECT hold_test.hold_as(705000, 'customer ann', '6 general fri', key => 'two');
RESET boxoffice.clock_offset;
SELECT hold_test.stock(705000);

\echo # channels and who may sell in them
SELECT hold_test.make_event(706000, 'CHAN');
SELECT c.status, c.answer ->> 'channel', c.answer -> 'errors'
  FROM unnest('{NULL,customer ann,organizer bob,organizer sid,organizer eve,admin root}'::text[]) WITH ORDINALITY AS a (actor, n),
       hold_test.call(706000, 'hold_create', ARRAY['{"items":[{"ticket_type":"general","session":"fri","quantity":1}],"channel":"phone"}'], nullif(actor, 'NULL')) AS c
 ORDER BY n;

\echo # in SQL it is a function like any other, and refuses by raising
SELECT api.hold_create(706000, hold_test.items('1 general sat')) ->> 'status';
SELECT api.hold_create(706000, hold_test.items('11 general sat'));
\echo # a null in a list is no item that was left out
SELECT api.hold_create(706000, '[null]');
SELECT api.order_cancel(706000, 1, tickets => '{NULL}');
\echo # places are given out in READ COMMITTED only (FIELD 4.1.31)
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT api.hold_create(706000, hold_test.items('1 general sat'));
ROLLBACK;
SELECT hold_test.stock(706000);

-- Sessions and events that are paused, cancelled or postponed, and what is owed for them.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(9510000, 'CALL');
INSERT INTO boxoffice.ticket_type_pool VALUES (9510000, 9510046, 9510010);
-- Buys by the gateway's calls: holds, orders, and pays so much, or all.
CREATE FUNCTION hold_test.buy(event bigint, wanted text, amount bigint DEFAULT NULL, pay boolean DEFAULT true) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    held jsonb := (SELECT answer FROM hold_test.call(event, 'hold_create', ARRAY[jsonb_build_object('items', hold_test.items(wanted))::text]));
    placed json := api.order_create(event => event, hold => (held ->> 'id')::bigint, secret => held ->> 'secret', idempotency_key => gen_random_uuid()::text,
        contact => '{"name": "Ann", "email": "ann@example.com"}');
    paid json;
BEGIN
    IF pay THEN
        paid := api.payment_create(event => event, "order" => (placed ->> 'id')::bigint, kind => 'test', amount => COALESCE(buy.amount, (placed ->> 'total')::bigint), idempotency_key => gen_random_uuid()::text);
    END IF;
    RETURN placed ->> 'id';
END
$$;
CREATE FUNCTION hold_test.bought(event bigint, bought bigint) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s total %s paid %s due %s, tickets %s', o ->> 'status', o ->> 'total', o ->> 'paid', o ->> 'due',
        (SELECT string_agg(concat_ws(' ', t ->> 'ticket_type', t ->> 'session', t ->> 'state'), ', ') FROM json_array_elements(o -> 'tickets') AS t))
      FROM api.order_get(event => event, "order" => bought) AS o
$$;
CREATE FUNCTION hold_test.owed(event bigint, param text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('%s orders %s: %s%s', c.answer ->> 'orders', c.answer ->> 'amount',
        (SELECT string_agg(format('%s %s', i ->> 'status', i ->> 'due'), ', ' ORDER BY n) FROM jsonb_array_elements(c.answer -> 'items') WITH ORDINALITY AS l (i, n)), CASE WHEN c.answer ->> 'next' IS NOT NULL THEN ' …' END)
      FROM hold_test.call(event, 'event_owed', ARRAY[NULL], 'organizer bob', param => param) AS c
$$;

\echo # who may
SELECT actor, op, hold_test.organize(9510000, op, body, param, nullif(actor, 'nobody'))
  FROM unnest('{nobody,customer ann,organizer eve,organizer bob,scanner sid}'::text[]) AS actor,
       (VALUES ('session_cancel', NULL, '&session=fri'), ('session_postpone', '{"starts_at": "2127-01-01T10:00:00Z"}', '&session=fri'), ('event_postpone', '{"starts_at": "2127-01-01T10:00:00Z"}', ''),
               ('event_owed', NULL, '')) AS o (op, body, param)
 WHERE NOT (actor = 'organizer bob' AND op = 'event_owed');

SELECT hold_test.buy(9510000, '2 general fri, 1 general sat') AS both \gset
SELECT hold_test.buy(9510000, '1 general fri') AS fri \gset
SELECT hold_test.buy(9510000, '1 general sat') AS sat \gset
SELECT hold_test.buy(9510000, '1 general sat', 3000) AS over \gset
SELECT hold_test.buy(9510000, '1 general fri, 1 general sat', pay => false) AS pending \gset
SELECT hold_test.buy(9510000, '1 general fri', pay => false) AS off \gset
SELECT hold_test.hold(9510000, '1 general fri, 1 tent fri');
SELECT hold_test.last(9510000) AS h \gset
\echo # owed is what came in beyond what is due
SELECT hold_test.owed(9510000);

\echo # a preview of a cancel changes nothing
SELECT version AS v FROM boxoffice.event WHERE id = 9510000 \gset
SELECT answer - '{starts_at,ends_at,version}'::text[] FROM hold_test.call(9510000, 'session_cancel', ARRAY['{"preview": true}'], 'organizer mary', param => '&session=fri');
SELECT version - :v, hold_test.owed(9510000) FROM boxoffice.event WHERE id = 9510000;
\echo # cancelled: sale and holds end, tickets are not valid, orders stay as they are, and what was paid is owed
-- … at once, to the very instant
SELECT extract(epoch FROM boxoffice_code.clock()) + 1 AS instant \gset
SET boxoffice.clock_stopped_at = :instant;
SELECT answer - '{starts_at,ends_at,version}'::text[] FROM hold_test.call(9510000, 'session_cancel', ARRAY['{"reason": "The singer is ill"}'], 'organizer mary', param => '&session=fri');
SELECT hold_test.hold(9510000, '1 general fri'), hold_test.hold(9510000, '1 general sat');
SELECT hold_test.op(9510000, 'hold_extend', :h);
RESET boxoffice.clock_stopped_at;
SELECT (answer ->> 'status') FROM hold_test.call(9510000, 'hold_get', ARRAY[NULL], secret => boxoffice_code.hold_secret(:h), param => '&hold=' || :h);
SELECT hold_test.bought(9510000, o) FROM unnest(ARRAY[:both, :fri, :sat, :over, :pending, :off]) AS o;
SELECT hold_test.owed(9510000);
SELECT hold_test.owed(9510000, '&limit=1');
SELECT hold_test.owed(9510000, '&limit=2&cursor=' || :over);
\echo # again changes nothing; who waits pays for what takes place
SELECT (answer ->> 'version')::bigint - :v, answer ->> 'holds_ended' FROM hold_test.call(9510000, 'session_cancel', ARRAY[NULL], 'organizer mary', param => '&session=fri');
SELECT p ->> 'outcome', p ->> 'amount', p -> 'order' ->> 'due' FROM api.payment_create(event => 9510000, "order" => :pending, kind => 'test', idempotency_key => 'calloff-1') AS p;
SELECT hold_test.bought(9510000, :pending);
SELECT * FROM boxoffice.check_orders(9510000);
SELECT problem, expected, found FROM boxoffice.check_inventory(9510000);
SELECT topic FROM boxoffice.outbox WHERE event_id = 9510000 AND topic LIKE 'session%';
SELECT operation, part, patch FROM boxoffice.change WHERE event_id = 9510000 ORDER BY id DESC LIMIT 1;
SELECT hold_test.organize(9510000, 'session_cancel', '{"why": 1}', '&session=fri'), hold_test.organize(9510000, 'session_cancel', NULL, '&session=sun'), hold_test.organize(9510000, 'session_postpone', '{"starts_at": "2127-01-01T10:00:00Z"}', '&session=fri');

\echo # the list says the same as each order does
SELECT hold_test.owed(9510000), sum(p.paid - boxoffice_code.order_owes(o.event_id, o.id, e.status, boxoffice_code.order_status_now(o.status, o.expires_at, e.payment_grace_ms, boxoffice_code.clock()), o.total))
  FROM boxoffice.order AS o JOIN boxoffice.event AS e ON e.id = o.event_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(p.amount), 0) AS paid FROM boxoffice.payment AS p WHERE p.event_id = o.event_id AND p.order_id = o.id) AS p
 WHERE o.event_id = 9510000
   AND p.paid > boxoffice_code.order_owes(o.event_id, o.id, e.status, boxoffice_code.order_status_now(o.status, o.expires_at, e.payment_grace_ms, boxoffice_code.clock()), o.total);

\echo # postponed: the same session, the same tickets, and when it was first announced
SELECT starts_at AS was FROM boxoffice.session WHERE event_id = 9510000 AND key = 'sat' \gset
SELECT status, (answer ->> 'starts_at')::timestamptz = '2127-03-01T18:00:00Z', (answer ->> 'original_starts_at')::timestamptz = :'was', date_trunc('second', (answer ->> 'ends_at')::timestamptz), answer ->> 'tickets'
  FROM hold_test.call(9510000, 'session_postpone', ARRAY['{"starts_at": "2127-03-01T18:00:00Z"}'], 'organizer mary', param => '&session=sat');
SELECT status, (answer ->> 'original_starts_at')::timestamptz = :'was'
  FROM hold_test.call(9510000, 'session_postpone', ARRAY['{"starts_at": "2127-04-01T18:00:00Z", "ends_at": "2127-04-01T20:00:00Z"}'], 'organizer mary', param => '&session=sat');
SELECT e.ends_at = s.ends_at, s.ends_at FROM boxoffice.event AS e JOIN boxoffice.session AS s ON s.event_id = e.id AND s.key = 'sat' WHERE e.id = 9510000;
SELECT hold_test.bought(9510000, :sat), hold_test.hold(9510000, '1 general sat');
SELECT hold_test.organize(9510000, 'session_postpone', body, '&session=sat') FROM unnest('{"{\"starts_at\": \"2020-01-01T10:00:00Z\"}","{\"starts_at\": \"2127-01-01T10:00:00Z\", \"ends_at\": \"2126-01-01T10:00:00Z\"}","{}"}'::text[]) AS body;
\echo # the whole event, by the clock on the wall
SELECT hold_test.make_event(9511000, 'MUVE');
UPDATE boxoffice.session SET starts_at = '2127-03-01T19:00:00Z'::timestamptz + (id - 9511001) * interval '1 month', ends_at = NULL WHERE event_id = 9511000;
SELECT status, answer ->> 'status' FROM hold_test.call(9511000, 'event_postpone', ARRAY['{"starts_at": "2127-06-01T19:00:00Z"}'], 'organizer mary');
SELECT key, starts_at AT TIME ZONE zone, original_starts_at AT TIME ZONE zone FROM boxoffice.session WHERE event_id = 9511000 ORDER BY id;
SELECT starts_at AT TIME ZONE zone, ends_at AT TIME ZONE zone FROM boxoffice.event WHERE id = 9511000;
SELECT hold_test.organize(9511000, 'event_postpone', '{"starts_at": "2020-06-01T19:00:00Z"}');
\echo # in an hour that comes twice it is the one that was asked for, also of a copy
SELECT api.event_postpone(9511000, at) #>> '{sessions,0,starts_at}' AS moved
  FROM unnest('{2127-10-26T01:30:00Z,2127-10-26T00:30:00Z}'::timestamptz[]) AS at;
SELECT c #>> '{sessions,0,starts_at}' AS copied FROM api.event_clone(9511000) AS c;

\echo # the event is cancelled: all that came in is owed
SELECT api.event_cancel(9510000) ->> 'status';
SELECT hold_test.bought(9510000, o) FROM unnest(ARRAY[:both, :sat, :pending, :off]) AS o;
SELECT hold_test.owed(9510000);
SELECT hold_test.organize(9510000, 'session_cancel', NULL, '&session=sat'), hold_test.organize(9510000, 'event_postpone', '{"starts_at": "2127-06-01T19:00:00Z"}');
SELECT * FROM boxoffice.check_orders(9510000);

\echo # in SQL as over HTTP: no session is put off for ever
\set SHOW_CONTEXT never
SELECT api.session_postpone(9510000, 'sat', 'infinity');
SELECT api.session_postpone(9510000, 'sat', NULL);
SELECT api.event_postpone(9510000, 'infinity');
SELECT api.session_cancel(9510000, 'sat', repeat('x', 501), true);
\set SHOW_CONTEXT errors

\echo # what is owed is read in the order of an index
VACUUM (ANALYZE) boxoffice.ticket, boxoffice.payment, boxoffice.order_change;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS off) SELECT DISTINCT t.order_id FROM boxoffice.ticket AS t WHERE t.event_id = 1 AND t.session_id = 2 AND t.order_id < 3 ORDER BY t.order_id DESC LIMIT 10;
EXPLAIN (COSTS off) SELECT DISTINCT t.order_id FROM boxoffice.ticket AS t WHERE t.event_id = 1 AND t.state = 'cancelled' AND t.order_id < 3 ORDER BY t.order_id DESC LIMIT 10;
EXPLAIN (COSTS off) SELECT DISTINCT p.order_id FROM boxoffice.payment AS p WHERE p.event_id = 1 AND (p.outcome <> 'paid' OR p.surplus > 0) AND p.order_id < 3 ORDER BY p.order_id DESC LIMIT 10;
EXPLAIN (COSTS off) SELECT DISTINCT h.order_id FROM boxoffice.order_change AS h WHERE h.event_id = 1 AND h.total_after < h.total_before AND h.order_id < 3 ORDER BY h.order_id DESC LIMIT 10;

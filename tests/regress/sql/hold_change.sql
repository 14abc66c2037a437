-- A hold that is there: looked at, changed, extended, released; by whom, and until when.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT hold_test.make_event(710000, 'CHANGE');

\echo # who may look: its secret, the customer who made it, the people of the organizer
SELECT hold_test.hold_as(710000, 'customer ann', '2 general fri');
SELECT hold_test.last(710000) AS h \gset
SELECT hold_test.op(710000, 'hold_get', :h);
SELECT actor, hold_test.op(710000, 'hold_get', :h, actor => nullif(actor, 'nobody'), secret => 'wrong-but-22-characters')
  FROM unnest('{nobody,customer ann,customer bea,organizer mary,organizer bob,organizer sid,organizer eve,support sue,admin root}'::text[]) AS actor;
SELECT hold_test.op(710000, 'hold_get', :h, secret => NULL);
SELECT hold_test.op(710000, 'hold_get', :h + 1, secret => boxoffice_code.hold_secret(:h));
SELECT hold_test.op(700000, 'hold_get', :h);
SELECT answer ? 'secret' FROM hold_test.call(710000, 'hold_get', ARRAY[NULL], secret => boxoffice_code.hold_secret(:h), param => '&hold=' || :h);
\echo # and who may write
SELECT hold_test.op(710000, 'hold_change', :h, '1 general fri', actor => 'customer bea', secret => NULL);
SELECT hold_test.op(710000, 'hold_extend', :h, secret => NULL);
SELECT hold_test.op(710000, 'hold_release', :h, secret => 'x');
SELECT hold_test.op(710000, 'hold_change', :h, '1 general fri', actor => 'organizer bob', secret => NULL);

\echo # what is wanted afterwards: more, less, something else
SELECT hold_test.op(710000, 'hold_change', :h, '3 general fri');
SELECT hold_test.op(710000, 'hold_change', :h, '1 general fri, 2 general sat, 1 pass sat');
SELECT hold_test.stock(710000);
SELECT hold_test.op(710000, 'hold_change', :h, '2 general sat');
SELECT hold_test.stock(710000);
SELECT line, state, quantity FROM boxoffice.claim WHERE event_id = 710000 AND owner_id = :h ORDER BY line;

\echo # what the request frees it may use: a swap in a full house
SELECT hold_test.op(710000, 'hold_change', :h, '10 general sat');
SELECT hold_test.op(710000, 'hold_change', :h, '4 general sat, 6 secret sat');
\echo # what cannot be had leaves the hold as it was
SELECT hold_test.op(710000, 'hold_change', :h, '4 general sat, 8 secret sat');
SELECT hold_test.op(710000, 'hold_change', :h, '1 general sat, 5 tent sat');
SELECT hold_test.op(710000, 'hold_get', :h);
SELECT hold_test.stock(710000);
\echo # partly, if asked so
SELECT hold_test.op(710000, 'hold_change', :h, '1 general sat, 5 tent sat', partial => true);
SELECT hold_test.op(710000, 'hold_change', :h, '1 general sat, 2 group sat');
SELECT hold_test.op(710000, 'hold_change', :h, '1 nothing sat');

\echo # lines that stay keep their price, what is new has the new one
UPDATE boxoffice.ticket_type SET price = 3000 WHERE event_id = 710000 AND key = 'general';
SELECT hold_test.op(710000, 'hold_change', :h, '3 general sat');
SELECT hold_test.op(710000, 'hold_change', :h, '2 general sat');
\echo # and stay when the sale is over, which lets nothing be added
UPDATE boxoffice.event SET status = 'paused', version = version + 1 WHERE id = 710000;
SELECT hold_test.op(710000, 'hold_change', :h, '3 general sat');
SELECT hold_test.op(710000, 'hold_change', :h, '1 general sat');
UPDATE boxoffice.event SET status = 'published', version = version + 1 WHERE id = 710000;

\echo # released, once and again; then it cannot be written
SELECT hold_test.op(710000, 'hold_release', :h);
SELECT hold_test.op(710000, 'hold_release', :h);
SELECT hold_test.op(710000, 'hold_change', :h, '1 general sat');
SELECT hold_test.op(710000, 'hold_extend', :h);
SELECT hold_test.stock(710000);

\echo # the deadline: 15 minutes from each write, an hour in all (add at +10, extend at +20, at +50, at the end)
SELECT hold_test.hold(710000, '1 general fri');
SELECT hold_test.last(710000) AS h \gset
CREATE FUNCTION hold_test.minutes(event bigint, hold bigint) RETURNS text LANGUAGE sql AS $$
    SELECT format('hold +%s, claims +%s', round(extract(epoch FROM h.expires_at - h.created_at) / 60),
        (SELECT string_agg(DISTINCT round(extract(epoch FROM c.expires_at - h.created_at) / 60)::text, ' ') FROM boxoffice.claim AS c
          WHERE c.event_id = h.event_id AND c.owner_id = h.id AND c.state = 'held'))
      FROM boxoffice.hold AS h WHERE h.event_id = event AND h.id = hold
$$;
SELECT hold_test.minutes(710000, :h);
SET boxoffice.clock_offset = 600;
SELECT hold_test.op(710000, 'hold_change', :h, '2 general fri');
SELECT hold_test.minutes(710000, :h);
SET boxoffice.clock_offset = 1200;
SELECT hold_test.op(710000, 'hold_extend', :h, key => '8f14e45f-ceea-467f-a0e6-0d2b6a0e6f11');
SELECT hold_test.minutes(710000, :h);
SET boxoffice.clock_offset = 1260;
SELECT hold_test.op(710000, 'hold_extend', :h, key => '8f14e45f-ceea-467f-a0e6-0d2b6a0e6f11');
SELECT hold_test.minutes(710000, :h);
SET boxoffice.clock_offset = 2090;
SELECT hold_test.op(710000, 'hold_extend', :h);
SET boxoffice.clock_offset = 2980;
SELECT hold_test.op(710000, 'hold_extend', :h);
SELECT hold_test.minutes(710000, :h);
SET boxoffice.clock_offset = 3590;
SELECT regexp_replace(hold_test.op(710000, 'hold_extend', :h), '"20[^"]*"', '"…"');
\echo # a write is taken five seconds past the deadline, then no more
SET boxoffice.clock_offset = 3602;
SELECT hold_test.op(710000, 'hold_get', :h);
SELECT hold_test.op(710000, 'hold_change', :h, '1 general fri');
SET boxoffice.clock_offset = 3606;
SELECT hold_test.op(710000, 'hold_change', :h, '1 general fri');
SELECT hold_test.op(710000, 'hold_extend', :h);
\echo # and not within them either if its places went to somebody else
RESET boxoffice.clock_offset;
SELECT hold_test.hold(710000, '8 general sat');
SELECT hold_test.last(710000) AS h \gset
SET boxoffice.clock_offset = 902;
SELECT hold_test.op(710000, 'hold_change', :h, '7 general sat');
SET boxoffice.clock_offset = 1804;
SELECT hold_test.hold(710000, '10 general sat');
SELECT hold_test.op(710000, 'hold_change', :h, '6 general sat');
SELECT hold_test.op(710000, 'hold_release', :h);
SELECT hold_test.op(710000, 'hold_get', :h);
RESET boxoffice.clock_offset;
SELECT hold_test.stock(710000);

\echo # an order is not a hold any more
SELECT hold_test.hold(710000, '1 tent fri');
SELECT hold_test.last(710000) AS h \gset
SELECT api.order_create(710000, :h, boxoffice_code.hold_secret(:h), '{"name": "Ada", "email": "ada@example.org"}', idempotency_key => gen_random_uuid()::text) ->> 'status';
SELECT hold_test.op(710000, 'hold_get', :h);
SELECT hold_test.op(710000, 'hold_change', :h, '2 tent fri');
SELECT hold_test.op(710000, 'hold_extend', :h);
SELECT hold_test.op(710000, 'hold_release', :h);

\echo # limits per buyer follow the changes
UPDATE boxoffice.event SET buyer_limit = 3, version = version + 1 WHERE id = 710000;
SELECT hold_test.hold_as(710000, 'customer fay', '3 secret fri');
SELECT hold_test.last(710000) AS h \gset
SELECT hold_test.op(710000, 'hold_change', :h, '4 secret fri');
SELECT hold_test.op(710000, 'hold_change', :h, '1 secret fri, 1 friday-only fri, 1 tent fri');
SELECT taken, taken_max FROM boxoffice.buyer WHERE event_id = 710000 AND buyer_key = 's:fay';
SELECT hold_test.op(710000, 'hold_change', :h, '1 secret fri');
SELECT taken, taken_max FROM boxoffice.buyer WHERE event_id = 710000 AND buyer_key = 's:fay';
\echo # lowered below what is taken, nothing may be added, and less is fine
UPDATE boxoffice.event SET buyer_limit = 1, version = version + 1 WHERE id = 710000;
SELECT hold_test.op(710000, 'hold_change', :h, '2 secret fri');
SELECT hold_test.op(710000, 'hold_release', :h);
SELECT taken, taken_max FROM boxoffice.buyer WHERE event_id = 710000 AND buyer_key = 's:fay';
SELECT hold_test.stock(710000);

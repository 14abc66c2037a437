-- One idempotency key several times in a batch: each call gets what single calls in that order would get. A refusal
-- leaves the key free for whoever comes next, asks the same or not.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

SELECT hold_test.make_event(9100000, 'KEYA');
SELECT hold_test.make_event(9101000, 'KEYB');
UPDATE boxoffice.ticket_type SET buyer_limit = 5 WHERE event_id IN (9100000, 9101000) AND key = 'tent';
UPDATE boxoffice.event SET version = version + 1 WHERE id IN (9100000, 9101000);

CREATE TABLE hold_test.key_call (n integer, key text, wanted text);
INSERT INTO hold_test.key_call VALUES
    (1, 'a', '11 general fri'),     -- more than there are
    (2, 'a', '2 general fri'),      -- something else: granted
    (3, 'a', '2 general fri'),      -- the same: the same hold
    (4, 'a', '11 general fri'),     -- what was refused before: the key is another's now
    (5, 'b', '2 group sat'),        -- fewer than the type's minimum
    (6, 'b', '2 group sat'),        -- and again: refused again
    (7, 'b', '1 nothing sat'),      -- unknown: refused for that
    (8, 'b', '3 group sat'),        -- granted
    (9, 'b', '1 nothing sat'),      -- the key is taken, whatever else is wrong
    (10, 'c', '6 tent fri'),        -- over what there is, and what the buyer may have
    (11, NULL, '1 tent fri'),
    (12, 'c', '3 tent fri'),        -- one of them went meanwhile
    (13, 'c', '2 tent fri'),
    (14, 'd', '1 pass sat'),
    (15, 'd', '1 pass sat');

CREATE FUNCTION hold_test.ask_keys(event bigint, at_once boolean) RETURNS TABLE (n bigint, said text, hold text) LANGUAGE sql AS $$
    SELECT u.first + c.n - 1, hold_test.brief(c.status, c.replayed, c.answer), c.answer ->> 'id'
      FROM (SELECT min(k.n) AS first,
                   array_agg(jsonb_build_object('items', hold_test.items(k.wanted))::text ORDER BY k.n) AS bodies,
                   array_agg(k.key ORDER BY k.n) AS keys
              FROM hold_test.key_call AS k GROUP BY CASE WHEN NOT at_once THEN k.n END ORDER BY 1) AS u,
           hold_test.call(event, 'hold_create', u.bodies, 'customer kim', u.keys)
               WITH ORDINALITY AS c (status, replayed, answer, n)
$$;
CREATE TABLE hold_test.key_answer AS
SELECT 'batch' AS how, a.* FROM hold_test.ask_keys(9100000, true) AS a
UNION ALL
SELECT 'single', a.* FROM hold_test.ask_keys(9101000, false) AS a;

\echo # what a batch answers
SELECT a.n, a.said, (SELECT min(f.n) FROM hold_test.key_answer AS f WHERE f.how = a.how AND f.hold = a.hold) AS hold_of
  FROM hold_test.key_answer AS a WHERE how = 'batch' ORDER BY n;
\echo # where single calls answer something else
SELECT b.n, b.said, s.said
  FROM hold_test.key_answer AS b
  JOIN hold_test.key_answer AS s ON s.how = 'single' AND s.n = b.n
 WHERE b.how = 'batch' AND b.said <> s.said ORDER BY b.n;
SELECT hold_test.stock(9100000);
SELECT hold_test.stock(9101000);
\echo # and the keys are stored: the batch again is replayed, but for those that were refused
SELECT a.n, a.said FROM hold_test.ask_keys(9100000, true) AS a WHERE a.n IN (1, 2, 8, 13, 14, 15) ORDER BY 1;

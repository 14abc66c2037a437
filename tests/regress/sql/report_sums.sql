-- The views of reports against the tables, over all that the tests before have left: orders of every kind, exchanged, split, cancelled, late, expired, of
-- passes, bundles, blocks and trials. What a view says is counted here anew from rows, in one snapshot and at one time; a row is a difference.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA report_test;
-- Every other event is counted as the worker does it, the others are told of as they are: a first step says from when on messages can be relied on.
SELECT boxoffice_code.order_search_step(min(event_id)) FROM boxoffice.order;
SELECT count(boxoffice_code.order_search_step(event_id)) > 10 FROM (SELECT event_id, row_number() OVER (ORDER BY event_id) AS n FROM boxoffice.order GROUP BY event_id) AS e WHERE n % 2 = 0;
SELECT extract(epoch FROM boxoffice_code.clock()) AS now \gset
SET boxoffice.clock_stopped_at = :now;

CREATE VIEW report_test.paid AS
SELECT p.event_id, p.order_id AS id, sum(p.amount)::bigint AS amount FROM boxoffice.payment AS p GROUP BY 1, 2;
CREATE VIEW report_test.piece AS
SELECT t.*, o.paid_at, o.channel, o.status AS order_status, e.zone, e.status AS event_status, y.key AS type, s.status AS session_status
  FROM boxoffice.ticket AS t
  JOIN boxoffice.order AS o ON (o.event_id, o.id) = (t.event_id, t.order_id)
  JOIN boxoffice.event AS e ON e.id = t.event_id
  JOIN boxoffice.ticket_type AS y ON (y.event_id, y.id) = (t.event_id, t.ticket_type_id)
  LEFT JOIN boxoffice.session AS s ON (s.event_id, s.id) = (t.event_id, t.session_id);

CREATE VIEW report_test.day_counted AS
SELECT event_id, to_char(paid_at AT TIME ZONE zone, 'YYYY-MM-DD')::date AS day, type, channel, count(DISTINCT order_id) AS orders,
       count(*) FILTER (WHERE state = 'valid') AS tickets, count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
       coalesce(sum(price) FILTER (WHERE state = 'valid'), 0)::bigint AS price, coalesce(sum(fee) FILTER (WHERE state = 'valid'), 0)::bigint AS fees
  FROM report_test.piece WHERE paid_at IS NOT NULL GROUP BY 1, 2, 3, 4;
CREATE VIEW report_test.day_told AS
SELECT event_id, day, ticket_type, channel, orders, tickets, cancelled, price, fees FROM report.sales_by_day;

CREATE VIEW report_test.order_counted AS
SELECT o.event_id, o.id, n.status, coalesce(p.pieces, 0) AS pieces, coalesce(p.live, 0)::bigint AS total, coalesce(m.amount, 0) AS paid,
       CASE WHEN e.status = 'cancelled' OR n.status IN ('expired', 'cancelled') THEN 0 ELSE coalesce(p.takes_place, 0)::bigint END - coalesce(m.amount, 0) AS due
  FROM boxoffice.order AS o
  JOIN boxoffice.event AS e ON e.id = o.event_id
  LEFT JOIN report_test.paid AS m ON (m.event_id, m.id) = (o.event_id, o.id)
  LEFT JOIN (SELECT event_id, order_id AS id, count(*) AS pieces, sum(price + fee) AS live, sum(price + fee) FILTER (WHERE session_status IS DISTINCT FROM 'cancelled') AS takes_place
               FROM report_test.piece WHERE state <> 'cancelled' GROUP BY 1, 2) AS p ON (p.event_id, p.id) = (o.event_id, o.id)
 CROSS JOIN LATERAL (SELECT CASE WHEN o.status = 'pending' AND o.expires_at + make_interval(secs => e.payment_grace_ms / 1000.0) < boxoffice_code.clock()
                                 THEN 'expired' ELSE o.status END) AS n (status);
CREATE VIEW report_test.order_told AS SELECT event_id, order_id, status, tickets, total, paid, due FROM report.order;

CREATE VIEW report_test.owed_counted AS SELECT event_id, id, -due AS owed FROM report_test.order_counted WHERE due < 0;
CREATE VIEW report_test.owed_told AS SELECT event_id, order_id, owed FROM report.owed;

CREATE VIEW report_test.event_counted AS
SELECT e.id, count(o.id) AS orders, count(*) FILTER (WHERE o.status = 'paid') AS paid_orders,
       count(*) FILTER (WHERE o.status = 'pending') AS pending_orders, coalesce(sum(o.total) FILTER (WHERE o.status = 'paid'), 0)::bigint AS total,
       coalesce(sum(o.paid), 0)::bigint AS paid, (SELECT count(*) FROM boxoffice.ticket AS t WHERE t.event_id = e.id AND t.state = 'valid') AS tickets
  FROM boxoffice.event AS e LEFT JOIN report_test.order_counted AS o ON o.event_id = e.id GROUP BY e.id;
CREATE VIEW report_test.event_told AS SELECT event_id, orders, paid_orders, pending_orders, total, paid, tickets FROM report.event_summary;

CREATE VIEW report_test.ticket_counted AS
SELECT p.event_id, p.id, p.order_id, p.type, CASE WHEN 'cancelled' IN (p.event_status, p.session_status) THEN 'cancelled' WHEN p.state = 'reserved' AND o.status = 'expired' THEN 'expired' ELSE p.state END,
       p.price, p.fee
  FROM report_test.piece AS p JOIN report_test.order_counted AS o ON (o.event_id, o.id) = (p.event_id, p.order_id);
CREATE VIEW report_test.ticket_told AS SELECT event_id, ticket_id, order_id, ticket_type, state, price, fee FROM report.ticket;

-- What lapsed out of a block that still stands goes back to it, so it is not there for others.
CREATE VIEW report_test.claimed AS
SELECT c.event_id, k.id, c.state, c.quantity,
       c.state = 'sold' OR coalesce(c.expires_at > boxoffice_code.clock(), true) OR EXISTS (
           SELECT FROM boxoffice.claim AS b
            WHERE b.event_id = c.event_id AND b.owner_id = c.block_id AND b.state = 'blocked' AND k.id = ANY (b.stock_ids) AND coalesce(b.expires_at > boxoffice_code.clock(), true)) AS taken
  FROM boxoffice.claim AS c CROSS JOIN LATERAL unnest(c.stock_ids) AS k (id) WHERE c.state IN ('held', 'pending', 'sold', 'blocked');
CREATE VIEW report_test.stock_counted AS
SELECT s.event_id, s.id, coalesce(sum(c.quantity) FILTER (WHERE c.state = 'held'), 0) AS held, coalesce(sum(c.quantity) FILTER (WHERE c.state = 'pending'), 0) AS pending,
       coalesce(sum(c.quantity) FILTER (WHERE c.state = 'sold'), 0) AS sold, coalesce(sum(c.quantity) FILTER (WHERE c.state = 'blocked'), 0) AS blocked,
       s.capacity::bigint + s.overbook - coalesce(sum(c.quantity) FILTER (WHERE c.taken), 0) AS available
  FROM boxoffice.stock AS s LEFT JOIN report_test.claimed AS c USING (event_id, id) GROUP BY 1, 2, s.capacity, s.overbook;
CREATE VIEW report_test.stock_told AS
SELECT event_id, stock_id, held, pending, sold, blocked, available FROM report.inventory;
CREATE VIEW report_test.load_counted AS
SELECT s.event_id, s.session_id, p.key, c.sold, c.blocked, c.available, s.capacity::bigint + s.overbook - c.sold - c.blocked - c.available AS waiting
  FROM boxoffice.stock AS s JOIN report_test.stock_counted AS c USING (event_id, id) JOIN boxoffice.pool AS p ON (p.event_id, p.id) = (s.event_id, s.pool_id)
 WHERE s.session_id IS NOT NULL AND s.capacity IS NOT NULL;
CREATE VIEW report_test.load_told AS
SELECT event_id, session_id, pool, sold, blocked, available, waiting FROM report.session_load WHERE capacity IS NOT NULL;

CREATE FUNCTION report_test.differences() RETURNS TABLE (who text, what text, n bigint, row_text text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    FOREACH what IN ARRAY '{day,order,owed,event,ticket,stock,load}'::text[] LOOP
        RETURN QUERY EXECUTE format('WITH c AS MATERIALIZED (SELECT x::text AS line FROM report_test.%1$I AS x), t AS MATERIALIZED (SELECT x::text AS line FROM report_test.%2$I AS x)
            SELECT ''counted'', %3$L, count(*) OVER (), d.line FROM (TABLE c EXCEPT ALL TABLE t) AS d UNION ALL SELECT ''told'', %3$L, count(*) OVER (), d.line FROM (TABLE t EXCEPT ALL TABLE c) AS d',
            what || '_counted', what || '_told', what);
    END LOOP;
END
$$;
\echo # much was there to compare
SELECT count(*) > 100 AS events, (SELECT count(*) > 150 FROM boxoffice.order) AS orders, (SELECT count(*) > 20 FROM report.owed) AS owed, (SELECT count(DISTINCT outcome) > 6 FROM boxoffice.payment) AS outcomes FROM boxoffice.event;
\echo # differences
SELECT who, what, n, row_text FROM report_test.differences() ORDER BY 1, 2, 4 LIMIT 40;
\echo # each view is looked at: something else in the tables is a difference
BEGIN;
UPDATE boxoffice.stock SET sold = sold + 1 WHERE event_id = 190000 AND id = 190021;
UPDATE boxoffice.order SET total = total + 1 WHERE event_id = 190000 AND status = 'paid' AND total > 0;
UPDATE boxoffice.ticket SET price = price + 1 WHERE (event_id, id) = (SELECT t.event_id, t.id FROM boxoffice.ticket AS t JOIN boxoffice.order_search AS s USING (event_id, order_id)
    WHERE t.state = 'valid' AND s.counted ->> 'status' = 'paid' AND NOT EXISTS (SELECT FROM report.owed AS o WHERE (o.event_id, o.order_id) = (t.event_id, t.order_id)) ORDER BY 1, 2 LIMIT 1);
SELECT DISTINCT what FROM report_test.differences() ORDER BY 1;
ROLLBACK;
RESET boxoffice.clock_stopped_at;
DROP SCHEMA report_test CASCADE;
\echo # what all tests have left adds up
SELECT * FROM boxoffice.check_inventory(NULL);
SELECT * FROM boxoffice.check_orders(NULL);

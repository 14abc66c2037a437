-- Schema report: inventory with what has lapsed, sales by local day, and whose login sees what.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET datestyle = 'ISO, YMD';

SELECT api.organizer_create(slug => 'report-' || n, name => 'Report ' || n) ->> 'slug' AS made FROM generate_series(1, 2) AS n;
CREATE FUNCTION pg_temp.make(organizer text, slug text, zone text) RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.event_create(
        organizer => (SELECT o.id FROM boxoffice.organizer AS o WHERE o.slug = make.organizer),
        name => slug, currency => 'USD', zone => zone, slug => slug,
        sessions => '[{"key": "one", "starts_at": "2030-03-01T20:00:00Z"}]',
        pools => '[{"key": "house", "name": "House", "scope": "event", "capacity": 100, "overbook": 5},
                   {"key": "seats", "name": "Seats", "scope": "session", "capacity": null}]',
        ticket_types => '[{"key": "t", "name": "T", "price": 1000, "pools": ["house", "seats"]},
                          {"key": "u", "name": "U", "price": 500, "fee": 20, "pools": ["house"]}]') ->> 'id')::bigint
$$;
SELECT pg_temp.make('report-1', 'report-la', 'America/Los_Angeles') AS la,
       pg_temp.make('report-2', 'report-tokyo', 'Asia/Tokyo') AS tokyo \gset

-- two orders half an hour apart around midnight in Los Angeles, in summer; in Tokyo the same day
CREATE FUNCTION pg_temp.sell(event bigint, n integer, type text, at timestamptz, state text DEFAULT 'valid') RETURNS void LANGUAGE sql AS $$
    INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel)
    VALUES (event, n, 'ordered', at, at, at, 'web');
    INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
    VALUES (event, n, n, 'C' || n, 'paid', 0, 'USD', false, CASE WHEN n > 3 THEN 'box_office' ELSE 'web' END, at, at);
    INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
    SELECT event, n * 10 + k, n, 1, t.id, 1, t.price, t.fee, CASE WHEN k = 1 THEN sell.state ELSE 'valid' END, 'T' || n || k
      FROM boxoffice.ticket_type AS t CROSS JOIN generate_series(1, 2) AS k
     WHERE t.event_id = event AND t.key = type;
    SELECT boxoffice_code.outbox_add(event, 'order.paid', n);
$$;
SELECT pg_temp.sell(e.id, 1, 't', '2029-07-02 06:45Z'), pg_temp.sell(e.id, 2, 't', '2029-07-02 07:15Z'),
       pg_temp.sell(e.id, 3, 'u', '2029-07-02 07:30Z', 'cancelled'), pg_temp.sell(e.id, 4, 'u', '2029-07-02 08:00Z')
  FROM (VALUES (:la), (:tokyo)) AS e (id);
SELECT s.event, s.day, s.ticket_type, s.channel, s.currency, s.orders, s.tickets, s.cancelled, s.price, s.fees, s.total
  FROM report.sales_by_day AS s
 WHERE s.organizer LIKE 'report-_'
 ORDER BY s.event, s.day, s.ticket_type, s.channel;

-- inventory: held ones that lapsed can be sold
UPDATE boxoffice.stock AS s SET held = 7, sold = 8, blocked = 2
  FROM boxoffice.pool AS p
 WHERE s.event_id = :la AND p.event_id = s.event_id AND p.id = s.pool_id AND p.key = 'house';
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, unit_price, unit_fee, stock_ids, expires_at)
SELECT s.event_id, 50 + n, 1, 'held', CASE n WHEN 1 THEN 3 ELSE 4 END, s.group_id, 0, 0, ARRAY[s.id],
       boxoffice_code.clock() + CASE n WHEN 1 THEN -1 ELSE 60 END * '1 s'::interval
  FROM boxoffice.stock AS s
  JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id AND p.key = 'house'
 CROSS JOIN generate_series(1, 2) AS n
 WHERE s.event_id = :la;
SELECT i.event, i.session, i.session_starts_local, i.zone, i.pool, i.scope, i.capacity, i.overbook, i.held, i.sold, i.blocked, i.lapsed, i.available
  FROM report.inventory AS i
 WHERE i.event_id = :la
 ORDER BY i.pool;

-- orders, tickets, sessions, events, and what is owed
INSERT INTO boxoffice.payment (event_id, id, order_id, kind, method, amount, currency, outcome, recorded_at)
VALUES (:la, 1, 1, 'manual', 'cash', 900, 'USD', 'paid', '2029-07-02Z'), (:la, 2, 2, 'manual', 'cash', 50, 'USD', 'overpaid', '2029-07-02Z');
UPDATE boxoffice.order SET total = 900 WHERE event_id = :la AND id = 1;
DO $$ BEGIN PERFORM boxoffice_code.outbox_add(p.event_id, 'payment.recorded', p.id) FROM boxoffice.payment AS p WHERE p.id < 3; END $$;
SELECT b.event, b.code = e.short_code || '-C' || b.order_id AS code, b.status, b.channel, b.placed_local, b.tickets, b.total, b.paid, b.due
  FROM report.order AS b JOIN boxoffice.event AS e ON e.id = b.event_id
 WHERE b.event_id = :la ORDER BY b.order_id;
SELECT t.order_id, t.ticket_type, t.kind, t.session, t.state, t.price, t.fee FROM report.ticket AS t WHERE t.event_id = :la ORDER BY t.ticket_id;
SELECT w.order_id, w.status, w.total, w.paid, w.owed FROM report.owed AS w WHERE w.event_id = :la ORDER BY w.order_id;
SELECT s.orders, s.paid_orders, s.pending_orders, s.total, s.paid, s.tickets, s.sessions FROM report.event_summary AS s WHERE s.event_id = :la;
SELECT l.session, l.pool, l.capacity, l.sold, l.waiting, l.blocked, l.available, l.percent FROM report.session_load AS l WHERE l.event_id = :la ORDER BY l.pool;
UPDATE boxoffice.event SET status = 'cancelled' WHERE id = :la;
SELECT w.order_id, w.owed FROM report.owed AS w WHERE w.event_id = :la ORDER BY w.order_id;
UPDATE boxoffice.event SET status = 'draft' WHERE id = :la;
-- the view's rule is the function's
SELECT b.order_id FROM report.order AS b JOIN boxoffice.event AS e ON e.id = b.event_id
 WHERE b.due <> boxoffice_code.order_owes(b.event_id, b.order_id, e.status, b.status, b.total) - b.paid;

-- what is owed is looked for among what may be: it reads no more for orders that nothing is owed for, of one event or of all
CREATE FUNCTION pg_temp.owed_reads(event bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tables CONSTANT oid[] := ARRAY['boxoffice.order'::regclass, 'boxoffice.ticket'::regclass, 'boxoffice.payment'::regclass];
    seen CONSTANT text := 'SELECT sum(pg_stat_get_xact_tuples_returned(c.oid)) FROM pg_class AS c
        WHERE c.oid = ANY ($1) OR c.oid IN (SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = ANY ($1))';
    before bigint;
    after bigint;
BEGIN
    EXECUTE seen INTO before USING tables;
    EXECUTE format('SELECT FROM report.owed AS w %s', CASE WHEN event IS NOT NULL THEN format('WHERE w.event_id = %s', event) END);
    EXECUTE seen INTO after USING tables;
    RETURN after - before;
END
$$;
BEGIN;
-- as where there are many orders: a small table, or one of other tests' rows, is read whole
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SELECT pg_temp.owed_reads(:la) AS reads_event, pg_temp.owed_reads(NULL) AS reads_all \gset
INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
SELECT :la, n, n, 'N' || n, 'paid', 1000, 'USD', false, 'web', '2029-07-02', '2029-07-02' FROM generate_series(1001, 6000) AS n;
INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
SELECT :la, n * 10, n, 1, t.id, 1, 1000, 0, 'valid', 'N' || n
  FROM generate_series(1001, 6000) AS n JOIN boxoffice.ticket_type AS t ON t.event_id = :la AND t.key = 't';
INSERT INTO boxoffice.payment (event_id, id, order_id, kind, method, amount, currency, outcome, recorded_at)
SELECT :la, n, n, 'manual', 'cash', 1000, 'USD', 'paid', '2029-07-02Z' FROM generate_series(1001, 6000) AS n;
ANALYZE boxoffice.order, boxoffice.ticket, boxoffice.payment, boxoffice.order_change;
SELECT pg_temp.owed_reads(:la) - :reads_event < 100 AS no_more_for_event, pg_temp.owed_reads(NULL) - :reads_all < 100 AS no_more_for_all;
SELECT w.order_id, w.owed FROM report.owed AS w WHERE w.event_id = :la;
ROLLBACK;

-- an analyst sees all of it, or the one organizer that the login is tied to; nothing beneath
CREATE ROLE test_analyst LOGIN;
GRANT boxoffice_analyst TO test_analyst;
SET SESSION AUTHORIZATION test_analyst;
SELECT DISTINCT i.organizer FROM report.inventory AS i WHERE i.organizer LIKE 'report-_' ORDER BY 1;
SELECT * FROM boxoffice.event;
SELECT * FROM boxoffice.contact;
SELECT api.event_list();
RESET SESSION AUTHORIZATION;
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id)
SELECT 'test_analyst', 'analyst', 'public', o.id FROM boxoffice.organizer AS o WHERE o.slug = 'report-2';
SET SESSION AUTHORIZATION test_analyst;
SELECT DISTINCT i.organizer FROM report.inventory AS i;
SELECT DISTINCT s.organizer FROM report.sales_by_day AS s;
SELECT DISTINCT s.organizer FROM report.order AS s;
SELECT DISTINCT s.organizer FROM report.ticket AS s;
SELECT DISTINCT s.organizer FROM report.session_load AS s;
SELECT DISTINCT s.organizer FROM report.owed AS s;
SELECT DISTINCT s.organizer FROM report.event_summary AS s;

-- nor in a condition, which could tell of other organizers' rows by a notice or an error; however the view is read
CREATE FUNCTION pg_temp.seen(event text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    IF event <> 'report-tokyo' THEN
        RAISE 'a condition saw another organizer''s row' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN true;
END $$;
SET enable_nestloop = off;
SET enable_indexscan = off;
SELECT count(*) > 0 AS some FROM report.inventory AS i WHERE pg_temp.seen(i.event);
SELECT count(*) > 0 AS some FROM report.sales_by_day AS s WHERE pg_temp.seen(s.event);
SELECT count(*) > 0 AS some FROM report.order AS b WHERE pg_temp.seen(b.event);
SELECT count(*) > 0 AS some FROM report.ticket AS t WHERE pg_temp.seen(t.event);
SELECT count(*) > 0 AS some FROM report.session_load AS l WHERE pg_temp.seen(l.event);
SELECT count(*) > 0 AS some FROM report.owed AS w WHERE pg_temp.seen(w.event);
SELECT count(*) > 0 AS some FROM report.event_summary AS s WHERE pg_temp.seen(s.event);
RESET enable_nestloop;
RESET enable_indexscan;
DROP FUNCTION pg_temp.seen;
RESET SESSION AUTHORIZATION;

DELETE FROM boxoffice.login_actor WHERE login = 'test_analyst';
DROP ROLE test_analyst;
DELETE FROM boxoffice.claim WHERE event_id = :la;
UPDATE boxoffice.stock SET held = 0, sold = 0, blocked = 0 WHERE event_id = :la;
DELETE FROM boxoffice.payment WHERE event_id = :la;
DELETE FROM boxoffice.ticket WHERE event_id IN (:la, :tokyo);
DELETE FROM boxoffice.order WHERE event_id IN (:la, :tokyo);
DELETE FROM boxoffice.hold WHERE event_id IN (:la, :tokyo);

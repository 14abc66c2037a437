-- Views for people who work in SQL. They read as boxoffice_report, which sees organizers by a row
-- policy; every view joins the organizer, so the policy holds for all of them.

CREATE OR REPLACE VIEW report.inventory AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       e.status AS event_status,
       e.test,
       s.id AS session_id,
       s.key AS session,
       s.status AS session_status,
       (s.starts_at AT TIME ZONE s.zone) AS session_starts_local,
       COALESCE(s.zone, e.zone) AS zone,
       p.key AS pool,
       p.scope,
       k.id AS stock_id,
       k.capacity,
       k.overbook,
       k.held,
       k.pending,
       k.sold,
       k.blocked,
       lapsed.quantity AS lapsed,
       k.capacity::bigint + k.overbook - k.held - k.pending - k.sold - k.blocked + lapsed.quantity
           AS available
  FROM boxoffice.stock AS k
  JOIN boxoffice.event AS e ON e.id = k.event_id
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
  JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
  LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
 CROSS JOIN LATERAL (
    SELECT COALESCE(pg_catalog.sum(l.quantity), 0)::bigint AS quantity
      FROM boxoffice_code.stock_lapsed AS l
     WHERE l.event_id = k.event_id
       AND l.group_id = k.group_id
       AND l.stock_id = k.id
       AND l.for_sale
       AND k.held + k.pending + k.blocked > 0
  ) AS lapsed;
COMMENT ON VIEW report.inventory IS
'How every stock row stands now: one row per session for a pool per session, one for a pool of the event. It reads what it lists: ask by session_id for one session of an event with thousands, which is as quick as in an event with one.';
COMMENT ON COLUMN report.inventory.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.inventory.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.inventory.event IS 'Slug of the event.';
COMMENT ON COLUMN report.inventory.event_status IS 'draft, published, paused or cancelled.';
COMMENT ON COLUMN report.inventory.test IS 'Whether the event is a test.';
COMMENT ON COLUMN report.inventory.session_id IS 'The session; NULL for a pool of the event.';
COMMENT ON COLUMN report.inventory.session IS 'Key of the session; NULL for a pool of the event.';
COMMENT ON COLUMN report.inventory.session_status IS 'open, paused or cancelled.';
COMMENT ON COLUMN report.inventory.session_starts_local IS
'When the session starts, as a clock on its wall shows.';
COMMENT ON COLUMN report.inventory.zone IS 'The time zone of the session, or of the event.';
COMMENT ON COLUMN report.inventory.pool IS 'Key of the pool.';
COMMENT ON COLUMN report.inventory.scope IS 'session or event: what the pool counts.';
COMMENT ON COLUMN report.inventory.stock_id IS 'The stock row''s id.';
COMMENT ON COLUMN report.inventory.capacity IS 'How many places there are; NULL is unlimited.';
COMMENT ON COLUMN report.inventory.overbook IS 'How many more the organizer chose to sell.';
COMMENT ON COLUMN report.inventory.held IS
'Places in holds, lapsed ones included until they are taken back.';
COMMENT ON COLUMN report.inventory.pending IS
'Places of orders that wait for their payment, lapsed ones included until they are taken back.';
COMMENT ON COLUMN report.inventory.sold IS 'Places of paid orders.';
COMMENT ON COLUMN report.inventory.blocked IS
'Places kept back for a channel, lapsed ones included until they are taken back.';
COMMENT ON COLUMN report.inventory.lapsed IS
'Of held, pending and blocked: places whose time is over, which the next buyer gets.';
COMMENT ON COLUMN report.inventory.available IS
'Places that can be sold now, lapsed ones included; NULL is unlimited.';

-- From the sums that the worker keeps, with what it has not counted yet (sql/order_sum): exact in
-- every snapshot, and as quick with ten million tickets as with ten: a row a day, type and channel,
-- by order_sum_day_pkey, and the orders that changed in the last second, by outbox_pkey.
CREATE OR REPLACE VIEW report.sales_by_day AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       e.test,
       d.day,
       e.zone,
       y.key AS ticket_type,
       d.channel,
       e.currency,
       d.orders,
       d.tickets,
       d.cancelled,
       d.price,
       d.fees,
       d.price + d.fees AS total
  FROM boxoffice.event AS e
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
 CROSS JOIN LATERAL (
    SELECT x.day, x.ticket_type_id, x.channel,
           pg_catalog.sum(x.orders)::bigint AS orders,
           pg_catalog.sum(x.tickets)::bigint AS tickets,
           pg_catalog.sum(x.cancelled)::bigint AS cancelled,
           pg_catalog.sum(x.price)::bigint AS price,
           pg_catalog.sum(x.fees)::bigint AS fees
      FROM (
        SELECT s.day, s.ticket_type_id, s.channel, s.orders, s.tickets, s.cancelled, s.price,
               s.fees
          FROM boxoffice.order_sum_day AS s
         WHERE s.event_id = e.id
        UNION ALL
        SELECT (t.counted ->> 'day')::date, k.key::bigint, t.counted ->> 'channel', t.sign,
               t.sign * (k.value ->> 0)::bigint, t.sign * (k.value ->> 1)::bigint,
               t.sign * (k.value ->> 2)::bigint, t.sign * (k.value ->> 3)::bigint
          FROM boxoffice_code.order_tail AS t
         CROSS JOIN LATERAL pg_catalog.jsonb_each(t.counted -> 'types') AS k
         WHERE t.event_id = e.id AND t.counted ->> 'day' IS NOT NULL
      ) AS x
     GROUP BY x.day, x.ticket_type_id, x.channel
    HAVING pg_catalog.sum(x.orders) > 0
  ) AS d
  JOIN boxoffice.ticket_type AS y ON y.event_id = e.id AND y.id = d.ticket_type_id;
COMMENT ON VIEW report.sales_by_day IS
'What was sold on each day, as the event''s zone counts days, by ticket type and channel. An order counts on the day it was paid; amounts are in minor units of the currency. From sums that the worker keeps and what has changed since, so it is exact, and as quick for a long history as for a short one.';
COMMENT ON COLUMN report.sales_by_day.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.sales_by_day.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.sales_by_day.event IS 'Slug of the event.';
COMMENT ON COLUMN report.sales_by_day.test IS 'Whether the event is a test.';
COMMENT ON COLUMN report.sales_by_day.day IS 'The local day on which the orders were paid.';
COMMENT ON COLUMN report.sales_by_day.zone IS 'The event''s time zone, in which days are counted.';
COMMENT ON COLUMN report.sales_by_day.ticket_type IS 'Key of the ticket type.';
COMMENT ON COLUMN report.sales_by_day.channel IS 'Where it was sold: web, box_office, phone, api.';
COMMENT ON COLUMN report.sales_by_day.currency IS 'ISO 4217.';
COMMENT ON COLUMN report.sales_by_day.orders IS 'Orders with a ticket of the type.';
COMMENT ON COLUMN report.sales_by_day.tickets IS 'Tickets that are valid now.';
COMMENT ON COLUMN report.sales_by_day.cancelled IS 'Tickets that were paid and cancelled since.';
COMMENT ON COLUMN report.sales_by_day.price IS 'Sum of the valid tickets'' prices.';
COMMENT ON COLUMN report.sales_by_day.fees IS 'Sum of the valid tickets'' fees.';
COMMENT ON COLUMN report.sales_by_day.total IS 'Prices and fees.';

-- The rest: orders, tickets, sessions, events, what is owed. None has personal data.
--
-- How they stay quick with ten million tickets. Ask for an event (event_id): each part of an order
-- is then found by an index that has the event first (order_pkey, ticket_order_id_idx,
-- payment_order_id_idx), and a column that is not asked for costs nothing, as each is a query of
-- its own that the planner leaves out. Places come from the counters of stock, which the sale keeps
-- anyway: session_load reads a row a pool, not a ticket. event_summary and sales_by_day read sums
-- that the worker keeps, and add what it has not counted yet (sql/order_sum): a row a day, type and
-- channel instead of every ticket. owed begins with the few orders that may be owed something, and
-- inventory and session_load list a row a stock row: ask for a session of an event of thousands.
-- Conditions with = and < on ids, texts and times go into a view, others stay outside (grants.sql
-- says why): begin with event_id.
--
-- What is owed goes by the rule of C's order_due and boxoffice_code.order_owes, written out here
-- since a function in a view runs with the rights of who reads it.

CREATE OR REPLACE VIEW report.order AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       b.id AS order_id,
       e.short_code || '-' || b.code AS code,
       n.status,
       b.test,
       b.channel,
       (b.placed_at AT TIME ZONE e.zone) AS placed_local,
       (b.paid_at AT TIME ZONE e.zone) AS paid_local,
       (b.cancelled_at AT TIME ZONE e.zone) AS cancelled_local,
       e.zone,
       (SELECT pg_catalog.count(*)
          FROM boxoffice.ticket AS t
         WHERE t.event_id = b.event_id AND t.order_id = b.id AND t.state <> 'cancelled') AS tickets,
       b.total,
       b.currency,
       m.paid,
       w.owes - m.paid AS due
  FROM boxoffice.order AS b
  JOIN boxoffice.event AS e ON e.id = b.event_id
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
 CROSS JOIN LATERAL (
    SELECT CASE WHEN b.status = 'pending'
                AND (SELECT boxoffice_code.clock())
                    > b.expires_at + e.payment_grace_ms * '1 ms'::interval
           THEN 'expired' ELSE b.status END AS status
  ) AS n
 CROSS JOIN LATERAL (
    SELECT COALESCE((
        SELECT pg_catalog.sum(p.amount)
          FROM boxoffice.payment AS p
         WHERE p.event_id = b.event_id AND p.order_id = b.id), 0)::bigint AS paid
  ) AS m
 CROSS JOIN LATERAL (
    SELECT CASE
        WHEN e.status <> 'cancelled' AND n.status IN ('paid', 'pending', 'approval')
        THEN b.total - COALESCE((
            SELECT pg_catalog.sum(t.price + t.fee)
              FROM boxoffice.ticket AS t
              JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
             WHERE t.event_id = b.event_id
               AND t.order_id = b.id
               AND t.state <> 'cancelled'
               AND s.status = 'cancelled'), 0)::bigint
        ELSE 0 END AS owes
  ) AS w;
COMMENT ON VIEW report.order IS
'Every order as it stands now, without personal data. Amounts are in minor units of the currency.';
COMMENT ON COLUMN report.order.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.order.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.order.event IS 'Slug of the event.';
COMMENT ON COLUMN report.order.order_id IS 'The order''s id.';
COMMENT ON COLUMN report.order.code IS 'The order''s code, as buyers know it.';
COMMENT ON COLUMN report.order.status IS
'As it stands now: one that was not paid in time is expired.';
COMMENT ON COLUMN report.order.test IS 'Whether the event was a test.';
COMMENT ON COLUMN report.order.channel IS 'Where it was sold: web, box_office, phone, api.';
COMMENT ON COLUMN report.order.placed_local IS 'When it was placed, as a clock on the wall shows.';
COMMENT ON COLUMN report.order.paid_local IS 'When it was paid.';
COMMENT ON COLUMN report.order.cancelled_local IS 'When it was cancelled.';
COMMENT ON COLUMN report.order.zone IS 'The event''s time zone.';
COMMENT ON COLUMN report.order.tickets IS 'Tickets that are not cancelled.';
COMMENT ON COLUMN report.order.total IS 'Prices and fees.';
COMMENT ON COLUMN report.order.currency IS 'ISO 4217.';
COMMENT ON COLUMN report.order.paid IS 'What came in.';
COMMENT ON COLUMN report.order.due IS 'What is still to be paid; negative: what is owed back.';

CREATE OR REPLACE VIEW report.ticket AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       t.id AS ticket_id,
       t.order_id,
       y.key AS ticket_type,
       y.kind,
       s.key AS session,
       (s.starts_at AT TIME ZONE s.zone) AS session_starts_local,
       CASE WHEN e.status = 'cancelled' OR s.status = 'cancelled' THEN 'cancelled'
            WHEN t.state = 'reserved' AND EXISTS (
                SELECT FROM boxoffice.order AS b
                 WHERE b.event_id = t.event_id
                   AND b.id = t.order_id
                   AND (b.status = 'expired' OR b.status = 'pending'
                        AND (SELECT boxoffice_code.clock())
                            > b.expires_at + e.payment_grace_ms * '1 ms'::interval))
            THEN 'expired'
            ELSE t.state END AS state,
       t.price,
       t.fee,
       e.currency,
       e.test
  FROM boxoffice.ticket AS t
  JOIN boxoffice.event AS e ON e.id = t.event_id
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
  JOIN boxoffice.ticket_type AS y ON y.event_id = t.event_id AND y.id = t.ticket_type_id
  LEFT JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id;
COMMENT ON VIEW report.ticket IS
'Every ticket, without its code and without personal data.';
COMMENT ON COLUMN report.ticket.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.ticket.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.ticket.event IS 'Slug of the event.';
COMMENT ON COLUMN report.ticket.ticket_id IS 'The ticket''s id.';
COMMENT ON COLUMN report.ticket.order_id IS 'The order it belongs to.';
COMMENT ON COLUMN report.ticket.ticket_type IS 'Key of the ticket type.';
COMMENT ON COLUMN report.ticket.kind IS 'admission, addon, merchandise or donation.';
COMMENT ON COLUMN report.ticket.session IS 'Key of the session; NULL for a pass.';
COMMENT ON COLUMN report.ticket.session_starts_local IS
'When the session starts, as a clock on its wall shows.';
COMMENT ON COLUMN report.ticket.state IS
'reserved, valid, cancelled or expired; a ticket of a cancelled session or event is cancelled, one that is reserved for an expired order is expired.';
COMMENT ON COLUMN report.ticket.price IS 'In minor units of the currency.';
COMMENT ON COLUMN report.ticket.fee IS 'What came on top of the price.';
COMMENT ON COLUMN report.ticket.currency IS 'ISO 4217.';
COMMENT ON COLUMN report.ticket.test IS 'Whether the event is a test.';

CREATE OR REPLACE VIEW report.session_load AS
SELECT i.organizer,
       i.event_id,
       i.event,
       i.session_id,
       i.session,
       i.session_starts_local,
       i.zone,
       i.pool,
       i.capacity::bigint + i.overbook AS capacity,
       i.sold,
       i.held + i.pending - i.lapsed AS waiting,
       i.blocked,
       i.available,
       pg_catalog.round(100.0 * i.sold / NULLIF(i.capacity::bigint + i.overbook, 0), 1) AS percent
  FROM report.inventory AS i
 WHERE i.session_id IS NOT NULL;
COMMENT ON VIEW report.session_load IS
'How full each session is, pool by pool, by the counters that the sale keeps. It reads what it lists: ask by session_id for one session of an event with thousands.';
COMMENT ON COLUMN report.session_load.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.session_load.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.session_load.event IS 'Slug of the event.';
COMMENT ON COLUMN report.session_load.session_id IS 'The session''s id.';
COMMENT ON COLUMN report.session_load.session IS 'Key of the session.';
COMMENT ON COLUMN report.session_load.session_starts_local IS
'When it starts, as a clock on its wall shows.';
COMMENT ON COLUMN report.session_load.zone IS 'The time zone of the session.';
COMMENT ON COLUMN report.session_load.pool IS 'Key of the pool.';
COMMENT ON COLUMN report.session_load.capacity IS
'Places, with those that the organizer chose to oversell; NULL is unlimited.';
COMMENT ON COLUMN report.session_load.sold IS 'Places of paid orders.';
COMMENT ON COLUMN report.session_load.waiting IS
'Places in holds and unpaid orders, and of blocks whose time is over taken off.';
COMMENT ON COLUMN report.session_load.blocked IS 'Places kept back for a channel.';
COMMENT ON COLUMN report.session_load.available IS
'Places that can be sold now; NULL is unlimited.';
COMMENT ON COLUMN report.session_load.percent IS 'Sold of the capacity.';

-- Orders that may be owed something, as boxoffice_code.owed_candidates knows them, each from an
-- index that has no others; then each of them as it is now (OFFSET 0: one by one, whatever the
-- planner takes for few). So it costs what was ever cancelled, overpaid or made cheaper, for one
-- event or for all, and not what was sold.
CREATE OR REPLACE VIEW report.owed AS
SELECT b.organizer,
       c.event_id,
       b.event,
       c.order_id,
       b.code,
       b.status,
       b.total,
       b.paid,
       -b.due AS owed,
       b.currency
  FROM (
    SELECT e.id AS event_id, p.order_id
      FROM boxoffice.event AS e
     CROSS JOIN LATERAL (
        SELECT x.order_id FROM boxoffice.payment AS x WHERE x.event_id = e.id
        OFFSET 0
      ) AS p
     WHERE e.status = 'cancelled'
    UNION
    SELECT s.event_id, t.order_id
      FROM boxoffice.session AS s
     CROSS JOIN LATERAL (
        SELECT x.order_id
          FROM boxoffice.ticket AS x
         WHERE x.event_id = s.event_id AND x.session_id = s.id
        OFFSET 0
      ) AS t
     WHERE s.status = 'cancelled'
    UNION
    SELECT t.event_id, t.order_id
      FROM boxoffice.ticket AS t
     WHERE t.state = 'cancelled'
    UNION
    SELECT p.event_id, p.order_id
      FROM boxoffice.payment AS p
     WHERE p.outcome <> 'paid' OR p.surplus > 0
    UNION
    SELECT h.event_id, h.order_id
      FROM boxoffice.order_change AS h
     WHERE h.total_after < h.total_before
    UNION
    SELECT h.event_id, h.order_id
      FROM boxoffice.order_change AS h
     WHERE h.reopened
  ) AS c
 CROSS JOIN LATERAL (
    SELECT x.*
      FROM report.order AS x
     WHERE x.event_id = c.event_id AND x.order_id = c.order_id
    OFFSET 0
  ) AS b
 WHERE b.due < 0;
COMMENT ON VIEW report.owed IS
'Orders that money is owed back for: cancelled ones, parts of ones, what came too late or twice. As quick for a long history as for a short one, also without event_id; of a cancelled event or session it reads what was sold of it.';
COMMENT ON COLUMN report.owed.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.owed.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.owed.event IS 'Slug of the event.';
COMMENT ON COLUMN report.owed.order_id IS 'The order''s id.';
COMMENT ON COLUMN report.owed.code IS 'The order''s code.';
COMMENT ON COLUMN report.owed.status IS 'As the order stands now.';
COMMENT ON COLUMN report.owed.total IS 'Prices and fees of what is not cancelled by itself.';
COMMENT ON COLUMN report.owed.paid IS 'What came in.';
COMMENT ON COLUMN report.owed.owed IS 'What is to be given back, in minor units.';
COMMENT ON COLUMN report.owed.currency IS 'ISO 4217.';

-- From the sums too. Orders that wait are looked at as they are now, as time alone ends that: those
-- that were counted as pending, by order_search_pending_idx, and those that changed since.
CREATE OR REPLACE VIEW report.event_summary AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       e.name,
       e.status,
       e.test,
       e.session_count::bigint AS sessions,
       b.orders,
       b.paid_orders,
       (SELECT pg_catalog.count(*)
          FROM (
            SELECT s.order_id
              FROM boxoffice.order_search AS s
             WHERE s.event_id = e.id AND s.counted ->> 'status' = 'pending'
            UNION
            SELECT t.order_id FROM boxoffice_code.order_tail AS t WHERE t.event_id = e.id
          ) AS w
         CROSS JOIN LATERAL (
            SELECT
              FROM boxoffice.order AS p
             WHERE p.event_id = e.id
               AND p.id = w.order_id
               AND p.status = 'pending'
               AND (SELECT boxoffice_code.clock())
                   <= p.expires_at + e.payment_grace_ms * '1 ms'::interval
            -- one by one, never all orders of the event
            OFFSET 0
          ) AS p) AS pending_orders,
       b.total,
       b.paid,
       b.tickets,
       e.currency
  FROM boxoffice.event AS e
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
 CROSS JOIN LATERAL (
    SELECT COALESCE(pg_catalog.sum(x.orders), 0)::bigint AS orders,
           COALESCE(pg_catalog.sum(x.paid_orders), 0)::bigint AS paid_orders,
           COALESCE(pg_catalog.sum(x.total), 0)::bigint AS total,
           COALESCE(pg_catalog.sum(x.paid), 0)::bigint AS paid,
           COALESCE(pg_catalog.sum(x.tickets), 0)::bigint AS tickets
      FROM (
        SELECT s.orders, s.paid_orders, s.total, s.paid, s.tickets
          FROM boxoffice.order_sum AS s
         WHERE s.event_id = e.id
        UNION ALL
        SELECT t.sign,
               CASE WHEN t.counted ->> 'status' = 'paid' THEN t.sign END,
               CASE WHEN t.counted ->> 'status' = 'paid'
                    THEN t.sign * (t.counted ->> 'total')::bigint END,
               t.sign * (t.counted ->> 'paid')::bigint,
               t.sign * (SELECT pg_catalog.sum((k.value ->> 0)::bigint)
                           FROM pg_catalog.jsonb_each(t.counted -> 'types') AS k)
          FROM boxoffice_code.order_tail AS t
         WHERE t.event_id = e.id
      ) AS x
  ) AS b;
COMMENT ON VIEW report.event_summary IS
'One row an event: what was sold and what came in. From sums that the worker keeps and what has changed since, so it is exact, and as quick for a long history as for a short one.';
COMMENT ON COLUMN report.event_summary.organizer IS 'Slug of the organizer.';
COMMENT ON COLUMN report.event_summary.event_id IS 'The event''s id.';
COMMENT ON COLUMN report.event_summary.event IS 'Slug of the event.';
COMMENT ON COLUMN report.event_summary.name IS 'What it is called.';
COMMENT ON COLUMN report.event_summary.status IS 'draft, published, paused or cancelled.';
COMMENT ON COLUMN report.event_summary.test IS 'Whether it is a test.';
COMMENT ON COLUMN report.event_summary.sessions IS 'How many sessions it has.';
COMMENT ON COLUMN report.event_summary.orders IS 'Orders of all kinds.';
COMMENT ON COLUMN report.event_summary.paid_orders IS 'Orders that are paid.';
COMMENT ON COLUMN report.event_summary.pending_orders IS 'Orders that wait for their payment.';
COMMENT ON COLUMN report.event_summary.total IS 'What the paid orders cost, in minor units.';
COMMENT ON COLUMN report.event_summary.paid IS 'What came in, for whatever order.';
COMMENT ON COLUMN report.event_summary.tickets IS 'Valid tickets.';
COMMENT ON COLUMN report.event_summary.currency IS 'ISO 4217.';

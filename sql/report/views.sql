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
    SELECT COALESCE(pg_catalog.sum(c.quantity), 0)::bigint AS quantity
      FROM boxoffice.claim AS c
     WHERE c.event_id = k.event_id
       AND c.group_id = k.group_id
       AND c.state IN ('held', 'pending', 'blocked')
       AND c.expires_at <= (SELECT boxoffice_code.clock())
       AND k.id = ANY (c.stock_ids)
       AND k.held + k.pending + k.blocked > 0
  ) AS lapsed;
COMMENT ON VIEW report.inventory IS
'How every stock row stands now: one row per session for a pool per session, one for a pool of the event.';
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

CREATE OR REPLACE VIEW report.sales_by_day AS
SELECT o.slug AS organizer,
       e.id AS event_id,
       e.slug AS event,
       e.test,
       (b.paid_at AT TIME ZONE e.zone)::date AS day,
       e.zone,
       y.key AS ticket_type,
       b.channel,
       e.currency,
       pg_catalog.count(DISTINCT b.id) AS orders,
       pg_catalog.count(*) FILTER (WHERE t.state = 'valid') AS tickets,
       pg_catalog.count(*) FILTER (WHERE t.state = 'cancelled') AS cancelled,
       COALESCE(pg_catalog.sum(t.price) FILTER (WHERE t.state = 'valid'), 0)::bigint AS price,
       COALESCE(pg_catalog.sum(t.fee) FILTER (WHERE t.state = 'valid'), 0)::bigint AS fees,
       COALESCE(pg_catalog.sum(t.price + t.fee) FILTER (WHERE t.state = 'valid'), 0)::bigint
           AS total
  FROM boxoffice.order AS b
  JOIN boxoffice.event AS e ON e.id = b.event_id
  JOIN boxoffice.organizer AS o ON o.id = e.organizer_id
  JOIN boxoffice.ticket AS t ON t.event_id = b.event_id AND t.order_id = b.id
  JOIN boxoffice.ticket_type AS y ON y.event_id = t.event_id AND y.id = t.ticket_type_id
 WHERE b.paid_at IS NOT NULL
 GROUP BY o.slug, e.id, (b.paid_at AT TIME ZONE e.zone)::date, y.key, b.channel;
COMMENT ON VIEW report.sales_by_day IS
'What was sold on each day, as the event''s zone counts days, by ticket type and channel. An order counts on the day it was paid; amounts are in minor units of the currency.';
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

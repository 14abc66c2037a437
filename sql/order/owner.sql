-- Whether the orders of an event agree with everything that belongs to them. Placing, paying and
-- cancelling are C (pg_extension/src/order*.c); this is the second opinion.

CREATE OR REPLACE FUNCTION boxoffice.check_orders_money(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH piece AS (
    SELECT t.order_id, sum(t.price) AS price, sum(t.fee) AS fee,
           sum(t.price + t.fee) FILTER (WHERE s.status = 'cancelled') AS called_off
      FROM boxoffice.ticket AS t
      LEFT JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
     WHERE t.event_id = check_orders_money.event AND t.state <> 'cancelled'
     GROUP BY t.order_id
), fee AS (
    SELECT f.order_id, sum(f.amount) AS amount
      FROM boxoffice.order_fee AS f
     WHERE f.event_id = check_orders_money.event
     GROUP BY f.order_id
), money AS (
    SELECT p.order_id, sum(p.amount) AS amount,
           count(*) FILTER (WHERE p.outcome = 'paid') AS completions,
           count(*) FILTER (WHERE p.outcome = 'order_cancelled') AS called_off
      FROM boxoffice.payment AS p
     WHERE p.event_id = check_orders_money.event
     GROUP BY p.order_id
), reopening AS (
    SELECT c.order_id, count(*) AS times
      FROM boxoffice.order_change AS c
     WHERE c.event_id = check_orders_money.event AND c.reopened
     GROUP BY c.order_id
), placed AS (
    SELECT o.*, coalesce(r.times, 0) AS reopened,
           coalesce(p.price, 0) AS price, coalesce(p.fee, 0) AS ticket_fee,
           coalesce(f.amount, 0) AS fee, coalesce(m.amount, 0) AS paid,
           coalesce(p.called_off, 0) AS not_due,
           coalesce(m.completions, 0) AS completions, coalesce(m.called_off, 0) AS called_off,
           m.order_id IS NULL AS unpaid
      FROM boxoffice.order AS o
      LEFT JOIN piece AS p ON p.order_id = o.id
      LEFT JOIN fee AS f ON f.order_id = o.id
      LEFT JOIN money AS m ON m.order_id = o.id
      LEFT JOIN reopening AS r ON r.order_id = o.id
     WHERE o.event_id = check_orders_money.event
)
SELECT 'total is not the sum of its parts', o.id, o.id, (o.price + o.fee)::text, o.total::text
  FROM placed AS o
 WHERE o.total <> o.price + o.fee
UNION ALL
SELECT 'fees are not those of its tickets', o.id, o.id, o.ticket_fee::text, o.fee::text
  FROM placed AS o
 WHERE o.fee <> o.ticket_fee
UNION ALL
SELECT 'paid, but less than the total came in', o.id, o.id, o.total::text, o.paid::text
  FROM placed AS o
 WHERE o.status = 'paid' AND (o.unpaid OR o.paid < o.total - o.not_due)
UNION ALL
SELECT 'pending, but all of the total came in', o.id, o.id, o.total::text, o.paid::text
  FROM placed AS o
 WHERE o.status = 'pending' AND o.paid >= o.total AND o.called_off = 0
UNION ALL
SELECT 'completed by payments, so many', o.id, o.id,
       '1 once it was paid, and 1 each time that it costs more again, else 0',
       o.completions::text
  FROM placed AS o
 WHERE o.completions > CASE WHEN o.paid_at IS NULL THEN 0 ELSE 1 + o.reopened END
$$;
COMMENT ON FUNCTION boxoffice.check_orders_money(bigint) IS
'What check_orders looks at: totals, fees, and money against the status.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders_ledger(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT 'payment unlike its order', p.order_id, p.id,
       format('%s, test %s', o.currency, o.test), format('%s, %s', p.currency, p.kind)
  FROM boxoffice.payment AS p
  JOIN boxoffice.order AS o ON o.event_id = p.event_id AND o.id = p.order_id
 WHERE p.event_id = check_orders_ledger.event
   AND (p.currency <> o.currency OR (p.kind = 'test' AND NOT o.test))
UNION ALL
SELECT 'money moved between orders does not add up', NULL, NULL, '0', sum(p.amount)::text
  FROM boxoffice.payment AS p
 WHERE p.event_id = check_orders_ledger.event AND p.kind = 'offset'
HAVING sum(p.amount) <> 0
UNION ALL
SELECT 'payment of nothing that did not complete its order', p.order_id, p.id, 'paid', p.outcome
  FROM boxoffice.payment AS p
 WHERE p.event_id = check_orders_ledger.event AND p.amount = 0 AND p.outcome <> 'paid'
UNION ALL
SELECT 'paid, but neither by a payment nor by a change', o.id, o.id, 'a payment that completed it',
       'none'
  FROM boxoffice.order AS o
 WHERE o.event_id = check_orders_ledger.event AND o.status = 'paid'
   AND NOT EXISTS (SELECT FROM boxoffice.payment AS p
                    WHERE p.event_id = check_orders_ledger.event AND p.order_id = o.id
                      AND p.outcome = 'paid')
   AND NOT EXISTS (SELECT FROM boxoffice.order_change AS c
                    WHERE c.event_id = check_orders_ledger.event AND c.order_id = o.id)
   AND NOT EXISTS (SELECT FROM boxoffice.ticket AS t
                    WHERE t.event_id = check_orders_ledger.event AND t.order_id = o.id
                      AND t.state = 'cancelled')
UNION ALL
SELECT 'complimentary without a reason', p.order_id, p.id, 'a reason', 'none'
  FROM boxoffice.payment AS p
 WHERE p.event_id = check_orders_ledger.event AND p.kind = 'complimentary'
   AND NOT EXISTS (SELECT FROM boxoffice.order_change AS c
                    WHERE c.event_id = check_orders_ledger.event AND c.order_id = p.order_id
                      AND c.reason IS NOT NULL)
$$;
COMMENT ON FUNCTION boxoffice.check_orders_ledger(bigint) IS
'What check_orders looks at: payments by themselves, and money that moved between orders.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders_states(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH placed AS (
    SELECT o.id, o.hold_id, o.status
      FROM boxoffice.order AS o
     WHERE o.event_id = check_orders_states.event
), line AS (
    SELECT t.order_id, t.line, count(*) FILTER (WHERE t.state <> 'cancelled') AS live,
           count(*) FILTER (WHERE t.state = 'valid') AS valid,
           min(t.ticket_type_id) AS ticket_type_id, min(t.session_id) AS session_id,
           count(DISTINCT (t.ticket_type_id, t.session_id)) AS kinds
      FROM boxoffice.ticket AS t
     WHERE t.event_id = check_orders_states.event
     GROUP BY t.order_id, t.line
), piece AS (
    SELECT l.order_id, sum(l.live) AS live, sum(l.valid) AS valid
      FROM line AS l
     GROUP BY l.order_id
), claimed AS (
    SELECT o.id AS order_id, o.status, c.line, c.state, c.quantity, c.ticket_type_id,
           c.session_id, coalesce(l.live, 0) AS live, l.ticket_type_id AS ticket_ticket_type_id,
           l.session_id AS ticket_session_id, l.kinds
      FROM placed AS o
      JOIN boxoffice.claim AS c ON c.event_id = check_orders_states.event
                               AND c.owner_id = o.hold_id
      LEFT JOIN line AS l ON l.order_id = o.id AND l.line = c.line
)
SELECT 'tickets in a state that does not fit its status', o.id, o.id, o.status,
       format('%s live, %s of them valid', p.live, p.valid)
  FROM placed AS o
  JOIN piece AS p ON p.order_id = o.id
 WHERE CASE o.status
           WHEN 'paid' THEN p.live = 0 OR p.live <> p.valid
           WHEN 'cancelled' THEN p.live > 0
           ELSE p.live = 0 OR p.valid > 0
       END
UNION ALL
SELECT 'claim in a state that does not fit its status', c.order_id, c.line, c.status, c.state
  FROM claimed AS c
 WHERE c.state <> 'released'
   AND CASE c.status
           WHEN 'approval' THEN c.state <> 'pending'
           WHEN 'pending' THEN c.state <> 'pending'
           WHEN 'paid' THEN c.state <> 'sold'
           WHEN 'expired' THEN c.state NOT IN ('pending', 'expired')
           ELSE true
       END
UNION ALL
SELECT 'claim of another quantity than its tickets', c.order_id, c.line, c.live::text,
       format('%s %s', c.quantity, c.state)
  FROM claimed AS c
 WHERE c.live <> CASE c.state WHEN 'released' THEN 0 ELSE c.quantity END
UNION ALL
SELECT 'tickets of another type or session than their claim', c.order_id, c.line,
       format('%s/%s', c.ticket_type_id, c.session_id),
       format('%s/%s', c.ticket_ticket_type_id, c.ticket_session_id)
  FROM claimed AS c
 WHERE c.kinds > 1 OR c.ticket_ticket_type_id <> c.ticket_type_id
    OR c.ticket_ticket_type_id IS NOT NULL AND c.ticket_session_id IS DISTINCT FROM c.session_id
UNION ALL
SELECT 'hold is not marked as ordered', o.id, o.hold_id, 'ordered', h.status
  FROM placed AS o
  JOIN boxoffice.hold AS h ON h.event_id = check_orders_states.event AND h.id = o.hold_id
 WHERE h.status <> 'ordered'
$$;
COMMENT ON FUNCTION boxoffice.check_orders_states(bigint) IS
'What check_orders looks at: the states of orders, their tickets, claims and holds.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders_orphans(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH placed AS (
    SELECT o.id, o.hold_id
      FROM boxoffice.order AS o
     WHERE o.event_id = check_orders_orphans.event
), part (what, order_id, ref_id) AS (
    SELECT 'ticket', t.order_id, t.id
      FROM boxoffice.ticket AS t
     WHERE t.event_id = check_orders_orphans.event
    UNION ALL
    SELECT 'payment', p.order_id, p.id
      FROM boxoffice.payment AS p
     WHERE p.event_id = check_orders_orphans.event
    UNION ALL
    SELECT 'fee', f.order_id, f.line
      FROM boxoffice.order_fee AS f
     WHERE f.event_id = check_orders_orphans.event
    UNION ALL
    SELECT 'contact', c.order_id, c.order_id
      FROM boxoffice.contact AS c
     WHERE c.event_id = check_orders_orphans.event
    UNION ALL
    SELECT 'note', n.order_id, n.id
      FROM boxoffice.order_note AS n WHERE n.event_id = check_orders_orphans.event
    UNION ALL
    SELECT 'change', c.order_id, c.id
      FROM boxoffice.order_change AS c WHERE c.event_id = check_orders_orphans.event
)
SELECT part.what || ' without an order', part.order_id, part.ref_id, 'an order', 'none'
  FROM part
 WHERE NOT EXISTS (SELECT FROM placed AS o WHERE o.id = part.order_id)
UNION ALL
SELECT 'order without tickets', o.id, o.id, 'tickets', 'none'
  FROM placed AS o
 WHERE NOT EXISTS (SELECT FROM part WHERE part.what = 'ticket' AND part.order_id = o.id)
UNION ALL
SELECT 'order without a hold', o.id, o.hold_id, 'a hold', 'none'
  FROM placed AS o
 WHERE NOT EXISTS (SELECT FROM boxoffice.hold AS h
                    WHERE h.event_id = check_orders_orphans.event AND h.id = o.hold_id)
UNION ALL
SELECT 'ordered hold without an order', NULL, h.id, 'an order', 'none'
  FROM boxoffice.hold AS h
 WHERE h.event_id = check_orders_orphans.event AND h.status = 'ordered'
   AND NOT EXISTS (SELECT FROM placed AS o WHERE o.hold_id = h.id)
UNION ALL
SELECT 'ticket without a claim', o.id, t.id, 'a claim', 'none'
  FROM boxoffice.ticket AS t
  JOIN placed AS o ON o.id = t.order_id
 WHERE t.event_id = check_orders_orphans.event
   AND NOT EXISTS (SELECT FROM boxoffice.claim AS c
                    WHERE c.event_id = check_orders_orphans.event
                      AND c.owner_id = o.hold_id AND c.line = t.line)
UNION ALL
SELECT 'ticket without its parent', o.id, t.id, 'a ticket of the order that is not cancelled',
       coalesce(p.state, 'none')
  FROM boxoffice.ticket AS t
  JOIN placed AS o ON o.id = t.order_id
  LEFT JOIN boxoffice.ticket AS p ON p.event_id = check_orders_orphans.event
                                 AND p.id = t.parent_id AND p.order_id = t.order_id
 WHERE t.event_id = check_orders_orphans.event
   AND t.parent_id IS NOT NULL
   AND (p.id IS NULL OR p.state = 'cancelled' AND t.state <> 'cancelled')
UNION ALL
SELECT 'holder without a ticket', NULL, r.ticket_id, 'a ticket', 'none'
  FROM boxoffice.holder AS r
 WHERE r.event_id = check_orders_orphans.event
   AND NOT EXISTS (SELECT FROM boxoffice.ticket AS t
                    WHERE t.event_id = check_orders_orphans.event AND t.id = r.ticket_id)
$$;
COMMENT ON FUNCTION boxoffice.check_orders_orphans(bigint) IS
'What check_orders looks at: parts that have lost what they belong to.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders_catalogue(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT 'ticket of an unknown type or session', t.order_id, t.id, 'both',
       format('%s/%s', t.ticket_type_id, t.session_id)
  FROM boxoffice.ticket AS t
 WHERE t.event_id = check_orders_catalogue.event
   AND (NOT EXISTS (SELECT FROM boxoffice.ticket_type AS y
                     WHERE y.event_id = check_orders_catalogue.event
                       AND y.id = t.ticket_type_id)
     OR t.session_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM boxoffice.session AS s
                         WHERE s.event_id = check_orders_catalogue.event AND s.id = t.session_id))
UNION ALL
SELECT 'ticket of another price than its claim', o.id, t.id,
       format('%s + %s', c.unit_price, c.unit_fee), format('%s + %s', t.price, t.fee)
  FROM boxoffice.ticket AS t
  JOIN boxoffice.order AS o ON o.event_id = check_orders_catalogue.event AND o.id = t.order_id
  JOIN boxoffice.claim AS c ON c.event_id = check_orders_catalogue.event
                           AND c.owner_id = o.hold_id AND c.line = t.line
 WHERE t.event_id = check_orders_catalogue.event AND t.state <> 'cancelled'
   AND (t.price, t.fee) <> (c.unit_price, c.unit_fee)
UNION ALL
SELECT 'places that may be taken back before its deadline', o.id, c.line, o.expires_at::text,
       c.expires_at::text
  FROM boxoffice.order AS o
  JOIN boxoffice.claim AS c ON c.event_id = check_orders_catalogue.event AND c.owner_id = o.hold_id
 WHERE o.event_id = check_orders_catalogue.event AND o.status IN ('approval', 'pending')
   AND c.state = 'pending' AND c.expires_at < o.expires_at
UNION ALL
SELECT 'order unlike its event', o.id, o.id, format('%s, test %s', e.currency, e.test),
       format('%s, test %s', o.currency, o.test)
  FROM boxoffice.order AS o
  LEFT JOIN boxoffice.event AS e ON e.id = o.event_id
 WHERE o.event_id = check_orders_catalogue.event
   AND (e.id IS NULL OR o.currency <> e.currency OR o.test <> e.test)
$$;
COMMENT ON FUNCTION boxoffice.check_orders_catalogue(bigint) IS
'What check_orders looks at: orders and tickets against the event that they are of, and against what was held.';

-- Imported orders have no history here: their payments and times are those of another system.
CREATE OR REPLACE FUNCTION boxoffice.check_orders_times(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH change AS (
    SELECT c.order_id, array_agg(c.changed_at) AS times,
           bool_or(c.reopened OR c.kind = 'split') AS may_be_due,
           bool_or(c.kind = 'split') AS split, bool_or(c.kind = 'approve') AS approved,
           bool_or(c.kind IN ('approve', 'extend')) AS decided
      FROM boxoffice.order_change AS c
     WHERE c.event_id = check_orders_times.event
     GROUP BY c.order_id
), money AS (
    SELECT p.order_id, array_agg(p.recorded_at) FILTER (WHERE p.outcome = 'paid') AS times,
           bool_or(p.outcome = 'approval') AS too_early, bool_or(p.outcome = 'overpaid') AS over
      FROM boxoffice.payment AS p
     WHERE p.event_id = check_orders_times.event
     GROUP BY p.order_id
), placed AS (
    SELECT o.id, o.status, o.placed_at, o.paid_at, o.cancelled_at, c.times || m.times AS times,
           c.may_be_due, c.split, c.approved, c.decided, m.too_early, m.over
      FROM boxoffice.order AS o
      LEFT JOIN change AS c ON c.order_id = o.id
      LEFT JOIN money AS m ON m.order_id = o.id
     WHERE o.event_id = check_orders_times.event
       AND NOT EXISTS (SELECT FROM boxoffice.imported AS i
                        WHERE i.event_id = check_orders_times.event AND i.kind = 'order'
                          AND i.ref_id = o.id)
)
SELECT 'waits for an approval that it has', o.id, o.id, 'none',
       coalesce(o.paid_at::text, 'approved')
  FROM placed AS o
 WHERE o.status = 'approval' AND (o.approved OR o.paid_at IS NOT NULL)
UNION ALL
SELECT 'came to pass without the approval that it waited for', o.id, o.id, 'approval', o.status
  FROM placed AS o
 WHERE o.status IN ('pending', 'paid') AND o.too_early AND o.decided IS NOT TRUE
UNION ALL
SELECT 'was paid, and is not, and nothing made it cost more', o.id, o.id, 'paid', o.status
  FROM placed AS o
 WHERE o.status IN ('pending', 'expired') AND o.paid_at IS NOT NULL AND o.may_be_due IS NOT TRUE
UNION ALL
SELECT 'paid when neither a payment nor a change completed it', o.id, o.id,
       coalesce(o.times::text, 'never'), o.paid_at::text
  FROM placed AS o
 WHERE o.paid_at IS NOT NULL AND o.paid_at <> ALL (coalesce(o.times, '{}'))
   AND o.split IS NOT TRUE
UNION ALL
SELECT 'overpaid, but never paid', o.id, o.id, 'a time when it was paid', 'none'
  FROM placed AS o
 WHERE o.over AND o.paid_at IS NULL
UNION ALL
SELECT 'paid or cancelled before it was placed', o.id, o.id, o.placed_at::text,
       least(o.paid_at, o.cancelled_at)::text
  FROM placed AS o
 WHERE least(o.paid_at, o.cancelled_at) < o.placed_at - interval '1 minute'
UNION ALL
SELECT 'not cancelled, but there is a time of it', o.id, o.id, 'cancelled', o.status
  FROM placed AS o
 WHERE o.cancelled_at IS NOT NULL AND o.status <> 'cancelled'
$$;
COMMENT ON FUNCTION boxoffice.check_orders_times(bigint) IS
'What check_orders looks at: when orders were placed, approved, paid and cancelled against their state, their payments and what was done to them.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders_cost(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH called_off AS (
    SELECT t.order_id, sum(t.price + t.fee) AS amount
      FROM boxoffice.ticket AS t
      JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
     WHERE t.event_id = check_orders_cost.event AND s.status = 'cancelled'
       AND t.state <> 'cancelled'
     GROUP BY t.order_id
), change AS (
    SELECT c.order_id, array_agg(c.total_before) || array_agg(c.total_after) AS totals,
           (array_agg(c.total_after ORDER BY c.id DESC))[1] AS last
      FROM boxoffice.order_change AS c
     WHERE c.event_id = check_orders_cost.event AND c.total_before <> c.total_after
     GROUP BY c.order_id
), came_in AS (
    SELECT p.order_id, p.id, p.outcome,
           sum(p.amount) OVER (PARTITION BY p.order_id ORDER BY p.id) - coalesce(p.surplus, 0)
               AS amount
      FROM boxoffice.payment AS p
     WHERE p.event_id = check_orders_cost.event
)
SELECT 'total is not what its last change made it', o.id, o.id, c.last::text, o.total::text
  FROM change AS c
  JOIN boxoffice.order AS o ON o.event_id = check_orders_cost.event AND o.id = c.order_id
 WHERE o.total <> c.last
UNION ALL
SELECT 'completed by other money than it cost', o.id, p.id, o.total::text, p.amount::text
  FROM came_in AS p
  JOIN boxoffice.order AS o ON o.event_id = check_orders_cost.event AND o.id = p.order_id
  LEFT JOIN change AS c ON c.order_id = o.id
  LEFT JOIN called_off AS f ON f.order_id = o.id
 WHERE p.outcome = 'paid'
   AND p.amount NOT BETWEEN o.total - coalesce(f.amount, 0) AND o.total
   AND NOT EXISTS (SELECT FROM unnest(c.totals) AS cost (total)
                    WHERE p.amount BETWEEN cost.total - coalesce(f.amount, 0) AND cost.total)
   AND NOT EXISTS (SELECT FROM boxoffice.imported AS i
                    WHERE i.event_id = check_orders_cost.event AND i.kind = 'order'
                      AND i.ref_id = o.id)
$$;
COMMENT ON FUNCTION boxoffice.check_orders_cost(bigint) IS
'What check_orders looks at: totals against what changed them, and the money that completed an order against what it cost, then or now, with or without what is called off.';

-- A limit that was set by an UPDATE in SQL has not counted what was there, so a counter may say
-- less than the buyer has; but what he has not, it must not count.
CREATE OR REPLACE FUNCTION boxoffice.check_orders_buyers(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH counted AS MATERIALIZED (
    SELECT b.buyer_key, b.ticket_type_id, b.taken
      FROM boxoffice.buyer AS b
     WHERE b.event_id = check_orders_buyers.event AND b.taken > 0
), both_sides AS (
    SELECT b.buyer_key, b.ticket_type_id, b.taken, 0 AS quantity
      FROM counted AS b
    UNION ALL
    SELECT k.buyer_key, t.id, 0, c.quantity
      FROM boxoffice.claim AS c
      JOIN boxoffice.hold AS h ON h.event_id = check_orders_buyers.event AND h.id = c.owner_id
      LEFT JOIN boxoffice.order AS o ON o.event_id = check_orders_buyers.event AND o.hold_id = h.id
     CROSS JOIN LATERAL (VALUES ('s:' || h.subject), (o.email_key)) AS k (buyer_key)
     CROSS JOIN LATERAL (VALUES (c.ticket_type_id),
                                (CASE WHEN c.parent_line IS NULL THEN 0 END)) AS t (id)
     WHERE c.event_id = check_orders_buyers.event AND c.state IN ('held', 'pending', 'sold')
       AND EXISTS (SELECT FROM counted)
       AND k.buyer_key IS NOT NULL AND t.id IS NOT NULL
)
SELECT 'buyer counted for more than he has', NULL::bigint, b.ticket_type_id, sum(b.quantity)::text,
       format('%s of %s', sum(b.taken), b.buyer_key)
  FROM both_sides AS b
 GROUP BY b.buyer_key, b.ticket_type_id
HAVING sum(b.taken) > sum(b.quantity)
$$;
COMMENT ON FUNCTION boxoffice.check_orders_buyers(bigint) IS
'What check_orders looks at: counters of limits per buyer against what their buyers have. ref_id is the ticket type, 0 for the event''s own limit.';

CREATE OR REPLACE FUNCTION boxoffice.check_orders(event bigint)
RETURNS TABLE (problem text, order_id bigint, ref_id bigint, wanted text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT p.*
  FROM boxoffice.check_events(check_orders.event) AS e (id)
 CROSS JOIN LATERAL (
    SELECT * FROM boxoffice.check_orders_money(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_ledger(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_states(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_orphans(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_catalogue(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_times(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_cost(e.id)
    UNION ALL
    SELECT * FROM boxoffice.check_orders_buyers(e.id)
 ) AS p
$$;
COMMENT ON FUNCTION boxoffice.check_orders(bigint) IS
'Compares each order of an event with its tickets, fees, payments, changes, claims, hold and event, and counters of buyers with what these have. No rows when all is well, also in the middle of a load: STABLE, so that all of it is read in one snapshot. NULL: every event.';

-- Sessions that don't take place, or later, and what is owed back for them.
--
-- A cancelled session rewrites nothing of its orders: its tickets are not valid since it is
-- cancelled, and what was paid for them is owed back since order_owes leaves them out. A cancel is
-- final: buyers are told by the outbox as soon as it commits, so a session that takes place after
-- all is another session.

-- Locks the groups that a sale of a session can touch: those of its stock rows, and of rows of the
-- whole event. Once it has them, no sale that had seen the session open is under way any more.
CREATE OR REPLACE FUNCTION boxoffice_code.session_lock_groups(event bigint, session bigint)
    RETURNS bigint[]
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(pg_catalog.array_agg(locked.id), '{}')
      FROM (
        SELECT g.id
          FROM boxoffice.inventory_group AS g
         WHERE g.event_id = session_lock_groups.event
           AND g.id IN (
                SELECT s.group_id
                  FROM boxoffice.stock AS s
                 WHERE s.event_id = session_lock_groups.event
                   AND (s.session_id = session_lock_groups.session OR s.session_id IS NULL))
         ORDER BY g.id
           FOR NO KEY UPDATE
      ) AS locked
$$;
COMMENT ON FUNCTION boxoffice_code.session_lock_groups IS
'Locks the inventory groups that a sale of a session can touch, and says which they are.';

-- Every hold that has places of a session ends: its deadline is so far back that no grace lets it
-- be written to. What it took in these groups is reclaimed as any expired hold's is. Places that it
-- has in groups of other sessions stay with it until its deadline of before. Returns how many
-- holds that were.
CREATE OR REPLACE FUNCTION boxoffice_code.session_end_holds(
    event bigint, session bigint, groups bigint[])
    RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    over CONSTANT timestamptz := boxoffice_code.hold_over(now);
    holds CONSTANT bigint[] := ARRAY(
        SELECT DISTINCT c.owner_id
          FROM boxoffice.claim AS c
         WHERE c.event_id = session_end_holds.event
           AND c.group_id = ANY (groups)
           AND c.state = 'held'
           AND c.session_id = session_end_holds.session
           AND c.expires_at > now);
BEGIN
    UPDATE boxoffice.claim AS c
       SET expires_at = over
     WHERE c.event_id = session_end_holds.event
       AND c.owner_id = ANY (holds)
       AND c.group_id = ANY (groups)
       AND c.state = 'held';
    UPDATE boxoffice.hold AS h
       SET expires_at = over
      FROM (
        SELECT x.id
          FROM boxoffice.hold AS x
         WHERE x.event_id = session_end_holds.event AND x.id = ANY (holds)
           AND x.status = 'active'
         ORDER BY x.id
           FOR NO KEY UPDATE
      ) AS x
     WHERE h.event_id = session_end_holds.event AND h.id = x.id;
    RETURN pg_catalog.cardinality(holds);
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_end_holds IS
'Ends holds that have places of a session, in groups that are locked; says how many.';

-- What became of a session, or would (schema CallOff).
CREATE OR REPLACE FUNCTION boxoffice_code.calloff_json(
    event boxoffice.event, session boxoffice.session, preview boolean, holds integer)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_build_object(
                   'preview', preview,
                   'session', session.key,
                   'status', session.status,
                   'starts_at', boxoffice_code.time_text(session.starts_at, session.zone),
                   'ends_at', boxoffice_code.time_text(session.ends_at, session.zone),
                   'original_starts_at',
                       boxoffice_code.time_text(session.original_starts_at, session.zone),
                   'zone', session.zone,
                   'holds_ended', holds,
                   'orders', pg_catalog.count(DISTINCT t.order_id),
                   'tickets', pg_catalog.count(*) FILTER (WHERE t.state = 'valid'),
                   'amount', COALESCE(pg_catalog.sum(t.price + t.fee)
                       FILTER (WHERE t.state = 'valid'), 0),
                   'currency', event.currency,
                   'version', event.version)
          FROM boxoffice.ticket AS t
         WHERE t.event_id = event.id AND t.session_id = session.id AND t.state <> 'cancelled');
END
$$;
COMMENT ON FUNCTION boxoffice_code.calloff_json IS
'What became of a session that was cancelled or postponed, and of how many tickets.';

-- When an event's first session starts and its last ends, after sessions were moved.
CREATE OR REPLACE FUNCTION boxoffice_code.event_span(event bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE boxoffice.event AS e
       SET starts_at = s.starts_at,
           ends_at = s.ends_at
      FROM (
        SELECT pg_catalog.min(x.starts_at) AS starts_at,
               pg_catalog.max(COALESCE(x.ends_at, x.starts_at)) AS ends_at
          FROM boxoffice.session AS x
         WHERE x.event_id = event_span.event
      ) AS s
     WHERE e.id = event_span.event
       AND (e.starts_at, e.ends_at) IS DISTINCT FROM (s.starts_at, s.ends_at)
$$;
COMMENT ON FUNCTION boxoffice_code.event_span IS
'Notes when an event''s first session starts and its last one ends.';

-- Orders below an id that may be owed something, the newest first: those with tickets of cancelled
-- sessions or cancelled tickets, with payments that did not complete them, that became cheaper, or
-- that were paid, became dearer and may have expired since; all of them once the event is
-- cancelled. Each is an index's own order, so a page costs a page.
CREATE OR REPLACE FUNCTION boxoffice_code.owed_candidates(
    event boxoffice.event, before bigint, wanted integer)
    RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF event.status = 'cancelled' THEN
        RETURN QUERY
        SELECT o.id
          FROM boxoffice.order AS o
         WHERE o.event_id = event.id AND o.id < before
         ORDER BY o.id DESC
         LIMIT wanted;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT x.order_id
      FROM (
        (SELECT c.order_id
           FROM boxoffice.session AS s
          CROSS JOIN LATERAL (
            SELECT DISTINCT t.order_id
              FROM boxoffice.ticket AS t
             WHERE t.event_id = event.id AND t.session_id = s.id AND t.order_id < before
             ORDER BY t.order_id DESC
             LIMIT wanted) AS c
          WHERE s.event_id = event.id AND s.status = 'cancelled')
        UNION
        (SELECT DISTINCT t.order_id
           FROM boxoffice.ticket AS t
          WHERE t.event_id = event.id AND t.state = 'cancelled' AND t.order_id < before
          ORDER BY t.order_id DESC
          LIMIT wanted)
        UNION
        (SELECT DISTINCT p.order_id
           FROM boxoffice.payment AS p
          WHERE p.event_id = event.id
            AND (p.outcome <> 'paid' OR p.surplus > 0)
            AND p.order_id < before
          ORDER BY p.order_id DESC
          LIMIT wanted)
        UNION
        (SELECT DISTINCT h.order_id
           FROM boxoffice.order_change AS h
          WHERE h.event_id = event.id AND h.total_after < h.total_before AND h.order_id < before
          ORDER BY h.order_id DESC
          LIMIT wanted)
        UNION
        (SELECT DISTINCT h.order_id
           FROM boxoffice.order_change AS h
          WHERE h.event_id = event.id AND h.reopened AND h.order_id < before
          ORDER BY h.order_id DESC
          LIMIT wanted)
      ) AS x
     ORDER BY x.order_id DESC
     LIMIT wanted;
END
$$;
COMMENT ON FUNCTION boxoffice_code.owed_candidates IS
'Orders that may be owed something, the newest first below an id.';

-- Of these orders those that are owed something, and how much.
CREATE OR REPLACE FUNCTION boxoffice_code.owed_orders(event boxoffice.event, orders bigint[])
    RETURNS TABLE (
        id bigint, code text, status text, total bigint, paid bigint, owed bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
BEGIN
    RETURN QUERY
    SELECT x.id, x.code, x.status_now, x.total, x.paid,
           x.paid - boxoffice_code.order_owes(
               event.id, x.id, event.status, x.status_now, x.total)
      FROM (
        SELECT o.id, event.short_code || '-' || o.code AS code, o.total,
               boxoffice_code.order_status_now(
                   o.status, o.expires_at, event.payment_grace_ms, now) AS status_now,
               p.paid
          FROM boxoffice.order AS o
         CROSS JOIN LATERAL (
            SELECT COALESCE(pg_catalog.sum(m.amount), 0)::bigint AS paid
              FROM boxoffice.payment AS m
             WHERE m.event_id = o.event_id AND m.order_id = o.id
          ) AS p
         WHERE o.event_id = event.id AND o.id = ANY (orders) AND p.paid > 0
        OFFSET 0
      ) AS x
     WHERE x.paid > boxoffice_code.order_owes(
               event.id, x.id, event.status, x.status_now, x.total);
END
$$;
COMMENT ON FUNCTION boxoffice_code.owed_orders IS
'Of these orders those that are owed something, and how much.';

-- How many orders of an event are owed something and how much in all. Once the event is cancelled
-- that is all that came in for its orders.
CREATE OR REPLACE FUNCTION boxoffice_code.owed_sum(
    event boxoffice.event, OUT orders bigint, OUT amount bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF event.status = 'cancelled' THEN
        SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(x.paid), 0)
          INTO orders, amount
          FROM (
            SELECT pg_catalog.sum(p.amount) AS paid
              FROM boxoffice.payment AS p
             WHERE p.event_id = event.id
             GROUP BY p.order_id
          ) AS x
         WHERE x.paid > 0;
        RETURN;
    END IF;
    SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(o.owed), 0)
      INTO orders, amount
      FROM boxoffice_code.owed_orders(event, ARRAY(
        SELECT boxoffice_code.owed_candidates(event, 9223372036854775807, 2147483647))) AS o;
END
$$;
COMMENT ON FUNCTION boxoffice_code.owed_sum IS
'How many orders of an event are owed something, and how much in all.';

-- Finding orders for the organizer's people.

-- The stored status, or what it means once an order's time to pay and its grace are over (C's
-- order_status_now).
CREATE OR REPLACE FUNCTION boxoffice_code.order_status_now(
    status text, expires_at timestamptz, grace_ms integer, now timestamptz)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN status = 'pending' AND now > expires_at + grace_ms * '1 ms'::interval
                THEN 'expired' ELSE status END
$$;
COMMENT ON FUNCTION boxoffice_code.order_status_now IS
'The status of an order as it stands at this time: a pending one whose grace is over has expired.';

-- Whether nothing of an order will take place (C's order_is_called_off).
CREATE OR REPLACE FUNCTION boxoffice_code.order_called_off(
    event bigint, "order" bigint, event_status text)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT event_status = 'cancelled' OR COALESCE((
        SELECT pg_catalog.bool_and(COALESCE(s.status = 'cancelled', false))
          FROM boxoffice.ticket AS t
          LEFT JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
         WHERE t.event_id = event AND t.order_id = "order" AND t.state <> 'cancelled'), false)
$$;
COMMENT ON FUNCTION boxoffice_code.order_called_off IS
'Whether nothing of the order will take place: its event is cancelled, or every session it has tickets for.';

-- What an order costs as things stand, before what came in is taken off (C's order_due): its total
-- less what tickets of cancelled sessions cost, nothing once it or its event is cancelled. A pass,
-- which has no session of its own, is called off with the event only.
CREATE OR REPLACE FUNCTION boxoffice_code.order_owes(
    event bigint, "order" bigint, event_status text, status_now text, total bigint)
    RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN event_status <> 'cancelled' AND status_now IN ('paid', 'pending', 'approval')
        THEN total - COALESCE((
            SELECT pg_catalog.sum(t.price + t.fee)
              FROM boxoffice.ticket AS t
              JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
             WHERE t.event_id = event
               AND t.order_id = "order"
               AND t.state <> 'cancelled'
               AND s.status = 'cancelled'), 0)::bigint
        ELSE 0 END
$$;
COMMENT ON FUNCTION boxoffice_code.order_owes IS
'What is to be paid for the order as it stands, before what came in is taken off.';

-- The event, if the caller may see all its orders. A scanner may not.
CREATE OR REPLACE FUNCTION boxoffice_code.require_orders(event bigint)
    RETURNS boxoffice.event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    SELECT e.* INTO found FROM boxoffice.event AS e WHERE e.id = require_orders.event;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    ELSIF boxoffice_code.actor_role() = 'support' THEN
        PERFORM boxoffice_code.require_member(found.organizer_id);
    ELSE
        PERFORM boxoffice_code.require_member(found.organizer_id, 'manager', 'box_office');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_orders IS
'The event, if the caller may see all its orders: the organizer''s people but scanners, and support.';

-- A session by its id or key.
CREATE OR REPLACE FUNCTION boxoffice_code.session_ref(event bigint, ref text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint;
BEGIN
    SELECT s.id
      INTO found
      FROM boxoffice.session AS s
     WHERE s.event_id = event AND s.key = ref;
    IF found IS NULL AND ref ~ '^[0-9]{1,18}$' THEN
        SELECT s.id
          INTO found
          FROM boxoffice.session AS s
         WHERE s.event_id = event AND s.id = ref::bigint;
    END IF;
    IF found IS NULL THEN
        PERFORM boxoffice_code.refuse('unknown_reference', 'session');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.session_ref IS 'A session of the event by its key or id.';

-- Of the orders of an event with ids from `since` to below `before` those that fit, the newest
-- first, at most `wanted`. What is NULL is not asked for. name and email come in lower case.
CREATE OR REPLACE FUNCTION boxoffice_code.order_scan(
    event bigint, since bigint, before bigint, wanted integer, status text, channel text,
    session bigint, email text, name text, changed_since timestamptz, grace_ms integer,
    now timestamptz)
    RETURNS bigint[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(
        SELECT o.id
          FROM boxoffice.order AS o
         WHERE o.event_id = event
           AND o.id >= since
           AND o.id < before
           AND (order_scan.status IS NULL
                OR order_scan.status = boxoffice_code.order_status_now(
                    o.status, o.expires_at, grace_ms, now))
           AND (order_scan.channel IS NULL OR o.channel = order_scan.channel)
           AND (order_scan.session IS NULL OR EXISTS (
                SELECT
                  FROM boxoffice.ticket AS t
                 WHERE t.event_id = order_scan.event
                   AND t.order_id = o.id
                   AND t.session_id = order_scan.session))
           AND (order_scan.email IS NULL AND order_scan.name IS NULL OR EXISTS (
                SELECT
                  FROM boxoffice.contact AS c
                 WHERE c.event_id = event
                   AND c.order_id = o.id
                   AND (order_scan.email IS NULL OR pg_catalog.lower(c.email) = order_scan.email)
                   AND (order_scan.name IS NULL
                        OR pg_catalog.strpos(pg_catalog.lower(c.name), order_scan.name) > 0)
                ) OR EXISTS (
                SELECT
                  FROM boxoffice.ticket AS t
                  JOIN boxoffice.holder AS h ON h.event_id = t.event_id AND h.ticket_id = t.id
                 WHERE t.event_id = event
                   AND t.order_id = o.id
                   AND (order_scan.email IS NULL OR pg_catalog.lower(h.email) = order_scan.email)
                   AND (order_scan.name IS NULL
                        OR pg_catalog.strpos(pg_catalog.lower(h.name), order_scan.name) > 0)))
           AND (order_scan.changed_since IS NULL
                OR GREATEST(o.placed_at, o.paid_at, o.cancelled_at) >= order_scan.changed_since)
         ORDER BY o.id DESC
         LIMIT wanted)
$$;
COMMENT ON FUNCTION boxoffice_code.order_scan IS
'Orders of a range of ids that fit, the newest first.';

-- A page of orders: their ids, the newest first, and the id that the next page goes on below (NULL:
-- there is none).
CREATE OR REPLACE FUNCTION boxoffice_code.order_page(
    event boxoffice.event, since bigint, before bigint, wanted integer, status text, channel text,
    session bigint, email text, name text, changed_since timestamptz,
    OUT ids bigint[], OUT next bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    budget CONSTANT integer := 20000;
    floor bigint;
BEGIN
    SELECT o.id
      INTO floor
      FROM boxoffice.order AS o
     WHERE o.event_id = (order_page.event).id AND o.id >= since AND o.id < before
     ORDER BY o.id DESC
    OFFSET budget - 1
     LIMIT 1;
    ids := boxoffice_code.order_scan(
        (event).id, COALESCE(floor, since), before, wanted + 1, status, channel, session,
        pg_catalog.lower(email), pg_catalog.lower(name), changed_since,
        (event).payment_grace_ms, now);
    next := CASE WHEN pg_catalog.cardinality(ids) > wanted THEN ids[wanted] ELSE floor END;
    ids := ids[:wanted];
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_page IS
'A page of orders that fit, the newest first, and where the next goes on.';

CREATE OR REPLACE FUNCTION boxoffice_code.order_summaries_json(
    event boxoffice.event, orders bigint[])
    RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.json_agg(
               pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'expires_at', CASE WHEN o.status_now = 'pending' THEN
                       boxoffice_code.local_time(o.expires_at, (event).zone) END,
                   'paid_at', boxoffice_code.local_time(o.paid_at, (event).zone),
                   'cancelled_at', boxoffice_code.local_time(o.cancelled_at, (event).zone)))
               || pg_catalog.jsonb_build_object(
                   'id', o.id::text,
                   'event', o.event_id::text,
                   'code', (event).short_code || '-' || o.code,
                   'status', o.status_now,
                   'test', o.test,
                   'channel', o.channel,
                   'name', c.name,
                   'email', c.email,
                   'tickets', (SELECT pg_catalog.count(*)
                                 FROM boxoffice.ticket AS t
                                WHERE t.event_id = o.event_id
                                  AND t.order_id = o.id
                                  AND t.state <> 'cancelled'),
                   'total', o.total,
                   'currency', o.currency,
                   'paid', p.paid,
                   'due', boxoffice_code.order_owes(
                       o.event_id, o.id, (event).status, o.status_now, o.total) - p.paid,
                   'placed_at', boxoffice_code.local_time(o.placed_at, (event).zone),
                   'zone', (event).zone)
               ORDER BY o.id DESC)
      FROM (
        SELECT b.*, boxoffice_code.order_status_now(
                   b.status, b.expires_at, (event).payment_grace_ms, boxoffice_code.clock())
                   AS status_now
          FROM boxoffice.order AS b
         WHERE b.event_id = (event).id AND b.id = ANY (orders)
        OFFSET 0
      ) AS o
      LEFT JOIN boxoffice.contact AS c ON c.event_id = o.event_id AND c.order_id = o.id
     CROSS JOIN LATERAL (
        SELECT COALESCE(pg_catalog.sum(m.amount), 0)::bigint AS paid
          FROM boxoffice.payment AS m
         WHERE m.event_id = o.event_id AND m.order_id = o.id
      ) AS p
$$;
COMMENT ON FUNCTION boxoffice_code.order_summaries_json IS
'Orders as lists show them, the newest first.';

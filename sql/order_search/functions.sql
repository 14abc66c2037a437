-- Finding orders for the organizer's people.

-- The stored status, or what it means once an order's time to pay and its grace are over (C's
-- order_status_now). A sum of a time and an interval is stable, so this is: else it is not inlined.
CREATE OR REPLACE FUNCTION boxoffice_code.order_status_now(
    status text, expires_at timestamptz, grace_ms integer, now timestamptz)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
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
-- less `lost`, which its tickets of cancelled sessions cost; nothing once it or its event is
-- cancelled. A pass, which has no session of its own, is called off with the event only.
CREATE OR REPLACE FUNCTION boxoffice_code.order_cost(
    event_status text, status_now text, total bigint, lost numeric)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN event_status <> 'cancelled' AND status_now IN ('paid', 'pending', 'approval')
                THEN total - COALESCE(lost, 0)::bigint
                ELSE 0 END
$$;
COMMENT ON FUNCTION boxoffice_code.order_cost IS
'What is to be paid for an order as it stands, if its tickets of cancelled sessions cost so much.';

CREATE OR REPLACE FUNCTION boxoffice_code.order_owes(
    event bigint, "order" bigint, event_status text, status_now text, total bigint)
    RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT boxoffice_code.order_cost(event_status, status_now, total, (
        SELECT pg_catalog.sum(t.price + t.fee)
          FROM boxoffice.ticket AS t
          JOIN boxoffice.session AS s ON s.event_id = t.event_id AND s.id = t.session_id
         WHERE t.event_id = event
           AND t.order_id = "order"
           AND t.state <> 'cancelled'
           AND s.status = 'cancelled'))
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

-- ---- what the worker writes
-- -------------------------------------------------------------------------------------
--
-- A sale writes a message into the outbox anyway; the worker reads it there and notes what the
-- order is found by. Nothing is paid for by the sale: an index of parts of names on the hot table
-- would cost it 20 to 30 entries in a GIN index an order. A search looks by itself at what the
-- worker has not seen yet, so it finds what was sold this instant.

-- How wide the spans of time are by which orders are found, as powers of two of ids (2^20 is a
-- millisecond): 16 s, 4 min, 70 min, 19 h, 12 days, 200 days.
CREATE OR REPLACE FUNCTION boxoffice_code.order_spans() RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[34, 38, 42, 46, 50, 54]
$$;
COMMENT ON FUNCTION boxoffice_code.order_spans IS
'The widths of the spans of time that orders are found by, as powers of two of ids.';

-- Notes what these orders are found by. changed: when the last of the messages about each was
-- written; NULL: nobody knows. counted: what the sums hold of each (order_sums_take).
CREATE OR REPLACE FUNCTION boxoffice_code.order_search_write(
    event bigint, orders bigint[], changed timestamptz[], counted jsonb[])
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.order_search (event_id, order_id, changed_at, keys, counted)
    SELECT event, o.id,
           COALESCE(given.at, GREATEST(o.placed_at, o.paid_at, o.cancelled_at)),
           boxoffice_code.search_keys(
               event,
               ARRAY['t:' || o.status, 'c:' || o.channel, 'e:' || pg_catalog.lower(c.email)]
               || ARRAY(SELECT 'w:' || span || ':' || (o.id >> span)
                          FROM pg_catalog.unnest(boxoffice_code.order_spans()) AS span)
               || tickets.sessions || tickets.emails,
               tickets.names || pg_catalog.lower(c.name))
           || boxoffice_code.search_parts(event, tickets.names || pg_catalog.lower(c.name)),
           given.counted
      FROM ROWS FROM (
            pg_catalog.unnest(orders), pg_catalog.unnest(changed), pg_catalog.unnest(counted))
           AS given (id, at, counted)
      JOIN boxoffice.order AS o ON o.event_id = event AND o.id = given.id
      LEFT JOIN boxoffice.contact AS c ON c.event_id = event AND c.order_id = o.id
     CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(DISTINCT 's:' || t.session_id) AS sessions,
               pg_catalog.array_agg('e:' || pg_catalog.lower(h.email))
                   FILTER (WHERE h.email IS NOT NULL) AS emails,
               pg_catalog.array_agg(pg_catalog.lower(h.name))
                   FILTER (WHERE h.name IS NOT NULL) AS names
          FROM boxoffice.ticket AS t
          LEFT JOIN boxoffice.holder AS h ON h.event_id = event AND h.ticket_id = t.id
         WHERE t.event_id = event AND t.order_id = o.id
      ) AS tickets
        ON CONFLICT (event_id, order_id) DO UPDATE
       SET changed_at = GREATEST(order_search.changed_at, EXCLUDED.changed_at),
           keys = EXCLUDED.keys,
           counted = EXCLUDED.counted
$$;
COMMENT ON FUNCTION boxoffice_code.order_search_write IS 'Notes what orders are found by.';

-- Orders that messages of the outbox are about, with the time of the last message. In PL/pgSQL,
-- which keeps its plan; made while there was no message, it must do when there are very many.
CREATE OR REPLACE FUNCTION boxoffice_code.order_messages(
    event bigint, after bigint, upto bigint, most integer)
    RETURNS TABLE (order_id bigint, changed_at timestamptz, last_id bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT CASE
               WHEN m.topic LIKE 'order.%' THEN m.ref_id
               WHEN m.topic LIKE 'ticket.%' THEN (
                   SELECT t.order_id
                     FROM boxoffice.ticket AS t
                    WHERE t.event_id = event AND t.id = m.ref_id)
               WHEN m.topic LIKE 'payment.%' THEN (
                   SELECT p.order_id
                     FROM boxoffice.payment AS p
                    WHERE p.event_id = event AND p.id = m.ref_id)
           END,
           pg_catalog.max(m.created_at),
           pg_catalog.max(m.id)
      FROM (
        SELECT o.id, o.topic, o.ref_id, o.created_at
          FROM boxoffice.outbox AS o
         WHERE o.event_id = event AND o.id > after AND o.id <= upto
         ORDER BY o.id
         LIMIT most
      ) AS m
     GROUP BY 1;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_messages IS
'Which orders messages of the outbox are about, and when each last was; messages about nothing of the kind come as NULL.';

-- Moves the horizon and returns it. An id is given before its transaction commits; when all
-- transactions are over that ran two seconds after an id was given, whoever had it has committed
-- or never will: each has locked something, so has a number, before it asks for an id.
CREATE OR REPLACE FUNCTION boxoffice_code.order_search_horizon()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    margin CONSTANT bigint := 2000::bigint << 20;
    seen CONSTANT pg_snapshot := pg_catalog.pg_current_snapshot();
    safe bigint;
BEGIN
    INSERT INTO boxoffice.order_search_horizon AS h (one, safe_id, next_id, next_xid)
    VALUES (true, 0, boxoffice_code.new_id() - margin, pg_catalog.pg_snapshot_xmax(seen))
        ON CONFLICT (one) DO UPDATE
       SET safe_id = h.next_id,
           next_id = EXCLUDED.next_id,
           next_xid = EXCLUDED.next_xid
     WHERE h.next_xid <= pg_catalog.pg_snapshot_xmin(seen) AND h.next_id < EXCLUDED.next_id;
    SELECT h.safe_id INTO safe FROM boxoffice.order_search_horizon AS h;
    RETURN safe;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_search_horizon IS
'Up to which id nobody can add a message to the outbox any more; moved on if it can be.';

-- Events whose outbox has messages that were not seen, or whose older orders are being taken in.
CREATE OR REPLACE FUNCTION boxoffice_code.order_search_due()
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE present (id) AS (
        SELECT pg_catalog.min(o.event_id) FROM boxoffice.outbox AS o
        UNION ALL
        SELECT (SELECT pg_catalog.min(o.event_id)
                  FROM boxoffice.outbox AS o
                 WHERE o.event_id > p.id)
          FROM present AS p
         WHERE p.id IS NOT NULL
    )
    SELECT p.id
      FROM present AS p
      LEFT JOIN boxoffice.order_search_mark AS m ON m.event_id = p.id
     WHERE p.id IS NOT NULL
       AND CASE
               -- messages about a deleted event stay
               WHEN m.event_id IS NULL THEN EXISTS (
                    SELECT FROM boxoffice.event AS e WHERE e.id = p.id)
               ELSE m.outbox_id < (
                    SELECT pg_catalog.max(o.id)
                      FROM boxoffice.outbox AS o
                     WHERE o.event_id = p.id)
           END
    UNION
    SELECT m.event_id
      FROM boxoffice.order_search_mark AS m
     WHERE m.parts_from > 0 OR m.sums_from > 0
$$;
COMMENT ON FUNCTION boxoffice_code.order_search_due IS
'Events with orders that the search has yet to take in.';

-- Takes in older orders, the newest first, at most so many; the mark after that.
CREATE OR REPLACE FUNCTION boxoffice_code.order_search_fill(
    event bigint, order_from bigint, most integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    orders CONSTANT bigint[] := ARRAY(
        SELECT o.id
          FROM boxoffice.order AS o
         WHERE o.event_id = order_search_fill.event AND o.id < order_search_fill.order_from
         ORDER BY o.id DESC
         LIMIT most);
BEGIN
    PERFORM boxoffice_code.order_search_write(
        event, orders, NULL, boxoffice_code.order_sums_take(event, orders));
    RETURN CASE WHEN pg_catalog.cardinality(orders) < most THEN 0 ELSE orders[most] END;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_search_fill IS
'Takes older orders into the search; from which order on all are there then.';

-- Takes in some orders of an event: those that messages are about, else older ones. 1 if there are
-- older ones left. Those that were taken in before short parts had keys,
-- or before orders were counted, are taken in once more.
-- What a sale adds waits for the next tick, however much it is: in a flood the worker would take a
-- sixth of the time that the database has, and a search looks by itself at what is still to be
-- taken in.
CREATE OR REPLACE FUNCTION boxoffice_code.order_search_step(event bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 4000;
    safe CONSTANT bigint := boxoffice_code.order_search_horizon();
    mark boxoffice.order_search_mark;
    orders bigint[];
    changed timestamptz[];
    last bigint;
    older bigint;
BEGIN
    IF safe = 0 THEN
        -- nobody knows yet what may still come
        RETURN 0;
    END IF;
    IF NOT EXISTS (
        SELECT FROM boxoffice.order_search_mark AS m WHERE m.event_id = event) THEN
        -- who deletes an event has it locked: a mark comes before that, or never
        INSERT INTO boxoffice.order_search_mark (event_id, outbox_id, order_from, parts_from,
                                                 sums_from)
        SELECT e.id, safe, safe + 1, safe + 1, safe + 1
          FROM boxoffice.event AS e
         WHERE e.id = order_search_step.event
           FOR SHARE SKIP LOCKED
            ON CONFLICT (event_id) DO NOTHING;
    END IF;
    SELECT m.*
      INTO mark
      FROM boxoffice.order_search_mark AS m
     WHERE m.event_id = event
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    older := GREATEST(mark.parts_from, mark.sums_from);
    SELECT pg_catalog.array_agg(m.order_id), pg_catalog.array_agg(m.changed_at),
           pg_catalog.max(m.last_id)
      INTO orders, changed, last
      FROM boxoffice_code.order_messages(event, mark.outbox_id, safe, most) AS m;
    IF last IS NOT NULL THEN
        PERFORM boxoffice_code.order_search_write(
            event, orders, changed, boxoffice_code.order_sums_take(event, orders));
    ELSIF older > 0 THEN
        older := boxoffice_code.order_search_fill(
            event, LEAST(older, mark.outbox_id + 1), most);
    END IF;
    UPDATE boxoffice.order_search_mark AS m
       SET outbox_id = COALESCE(last, m.outbox_id),
           order_from = LEAST(m.order_from, older),
           parts_from = LEAST(m.parts_from, older),
           sums_from = LEAST(m.sums_from, older)
     WHERE m.event_id = event;
    PERFORM boxoffice_code.order_search_tidy();
    RETURN (last IS NULL AND older > 0)::integer;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_search_step IS
'Takes some orders of an event into the search; 1 if older ones are left.';

-- ---- finding
-- -------------------------------------------------------------------------------------

-- Of the orders of an event with ids from `since` to below `before`, or of those among the given,
-- the ones that fit as they are now, the newest first, at most `wanted`. What is NULL is not asked
-- for. name and email come in lower case. changed: orders that have changed since, as messages
-- say that the worker has not seen yet. Both sources come in order by themselves, so that no more
-- orders are read than it takes.
CREATE OR REPLACE FUNCTION boxoffice_code.order_scan(
    event boxoffice.event, among bigint[], since bigint, before bigint, wanted integer,
    status text, channel text, session bigint, email text, name text, changed_since timestamptz,
    changed bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    event_id CONSTANT bigint := event.id;
    grace CONSTANT interval := event.payment_grace_ms * '1 ms'::interval;
    now CONSTANT timestamptz := boxoffice_code.clock();
BEGIN
    RETURN ARRAY(
        SELECT o.id
          FROM (
           (SELECT a.*
              FROM boxoffice.order AS a
             WHERE among IS NULL AND a.event_id = event_id AND a.id >= since AND a.id < before
             ORDER BY a.id DESC)
            UNION ALL
           (SELECT a.*
              FROM (SELECT DISTINCT m.id
                      FROM pg_catalog.unnest(among) AS m (id)
                     WHERE m.id >= since AND m.id < before
                     ORDER BY m.id DESC) AS m
              JOIN boxoffice.order AS a ON a.event_id = event_id AND a.id = m.id
             ORDER BY a.id DESC)
          ) AS o
         WHERE (status IS NULL
                OR status = CASE WHEN o.status = 'pending' AND now > o.expires_at + grace
                                 THEN 'expired' ELSE o.status END)
           AND (channel IS NULL OR o.channel = channel)
           AND (session IS NULL OR EXISTS (
                SELECT
                  FROM boxoffice.ticket AS t
                 WHERE t.event_id = event_id AND t.order_id = o.id AND t.session_id = session))
           AND (email IS NULL AND name IS NULL OR EXISTS (
                SELECT
                  FROM boxoffice.contact AS c
                 WHERE c.event_id = event_id
                   AND c.order_id = o.id
                   AND (email IS NULL OR pg_catalog.lower(c.email) = email)
                   AND (name IS NULL OR pg_catalog.strpos(pg_catalog.lower(c.name), name) > 0)
                ) OR EXISTS (
                SELECT
                  FROM boxoffice.ticket AS t
                  JOIN boxoffice.holder AS h ON h.event_id = event_id AND h.ticket_id = t.id
                 WHERE t.event_id = event_id
                   AND t.order_id = o.id
                   AND (email IS NULL OR pg_catalog.lower(h.email) = email)
                   AND (name IS NULL OR pg_catalog.strpos(pg_catalog.lower(h.name), name) > 0)
                -- by the order, never all holders of the event at once
                OFFSET 0))
           AND (changed_since IS NULL
                OR GREATEST(o.placed_at, o.paid_at, o.cancelled_at) >= changed_since
                OR o.id = ANY (changed)
                OR EXISTS (
                SELECT
                  FROM boxoffice.order_search AS s
                 WHERE s.event_id = event_id
                   AND s.order_id = o.id
                   AND s.changed_at >= changed_since))
         ORDER BY o.id DESC
         LIMIT wanted);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_scan IS
'Orders of a range of ids, or among given ones, that fit as they are now, the newest first.';

-- What the index is asked for, each of these sets in full; NULL: nothing of the kind. brief: a part
-- of a name that is shorter than three bytes, which only orders from parts_from on have keys for.
CREATE OR REPLACE FUNCTION boxoffice_code.order_keys(
    event bigint, status text, channel text, session bigint, email text, name text,
    OUT name_keys integer[], OUT email_keys integer[], OUT session_keys integer[],
    OUT channel_keys integer[], OUT status_keys integer[], OUT brief boolean)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN pg_catalog.octet_length(name) < 3
                THEN boxoffice_code.search_keys(event, ARRAY['n:' || name], '{}')
                ELSE NULLIF(boxoffice_code.search_keys(event, '{}', ARRAY[name]), '{}') END,
           NULLIF(boxoffice_code.search_keys(event, ARRAY['e:' || email], '{}'), '{}'),
           NULLIF(boxoffice_code.search_keys(event, ARRAY['s:' || session], '{}'), '{}'),
           NULLIF(boxoffice_code.search_keys(event, ARRAY['c:' || channel], '{}'), '{}'),
           -- a pending order may have expired since
           NULLIF(boxoffice_code.search_keys(
               event, ARRAY['t:' || status,
                            CASE WHEN status = 'expired' THEN 't:pending' END], '{}'), '{}'),
           COALESCE(pg_catalog.octet_length(name) < 3, false)
$$;
COMMENT ON FUNCTION boxoffice_code.order_keys IS
'What the index is asked for: all that are not NULL, but of status_keys one.';

-- Orders of a span of time (NULL: of all times) and of a range of ids that the index finds, the
-- newest first; they have yet to be looked at. NULL if there are more of them than `most`, which is
-- found out without reading them all. Each kind of key is a condition of its own: the index then
-- leaps from one list of rows to where the next goes on. In one array it would walk through the
-- shortest list and look each row up in the list of the span, which for a wide span is a hundred
-- times the work.
CREATE OR REPLACE FUNCTION boxoffice_code.order_candidates(
    event bigint, asked record, span text, since bigint, before bigint, most integer,
    others bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
AS $$
DECLARE
    place CONSTANT integer[] := NULLIF(
        boxoffice_code.search_keys(event, ARRAY[span], '{}'), '{}');
    stati CONSTANT integer[] := COALESCE(asked.status_keys, (COALESCE(
        place, asked.name_keys, asked.email_keys, asked.session_keys, asked.channel_keys))[1:1]);
    state integer;
    rest integer[];
    some_ids bigint[];
    found_ids bigint[] := others;
BEGIN
    FOREACH state IN ARRAY stati LOOP
        -- what stands for a condition that is none
        rest := COALESCE(place, ARRAY[state]);
        some_ids := ARRAY(
            SELECT k.order_id
              FROM (
                -- by no other index than that of the keys
                SELECT s.event_id, s.order_id
                  FROM boxoffice.order_search AS s
                 WHERE s.keys @> COALESCE(asked.name_keys, rest)
                   AND s.keys @> COALESCE(asked.email_keys, rest)
                   AND s.keys @> COALESCE(asked.session_keys, rest)
                   AND s.keys @> COALESCE(asked.channel_keys, rest)
                   AND s.keys @> ARRAY[state]
                   AND s.keys @> rest
                 LIMIT most + 1
              ) AS k
             WHERE k.event_id = event);
        IF pg_catalog.cardinality(some_ids) > most THEN
            RETURN NULL;
        END IF;
        found_ids := found_ids || some_ids;
    END LOOP;
    RETURN ARRAY(
        SELECT DISTINCT f.id
          FROM pg_catalog.unnest(found_ids) AS f (id)
         WHERE f.id >= since AND f.id < before
         ORDER BY f.id DESC);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_candidates IS
'Orders of a span of time that may be what is looked for, and the others given; the newest first; NULL if too many may be.';

-- How wide a span is in which so many ids lie, at least.
CREATE OR REPLACE FUNCTION boxoffice_code.order_width(ids bigint)
    RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    spans CONSTANT integer[] := boxoffice_code.order_spans();
BEGIN
    FOR n IN 1 .. pg_catalog.cardinality(spans) LOOP
        IF 1::bigint << spans[n] >= ids THEN
            RETURN spans[n];
        END IF;
    END LOOP;
    RETURN spans[pg_catalog.cardinality(spans)];
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_width IS
'The narrowest span of time that so many ids fit into, as a power of two; else the widest.';

-- Of the orders that have changed since, those that fit; NULL if too many have for a look at each.
CREATE OR REPLACE FUNCTION boxoffice_code.order_changed(
    event boxoffice.event, since bigint, before bigint, wanted integer, status text, channel text,
    session bigint, email text, name text, changed_since timestamptz, changed bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 5000;
    candidates CONSTANT bigint[] := ARRAY(
        SELECT s.order_id
          FROM boxoffice.order_search AS s
         WHERE s.event_id = (order_changed.event).id
           AND s.changed_at >= order_changed.changed_since
         LIMIT most + 1);
BEGIN
    IF pg_catalog.cardinality(candidates) > most THEN
        RETURN NULL;
    END IF;
    RETURN boxoffice_code.order_scan(
        event, candidates || changed, since, before, wanted, status, channel, session, email,
        name, changed_since, changed);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_changed IS
'Of the orders that have changed since, those that fit; NULL if they are too many.';

-- The id of the order that is so many before an id; NULL if there are not so many.
CREATE OR REPLACE FUNCTION boxoffice_code.order_back(event bigint, before bigint, step integer)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT o.id
          FROM boxoffice.order AS o
         WHERE o.event_id = order_back.event AND o.id < before
         ORDER BY o.id DESC
        OFFSET step - 1
         LIMIT 1);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_back IS 'The order that is so many before an id.';

-- Looks for orders by the index, from `next` down to `floor`, until there are as many as wanted or
-- too many were looked at. Those from `next` to `top` have been looked at before.
--
-- If no more than a few are to be expected in all that is left, should it go on as it did since
-- `top`, then all that is left is asked for at once; unless there are more, as of what was common
-- in the past. Else a span of time is, of those in which the newest order lies: about five times as
-- wide at first as what was looked at, and sixteen times wider each time that so much has been
-- looked through from `top` on. So what is common is not asked for in a span that has very much of
-- it, and what is rare or is not there is asked for two or three times, or ten times at most,
-- however long ago sale began. Spans without orders are passed over.
CREATE OR REPLACE FUNCTION boxoffice_code.order_look(
    event boxoffice.event, asked record, pending bigint[], floor bigint, top bigint,
    wanted integer, status text, channel text, session bigint, email text, name text,
    changed_since timestamptz, changed bigint[],
    INOUT next bigint, INOUT ids bigint[], INOUT looks integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    few CONSTANT integer := 500;
    most CONSTANT integer := 1000;
    oldest CONSTANT bigint := GREATEST(floor, (
        SELECT pg_catalog.min(o.id) FROM boxoffice.order AS o WHERE o.event_id = (event).id));
    width integer := boxoffice_code.order_width(5 * (top - next));
    all_at_once boolean := true;
    newest bigint;
    since bigint;
    span text;
    candidates bigint[];
BEGIN
    WHILE next > floor AND pg_catalog.cardinality(ids) < wanted AND looks > 0 LOOP
        newest := boxoffice_code.order_back((event).id, next, 1);
        IF newest >= floor IS NOT TRUE THEN
            next := floor;
            RETURN;
        END IF;
        since := floor;
        span := NULL;
        IF NOT all_at_once OR few * (top - next)::float8
            < (pg_catalog.cardinality(ids) + 1) * (newest - oldest)::float8 THEN
            since := GREATEST((newest >> width) << width, floor);
            span := 'w:' || width || ':' || (newest >> width);
        END IF;
        candidates := boxoffice_code.order_candidates(
            (event).id, asked, span, since, next,
            CASE WHEN span IS NULL THEN most END, pending);
        IF candidates IS NULL THEN
            all_at_once := false;
        ELSE
            ids := ids || boxoffice_code.order_scan(
                event, candidates[:looks], since, next, wanted - pg_catalog.cardinality(ids),
                status, channel, session, email, name, changed_since, changed);
            next := COALESCE(candidates[looks + 1] + 1, since);
            looks := looks - pg_catalog.cardinality(candidates);
            IF top - next >= 1::bigint << width THEN
                width := boxoffice_code.order_width((1::bigint << width) + 1);
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_look IS
'Of the orders of a range that the index finds, those that fit, the newest first.';

-- A page of orders: their ids, the newest first, and the id that the next page goes on below (NULL:
-- there is none).
--
-- A few of the newest orders are looked at one by one: what very many orders have is among them.
-- All else is asked of the index (order_look), and each order that it names is looked at as it is
-- now; those that messages are about which the worker has not seen are looked at anyway. Where
-- there are no keys to ask for, or older orders have not been taken in yet, the orders are looked
-- at one after the other. At most so many are looked at, and then the page ends.
CREATE OR REPLACE FUNCTION boxoffice_code.order_page(
    event boxoffice.event, since bigint, before bigint, wanted integer, status text, channel text,
    session bigint, email text, name text, changed_since timestamptz,
    OUT ids bigint[], OUT next bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step integer := CASE WHEN pg_catalog.num_nonnulls(
        status, channel, session, email, name, changed_since) = 0 THEN wanted + 1 ELSE 100 END;
    looks integer := 20000;
    mark boxoffice.order_search_mark;
    pending bigint[];
    changed bigint[];
    asked record;
    found record;
    top bigint;
    indexed bigint;
    floor bigint;
BEGIN
    ids := '{}';
    next := before;
    email := pg_catalog.lower(email);
    name := pg_catalog.lower(name);
    SELECT m.* INTO mark FROM boxoffice.order_search_mark AS m WHERE m.event_id = (event).id;
    SELECT COALESCE(pg_catalog.array_agg(m.order_id), '{}'),
           pg_catalog.array_agg(m.order_id)
               FILTER (WHERE m.changed_at >= order_page.changed_since)
      INTO pending, changed
      FROM boxoffice_code.order_messages(
               (event).id, mark.outbox_id, 9223372036854775807, 1000000) AS m;
    asked := boxoffice_code.order_keys((event).id, status, channel, session, email, name);
    IF pg_catalog.num_nonnulls(status, channel, session, email, name) > 0 THEN
        indexed := CASE WHEN asked.brief THEN mark.parts_from ELSE mark.order_from END;
    END IF;

    IF changed_since IS NOT NULL AND mark.order_from = 0 THEN
        ids := boxoffice_code.order_changed(
            event, since, before, wanted + 1, status, channel, session, email, name,
            changed_since, changed);
        next := CASE WHEN ids IS NULL THEN before END;
        ids := COALESCE(ids, '{}');
    END IF;

    WHILE next > since AND pg_catalog.cardinality(ids) <= wanted AND looks > 0 LOOP
        IF top IS NOT NULL AND next > indexed THEN
            found := boxoffice_code.order_look(
                event, asked, pending, GREATEST(indexed, since), top, wanted + 1, status, channel,
                session, email, name, changed_since, changed, next, ids, looks);
            next := found.next;
            ids := found.ids;
            looks := found.looks;
        ELSE
            top := COALESCE(top, boxoffice_code.order_back((event).id, next, 1) + 1);
            floor := boxoffice_code.order_back((event).id, next, step);
            ids := ids || boxoffice_code.order_scan(
                event, NULL, GREATEST(COALESCE(floor, 0), since), next,
                wanted + 1 - pg_catalog.cardinality(ids), status, channel, session, email, name,
                changed_since, changed);
            next := floor;
            looks := looks - step;
            step := 1000;
        END IF;
    END LOOP;
    next := CASE WHEN pg_catalog.cardinality(ids) > wanted THEN ids[wanted]
                 WHEN next > since THEN next END;
    ids := ids[:wanted];
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_page IS
'A page of orders that fit, the newest first, and where the next goes on.';

-- In PL/pgSQL, which keeps its plan: to make it takes longer than to read a page. Functions that
-- look something up are not inlined, and to start one for each order takes longer than all else: so
-- tickets are read here, once.
CREATE OR REPLACE FUNCTION boxoffice_code.order_summaries_json(
    event boxoffice.event, orders bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(
                   pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                       'expires_at', CASE WHEN o.status_now = 'pending' THEN
                           boxoffice_code.time_text(o.expires_at, (event).zone) END,
                       'paid_at', boxoffice_code.time_text(o.paid_at, (event).zone),
                       'cancelled_at', boxoffice_code.time_text(o.cancelled_at, (event).zone)))
                   || pg_catalog.jsonb_build_object(
                       'id', o.id::text,
                       'event', o.event_id::text,
                       'code', (event).short_code || '-' || o.code,
                       'status', o.status_now,
                       'test', o.test,
                       'channel', o.channel,
                       'name', c.name,
                       'email', c.email,
                       'tickets', t.count,
                       'total', o.total,
                       'currency', o.currency,
                       'paid', p.paid,
                       'due', boxoffice_code.order_cost(
                           (event).status, o.status_now, o.total, t.lost) - p.paid,
                       'placed_at', boxoffice_code.time_text(o.placed_at, (event).zone),
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
         CROSS JOIN LATERAL (
            SELECT pg_catalog.count(*),
                   pg_catalog.sum(k.price + k.fee) FILTER (WHERE s.status = 'cancelled') AS lost
              FROM boxoffice.ticket AS k
              LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
             WHERE k.event_id = o.event_id AND k.order_id = o.id AND k.state <> 'cancelled'
          ) AS t);
END
$$;
COMMENT ON FUNCTION boxoffice_code.order_summaries_json IS
'Orders as lists show them, the newest first.';

-- What the background worker does (pg_extension/src/worker.c calls these four and nothing else).
-- Each call is bounded and its own transaction; none of it is needed for truth. A DBA may call them
-- too.

-- What is due: events whose claims' time is up, of holds, of orders, and of blocks with a time of
-- release; and orders that the search does not know yet. The look at claims is bounded: at most so
-- many groups (NULL: all), from where the last one ended. A row without a task says where this one
-- ended; there is none once it has come to the end, and the next begins anew. An event of many
-- sessions has as many groups, and most of them have nothing due: a task comes with the first that
-- has, so that worker_do need not look for it.
CREATE OR REPLACE FUNCTION boxoffice_code.worker_due(
    after_event bigint DEFAULT 0, after_group bigint DEFAULT 0, most integer DEFAULT NULL)
    RETURNS TABLE (task text, event_id bigint, group_id bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH seen AS MATERIALIZED (
        SELECT * FROM boxoffice_code.expired_look(after_event, after_group, most)
    )
    (SELECT due.task, s.event_id, s.group_id
       FROM seen AS s
      CROSS JOIN (VALUES (1, 'expire_orders'), (2, 'expire_claims')) AS due (n, task)
      WHERE s.due
      ORDER BY s.event_id, due.n)
    UNION ALL
    SELECT 'index_orders', e.id, NULL
      FROM boxoffice_code.order_search_due() AS e (id)
    UNION ALL
    SELECT NULL, s.event_id, s.group_id
      FROM seen AS s
     WHERE s.n = most
$$;
COMMENT ON FUNCTION boxoffice_code.worker_due IS
'Which task of which event is due, as far as a bounded look from a group on found, and the first group that is due; a row without a task is where it ended.';

-- Does some of a task of an event; 1 if there may be more of it, else 0. from_group: the first
-- inventory group that is due, as worker_due said; what is due far behind it is left to its next
-- look. 0: nobody knows, and all are looked at.
CREATE OR REPLACE FUNCTION boxoffice_code.worker_do(
    task text, event bigint, from_group bigint DEFAULT 0)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bound CONSTANT integer := 256;
    groups_max CONSTANT integer := 64;  -- that expire_claims locks together
    done integer;
BEGIN
    IF task = 'index_orders' THEN
        RETURN boxoffice_code.order_search_step(event);
    END IF;
    done := CASE task
        WHEN 'expire_claims' THEN boxoffice_code.expire_claims(event, bound, from_group)
        WHEN 'expire_orders' THEN boxoffice_code.expire_orders(event, bound, from_group)
        END;
    IF done IS NULL THEN
        RAISE EXCEPTION 'the worker knows no task "%"', task
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN (done >= LEAST(bound, groups_max))::integer;
END
$$;
COMMENT ON FUNCTION boxoffice_code.worker_do IS
'Does some of a task of an event, from an inventory group on; 1 if there may be more of it.';

-- One step of removing what is over: from a position in the order of a table's key, the next
-- position, or 0 at the end. A walk needs no index, which a hot table would pay for with every row.
-- Holds stay two days after they ended, longer than an idempotency key that may ask for them.
CREATE OR REPLACE FUNCTION boxoffice_code.worker_sweep(
    task text, event bigint, id bigint, OUT next_event bigint, OUT next_id bigint)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE task
        WHEN 'holds' THEN
            SELECT * INTO next_event, next_id FROM boxoffice_code.sweep_holds(event, id, 2000);
        WHEN 'outbox' THEN
            SELECT * INTO next_event, next_id FROM boxoffice_code.sweep_outbox(event, id, 2000);
        WHEN 'idempotency' THEN
            next_event := 0;
            next_id := boxoffice_code.sweep_idempotency(2000);
        WHEN 'search' THEN
            next_event := 0;
            next_id := boxoffice_code.sweep_search(id, 100);
        ELSE
            RAISE EXCEPTION 'the worker knows no sweep "%"', task
                USING ERRCODE = 'invalid_parameter_value';
    END CASE;
END
$$;
COMMENT ON FUNCTION boxoffice_code.worker_sweep IS
'One step of removing what is over: the next position in the table, or 0 at its end.';

CREATE OR REPLACE FUNCTION boxoffice_code.sweep_holds(
    event bigint, id bigint, step integer, OUT next_event bigint, OUT next_id bigint)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before CONSTANT timestamptz := boxoffice_code.clock() - '2 days'::interval;
    events bigint[];
    holds bigint[];
    seen bigint;
BEGIN
    WITH walked AS (
        SELECT h.event_id, h.id,
               h.status IN ('released', 'expired') AND h.created_at < before AS ended
          FROM boxoffice.hold AS h
         WHERE (h.event_id, h.id) > (event, sweep_holds.id)
         ORDER BY h.event_id, h.id
         LIMIT step
    )
    SELECT pg_catalog.count(*),
           pg_catalog.array_agg(w.event_id) FILTER (WHERE w.ended),
           pg_catalog.array_agg(w.id) FILTER (WHERE w.ended),
           (pg_catalog.array_agg(w.event_id ORDER BY w.event_id DESC, w.id DESC))[1],
           (pg_catalog.array_agg(w.id ORDER BY w.event_id DESC, w.id DESC))[1]
      INTO seen, events, holds, next_event, next_id
      FROM walked AS w;
    DELETE FROM boxoffice.claim AS c
     USING ROWS FROM (pg_catalog.unnest(events), pg_catalog.unnest(holds))
           AS ended (event_id, id)
     WHERE c.event_id = ended.event_id
       AND c.owner_id = ended.id
       AND c.state IN ('released', 'expired');
    DELETE FROM boxoffice.hold AS h
     USING ROWS FROM (pg_catalog.unnest(events), pg_catalog.unnest(holds))
           AS ended (event_id, id)
     WHERE h.event_id = ended.event_id
       AND h.id = ended.id
       AND h.status IN ('released', 'expired')
       AND NOT EXISTS (
        SELECT FROM boxoffice.claim AS c WHERE c.event_id = h.event_id AND c.owner_id = h.id);
    IF seen < step THEN
        next_event := 0;
        next_id := 0;
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sweep_holds IS
'Removes holds that ended more than two days ago among the next few.';

-- How long a row stays that nobody delivered; a library that knows no such setting has the default.
CREATE OR REPLACE FUNCTION boxoffice_code.outbox_kept()
    RETURNS interval
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(pg_catalog.current_setting('boxoffice.outbox_keep', true), '30d')::interval
$$;
COMMENT ON FUNCTION boxoffice_code.outbox_kept IS
'How long a row of the outbox stays that nobody delivered: the setting boxoffice.outbox_keep.';

CREATE OR REPLACE FUNCTION boxoffice_code.sweep_outbox(
    event bigint, id bigint, step integer, OUT next_event bigint, OUT next_id bigint)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    delivered_before CONSTANT timestamptz := now - '1 day'::interval;
    made_before CONSTANT timestamptz := now - boxoffice_code.outbox_kept();
    seen bigint;
BEGIN
    WITH walked AS (
        SELECT o.event_id, o.id,
               (o.delivered_at < delivered_before OR o.created_at < made_before)
               -- what is still to be counted stays
               AND (m.outbox_id IS NULL OR o.id <= m.outbox_id) AS over
          FROM boxoffice.outbox AS o
          LEFT JOIN boxoffice.order_search_mark AS m ON m.event_id = o.event_id
         WHERE (o.event_id, o.id) > (event, sweep_outbox.id)
         ORDER BY o.event_id, o.id
         LIMIT step
    ), removed AS (
        DELETE FROM boxoffice.outbox AS o
         USING walked AS w
         WHERE o.event_id = w.event_id AND o.id = w.id AND w.over
    )
    SELECT pg_catalog.count(*),
           (pg_catalog.array_agg(w.event_id ORDER BY w.event_id DESC, w.id DESC))[1],
           (pg_catalog.array_agg(w.id ORDER BY w.event_id DESC, w.id DESC))[1]
      INTO seen, next_event, next_id
      FROM walked AS w;
    IF seen < step THEN
        next_event := 0;
        next_id := 0;
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sweep_outbox IS
'Removes rows of the outbox among the next few: those delivered more than a day ago, and those that nobody delivered for as long as boxoffice.outbox_keep says.';

-- By the BRIN index over the time of making, which a volatile clock in the query would forbid; 1 if
-- there may be more.
CREATE OR REPLACE FUNCTION boxoffice_code.sweep_idempotency(step integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before CONSTANT timestamptz := boxoffice_code.clock() - '1 day'::interval;
    removed bigint;
BEGIN
    DELETE FROM boxoffice.idempotency AS i
     WHERE i.ctid = ANY (ARRAY(
        SELECT old.ctid
          FROM boxoffice.idempotency AS old
         WHERE old.created_at < before
         LIMIT step));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN (removed >= step)::integer;
END
$$;
COMMENT ON FUNCTION boxoffice_code.sweep_idempotency IS
'Removes idempotency keys that are older than a day, at most so many; 1 if there may be more.';

-- Wakes the outbox's readers (LISTEN boxoffice_outbox) if rows were added since the count that the
-- last call gave. The statistics know without a look at the table; they are at most some seconds
-- late, and count what was rolled back too: a reader that is woken looks for itself.
CREATE OR REPLACE FUNCTION boxoffice_code.worker_wake(seen bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added CONSTANT bigint := pg_catalog.pg_stat_get_tuples_inserted('boxoffice.outbox'::regclass);
BEGIN
    IF added <> seen THEN
        PERFORM pg_catalog.pg_notify('boxoffice_outbox', '');
    END IF;
    RETURN added;
END
$$;
COMMENT ON FUNCTION boxoffice_code.worker_wake IS
'Notifies boxoffice_outbox if rows were added since the count given; returns the count now.';

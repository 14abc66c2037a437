-- What only the owner of the tables may: removing the orders and payments of a trial, and a draft.
-- Ledgers can't be deleted from by any other code, so this checks for itself that the event is a
-- test, or a draft that nobody ever ordered from.

-- Gives back what these holds have taken, under the locks of the event's groups: to the block that
-- it came from if that still stands, as a hold's release does (block.c), else to sale.
CREATE OR REPLACE FUNCTION boxoffice_code.trial_give_back(event bigint, holds bigint[])
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH taken AS MATERIALIZED (
        SELECT c.state, c.quantity, c.stock_ids,
               kept.owner_id AS block_id, kept.line AS block_line, kept.stock_ids AS kept_ids
          FROM boxoffice.claim AS c
          LEFT JOIN LATERAL (
            SELECT b.owner_id, b.line, b.stock_ids
              FROM boxoffice.claim AS b
             WHERE b.event_id = c.event_id
               AND b.owner_id = c.block_id
               AND b.state = 'blocked'
               AND b.stock_ids <@ c.stock_ids
             ORDER BY b.quantity DESC, b.line
             LIMIT 1) AS kept ON true
         WHERE c.event_id = trial_give_back.event
           AND c.owner_id = ANY (holds)
           AND c.state IN ('held', 'pending', 'sold')
    ), returned AS (
        UPDATE boxoffice.claim AS b
           SET quantity = b.quantity + t.quantity
          FROM (
            SELECT t.block_id, t.block_line, pg_catalog.sum(t.quantity) AS quantity
              FROM taken AS t
             WHERE t.block_id IS NOT NULL
             GROUP BY t.block_id, t.block_line
          ) AS t
         WHERE b.event_id = trial_give_back.event
           AND b.owner_id = t.block_id
           AND b.line = t.block_line
    )
    UPDATE boxoffice.stock AS s
       SET held = s.held - n.held,
           pending = s.pending - n.pending,
           sold = s.sold - n.sold,
           blocked = s.blocked + n.blocked
      FROM (
        SELECT stock.id,
               COALESCE(sum(t.quantity) FILTER (WHERE t.state = 'held'), 0) AS held,
               COALESCE(sum(t.quantity) FILTER (WHERE t.state = 'pending'), 0) AS pending,
               COALESCE(sum(t.quantity) FILTER (WHERE t.state = 'sold'), 0) AS sold,
               COALESCE(sum(t.quantity) FILTER (WHERE stock.id = ANY (t.kept_ids)), 0)
               AS blocked
          FROM taken AS t
         CROSS JOIN LATERAL pg_catalog.unnest(t.stock_ids) AS stock (id)
         GROUP BY stock.id
      ) AS n
     WHERE s.event_id = trial_give_back.event AND s.id = n.id
$$;
COMMENT ON FUNCTION boxoffice_code.trial_give_back IS
'Gives back what holds of a trial have taken: to the blocks it came from, or to sale.';

-- Removes these holds and all that came of them.
CREATE OR REPLACE FUNCTION boxoffice_code.trial_delete(event bigint, holds bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    orders CONSTANT bigint[] := ARRAY(
        SELECT o.id
          FROM boxoffice.order AS o
         WHERE o.event_id = trial_delete.event AND o.hold_id = ANY (holds));
BEGIN
    PERFORM boxoffice_code.order_sums_forget(event, orders);
    DELETE FROM boxoffice.holder AS h
     USING boxoffice.ticket AS t
     WHERE t.event_id = trial_delete.event
       AND t.order_id = ANY (orders)
       AND h.event_id = t.event_id
       AND h.ticket_id = t.id;
    DELETE FROM boxoffice.ticket AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.payment AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.contact AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.order_fee AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.order_note AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.order_change AS x
     WHERE x.event_id = trial_delete.event AND x.order_id = ANY (orders);
    DELETE FROM boxoffice.order AS x
     WHERE x.event_id = trial_delete.event AND x.id = ANY (orders);
    DELETE FROM boxoffice.claim AS x
     WHERE x.event_id = trial_delete.event AND x.owner_id = ANY (holds);
    DELETE FROM boxoffice.hold AS x
     WHERE x.event_id = trial_delete.event AND x.id = ANY (holds);
END
$$;
COMMENT ON FUNCTION boxoffice_code.trial_delete IS
'Removes holds of a trial and the orders, tickets and payments that came of them.';

-- A few rows a hold of what remembers a trial's holds: idempotency keys, buyers' counters, the
-- outbox and what was imported. True when none is left.
CREATE OR REPLACE FUNCTION boxoffice_code.trial_forget(event bigint, step integer)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := step * 4;
    keys bigint;
    buyers bigint;
    notes bigint;
    imports bigint;
BEGIN
    DELETE FROM boxoffice.idempotency AS x
     WHERE x.ctid = ANY (ARRAY(
        SELECT y.ctid FROM boxoffice.idempotency AS y
         WHERE y.event_id = trial_forget.event LIMIT most));
    GET DIAGNOSTICS keys = ROW_COUNT;
    DELETE FROM boxoffice.buyer AS x
     WHERE x.ctid = ANY (ARRAY(
        SELECT y.ctid FROM boxoffice.buyer AS y WHERE y.event_id = trial_forget.event LIMIT most));
    GET DIAGNOSTICS buyers = ROW_COUNT;
    DELETE FROM boxoffice.outbox AS x
     WHERE x.ctid = ANY (ARRAY(
        SELECT y.ctid FROM boxoffice.outbox AS y
         WHERE y.event_id = trial_forget.event AND y.topic NOT LIKE 'event.%' LIMIT most));
    GET DIAGNOSTICS notes = ROW_COUNT;
    DELETE FROM boxoffice.imported AS x
     WHERE x.ctid = ANY (ARRAY(
        SELECT y.ctid FROM boxoffice.imported AS y
         WHERE y.event_id = trial_forget.event AND y.kind IN ('order', 'ticket') LIMIT most));
    GET DIAGNOSTICS imports = ROW_COUNT;
    RETURN GREATEST(keys, buyers, notes, imports) < most;
END
$$;
COMMENT ON FUNCTION boxoffice_code.trial_forget IS
'One bounded step of removing what remembers a trial''s holds; whether none of it is left.';

-- One step of removing a trial: at most so many holds with all that came of them; when no hold is
-- left, what remembers them, in steps too.
CREATE OR REPLACE FUNCTION boxoffice_code.trial_remove(
    event bigint, step integer, OUT holds integer, OUT done boolean)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found CONSTANT bigint[] := ARRAY(
        SELECT h.id
          FROM boxoffice.hold AS h
         WHERE h.event_id = trial_remove.event
         ORDER BY h.id
         LIMIT step);
BEGIN
    IF NOT EXISTS (SELECT FROM boxoffice.event AS e WHERE e.id = event AND e.test) THEN
        RAISE EXCEPTION 'the event is not a test'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    holds := pg_catalog.cardinality(found);
    done := holds < step;
    PERFORM boxoffice_code.trial_give_back(event, found);
    PERFORM boxoffice_code.trial_delete(event, found);
    IF done THEN
        done := boxoffice_code.trial_forget(event, step);
    END IF;
    IF done THEN
        UPDATE boxoffice.stock AS s
           SET used = false
         WHERE s.event_id = trial_remove.event AND s.used AND s.blocked = 0;
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.trial_remove IS
'One bounded step of removing a test event''s holds, orders and tickets.';

-- The rows of a draft's many-rowed tables, about so many at once: holds that came to nothing, then
-- what names sessions, then sessions. Many of one kind are a call of their own: what a transaction
-- has deleted, the next one's foreign keys no longer look at.
CREATE OR REPLACE FUNCTION boxoffice_code.draft_remove_many(
    event bigint, step integer, OUT removed integer, OUT done boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint[] := ARRAY(
        SELECT h.id FROM boxoffice.hold AS h WHERE h.event_id = event ORDER BY h.id LIMIT step);
    links bigint;
BEGIN
    PERFORM boxoffice_code.trial_give_back(event, found);
    PERFORM boxoffice_code.trial_delete(event, found);
    removed := pg_catalog.cardinality(found);
    done := removed < step;
    IF NOT done THEN
        RETURN;
    END IF;
    WITH priced AS (
        DELETE FROM boxoffice.session_price AS x
         WHERE x.ctid = ANY (ARRAY(
            SELECT y.ctid FROM boxoffice.session_price AS y WHERE y.event_id = event LIMIT step))
        RETURNING true
    ), listed AS (
        DELETE FROM boxoffice.ticket_type_session AS x
         WHERE x.ctid = ANY (ARRAY(
            SELECT y.ctid
              FROM boxoffice.ticket_type_session AS y
             WHERE y.event_id = event
             LIMIT step))
        RETURNING true
    )
    SELECT (SELECT pg_catalog.count(*) FROM priced) + (SELECT pg_catalog.count(*) FROM listed)
      INTO links;
    removed := removed + links;
    done := links < step / 2;
    IF NOT done THEN
        RETURN;
    END IF;
    found := ARRAY(
        SELECT s.id FROM boxoffice.session AS s WHERE s.event_id = event ORDER BY s.id LIMIT step);
    DELETE FROM boxoffice.claim AS x WHERE x.event_id = event;
    DELETE FROM boxoffice.stock AS x WHERE x.event_id = event AND x.session_id = ANY (found);
    DELETE FROM boxoffice.session AS x WHERE x.event_id = event AND x.id = ANY (found);
    removed := removed + pg_catalog.cardinality(found);
    done := pg_catalog.cardinality(found) < step;
END
$$;
COMMENT ON FUNCTION boxoffice_code.draft_remove_many IS
'One bounded step of removing holds and sessions of a draft; done when none are left.';

-- One step of removing a draft that nobody ever ordered from; done when the event is gone.
CREATE OR REPLACE FUNCTION boxoffice_code.draft_remove(
    event bigint, step integer, OUT removed integer, OUT done boolean)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text;
BEGIN
    IF NOT EXISTS (
        SELECT FROM boxoffice.event AS e WHERE e.id = draft_remove.event AND e.status = 'draft')
        OR EXISTS (SELECT FROM boxoffice.order AS o WHERE o.event_id = draft_remove.event) THEN
        RAISE EXCEPTION 'the event is not a draft, or has orders'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT m.removed, m.done
      INTO removed, done
      FROM boxoffice_code.draft_remove_many(event, step) AS m;
    IF NOT done THEN
        RETURN;
    END IF;
    FOREACH part IN ARRAY ARRAY[
        'ticket_type_pool', 'ticket_type_addon', 'ticket_type_bundle', 'ticket_type', 'stock',
        'stock_change', 'pool', 'inventory_group', 'block', 'event_tag', 'event_image',
        'event_slug', 'event_code', 'change', 'buyer', 'idempotency', 'order_search',
        'order_search_mark', 'order_sum', 'order_sum_day', 'imported'] LOOP
        EXECUTE pg_catalog.format('DELETE FROM boxoffice.%I WHERE event_id = $1', part)
          USING event;
    END LOOP;
    DELETE FROM boxoffice.event AS e WHERE e.id = draft_remove.event;
END
$$;
COMMENT ON FUNCTION boxoffice_code.draft_remove IS
'One bounded step of removing a draft that nobody ever ordered from.';

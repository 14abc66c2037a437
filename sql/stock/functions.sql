-- Capacities: the one way to change them, and what a change would do.
--
-- Whoever changes a capacity holds the lock of the event's row, then takes those of the inventory
-- groups (boxoffice_code.stock_reclaim, C). After that counters and capacities stand still.

-- Stock rows beside what they are wanted to be; capacity NULL is unlimited.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_beside(
    event bigint, stocks bigint[], capacities integer[], overbooks integer[])
    RETURNS TABLE (
        id bigint, pool_id bigint, session_id bigint, group_id bigint, capacity_from integer,
        capacity_to integer, overbook_from integer, overbook_to integer, held integer,
        pending integer, sold integer, blocked integer, taken bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT s.id, s.pool_id, s.session_id, s.group_id, s.capacity, w.capacity, s.overbook,
           w.overbook, s.held, s.pending, s.sold, s.blocked,
           s.held::bigint + s.pending + s.sold + s.blocked
      FROM ROWS FROM (pg_catalog.unnest(stocks), pg_catalog.unnest(capacities),
                      pg_catalog.unnest(overbooks)) AS w (id, capacity, overbook)
      JOIN boxoffice.stock AS s ON s.event_id = stock_beside.event AND s.id = w.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_beside IS
'Stock rows beside the capacities that they are wanted to have.';

-- The same with lapsed: how many of the taken places are only waiting to be taken back, by claims
-- past their deadline, other than those that would go back to a block. It looks into each group, so
-- who need not know it asks stock_beside.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_compare(
    event bigint, stocks bigint[], capacities integer[], overbooks integer[])
    RETURNS TABLE (
        id bigint, pool_id bigint, session_id bigint, capacity_from integer, capacity_to integer,
        overbook_from integer, overbook_to integer, held integer, pending integer, sold integer,
        blocked integer, taken bigint, lapsed bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT * FROM boxoffice_code.stock_beside(event, stocks, capacities, overbooks)
    ), late AS MATERIALIZED (
        SELECT l.stock_id, pg_catalog.sum(l.quantity)::bigint AS quantity
          FROM (
            SELECT DISTINCT w.group_id FROM wanted AS w WHERE w.taken > w.sold
          ) AS open
          JOIN boxoffice_code.stock_lapsed AS l
            ON l.event_id = stock_compare.event AND l.group_id = open.group_id AND l.for_sale
         GROUP BY l.stock_id
    )
    SELECT w.id, w.pool_id, w.session_id, w.capacity_from, w.capacity_to, w.overbook_from,
           w.overbook_to, w.held, w.pending, w.sold, w.blocked, w.taken,
           COALESCE(l.quantity, 0)
      FROM wanted AS w
      LEFT JOIN late AS l ON l.stock_id = w.id
     ORDER BY w.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_compare IS
'Stock rows beside what they are wanted to be, and how many of the places taken have expired.';

-- What is wrong with the capacities that are wanted: one fault for each row that has more taken
-- than would be allowed, with what it has. What has expired is not taken.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_faults(
    event bigint, stocks bigint[], capacities integer[], overbooks integer[])
    RETURNS TABLE (stock bigint, fault jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    short_ids bigint[];
    short_capacities integer[];
    short_overbooks integer[];
BEGIN
    -- most rows have room, and then nobody need know what has expired of them
    SELECT pg_catalog.array_agg(b.id), pg_catalog.array_agg(b.capacity_to),
           pg_catalog.array_agg(b.overbook_to)
      INTO short_ids, short_capacities, short_overbooks
      FROM boxoffice_code.stock_beside(event, stocks, capacities, overbooks) AS b
     WHERE b.taken > b.capacity_to::bigint + b.overbook_to;
    IF short_ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT c.id,
           pg_catalog.jsonb_build_object(
               'code', 'capacity_taken', 'pointer', '/capacity', 'stock', c.id::text,
               'pool', p.key, 'session', s.key, 'held', c.held, 'pending', c.pending,
               'sold', c.sold, 'blocked', c.blocked,
               'min', GREATEST(c.taken - c.lapsed - c.overbook_to, 0))
      FROM boxoffice_code.stock_compare(
               event, short_ids, short_capacities, short_overbooks) AS c
      JOIN boxoffice.pool AS p ON p.event_id = stock_faults.event AND p.id = c.pool_id
      LEFT JOIN boxoffice.session AS s ON s.event_id = stock_faults.event AND s.id = c.session_id
     WHERE c.taken - c.lapsed > c.capacity_to::bigint + c.overbook_to
     ORDER BY c.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_faults IS
'Which of these capacities would be below what is taken, as faults of a refusal.';

-- What a change of capacities does, as a preview or afterwards says it (schema StockReport).
CREATE OR REPLACE FUNCTION boxoffice_code.stock_report(
    event bigint, stocks bigint[], capacities integer[], overbooks integer[], preview boolean)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH compared AS MATERIALIZED (
            SELECT * FROM boxoffice_code.stock_compare(event, stocks, capacities, overbooks)
        ), refused AS MATERIALIZED (
            SELECT f.stock, f.fault
              FROM boxoffice_code.stock_faults(event, stocks, capacities, overbooks) AS f
        )
        SELECT pg_catalog.json_build_object(
                   'preview', preview,
                   'rows', pg_catalog.count(*),
                   'changed', pg_catalog.count(*) FILTER (
                       WHERE (c.capacity_from, c.overbook_from)
                             IS DISTINCT FROM (c.capacity_to, c.overbook_to)),
                   'capacity_before', CASE WHEN pg_catalog.bool_and(c.capacity_from IS NOT NULL)
                       THEN pg_catalog.sum(c.capacity_from) END,
                   'capacity_after', CASE WHEN pg_catalog.bool_and(c.capacity_to IS NOT NULL)
                       THEN pg_catalog.sum(c.capacity_to) END,
                   'available_before', CASE WHEN pg_catalog.bool_and(c.capacity_from IS NOT NULL)
                       THEN pg_catalog.sum(GREATEST(
                           c.capacity_from::bigint + c.overbook_from - c.taken + c.lapsed, 0)) END,
                   'available_after', CASE WHEN pg_catalog.bool_and(c.capacity_to IS NOT NULL)
                       THEN pg_catalog.sum(GREATEST(
                           c.capacity_to::bigint + c.overbook_to - c.taken + c.lapsed, 0)) END,
                   'reclaimed', COALESCE(pg_catalog.sum(LEAST(c.lapsed, GREATEST(
                       c.taken - c.capacity_to::bigint - c.overbook_to, 0))), 0),
                   'refused_count', (SELECT pg_catalog.count(*) FROM refused),
                   'refused', (
                       SELECT COALESCE(pg_catalog.json_agg(f.fault - 'pointer' ORDER BY f.stock),
                                       '[]')
                         FROM (SELECT r.* FROM refused AS r ORDER BY r.stock LIMIT 100) AS f))
          FROM compared AS c);
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_report IS
'What a change of capacities would do: how much is free before and after, what must be taken back, and what would be refused and why.';

-- Changes capacities, all or none, of an event that the caller has locked; or says what that would
-- do. Refuses what would go below what is taken, once what has expired is taken back; pointers says
-- where the request names the capacity, or the capacity of each pool, if not at /capacity.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_edit(
    event boxoffice.event, stocks bigint[], capacities integer[], overbooks integer[], reason text,
    preview boolean, pointers jsonb DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    report CONSTANT json :=
        boxoffice_code.stock_report(event.id, stocks, capacities, overbooks, preview);
BEGIN
    IF preview THEN
        RETURN report;
    END IF;
    PERFORM boxoffice_code.stock_reclaim(event.id, stocks, ARRAY(
        SELECT w.capacity::bigint + w.overbook
          FROM ROWS FROM (pg_catalog.unnest(capacities), pg_catalog.unnest(overbooks))
               WITH ORDINALITY AS w (capacity, overbook, n)
         ORDER BY w.n));
    PERFORM boxoffice_code.refuse_all(f.faults)
       FROM (
        SELECT pg_catalog.jsonb_agg(x.fault || pg_catalog.jsonb_build_object(
                   'pointer', CASE pg_catalog.jsonb_typeof(pointers)
                       WHEN 'string' THEN pointers #>> '{}'
                       ELSE COALESCE(pointers ->> (x.fault ->> 'pool'), x.fault ->> 'pointer')
                       END)) AS faults
          FROM (
            SELECT y.fault
              FROM boxoffice_code.stock_faults(event.id, stocks, capacities, overbooks) AS y
             LIMIT 16
          ) AS x
      ) AS f
      WHERE f.faults IS NOT NULL;
    PERFORM boxoffice_code.stock_write(event.id, stocks, capacities, overbooks, reason);
    RETURN report;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_edit IS
'Changes capacities of a locked event, all or none, or says what that would do; refuses what would go below what is taken.';

-- Writes capacities and who changed them. Under the locks of the rows' groups.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_write(
    event bigint, stocks bigint[], capacities integer[], overbooks integer[], reason text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    actor CONSTANT text := COALESCE(boxoffice_code.actor_subject(), boxoffice_code.actor_role());
BEGIN
    IF EXISTS (
        SELECT FROM boxoffice_code.stock_beside(event, stocks, capacities, overbooks) AS c
         WHERE c.taken > c.capacity_to::bigint + c.overbook_to) THEN
        PERFORM boxoffice_code.refuse('reclaiming');
    END IF;
    WITH edited AS MATERIALIZED (
        SELECT c.*
          FROM boxoffice_code.stock_beside(event, stocks, capacities, overbooks) AS c
         WHERE (c.capacity_from, c.overbook_from)
               IS DISTINCT FROM (c.capacity_to, c.overbook_to)
    ), written AS (
        UPDATE boxoffice.stock AS s
           SET capacity = e.capacity_to,
               overbook = e.overbook_to
          FROM edited AS e
         WHERE s.event_id = stock_write.event AND s.id = e.id
    )
    INSERT INTO boxoffice.stock_change (
        event_id, id, stock_id, pool_key, session_id, capacity_from, capacity_to, overbook_from,
        overbook_to, reason, changed_by, changed_at)
    SELECT event, boxoffice_code.new_id(), e.id, p.key, e.session_id, e.capacity_from,
           e.capacity_to, e.overbook_from, e.overbook_to, stock_write.reason, actor, now
      FROM edited AS e
      JOIN boxoffice.pool AS p ON p.event_id = stock_write.event AND p.id = e.pool_id;
    IF FOUND THEN
        PERFORM boxoffice_code.event_changed(event, 'stock_change', NULL,
            pg_catalog.jsonb_build_object(
                'rows', pg_catalog.cardinality(stocks), 'reason', reason));
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_write IS
'Writes capacities of stock rows whose groups are locked, and who changed them and why.';

-- The stock rows that a bulk change means, in order of id: those of the list, or of the pool and
-- the session named, of sessions that start in a window of time. Refuses names that are unknown,
-- and more rows than one change may touch.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_select(event bigint, chosen jsonb)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 20000;
    pool CONSTANT bigint := boxoffice_code.pool_named(event, chosen ->> 'pool', '/pool');
    session CONSTANT bigint :=
        boxoffice_code.session_named(event, chosen ->> 'session', '/session');
    listed CONSTANT bigint[] := ARRAY(
        SELECT x::bigint FROM pg_catalog.jsonb_array_elements_text(chosen -> 'stock') AS x);
    since CONSTANT timestamptz := chosen ->> 'from';
    until CONSTANT timestamptz := chosen ->> 'to';
    found bigint[];
BEGIN
    IF chosen ->> 'stock' IS NULL AND pool IS NULL AND session IS NULL THEN
        PERFORM boxoffice_code.refuse('invalid_document', '', '{}',
            'Name a pool, a session or a list of stock rows.');
    END IF;
    found := ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
          LEFT JOIN boxoffice.session AS at ON at.event_id = s.event_id AND at.id = s.session_id
         WHERE s.event_id = stock_select.event
           AND (chosen ->> 'stock' IS NULL OR s.id = ANY (listed))
           AND (pool IS NULL OR s.pool_id = pool)
           AND (session IS NULL OR s.session_id = session)
           AND (since IS NULL OR at.starts_at >= since)
           AND (until IS NULL OR at.starts_at < until)
         ORDER BY s.id
         LIMIT most + 1);
    IF pg_catalog.cardinality(found) > most THEN
        PERFORM boxoffice_code.refuse('invalid_document', '',
            pg_catalog.jsonb_build_object('max', most), 'These are too many: narrow it down.');
    ELSIF pg_catalog.cardinality(found) < pg_catalog.cardinality(listed)
        AND pool IS NULL AND session IS NULL AND since IS NULL AND until IS NULL THEN
        PERFORM boxoffice_code.refuse('unknown_reference', '/stock');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_select IS
'The stock rows that a bulk change means; at most 20,000.';

CREATE OR REPLACE FUNCTION boxoffice_code.stocks_json(event bigint, stocks bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'pool', p.key,
                   'session', session.key,
                   'capacity', s.capacity,
                   'overbook', s.overbook,
                   'held', s.held,
                   'pending', s.pending,
                   'sold', s.sold,
                   'blocked', s.blocked,
                   'available', n.available,
                   'state', boxoffice_code.stock_state_name(n.state))
                   ORDER BY pg_catalog.array_position(stocks, s.id))
          FROM boxoffice.stock AS s
          JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id
          LEFT JOIN boxoffice.session AS session
            ON session.event_id = s.event_id AND session.id = s.session_id
          JOIN boxoffice_code.stock_now(event, stocks, true) AS n ON n.id = s.id
         WHERE s.event_id = stocks_json.event AND s.id = ANY (stocks));
END
$$;
COMMENT ON FUNCTION boxoffice_code.stocks_json IS
'Stock rows as their organizer sees them, in the order given.';

-- The rows of a session, by id; a session has few.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_page_session(
    event bigint, session bigint, pool bigint, after bigint, wanted integer)
    RETURNS bigint[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
         WHERE s.event_id = stock_page_session.event
           AND s.session_id = stock_page_session.session
           AND (pool IS NULL OR s.pool_id = pool)
           AND s.id > after
         ORDER BY s.id
         LIMIT wanted)
$$;
COMMENT ON FUNCTION boxoffice_code.stock_page_session IS 'Ids of stock rows of a session.';

-- Changes one row of a locked event, and says what it is then; -1 stays as it is, as does an
-- overbook of NULL.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_change(
    event boxoffice.event, stock bigint, capacity integer, overbook integer, reason text)
    RETURNS json
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.stock;
BEGIN
    SELECT *
      INTO found
      FROM boxoffice.stock AS s
     WHERE s.event_id = event.id AND s.id = stock_change.stock;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'stock');
    END IF;
    PERFORM boxoffice_code.stock_edit(
        event, ARRAY[stock],
        ARRAY[CASE WHEN capacity = -1 THEN found.capacity ELSE capacity END],
        ARRAY[COALESCE(NULLIF(overbook, -1), found.overbook)], reason, false,
        CASE WHEN capacity = -1 THEN '"/overbook"'::jsonb END);
    RETURN boxoffice_code.stocks_json(event.id, ARRAY[stock]) -> 0;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_change IS
'Changes the capacity of one stock row of a locked event; -1 stays as it is.';

-- What each row gains (or loses: negative) by moves.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_moves(moves jsonb)
    RETURNS TABLE (n bigint, member text, stock bigint, quantity bigint)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.n - 1, side.member, (m.move ->> side.member)::bigint,
           side.sign * (m.move ->> 'quantity')::bigint
      FROM pg_catalog.jsonb_array_elements(moves) WITH ORDINALITY AS m (move, n)
     CROSS JOIN (VALUES ('from', -1), ('to', 1)) AS side (member, sign)
$$;
COMMENT ON FUNCTION boxoffice_code.stock_moves IS 'What each stock row gains by moves.';

CREATE OR REPLACE FUNCTION boxoffice_code.stock_move_faults(event bigint, moves jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH moved AS (
        SELECT m.n, m.member, m.stock, m.quantity, s.id, s.capacity,
               pg_catalog.sum(m.quantity) OVER (PARTITION BY m.stock) AS gain,
               m.member = 'to'
               AND pg_catalog.count(*) OVER (PARTITION BY m.n, m.stock) = 2 AS from_itself
          FROM boxoffice_code.stock_moves(moves) AS m
          LEFT JOIN boxoffice.stock AS s
            ON s.event_id = stock_move_faults.event AND s.id = m.stock
    )
    SELECT pg_catalog.jsonb_agg(f.fault)
      FROM (
        SELECT boxoffice_code.fault(
                   CASE WHEN m.id IS NULL THEN 'unknown_reference'
                        WHEN m.from_itself OR m.capacity IS NULL THEN 'invalid_document'
                        WHEN m.capacity + m.gain > 100000000 THEN 'amount_too_large'
                        ELSE 'capacity_taken' END,
                   pg_catalog.format('/moves/%s/%s', m.n, m.member),
                   CASE WHEN m.id IS NULL THEN 'The event has no such stock row.'
                        WHEN m.from_itself THEN 'It is the row that gives them.'
                        WHEN m.capacity IS NULL THEN 'It is unlimited.'
                        WHEN m.capacity + m.gain > 100000000 THEN 'It would be too large.'
                        ELSE 'It has fewer places than that.' END) AS fault
          FROM moved AS m
         WHERE m.id IS NULL OR m.from_itself OR m.capacity IS NULL OR m.capacity + m.gain < 0
            OR m.capacity + m.gain > 100000000
         ORDER BY m.n, m.member
         LIMIT 16
      ) AS f
$$;
COMMENT ON FUNCTION boxoffice_code.stock_move_faults IS 'What is wrong with moves of places.';

-- Endpoints of capacities.

CREATE OR REPLACE FUNCTION api.stock_list(
    event bigint, pool text DEFAULT NULL, session text DEFAULT NULL, cursor text DEFAULT NULL,
    "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    after CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
    of_pool bigint;
    found bigint[];
    last bigint;
BEGIN
    PERFORM boxoffice_code.event_seen(event);
    of_pool := boxoffice_code.pool_named(event, pool, 'pool');
    IF session IS NOT NULL THEN
        found := boxoffice_code.stock_page_session(
            event, boxoffice_code.session_named(event, session, 'session'), of_pool, after,
            wanted + 1);
    ELSIF of_pool IS NOT NULL THEN
        found := ARRAY(
            SELECT s.id
              FROM boxoffice.stock AS s
             WHERE s.event_id = stock_list.event
               AND s.pool_id = of_pool
               AND (s.session_id > after OR s.session_id IS NULL AND after = 0)
             ORDER BY s.session_id
             LIMIT wanted + 1);
    ELSE
        found := ARRAY(
            SELECT s.id
              FROM boxoffice.stock AS s
             WHERE s.event_id = stock_list.event AND s.id > after
             ORDER BY s.id
             LIMIT wanted + 1);
    END IF;
    IF pg_catalog.cardinality(found) > wanted THEN
        last := found[wanted];
        IF of_pool IS NOT NULL AND session IS NULL THEN
            SELECT s.session_id
              INTO last
              FROM boxoffice.stock AS s
             WHERE s.event_id = stock_list.event AND s.id = found[wanted];
        END IF;
    END IF;
    RETURN boxoffice_code.page_json(
        boxoffice_code.stocks_json(event, found[:wanted]),
        CASE WHEN last IS NOT NULL THEN boxoffice_code.cursor_make(NULL, last) END);
END
$$;
COMMENT ON FUNCTION api.stock_list IS
'What is counted, and how it stands.
Of a pool its rows go by session; without a pool they go by id.';

-- The defaults mean "as it is"; a capacity of NULL is unlimited, so it says so in words. A preview
-- is the change itself, taken back: so it answers, or refuses, as the change would.
CREATE OR REPLACE FUNCTION api.stock_change(
    event bigint, stock bigint, capacity integer DEFAULT -1, overbook integer DEFAULT -1,
    reason text DEFAULT NULL, if_match text DEFAULT NULL, preview boolean DEFAULT false)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    answer json;
BEGIN
    PERFORM boxoffice_code.require_fits('stock_change',
        CASE WHEN capacity IS NOT DISTINCT FROM -1 THEN '{}'
             ELSE pg_catalog.jsonb_build_object('capacity', capacity) END
        || CASE WHEN COALESCE(overbook, -1) = -1 THEN '{}'
                ELSE pg_catalog.jsonb_build_object('overbook', overbook) END
        || pg_catalog.jsonb_build_object(
            'reason', reason, 'preview', COALESCE(preview, false)));
    IF preview IS NOT TRUE THEN
        RETURN boxoffice_code.stock_change(of, stock, capacity, overbook, reason);
    END IF;
    BEGIN
        answer := boxoffice_code.stock_change(of, stock, capacity, overbook, reason);
        RAISE EXCEPTION 'it was a preview' USING ERRCODE = 'BX001';
    EXCEPTION WHEN SQLSTATE 'BX001' THEN
        RETURN answer;
    END;
END
$$;
COMMENT ON FUNCTION api.stock_change IS
'Change a capacity.
Left out is as it was; capacity NULL is unlimited. Never goes below what is taken. With preview
nothing is changed.';

CREATE OR REPLACE FUNCTION api.stock_change_many(
    event bigint, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    stocks bigint[];
    capacities integer[];
    overbooks integer[];
BEGIN
    patch := boxoffice_code.require_fits('stock_change_many', patch);
    IF NOT patch ?| '{capacity,add,overbook}' OR patch ?& '{capacity,add}' THEN
        PERFORM boxoffice_code.refuse('invalid_document', '', '{}',
            'Say one of capacity and add, or overbook, or both.');
    END IF;
    stocks := boxoffice_code.stock_select(event, patch);
    SELECT pg_catalog.array_agg(
               CASE WHEN patch ? 'capacity' THEN (patch ->> 'capacity')::integer
                    WHEN s.capacity IS NOT NULL THEN LEAST(GREATEST(
                        s.capacity + COALESCE((patch ->> 'add')::bigint, 0), 0), 100000000)
               END ORDER BY s.id),
           pg_catalog.array_agg(
               COALESCE((patch ->> 'overbook')::integer, s.overbook) ORDER BY s.id)
      INTO capacities, overbooks
      FROM boxoffice.stock AS s
     WHERE s.event_id = stock_change_many.event AND s.id = ANY (stocks);
    RETURN boxoffice_code.stock_edit(
        of, stocks, COALESCE(capacities, '{}'), COALESCE(overbooks, '{}'), patch ->> 'reason',
        COALESCE((patch ->> 'preview')::boolean, false),
        CASE WHEN patch ? 'add' THEN '"/add"'::jsonb
             WHEN NOT patch ? 'capacity' THEN '"/overbook"' END);
END
$$;
COMMENT ON FUNCTION api.stock_change_many IS
'Change many capacities at once.
All or none; with preview it only says what the change would do.';

CREATE OR REPLACE FUNCTION api.stock_move(
    event bigint, moves jsonb, reason text DEFAULT NULL, preview boolean DEFAULT false,
    if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    stocks bigint[];
    capacities integer[];
    overbooks integer[];
BEGIN
    preview := COALESCE((boxoffice_code.require_fits('stock_move', pg_catalog.jsonb_build_object(
        'moves', moves, 'reason', reason, 'preview', preview)) -> 'preview')::boolean, false);
    PERFORM boxoffice_code.refuse_all(boxoffice_code.stock_move_faults(event, moves));
    SELECT pg_catalog.array_agg(n.id ORDER BY n.id),
           pg_catalog.array_agg(n.capacity ORDER BY n.id),
           pg_catalog.array_agg(n.overbook ORDER BY n.id)
      INTO stocks, capacities, overbooks
      FROM (
        SELECT s.id, s.overbook, (s.capacity + pg_catalog.sum(m.quantity))::integer AS capacity
          FROM boxoffice_code.stock_moves(moves) AS m
          JOIN boxoffice.stock AS s ON s.event_id = stock_move.event AND s.id = m.stock
         GROUP BY s.id, s.overbook, s.capacity
      ) AS n;
    RETURN boxoffice_code.stock_edit(
        of, stocks, capacities, overbooks, reason, preview, '"/moves"');
END
$$;
COMMENT ON FUNCTION api.stock_move IS
'Move places from one stock row to another.
All moves are one step: what counts is what each row gains or loses in all.';

CREATE OR REPLACE FUNCTION api.stock_change_list(
    event bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    before CONSTANT bigint :=
        COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    of boxoffice.event := boxoffice_code.event_seen(event);
BEGIN
    RETURN (
        WITH found AS (
            SELECT c.*, pg_catalog.row_number() OVER (ORDER BY c.id DESC) AS place
              FROM boxoffice.stock_change AS c
             WHERE c.event_id = of.id AND c.id < before
             ORDER BY c.id DESC
             LIMIT wanted + 1
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(pg_catalog.json_build_object(
                       'id', f.id::text,
                       'stock', f.stock_id::text,
                       'pool', f.pool_key,
                       'session', s.key,
                       'capacity_from', f.capacity_from,
                       'capacity_to', f.capacity_to,
                       'overbook_from', f.overbook_from,
                       'overbook_to', f.overbook_to,
                       'reason', f.reason,
                       'changed_by', f.changed_by,
                       'changed_at', boxoffice_code.time_text(f.changed_at, of.zone))
                       ORDER BY f.place) FILTER (WHERE f.place <= wanted),
                   CASE WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                       NULL, pg_catalog.min(f.id) FILTER (WHERE f.place <= wanted)) END)
          FROM found AS f
          LEFT JOIN boxoffice.session AS s ON s.event_id = f.event_id AND s.id = f.session_id);
END
$$;
COMMENT ON FUNCTION api.stock_change_list IS
'Who changed capacities, when and why; the newest first.';

-- Endpoints of capacities and blocks. The work of what changes them is C
-- (pg_extension/src/{stock,block_api}.c).

-- The defaults mean "as it is"; a capacity of NULL is unlimited, so it says so in words.
CREATE OR REPLACE FUNCTION api.stock_change(
    event bigint, stock bigint, capacity integer DEFAULT -1, overbook integer DEFAULT -1)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'stock_change', event => event,
        args => jsonb_build_object('stock', stock::text)
            || CASE WHEN capacity = -1 THEN '{}'
                    ELSE jsonb_build_object('capacity', capacity) END
            || CASE WHEN overbook = -1 THEN '{}'
                    ELSE jsonb_build_object('overbook', overbook) END)::json
$$;
COMMENT ON FUNCTION api.stock_change IS
'Change a capacity.
Left out is as it was; capacity NULL is unlimited. Never goes below what is taken.';

CREATE OR REPLACE FUNCTION api.block_create(
    event bigint, channel text, reason text, items jsonb, release_at timestamptz DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'block_create', event => event,
        args => jsonb_build_object(
            'channel', channel, 'reason', reason, 'items', items,
            'release_at', to_char(release_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.block_create IS
'Keep places back for a channel.
items is a list of {"ticket_type" or "pool", "session", "quantity"}.';

CREATE OR REPLACE FUNCTION api.block_release(event bigint, block bigint)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'block_release', event => event,
        args => jsonb_build_object('block', block::text))::json
$$;
COMMENT ON FUNCTION api.block_release IS
'Give the places of a block back.
Releasing it again changes nothing.';

CREATE OR REPLACE FUNCTION api.stock_list(
    event bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := LEAST(GREATEST("limit", 1), 100);
    after bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
    found bigint[];
BEGIN
    PERFORM boxoffice_code.require_member((
        SELECT e.organizer_id FROM boxoffice.event AS e WHERE e.id = stock_list.event));
    IF NOT EXISTS (SELECT FROM boxoffice.event AS e WHERE e.id = stock_list.event) THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    found := ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
         WHERE s.event_id = stock_list.event AND s.id > after
         ORDER BY s.id
         LIMIT wanted + 1);
    RETURN boxoffice_code.page_json(
        boxoffice_code.stocks_json(event, found[:wanted]),
        CASE WHEN pg_catalog.cardinality(found) > wanted
             THEN boxoffice_code.cursor_make(NULL, found[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.stock_list IS 'What is counted, and how it stands.';

-- Endpoints of capacities and blocks. The work is C (pg_extension/src/{stock,block_api}.c).

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

-- Endpoints of blocks. Making and ending them is C (pg_extension/src/block_api.c).

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

CREATE OR REPLACE FUNCTION api.block_get(event bigint, block bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM boxoffice_code.block_find(event, block);
    RETURN boxoffice_code.block_json(event, block);
END
$$;
COMMENT ON FUNCTION api.block_get IS 'A block, and what was sold out of it.';

CREATE OR REPLACE FUNCTION api.block_list(
    event bigint, channel text DEFAULT NULL, cursor text DEFAULT NULL,
    "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    before CONSTANT bigint :=
        COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    found bigint[];
BEGIN
    PERFORM boxoffice_code.event_seen(event);
    found := ARRAY(
        SELECT b.id
          FROM boxoffice.block AS b
         WHERE b.event_id = block_list.event
           AND b.id < before
           AND (block_list.channel IS NULL OR b.channel = block_list.channel)
         ORDER BY b.id DESC
         LIMIT wanted + 1);
    RETURN boxoffice_code.page_json(
        (SELECT pg_catalog.json_agg(boxoffice_code.block_json(event, f.id) ORDER BY f.id DESC)
           FROM pg_catalog.unnest(found[:wanted]) AS f (id)),
        CASE WHEN pg_catalog.cardinality(found) > wanted
             THEN boxoffice_code.cursor_make(NULL, found[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.block_list IS
'The blocks of an event, and what was sold out of each; the newest first.';

CREATE OR REPLACE FUNCTION api.block_change(event bigint, block bigint, patch jsonb)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change CONSTANT jsonb := boxoffice_code.require_fits('block_change', patch);
    items CONSTANT jsonb := change -> 'items';
    found boxoffice.block := boxoffice_code.block_find(event, block, 'manager');
BEGIN
    PERFORM boxoffice_code.block_lock(event, block, items);
    found := boxoffice_code.block_find(event, block, 'manager');
    IF change ? 'release_at' THEN
        IF (change ->> 'release_at')::timestamptz <= boxoffice_code.clock()
            AND (change ->> 'release_at')::timestamptz IS DISTINCT FROM found.release_at THEN
            PERFORM boxoffice_code.refuse('invalid_document', '/release_at', '{}',
                'It is past: delete the block to have its places back.');
        END IF;
        found.release_at := change ->> 'release_at';
    END IF;
    PERFORM boxoffice_code.refuse_all(f.faults)
       FROM boxoffice_code.block_faults(event, block, items) AS f (faults)
      WHERE f.faults IS NOT NULL;
    PERFORM boxoffice_code.block_write(event, block, items, found.release_at);
    UPDATE boxoffice.block AS b
       SET channel = COALESCE(change ->> 'channel', b.channel),
           reason = COALESCE(change ->> 'reason', b.reason),
           release_at = found.release_at
     WHERE b.event_id = found.event_id AND b.id = found.id;
    RETURN boxoffice_code.block_json(event, block);
END
$$;
COMMENT ON FUNCTION api.block_change IS
'Change what a block keeps, until when, for whom and why.
A line that is named keeps as many as it says: more, if they can be had, or less.';

-- Endpoints of pools.

CREATE OR REPLACE FUNCTION api.pool_list(event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM boxoffice_code.event_seen(event);
    RETURN boxoffice_code.page_json(boxoffice_code.pools_own_json(event), NULL);
END
$$;
COMMENT ON FUNCTION api.pool_list IS
'The pools of an event, with their counts over all stock.
These are added up, so it costs as much as there are sessions.';

CREATE OR REPLACE FUNCTION api.pool_create(
    event bigint, key text, name text, scope text, capacity integer, overbook integer DEFAULT 0,
    if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    made boxoffice.pool;
BEGIN
    overbook := boxoffice_code.require_fits('pool_create', pg_catalog.jsonb_build_object(
        'key', key, 'name', name, 'scope', scope, 'capacity', capacity, 'overbook', overbook))
        -> 'overbook';
    IF (SELECT pg_catalog.count(*) >= 100
          FROM boxoffice.pool AS p WHERE p.event_id = pool_create.event) THEN
        PERFORM boxoffice_code.refuse('invalid_document', '', '{"max": 100}',
            'The event has as many pools as one may have.');
    END IF;
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    VALUES (event, boxoffice_code.new_id(), pool_create.key, pool_create.name, pool_create.scope,
            pool_create.capacity, pool_create.overbook)
        ON CONFLICT ON CONSTRAINT pool_event_id_key_key DO NOTHING
    RETURNING * INTO made;
    IF NOT FOUND THEN
        PERFORM boxoffice_code.refuse('already_exists', '/key');
    END IF;
    PERFORM boxoffice_code.pool_stock(made);
    PERFORM boxoffice_code.event_changed(event, 'pool_create', key);
    RETURN boxoffice_code.pool_json(event, made.id);
END
$$;
COMMENT ON FUNCTION api.pool_create IS
'Add a pool to an event.
One per session gets a stock row for each session there is, also those over.';

CREATE OR REPLACE FUNCTION api.pool_change(
    event bigint, pool text, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change CONSTANT jsonb := boxoffice_code.require_fits('pool_change', patch);
    preview CONSTANT boolean := COALESCE((change ->> 'preview')::boolean, false);
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.pool := boxoffice_code.pool_find(event, pool);
    wanted boxoffice.pool := found;
    report json;
BEGIN
    wanted.key := COALESCE(change ->> 'key', found.key);
    wanted.name := COALESCE(change ->> 'name', found.name);
    wanted.overbook := COALESCE((change ->> 'overbook')::integer, found.overbook);
    IF change ? 'capacity' THEN
        wanted.capacity := change ->> 'capacity';
    END IF;
    IF EXISTS (
        SELECT FROM boxoffice.pool AS p
         WHERE p.event_id = event AND p.key = wanted.key AND p.id <> found.id) THEN
        PERFORM boxoffice_code.refuse('already_exists', '/key');
    END IF;
    report := boxoffice_code.pool_edit(
        of, found, wanted, COALESCE(change ->> 'apply', 'following'), change ->> 'reason', preview);
    IF NOT preview AND wanted IS DISTINCT FROM found THEN
        UPDATE boxoffice.pool AS p
           SET key = wanted.key,
               name = wanted.name,
               capacity = wanted.capacity,
               overbook = wanted.overbook
         WHERE p.event_id = found.event_id AND p.id = found.id;
        PERFORM boxoffice_code.event_changed(event, 'pool_change', found.key, change);
    END IF;
    RETURN pg_catalog.json_build_object(
        'pool', boxoffice_code.pool_json(event, found.id), 'stock', report);
END
$$;
COMMENT ON FUNCTION api.pool_change IS
'Change a pool, and the capacities that follow it.
With preview it only says what the change would do.';

CREATE OR REPLACE FUNCTION api.pool_delete(
    event bigint, pool text, preview boolean DEFAULT false, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.pool := boxoffice_code.pool_find(event, pool);
    shown CONSTANT json := boxoffice_code.pool_json(event, found.id);
    uses text[];
BEGIN
    -- a pool that is linked stays anyway, and those who sell need not wait to be told so
    preview := COALESCE(preview, false);
    IF NOT preview AND NOT EXISTS (
        SELECT FROM boxoffice.ticket_type_pool AS x
         WHERE x.event_id = found.event_id AND x.pool_id = found.id) THEN
        PERFORM boxoffice_code.pool_free(found);
    END IF;
    uses := boxoffice_code.pool_uses(found);
    IF preview OR uses = '{}' THEN
        IF NOT preview THEN
            PERFORM boxoffice_code.pool_remove(found);
        END IF;
        RETURN pg_catalog.json_build_object(
            'preview', preview, 'pool', shown, 'used_by', pg_catalog.to_json(uses));
    END IF;
    PERFORM boxoffice_code.refuse('in_use', 'pool',
        pg_catalog.jsonb_build_object('used_by', uses));
END
$$;
COMMENT ON FUNCTION api.pool_delete IS
'Remove a pool that nothing uses.
A pool that ticket types are linked to, or that anything was ever taken from, stays.';

-- Endpoints of ticket types.

CREATE OR REPLACE FUNCTION api.ticket_type_create(
    event bigint, key text, name text, price bigint, description text DEFAULT NULL,
    kind text DEFAULT 'admission', fee bigint DEFAULT 0, pools jsonb DEFAULT NULL,
    sessions jsonb DEFAULT NULL, hidden boolean DEFAULT false, approval boolean DEFAULT false,
    sale_starts_at timestamptz DEFAULT NULL, sale_ends_at timestamptz DEFAULT NULL,
    min_per_order integer DEFAULT 1, max_per_order integer DEFAULT NULL,
    buyer_limit integer DEFAULT NULL, admits text DEFAULT 'session',
    free_price boolean DEFAULT false, price_max bigint DEFAULT NULL,
    price_suggested jsonb DEFAULT NULL, sold_alone boolean DEFAULT true,
    addon_to jsonb DEFAULT NULL, bundle jsonb DEFAULT NULL, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type CONSTANT jsonb := pg_catalog.jsonb_build_object(
        'key', key, 'name', name, 'price', price, 'description', description, 'kind', kind,
        'fee', fee, 'pools', pools, 'sessions', sessions, 'hidden', hidden, 'approval', approval,
        'sale_starts_at', sale_starts_at, 'sale_ends_at', sale_ends_at,
        'min_per_order', min_per_order, 'max_per_order', max_per_order,
        'buyer_limit', buyer_limit, 'admits', admits, 'free_price', free_price,
        'price_max', price_max, 'price_suggested', price_suggested, 'sold_alone', sold_alone,
        'addon_to', addon_to, 'bundle', bundle);
    of boxoffice.event;
    made boxoffice.ticket_type;
    faults jsonb;
BEGIN
    PERFORM boxoffice_code.require_fits('ticket_type_create', type);
    of := boxoffice_code.event_lock(event, if_match, 'manager');
    IF boxoffice_code.ticket_type_joins(type) THEN
        PERFORM boxoffice_code.event_lock_groups(event);
    END IF;
    IF (SELECT pg_catalog.count(*) >= 1000
          FROM boxoffice.ticket_type AS t WHERE t.event_id = of.id) THEN
        PERFORM boxoffice_code.refuse('invalid_document', '', '{"max": 1000}',
            'The event has as many ticket types as one may have.');
    END IF;
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM boxoffice_code.ticket_type_faults_one(of, type, NULL) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    PERFORM boxoffice_code.event_insert_types(event, pg_catalog.jsonb_build_array(type));
    made := boxoffice_code.ticket_type_find(event, key);
    PERFORM boxoffice_code.ticket_type_write_parts(event, made.id, type);
    IF NOT EXISTS (
        SELECT FROM boxoffice.ticket_type_pool AS l
         WHERE l.event_id = of.id AND l.ticket_type_id = made.id) THEN
        PERFORM boxoffice_code.ticket_type_link_unlimited(event, made.id);
    END IF;
    PERFORM boxoffice_code.ticket_type_settle(
        event, made.id, boxoffice_code.ticket_type_joins(type));
    of := boxoffice_code.event_changed(event, 'ticket_type_create', key,
                                       pg_catalog.jsonb_strip_nulls(type));
    RETURN boxoffice_code.ticket_type_answer(of, made.id, 'created');
END
$$;
COMMENT ON FUNCTION api.ticket_type_create IS
'Add a ticket type to an event.
It is sold from then on if the event is; pause it, or give it a sale window, to prepare it.';

CREATE OR REPLACE FUNCTION api.ticket_type_change(
    event bigint, ticket_type text, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event;
    found boxoffice.ticket_type;
    patched boxoffice.ticket_type;
    document jsonb;
    faults jsonb;
BEGIN
    patch := boxoffice_code.require_fits('ticket_type_change', patch);
    of := boxoffice_code.event_lock(event, if_match, 'manager');
    found := boxoffice_code.ticket_type_find(event, ticket_type);
    patched := pg_catalog.jsonb_populate_record(found, patch);
    IF patch ? 'sessions' THEN
        patched.all_sessions := patch ->> 'sessions' IS NULL;
    END IF;
    document := (boxoffice_code.ticket_types_own_json(of, found.id) -> 0)::jsonb;
    IF document -> 'price_suggested' = '[]' THEN
        document := document - 'price_suggested';
    END IF;
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM boxoffice_code.ticket_type_faults_one(of, document || patch, found.id) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    IF patched IS DISTINCT FROM found OR patch ?| '{pools,sessions,addon_to,bundle}' THEN
        IF patch ?| '{pools,sessions,admits}' THEN
            PERFORM boxoffice_code.ticket_type_free(event, found.id);
            PERFORM boxoffice_code.ticket_type_relink(found, patched, patch);
        ELSIF NOT boxoffice_code.ticket_type_sold_alike(patch) THEN
            PERFORM boxoffice_code.event_lock_groups(event);
        END IF;
        PERFORM boxoffice_code.ticket_type_write(patched, patch);
        IF found.used AND found.buyer_limit IS NULL AND patched.buyer_limit IS NOT NULL THEN
            PERFORM boxoffice_code.buyer_recount(event, found.id, patched.buyer_limit);
        END IF;
        PERFORM boxoffice_code.ticket_type_settle(
            event, found.id, patch ?| '{pools,admits}');
        of := boxoffice_code.event_changed(event, 'ticket_type_change', found.key, patch);
    END IF;
    RETURN boxoffice_code.ticket_type_answer(of, found.id, 'changed');
END
$$;
COMMENT ON FUNCTION api.ticket_type_change IS
'Change a ticket type.
patch is an RFC 7396 merge patch. Places that are held keep their price; pools stay while any is.';

CREATE OR REPLACE FUNCTION api.ticket_type_delete(
    event bigint, ticket_type text, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.ticket_type := boxoffice_code.ticket_type_find(event, ticket_type);
    shown json := boxoffice_code.ticket_types_own_json(of, found.id) -> 0;
    used boolean;
    joined boolean := found.admits = 'all' OR (
        SELECT pg_catalog.count(*) > 1
          FROM boxoffice.ticket_type_pool AS l
         WHERE l.event_id = found.event_id AND l.ticket_type_id = found.id);
BEGIN
    PERFORM boxoffice_code.ticket_type_leave_bundles(of.id, found.id);
    PERFORM boxoffice_code.event_lock_groups(event);
    used := boxoffice_code.ticket_type_was_used(event, found.id);
    IF NOT used THEN
        PERFORM boxoffice_code.ticket_type_remove(event, found.id);
        IF joined THEN
            PERFORM boxoffice_code.inventory_regroup(event);
        END IF;
    ELSIF found.status <> 'retired' THEN
        UPDATE boxoffice.ticket_type AS t
           SET status = 'retired'
         WHERE t.event_id = of.id AND t.id = found.id;
        shown := boxoffice_code.ticket_types_own_json(of, found.id) -> 0;
    END IF;
    IF NOT used OR found.status <> 'retired' THEN
        of := boxoffice_code.event_changed(event, 'ticket_type_delete', found.key);
    END IF;
    RETURN pg_catalog.json_build_object(
        'outcome', CASE WHEN used THEN 'retired' ELSE 'deleted' END,
        'ticket_type', shown,
        'version', of.version);
END
$$;
COMMENT ON FUNCTION api.ticket_type_delete IS
'Delete a ticket type that was never used, or retire it.
A retired type is neither shown nor sold; what was sold of it, or is held, stays as it is.';

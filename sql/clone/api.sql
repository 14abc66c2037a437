-- Endpoint of clones.

CREATE OR REPLACE FUNCTION api.event_clone(
    event bigint, name text DEFAULT NULL, slug text DEFAULT NULL, short_code text DEFAULT NULL,
    starts_at timestamptz DEFAULT NULL, shift_days integer DEFAULT NULL,
    test boolean DEFAULT NULL, blocks boolean DEFAULT false)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes CONSTANT jsonb := pg_catalog.jsonb_build_object(
        'name', name, 'slug', slug, 'short_code', short_code, 'starts_at', starts_at,
        'shift_days', shift_days, 'test', test, 'blocks', blocks);
    source boxoffice.event;
    made boxoffice.event;
    shift interval;
BEGIN
    PERFORM boxoffice_code.require_fits('event_clone', changes);
    IF starts_at IS NOT NULL AND shift_days IS NOT NULL THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/shift_days', '{}',
            'Name starts_at or shift_days.');
    END IF;
    source := boxoffice_code.event_lock(event, NULL, 'manager');
    shift := COALESCE(boxoffice_code.clone_shift(source, starts_at, shift_days), '0');
    made := boxoffice_code.clone_event(source, changes, shift);
    PERFORM boxoffice_code.clone_sessions(event, made.id, shift);
    PERFORM boxoffice_code.clone_pools(event, made.id);
    PERFORM boxoffice_code.clone_types(source, made.id, shift);
    PERFORM boxoffice_code.clone_type_sessions(event, made.id);
    PERFORM boxoffice_code.clone_stock(event, made.id);
    IF blocks THEN
        PERFORM boxoffice_code.clone_blocks(source, made.id, shift);
    END IF;
    SELECT * INTO made FROM boxoffice.event AS e WHERE e.id = made.id;
    PERFORM boxoffice_code.change_note(made, 'event_clone', event::text,
                                       pg_catalog.jsonb_strip_nulls(changes));
    RETURN boxoffice_code.event_own_json(made);
END
$$;
COMMENT ON FUNCTION api.event_clone IS
'Make a new event like this one.
A draft with the same settings, sessions, pools, capacities and types; nothing is taken of it.';

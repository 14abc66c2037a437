-- Endpoints of organizers.

CREATE OR REPLACE FUNCTION api.organizer_create(slug text, name text)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.organizer;
BEGIN
    PERFORM boxoffice_code.require_fits('organizer_create',
        pg_catalog.jsonb_build_object('slug', slug, 'name', name));
    INSERT INTO boxoffice.organizer AS o (id, slug, name, created_at)
    VALUES (boxoffice_code.new_id(), organizer_create.slug, organizer_create.name,
            boxoffice_code.clock())
        ON CONFLICT ON CONSTRAINT organizer_slug_key DO NOTHING
    RETURNING * INTO made;
    IF made.id IS NULL THEN
        PERFORM boxoffice_code.refuse('already_exists', '/slug');
    END IF;
    IF boxoffice_code.actor_subject() IS NOT NULL THEN
        INSERT INTO boxoffice.member (organizer_id, subject, role, created_at)
        VALUES (made.id, boxoffice_code.actor_subject(), 'owner', made.created_at);
    END IF;
    RETURN boxoffice_code.organizer_json(made);
END
$$;
COMMENT ON FUNCTION api.organizer_create IS
'Make an organizer.
Whoever makes it becomes its owner.';

CREATE OR REPLACE FUNCTION api.organizer_get(organizer bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.organizer;
BEGIN
    PERFORM boxoffice_code.require_member(organizer);
    SELECT *
      INTO found
      FROM boxoffice.organizer AS o
     WHERE o.id = organizer_get.organizer;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    RETURN boxoffice_code.organizer_json(found);
END
$$;
COMMENT ON FUNCTION api.organizer_get IS 'Look at an organizer.';

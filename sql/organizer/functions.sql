-- Who may act for an organizer.

-- Refuses unless the caller may act for the organizer in one of these roles (owner, manager,
-- box_office, scanner; none named: any member, and support). An owner may do what a manager may.
-- Administrators may everything; a token whose org claim names the organizer is a manager of it.
-- Who does not belong to the organizer is told that there is no such thing.
CREATE OR REPLACE FUNCTION boxoffice_code.require_member(
    organizer bigint, VARIADIC roles text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
BEGIN
    IF boxoffice_code.actor_role() = 'admin'
        OR boxoffice_code.actor_role() = 'support' AND pg_catalog.cardinality(roles) = 0 THEN
        RETURN;
    END IF;
    IF boxoffice_code.actor_role() IN ('organizer', 'scanner') THEN
        SELECT m.role
          INTO held
          FROM boxoffice.member AS m
         WHERE m.organizer_id = require_member.organizer
           AND m.subject = boxoffice_code.actor_subject();
        IF held IS NULL AND boxoffice_code.actor_organizer() = organizer THEN
            held := CASE boxoffice_code.actor_role()
                    WHEN 'organizer' THEN 'manager' ELSE 'scanner' END;
        END IF;
    END IF;
    IF held IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    IF pg_catalog.cardinality(roles) > 0
        AND NOT (held = ANY (roles) OR held = 'owner' AND 'manager' = ANY (roles)) THEN
        PERFORM boxoffice_code.refuse('forbidden');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_member IS
'Refuses unless the caller may act for the organizer in one of these roles; strangers see that there is no such thing.';

CREATE OR REPLACE FUNCTION boxoffice_code.organizer_json(organizer boxoffice.organizer)
    RETURNS json
    LANGUAGE sql STABLE
AS $$
    SELECT pg_catalog.json_build_object(
        'id', organizer.id::text,
        'slug', organizer.slug,
        'name', organizer.name,
        'created_at', boxoffice_code.local_time(organizer.created_at, 'UTC'))
$$;
COMMENT ON FUNCTION boxoffice_code.organizer_json IS 'An organizer as answers show it.';

-- The same where the organizer itself may not exist: administrators too are told.
CREATE OR REPLACE FUNCTION boxoffice_code.require_organizer(
    organizer bigint, VARIADIC roles text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM boxoffice_code.require_member(organizer, VARIADIC roles);
    IF NOT EXISTS (
        SELECT FROM boxoffice.organizer AS o WHERE o.id = require_organizer.organizer) THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_organizer IS
'Refuses unless the organizer exists and the caller may act for it in one of these roles.';

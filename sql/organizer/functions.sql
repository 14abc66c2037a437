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
        'created_at', boxoffice_code.time_text(organizer.created_at, 'UTC'))
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

CREATE OR REPLACE FUNCTION boxoffice_code.member_json(member boxoffice.member)
    RETURNS json
    LANGUAGE sql STABLE
AS $$
    SELECT pg_catalog.json_build_object(
        'subject', member.subject,
        'role', member.role,
        'created_at', boxoffice_code.time_text(member.created_at, 'UTC'))
$$;
COMMENT ON FUNCTION boxoffice_code.member_json IS 'A member of an organizer as answers show it.';

-- Refuses unless the caller may give or take these roles: owners any; managers those of the box
-- office and of scanners.
CREATE OR REPLACE FUNCTION boxoffice_code.require_may_appoint(
    organizer bigint, VARIADIC roles text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM boxoffice_code.require_organizer(
        organizer, CASE WHEN roles && '{owner,manager}' THEN 'owner' ELSE 'manager' END);
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_may_appoint IS
'Refuses unless the caller may give or take these roles: owners any, managers box_office and scanner.';

-- The member, under the organizer's lock: so of two owners who leave at once one stays.
CREATE OR REPLACE FUNCTION boxoffice_code.member_lock(organizer bigint, subject text)
    RETURNS boxoffice.member
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.member;
BEGIN
    PERFORM FROM boxoffice.organizer AS o WHERE o.id = organizer FOR NO KEY UPDATE;
    SELECT *
      INTO found
      FROM boxoffice.member AS m
     WHERE m.organizer_id = organizer AND m.subject = member_lock.subject;
    IF found.subject IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'subject');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.member_lock IS
'The member of an organizer, whose members nobody else changes until the transaction ends.';

CREATE OR REPLACE FUNCTION boxoffice_code.require_other_owner(member boxoffice.member)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF member.role = 'owner' AND NOT EXISTS (
        SELECT FROM boxoffice.member AS m
         WHERE m.organizer_id = member.organizer_id
           AND m.role = 'owner'
           AND m.subject <> member.subject) THEN
        PERFORM boxoffice_code.refuse('last_owner');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_other_owner IS
'Refuses if this member is the only owner.';

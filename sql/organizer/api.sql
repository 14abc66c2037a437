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

CREATE OR REPLACE FUNCTION api.organizer_list(
    cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    after CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
    everything CONSTANT boolean := boxoffice_code.actor_role() IN ('admin', 'support');
    found bigint[];
BEGIN
    IF everything THEN
        found := ARRAY(
            SELECT o.id FROM boxoffice.organizer AS o WHERE o.id > after ORDER BY o.id
             LIMIT wanted + 1);
    ELSE
        found := ARRAY(
            SELECT m.organizer_id
              FROM boxoffice.member AS m
             WHERE m.subject = boxoffice_code.actor_subject() AND m.organizer_id > after
            UNION
            SELECT o.id
              FROM boxoffice.organizer AS o
             WHERE o.id = boxoffice_code.actor_organizer() AND o.id > after
             ORDER BY 1
             LIMIT wanted + 1);
    END IF;
    RETURN (
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(boxoffice_code.organizer_json(o) ORDER BY o.id),
                   CASE WHEN pg_catalog.cardinality(found) > wanted
                        THEN boxoffice_code.cursor_make(NULL, found[wanted]) END)
          FROM boxoffice.organizer AS o
         WHERE o.id = ANY (found[:wanted]));
END
$$;
COMMENT ON FUNCTION api.organizer_list IS
'The organizers that one belongs to.
Support and administrators see all of them.';

CREATE OR REPLACE FUNCTION api.organizer_change(
    organizer bigint, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed boxoffice.organizer;
BEGIN
    patch := boxoffice_code.require_fits('organizer_change', patch);
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    SELECT * INTO changed FROM boxoffice.organizer AS o WHERE o.id = organizer FOR NO KEY UPDATE;
    PERFORM boxoffice_code.require_match(
        if_match, boxoffice_code.content_etag(boxoffice_code.organizer_json(changed)));
    UPDATE boxoffice.organizer AS o
       SET slug = COALESCE(patch ->> 'slug', o.slug),
           name = COALESCE(patch ->> 'name', o.name)
     WHERE o.id = organizer_change.organizer
    RETURNING * INTO changed;
    RETURN boxoffice_code.organizer_json(changed);
EXCEPTION WHEN unique_violation THEN
    PERFORM boxoffice_code.refuse('already_exists', '/slug');
END
$$;
COMMENT ON FUNCTION api.organizer_change IS
'Change an organizer.
patch is an RFC 7396 merge patch. if_match: the ETag of what was looked at.';

-- The cursor is a place in the list: an organizer has 1000 members at most.
CREATE OR REPLACE FUNCTION api.member_list(
    organizer bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    after CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer);
    RETURN (
        WITH page AS (
            SELECT m AS member, pg_catalog.row_number() OVER (ORDER BY m.subject) AS place
              FROM boxoffice.member AS m
             WHERE m.organizer_id = member_list.organizer
             ORDER BY m.subject
            OFFSET after
             LIMIT wanted + 1
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(boxoffice_code.member_json(p.member) ORDER BY p.place)
                   FILTER (WHERE p.place <= after + wanted),
                   CASE WHEN pg_catalog.count(*) > wanted
                        THEN boxoffice_code.cursor_make(NULL, after + wanted) END)
          FROM page AS p);
END
$$;
COMMENT ON FUNCTION api.member_list IS 'Who belongs to an organizer.';

CREATE OR REPLACE FUNCTION api.member_add(organizer bigint, subject text, role text)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.member;
BEGIN
    PERFORM boxoffice_code.require_fits('member_add', pg_catalog.jsonb_build_object(
        'subject', subject, 'role', role));
    PERFORM boxoffice_code.require_may_appoint(organizer, role);
    PERFORM FROM boxoffice.organizer AS o WHERE o.id = organizer FOR NO KEY UPDATE;
    IF (SELECT pg_catalog.count(*) >= 1000
          FROM boxoffice.member AS m WHERE m.organizer_id = organizer) THEN
        PERFORM boxoffice_code.refuse('invalid_document', '', '{"max": 1000}',
            'The organizer has as many members as one may have.');
    END IF;
    INSERT INTO boxoffice.member AS m (organizer_id, subject, role, created_at)
    VALUES (organizer, member_add.subject, member_add.role, boxoffice_code.clock())
        ON CONFLICT ON CONSTRAINT member_pkey DO NOTHING
    RETURNING * INTO made;
    IF made.subject IS NULL THEN
        PERFORM boxoffice_code.refuse('already_exists', '/subject');
    END IF;
    RETURN boxoffice_code.member_json(made);
END
$$;
COMMENT ON FUNCTION api.member_add IS
'Add somebody to an organizer.
Owners give any role; managers those of the box office and of scanners.';

CREATE OR REPLACE FUNCTION api.member_change(organizer bigint, subject text, patch jsonb)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.member;
BEGIN
    patch := boxoffice_code.require_fits('member_change', patch);
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    found := boxoffice_code.member_lock(organizer, subject);
    PERFORM boxoffice_code.require_may_appoint(
        organizer, found.role, COALESCE(patch ->> 'role', found.role));
    IF patch ->> 'role' <> 'owner' THEN
        PERFORM boxoffice_code.require_other_owner(found);
    END IF;
    UPDATE boxoffice.member AS m
       SET role = COALESCE(patch ->> 'role', m.role)
     WHERE m.organizer_id = found.organizer_id AND m.subject = found.subject
    RETURNING * INTO found;
    RETURN boxoffice_code.member_json(found);
END
$$;
COMMENT ON FUNCTION api.member_change IS
'Give a member another role.
The last owner stays one.';

CREATE OR REPLACE FUNCTION api.member_remove(organizer bigint, subject text)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.member;
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer);
    IF subject IS DISTINCT FROM boxoffice_code.actor_subject() THEN
        PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    END IF;
    found := boxoffice_code.member_lock(organizer, subject);
    IF subject IS DISTINCT FROM boxoffice_code.actor_subject() THEN
        PERFORM boxoffice_code.require_may_appoint(organizer, found.role);
    END IF;
    PERFORM boxoffice_code.require_other_owner(found);
    DELETE FROM boxoffice.member AS m
     WHERE m.organizer_id = found.organizer_id AND m.subject = found.subject;
    RETURN boxoffice_code.member_json(found);
END
$$;
COMMENT ON FUNCTION api.member_remove IS
'Remove a member.
Everybody may leave, but for the last owner.';

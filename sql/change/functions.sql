-- The one way in which the catalogue of an event changes its version.

-- A patch as it is remembered: a member of more than 4000 bytes is cut to its beginning.
CREATE OR REPLACE FUNCTION boxoffice_code.change_patch(patch jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_object_agg(
               m.name,
               CASE WHEN pg_catalog.octet_length(m.value::text) > 4000
                    THEN pg_catalog.to_jsonb(pg_catalog.left(m.value #>> '{}', 500) || '…')
                    ELSE m.value END)
      FROM pg_catalog.jsonb_each(patch) AS m (name, value)
$$;
COMMENT ON FUNCTION boxoffice_code.change_patch IS
'A patch as boxoffice.change keeps it: long members are cut.';

-- A line of the ledger for an event as it is now.
CREATE OR REPLACE FUNCTION boxoffice_code.change_note(
    event boxoffice.event, operation text, part text DEFAULT NULL, patch jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.change (
        event_id, id, version, operation, part, subject, role, patch, changed_at)
    VALUES (
        event.id, boxoffice_code.new_id(), event.version, operation, part,
        boxoffice_code.actor_subject(), boxoffice_code.actor_role(),
        boxoffice_code.change_patch(patch), event.updated_at)
$$;
COMMENT ON FUNCTION boxoffice_code.change_note IS
'Notes in boxoffice.change who made this version of an event, and by what.';

-- Whatever changes an event or a part of it ends with this: the next version, which makes sales
-- read the catalogue anew, a line in the ledger, a note for the outbox, and the directory of public
-- events. The caller has locked the event with event_lock. part is the key or id of what was
-- changed, NULL the event itself; patch has no personal data.
CREATE OR REPLACE FUNCTION boxoffice_code.event_changed(
    event bigint, operation text, part text DEFAULT NULL, patch jsonb DEFAULT NULL,
    topic text DEFAULT 'event.changed')
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed boxoffice.event;
BEGIN
    UPDATE boxoffice.event AS e
       SET version = e.version + 1,
           updated_at = boxoffice_code.clock()
     WHERE e.id = event_changed.event
    RETURNING * INTO STRICT changed;
    PERFORM boxoffice_code.change_note(changed, operation, part, patch);
    PERFORM boxoffice_code.outbox_add(event, topic, event);
    PERFORM boxoffice_code.search_refresh(event);
    RETURN changed;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_changed IS
'Gives a locked event its next version, and notes who changed what.';

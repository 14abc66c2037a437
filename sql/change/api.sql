-- Endpoints of what was changed.

CREATE OR REPLACE FUNCTION api.change_list(
    event bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    before CONSTANT bigint := COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    found boxoffice.event;
BEGIN
    SELECT * INTO found FROM boxoffice.event AS e WHERE e.id = change_list.event;
    PERFORM boxoffice_code.require_member(found.organizer_id);
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    RETURN (
        WITH page AS (
            SELECT c.*, pg_catalog.row_number() OVER (ORDER BY c.id DESC) AS place
              FROM boxoffice.change AS c
             WHERE c.event_id = change_list.event AND c.id < before
             ORDER BY c.id DESC
             LIMIT wanted + 1
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(pg_catalog.json_build_object(
                       'id', p.id::text,
                       'version', p.version,
                       'operation', p.operation,
                       'part', p.part,
                       'subject', p.subject,
                       'role', p.role,
                       'patch', p.patch,
                       'changed_at', boxoffice_code.time_text(p.changed_at, found.zone))
                       ORDER BY p.place) FILTER (WHERE p.place <= wanted),
                   CASE WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                       NULL, pg_catalog.min(p.id) FILTER (WHERE p.place <= wanted)) END)
          FROM page AS p);
END
$$;
COMMENT ON FUNCTION api.change_list IS 'Who changed what of an event.';

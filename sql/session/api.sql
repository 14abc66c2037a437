-- Endpoints of sessions.

CREATE OR REPLACE FUNCTION api.session_list(
    event bigint, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := LEAST(GREATEST("limit", 1), 100);
    of boxoffice.event := boxoffice_code.event_find(event::text);
    found bigint[];
BEGIN
    IF of.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    found := boxoffice_code.session_page(
        of.id, "from", "to", boxoffice_code.cursor_time(cursor),
        boxoffice_code.cursor_id(cursor), wanted + 1);
    RETURN boxoffice_code.page_json(
        boxoffice_code.sessions_json(of, found[:wanted]),
        CASE WHEN pg_catalog.cardinality(found) > wanted THEN (
            SELECT boxoffice_code.cursor_make(s.starts_at, s.id)
              FROM boxoffice.session AS s
             WHERE s.event_id = of.id AND s.id = found[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.session_list IS 'The sessions of an event, by time.';

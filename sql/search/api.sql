-- Endpoints that find public events and their sessions.

CREATE OR REPLACE FUNCTION api.event_list(
    organizer bigint DEFAULT NULL, cursor text DEFAULT NULL, "limit" integer DEFAULT 50,
    q text DEFAULT NULL, category text DEFAULT NULL, tag text DEFAULT NULL,
    country text DEFAULT NULL, city text DEFAULT NULL, near text DEFAULT NULL,
    within_km integer DEFAULT NULL, "from" timestamptz DEFAULT NULL,
    "to" timestamptz DEFAULT NULL, sort text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    condition CONSTANT text := boxoffice_code.search_condition(
        q, category, tag, country, city, near, within_km, organizer)
        || ' AND ' || boxoffice_code.search_dates("from", "to");
    ordered CONSTANT text := COALESCE(sort, CASE WHEN q IS NULL THEN 'new' ELSE 'relevance' END);
    events bigint[];
    next text;
BEGIN
    IF ordered = 'relevance' AND q IS NULL THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'sort', '{}',
            'Relevance needs q: relevant to what?');
    END IF;
    SELECT pg_catalog.array_agg(f.event_id ORDER BY f.place),
           pg_catalog.min(f.cursor_after) FILTER (WHERE f.place = wanted)
      INTO events, next
      FROM boxoffice_code.search_page(
               condition, ordered, boxoffice_code.search_query(q), cursor, wanted + 1) AS f;
    RETURN boxoffice_code.page_json(
        boxoffice_code.event_summaries_json(events[:wanted]),
        CASE WHEN pg_catalog.cardinality(events) > wanted THEN next END);
END
$$;
COMMENT ON FUNCTION api.event_list IS
'What is on.
Public events that all filters fit, the newest first; by relevance where a text is searched.';

CREATE OR REPLACE FUNCTION api.session_list_all(
    "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, cursor text DEFAULT NULL,
    "limit" integer DEFAULT 50, q text DEFAULT NULL, category text DEFAULT NULL,
    tag text DEFAULT NULL, country text DEFAULT NULL, city text DEFAULT NULL,
    near text DEFAULT NULL, within_km integer DEFAULT NULL, organizer bigint DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    condition CONSTANT text := boxoffice_code.search_condition(
        q, category, tag, country, city, near, within_km, organizer);
    events bigint[];
    sessions bigint[];
    last timestamptz;
BEGIN
    SELECT pg_catalog.array_agg(f.event_id ORDER BY f.starts_at, f.id),
           pg_catalog.array_agg(f.id ORDER BY f.starts_at, f.id),
           (pg_catalog.array_agg(f.starts_at ORDER BY f.starts_at, f.id))[wanted]
      INTO events, sessions, last
      FROM boxoffice_code.calendar_page(condition, "from", "to", cursor, wanted + 1) AS f;
    RETURN boxoffice_code.page_json(
        boxoffice_code.calendar_json(events[:wanted], sessions[:wanted]),
        CASE WHEN pg_catalog.cardinality(sessions) > wanted
             THEN boxoffice_code.cursor_make(last, sessions[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.session_list_all IS
'A calendar of the sessions of all public events, by time.
Without from those that start from now on.';

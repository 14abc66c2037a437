-- The endpoint that changes many sessions at once.

-- Nobody who sells is kept waiting for what a sale does not go by.
CREATE OR REPLACE FUNCTION api.session_change_many(
    event bigint, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 20000;
    asked CONSTANT jsonb := boxoffice_code.require_fits('session_change_many', patch);
    change CONSTANT jsonb := COALESCE(asked -> 'patch', '{}');
    preview CONSTANT boolean := COALESCE((asked ->> 'preview')::boolean, false);
    of boxoffice.event;
    sessions bigint[];
    faults jsonb;
    answer jsonb;
    stock json;
BEGIN
    of := boxoffice_code.event_lock(event, if_match, 'manager');
    IF of.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    END IF;
    PERFORM boxoffice_code.refuse_all(f.faults)
       FROM (
        SELECT pg_catalog.jsonb_agg(x.fault) AS faults
          FROM boxoffice_code.sessions_faults_asked(of, change) AS x (fault)
      ) AS f
      WHERE f.faults IS NOT NULL;
    sessions := boxoffice_code.sessions_where(event, asked -> 'where', most + 1);
    IF pg_catalog.cardinality(sessions) > most THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/where',
            pg_catalog.jsonb_build_object('max', most), 'These are too many: narrow it down.');
    END IF;
    SELECT COALESCE(pg_catalog.jsonb_agg(x.fault), '[]')
      INTO faults
      FROM boxoffice_code.sessions_faults_made(
               of, asked -> 'where', change, sessions) AS x (fault);
    IF NOT preview THEN
        PERFORM boxoffice_code.refuse_all(pg_catalog.jsonb_path_query_array(faults, '$[0 to 15]'))
          WHERE faults <> '[]';
        IF change - '{name,venue}'::text[] <> '{}' THEN
            PERFORM boxoffice_code.sessions_lock_groups(event, sessions);
        END IF;
    END IF;
    answer := boxoffice_code.sessions_change_json(of, sessions, change, faults);
    stock := boxoffice_code.sessions_edit_stock(
        of, sessions, change, asked ->> 'reason', preview);
    IF NOT preview AND boxoffice_code.sessions_write(of, sessions, change) THEN
        PERFORM boxoffice_code.event_note_sessions(event, 0);
        PERFORM boxoffice_code.event_changed(event, 'session_change_many', NULL, asked);
    END IF;
    RETURN (answer || pg_catalog.jsonb_build_object('preview', preview, 'stock', stock,
        'version', (SELECT e.version FROM boxoffice.event AS e WHERE e.id = of.id)))::json;
END
$$;
COMMENT ON FUNCTION api.session_change_many IS
'Change many sessions at once.
All or none; with preview it only says what the change would do.';

-- Endpoints of sessions.

CREATE OR REPLACE FUNCTION api.session_list(
    event bigint, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := boxoffice_code.page_size("limit");
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

CREATE OR REPLACE FUNCTION api.session_days(
    event bigint, "from" date DEFAULT NULL, "to" date DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 100;
    usual CONSTANT integer := 31;
    of boxoffice.event := boxoffice_code.event_find(event::text);
    since date := "from";
    until date;
BEGIN
    IF of.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    IF "from" NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'from');
    END IF;
    IF "to" NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'to');
    END IF;
    IF since IS NULL THEN
        SELECT boxoffice_code.session_day_after(of.id, s.starts_at, '-infinity')
          INTO since
          FROM boxoffice.session AS s
         WHERE s.event_id = of.id
           AND s.id = (boxoffice_code.session_page(of.id, NULL, NULL, NULL, NULL, 1))[1];
        since := COALESCE(since, (boxoffice_code.clock() AT TIME ZONE of.zone)::date);
    END IF;
    until := COALESCE("to", since + usual - 1);
    IF until - since NOT BETWEEN 0 AND most - 1 THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'to',
            pg_catalog.jsonb_build_object('max', most),
            'It is before the first day, or these are too many days.');
    END IF;
    RETURN pg_catalog.json_build_object(
        'from', pg_catalog.to_char(since, 'YYYY-MM-DD'),
        'to', pg_catalog.to_char(until, 'YYYY-MM-DD'),
        'currency', of.currency,
        'items', boxoffice_code.session_days_json(of, since, until, "from" IS NOT NULL),
        'next', pg_catalog.to_char(boxoffice_code.session_day_after(
            of.id, (until + 1)::timestamp AT TIME ZONE 'UTC' - '15 h'::interval, until),
            'YYYY-MM-DD'));
END
$$;
COMMENT ON FUNCTION api.session_days IS
'The sessions of an event by days.
Of each local day how many there are, the first start, the lowest price and how much is left.';

CREATE OR REPLACE FUNCTION api.session_create(
    event bigint, sessions jsonb DEFAULT NULL, rule jsonb DEFAULT NULL,
    duplicates text DEFAULT 'refuse', preview boolean DEFAULT false, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event_sessions_max CONSTANT integer := 100000;
    shown_max CONSTANT integer := 100;
    found boxoffice.event;
    plan jsonb;
    merged json;
    there jsonb;
    made integer;
BEGIN
    plan := boxoffice_code.require_fits('session_create', pg_catalog.jsonb_build_object(
        'sessions', sessions, 'rule', rule, 'duplicates', duplicates, 'preview', preview));
    sessions := plan -> 'sessions';
    rule := plan -> 'rule';
    duplicates := plan ->> 'duplicates';
    preview := plan -> 'preview';
    found := boxoffice_code.event_lock(event, if_match, 'manager');
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    END IF;
    SELECT p.plan, p.merged
      INTO plan, merged
      FROM boxoffice_code.session_plan(found, sessions, rule) AS p;
    there := boxoffice_code.session_plan_there(event, plan);
    IF duplicates = 'refuse' AND there IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(boxoffice_code.session_faults_there(there));
    END IF;
    plan := boxoffice_code.session_plan_number(plan, there);
    made := pg_catalog.jsonb_array_length(plan);
    IF found.session_count + made > event_sessions_max THEN
        PERFORM boxoffice_code.refuse('invalid_document', '',
            pg_catalog.jsonb_build_object('max', event_sessions_max),
            'The event would have more sessions than an event may.');
    END IF;
    IF NOT preview AND made > 0 THEN
        PERFORM boxoffice_code.session_plan_write(event, plan, sessions, rule);
        PERFORM boxoffice_code.session_require_passes(event);
        PERFORM boxoffice_code.event_note_sessions(event, made);
        found := boxoffice_code.event_changed(event, 'session_create', NULL,
            pg_catalog.jsonb_build_object('created', made, 'rule', rule));
    END IF;
    RETURN pg_catalog.json_build_object(
        'version', found.version,
        'preview', preview,
        'created', made,
        'items', boxoffice_code.session_plan_json(plan, shown_max),
        'skipped', COALESCE(pg_catalog.jsonb_array_length(there), 0),
        'skipped_items', boxoffice_code.session_plan_json(COALESCE(there, '[]'), shown_max),
        'merged_items', COALESCE(merged, '[]'),
        'session_count', found.session_count);
END
$$;
COMMENT ON FUNCTION api.session_create IS
'Add sessions to an event.
A list of them, or a rule: weekdays, local times, days. Preview says what would be made.';

-- A preview is the change itself, taken back: so it answers, or refuses, as the change would; but
-- the version stays that of before.
CREATE OR REPLACE FUNCTION api.session_change(
    event bigint, session text, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change CONSTANT jsonb := boxoffice_code.require_fits('session_change', patch) - 'preview';
    of boxoffice.event;
    made boxoffice.session;
    answer json;
BEGIN
    of := boxoffice_code.event_lock(event, if_match, 'manager');
    IF (patch ->> 'preview')::boolean IS NOT TRUE THEN
        made := boxoffice_code.session_change(of, session, change);
        SELECT * INTO of FROM boxoffice.event AS e WHERE e.id = session_change.event;
        RETURN boxoffice_code.session_own_json(of, made.id);
    END IF;
    BEGIN
        made := boxoffice_code.session_change(of, session, change);
        answer := boxoffice_code.session_own_json(of, made.id);
        RAISE EXCEPTION 'it was a preview' USING ERRCODE = 'BX001';
    EXCEPTION WHEN SQLSTATE 'BX001' THEN
        RETURN answer;
    END;
END
$$;
COMMENT ON FUNCTION api.session_change IS
'Change a session.
patch is an RFC 7396 merge patch. When it returns, no hold is made by what was before; with preview
nothing is changed.';

CREATE OR REPLACE FUNCTION api.session_delete(
    event bigint, session text, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.session := boxoffice_code.session_of(event, session);
BEGIN
    IF of.session_count <= 1 THEN
        PERFORM boxoffice_code.refuse('in_use', 'session', '{}',
            'It is the only session, and an event has at least one.');
    END IF;
    PERFORM boxoffice_code.sessions_lock_groups(event, ARRAY[found.id]);
    IF boxoffice_code.session_used(event, found.id) THEN
        PERFORM boxoffice_code.refuse('in_use', 'session', '{}',
            'Places of it were taken: cancel it instead.');
    END IF;
    PERFORM boxoffice_code.session_remove(event, found.id);
    PERFORM boxoffice_code.event_note_sessions(event, -1);
    of := boxoffice_code.event_changed(event, 'session_delete', found.key);
    RETURN pg_catalog.json_build_object(
        'version', of.version,
        'id', found.id::text,
        'key', found.key,
        'session_count', of.session_count);
END
$$;
COMMENT ON FUNCTION api.session_delete IS
'Delete a session.
Only one that nobody ever took a place of; others are cancelled.';

CREATE OR REPLACE FUNCTION api.session_view(organizer bigint, event bigint, session text)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_of(organizer, event);
    found boxoffice.session := boxoffice_code.session_of(event, session);
BEGIN
    RETURN boxoffice_code.session_own_json(of, found.id);
END
$$;
COMMENT ON FUNCTION api.session_view IS 'The organizer''s view of a session.';

CREATE OR REPLACE FUNCTION api.session_list_own(
    organizer bigint, event bigint, "from" timestamptz DEFAULT NULL,
    "to" timestamptz DEFAULT NULL, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := boxoffice_code.page_size("limit");
    of boxoffice.event := boxoffice_code.event_of(organizer, event);
    found bigint[];
BEGIN
    found := boxoffice_code.session_page(
        of.id, COALESCE("from", '-infinity'), "to", boxoffice_code.cursor_time(cursor),
        boxoffice_code.cursor_id(cursor), wanted + 1);
    RETURN boxoffice_code.page_json(
        boxoffice_code.sessions_own_json(of, found[:wanted]),
        CASE WHEN pg_catalog.cardinality(found) > wanted THEN (
            SELECT boxoffice_code.cursor_make(s.starts_at, s.id)
              FROM boxoffice.session AS s
             WHERE s.event_id = of.id AND s.id = found[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.session_list_own IS 'All sessions of an event, by time, for its organizer.';

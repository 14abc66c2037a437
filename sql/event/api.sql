-- Endpoints of events.

CREATE OR REPLACE FUNCTION api.event_create(
    organizer bigint, name text, currency text, zone text, sessions jsonb, pools jsonb,
    ticket_types jsonb, slug text DEFAULT NULL, short_code text DEFAULT NULL,
    description text DEFAULT NULL, locale text DEFAULT 'en', test boolean DEFAULT false,
    venue text DEFAULT NULL, sale_starts_at timestamptz DEFAULT NULL,
    sale_ends_at timestamptz DEFAULT NULL, max_per_order integer DEFAULT NULL,
    buyer_limit integer DEFAULT NULL, hold_ttl_seconds integer DEFAULT 900,
    hold_extend_max_seconds integer DEFAULT NULL, payment_term jsonb DEFAULT NULL,
    payment_grace_seconds integer DEFAULT 300, late_payment boolean DEFAULT true,
    show_quantity boolean DEFAULT false, approval boolean DEFAULT false,
    summary text DEFAULT NULL, category text DEFAULT NULL, tags jsonb DEFAULT NULL,
    images jsonb DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    document CONSTANT jsonb := boxoffice_code.require_fits(
        'event_create', pg_catalog.jsonb_build_object(
            'name', name, 'currency', currency, 'zone', zone, 'sessions', sessions, 'pools', pools,
            'ticket_types', ticket_types, 'slug', slug, 'short_code', short_code,
            'description', description, 'locale', locale, 'test', test, 'venue', venue,
            'sale_starts_at', sale_starts_at, 'sale_ends_at', sale_ends_at,
            'max_per_order', max_per_order, 'buyer_limit', buyer_limit,
            'hold_ttl_seconds', hold_ttl_seconds,
            'hold_extend_max_seconds', hold_extend_max_seconds, 'payment_term', payment_term,
            'payment_grace_seconds', payment_grace_seconds,
            'late_payment', late_payment, 'show_quantity', show_quantity, 'approval', approval,
            'summary', summary, 'category', category, 'tags', tags, 'images', images));
    faults jsonb;
    made boxoffice.event;
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM (
        SELECT boxoffice_code.event_faults_event(organizer, document)
        UNION ALL
        SELECT boxoffice_code.event_faults_sessions(organizer, document)
        UNION ALL
        SELECT boxoffice_code.event_faults_types(document)
        UNION ALL
        SELECT boxoffice_code.event_faults_parts(ticket_types)
      ) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    made := boxoffice_code.event_insert(organizer, document);
    PERFORM boxoffice_code.event_insert_sessions(made, sessions);
    PERFORM boxoffice_code.event_insert_pools(made.id, pools);
    PERFORM boxoffice_code.event_insert_types(made.id, ticket_types);
    PERFORM boxoffice_code.event_insert_parts(made.id, ticket_types);
    PERFORM boxoffice_code.inventory_regroup(made.id);
    PERFORM boxoffice_code.change_note(made, 'event_create');
    RETURN boxoffice_code.event_own_json(made);
END
$$;
COMMENT ON FUNCTION api.event_create IS
'Make an event with its sessions, pools and ticket types.
One document describes the whole event; parts name each other by key. It starts as a draft.';

CREATE OR REPLACE FUNCTION api.event_change(event bigint, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
    patched boxoffice.event;
    faults jsonb;
BEGIN
    patch := boxoffice_code.require_fits('event_change', patch);
    found := boxoffice_code.event_lock(event, if_match, 'manager');
    patched := boxoffice_code.event_patched(found, patch);
    IF (patched.currency, patched.short_code, patched.zone)
        <> (found.currency, found.short_code, found.zone)
        OR found.buyer_limit IS NULL AND patched.buyer_limit IS NOT NULL THEN
        PERFORM boxoffice_code.event_lock_groups(event);
    END IF;
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM (
        SELECT boxoffice_code.event_faults_patch(found, patched, patch)
        UNION ALL
        SELECT boxoffice_code.event_faults_ordered(found, patched)
      ) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    IF patched IS DISTINCT FROM found OR patch ?| '{tags,images}' THEN
        PERFORM boxoffice_code.event_write(found, patched, patch);
        found := boxoffice_code.event_changed(event, 'event_change', NULL, patch);
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_change IS
'Change an event.
patch is an RFC 7396 merge patch of its settings. What changes nothing makes no new version.';

CREATE OR REPLACE FUNCTION api.event_view(organizer bigint, event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    PERFORM boxoffice_code.require_member(organizer);
    SELECT *
      INTO found
      FROM boxoffice.event AS e
     WHERE e.id = event_view.event AND e.organizer_id = event_view.organizer;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_view IS
'The organizer''s view of an event.
The counts of its pools are added up over all stock, so it costs as much as there are sessions.';

CREATE OR REPLACE FUNCTION api.event_list_own(
    organizer bigint, status text DEFAULT NULL, cursor text DEFAULT NULL,
    "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := boxoffice_code.page_size("limit");
    before bigint := COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer);
    RETURN (
        WITH found AS (
            SELECT e.*
              FROM boxoffice.event AS e
             WHERE e.organizer_id = event_list_own.organizer
               AND e.id < before
               AND (event_list_own.status IS NULL OR e.status = event_list_own.status)
             ORDER BY e.id DESC
             LIMIT wanted + 1
        ), placed AS (
            SELECT f.*, pg_catalog.row_number() OVER (ORDER BY f.id DESC) AS place FROM found AS f
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(pg_catalog.json_build_object(
                       'id', p.id::text,
                       'slug', p.slug,
                       'short_code', p.short_code,
                       'name', p.name,
                       'status', p.status,
                       'test', p.test,
                       'currency', p.currency,
                       'zone', p.zone,
                       'starts_at', boxoffice_code.time_text(p.starts_at, p.zone),
                       'ends_at', boxoffice_code.time_text(p.ends_at, p.zone),
                       'session_count', p.session_count,
                       'version', p.version)
                       ORDER BY p.place) FILTER (WHERE p.place <= wanted),
                   CASE WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                       NULL, pg_catalog.min(p.id) FILTER (WHERE p.place <= wanted)) END)
          FROM placed AS p);
END
$$;
COMMENT ON FUNCTION api.event_list_own IS 'The events of an organizer.';

CREATE OR REPLACE FUNCTION api.event_get(event text)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shown CONSTANT integer := 20;
    found boxoffice.event := boxoffice_code.event_find(event);
    sessions bigint[];
BEGIN
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    sessions := boxoffice_code.session_page(found.id, NULL, NULL, NULL, NULL, shown + 1);
    RETURN boxoffice_code.event_json(
        found, sessions[:shown],
        CASE WHEN pg_catalog.cardinality(sessions) > shown THEN (
            SELECT boxoffice_code.cursor_make(s.starts_at, s.id)
              FROM boxoffice.session AS s
             WHERE s.event_id = found.id AND s.id = sessions[shown]) END);
END
$$;
COMMENT ON FUNCTION api.event_get IS 'What an event sells, and how much of it is left.';

CREATE OR REPLACE FUNCTION api.event_publish(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    faults jsonb;
BEGIN
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF found.status = 'paused' THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}',
            'The sale is paused: resume it.');
    ELSIF found.status = 'draft' THEN
        SELECT pg_catalog.jsonb_agg(f.fault)
          INTO faults
          FROM boxoffice_code.event_sale_faults(event) AS f (fault);
        IF faults IS NOT NULL THEN
            PERFORM boxoffice_code.refuse_all(faults);
        END IF;
        found := boxoffice_code.event_set_status(found, 'published', 'event.published');
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_publish IS 'Show an event and sell it.';

CREATE OR REPLACE FUNCTION api.event_pause(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
BEGIN
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF found.status = 'draft' THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}', 'The event is not published.');
    ELSIF found.status = 'published' THEN
        -- who sells has seen that it is not paused: once these locks are ours, nobody is selling
        PERFORM boxoffice_code.event_lock_groups(event);
        found := boxoffice_code.event_set_status(found, 'paused', 'event.changed');
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_pause IS
'Stop the sale for a while.
Once it has returned no hold is made any more. It locks every inventory group of the event: one for
each session, unless something is sold for all of them.';

CREATE OR REPLACE FUNCTION api.event_resume(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
BEGIN
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF found.status = 'draft' THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}', 'The event is not published.');
    ELSIF found.status = 'paused' THEN
        found := boxoffice_code.event_set_status(found, 'published', 'event.changed');
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_resume IS 'Go on with the sale.';

CREATE OR REPLACE FUNCTION api.event_cancel(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
BEGIN
    IF found.status <> 'cancelled' THEN
        found := boxoffice_code.event_set_status(found, 'cancelled', 'event.cancelled');
        PERFORM boxoffice_code.event_end_holds(event);
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_cancel IS
'Cancel an event.
Ends the sale and its holds, and makes its tickets invalid. It rewrites no orders.';

CREATE OR REPLACE FUNCTION api.event_go_live(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step CONSTANT integer := 5000;
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    removed integer := 0;
    done boolean := true;
BEGIN
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF found.test AND found.status = 'published' THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}',
            'The event is on sale: pause it first.');
    ELSIF found.test THEN
        PERFORM boxoffice_code.event_lock_groups(event);
        SELECT t.holds, t.done
          INTO removed, done
          FROM boxoffice_code.trial_remove(event, step) AS t;
    END IF;
    IF done AND found.test THEN
        UPDATE boxoffice.event AS e SET test = false WHERE e.id = found.id;
        found := boxoffice_code.event_changed(found.id, 'event_go_live');
    END IF;
    RETURN pg_catalog.json_build_object(
        'status', CASE WHEN done THEN 'done' ELSE 'running' END,
        'removed', removed,
        'event', boxoffice_code.event_own_json(found));
END
$$;
COMMENT ON FUNCTION api.event_go_live IS
'End an event''s test.
It removes the trial''s holds and orders in bounded steps: while status is running, ask again.';

CREATE OR REPLACE FUNCTION api.event_unpublish(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
BEGIN
    IF found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF found.status <> 'draft' THEN
        IF boxoffice_code.event_is_taken(event) THEN
            PERFORM boxoffice_code.refuse('in_use', '', '{}',
                'There are orders or holds: pause the sale, or cancel the event.');
        END IF;
        found := boxoffice_code.event_set_status(found, 'draft', 'event.changed');
    END IF;
    RETURN boxoffice_code.event_own_json(found);
END
$$;
COMMENT ON FUNCTION api.event_unpublish IS
'Make an event a draft again.
Only while nobody ordered and nothing is held: who has bought keeps seeing what they bought.';

CREATE OR REPLACE FUNCTION api.event_delete(event bigint, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step CONSTANT integer := 2000;
    found boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    removed integer;
    done boolean;
BEGIN
    IF found.status <> 'draft' THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}',
            'Only a draft can be deleted: unpublish the event, or cancel it.');
    ELSIF boxoffice_code.event_is_taken(event) THEN
        PERFORM boxoffice_code.refuse('in_use', '', '{}', 'There are orders or holds.');
    END IF;
    SELECT r.removed, r.done INTO removed, done FROM boxoffice_code.draft_remove(event, step) AS r;
    IF done THEN
        PERFORM boxoffice_code.search_refresh(event);
    END IF;
    RETURN pg_catalog.json_build_object(
        'status', CASE WHEN done THEN 'done' ELSE 'running' END, 'removed', removed);
END
$$;
COMMENT ON FUNCTION api.event_delete IS
'Delete a draft.
In bounded steps: while status is running, ask again. An event with orders is never deleted.';

-- Endpoints of what goes wrong: sessions cancelled or postponed, and what is owed.

CREATE OR REPLACE FUNCTION api.session_cancel(
    event bigint, session text, reason text DEFAULT NULL, preview boolean DEFAULT false,
    if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.session := boxoffice_code.session_of(event, session);
    ended integer := 0;
    groups bigint[];
BEGIN
    preview := COALESCE((boxoffice_code.require_fits('session_cancel',
        pg_catalog.jsonb_build_object('reason', reason, 'preview', preview))
        -> 'preview')::boolean, false);
    IF of.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    END IF;
    IF found.status <> 'cancelled' AND NOT preview THEN
        groups := boxoffice_code.session_lock_groups(event, found.id);
        UPDATE boxoffice.session AS s
           SET status = 'cancelled'
         WHERE s.event_id = found.event_id AND s.id = found.id
        RETURNING * INTO found;
        ended := boxoffice_code.session_end_holds(event, found.id, groups);
        PERFORM boxoffice_code.outbox_add(event, 'session.cancelled', found.id);
        of := boxoffice_code.event_changed(event, 'session_cancel', found.key,
            pg_catalog.jsonb_build_object('reason', reason));
    END IF;
    RETURN boxoffice_code.calloff_json(of, found, preview, ended);
END
$$;
COMMENT ON FUNCTION api.session_cancel IS
'Cancel a session.
Ends its sale and its holds, makes its tickets invalid, and is final. It rewrites no orders.';

CREATE OR REPLACE FUNCTION api.session_postpone(
    event bigint, session text, starts_at timestamptz, ends_at timestamptz DEFAULT NULL,
    reason text DEFAULT NULL, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    found boxoffice.session := boxoffice_code.session_of(event, session);
    until timestamptz;
BEGIN
    PERFORM boxoffice_code.require_fits('session_postpone', pg_catalog.jsonb_strip_nulls(
        pg_catalog.jsonb_build_object(
            'starts_at', starts_at, 'ends_at', ends_at, 'reason', reason)));
    until := COALESCE(ends_at, found.ends_at + (starts_at - found.starts_at));
    IF of.status = 'cancelled' OR found.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF until < starts_at THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/ends_at', '{}',
            'The session ends before it starts.');
    ELSIF starts_at <= boxoffice_code.clock() THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/starts_at', '{}',
            'The new time is over.');
    END IF;
    IF (starts_at, until) IS DISTINCT FROM (found.starts_at, found.ends_at) THEN
        PERFORM boxoffice_code.session_lock_groups(event, found.id);
        UPDATE boxoffice.session AS s
           SET original_starts_at = COALESCE(s.original_starts_at, s.starts_at),
               starts_at = session_postpone.starts_at,
               ends_at = until
         WHERE s.event_id = found.event_id AND s.id = found.id
        RETURNING * INTO found;
        PERFORM boxoffice_code.event_span(event);
        PERFORM boxoffice_code.outbox_add(event, 'session.postponed', found.id);
        of := boxoffice_code.event_changed(event, 'session_postpone', found.key,
            pg_catalog.jsonb_build_object('starts_at', starts_at, 'reason', reason));
    END IF;
    RETURN boxoffice_code.calloff_json(of, found, false, 0);
END
$$;
COMMENT ON FUNCTION api.session_postpone IS
'Move a session to another time.
It keeps its id, its tickets and, as original_starts_at, the time that was first announced.';

CREATE OR REPLACE FUNCTION api.event_postpone(
    event bigint, starts_at timestamptz, reason text DEFAULT NULL, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of boxoffice.event := boxoffice_code.event_lock(event, if_match, 'manager');
    now CONSTANT timestamptz := boxoffice_code.clock();
    first boxoffice.session;
    shift interval;
BEGIN
    PERFORM boxoffice_code.require_fits('event_postpone', pg_catalog.jsonb_strip_nulls(
        pg_catalog.jsonb_build_object('starts_at', starts_at, 'reason', reason)));
    SELECT *
      INTO first
      FROM boxoffice.session AS s
     WHERE s.event_id = event_postpone.event AND s.starts_at > now AND s.status <> 'cancelled'
     ORDER BY s.starts_at, s.id
     LIMIT 1;
    IF of.status = 'cancelled' THEN
        PERFORM boxoffice_code.refuse('event_cancelled');
    ELSIF first.id IS NULL THEN
        PERFORM boxoffice_code.refuse('event_state', '', '{}', 'No session is still to come.');
    ELSIF starts_at <= now THEN
        PERFORM boxoffice_code.refuse('invalid_document', '/starts_at', '{}',
            'The new time is over.');
    END IF;
    IF starts_at <> first.starts_at THEN
        PERFORM boxoffice_code.event_lock_groups(event);
        shift := (starts_at AT TIME ZONE first.zone) - (first.starts_at AT TIME ZONE first.zone);
        UPDATE boxoffice.session AS s
           SET original_starts_at = COALESCE(s.original_starts_at, s.starts_at),
               starts_at = m.starts_at,
               ends_at = m.starts_at + (s.ends_at - s.starts_at)
          FROM (
            SELECT o.id,
                   CASE WHEN (o.starts_at, o.zone) = (first.starts_at, first.zone)
                        THEN event_postpone.starts_at
                        ELSE boxoffice_code.local_instant(
                            (o.starts_at AT TIME ZONE o.zone) + shift, o.zone)
                   END AS starts_at
              FROM boxoffice.session AS o
             WHERE o.event_id = event_postpone.event
          ) AS m
         WHERE m.id = s.id
           AND s.event_id = event_postpone.event
           AND s.starts_at > now
           AND s.status <> 'cancelled';
        PERFORM boxoffice_code.event_span(event);
        of := boxoffice_code.event_changed(event, 'event_postpone', NULL,
            pg_catalog.jsonb_build_object('starts_at', starts_at, 'reason', reason),
            'event.postponed');
    END IF;
    RETURN boxoffice_code.event_own_json(of);
END
$$;
COMMENT ON FUNCTION api.event_postpone IS
'Move all sessions that are still to come.
The first of them to this time, the others by as many days and hours on their walls'' clocks.';

CREATE OR REPLACE FUNCTION api.event_owed(
    event bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    look CONSTANT integer := 1000;
    of boxoffice.event := boxoffice_code.require_orders(event);
    before bigint := COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    candidates bigint[];
    sum_orders bigint;
    sum_amount bigint;
BEGIN
    IF cursor IS NULL THEN
        SELECT * INTO sum_orders, sum_amount FROM boxoffice_code.owed_sum(of);
    END IF;
    candidates := ARRAY(SELECT boxoffice_code.owed_candidates(of, before, look));
    RETURN (
        WITH owed AS MATERIALIZED (
            SELECT o.*, pg_catalog.row_number() OVER (ORDER BY o.id DESC) AS place
              FROM boxoffice_code.owed_orders(of, candidates) AS o
        )
        SELECT pg_catalog.json_build_object(
                   'currency', of.currency,
                   'orders', sum_orders,
                   'amount', sum_amount,
                   'items', COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                       'id', o.id::text,
                       'code', o.code,
                       'status', o.status,
                       'total', o.total,
                       'paid', o.paid,
                       'due', -o.owed)
                       ORDER BY o.place) FILTER (WHERE o.place <= wanted), '[]'),
                   'next', CASE
                       WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                           NULL, pg_catalog.min(o.id) FILTER (WHERE o.place <= wanted))
                       WHEN pg_catalog.cardinality(candidates) = look
                       THEN boxoffice_code.cursor_make(NULL, candidates[look]) END)
          FROM owed AS o);
END
$$;
COMMENT ON FUNCTION api.event_owed IS
'What is owed back to buyers, by order and in sum.
The sum is on the first page. A page may have fewer than were asked for and still have a next one.';

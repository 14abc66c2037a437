-- Endpoints that other programs read: calendars, and descriptions for search engines.

CREATE OR REPLACE FUNCTION api.event_calendar(
    event text, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    "limit" integer DEFAULT 500)
    RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found CONSTANT boxoffice.event := boxoffice_code.event_find(event);
    sessions bigint[];
BEGIN
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    sessions := boxoffice_code.session_page(
        found.id, COALESCE("from", boxoffice_code.clock() - '30 days'::interval), "to", NULL, NULL,
        boxoffice_code.page_size("limit", 500, 1000));
    RETURN boxoffice_code.ical_calendar(found.name, boxoffice_code.ical_sessions(
        pg_catalog.array_fill(found.id, ARRAY[pg_catalog.cardinality(sessions)]), sessions));
END
$$;
COMMENT ON FUNCTION api.event_calendar IS
'An event''s sessions as a calendar to subscribe to.
Without from those of the last thirty days and what comes.';

CREATE OR REPLACE FUNCTION api.organizer_calendar(
    organizer bigint, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    "limit" integer DEFAULT 500)
    RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.organizer;
    events bigint[];
    sessions bigint[];
BEGIN
    SELECT * INTO found FROM boxoffice.organizer AS o WHERE o.id = organizer_calendar.organizer;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    SELECT pg_catalog.array_agg(f.event_id), pg_catalog.array_agg(f.id)
      INTO events, sessions
      FROM boxoffice_code.calendar_page(
               pg_catalog.format('s.organizer_id = %s AND (s.shown OR EXISTS (
                   SELECT FROM boxoffice.event AS e
                    WHERE e.id = s.event_id AND e.status = ''cancelled''))', organizer),
               COALESCE("from", boxoffice_code.clock() - '30 days'::interval), "to", NULL,
               boxoffice_code.page_size("limit", 500, 1000), 1000) AS f;
    RETURN boxoffice_code.ical_calendar(
        found.name, boxoffice_code.ical_sessions(events, sessions));
END
$$;
COMMENT ON FUNCTION api.organizer_calendar IS
'All sessions of an organizer''s public events as a calendar to subscribe to.
Without from those of the last thirty days and what comes.';

CREATE OR REPLACE FUNCTION api.order_calendar(
    event bigint, "order" bigint, secret text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_event boxoffice.event;
    bought boxoffice.order;
BEGIN
    -- who may see the order is told there
    PERFORM api.order_get(event, "order", secret);
    SELECT * INTO of_event FROM boxoffice.event AS e WHERE e.id = order_calendar.event;
    SELECT *
      INTO bought
      FROM boxoffice.order AS o
     WHERE o.event_id = order_calendar.event AND o.id = order_calendar."order";
    RETURN boxoffice_code.ical_calendar(
        of_event.name, boxoffice_code.ical_order(of_event, bought));
END
$$;
COMMENT ON FUNCTION api.order_calendar IS
'When the tickets of an order admit, as a calendar.
For who has its secret, who placed it, and the organizer''s people.';

CREATE OR REPLACE FUNCTION api.event_jsonld(event text)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found CONSTANT boxoffice.event := boxoffice_code.event_find(event);
    sessions bigint[];
BEGIN
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    sessions := boxoffice_code.session_page(found.id, NULL, NULL, NULL, NULL, 100);
    IF pg_catalog.cardinality(sessions) = 0 THEN
        sessions := boxoffice_code.session_page(
            found.id, '-infinity'::timestamptz, NULL, NULL, NULL, 100);
    END IF;
    -- it is put into pages between <script> and </script>, which no name may end
    RETURN pg_catalog.replace(
        boxoffice_code.event_jsonld(found, sessions)::text, '<', E'\\u003c')::json;
END
$$;
COMMENT ON FUNCTION api.event_jsonld IS
'What an event is, for search engines.
As schema.org describes events, in JSON-LD.';

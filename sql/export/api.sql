-- Endpoints that stream. Each row is a piece of the file; read them in a select list (SELECT
-- api.ticket_csv(…)), not in FROM, so that they come one by one. Times are local to the event.

CREATE OR REPLACE FUNCTION api.order_csv(
    event bigint, session text DEFAULT NULL, status text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.order_export(
        'csv', boxoffice_code.require_orders(event),
        boxoffice_code.session_named(event, session, 'session'), status)
$$;
COMMENT ON FUNCTION api.order_csv IS
'All orders of an event as CSV.
In pieces of many rows; the oldest first.';

CREATE OR REPLACE FUNCTION api.order_jsonl(
    event bigint, session text DEFAULT NULL, status text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.order_export(
        'jsonl', boxoffice_code.require_orders(event),
        boxoffice_code.session_named(event, session, 'session'), status)
$$;
COMMENT ON FUNCTION api.order_jsonl IS
'All orders of an event as JSON Lines.
In pieces of many rows; the oldest first.';

CREATE OR REPLACE FUNCTION api.ticket_csv(
    event bigint, session text DEFAULT NULL, state text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.ticket_export(
        'csv', boxoffice_code.require_orders(event),
        boxoffice_code.session_named(event, session, 'session'), state)
$$;
COMMENT ON FUNCTION api.ticket_csv IS
'All tickets of an event as CSV.
In pieces of many rows; the oldest first.';

CREATE OR REPLACE FUNCTION api.ticket_jsonl(
    event bigint, session text DEFAULT NULL, state text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.ticket_export(
        'jsonl', boxoffice_code.require_orders(event),
        boxoffice_code.session_named(event, session, 'session'), state)
$$;
COMMENT ON FUNCTION api.ticket_jsonl IS
'All tickets of an event as JSON Lines.
In pieces of many rows; the oldest first.';

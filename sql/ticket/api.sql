-- Endpoints of tickets. The work is C (pg_extension/src/ticket.c).

CREATE OR REPLACE FUNCTION api.ticket_list(event bigint, "order" bigint, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'ticket_list', event => event,
        args => jsonb_build_object('event', event, 'order', "order"), secret => secret)::json
$$;
COMMENT ON FUNCTION api.ticket_list IS 'The tickets of an order.';

CREATE OR REPLACE FUNCTION api.ticket_qr(
    event bigint, "order" bigint, ticket bigint, secret text DEFAULT NULL)
    RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'ticket_qr', event => event,
        args => jsonb_build_object('event', event, 'order', "order", 'ticket', ticket),
        secret => secret)
$$;
COMMENT ON FUNCTION api.ticket_qr IS
'The QR code of a valid ticket.
As SVG; a ticket that is not valid has none.';

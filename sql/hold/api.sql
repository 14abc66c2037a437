-- Endpoints of holds. The work is C (pg_extension/src/hold*.c); these give it names and types.

CREATE OR REPLACE FUNCTION api.hold_create(
    event bigint, items jsonb, partial boolean DEFAULT false, channel text DEFAULT 'web',
    idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'hold_create', event => event,
        args => jsonb_build_object('items', items, 'partial', partial, 'channel', channel),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.hold_create IS
'Keep places for a while.
items is a list of {"ticket_type", "session", "quantity", "price", "addons"}; all or nothing,
unless partial. A pass names no session; a price is named where it is free; addons is a list of
{"ticket_type", "quantity"} for each ticket.';

CREATE OR REPLACE FUNCTION api.hold_get(event bigint, hold bigint, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'hold_get', event => event, args => jsonb_build_object('hold', hold::text),
        secret => secret)::json
$$;
COMMENT ON FUNCTION api.hold_get IS
'Look at a hold.
For who has its secret, and the organizer''s people.';

CREATE OR REPLACE FUNCTION api.hold_change(
    event bigint, hold bigint, items jsonb, partial boolean DEFAULT false,
    secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'hold_change', event => event,
        args => jsonb_build_object('hold', hold::text, 'items', items, 'partial', partial),
        secret => secret)::json
$$;
COMMENT ON FUNCTION api.hold_change IS
'Change what a hold keeps.
items is all that is wanted afterwards; lines that stay keep their places and price.';

CREATE OR REPLACE FUNCTION api.hold_release(event bigint, hold bigint, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'hold_release', event => event,
        args => jsonb_build_object('hold', hold::text), secret => secret)::json
$$;
COMMENT ON FUNCTION api.hold_release IS
'Give the places of a hold back.
Releasing it again changes nothing.';

CREATE OR REPLACE FUNCTION api.hold_extend(
    event bigint, hold bigint, secret text DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'hold_extend', event => event,
        args => jsonb_build_object('hold', hold::text), secret => secret,
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.hold_extend IS
'Keep the places for longer.
Moves the deadline to the hold''s full time from now, never past its last.';

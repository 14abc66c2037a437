-- Endpoints of orders. The work is C (pg_extension/src/order*.c); these give it names and types.

CREATE OR REPLACE FUNCTION api.order_create(
    event bigint, hold bigint, secret text, contact jsonb, expected_total bigint DEFAULT NULL,
    holders jsonb DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_create', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'hold', hold, 'secret', secret, 'contact', contact,
            'expected_total', expected_total, 'holders', holders)),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_create IS
'Make an order of a hold.
contact has name, email, and if wanted phone and locale; holders is a list of {"name", "email"}
in the order of the tickets. A free order is paid at once.';

CREATE OR REPLACE FUNCTION api.order_get(event bigint, "order" bigint, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_get', event => event,
        args => jsonb_build_object('event', event, 'order', "order"), secret => secret)::json
$$;
COMMENT ON FUNCTION api.order_get IS
'Look at an order.
For who has its secret, who placed it, and the organizer''s people.';

CREATE OR REPLACE FUNCTION api.order_find(code text, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_find', event => 0, args => jsonb_build_object('code', code),
        secret => secret)::json
$$;
COMMENT ON FUNCTION api.order_find IS
'Find an order by its code.
The code alone opens nothing: it takes the secret or a right to see the order as well.';

CREATE OR REPLACE FUNCTION api.order_cancel(
    event bigint, "order" bigint, tickets bigint[] DEFAULT NULL, secret text DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_cancel', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'order', "order", 'tickets', tickets)),
        secret => secret, idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_cancel IS
'Cancel an order, or some of its tickets.
A buyer cancels a pending order as a whole; the organizer any order, whole or by ticket.';

CREATE OR REPLACE FUNCTION api.order_approve(
    event bigint, "order" bigint, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_approve', event => event,
        args => jsonb_build_object('event', event, 'order', "order"),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_approve IS
'Approve an order.
It has the event''s payment term from now on; one that costs nothing more is paid.';

CREATE OR REPLACE FUNCTION api.order_deny(
    event bigint, "order" bigint, reason text, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_deny', event => event,
        args => jsonb_build_object('event', event, 'order', "order", 'reason', reason),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_deny IS
'Deny an order that waits for approval.
It is cancelled, and its places are free; the reason is recorded.';

CREATE OR REPLACE FUNCTION api.order_extend(
    event bigint, "order" bigint, until timestamptz, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_extend', event => event,
        args => jsonb_build_object('event', event, 'order', "order",
            'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_extend IS
'Give an order until another time to be paid.
An expired one is pending again if its places can be had.';

CREATE OR REPLACE FUNCTION api.order_exchange(
    event bigint, "order" bigint, tickets jsonb, expected_total bigint DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_exchange', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'order', "order", 'tickets', tickets,
            'expected_total', expected_total)),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_exchange IS
'Exchange tickets of an order.
tickets is a list of {"ticket", "ticket_type", "session"}: what is left out stays. All or nothing;
what the exchange frees it may use, so tickets can change places in a full house. Add-ons go with
their ticket, a bundle as a whole.';

CREATE OR REPLACE FUNCTION api.order_split(
    event bigint, "order" bigint, tickets bigint[], contact jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_split', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'order', "order", 'tickets', tickets, 'contact', contact)),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_split IS
'Make an order of its own of some tickets.
Answers {"order", "split"}. Money that the old order does not need goes along, as two payments of
kind offset. Without a contact the new order has that of the old one.';

CREATE OR REPLACE FUNCTION api.order_contact(
    event bigint, "order" bigint, patch jsonb, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_contact', event => event,
        args => boxoffice_code.require_fits('order_contact', patch)
            || jsonb_build_object('event', event, 'order', "order"),
        secret => secret)::json
$$;
COMMENT ON FUNCTION api.order_contact IS
'Change who bought an order.
patch has name, email, phone, locale, where null removes the last two. Another address must have
room under the limits per buyer.';

CREATE OR REPLACE FUNCTION api.order_holders(
    event bigint, "order" bigint, holders jsonb, secret text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_holders', event => event,
        args => jsonb_build_object('event', event, 'order', "order", 'holders', holders),
        secret => secret)::json
$$;
COMMENT ON FUNCTION api.order_holders IS
'Say who tickets of an order are for.
holders is a list of {"ticket", "name", "email"}; without name and address nobody is any more.';

CREATE OR REPLACE FUNCTION api.order_resend(
    event bigint, "order" bigint, secret text DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_resend', event => event,
        args => jsonb_build_object('event', event, 'order', "order"),
        secret => secret, idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_resend IS
'Send an order to its contact again.
Once a minute, ten times a day.';

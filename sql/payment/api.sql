-- Endpoints of payments. The work is C (pg_extension/src/payment.c).

CREATE OR REPLACE FUNCTION api.payment_create(
    event bigint, "order" bigint, kind text, amount bigint DEFAULT NULL, method text DEFAULT NULL,
    reference text DEFAULT NULL, secret text DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'payment_create', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'order', "order", 'kind', kind, 'amount', amount, 'method', method,
            'reference', reference)),
        secret => secret, idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.payment_create IS
'Record a payment.
What is recorded stands; outcome says what it did to the order. kind manual is the organizer''s and
has a method; kind test is for test events. Without an amount it is what is due.';

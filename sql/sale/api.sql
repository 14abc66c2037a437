-- Sales by staff. The work is C (pg_extension/src/sale.c).

CREATE OR REPLACE FUNCTION api.sale_create(
    event bigint, items jsonb, channel text DEFAULT 'box_office', contact jsonb DEFAULT NULL,
    payment jsonb DEFAULT NULL, expected_total bigint DEFAULT NULL, holders jsonb DEFAULT NULL,
    override text[] DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'sale_create', event => event,
        args => jsonb_strip_nulls(jsonb_build_object(
            'event', event, 'items', items, 'channel', channel, 'contact', contact,
            'payment', payment, 'expected_total', expected_total, 'holders', holders,
            'override', override)),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.sale_create IS
'Sell at the counter.
Hold, order and payment in one: items as for a hold, payment {"kind", "amount", "reference"} or
{"kind": "complimentary", "reason"}; without one the order waits for its money. override names the
rules that staff overrule: paused, not_on_sale, min_per_order, max_per_order, buyer_limit.';

-- The ledger of money that came in.

CREATE TABLE boxoffice.payment (
    event_id    bigint      NOT NULL,
    id          bigint      NOT NULL,
    order_id    bigint      NOT NULL,
    kind        text        NOT NULL,
    amount      bigint      NOT NULL,
    currency    text        NOT NULL,
    outcome     text        NOT NULL,
    method      text,
    reference   text,
    charge_id   bigint,
    recorded_by text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT payment_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT payment_kind_check CHECK (kind IN ('free', 'manual', 'test')),
    CONSTRAINT payment_method_check CHECK (
        (kind = 'manual') = (method IS NOT NULL)
        AND method IN ('cash', 'transfer', 'card_terminal', 'other')),
    CONSTRAINT payment_amount_check CHECK (amount >= 0 AND (kind = 'free') = (amount = 0)),
    CONSTRAINT payment_outcome_check CHECK (
        outcome IN ('paid', 'partial', 'overpaid', 'order_cancelled', 'order_expired', 'sold_out'))
);
COMMENT ON TABLE boxoffice.payment IS
'The ledger of money that came in: rows are added, never changed. outcome says what the payment did to its order: paid (it completed it), partial (more is due), overpaid (the order was paid already), order_cancelled, order_expired (late and not accepted), sold_out (late, and the places are gone): in all but the first two the money shows as due back.';
CREATE INDEX payment_order_id_idx ON boxoffice.payment (event_id, order_id);

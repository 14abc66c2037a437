-- Orders, what they cost, and who bought. Hot tables: no foreign keys, so that a batch's rows can
-- be written past the executor (bulk.c). A key checked row by row took 10 of the 65 microseconds
-- that an order's rows cost, and there were four. boxoffice.check_orders looks for orphans.

CREATE TABLE boxoffice.order (
    event_id     bigint      NOT NULL,
    id           bigint      NOT NULL,
    hold_id      bigint      NOT NULL,
    code         text        NOT NULL,
    status       text        NOT NULL,
    total        bigint      NOT NULL,
    currency     text        NOT NULL,
    test         boolean     NOT NULL,
    channel      text        NOT NULL,
    subject      text,
    email_key    text,
    placed_at    timestamptz NOT NULL,
    expires_at   timestamptz,
    paid_at      timestamptz,
    cancelled_at timestamptz,
    checkout_id  bigint,
    CONSTRAINT order_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT order_hold_id_key UNIQUE (event_id, hold_id),
    CONSTRAINT order_code_key UNIQUE (event_id, code),
    CONSTRAINT order_status_check CHECK (status IN ('pending', 'paid', 'expired', 'cancelled')),
    CONSTRAINT order_total_check CHECK (total >= 0),
    CONSTRAINT order_pending_check CHECK ((status = 'pending') <= (expires_at IS NOT NULL)),
    CONSTRAINT order_paid_check CHECK ((status = 'paid') <= (paid_at IS NOT NULL)),
    CONSTRAINT order_cancelled_check CHECK ((status = 'cancelled') <= (cancelled_at IS NOT NULL))
) WITH (fillfactor = 85);
COMMENT ON TABLE boxoffice.order IS
'Fulfilment of one hold in one event. total is the sum of its live tickets'' prices and its fees, in minor units.';
COMMENT ON COLUMN boxoffice.order.code IS
'The six letters after the event''s short code and a dash.';
COMMENT ON COLUMN boxoffice.order.expires_at IS
'The deadline shown to the buyer of a pending order; the grace comes after it.';
COMMENT ON COLUMN boxoffice.order.email_key IS
'The keyed hash of the normalised e-mail address under which buyer limits count the order.';

CREATE TABLE boxoffice.order_fee (
    event_id    bigint   NOT NULL,
    order_id    bigint   NOT NULL,
    line        smallint NOT NULL,
    kind        text     NOT NULL,
    name        text     NOT NULL,
    quantity    integer  NOT NULL,
    unit_amount bigint   NOT NULL,
    amount      bigint   NOT NULL,
    CONSTRAINT order_fee_pkey PRIMARY KEY (event_id, order_id, line),
    CONSTRAINT order_fee_kind_check CHECK (kind IN ('ticket')),
    CONSTRAINT order_fee_amount_check
        CHECK (quantity >= 0 AND unit_amount >= 0 AND amount = quantity * unit_amount)
);
COMMENT ON TABLE boxoffice.order_fee IS
'What an order costs beside its tickets: kind ticket is the fixed fee for each ticket.';

CREATE TABLE boxoffice.contact (
    event_id bigint NOT NULL,
    order_id bigint NOT NULL,
    name     text   NOT NULL,
    email    text   NOT NULL,
    phone    text,
    locale   text,
    CONSTRAINT contact_pkey PRIMARY KEY (event_id, order_id)
);
COMMENT ON TABLE boxoffice.contact IS
'Personal data of an order''s buyer; it stands here and nowhere else.';

-- Effects that leave the database.

CREATE TABLE boxoffice.outbox (
    event_id     bigint      NOT NULL,
    id           bigint      NOT NULL,
    topic        text        NOT NULL,
    ref_id       bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT outbox_topic_check CHECK (topic IN ('order.placed', 'order.paid', 'order.expired',
        'order.cancelled', 'ticket.cancelled', 'payment.recorded', 'event.published', 'event.changed',
        'event.cancelled'))
);
COMMENT ON TABLE boxoffice.outbox IS
'Effects that leave the database: written in the transaction that caused them, read by whoever delivers them in order of id. ref_id is the order, payment, ticket or event; no personal data.';
COMMENT ON COLUMN boxoffice.outbox.delivered_at IS
'Set by whoever delivered it; the worker removes the row a day later.';

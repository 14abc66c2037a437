-- Tickets and who they are for.

CREATE TABLE boxoffice.ticket (
    event_id       bigint   NOT NULL,
    id             bigint   NOT NULL,
    order_id       bigint   NOT NULL,
    line           smallint NOT NULL,
    ticket_type_id bigint   NOT NULL,
    session_id     bigint   NOT NULL,
    price          bigint   NOT NULL,
    fee            bigint   NOT NULL,
    state          text     NOT NULL,
    code           text,
    parent_id      bigint,
    CONSTRAINT ticket_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT ticket_code_key UNIQUE (event_id, code),
    CONSTRAINT ticket_state_check CHECK (state IN ('reserved', 'valid', 'cancelled')),
    CONSTRAINT ticket_price_check CHECK (price >= 0 AND fee >= 0),
    CONSTRAINT ticket_code_check CHECK ((state = 'valid') <= (code IS NOT NULL))
) WITH (fillfactor = 85);
COMMENT ON TABLE boxoffice.ticket IS
'One row a piece from the placing of the order on: reserved, valid once paid, cancelled. line is the claim that holds its place.';
COMMENT ON COLUMN boxoffice.ticket.code IS
'What the QR code says: 80 random bits in Crockford''s base 32, made when the ticket becomes valid.';
CREATE INDEX ticket_order_id_idx ON boxoffice.ticket (event_id, order_id);

CREATE TABLE boxoffice.holder (
    event_id  bigint NOT NULL,
    ticket_id bigint NOT NULL,
    name      text,
    email     text,
    CONSTRAINT holder_pkey PRIMARY KEY (event_id, ticket_id)
);
COMMENT ON TABLE boxoffice.holder IS 'Personal data of the person a ticket is for, if it has one.';

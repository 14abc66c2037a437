-- The peer's tables: what a hold needs, and no more.
SET client_min_messages = warning;
DROP TABLE IF EXISTS idempotency, hold_line, hold, stock;

CREATE TABLE stock (
    event_id    bigint  NOT NULL,
    ticket_type text    NOT NULL,
    capacity    integer NOT NULL,
    held        integer NOT NULL DEFAULT 0,
    sold        integer NOT NULL DEFAULT 0,
    unit_price  bigint  NOT NULL,
    PRIMARY KEY (event_id, ticket_type),
    CHECK (held >= 0 AND sold >= 0 AND held + sold <= capacity)
) WITH (fillfactor = 30);

CREATE TABLE hold (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   bigint      NOT NULL,
    secret     text        NOT NULL,
    status     text        NOT NULL,
    subject    text,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE hold_line (
    hold_id     bigint  NOT NULL,
    line        integer NOT NULL,
    ticket_type text    NOT NULL,
    session     text    NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    unit_price  bigint  NOT NULL,
    PRIMARY KEY (hold_id, line)
);

CREATE TABLE idempotency (
    event_id   bigint      NOT NULL,
    key_hash   bytea       NOT NULL,
    body_hash  bytea       NOT NULL,
    hold_id    bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, key_hash)
);

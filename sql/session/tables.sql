-- What a session has beside its row, which is in event/tables.sql.

CREATE TABLE boxoffice.session_price (
    event_id       bigint NOT NULL,
    ticket_type_id bigint NOT NULL,
    session_id     bigint NOT NULL,
    price          bigint NOT NULL,
    CONSTRAINT session_price_pkey PRIMARY KEY (event_id, ticket_type_id, session_id),
    CONSTRAINT session_price_type_fkey FOREIGN KEY (event_id, ticket_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT session_price_session_fkey FOREIGN KEY (event_id, session_id)
        REFERENCES boxoffice.session (event_id, id),
    CONSTRAINT session_price_price_check CHECK (price BETWEEN 0 AND 100000000000)
);
COMMENT ON TABLE boxoffice.session_price IS
'What a ticket type costs in a session where that is not the type''s own price. A hold keeps the price that it was made with.';
COMMENT ON COLUMN boxoffice.session_price.price IS
'In minor units of the event''s currency, without the fee.';
CREATE INDEX session_price_session_idx ON boxoffice.session_price (event_id, session_id);
CREATE INDEX session_price_lowest_idx ON boxoffice.session_price (event_id, ticket_type_id, price);

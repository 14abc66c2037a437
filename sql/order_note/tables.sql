-- What staff note about orders.

CREATE TABLE boxoffice.order_note (
    event_id   bigint      NOT NULL,
    id         bigint      NOT NULL,
    order_id   bigint      NOT NULL,
    author     text,
    text       text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT order_note_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT order_note_text_check CHECK (char_length(text) BETWEEN 1 AND 5000)
);
COMMENT ON TABLE boxoffice.order_note IS
'What staff note about an order, for each other: no buyer sees it. It may hold personal data, so it is removed with the contact.';
COMMENT ON COLUMN boxoffice.order_note.author IS
'The token''s subject or the login; NULL: it came from elsewhere.';
CREATE INDEX order_note_order_id_idx ON boxoffice.order_note (event_id, order_id, id);

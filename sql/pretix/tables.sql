-- What an import has taken from where, so that nothing is taken twice.

CREATE TABLE boxoffice.imported (
    event_id  bigint NOT NULL,
    source    text   NOT NULL,
    kind      text   NOT NULL,
    reference text   NOT NULL,
    ref_id    bigint NOT NULL,
    CONSTRAINT imported_pkey PRIMARY KEY (event_id, source, kind, reference),
    CONSTRAINT imported_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id)
        ON DELETE CASCADE,
    CONSTRAINT imported_source_check CHECK (source IN ('pretix')),
    CONSTRAINT imported_kind_check
        CHECK (kind IN ('session', 'ticket_type', 'pool', 'order', 'ticket')),
    CONSTRAINT imported_reference_check CHECK (char_length(reference) BETWEEN 1 AND 100)
);
COMMENT ON TABLE boxoffice.imported IS
'What was imported into an event, and what it became: one row a session, ticket type, pool, order or ticket.';
COMMENT ON COLUMN boxoffice.imported.reference IS
'What the source calls it: a sub-event''s id (0: the event itself), an item''s id or item/variation, a quota''s id, an order''s code, a position''s id.';
COMMENT ON COLUMN boxoffice.imported.ref_id IS
'What it became: the id of the session, ticket type, pool, order or ticket.';

-- Who changed capacities, when and why.

CREATE TABLE boxoffice.stock_change (
    event_id      bigint      NOT NULL,
    id            bigint      NOT NULL,
    stock_id      bigint      NOT NULL,
    pool_key      text        NOT NULL,
    session_id    bigint,
    capacity_from integer,
    capacity_to   integer,
    overbook_from integer     NOT NULL,
    overbook_to   integer     NOT NULL,
    reason        text,
    changed_by    text        NOT NULL,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT stock_change_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT stock_change_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT stock_change_capacity_check CHECK (capacity_from >= 0 AND capacity_to >= 0),
    CONSTRAINT stock_change_overbook_check CHECK (overbook_from >= 0 AND overbook_to >= 0),
    CONSTRAINT stock_change_reason_check CHECK (char_length(reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE boxoffice.stock_change IS
'The ledger of capacities: who changed which stock row, when, from what to what, and why. Rows are added, never changed. A row outlives its pool, so it has the pool''s key of then.';
COMMENT ON COLUMN boxoffice.stock_change.capacity_from IS 'NULL is unlimited.';
COMMENT ON COLUMN boxoffice.stock_change.capacity_to IS 'NULL is unlimited.';
COMMENT ON COLUMN boxoffice.stock_change.reason IS 'Why, if it was said.';

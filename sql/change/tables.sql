-- What organizers changed. A ledger: rows are added, and go only with a draft that is deleted.

CREATE TABLE boxoffice.change (
    event_id   bigint      NOT NULL,
    id         bigint      NOT NULL,
    version    bigint      NOT NULL,
    operation  text        NOT NULL,
    part       text,
    subject    text,
    role       text        NOT NULL,
    patch      jsonb,
    changed_at timestamptz NOT NULL,
    CONSTRAINT change_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT change_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT change_version_check CHECK (version >= 1),
    CONSTRAINT change_operation_check CHECK (operation ~ '^[a-z][a-z_]{0,62}$'),
    CONSTRAINT change_part_check CHECK (char_length(part) BETWEEN 1 AND 200),
    CONSTRAINT change_patch_check CHECK (jsonb_typeof(patch) = 'object')
);
COMMENT ON TABLE boxoffice.change IS
'Who changed what of an event''s catalogue, one row a change. Holds no personal data: subject is the token''s, patch is what was asked for.';
COMMENT ON COLUMN boxoffice.change.version IS 'The event''s version that the change made.';
COMMENT ON COLUMN boxoffice.change.operation IS
'The operation of the contract that made the change, such as event_change.';
COMMENT ON COLUMN boxoffice.change.part IS
'The key or id of the part that was changed; NULL for the event itself.';
COMMENT ON COLUMN boxoffice.change.patch IS
'What the request asked for, long members cut; NULL where the operation says it all.';

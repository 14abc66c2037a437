-- What orders are found by. The worker writes it from the outbox, so a sale pays nothing for it;
-- what the worker has not seen yet is looked at by itself (functions.sql).

CREATE TABLE boxoffice.order_search (
    event_id   bigint      NOT NULL,
    order_id   bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    keys       integer[]   NOT NULL,
    CONSTRAINT order_search_pkey PRIMARY KEY (event_id, order_id)
);
COMMENT ON TABLE boxoffice.order_search IS
'What an order is found by; written by the worker, never the truth: what it finds is looked at again. No personal data but as hashes of three bytes and of addresses.';
COMMENT ON COLUMN boxoffice.order_search.changed_at IS 'When the order last changed.';
COMMENT ON COLUMN boxoffice.order_search.keys IS
'Hashes (boxoffice_code.search_keys) of status, channel, sessions, addresses, parts of names, and of spans of time.';
CREATE INDEX order_search_keys_idx ON boxoffice.order_search USING gin (keys);
CREATE INDEX order_search_changed_at_idx ON boxoffice.order_search (event_id, changed_at);

CREATE TABLE boxoffice.order_search_mark (
    event_id   bigint NOT NULL,
    outbox_id  bigint NOT NULL,
    order_from bigint NOT NULL,
    CONSTRAINT order_search_mark_pkey PRIMARY KEY (event_id),
    CONSTRAINT order_search_mark_order_from_check CHECK (order_from >= 0)
);
COMMENT ON TABLE boxoffice.order_search_mark IS
'How far the worker has come with an event. An event without a row has not been begun.';
COMMENT ON COLUMN boxoffice.order_search_mark.outbox_id IS
'All messages of the outbox up to this one have been seen.';
COMMENT ON COLUMN boxoffice.order_search_mark.order_from IS
'Orders of before the first message are taken from the newest to the oldest; those from this id on are there. 0: all.';

CREATE TABLE boxoffice.order_search_horizon (
    one       boolean NOT NULL,
    safe_id   bigint  NOT NULL,
    next_id   bigint  NOT NULL,
    next_xid  xid8    NOT NULL,
    CONSTRAINT order_search_horizon_pkey PRIMARY KEY (one),
    CONSTRAINT order_search_horizon_one_check CHECK (one)
);
COMMENT ON TABLE boxoffice.order_search_horizon IS
'Up to which id the outbox is complete: ids are given before the commit, so the newest messages may not be the last to be seen. One row.';
COMMENT ON COLUMN boxoffice.order_search_horizon.safe_id IS
'No transaction can add a message of this id or a smaller one any more.';
COMMENT ON COLUMN boxoffice.order_search_horizon.next_id IS
'What safe_id becomes when all transactions before next_xid are over.';
COMMENT ON COLUMN boxoffice.order_search_horizon.next_xid IS
'The first transaction that began after next_id was given.';

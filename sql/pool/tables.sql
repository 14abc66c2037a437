-- Capacity: pools, the stock rows that are counted, ticket types and what they take from, blocks.

CREATE TABLE boxoffice.inventory_group (
    event_id bigint NOT NULL,
    id       bigint NOT NULL,
    CONSTRAINT inventory_group_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT inventory_group_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id)
);
COMMENT ON TABLE boxoffice.inventory_group IS
'A set of stock rows that one claim may touch together. Its row is the first lock of every transaction that changes what is taken.';

CREATE TABLE boxoffice.pool (
    event_id bigint  NOT NULL,
    id       bigint  NOT NULL,
    key      text    NOT NULL,
    name     text    NOT NULL,
    scope    text    NOT NULL,
    capacity integer,
    overbook integer NOT NULL,
    CONSTRAINT pool_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT pool_event_id_key_key UNIQUE (event_id, key),
    CONSTRAINT pool_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT pool_key_check CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT pool_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT pool_scope_check CHECK (scope IN ('session', 'event')),
    CONSTRAINT pool_capacity_check CHECK (capacity BETWEEN 0 AND 100000000),
    CONSTRAINT pool_overbook_check CHECK (overbook BETWEEN 0 AND 1000000)
);
COMMENT ON TABLE boxoffice.pool IS
'A capacity rule of the event: per session, or one for the whole event (house limit, camping, early-bird count).';
COMMENT ON COLUMN boxoffice.pool.capacity IS
'What a new stock row of the pool starts with; NULL is unlimited, still counted.';

CREATE TABLE boxoffice.stock (
    event_id   bigint  NOT NULL,
    id         bigint  NOT NULL,
    pool_id    bigint  NOT NULL,
    session_id bigint,
    group_id   bigint  NOT NULL,
    capacity   integer,
    overbook   integer NOT NULL,
    held       integer NOT NULL,
    pending    integer NOT NULL,
    sold       integer NOT NULL,
    blocked    integer NOT NULL,
    CONSTRAINT stock_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT stock_event_id_pool_id_fkey FOREIGN KEY (event_id, pool_id)
        REFERENCES boxoffice.pool (event_id, id),
    CONSTRAINT stock_event_id_session_id_fkey FOREIGN KEY (event_id, session_id)
        REFERENCES boxoffice.session (event_id, id),
    CONSTRAINT stock_event_id_group_id_fkey FOREIGN KEY (event_id, group_id)
        REFERENCES boxoffice.inventory_group (event_id, id),
    CONSTRAINT stock_place_key UNIQUE NULLS NOT DISTINCT (event_id, pool_id, session_id),
    CONSTRAINT stock_held_check CHECK (held >= 0),
    CONSTRAINT stock_pending_check CHECK (pending >= 0),
    CONSTRAINT stock_sold_check CHECK (sold >= 0),
    CONSTRAINT stock_blocked_check CHECK (blocked >= 0),
    CONSTRAINT stock_overbook_check CHECK (overbook >= 0),
    CONSTRAINT stock_capacity_check
        CHECK (held::bigint + pending + sold + blocked <= capacity::bigint + overbook)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE boxoffice.stock IS
'What is counted: one row per session for a session pool, one row for an event pool. held, pending, sold and blocked are the sums of the live claims; capacity NULL is unlimited.';
COMMENT ON COLUMN boxoffice.stock.overbook IS
'How many more than its capacity the organizer chose to sell.';
CREATE INDEX stock_group_idx ON boxoffice.stock (event_id, group_id);
CREATE INDEX stock_session_idx ON boxoffice.stock (event_id, session_id);

CREATE TABLE boxoffice.ticket_type (
    event_id       bigint  NOT NULL,
    id             bigint  NOT NULL,
    key            text    NOT NULL,
    name           text    NOT NULL,
    description    text,
    kind           text    NOT NULL,
    price          bigint  NOT NULL,
    fee            bigint  NOT NULL,
    status         text    NOT NULL,
    hidden         boolean NOT NULL,
    all_sessions   boolean NOT NULL,
    sale_starts_at timestamptz,
    sale_ends_at   timestamptz,
    min_per_order  integer NOT NULL,
    max_per_order  integer,
    buyer_limit    integer,
    position       integer NOT NULL,
    CONSTRAINT ticket_type_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT ticket_type_event_id_key_key UNIQUE (event_id, key),
    CONSTRAINT ticket_type_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT ticket_type_key_check CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT ticket_type_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT ticket_type_kind_check
        CHECK (kind IN ('admission', 'addon', 'merchandise', 'donation')),
    CONSTRAINT ticket_type_status_check CHECK (status IN ('active', 'paused', 'retired')),
    CONSTRAINT ticket_type_price_check CHECK (price BETWEEN 0 AND 100000000000),
    CONSTRAINT ticket_type_fee_check CHECK (fee BETWEEN 0 AND 100000000000),
    CONSTRAINT ticket_type_sale_check CHECK (sale_ends_at > sale_starts_at),
    CONSTRAINT ticket_type_min_per_order_check CHECK (min_per_order BETWEEN 1 AND 1000),
    CONSTRAINT ticket_type_max_per_order_check CHECK (max_per_order BETWEEN min_per_order AND 1000),
    CONSTRAINT ticket_type_buyer_limit_check CHECK (buyer_limit BETWEEN 1 AND 100000)
);
COMMENT ON TABLE boxoffice.ticket_type IS
'What a buyer chooses: belongs to the event, is sold in all its sessions or in a list, takes from pools. A type in use is retired, never deleted.';
COMMENT ON COLUMN boxoffice.ticket_type.price IS 'In minor units of the event''s currency.';
COMMENT ON COLUMN boxoffice.ticket_type.fee IS
'Fixed fee added for each ticket of the type, in minor units of the event''s currency.';
COMMENT ON COLUMN boxoffice.ticket_type.hidden IS
'Not listed in public answers; sold to whoever names it.';

CREATE TABLE boxoffice.ticket_type_pool (
    event_id       bigint NOT NULL,
    ticket_type_id bigint NOT NULL,
    pool_id        bigint NOT NULL,
    CONSTRAINT ticket_type_pool_pkey PRIMARY KEY (event_id, ticket_type_id, pool_id),
    CONSTRAINT ticket_type_pool_type_fkey FOREIGN KEY (event_id, ticket_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_pool_pool_fkey FOREIGN KEY (event_id, pool_id)
        REFERENCES boxoffice.pool (event_id, id)
);
COMMENT ON TABLE boxoffice.ticket_type_pool IS
'Which pools a sale of the type takes a place from: all of them, or none.';

CREATE TABLE boxoffice.ticket_type_session (
    event_id       bigint NOT NULL,
    ticket_type_id bigint NOT NULL,
    session_id     bigint NOT NULL,
    CONSTRAINT ticket_type_session_pkey PRIMARY KEY (event_id, ticket_type_id, session_id),
    CONSTRAINT ticket_type_session_type_fkey FOREIGN KEY (event_id, ticket_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_session_session_fkey FOREIGN KEY (event_id, session_id)
        REFERENCES boxoffice.session (event_id, id)
);
COMMENT ON TABLE boxoffice.ticket_type_session IS
'In which sessions a type is sold when not in all of them.';

CREATE TABLE boxoffice.block (
    event_id   bigint      NOT NULL,
    id         bigint      NOT NULL,
    channel    text        NOT NULL,
    reason     text        NOT NULL,
    release_at timestamptz,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT block_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT block_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT block_channel_check CHECK (channel ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT block_reason_check CHECK (char_length(reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE boxoffice.block IS
'Places kept back for a channel (house, promoter, sponsor); what it keeps are its claims.';

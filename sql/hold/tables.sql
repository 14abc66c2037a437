-- Holds and claims: the hot tables. No foreign keys to configuration rows; check_inventory looks
-- for orphans.

CREATE TABLE boxoffice.hold (
    event_id     bigint      NOT NULL,
    id           bigint      NOT NULL,
    status       text        NOT NULL,
    expires_at   timestamptz NOT NULL,
    extend_until timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    channel      text        NOT NULL,
    subject      text,
    checkout_id  bigint,
    CONSTRAINT hold_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT hold_status_check CHECK (status IN ('active', 'ordered', 'released', 'expired')),
    CONSTRAINT hold_expires_at_check CHECK (expires_at <= extend_until)
) WITH (fillfactor = 85);
COMMENT ON TABLE boxoffice.hold IS
'A cart: its lines are claims. An active hold past expires_at counts as expired whether or not anybody has written so.';
COMMENT ON COLUMN boxoffice.hold.extend_until IS 'No extension moves expires_at past this.';
COMMENT ON COLUMN boxoffice.hold.subject IS
'The token''s subject that made the hold, under which buyer limits count it; NULL without a token.';

CREATE TABLE boxoffice.claim (
    event_id       bigint   NOT NULL,
    owner_id       bigint   NOT NULL,
    line           smallint NOT NULL,
    state          text     NOT NULL,
    quantity       integer  NOT NULL,
    group_id       bigint   NOT NULL,
    ticket_type_id bigint,
    session_id     bigint,
    unit_price     bigint   NOT NULL,
    unit_fee       bigint   NOT NULL,
    stock_ids      bigint[] NOT NULL,
    expires_at     timestamptz,
    block_id       bigint,
    CONSTRAINT claim_pkey PRIMARY KEY (event_id, owner_id, line),
    CONSTRAINT claim_state_check
        CHECK (state IN ('held', 'pending', 'sold', 'blocked', 'released', 'expired')),
    CONSTRAINT claim_quantity_check CHECK (quantity >= 0),
    CONSTRAINT claim_stock_ids_check CHECK (cardinality(stock_ids) >= 1),
    CONSTRAINT claim_unit_price_check CHECK (unit_price >= 0 AND unit_fee >= 0),
    CONSTRAINT claim_expires_at_check
        CHECK ((state IN ('held', 'pending')) <= (expires_at IS NOT NULL))
) WITH (fillfactor = 85);
COMMENT ON TABLE boxoffice.claim IS
'Who took what: owner (a hold, also once it is ordered, or a block), quantity, and the stock rows it was taken from. Counters of a stock row are the sums over its live claims (held, pending, sold, blocked), expired or not until reclaimed.';
COMMENT ON COLUMN boxoffice.claim.owner_id IS
'The hold''s id (an order''s claims are those of its hold), or the block''s id for state blocked.';
COMMENT ON COLUMN boxoffice.claim.expires_at IS
'From when a held or pending claim may be reclaimed: the hold''s deadline, or the order''s deadline with its grace; from when a block''s goes back to sale, if at all.';
COMMENT ON COLUMN boxoffice.claim.block_id IS
'The block whose places this claim took over, if any.';
CREATE INDEX claim_expiry_idx ON boxoffice.claim (event_id, group_id, expires_at)
    WHERE state IN ('held', 'pending', 'blocked');

CREATE TABLE boxoffice.buyer (
    event_id       bigint  NOT NULL,
    buyer_key      text    NOT NULL,
    ticket_type_id bigint  NOT NULL,
    taken          integer NOT NULL,
    taken_max      integer NOT NULL,
    CONSTRAINT buyer_pkey PRIMARY KEY (event_id, buyer_key, ticket_type_id),
    CONSTRAINT buyer_taken_check CHECK (taken BETWEEN 0 AND taken_max)
) WITH (fillfactor = 70);
COMMENT ON TABLE boxoffice.buyer IS
'How many tickets one buyer has taken where a limit per buyer is set. buyer_key is s: and the token''s subject, or e: and a keyed hash of the normalised e-mail address; ticket_type_id 0 is the event''s own limit.';

CREATE TABLE boxoffice.idempotency (
    event_id   bigint      NOT NULL,
    key_hash   uuid        NOT NULL,
    body_hash  uuid        NOT NULL,
    ref_id     bigint      NOT NULL,
    answer     text,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (event_id, key_hash)
);
COMMENT ON TABLE boxoffice.idempotency IS
'One row a stored Idempotency-Key: a hash of caller, operation, event and key, a hash of what was asked, and what came of it. The answer is made again from ref_id; answer is set only where that cannot be done, and never holds personal data. event_id 0: a call outside any event.';
CREATE INDEX idempotency_created_at_idx ON boxoffice.idempotency USING brin (created_at)
    WITH (pages_per_range = 32, autosummarize = on);

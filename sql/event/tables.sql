-- The event and its sessions. Parts of an event are keyed (event_id, id): the event is the shard.

CREATE TABLE boxoffice.event (
    id                   bigint      NOT NULL,
    organizer_id         bigint      NOT NULL,
    slug                 text        NOT NULL,
    short_code           text        NOT NULL,
    name                 text        NOT NULL,
    description          text,
    status               text        NOT NULL,
    test                 boolean     NOT NULL,
    currency             text        NOT NULL,
    zone                 text        NOT NULL,
    locale               text        NOT NULL,
    venue_id             bigint,
    sale_starts_at       timestamptz,
    sale_ends_at         timestamptz,
    max_per_order        integer,
    buyer_limit          integer,
    hold_ttl_ms          integer     NOT NULL,
    hold_extend_max_ms   integer     NOT NULL,
    payment_term_minutes integer,
    payment_term_days    integer,
    payment_grace_ms     integer     NOT NULL,
    late_payment         boolean     NOT NULL,
    show_quantity        boolean     NOT NULL,
    version              bigint      NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    published_at         timestamptz,
    starts_at            timestamptz,
    ends_at              timestamptz,
    CONSTRAINT event_pkey PRIMARY KEY (id),
    CONSTRAINT event_organizer_id_fkey FOREIGN KEY (organizer_id)
        REFERENCES boxoffice.organizer (id),
    CONSTRAINT event_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES boxoffice.venue (id),
    CONSTRAINT event_currency_fkey FOREIGN KEY (currency) REFERENCES boxoffice.currency (code),
    CONSTRAINT event_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT event_status_check CHECK (status IN ('draft', 'published', 'paused', 'cancelled')),
    CONSTRAINT event_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT event_short_code_check CHECK (short_code ~ '^[A-HJ-NP-Z2-9]{3,8}$'),
    CONSTRAINT event_sale_check CHECK (sale_ends_at > sale_starts_at),
    CONSTRAINT event_max_per_order_check CHECK (max_per_order BETWEEN 1 AND 1000),
    CONSTRAINT event_buyer_limit_check CHECK (buyer_limit BETWEEN 1 AND 100000),
    CONSTRAINT event_hold_ttl_ms_check CHECK (hold_ttl_ms BETWEEN 1000 AND 86400000),
    CONSTRAINT event_hold_extend_max_ms_check
        CHECK (hold_extend_max_ms BETWEEN hold_ttl_ms AND 604800000),
    CONSTRAINT event_payment_term_check CHECK (
        (payment_term_minutes IS NULL) <> (payment_term_days IS NULL)
        AND payment_term_minutes BETWEEN 1 AND 525600
        OR payment_term_minutes IS NULL AND payment_term_days BETWEEN 1 AND 365),
    CONSTRAINT event_payment_grace_ms_check CHECK (payment_grace_ms BETWEEN 0 AND 604800000)
);
COMMENT ON TABLE boxoffice.event IS
'What is sold as one thing: a concert, a festival, a season, a museum''s year. Has one currency, zone and locale.';
COMMENT ON COLUMN boxoffice.event.version IS
'Goes up by one with each change of the event or a part of it; the ETag of the organizer''s view.';
COMMENT ON COLUMN boxoffice.event.hold_ttl_ms IS
'How long a hold keeps its places from the first or a later change, in milliseconds.';
COMMENT ON COLUMN boxoffice.event.hold_extend_max_ms IS
'How far from its creation a hold''s deadline can be moved in all, in milliseconds.';
COMMENT ON COLUMN boxoffice.event.payment_term_days IS
'Set instead of payment_term_minutes: the order is due at 23:59:59 local time that many days on.';
COMMENT ON COLUMN boxoffice.event.payment_grace_ms IS
'How long past its shown deadline an unpaid order still keeps its places, in milliseconds.';
COMMENT ON COLUMN boxoffice.event.late_payment IS
'Whether a payment for an expired order claims its places again if they can be had.';
COMMENT ON COLUMN boxoffice.event.starts_at IS
'When its first session starts; kept by whatever writes sessions.';
COMMENT ON COLUMN boxoffice.event.ends_at IS
'When its last session ends or, without an end, starts; lists leave out what is over.';
CREATE INDEX event_organizer_id_idx ON boxoffice.event (organizer_id, id);
CREATE INDEX event_shown_idx ON boxoffice.event (id) WHERE status IN ('published', 'paused');

CREATE TABLE boxoffice.event_slug (
    slug     text   NOT NULL,
    event_id bigint NOT NULL,
    CONSTRAINT event_slug_pkey PRIMARY KEY (slug)
);
COMMENT ON TABLE boxoffice.event_slug IS
'The directory of slugs: which event a public address means.';

CREATE TABLE boxoffice.event_code (
    code     text   NOT NULL,
    event_id bigint NOT NULL,
    CONSTRAINT event_code_pkey PRIMARY KEY (code)
);
COMMENT ON TABLE boxoffice.event_code IS
'The directory of short codes: the part of an order code before its dash names the event.';

CREATE TABLE boxoffice.session (
    event_id               bigint      NOT NULL,
    id                     bigint      NOT NULL,
    key                    text        NOT NULL,
    name                   text,
    status                 text        NOT NULL,
    starts_at              timestamptz NOT NULL,
    ends_at                timestamptz,
    original_starts_at     timestamptz,
    zone                   text        NOT NULL,
    venue_id               bigint,
    sale_starts_at         timestamptz,
    sale_ends_at           timestamptz,
    sale_close_offset_ms   bigint      NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT session_event_id_key_key UNIQUE (event_id, key),
    CONSTRAINT session_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT session_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES boxoffice.venue (id),
    CONSTRAINT session_key_check CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT session_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT session_status_check CHECK (status IN ('open', 'paused', 'cancelled')),
    CONSTRAINT session_ends_at_check CHECK (ends_at >= starts_at),
    CONSTRAINT session_sale_check CHECK (sale_ends_at > sale_starts_at),
    CONSTRAINT session_sale_close_offset_ms_check
        CHECK (sale_close_offset_ms BETWEEN -31536000000 AND 31536000000)
);
COMMENT ON TABLE boxoffice.session IS
'One dated occurrence of an event; every event has at least one.';
COMMENT ON COLUMN boxoffice.session.sale_close_offset_ms IS
'Sale of the session closes at starts_at plus this (negative: before the start), or at sale_ends_at if that is earlier.';
CREATE INDEX session_event_id_starts_at_idx ON boxoffice.session (event_id, starts_at, id);

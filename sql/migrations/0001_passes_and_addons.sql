-- Passes, add-ons, bundles, free prices. A claim of an add-on names its parent's line; a ticket of
-- a pass has no session of its own. The columns of claim are nullable, and a claim has other
-- columns that are null, so a plain sale writes no byte more.

ALTER TABLE boxoffice.ticket_type
    ADD COLUMN admits          text    NOT NULL DEFAULT 'session',
    ADD COLUMN free_price      boolean NOT NULL DEFAULT false,
    ADD COLUMN price_max       bigint,
    ADD COLUMN price_suggested bigint[],
    ADD COLUMN sold_alone      boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT ticket_type_admits_check CHECK (admits IN ('session', 'all')),
    ADD CONSTRAINT ticket_type_price_max_check
        CHECK (price_max IS NULL OR free_price AND price_max BETWEEN price AND 100000000000),
    ADD CONSTRAINT ticket_type_price_suggested_check
        CHECK (price_suggested IS NULL
               OR free_price AND cardinality(price_suggested) BETWEEN 1 AND 10);
COMMENT ON COLUMN boxoffice.ticket_type.admits IS
'session: to one session, which the buyer names; all: to every session that it is sold in, and takes a place in each.';
COMMENT ON COLUMN boxoffice.ticket_type.free_price IS
'Whether the buyer names the price; price is the least of it.';
COMMENT ON COLUMN boxoffice.ticket_type.price_max IS
'The most that a buyer may name where the price is free; NULL is the most that any price may be.';
COMMENT ON COLUMN boxoffice.ticket_type.price_suggested IS
'Amounts to offer where the price is free.';
COMMENT ON COLUMN boxoffice.ticket_type.sold_alone IS
'Whether it is sold by itself, or only as an add-on or in a bundle.';

CREATE TABLE boxoffice.ticket_type_addon (
    event_id       bigint  NOT NULL,
    ticket_type_id bigint  NOT NULL,
    parent_type_id bigint  NOT NULL,
    min_per_parent integer NOT NULL,
    max_per_parent integer,
    CONSTRAINT ticket_type_addon_pkey PRIMARY KEY (event_id, parent_type_id, ticket_type_id),
    CONSTRAINT ticket_type_addon_type_fkey FOREIGN KEY (event_id, ticket_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_addon_parent_fkey FOREIGN KEY (event_id, parent_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_addon_parent_check CHECK (parent_type_id <> ticket_type_id),
    CONSTRAINT ticket_type_addon_min_check CHECK (min_per_parent BETWEEN 0 AND 100),
    CONSTRAINT ticket_type_addon_max_check
        CHECK (max_per_parent BETWEEN GREATEST(min_per_parent, 1) AND 100)
);
COMMENT ON TABLE boxoffice.ticket_type_addon IS
'Which ticket types may be bought as add-ons to tickets of which other types.';
COMMENT ON COLUMN boxoffice.ticket_type_addon.min_per_parent IS
'How many each ticket of the parent''s type must have: from 1 on the add-on is required.';
COMMENT ON COLUMN boxoffice.ticket_type_addon.max_per_parent IS
'How many each ticket of the parent''s type may have; NULL is as many as one asks for.';

CREATE TABLE boxoffice.ticket_type_bundle (
    event_id       bigint  NOT NULL,
    ticket_type_id bigint  NOT NULL,
    child_type_id  bigint  NOT NULL,
    quantity       integer NOT NULL,
    share_ppm      integer NOT NULL,
    CONSTRAINT ticket_type_bundle_pkey PRIMARY KEY (event_id, ticket_type_id, child_type_id),
    CONSTRAINT ticket_type_bundle_type_fkey FOREIGN KEY (event_id, ticket_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_bundle_child_fkey FOREIGN KEY (event_id, child_type_id)
        REFERENCES boxoffice.ticket_type (event_id, id),
    CONSTRAINT ticket_type_bundle_child_check CHECK (child_type_id <> ticket_type_id),
    CONSTRAINT ticket_type_bundle_quantity_check CHECK (quantity BETWEEN 1 AND 100),
    CONSTRAINT ticket_type_bundle_share_ppm_check CHECK (share_ppm BETWEEN 0 AND 1000000)
);
COMMENT ON TABLE boxoffice.ticket_type_bundle IS
'What comes with a ticket of a type that is a bundle: tickets of other types, sold, changed and cancelled with it as a whole.';
COMMENT ON COLUMN boxoffice.ticket_type_bundle.share_ppm IS
'The part of the bundle''s price, in millionths, that falls to these tickets together; the bundle''s own ticket has the rest.';

ALTER TABLE boxoffice.claim
    ADD COLUMN parent_line smallint,
    ADD COLUMN bundled     boolean,
    ADD CONSTRAINT claim_parent_line_check
        CHECK (parent_line <> line AND (bundled IS NULL OR parent_line IS NOT NULL)) NOT VALID;
COMMENT ON COLUMN boxoffice.claim.parent_line IS
'The line of the tickets that these are add-ons to or come in a bundle with; as many for each of them. NULL: they stand alone.';
COMMENT ON COLUMN boxoffice.claim.bundled IS
'True where they are a part of their parent''s bundle, which goes as a whole; NULL otherwise.';

ALTER TABLE boxoffice.ticket ALTER COLUMN session_id DROP NOT NULL;
COMMENT ON COLUMN boxoffice.ticket.session_id IS
'The session that it admits to; NULL: to every session of its type, as its claim says.';
COMMENT ON COLUMN boxoffice.ticket.parent_id IS
'The ticket that this is an add-on to, or in whose bundle it came; cancelled with it.';

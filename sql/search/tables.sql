-- The directory in which the public finds events: what of an event is searched, apart from the
-- event, so that one narrow table has all the indexes. Not a shard's table: it is as wide as the
-- installation, like the directories of slugs and codes, and may lag behind; the event is the
-- truth.

CREATE TABLE boxoffice.event_search (
    event_id     bigint      NOT NULL,
    organizer_id bigint      NOT NULL,
    shown        boolean     NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    facets       text[]      NOT NULL,
    words        tsvector    NOT NULL,
    version      bigint      NOT NULL,
    CONSTRAINT event_search_pkey PRIMARY KEY (event_id),
    CONSTRAINT event_search_ends_at_check CHECK (ends_at >= starts_at)
);
COMMENT ON TABLE boxoffice.event_search IS
'The directory of public events, one row for each that was ever published: what is searched in it. Written by boxoffice_code.search_refresh; what a caller forgot the worker makes good.';
COMMENT ON COLUMN boxoffice.event_search.shown IS
'Whether lists show it: published or paused.';
COMMENT ON COLUMN boxoffice.event_search.facets IS
'What is compared as a whole, each with a prefix: category:, tag:, country:, city: (folded), place: (country/city).';
COMMENT ON COLUMN boxoffice.event_search.words IS
'Folded words of the name (weight A), category, tags and names of sessions (B), organizer, venues and cities (C), description (D).';
COMMENT ON COLUMN boxoffice.event_search.version IS
'The version of the event that the row was made from.';
CREATE INDEX event_search_words_idx ON boxoffice.event_search USING gin (words);
CREATE INDEX event_search_facets_idx ON boxoffice.event_search USING gin (facets);
CREATE INDEX event_search_organizer_id_idx ON boxoffice.event_search (organizer_id, event_id);
CREATE INDEX event_search_starts_at_idx ON boxoffice.event_search (starts_at, event_id)
    WHERE shown;
CREATE INDEX event_search_shown_idx ON boxoffice.event_search (event_id) INCLUDE (ends_at)
    WHERE shown;

CREATE TABLE boxoffice.event_place (
    event_id bigint NOT NULL,
    venue_id bigint NOT NULL,
    at       point  NOT NULL,
    CONSTRAINT event_place_pkey PRIMARY KEY (event_id, venue_id)
);
COMMENT ON TABLE boxoffice.event_place IS
'Where the events of the directory take place: at is (longitude, latitude) in degrees of each venue that has them.';
CREATE INDEX event_place_at_idx ON boxoffice.event_place USING gist (at);

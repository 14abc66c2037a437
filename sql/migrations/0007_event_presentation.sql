-- What an event is shown and found by: a summary, a category, tags and images. And the slugs that
-- it had are found from the event.

ALTER TABLE boxoffice.event
    ADD COLUMN summary  text,
    ADD COLUMN category text,
    ADD CONSTRAINT event_summary_check CHECK (char_length(summary) BETWEEN 1 AND 300),
    ADD CONSTRAINT event_category_check CHECK (category IN (
        'attraction', 'business', 'charity', 'comedy', 'community', 'dance', 'exhibition', 'fair',
        'family', 'festival', 'film', 'food', 'literature', 'museum', 'music', 'nightlife',
        'other', 'sport', 'talk', 'theatre', 'tour', 'workshop'));
COMMENT ON COLUMN boxoffice.event.summary IS
'One line or two for lists; description is the long text.';
COMMENT ON COLUMN boxoffice.event.category IS
'One of a fixed set, so that events of all organizers can be found by it; what is finer is a tag.';

CREATE TABLE boxoffice.event_tag (
    event_id bigint   NOT NULL,
    tag      text     NOT NULL,
    position smallint NOT NULL,
    CONSTRAINT event_tag_pkey PRIMARY KEY (event_id, tag),
    CONSTRAINT event_tag_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT event_tag_tag_check CHECK (char_length(tag) BETWEEN 1 AND 50),
    CONSTRAINT event_tag_position_check CHECK (position BETWEEN 1 AND 20)
);
COMMENT ON TABLE boxoffice.event_tag IS
'Words of the organizer''s own that an event is found by: in small letters, single blanks between words.';
CREATE INDEX event_tag_tag_idx ON boxoffice.event_tag (tag, event_id);

CREATE TABLE boxoffice.event_image (
    event_id bigint   NOT NULL,
    position smallint NOT NULL,
    url      text     NOT NULL,
    alt      text     NOT NULL,
    CONSTRAINT event_image_pkey PRIMARY KEY (event_id, position),
    CONSTRAINT event_image_event_id_fkey FOREIGN KEY (event_id) REFERENCES boxoffice.event (id),
    CONSTRAINT event_image_position_check CHECK (position BETWEEN 1 AND 20),
    CONSTRAINT event_image_url_check CHECK (url ~ '^https://' AND char_length(url) <= 2000),
    CONSTRAINT event_image_alt_check CHECK (char_length(alt) <= 500)
);
COMMENT ON TABLE boxoffice.event_image IS
'Images of an event in the order in which to show them; the first stands for it in lists. They are elsewhere: only their addresses are here.';
COMMENT ON COLUMN boxoffice.event_image.alt IS
'What the image shows, for who cannot see it; empty if it is mere decoration.';

CREATE INDEX event_slug_event_id_idx ON boxoffice.event_slug (event_id);

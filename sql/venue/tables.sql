-- Where it takes place.

CREATE TABLE boxoffice.venue (
    id           bigint      NOT NULL,
    organizer_id bigint      NOT NULL,
    key          text        NOT NULL,
    name         text        NOT NULL,
    address      text,
    city         text,
    country      text,
    zone         text        NOT NULL,
    latitude     double precision,
    longitude    double precision,
    created_at   timestamptz NOT NULL,
    CONSTRAINT venue_pkey PRIMARY KEY (id),
    CONSTRAINT venue_organizer_id_key_key UNIQUE (organizer_id, key),
    CONSTRAINT venue_organizer_id_fkey FOREIGN KEY (organizer_id)
        REFERENCES boxoffice.organizer (id),
    CONSTRAINT venue_key_check CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT venue_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT venue_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT venue_latitude_check CHECK (latitude BETWEEN -90 AND 90),
    CONSTRAINT venue_longitude_check CHECK (longitude BETWEEN -180 AND 180)
);
COMMENT ON TABLE boxoffice.venue IS 'Where sessions take place; belongs to an organizer.';

-- concurrently
-- Which names and venues the sessions of an event have, each found by one probe: the directory of
-- events is written with every change of one, whose sessions may be thousands.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.session_event_id_name_idx;
CREATE INDEX CONCURRENTLY session_event_id_name_idx ON boxoffice.session (event_id, name)
    WHERE name IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.session_event_id_venue_id_idx;
CREATE INDEX CONCURRENTLY session_event_id_venue_id_idx ON boxoffice.session (event_id, venue_id)
    WHERE venue_id IS NOT NULL;

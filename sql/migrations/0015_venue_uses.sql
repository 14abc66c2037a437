-- concurrently
-- What takes place at a venue: for its deletion, whose foreign keys ask, and for its changes.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.event_venue_id_idx;
CREATE INDEX CONCURRENTLY event_venue_id_idx ON boxoffice.event (venue_id)
    WHERE venue_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.session_venue_id_idx;
CREATE INDEX CONCURRENTLY session_venue_id_idx ON boxoffice.session (venue_id, event_id)
    WHERE venue_id IS NOT NULL;

-- concurrently
-- Sessions and events that were cancelled: what is owed for them is found without reading all
-- others. Neither costs a sale, and one that is open has no entry.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.session_cancelled_idx;
CREATE INDEX CONCURRENTLY session_cancelled_idx
    ON boxoffice.session (event_id, id) WHERE status = 'cancelled';
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.event_cancelled_idx;
CREATE INDEX CONCURRENTLY event_cancelled_idx ON boxoffice.event (id) WHERE status = 'cancelled';

-- concurrently
-- The calendar of all public events walks sessions by time.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.session_starts_at_idx;
CREATE INDEX CONCURRENTLY session_starts_at_idx ON boxoffice.session (starts_at, id);

-- concurrently
-- A paid order that became dearer, and then expired, is owed what was paid: found by this, of the
-- few changes that made a paid order pending again.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.order_change_reopened_idx;
CREATE INDEX CONCURRENTLY order_change_reopened_idx
    ON boxoffice.order_change (event_id, order_id) WHERE reopened;

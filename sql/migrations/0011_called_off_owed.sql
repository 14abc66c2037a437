-- concurrently
-- What is owed back is found by these. The first costs each ticket an entry: without it a cancelled
-- session's tickets, and so its guests and what they are owed, would be found by reading all
-- tickets of the event. No plain sale touches the other two.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.ticket_session_id_idx;
CREATE INDEX CONCURRENTLY ticket_session_id_idx
    ON boxoffice.ticket (event_id, session_id, order_id);
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.ticket_cancelled_idx;
CREATE INDEX CONCURRENTLY ticket_cancelled_idx
    ON boxoffice.ticket (event_id, order_id) WHERE state = 'cancelled';
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.payment_odd_idx;
CREATE INDEX CONCURRENTLY payment_odd_idx
    ON boxoffice.payment (event_id, order_id) WHERE outcome <> 'paid' OR surplus > 0;
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.order_change_lower_idx;
CREATE INDEX CONCURRENTLY order_change_lower_idx
    ON boxoffice.order_change (event_id, order_id) WHERE total_after < total_before;

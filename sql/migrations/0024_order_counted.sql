-- What the sums of order_sum hold of each order, so that an order that changes can be counted anew.
-- The worker goes through all orders once; until it has, who reads counts those below sums_from.
ALTER TABLE boxoffice.order_search ADD COLUMN counted jsonb;
COMMENT ON COLUMN boxoffice.order_search.counted IS
'What order_sum and order_sum_day hold of the order (boxoffice_code.order_count as it was); NULL: nothing.';
CREATE INDEX order_search_pending_idx ON boxoffice.order_search (event_id, order_id)
 WHERE counted ->> 'status' = 'pending';

ALTER TABLE boxoffice.order_search_mark
    ADD COLUMN sums_from bigint NOT NULL DEFAULT 9223372036854775807,
    ADD CONSTRAINT order_search_mark_sums_from_check CHECK (sums_from >= 0);
COMMENT ON COLUMN boxoffice.order_search_mark.sums_from IS
'Orders from this id on are in order_sum and order_sum_day. 0: all.';

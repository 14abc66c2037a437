-- What was sold, added up. The worker keeps it from the outbox, so a sale pays nothing for it; what
-- the worker has not counted yet is added by who reads (functions.sql).

CREATE TABLE boxoffice.order_sum (
    event_id    bigint NOT NULL,
    orders      bigint NOT NULL,
    paid_orders bigint NOT NULL,
    total       bigint NOT NULL,
    paid        bigint NOT NULL,
    tickets     bigint NOT NULL,
    CONSTRAINT order_sum_pkey PRIMARY KEY (event_id),
    CONSTRAINT order_sum_count_check
        CHECK (orders >= paid_orders AND paid_orders >= 0 AND total >= 0 AND tickets >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE boxoffice.order_sum IS
'The orders of an event that the worker has counted, added up: the sum of order_search.counted. Never the truth by itself: report.event_summary adds what has changed since.';
COMMENT ON COLUMN boxoffice.order_sum.orders IS 'Orders of all kinds.';
COMMENT ON COLUMN boxoffice.order_sum.paid_orders IS 'Those that were paid when they were counted.';
COMMENT ON COLUMN boxoffice.order_sum.total IS 'What the paid ones cost.';
COMMENT ON COLUMN boxoffice.order_sum.paid IS 'What came in, for whatever order.';
COMMENT ON COLUMN boxoffice.order_sum.tickets IS 'Valid tickets.';

CREATE TABLE boxoffice.order_sum_day (
    event_id       bigint NOT NULL,
    day            date   NOT NULL,
    ticket_type_id bigint NOT NULL,
    channel        text   NOT NULL,
    orders         bigint NOT NULL,
    tickets        bigint NOT NULL,
    cancelled      bigint NOT NULL,
    price          bigint NOT NULL,
    fees           bigint NOT NULL,
    CONSTRAINT order_sum_day_pkey PRIMARY KEY (event_id, day, ticket_type_id, channel),
    CONSTRAINT order_sum_day_count_check
        CHECK (orders >= 0 AND tickets >= 0 AND cancelled >= 0 AND price >= 0 AND fees >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE boxoffice.order_sum_day IS
'The same by the local day of payment, ticket type and channel, for report.sales_by_day. An event''s zone stays once it has orders.';
COMMENT ON COLUMN boxoffice.order_sum_day.orders IS 'Orders that have a ticket of the type.';
COMMENT ON COLUMN boxoffice.order_sum_day.tickets IS 'Valid tickets.';
COMMENT ON COLUMN boxoffice.order_sum_day.cancelled IS 'Cancelled tickets.';
COMMENT ON COLUMN boxoffice.order_sum_day.price IS 'What the valid tickets cost.';
COMMENT ON COLUMN boxoffice.order_sum_day.fees IS 'Their fees.';

-- Who writes and reads the sums.

GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.order_sum, boxoffice.order_sum_day
    TO boxoffice_code;

-- For the reports, which their readers see through views only.
GRANT SELECT ON boxoffice.order_sum, boxoffice.order_sum_day, boxoffice_code.order_tail
    TO boxoffice_report;
GRANT SELECT (event_id, order_id, counted) ON boxoffice.order_search TO boxoffice_report;

-- For the removal of a trial, and for the check.
GRANT SELECT ON boxoffice_code.order_count, boxoffice_code.order_tail TO boxoffice_owner;
GRANT EXECUTE ON FUNCTION boxoffice_code.order_sums_forget, boxoffice_code.order_sums_add,
    boxoffice_code.order_sums_by_day, boxoffice_code.order_sums_of_event TO boxoffice_owner;

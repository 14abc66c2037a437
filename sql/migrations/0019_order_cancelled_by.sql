-- Who cancelled an order, or some of its tickets, is recorded like all else that is done to it.
-- The constraint is validated by the next migration.

ALTER TABLE boxoffice.order_change
    DROP CONSTRAINT order_change_kind_check,
    ADD CONSTRAINT order_change_kind_check CHECK (kind IN ('sale', 'approve', 'deny', 'extend',
        'exchange', 'split', 'contact', 'holders', 'resend', 'cancel')) NOT VALID;
COMMENT ON TABLE boxoffice.order_change IS
'What was done to an order beside paying it, by whom and why: rows are added, never changed. No personal data but what staff write as a reason.';

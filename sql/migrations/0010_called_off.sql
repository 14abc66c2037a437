-- Sessions are cancelled and postponed: whoever tells the buyers reads of it in the outbox.
ALTER TABLE boxoffice.outbox
    DROP CONSTRAINT outbox_topic_check,
    ADD CONSTRAINT outbox_topic_check CHECK (topic IN ('order.placed', 'order.paid',
        'order.expired', 'order.cancelled', 'order.approved', 'order.denied', 'order.extended',
        'order.changed', 'order.contact', 'order.resend', 'ticket.cancelled', 'ticket.changed',
        'payment.recorded', 'event.published', 'event.changed', 'event.cancelled',
        'event.postponed', 'session.cancelled', 'session.postponed')) NOT VALID;

-- NULL with every payment of as much as was due, and payments have other columns that are null, so
-- they are no longer for it.
ALTER TABLE boxoffice.payment
    ADD COLUMN surplus bigint,
    ADD CONSTRAINT payment_surplus_check
        CHECK (surplus IS NULL OR surplus > 0 AND outcome = 'paid') NOT VALID;
COMMENT ON COLUMN boxoffice.payment.surplus IS
'How much of a payment that completed its order was more than the order lacked; it shows as due back.';

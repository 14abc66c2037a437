-- What staff do with orders: a decision before payment, money that moves between orders or is
-- waived, and a record of who did what. Constraints are validated by the next migration.

ALTER TABLE boxoffice.event ADD COLUMN approval boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN boxoffice.event.approval IS
'Whether orders wait for the organizer''s approval before they can be paid.';
ALTER TABLE boxoffice.ticket_type ADD COLUMN approval boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN boxoffice.ticket_type.approval IS
'Whether an order with a ticket of the type waits for the organizer''s approval.';

ALTER TABLE boxoffice.order
    DROP CONSTRAINT order_status_check,
    ADD CONSTRAINT order_status_check
        CHECK (status IN ('approval', 'pending', 'paid', 'expired', 'cancelled')) NOT VALID,
    DROP CONSTRAINT order_pending_check,
    ADD CONSTRAINT order_pending_check
        CHECK ((status IN ('approval', 'pending')) <= (expires_at IS NOT NULL)) NOT VALID;
COMMENT ON COLUMN boxoffice.order.expires_at IS
'The deadline shown to the buyer of a pending order, or until when the organizer may approve it; the grace comes after it.';

ALTER TABLE boxoffice.payment
    DROP CONSTRAINT payment_kind_check,
    ADD CONSTRAINT payment_kind_check
        CHECK (kind IN ('free', 'manual', 'test', 'complimentary', 'offset')) NOT VALID,
    DROP CONSTRAINT payment_amount_check,
    ADD CONSTRAINT payment_amount_check
        CHECK (CASE WHEN kind IN ('free', 'complimentary') THEN amount = 0
                    WHEN kind = 'offset' THEN amount <> 0
                    ELSE amount > 0 END) NOT VALID,
    DROP CONSTRAINT payment_outcome_check,
    ADD CONSTRAINT payment_outcome_check
        CHECK (outcome IN ('paid', 'partial', 'overpaid', 'order_cancelled', 'order_expired',
            'sold_out', 'approval', 'moved')) NOT VALID;
COMMENT ON TABLE boxoffice.payment IS
'The ledger of money that came in: rows are added, never changed. kind complimentary is nothing, by staff''s decision; kind offset moves money between two orders, in pairs whose sum is nothing. outcome says what the payment did to its order: paid (it completed it), partial (more is due), moved (it is in another order now), overpaid (the order was paid already), approval (the order is not approved yet), order_cancelled, order_expired (late and not accepted), sold_out (late, and the places are gone): in the last five the money shows as due back.';

ALTER TABLE boxoffice.outbox
    DROP CONSTRAINT outbox_topic_check,
    ADD CONSTRAINT outbox_topic_check CHECK (topic IN ('order.placed', 'order.paid',
        'order.expired', 'order.cancelled', 'order.approved', 'order.denied', 'order.extended',
        'order.changed', 'order.contact', 'order.resend', 'ticket.cancelled', 'ticket.changed',
        'payment.recorded', 'event.published', 'event.changed', 'event.cancelled')) NOT VALID;

CREATE TABLE boxoffice.order_change (
    event_id     bigint      NOT NULL,
    id           bigint      NOT NULL,
    order_id     bigint      NOT NULL,
    kind         text        NOT NULL,
    total_before bigint      NOT NULL,
    total_after  bigint      NOT NULL,
    reopened     boolean     NOT NULL,
    other_id     bigint,
    reason       text,
    overruled    text[]      NOT NULL,
    changed_by   text,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT order_change_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT order_change_kind_check CHECK (kind IN ('sale', 'approve', 'deny', 'extend',
        'exchange', 'split', 'contact', 'holders', 'resend')),
    CONSTRAINT order_change_total_check CHECK (total_before >= 0 AND total_after >= 0),
    CONSTRAINT order_change_other_id_check CHECK ((kind = 'split') = (other_id IS NOT NULL)),
    CONSTRAINT order_change_reason_check CHECK (char_length(reason) BETWEEN 1 AND 500),
    CONSTRAINT order_change_reopened_check CHECK (reopened <= (kind = 'exchange'))
);
COMMENT ON TABLE boxoffice.order_change IS
'What was done to an order beside paying and cancelling it, by whom and why: rows are added, never changed. No personal data but what staff write as a reason.';
COMMENT ON COLUMN boxoffice.order_change.reopened IS
'Whether a paid order became pending again because it costs more now.';
COMMENT ON COLUMN boxoffice.order_change.other_id IS 'Of a split: the other of the two orders.';
COMMENT ON COLUMN boxoffice.order_change.overruled IS
'The rules, as error codes, that staff overruled in a sale.';
COMMENT ON COLUMN boxoffice.order_change.changed_by IS
'The token''s subject or the login; NULL: somebody who has the order''s secret.';
CREATE INDEX order_change_order_id_idx ON boxoffice.order_change (event_id, order_id, id);

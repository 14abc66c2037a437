-- The constraints of the migration before, which new rows obey already, hold for all rows. None of
-- this keeps anybody from writing.

ALTER TABLE boxoffice.order VALIDATE CONSTRAINT order_status_check;
ALTER TABLE boxoffice.order VALIDATE CONSTRAINT order_pending_check;
ALTER TABLE boxoffice.payment VALIDATE CONSTRAINT payment_kind_check;
ALTER TABLE boxoffice.payment VALIDATE CONSTRAINT payment_amount_check;
ALTER TABLE boxoffice.payment VALIDATE CONSTRAINT payment_outcome_check;
ALTER TABLE boxoffice.outbox VALIDATE CONSTRAINT outbox_topic_check;

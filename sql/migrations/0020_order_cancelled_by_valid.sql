-- The constraint of the migration before, which new rows obey already, holds for all rows.
ALTER TABLE boxoffice.order_change VALIDATE CONSTRAINT order_change_kind_check;

-- How long rows of the outbox stay; the worker's code sees to it.
COMMENT ON TABLE boxoffice.outbox IS
'Effects that leave the database: written in the transaction that caused them, read by whoever delivers them in order of id. ref_id is the order, payment, ticket or event; no personal data. The worker removes what was delivered after a day, and what nobody delivered after the time that the setting boxoffice.outbox_keep says, 30 days by default.';

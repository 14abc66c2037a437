-- A ledger: rows are added, never changed.
GRANT SELECT, INSERT ON boxoffice.payment TO boxoffice_code;
GRANT SELECT ON boxoffice.payment TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.payment_create
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_admin;

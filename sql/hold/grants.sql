-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE
    ON boxoffice.hold, boxoffice.claim, boxoffice.buyer, boxoffice.idempotency TO boxoffice_code;
GRANT SELECT ON boxoffice_code.stock_lapsed TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.hold_create, api.hold_change, api.hold_release, api.hold_extend
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.hold_get
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_support,
    boxoffice_admin;

-- Who may do what with the tables and functions of this subject.

GRANT DELETE ON boxoffice.session TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.session_price TO boxoffice_code;
GRANT SELECT ON boxoffice.session_price TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.session_list, api.session_days
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_scanner,
    boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.session_view, api.session_list_own
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.session_create, api.session_change, api.session_delete
    TO boxoffice_organizer, boxoffice_admin;

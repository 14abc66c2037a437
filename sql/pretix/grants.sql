-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, DELETE ON boxoffice.imported TO boxoffice_code;

GRANT EXECUTE ON FUNCTION api.pretix_import, api.pretix_import_orders
    TO boxoffice_organizer, boxoffice_admin;

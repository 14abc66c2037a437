-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.venue TO boxoffice_code;
GRANT SELECT ON boxoffice.venue TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.venue_create, api.venue_change, api.venue_delete
    TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.venue_list, api.venue_get
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

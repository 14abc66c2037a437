-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.venue TO boxoffice_code;
GRANT SELECT ON boxoffice.venue TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.venue_create TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.venue_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

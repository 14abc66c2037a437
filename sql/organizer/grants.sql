-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.organizer TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.member TO boxoffice_code;
GRANT SELECT ON boxoffice.organizer TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.organizer_create TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.organizer_get
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

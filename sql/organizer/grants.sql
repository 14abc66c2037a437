-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.organizer TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.member TO boxoffice_code;
GRANT SELECT ON boxoffice.organizer TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.organizer_create, api.organizer_change, api.member_add,
    api.member_change, api.member_remove
    TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.organizer_get, api.organizer_list, api.member_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT ON boxoffice.change TO boxoffice_code;

GRANT EXECUTE ON FUNCTION api.change_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

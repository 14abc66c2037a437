-- Who may do what with the tables and functions of this subject.

GRANT EXECUTE ON FUNCTION api.session_list
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_scanner,
    boxoffice_support, boxoffice_admin;

-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.event_search, boxoffice.event_place
    TO boxoffice_code;

GRANT EXECUTE ON FUNCTION api.event_list, api.session_list_all
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_scanner,
    boxoffice_support, boxoffice_admin;

-- A deploy enters the events of before in the directory.
GRANT EXECUTE ON FUNCTION boxoffice_code.sweep_search TO boxoffice_owner;

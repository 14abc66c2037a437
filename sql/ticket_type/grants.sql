-- Who may do what with the functions of this subject. Its tables are with the pools'.

GRANT EXECUTE ON FUNCTION api.ticket_type_create, api.ticket_type_change, api.ticket_type_delete
    TO boxoffice_organizer, boxoffice_admin;

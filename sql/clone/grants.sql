-- Who may do what with the functions of this subject.

GRANT EXECUTE ON FUNCTION api.event_clone TO boxoffice_organizer, boxoffice_admin;

-- Who may do what with the functions of this subject.

GRANT EXECUTE ON FUNCTION api.session_cancel, api.session_postpone, api.event_postpone
    TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.event_owed
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

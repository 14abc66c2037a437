-- Who may change many sessions at once.

GRANT EXECUTE ON FUNCTION api.session_change_many TO boxoffice_organizer, boxoffice_admin;

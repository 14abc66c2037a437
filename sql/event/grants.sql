-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.event, boxoffice.session TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.event_slug TO boxoffice_code;
GRANT SELECT, INSERT, DELETE
    ON boxoffice.event_code, boxoffice.event_tag, boxoffice.event_image TO boxoffice_code;
GRANT SELECT ON boxoffice.event, boxoffice.session TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.event_get
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_scanner,
    boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.event_view, api.event_list_own
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.event_create, api.event_change, api.event_publish,
    api.event_unpublish, api.event_pause, api.event_resume, api.event_cancel, api.event_go_live,
    api.event_delete
    TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION boxoffice_code.trial_remove, boxoffice_code.draft_remove
    TO boxoffice_code;

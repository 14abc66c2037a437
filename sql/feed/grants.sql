-- Who may do what with the functions of this subject.

GRANT EXECUTE ON FUNCTION api.event_calendar, api.organizer_calendar, api.event_jsonld
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_scanner,
    boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.order_calendar
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_support,
    boxoffice_admin;

-- Notes are added, and go with their order.
GRANT SELECT, INSERT ON boxoffice.order_note TO boxoffice_code;

GRANT EXECUTE ON FUNCTION api.order_note_create TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.order_note_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

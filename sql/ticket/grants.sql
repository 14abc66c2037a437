-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.ticket TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.holder TO boxoffice_code;
GRANT SELECT (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state)
    ON boxoffice.ticket TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.ticket_list, api.ticket_qr
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_support,
    boxoffice_admin;

-- Who may export.

GRANT EXECUTE ON FUNCTION api.order_csv, api.order_jsonl, api.ticket_csv, api.ticket_jsonl
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

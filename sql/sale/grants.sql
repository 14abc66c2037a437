-- A record: rows are added, never changed.
GRANT SELECT, INSERT ON boxoffice.order_change TO boxoffice_code;
GRANT SELECT ON boxoffice.order_change TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.sale_create TO boxoffice_organizer, boxoffice_admin;

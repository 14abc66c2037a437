-- Who may list orders.

GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.order_search, boxoffice.order_search_mark,
    boxoffice.order_search_horizon TO boxoffice_code;
GRANT EXECUTE ON FUNCTION boxoffice_code.order_search_tidy TO boxoffice_code;

GRANT EXECUTE ON FUNCTION api.order_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

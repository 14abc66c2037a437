-- Who may list orders.

GRANT EXECUTE ON FUNCTION api.order_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

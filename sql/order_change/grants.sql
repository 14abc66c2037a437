-- Who may see what was done to an order.
GRANT EXECUTE ON FUNCTION api.order_change_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;

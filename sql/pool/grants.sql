-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE
    ON boxoffice.inventory_group, boxoffice.pool, boxoffice.stock, boxoffice.ticket_type,
    boxoffice.ticket_type_pool, boxoffice.ticket_type_session, boxoffice.block TO boxoffice_code;
GRANT SELECT ON boxoffice.pool, boxoffice.stock, boxoffice.ticket_type TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.pool_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.pool_create, api.pool_change, api.pool_delete
    TO boxoffice_organizer, boxoffice_admin;

-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.order, boxoffice.order_fee TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE ON boxoffice.contact TO boxoffice_code;
GRANT SELECT ON boxoffice.order, boxoffice.order_fee TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.order_create, api.order_cancel, api.order_contact,
    api.order_holders, api.order_resend
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.order_approve, api.order_deny, api.order_extend,
    api.order_exchange, api.order_split
    TO boxoffice_organizer, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.order_get, api.order_find
    TO boxoffice_public, boxoffice_customer, boxoffice_organizer, boxoffice_support,
    boxoffice_admin;

-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT ON boxoffice.stock_change TO boxoffice_code;
GRANT SELECT ON boxoffice.stock_change TO boxoffice_report;

GRANT EXECUTE ON FUNCTION api.stock_list, api.stock_change_list
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.stock_change, api.stock_change_many, api.stock_move
    TO boxoffice_organizer, boxoffice_admin;

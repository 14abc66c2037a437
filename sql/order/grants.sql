-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.order, boxoffice.order_fee TO boxoffice_code;
GRANT SELECT, INSERT ON boxoffice.contact TO boxoffice_code;
GRANT SELECT ON boxoffice.order, boxoffice.order_fee TO boxoffice_report;

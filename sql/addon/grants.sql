-- Who may do what with the tables of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE
    ON boxoffice.ticket_type_addon, boxoffice.ticket_type_bundle TO boxoffice_code;
GRANT SELECT ON boxoffice.ticket_type_addon, boxoffice.ticket_type_bundle TO boxoffice_report;

-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.venue TO boxoffice_code;
GRANT SELECT ON boxoffice.venue TO boxoffice_report;

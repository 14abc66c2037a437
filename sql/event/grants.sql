-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE ON boxoffice.event, boxoffice.session TO boxoffice_code;
GRANT SELECT, INSERT, UPDATE, DELETE ON boxoffice.event_slug TO boxoffice_code;
GRANT SELECT, INSERT ON boxoffice.event_code TO boxoffice_code;
GRANT SELECT ON boxoffice.event, boxoffice.session TO boxoffice_report;

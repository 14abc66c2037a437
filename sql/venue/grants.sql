GRANT SELECT, INSERT, UPDATE ON boxoffice.venue TO boxoffice_code;
GRANT SELECT ON boxoffice.venue TO boxoffice_report;

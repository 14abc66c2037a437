-- A ledger: rows are added, never changed.
GRANT SELECT, INSERT ON boxoffice.payment TO boxoffice_code;
GRANT SELECT ON boxoffice.payment TO boxoffice_report;

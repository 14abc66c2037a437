GRANT SELECT, INSERT, DELETE ON boxoffice.outbox TO boxoffice_code;

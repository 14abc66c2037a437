-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE (delivered_at), DELETE ON boxoffice.outbox TO boxoffice_code;

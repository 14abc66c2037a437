-- Who may do what with the tables and functions of this subject.

GRANT SELECT, INSERT, UPDATE, DELETE
    ON boxoffice.hold, boxoffice.claim, boxoffice.buyer, boxoffice.idempotency TO boxoffice_code;

-- In a transaction of its own: reading the claims takes no lock that a sale would wait for.
ALTER TABLE boxoffice.claim VALIDATE CONSTRAINT claim_parent_line_check;

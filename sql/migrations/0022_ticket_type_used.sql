-- Whether anything was ever taken of a ticket type. No index leads from a type to its claims, which
-- each sale would pay for; what a claim's owner is older than tells nothing, as a hold or an order
-- can be changed to a type that is younger. A type of before counts as used: its claims are read
-- when it matters.

ALTER TABLE boxoffice.ticket_type ADD COLUMN used boolean NOT NULL DEFAULT true;
ALTER TABLE boxoffice.ticket_type ALTER COLUMN used SET DEFAULT false;
COMMENT ON COLUMN boxoffice.ticket_type.used IS
'Whether anything may ever have been taken of it, given back or not. Set by the first claim, and never taken away.';

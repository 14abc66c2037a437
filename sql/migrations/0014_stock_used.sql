-- Whether anything was ever taken of a stock row: what may be deleted has never been used, and no
-- index of claims or tickets by session is paid for by each sale to find that out.

ALTER TABLE boxoffice.stock ADD COLUMN used boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN boxoffice.stock.used IS
'Whether anything was ever taken of it, given back or not. Set by the first claim, taken away only when a trial ends.';
UPDATE boxoffice.stock AS s
   SET used = true
 WHERE EXISTS (SELECT FROM boxoffice.hold AS h WHERE h.event_id = s.event_id)
    OR EXISTS (SELECT FROM boxoffice.block AS b WHERE b.event_id = s.event_id);

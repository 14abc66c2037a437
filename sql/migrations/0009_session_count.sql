-- How many sessions an event has, so that no list counts them; and what finds the end of the last
-- session, and how long the longest is, without a look at the others.

ALTER TABLE boxoffice.event ADD COLUMN session_count integer NOT NULL DEFAULT 0;
ALTER TABLE boxoffice.event ADD CONSTRAINT event_session_count_check CHECK (session_count >= 0);
COMMENT ON COLUMN boxoffice.event.session_count IS
'How many sessions it has; kept by whatever writes sessions, as starts_at and ends_at are.';
UPDATE boxoffice.event AS e
   SET session_count = s.count
  FROM (SELECT event_id, count(*) AS count FROM boxoffice.session GROUP BY event_id) AS s
 WHERE s.event_id = e.id;

CREATE INDEX session_event_id_ends_at_idx
    ON boxoffice.session (event_id, COALESCE(ends_at, starts_at));
CREATE INDEX session_event_id_length_idx
    ON boxoffice.session (event_id, (COALESCE(ends_at, starts_at) - starts_at));

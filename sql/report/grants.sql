-- Who may read the views, and what they read.

GRANT SELECT (event_id, group_id, state, quantity, stock_ids, expires_at) ON boxoffice.claim
    TO boxoffice_report;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO boxoffice_analyst;

-- What the row policy of boxoffice.organizer looks up.
GRANT SELECT (login, organizer_id) ON boxoffice.login_actor TO boxoffice_report;

-- A function in a view is executed as whoever reads the view.
GRANT EXECUTE ON FUNCTION boxoffice_code.clock TO boxoffice_report, boxoffice_analyst;

-- The row policy holds for what comes out of a view. What an analyst asks of it may be computed
-- earlier, on rows of other organizers, and a function or an error of it would tell of them: so
-- nothing but operators that cannot tell (=, <, IS NULL …) gets into a view. All views, those of
-- later, too.
DO $barrier$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.oid::pg_catalog.regclass
                  FROM pg_catalog.pg_class AS c
                 WHERE c.relnamespace = 'report'::pg_catalog.regnamespace AND c.relkind = 'v'
    LOOP
        EXECUTE pg_catalog.format('ALTER VIEW %s SET (security_barrier = true)', name);
    END LOOP;
END
$barrier$;

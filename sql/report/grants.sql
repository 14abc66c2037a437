-- Who may read the views, and which organizers they show.

GRANT SELECT (event_id, group_id, state, quantity, stock_ids, expires_at) ON boxoffice.claim
    TO boxoffice_report;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO boxoffice_analyst;

-- A function in a view is executed as whoever reads the view.
GRANT EXECUTE ON FUNCTION boxoffice_code.clock, boxoffice_code.report_organizer
    TO boxoffice_report, boxoffice_analyst;

CREATE POLICY organizer_report ON boxoffice.organizer FOR SELECT TO boxoffice_report
    USING ((SELECT boxoffice_code.report_organizer()) IS NULL
           OR id = (SELECT boxoffice_code.report_organizer()));
COMMENT ON POLICY organizer_report ON boxoffice.organizer IS
'An analyst''s login that boxoffice.login_actor ties to an organizer sees that one only.';

-- Who may read the views, and what they read.

GRANT SELECT (event_id, group_id, state, quantity, stock_ids, expires_at) ON boxoffice.claim
    TO boxoffice_report;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO boxoffice_analyst;

-- What the row policy of boxoffice.organizer looks up.
GRANT SELECT (login, organizer_id) ON boxoffice.login_actor TO boxoffice_report;

-- A function in a view is executed as whoever reads the view.
GRANT EXECUTE ON FUNCTION boxoffice_code.clock TO boxoffice_report, boxoffice_analyst;

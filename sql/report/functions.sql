-- What an analyst's login may see.

-- An analyst whose login stands in boxoffice.login_actor with an organizer sees that organizer
-- only; any other sees all.
CREATE OR REPLACE FUNCTION boxoffice_code.report_organizer()
    RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.organizer_id FROM boxoffice.login_actor AS a WHERE a.login = SESSION_USER
$$;
COMMENT ON FUNCTION boxoffice_code.report_organizer IS
'The one organizer that the session''s login may see in schema report; NULL is all.';

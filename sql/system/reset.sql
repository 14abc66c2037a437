-- The beginning of a deploy of code. With :drop all code goes first; with :remake the extension
-- too, which loses nothing, as it makes functions only. :library is what the SQL needs.

\if :drop
DO $drop$
DECLARE
    statement text;
BEGIN
    SELECT 'DROP VIEW ' || pg_catalog.string_agg(c.oid::regclass::text, ', ')
      INTO statement
      FROM pg_catalog.pg_class AS c
     WHERE c.relnamespace IN ('report'::regnamespace, 'boxoffice_code'::regnamespace)
       AND c.relkind = 'v';
    IF statement IS NOT NULL THEN
        EXECUTE statement;
    END IF;

    SELECT 'DROP FUNCTION ' || pg_catalog.string_agg(p.oid::regprocedure::text, ', ')
      INTO statement
      FROM pg_catalog.pg_proc AS p
     WHERE p.pronamespace IN ('boxoffice'::regnamespace, 'boxoffice_code'::regnamespace,
                              'api'::regnamespace)
       AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
             WHERE d.classid = 'pg_catalog.pg_proc'::regclass
               AND d.objid = p.oid
               AND d.deptype = 'e');
    IF statement IS NOT NULL THEN
        EXECUTE statement;
    END IF;
END
$drop$;
\endif

\if :remake
DROP EXTENSION IF EXISTS boxoffice;
\endif
CREATE EXTENSION IF NOT EXISTS boxoffice SCHEMA boxoffice_code;

SELECT pg_catalog.set_config('boxoffice_deploy.library', :'library', true);
DO $library$
DECLARE
    has integer := 0;
    needs integer := pg_catalog.current_setting('boxoffice_deploy.library');
BEGIN
    IF pg_catalog.to_regprocedure('boxoffice_code.library_version()') IS NOT NULL THEN
        EXECUTE 'SELECT boxoffice_code.library_version()' INTO has;
    END IF;
    IF has < needs THEN
        RAISE EXCEPTION 'the library is older than the SQL'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = pg_catalog.format('The SQL needs library %s, the server runs %s.',
                                             needs, has),
                  HINT = 'Install the new library and restart PostgreSQL.';
    END IF;
END
$library$;

-- For the length of this transaction the owners of code may make it; finish.sql takes that back.
GRANT USAGE, CREATE ON SCHEMA boxoffice, boxoffice_code, api TO boxoffice_code;
GRANT USAGE ON SCHEMA boxoffice, boxoffice_code TO boxoffice_report;
GRANT USAGE, CREATE ON SCHEMA report TO boxoffice_report;

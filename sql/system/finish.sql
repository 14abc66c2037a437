-- The end of a deploy of code: what no file makes any more is dropped, bodies are checked now that
-- all of them are there, and every privilege of our roles is taken away, so that those which
-- grants.sql gives are all that there are.

DO $stale$
DECLARE
    statement text;
BEGIN
    -- What this transaction made or made over has its mark; rows of the extension's members do not
    -- count.
    SELECT 'DROP VIEW ' || pg_catalog.string_agg(c.oid::regclass::text, ', ')
      INTO statement
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid
     WHERE c.relnamespace IN ('report'::regnamespace, 'boxoffice_code'::regnamespace)
       AND c.relkind = 'v'
       AND r.xmin <> pg_catalog.pg_current_xact_id()::xid;
    IF statement IS NOT NULL THEN
        EXECUTE statement;
    END IF;

    SELECT 'DROP FUNCTION ' || pg_catalog.string_agg(p.oid::regprocedure::text, ', ')
      INTO statement
      FROM pg_catalog.pg_proc AS p
     WHERE p.pronamespace IN ('boxoffice'::regnamespace, 'boxoffice_code'::regnamespace,
                              'api'::regnamespace)
       AND p.xmin <> pg_catalog.pg_current_xact_id()::xid
       AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
             WHERE d.classid = 'pg_catalog.pg_proc'::regclass
               AND d.objid = p.oid
               AND d.deptype = 'e');
    IF statement IS NOT NULL THEN
        EXECUTE statement;
    END IF;
END
$stale$;

SET LOCAL check_function_bodies = on;
DO $bodies$
BEGIN
    PERFORM CASE l.lanname
            WHEN 'sql' THEN pg_catalog.fmgr_sql_validator(p.oid)
            WHEN 'plpgsql' THEN pg_catalog.plpgsql_validator(p.oid)
            END
       FROM pg_catalog.pg_proc AS p
       JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
      WHERE p.pronamespace IN ('boxoffice'::regnamespace, 'boxoffice_code'::regnamespace,
                               'api'::regnamespace)
        AND l.lanname IN ('sql', 'plpgsql');
END
$bodies$;

-- The extension belongs to whoever created it; what it does for callers it does as boxoffice_code.
DO $owner$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('ALTER FUNCTION %s OWNER TO boxoffice_code', p.oid::regprocedure)
          FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace = 'boxoffice_code'::regnamespace
           AND pg_catalog.pg_get_userbyid(p.proowner) NOT IN ('boxoffice_code', 'boxoffice_owner')
    LOOP
        EXECUTE statement;
    END LOOP;
END
$owner$;

DO $privileges$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        WITH schema AS (
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl
              FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report')
        ), object (name, owner, acl) AS (
            SELECT 'SCHEMA ' || s.nspname, s.nspowner, s.nspacl
              FROM schema AS s
            UNION ALL
            SELECT 'FUNCTION ' || p.oid::regprocedure::text, p.proowner,
                   COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
              FROM pg_catalog.pg_proc AS p
              JOIN schema AS s ON s.oid = p.pronamespace
            UNION ALL
            SELECT 'TABLE ' || c.oid::regclass::text, c.relowner, c.relacl
              FROM pg_catalog.pg_class AS c
              JOIN schema AS s ON s.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v')
            UNION ALL
            SELECT 'TABLE ' || c.oid::regclass::text, c.relowner, a.attacl
              FROM pg_catalog.pg_attribute AS a
              JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
              JOIN schema AS s ON s.oid = c.relnamespace
             WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
        )
        SELECT DISTINCT 'REVOKE ALL ON ' || o.name || ' FROM '
               || COALESCE(grantee.rolname, 'PUBLIC')
          FROM object AS o
         CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS e
          LEFT JOIN pg_catalog.pg_roles AS grantee ON grantee.oid = e.grantee
         WHERE e.grantee <> o.owner
           AND (grantee.oid IS NULL OR grantee.rolname LIKE E'boxoffice\\_%')
    LOOP
        EXECUTE statement;
    END LOOP;
END
$privileges$;

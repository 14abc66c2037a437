-- The roles, made if missing, and the schemas. Runs at each deploy, as whoever deploys; a role that
-- exists keeps its password and whatever a DBA has set on it.

SET client_min_messages = warning;

DO $server$
BEGIN
    IF pg_catalog.current_setting('server_version_num')::integer < 150000 THEN
        RAISE EXCEPTION 'PostgreSQL % is too old', pg_catalog.current_setting('server_version')
            USING ERRCODE = 'feature_not_supported', HINT = 'Boxoffice needs PostgreSQL 15.';
    END IF;
    IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the encoding of the database is %',
            pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Make the database with ENCODING UTF8 (and TEMPLATE template0).';
    END IF;
END
$server$;

DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
          FROM (VALUES
            ('boxoffice_owner', 'NOLOGIN', 'owns the tables'),
            ('boxoffice_code', 'NOLOGIN BYPASSRLS', 'owns the functions'),
            ('boxoffice_report', 'NOLOGIN', 'owns the views of schema report'),
            ('boxoffice_gateway', 'LOGIN', 'nginx; may execute the dispatcher and nothing else'),
            ('boxoffice_service', 'LOGIN', 'other services; may execute schema api'),
            ('boxoffice_analyst', 'LOGIN', 'people who read schema report'),
            ('boxoffice_public', 'NOLOGIN', 'what callers without a token may execute'),
            ('boxoffice_customer', 'NOLOGIN', 'what tokens of role customer may execute'),
            ('boxoffice_organizer', 'NOLOGIN', 'what tokens of role organizer may execute'),
            ('boxoffice_scanner', 'NOLOGIN', 'what tokens of role scanner may execute'),
            ('boxoffice_support', 'NOLOGIN', 'what tokens of role support may execute'),
            ('boxoffice_admin', 'NOLOGIN', 'what tokens of role admin may execute')
          ) AS role (name, options, comment)
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role.name)
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.options);
            EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted.name,
                                      'Boxoffice: ' || wanted.comment || '.');
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- a deploy of another database of this cluster was quicker
        END;
    END LOOP;
END
$roles$;

-- Timeouts hold for a login, not for the members of a role: so for every analyst's login that has
-- none of its own. An old snapshot slows every hot row of the database.
DO $timeouts$
DECLARE
    login record;
BEGIN
    FOR login IN
        SELECT r.rolname AS name, wanted.setting, wanted.value
          FROM pg_catalog.pg_roles AS r
         CROSS JOIN (VALUES ('statement_timeout', '60s'),
                            ('idle_in_transaction_session_timeout', '10s'))
               AS wanted (setting, value)
         WHERE r.rolcanlogin
           AND NOT r.rolsuper
           AND pg_catalog.pg_has_role(r.oid, 'boxoffice_analyst', 'MEMBER')
           AND NOT EXISTS (
                SELECT FROM pg_catalog.unnest(r.rolconfig) AS own (text)
                 WHERE pg_catalog.split_part(own.text, '=', 1) = wanted.setting)
    LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I SET %I = %L',
                                  login.name, login.setting, login.value);
    END LOOP;
END
$timeouts$;

CREATE SCHEMA IF NOT EXISTS boxoffice AUTHORIZATION boxoffice_owner;
CREATE SCHEMA IF NOT EXISTS boxoffice_code AUTHORIZATION boxoffice_owner;
CREATE SCHEMA IF NOT EXISTS api AUTHORIZATION boxoffice_owner;
CREATE SCHEMA IF NOT EXISTS report AUTHORIZATION boxoffice_owner;
COMMENT ON SCHEMA boxoffice IS 'Boxoffice: the tables, and the functions that check them.';
COMMENT ON SCHEMA boxoffice_code IS
'Boxoffice: the extension and internal functions. Made anew by sql/deploy: keep nothing of your own here.';
COMMENT ON SCHEMA api IS
'Boxoffice: one stored function for each endpoint. Made anew by sql/deploy: keep nothing of your own here.';
COMMENT ON SCHEMA report IS
'Boxoffice: views for people who work in SQL. Made anew by sql/deploy: keep nothing of your own here.';

SET ROLE boxoffice_owner;
CREATE TABLE IF NOT EXISTS boxoffice.migration (
    name       text        NOT NULL,
    hash       text        NOT NULL,
    applied_at timestamptz NOT NULL,
    CONSTRAINT migration_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE boxoffice.migration IS
'Which files of sql/ that change tables have been run here, and the hash of each as it was then.';
CREATE TABLE IF NOT EXISTS boxoffice.deployed (
    source      text        NOT NULL,
    catalog     text        NOT NULL,
    extension   text        NOT NULL,
    deployed_at timestamptz NOT NULL
);
COMMENT ON TABLE boxoffice.deployed IS
'One row: hashes of the code that was deployed last, of the catalog as that left it, and of the extension''s script. sql/deploy does nothing while all three still hold.';
RESET ROLE;

-- Nobody may more than they should, and everything says what it is. Each query that should find nothing finds nothing.
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE TEMP VIEW ours AS
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.prosecdef, p.proconfig, p.proowner, p.proacl,
       EXISTS (SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS of_extension
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report');

-- roles
SELECT r.rolname, r.rolcanlogin AS login, r.rolbypassrls AS bypass,
       r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication AS more
  FROM pg_roles AS r
 WHERE r.rolname LIKE 'boxoffice\_%'
 ORDER BY r.rolname;
SELECT m.roleid::regrole, m.member::regrole
  FROM pg_auth_members AS m
 WHERE m.member::regrole::text LIKE 'boxoffice\_%';
SELECT r.rolname, r.rolconfig FROM pg_roles AS r WHERE r.rolname = 'boxoffice_analyst';

-- the gateway: two functions
SELECT o.oid::regprocedure
  FROM ours AS o
 WHERE has_function_privilege('boxoffice_gateway', o.oid, 'EXECUTE')
 ORDER BY o.name;
SELECT c.oid::regclass, x.privilege
  FROM pg_class AS c
 CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS x (privilege)
 WHERE c.relkind IN ('r', 'v', 'p')
   AND c.relnamespace::regnamespace::text IN ('boxoffice', 'boxoffice_code', 'api', 'report')
   AND has_table_privilege('boxoffice_gateway', c.oid, x.privilege);
SELECT n.nspname
  FROM pg_namespace AS n
 WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report')
   AND has_schema_privilege('boxoffice_gateway', n.oid, 'USAGE');

-- schemas: who may use them, and that nobody but their owner makes anything there
SELECT n.nspname AS schema, r.rolname, has_schema_privilege(r.oid, n.oid, 'CREATE') AS "create"
  FROM pg_namespace AS n
 CROSS JOIN pg_roles AS r
 WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report')
   AND r.rolname LIKE 'boxoffice\_%'
   AND has_schema_privilege(r.oid, n.oid, 'USAGE')
 ORDER BY n.nspname, r.rolname;

-- tables: whoever is no owner
SELECT c.relname AS "table", grantee.rolname AS role,
       string_agg(left(e.privilege_type, 1), '' ORDER BY e.privilege_type) AS may
  FROM pg_class AS c
 CROSS JOIN LATERAL aclexplode(c.relacl) AS e
  LEFT JOIN pg_roles AS grantee ON grantee.oid = e.grantee
 WHERE c.relnamespace IN ('boxoffice'::regnamespace, 'report'::regnamespace)
   AND c.relkind IN ('r', 'v', 'p')
   AND e.grantee <> c.relowner
 GROUP BY c.relname, grantee.rolname
 ORDER BY c.relname, grantee.rolname;

-- ledgers grow only
SELECT 'payment' AS ledger, x.privilege
  FROM (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS x (privilege)
 WHERE has_table_privilege('boxoffice_code', 'boxoffice.payment', x.privilege)
    OR has_any_column_privilege('boxoffice_code', 'boxoffice.payment', 'UPDATE') AND x.privilege = 'UPDATE';

-- personal data and keys are nothing for analysts
SELECT c.relname, a.attname
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.oid IN ('boxoffice.contact'::regclass, 'boxoffice.holder'::regclass, 'boxoffice.secret_key'::regclass,
                 'boxoffice.buyer'::regclass, 'boxoffice.idempotency'::regclass)
   AND (has_column_privilege('boxoffice_report', c.oid, a.attnum, 'SELECT')
        OR has_column_privilege('boxoffice_analyst', c.oid, a.attnum, 'SELECT'));
SELECT has_column_privilege('boxoffice_report', 'boxoffice.ticket', 'code', 'SELECT') AS ticket_codes;

-- a condition on a view sees no row that the view doesn't show
SELECT c.oid::regclass AS no_barrier
  FROM pg_class AS c
 WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v'
   AND NOT coalesce(c.reloptions @> ARRAY['security_barrier=true'], false);

-- functions: nothing for everybody; api for services; internal ones for their owner
SELECT o.oid::regprocedure AS everybody
  FROM ours AS o
 CROSS JOIN LATERAL aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) AS e
 WHERE e.grantee = 0;
SELECT o.oid::regprocedure AS not_for_services
  FROM ours AS o
 WHERE o.schema = 'api' AND NOT has_function_privilege('boxoffice_service', o.oid, 'EXECUTE');
SELECT o.oid::regprocedure AS not_for_administrators
  FROM ours AS o
 WHERE o.schema = 'api' AND NOT has_function_privilege('boxoffice_admin', o.oid, 'EXECUTE');
SELECT o.schema || '.' || o.name AS internal, string_agg(r.rolname, ' ' ORDER BY r.rolname) AS may
  FROM ours AS o
  JOIN pg_roles AS r ON r.rolname LIKE 'boxoffice\_%' AND r.oid <> o.proowner AND has_function_privilege(r.oid, o.oid, 'EXECUTE')
 WHERE o.schema <> 'api'
 GROUP BY o.schema, o.name
 ORDER BY o.schema, o.name;
SELECT o.oid::regprocedure AS grant_option
  FROM ours AS o CROSS JOIN LATERAL aclexplode(o.proacl) AS e
 WHERE e.is_grantable AND e.grantee <> o.proowner;

-- who acts as somebody else has a pinned path, and is boxoffice_code or, for the few, boxoffice_owner
SELECT o.oid::regprocedure AS path_not_pinned
  FROM ours AS o
 WHERE o.prosecdef AND NOT coalesce(o.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false);
SELECT o.oid::regprocedure AS not_definer FROM ours AS o WHERE o.schema = 'api' AND NOT o.prosecdef;
SELECT o.proowner::regrole AS owner, o.prosecdef AS definer, o.schema || '.' || o.name AS name
  FROM ours AS o
 WHERE o.proowner <> 'boxoffice_code'::regrole
 ORDER BY 3;
SELECT c.oid::regclass AS wrong_owner, c.relowner::regrole
  FROM pg_class AS c
 WHERE c.relnamespace = 'boxoffice'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner <> 'boxoffice_owner'::regrole
    OR c.relnamespace = 'report'::regnamespace AND c.relowner <> 'boxoffice_report'::regrole;
SELECT o.oid::regprocedure AS overloaded
  FROM ours AS o
 WHERE EXISTS (SELECT FROM ours AS x WHERE x.schema = o.schema AND x.name = o.name AND x.oid <> o.oid);

-- no table needs the extension
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS needs_the_extension
  FROM pg_depend AS d
  JOIN ours AS o ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = o.oid
 WHERE d.classid IN ('pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass);
SELECT c.oid::regclass AS has_trigger FROM pg_class AS c
  JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal
 WHERE c.relnamespace = 'boxoffice'::regnamespace;

-- everything says what it is
SELECT o.oid::regprocedure AS uncommented
  FROM ours AS o WHERE obj_description(o.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass AS uncommented
  FROM pg_class AS c
 WHERE c.relnamespace IN ('boxoffice'::regnamespace, 'report'::regnamespace)
   AND c.relkind IN ('r', 'v', 'p')
   AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT c.oid::regclass AS uncommented, a.attname
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relnamespace IN ('boxoffice'::regnamespace, 'report'::regnamespace)
   AND c.relkind IN ('r', 'v', 'p')
   AND NOT a.attisdropped
   AND col_description(c.oid, a.attnum) IS NULL;
SELECT n.nspname AS uncommented FROM pg_namespace AS n
 WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report') AND obj_description(n.oid, 'pg_namespace') IS NULL;
SELECT r.rolname AS uncommented FROM pg_roles AS r
 WHERE r.rolname LIKE 'boxoffice\_%' AND shobj_description(r.oid, 'pg_authid') IS NULL;

-- tried
SET SESSION AUTHORIZATION boxoffice_gateway;
SELECT * FROM boxoffice.event;
SELECT api.event_list();
SELECT boxoffice_code.new_id();
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT api.event_list() ->> 'next' IS NOT NULL AS reads;
SELECT boxoffice_code.refuse('sold_out');
SELECT boxoffice_code.trial_remove(1, 1);
SELECT * FROM report.inventory;
RESET SESSION AUTHORIZATION;
SET ROLE boxoffice_code;
DELETE FROM boxoffice.payment;
UPDATE boxoffice.payment SET amount = 0;
TRUNCATE boxoffice.claim;
CREATE FUNCTION api.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1';
RESET ROLE;

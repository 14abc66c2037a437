-- Sets the psql variable catalog: one hash of everything in the catalog that a deploy makes anew:
-- functions, views, their comments, and what our roles may do. Reads system catalogs
-- only, so it runs in any database. What a DBA gives to roles of their own, and indexes and tables
-- of their own, are not looked at.

WITH schema AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl
      FROM pg_catalog.pg_namespace AS n
     WHERE n.nspname IN ('boxoffice', 'boxoffice_code', 'api', 'report')
), acl (object, acl) AS (
    SELECT 'schema ' || s.nspname, COALESCE(s.nspacl, pg_catalog.acldefault('n', s.nspowner))
      FROM schema AS s
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text,
           COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
      FROM pg_catalog.pg_proc AS p
      JOIN schema AS s ON s.oid = p.pronamespace
    UNION ALL
    SELECT 'relation ' || s.nspname || '.' || c.relname,
           COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))
      FROM pg_catalog.pg_class AS c
      JOIN schema AS s ON s.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v', 'p')
    UNION ALL
    SELECT 'column ' || s.nspname || '.' || c.relname || '.' || a.attname, a.attacl
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN schema AS s ON s.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
), item (text) AS (
    SELECT pg_catalog.concat_ws(' ', 'acl', a.object, COALESCE(grantee.rolname, 'PUBLIC'),
                                e.privilege_type, e.is_grantable)
      FROM acl AS a
     CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) AS e
      LEFT JOIN pg_catalog.pg_roles AS grantee ON grantee.oid = e.grantee
     WHERE grantee.oid IS NULL OR grantee.rolname LIKE E'boxoffice\\_%'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'function', owner.rolname,
                                pg_catalog.pg_get_functiondef(p.oid),
                                pg_catalog.obj_description(p.oid, 'pg_proc'))
      FROM pg_catalog.pg_proc AS p
      JOIN schema AS s ON s.oid = p.pronamespace
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = p.proowner
     WHERE p.prokind IN ('f', 'p')
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'view', s.nspname, c.relname, owner.rolname,
                                c.reloptions::text, pg_catalog.pg_get_viewdef(c.oid),
                                pg_catalog.obj_description(c.oid, 'pg_class'))
      FROM pg_catalog.pg_class AS c
      JOIN schema AS s ON s.oid = c.relnamespace
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
     WHERE c.relkind = 'v'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'column', s.nspname, c.relname, a.attname,
                                pg_catalog.col_description(c.oid, a.attnum))
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN schema AS s ON s.oid = c.relnamespace
     WHERE c.relkind = 'v' AND a.attnum > 0
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'extension', e.extname, e.extversion, n.nspname)
      FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.extname = 'boxoffice'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'role', r.rolname, r.rolsuper, r.rolinherit,
                                r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
                                r.rolbypassrls)
      FROM pg_catalog.pg_roles AS r
     WHERE r.rolname LIKE E'boxoffice\\_%'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'member', r.rolname, login.rolname, login.rolconfig::text)
      FROM pg_catalog.pg_auth_members AS m
      JOIN pg_catalog.pg_roles AS r ON r.oid = m.roleid
      JOIN pg_catalog.pg_roles AS login ON login.oid = m.member
     WHERE r.rolname LIKE E'boxoffice\\_%'
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'schema', s.nspname, owner.rolname,
                                pg_catalog.obj_description(s.oid, 'pg_namespace'))
      FROM schema AS s
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = s.nspowner
)
SELECT COALESCE(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.string_agg(item.text, E'\n' ORDER BY item.text COLLATE "C"),
           'UTF8')), 'hex'), '') AS catalog
  FROM item \gset

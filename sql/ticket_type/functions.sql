-- Ticket types as answers show them, what is wrong with those of a document, and how they are
-- written.

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_types_json(event boxoffice.event)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', t.id::text,
                   'key', t.key,
                   'name', t.name,
                   'description', t.description,
                   'kind', t.kind,
                   'price', t.price,
                   'fee', t.fee,
                   'status', t.status,
                   'sale_starts_at', boxoffice_code.local_time(t.sale_starts_at, event.zone),
                   'sale_ends_at', boxoffice_code.local_time(t.sale_ends_at, event.zone),
                   'min_per_order', t.min_per_order,
                   'max_per_order', t.max_per_order,
                   'buyer_limit', t.buyer_limit,
                   'admits', t.admits,
                   'free_price', t.free_price,
                   'price_max', t.price_max,
                   'price_suggested', COALESCE(t.price_suggested, '{}'),
                   'sold_alone', t.sold_alone,
                   'addon_to', boxoffice_code.ticket_type_addon_json(event.id, t.id, true),
                   'bundle', boxoffice_code.ticket_type_bundle_json(event.id, t.id))
                   ORDER BY t.position, t.id), '[]'::json)
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id AND t.status <> 'retired' AND NOT t.hidden);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_json IS
'The ticket types that the public sees, in the order in which to show them.';

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_types_own_json(event boxoffice.event)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', t.id::text,
                   'key', t.key,
                   'name', t.name,
                   'description', t.description,
                   'kind', t.kind,
                   'price', t.price,
                   'fee', t.fee,
                   'status', t.status,
                   'hidden', t.hidden,
                   'approval', t.approval,
                   'pools', (
                        SELECT COALESCE(pg_catalog.json_agg(p.key ORDER BY p.id), '[]'::json)
                          FROM boxoffice.ticket_type_pool AS x
                          JOIN boxoffice.pool AS p ON p.event_id = x.event_id AND p.id = x.pool_id
                         WHERE x.event_id = t.event_id AND x.ticket_type_id = t.id),
                   'sessions', CASE WHEN NOT t.all_sessions THEN (
                        SELECT COALESCE(pg_catalog.json_agg(s.key ORDER BY s.starts_at, s.id),
                                        '[]'::json)
                          FROM boxoffice.ticket_type_session AS x
                          JOIN boxoffice.session AS s
                            ON s.event_id = x.event_id AND s.id = x.session_id
                         WHERE x.event_id = t.event_id AND x.ticket_type_id = t.id) END,
                   'sale_starts_at', boxoffice_code.local_time(t.sale_starts_at, event.zone),
                   'sale_ends_at', boxoffice_code.local_time(t.sale_ends_at, event.zone),
                   'min_per_order', t.min_per_order,
                   'max_per_order', t.max_per_order,
                   'buyer_limit', t.buyer_limit,
                   'admits', t.admits,
                   'free_price', t.free_price,
                   'price_max', t.price_max,
                   'price_suggested', COALESCE(t.price_suggested, '{}'),
                   'sold_alone', t.sold_alone,
                   'addon_to', boxoffice_code.ticket_type_addon_json(event.id, t.id, false),
                   'bundle', boxoffice_code.ticket_type_bundle_json(event.id, t.id))
                   ORDER BY t.position, t.id), '[]'::json)
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_own_json IS
'The ticket types of an event as its organizer sees them.';

-- A list of keys inside ticket types (pools, sessions): those that are unknown or named twice.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_keys(document jsonb, part text)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH named AS (
        SELECT pg_catalog.format('/ticket_types/%s/%s/%s', t.n - 1, part, k.n - 1) AS pointer,
               k.key,
               pg_catalog.row_number() OVER (PARTITION BY t.n, k.key ORDER BY k.n) AS use
          FROM pg_catalog.jsonb_array_elements(document -> 'ticket_types')
               WITH ORDINALITY AS t (type, n)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(
               CASE WHEN pg_catalog.jsonb_typeof(t.type -> part) = 'array'
                    THEN t.type -> part ELSE '[]' END)
               WITH ORDINALITY AS k (key, n)
    )
    SELECT boxoffice_code.fault('invalid_document', k.pointer, 'The list names this twice.')
      FROM named AS k
     WHERE k.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', k.pointer,
               'The document has nothing with this key.')
      FROM named AS k
     WHERE k.use = 1
       AND NOT EXISTS (
        SELECT FROM pg_catalog.jsonb_array_elements(document -> part) AS made
         WHERE made ->> 'key' = k.key)
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_keys IS
'What is wrong with the keys of pools or sessions that ticket types of a document name.';

-- What is wrong with the pools and ticket types of a document.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_types(document jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH pool AS (
        SELECT '/pools/' || (p.n - 1) AS pointer,
               pg_catalog.row_number() OVER (PARTITION BY p.pool ->> 'key' ORDER BY p.n) AS use
          FROM pg_catalog.jsonb_array_elements(document -> 'pools')
               WITH ORDINALITY AS p (pool, n)
    ), type AS (
        SELECT '/ticket_types/' || (t.n - 1) AS pointer, t.*,
               pg_catalog.row_number() OVER (PARTITION BY t.key ORDER BY t.n) AS use
          FROM ROWS FROM (pg_catalog.jsonb_to_recordset(document -> 'ticket_types') AS (
                   key text, sale_starts_at timestamptz, sale_ends_at timestamptz,
                   min_per_order integer, max_per_order integer))
               WITH ORDINALITY
               AS t (key, sale_starts_at, sale_ends_at, min_per_order, max_per_order, n)
    )
    SELECT boxoffice_code.fault('invalid_document', p.pointer || '/key',
               'An earlier pool has this key.')
      FROM pool AS p
     WHERE p.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', t.pointer || '/key',
               'An earlier ticket type has this key.')
      FROM type AS t
     WHERE t.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', t.pointer || '/sale_ends_at',
               'The sale ends before it starts.')
      FROM type AS t
     WHERE t.sale_ends_at <= t.sale_starts_at
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', t.pointer || '/max_per_order',
               'The maximum is less than the minimum.')
      FROM type AS t
     WHERE LEAST(t.max_per_order, (document ->> 'max_per_order')::integer)
           < COALESCE(t.min_per_order, 1)
    UNION ALL
    SELECT boxoffice_code.event_faults_keys(document, 'pools')
    UNION ALL
    SELECT boxoffice_code.event_faults_keys(document, 'sessions')
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_types IS
'What is wrong with the pools and ticket types of a new event''s document.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_types(event bigint, types jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.ticket_type (
        event_id, id, key, name, description, kind, price, fee, status, hidden, all_sessions,
        sale_starts_at, sale_ends_at, min_per_order, max_per_order, buyer_limit, position,
        approval)
    SELECT event, boxoffice_code.new_id(), t.key, t.name, t.description,
           COALESCE(t.kind, 'admission'), t.price, COALESCE(t.fee, 0), 'active',
           COALESCE(t.hidden, false),
           COALESCE(pg_catalog.jsonb_typeof(t.sessions), 'null') = 'null',
           t.sale_starts_at, t.sale_ends_at, COALESCE(t.min_per_order, 1), t.max_per_order,
           t.buyer_limit, t.n, COALESCE(t.approval, false)
      FROM ROWS FROM (pg_catalog.jsonb_to_recordset(types) AS (
               key text, name text, description text, kind text, price bigint, fee bigint,
               hidden boolean, sessions jsonb, sale_starts_at timestamptz,
               sale_ends_at timestamptz, min_per_order integer, max_per_order integer,
               buyer_limit integer, approval boolean))
           WITH ORDINALITY
           AS t (key, name, description, kind, price, fee, hidden, sessions, sale_starts_at,
                 sale_ends_at, min_per_order, max_per_order, buyer_limit, approval, n);

    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    SELECT event, t.id, p.id
      FROM pg_catalog.jsonb_to_recordset(types) AS named (key text, pools jsonb)
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.key = named.key
     CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(
               boxoffice_code.list_or_none(named.pools)) AS pool (key)
      JOIN boxoffice.pool AS p ON p.event_id = event AND p.key = pool.key;

    INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
    SELECT event, t.id, s.id
      FROM pg_catalog.jsonb_to_recordset(types) AS named (key text, sessions jsonb)
      JOIN boxoffice.ticket_type AS t
        ON t.event_id = event AND t.key = named.key AND NOT t.all_sessions
     CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(named.sessions) AS session (key)
      JOIN boxoffice.session AS s ON s.event_id = event AND s.key = session.key;
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_types IS
'Writes ticket types of an event, what they take from, and in which sessions they are sold.';

-- Ticket types as answers show them, what is wrong with those of a document, and how they are
-- written.

-- What the public sees: a type is paused while something is that it needs, and on sale while that
-- is on sale too; so it is with a pass and its sessions.
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
                   'status', CASE WHEN needed.active AND COALESCE(pass.active, true)
                                  THEN t.status ELSE 'paused' END,
                   'sale_starts_at', boxoffice_code.time_text(
                       GREATEST(t.sale_starts_at, needed.sale_starts_at, pass.sale_starts_at),
                       event.zone),
                   'sale_ends_at', boxoffice_code.time_text(
                       LEAST(t.sale_ends_at, needed.sale_ends_at, pass.sale_ends_at), event.zone),
                   'min_per_order', t.min_per_order,
                   'max_per_order', t.max_per_order,
                   'buyer_limit', t.buyer_limit,
                   'admits', t.admits,
                   'free_price', t.free_price,
                   'price_max', t.price_max,
                   'price_suggested', COALESCE(t.price_suggested, '{}'),
                   'sold_alone', t.sold_alone,
                   'availability', CASE WHEN t.admits = 'all' THEN
                        boxoffice_code.pass_availability(event.id, t.id, event.show_quantity) END,
                   'addon_to', boxoffice_code.ticket_type_addon_json(event.id, t.id, true),
                   'bundle', boxoffice_code.ticket_type_bundle_json(event.id, t.id))
                   ORDER BY t.position, t.id), '[]'::json)
          FROM boxoffice.ticket_type AS t
         CROSS JOIN LATERAL (
            SELECT COALESCE(pg_catalog.bool_and(p.status = 'active'), true) AS active,
                   pg_catalog.max(p.sale_starts_at) AS sale_starts_at,
                   pg_catalog.min(p.sale_ends_at) AS sale_ends_at
              FROM boxoffice_code.ticket_type_needs(event.id) AS n
              JOIN boxoffice.ticket_type AS p ON p.event_id = event.id AND p.id = n.part_id
             WHERE n.ticket_type_id = t.id
          ) AS needed
          LEFT JOIN boxoffice_code.ticket_type_passes(event.id) AS pass
            ON pass.ticket_type_id = t.id
         WHERE t.event_id = event.id AND t.status <> 'retired' AND NOT t.hidden);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_json IS
'The ticket types that the public sees, in the order in which to show them.';

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_types_own_json(
    event boxoffice.event, only_type bigint DEFAULT NULL)
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
                   'sale_starts_at', boxoffice_code.time_text(t.sale_starts_at, event.zone),
                   'sale_ends_at', boxoffice_code.time_text(t.sale_ends_at, event.zone),
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
         WHERE t.event_id = event.id AND (only_type IS NULL OR t.id = only_type));
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_own_json IS
'The ticket types of an event, or one of them, as its organizer sees them.';

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
           t.buyer_limit, last.position + t.n, COALESCE(t.approval, false)
      FROM ROWS FROM (pg_catalog.jsonb_to_recordset(types) AS (
               key text, name text, description text, kind text, price bigint, fee bigint,
               hidden boolean, sessions jsonb, sale_starts_at timestamptz,
               sale_ends_at timestamptz, min_per_order integer, max_per_order integer,
               buyer_limit integer, approval boolean))
           WITH ORDINALITY
           AS t (key, name, description, kind, price, fee, hidden, sessions, sale_starts_at,
                 sale_ends_at, min_per_order, max_per_order, buyer_limit, approval, n)
     CROSS JOIN (
        SELECT COALESCE(pg_catalog.max(x.position), 0) AS position
          FROM boxoffice.ticket_type AS x
         WHERE x.event_id = event
      ) AS last;

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

-- ---- one type of an event
-- ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_find(event bigint, ref text)
    RETURNS boxoffice.ticket_type
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- not in the query: a plan may look an id up before it asks whether it is one
    wanted CONSTANT bigint := CASE WHEN ref ~ '^[0-9]{1,18}$' THEN ref::bigint END;
    found boxoffice.ticket_type;
BEGIN
    SELECT t.*
      INTO found
      FROM boxoffice.ticket_type AS t
     WHERE t.event_id = ticket_type_find.event AND (t.key = ref OR t.id = wanted)
     ORDER BY t.key = ref DESC
     LIMIT 1;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'ticket_type');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_find IS
'The ticket type of an event with this key or id; refuses if there is none.';

-- The answer of what changes a type. version is the event's, which is the ETag.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_answer(
    event boxoffice.event, ticket_type bigint, outcome text)
    RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.json_build_object(
        'outcome', outcome,
        'ticket_type', boxoffice_code.ticket_types_own_json(event, ticket_type) -> 0,
        'version', event.version)
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_answer IS
'A ticket type after a change, and the event''s version.';

-- Keys in a list of one type (pools, sessions): those that are unknown or named twice.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_faults_keys(
    event bigint, type jsonb, part text)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH named AS (
        SELECT pg_catalog.format('/%s/%s', part, k.n - 1) AS pointer, k.key,
               pg_catalog.row_number() OVER (PARTITION BY k.key ORDER BY k.n) AS use
          FROM pg_catalog.jsonb_array_elements_text(boxoffice_code.list_or_none(type -> part))
               WITH ORDINALITY AS k (key, n)
    )
    SELECT boxoffice_code.fault('invalid_document', k.pointer, 'The list names this twice.')
      FROM named AS k
     WHERE k.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', k.pointer,
               'The event has nothing with this key.')
      FROM named AS k
     WHERE k.use = 1
       AND NOT EXISTS (
        SELECT FROM boxoffice.pool AS p
         WHERE part = 'pools' AND p.event_id = ticket_type_faults_keys.event AND p.key = k.key)
       AND NOT EXISTS (
        SELECT FROM boxoffice.session AS s
         WHERE part = 'sessions'
           AND s.event_id = ticket_type_faults_keys.event
           AND s.key = k.key)
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_faults_keys IS
'What is wrong with the keys of pools or sessions that one ticket type names.';

-- What is wrong with one type's document in its event; self is the type that it is to be, if it is
-- there.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_faults_one(
    event boxoffice.event, type jsonb, self bigint)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('already_exists', '/key', 'Another ticket type has this key.')
     WHERE EXISTS (
        SELECT FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id
           AND t.key = type ->> 'key'
           AND t.id IS DISTINCT FROM self)
    UNION ALL
    SELECT f.fault || pg_catalog.jsonb_build_object('pointer',
               pg_catalog.regexp_replace(f.fault ->> 'pointer', '^/ticket_types/0', ''))
      FROM boxoffice_code.event_faults_types(pg_catalog.jsonb_build_object(
               'max_per_order', event.max_per_order, 'pools', '[]'::jsonb, 'sessions', '[]'::jsonb,
               'ticket_types', pg_catalog.jsonb_build_array(
                   type - '{pools,sessions}'::text[]))) AS f (fault)
    UNION ALL
    SELECT boxoffice_code.ticket_type_faults_keys(event.id, type, 'pools')
    UNION ALL
    SELECT boxoffice_code.ticket_type_faults_keys(event.id, type, 'sessions')
    UNION ALL
    SELECT boxoffice_code.ticket_type_faults_document(type, ARRAY(
               SELECT t.key FROM boxoffice.ticket_type AS t WHERE t.event_id = event.id), '')
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_faults_one IS
'What is wrong with the document of one ticket type in its event.';

-- Refuses what doesn't go together between the types of the event, as they stand now. Which stock
-- rows are one group is only found anew where links may have joined or parted pools: that locks and
-- reads all of the event's.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_settle(
    event bigint, ticket_type bigint, regroup boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    faults jsonb;
BEGIN
    SELECT pg_catalog.jsonb_agg(boxoffice_code.fault(
               'invalid_document', CASE WHEN f.ticket_type = ticket_type_settle.ticket_type
                                        THEN f.pointer ELSE '' END, f.detail))
      INTO faults
      FROM boxoffice_code.ticket_type_faults(event) AS f;
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    IF regroup THEN
        PERFORM boxoffice_code.inventory_regroup(event);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_settle IS
'The end of a change of a ticket type: refuses what does not go together, and regroups the stock if links changed.';

-- Whether a new type's links can join pools: those of several, and those of a pass, whose sessions
-- are sold together.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_joins(type jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT type ->> 'admits' = 'all'
        OR pg_catalog.jsonb_array_length(boxoffice_code.list_or_none(type -> 'pools')) > 1
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_joins IS
'Whether stock of several rows is sold together by a new ticket type.';

-- What of a patch a sale does not go by: it may change while somebody sells.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_sold_alike(patch jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT patch - '{name,description,position,hidden,price_suggested}'::text[] = '{}'
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_sold_alike IS
'Whether a patch of a ticket type changes nothing that a sale goes by.';

-- Whether places of the type are taken, or could be taken again: claims that live, and those of
-- expired orders whose late payment may have its places back. Of sessions outside of kept only,
-- if it is given. No index leads from a type to its claims, so of one that was ever used the
-- event's claims are read; a claim may be older than its type, as holds and orders are changed.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_is_taken(
    event bigint, ticket_type bigint, kept bigint[] DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event AND t.id = ticket_type_is_taken.ticket_type AND t.used) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM boxoffice.claim AS c
         WHERE c.event_id = event
           AND c.ticket_type_id = ticket_type_is_taken.ticket_type
           AND (c.session_id IS NULL OR c.session_id NOT IN (SELECT pg_catalog.unnest(kept)))
           AND (c.state IN ('held', 'pending', 'sold', 'blocked')
                OR c.state = 'expired' AND EXISTS (
                    SELECT FROM boxoffice.order AS o
                     WHERE o.event_id = event AND o.hold_id = c.owner_id
                       AND o.status = 'expired')));
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_is_taken IS
'Whether places of a ticket type are taken or could be taken again by a late payment; of sessions outside a list only, if one is given.';

-- Whether anything was ever taken of the type, or names it. A type that was there before its use
-- was noted counts as used without having been so, and a trial's claims are gone: then the rows
-- tell.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_was_used(event bigint, ticket_type bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM boxoffice.ticket_type_bundle AS b
         WHERE b.event_id = event
           AND b.child_type_id = ticket_type_was_used.ticket_type) THEN
        RETURN true;
    ELSIF NOT EXISTS (
        SELECT FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event AND t.id = ticket_type_was_used.ticket_type AND t.used) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM boxoffice.claim AS c
         WHERE c.event_id = event AND c.ticket_type_id = ticket_type_was_used.ticket_type)
        OR EXISTS (
        SELECT FROM boxoffice.ticket AS t
         WHERE t.event_id = event AND t.ticket_type_id = ticket_type_was_used.ticket_type);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_was_used IS
'Whether anything was ever held, kept back or sold of a ticket type, or a bundle has it.';

-- A bundle without one of its parts could not be sold, or would be sold for less than it says.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_leave_bundles(
    event bigint, ticket_type bigint)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bundle CONSTANT text := (
        SELECT p.key
          FROM boxoffice.ticket_type_bundle AS b
          JOIN boxoffice.ticket_type AS p ON p.event_id = b.event_id AND p.id = b.ticket_type_id
         WHERE b.event_id = event
           AND b.child_type_id = ticket_type_leave_bundles.ticket_type
           AND p.status <> 'retired'
         ORDER BY p.id
         LIMIT 1);
BEGIN
    IF bundle IS NOT NULL THEN
        PERFORM boxoffice_code.refuse('in_use', 'ticket_type', '{}',
            'The bundle ' || bundle || ' has it: take it out there, or delete that first.');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_leave_bundles IS
'Refuses to go on with a ticket type that is part of a bundle which is not retired.';

-- Locks all groups of the event and takes back what has expired of the type's pools, if any of it
-- may be the type's.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_free(event bigint, ticket_type bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stocks bigint[];
BEGIN
    PERFORM boxoffice_code.event_lock_groups(event);
    stocks := ARRAY(
        SELECT s.id
          FROM boxoffice.ticket_type_pool AS l
          JOIN boxoffice.stock AS s ON s.event_id = l.event_id AND s.pool_id = l.pool_id
         WHERE l.event_id = ticket_type_free.event
           AND l.ticket_type_id = ticket_type_free.ticket_type
           AND s.held + s.pending + s.blocked > 0
           AND EXISTS (
            SELECT FROM boxoffice.ticket_type AS t
             WHERE t.event_id = l.event_id AND t.id = l.ticket_type_id AND t.used)
         ORDER BY s.id);
    IF stocks <> '{}' THEN
        PERFORM boxoffice_code.stock_reclaim(event, stocks,
            pg_catalog.array_fill(0::bigint, ARRAY[pg_catalog.cardinality(stocks)]));
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_free IS
'Locks all groups of an event and takes back what has expired of a ticket type''s pools.';

-- Replaces what a type takes from and in which sessions it is sold, under the locks of all groups.
-- Other pools, or admits, while anything is taken: refused, as the claims were taken by the old
-- rule. A session may be added at any time (passes that were sold don't grow), but not taken away
-- while anything is taken of the type in it.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_relink(
    was boxoffice.ticket_type, patched boxoffice.ticket_type, patch jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pools CONSTANT bigint[] := ARRAY(
        SELECT p.id
          FROM boxoffice.pool AS p
         WHERE p.event_id = was.event_id
           AND p.key = ANY (ARRAY(SELECT pg_catalog.jsonb_array_elements_text(
                   boxoffice_code.list_or_none(patch -> 'pools'))))
         ORDER BY p.id);
    pools_now CONSTANT bigint[] := ARRAY(
        SELECT l.pool_id
          FROM boxoffice.ticket_type_pool AS l
         WHERE l.event_id = was.event_id AND l.ticket_type_id = was.id
         ORDER BY l.pool_id);
    kept CONSTANT bigint[] := boxoffice_code.ticket_type_sessions_patched(was, patch);
BEGIN
    IF (patch ? 'pools' AND pools <> pools_now OR patched.admits <> was.admits)
        AND boxoffice_code.ticket_type_is_taken(was.event_id, was.id) THEN
        PERFORM boxoffice_code.refuse('in_use',
            CASE WHEN patched.admits <> was.admits THEN '/admits' ELSE '/pools' END, '{}',
            'Places are taken of this ticket type.');
    END IF;
    IF kept IS NOT NULL
        AND boxoffice_code.ticket_type_is_taken(was.event_id, was.id, kept) THEN
        PERFORM boxoffice_code.refuse('in_use', '/sessions', '{}',
            'Places are taken of this ticket type in a session that would go.');
    END IF;
    IF patch ? 'pools' THEN
        DELETE FROM boxoffice.ticket_type_pool AS l
         WHERE l.event_id = was.event_id AND l.ticket_type_id = was.id;
        INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
        SELECT was.event_id, was.id, p.id FROM pg_catalog.unnest(pools) AS p (id);
        IF pools = '{}' THEN
            PERFORM boxoffice_code.ticket_type_link_unlimited(was.event_id, was.id);
        END IF;
    END IF;
    IF patch ? 'sessions' THEN
        DELETE FROM boxoffice.ticket_type_session AS x
         WHERE x.event_id = was.event_id AND x.ticket_type_id = was.id;
        INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
        SELECT was.event_id, was.id, s.id FROM pg_catalog.unnest(kept) AS s (id);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_relink IS
'Replaces the pools and sessions of a ticket type; refuses while places that were taken by the old ones stand.';

-- The sessions that a patch leaves a type; NULL if all, or if it says nothing of them.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_sessions_patched(
    was boxoffice.ticket_type, patch jsonb)
    RETURNS bigint[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(patch -> 'sessions') = 'array' THEN ARRAY(
        SELECT s.id
          FROM pg_catalog.jsonb_array_elements_text(patch -> 'sessions') AS named (key)
          JOIN boxoffice.session AS s ON s.event_id = was.event_id AND s.key = named.key) END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_sessions_patched IS
'The sessions that a patch leaves a ticket type; NULL if all, or if it says nothing of them.';

-- Writes a type as a patch made it, outside of its links; a new position moves the others.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_write(
    patched boxoffice.ticket_type, patch jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE boxoffice.ticket_type AS t
       SET key = patched.key,
           name = patched.name,
           description = patched.description,
           kind = patched.kind,
           price = patched.price,
           fee = patched.fee,
           status = patched.status,
           hidden = patched.hidden,
           approval = patched.approval,
           all_sessions = patched.all_sessions,
           sale_starts_at = patched.sale_starts_at,
           sale_ends_at = patched.sale_ends_at,
           min_per_order = patched.min_per_order,
           max_per_order = patched.max_per_order,
           buyer_limit = patched.buyer_limit,
           admits = patched.admits,
           free_price = patched.free_price,
           price_max = patched.price_max,
           price_suggested = patched.price_suggested,
           sold_alone = patched.sold_alone
     WHERE t.event_id = patched.event_id AND t.id = patched.id;
    PERFORM boxoffice_code.ticket_type_write_parts(patched.event_id, patched.id,
        pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
            'addon_to', CASE WHEN patch ? 'addon_to'
                             THEN boxoffice_code.list_or_none(patch -> 'addon_to') END,
            'bundle', CASE WHEN patch ? 'bundle'
                           THEN boxoffice_code.list_or_none(patch -> 'bundle') END)));
    IF patch ? 'position' THEN
        UPDATE boxoffice.ticket_type AS t
           SET position = placed.position
          FROM (
            SELECT o.id, pg_catalog.row_number() OVER (
                       ORDER BY CASE WHEN o.id = patched.id THEN patched.position - 0.5
                                     ELSE o.n END) AS position
              FROM (
                SELECT y.id, pg_catalog.row_number() OVER (
                           ORDER BY y.id = patched.id, y.position, y.id) AS n
                  FROM boxoffice.ticket_type AS y
                 WHERE y.event_id = patched.event_id
              ) AS o
          ) AS placed
         WHERE t.event_id = patched.event_id AND t.id = placed.id;
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_write IS
'Writes a ticket type as a patch made it, except for its links.';

-- Removes a type of which nothing was ever taken.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_remove(event bigint, ticket_type bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM boxoffice.ticket_type_pool AS x
     WHERE x.event_id = event AND x.ticket_type_id = ticket_type;
    DELETE FROM boxoffice.ticket_type_session AS x
     WHERE x.event_id = event AND x.ticket_type_id = ticket_type;
    DELETE FROM boxoffice.session_price AS x
     WHERE x.event_id = event AND x.ticket_type_id = ticket_type;
    DELETE FROM boxoffice.ticket_type_addon AS x
     WHERE x.event_id = event AND ticket_type IN (x.ticket_type_id, x.parent_type_id);
    DELETE FROM boxoffice.ticket_type_bundle AS x
     WHERE x.event_id = event AND x.ticket_type_id = ticket_type;
    DELETE FROM boxoffice.ticket_type AS x WHERE x.event_id = event AND x.id = ticket_type;
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_remove IS
'Removes a ticket type of which nothing was ever taken, and its links.';

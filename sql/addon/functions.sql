-- Passes, add-ons, bundles and free prices in the catalogue: how a document's are written, what is
-- wrong with them, and how answers show them.
--
-- A type that admits to all sessions is a pass: one claim of it takes a place in each. An add-on
-- names the types that it is sold with; a bundle names what comes with it. Parts have no parts of
-- their own, so what hangs together is one parent and its children, never a tree.

-- What every type of a document may say beside the rest of it. What is null or left out stays as it
-- is, so the same function writes a new type's parts and a changed one's.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_write_parts(
    event bigint, ticket_type bigint, document jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE boxoffice.ticket_type AS t
       SET admits = COALESCE(document ->> 'admits', t.admits),
           free_price = COALESCE((document ->> 'free_price')::boolean, t.free_price),
           sold_alone = COALESCE((document ->> 'sold_alone')::boolean, t.sold_alone),
           price_max = CASE WHEN document ? 'price_max'
                            THEN (document ->> 'price_max')::bigint ELSE t.price_max END,
           price_suggested = CASE
               WHEN NOT document ? 'price_suggested' THEN t.price_suggested
               WHEN pg_catalog.jsonb_typeof(document -> 'price_suggested') = 'array' THEN ARRAY(
                    SELECT s.amount::bigint
                      FROM pg_catalog.jsonb_array_elements_text(document -> 'price_suggested')
                           WITH ORDINALITY AS s (amount, n)
                     ORDER BY s.n) END
     WHERE t.event_id = ticket_type_write_parts.event
       AND t.id = ticket_type_write_parts.ticket_type;
    IF document ? 'addon_to' THEN
        DELETE FROM boxoffice.ticket_type_addon AS a
         WHERE a.event_id = ticket_type_write_parts.event
           AND a.ticket_type_id = ticket_type_write_parts.ticket_type;
        INSERT INTO boxoffice.ticket_type_addon (
            event_id, ticket_type_id, parent_type_id, min_per_parent, max_per_parent)
        SELECT p.event_id, ticket_type_write_parts.ticket_type, p.id, COALESCE(n.min, 0), n.max
          FROM pg_catalog.jsonb_to_recordset(boxoffice_code.list_or_none(document -> 'addon_to'))
               AS n (ticket_type text, min integer, max integer)
          JOIN boxoffice.ticket_type AS p
            ON p.event_id = ticket_type_write_parts.event AND p.key = n.ticket_type;
    END IF;
    IF document ? 'bundle' THEN
        DELETE FROM boxoffice.ticket_type_bundle AS b
         WHERE b.event_id = ticket_type_write_parts.event
           AND b.ticket_type_id = ticket_type_write_parts.ticket_type;
        INSERT INTO boxoffice.ticket_type_bundle (
            event_id, ticket_type_id, child_type_id, quantity, share_ppm)
        SELECT c.event_id, ticket_type_write_parts.ticket_type, c.id, COALESCE(n.quantity, 1),
               COALESCE(n.share_ppm, 0)
          FROM pg_catalog.jsonb_to_recordset(boxoffice_code.list_or_none(document -> 'bundle'))
               AS n (ticket_type text, quantity integer, share_ppm integer)
          JOIN boxoffice.ticket_type AS c
            ON c.event_id = ticket_type_write_parts.event AND c.key = n.ticket_type;
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_write_parts IS
'Writes what a document says of a ticket type''s sessions, free price, add-ons and bundle; what it leaves out stays. Ask ticket_type_faults_document before and ticket_type_faults after.';

CREATE OR REPLACE FUNCTION boxoffice_code.list_or_none(list jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE pg_catalog.jsonb_typeof(list) WHEN 'array' THEN list ELSE '[]' END
$$;
COMMENT ON FUNCTION boxoffice_code.list_or_none IS 'A list, or an empty one for null.';

-- What is wrong with one type of a document by itself; keys are all that the document, or the
-- event, has for ticket types.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_faults_document(
    type jsonb, keys text[], pointer text)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH price AS (
        SELECT COALESCE((type ->> 'free_price')::boolean, false) AS free,
               (type ->> 'price')::bigint AS least,
               COALESCE((type ->> 'price_max')::bigint, 100000000000) AS most
    ), named AS (
        SELECT part.name || '/' || (e.n - 1) AS place, e.element,
               e.element ->> 'ticket_type' AS key,
               pg_catalog.row_number() OVER (
                   PARTITION BY part.name, e.element ->> 'ticket_type' ORDER BY e.n) AS use
          FROM (VALUES ('addon_to'), ('bundle')) AS part (name)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(
               boxoffice_code.list_or_none(type -> part.name)) WITH ORDINALITY AS e (element, n)
    )
    SELECT boxoffice_code.fault('invalid_document', pointer || '/price_max',
               'The price is not free, so there is no most.')
      FROM price AS p
     WHERE NOT p.free AND type ->> 'price_max' IS NOT NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/price_max',
               'It is less than the price, which is the least.')
      FROM price AS p
     WHERE p.free AND p.most < p.least
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/price_suggested',
               'The price is not free, so none is suggested.')
      FROM price AS p
     WHERE NOT p.free AND pg_catalog.jsonb_typeof(type -> 'price_suggested') = 'array'
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/price_suggested/' || (s.n - 1),
               'It is less than the price or more than price_max.')
      FROM price AS p
     CROSS JOIN pg_catalog.jsonb_array_elements_text(
               boxoffice_code.list_or_none(type -> 'price_suggested'))
               WITH ORDINALITY AS s (amount, n)
     WHERE p.free AND s.amount::bigint NOT BETWEEN p.least AND p.most
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/' || n.place || '/ticket_type',
               'The list names this twice.')
      FROM named AS n
     WHERE n.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/' || n.place || '/ticket_type',
               'It is the ticket type itself.')
      FROM named AS n
     WHERE n.key = type ->> 'key'
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', pointer || '/' || n.place || '/ticket_type',
               'The event has no ticket type with this key.')
      FROM named AS n
     WHERE n.use = 1 AND NOT n.key = ANY (keys)
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/' || n.place || '/max',
               'The maximum is less than the minimum.')
      FROM named AS n
     WHERE (n.element ->> 'max')::integer < COALESCE((n.element ->> 'min')::integer, 0)
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', pointer || '/bundle',
               'The shares are more than the whole price.')
     WHERE (SELECT pg_catalog.sum((n.element ->> 'share_ppm')::bigint) FROM named AS n) > 1000000
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_faults_document IS
'What is wrong with the free price, add-ons and bundle of one ticket type of a document, seen alone.';

-- What is wrong between the types of an event, as they stand: pointers are into the type's
-- document, which the caller finds by the type.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_faults(event bigint)
    RETURNS TABLE (ticket_type bigint, pointer text, detail text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH type AS (
        SELECT t.id, t.admits, t.free_price, t.all_sessions,
               EXISTS (SELECT FROM boxoffice.ticket_type_addon AS a
                        WHERE a.event_id = t.event_id AND a.ticket_type_id = t.id) AS is_addon,
               EXISTS (SELECT FROM boxoffice.ticket_type_bundle AS b
                        WHERE b.event_id = t.event_id AND b.ticket_type_id = t.id) AS is_bundle
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = ticket_type_faults.event AND t.status <> 'retired'
    )
    SELECT c.id, '/addon_to',
           CASE WHEN p.is_addon THEN 'It names a type that is an add-on itself.'
                ELSE 'It admits to one session, but is sold with a type that admits to all.' END
      FROM boxoffice.ticket_type_addon AS a
      JOIN type AS c ON c.id = a.ticket_type_id
      JOIN type AS p ON p.id = a.parent_type_id
     WHERE a.event_id = ticket_type_faults.event
       AND (p.is_addon OR p.admits = 'all' AND c.admits = 'session')
    UNION ALL
    SELECT p.id, '/bundle',
           CASE WHEN c.is_bundle THEN 'It has a bundle in it.'
                WHEN p.is_addon THEN 'An add-on can''t be a bundle.'
                WHEN p.free_price THEN 'A bundle''s price can''t be free.'
                ELSE 'It admits to all sessions, but has in it a type that admits to one.' END
      FROM boxoffice.ticket_type_bundle AS b
      JOIN type AS p ON p.id = b.ticket_type_id
      JOIN type AS c ON c.id = b.child_type_id
     WHERE b.event_id = ticket_type_faults.event
       AND (c.is_bundle OR p.is_addon OR p.free_price
            OR p.admits = 'all' AND c.admits = 'session')
    UNION ALL
    SELECT b.ticket_type_id, '/bundle', 'There are more than 100 tickets in it.'
      FROM boxoffice.ticket_type_bundle AS b
     WHERE b.event_id = ticket_type_faults.event
     GROUP BY b.ticket_type_id
    HAVING pg_catalog.sum(b.quantity) > 100
    UNION ALL
    SELECT t.id, '/admits',
           'It takes ' || n.rows || ' places at once, and a pass may take 1000.'
      FROM type AS t
     CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) AS rows
          FROM boxoffice.ticket_type_pool AS l
          JOIN boxoffice.stock AS k ON k.event_id = l.event_id AND k.pool_id = l.pool_id
         WHERE l.event_id = ticket_type_faults.event
           AND l.ticket_type_id = t.id
           AND (t.all_sessions OR k.session_id IS NULL OR EXISTS (
                SELECT FROM boxoffice.ticket_type_session AS x
                 WHERE x.event_id = l.event_id
                   AND x.ticket_type_id = t.id
                   AND x.session_id = k.session_id))
      ) AS n
     WHERE t.admits = 'all' AND n.rows > 1000
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_faults IS
'What is wrong between the ticket types of an event: add-ons of add-ons, bundles in bundles, passes that would take more than 1000 places at once. For who has changed types, sessions or pools, before it commits.';

-- ---- a whole event in one document
-- ---------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_parts(types jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.ticket_type_faults_document(
               t.type,
               ARRAY(SELECT k ->> 'key' FROM pg_catalog.jsonb_array_elements(types) AS k),
               '/ticket_types/' || (t.n - 1))
      FROM pg_catalog.jsonb_array_elements(types) WITH ORDINALITY AS t (type, n)
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_parts IS
'What is wrong with free prices, add-ons and bundles of a new event''s document.';

-- Writes the parts of a new event's types, and gives a type that names no pool the event's pool
-- `unlimited`, which is counted like any other and never full.
CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_parts(event bigint, types jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    faults jsonb;
BEGIN
    PERFORM boxoffice_code.ticket_type_write_parts(event, t.id, named.type)
       FROM pg_catalog.jsonb_array_elements(types) AS named (type)
       JOIN boxoffice.ticket_type AS t
         ON t.event_id = event_insert_parts.event AND t.key = named.type ->> 'key';
    PERFORM boxoffice_code.ticket_type_link_unlimited(event, t.id)
       FROM boxoffice.ticket_type AS t
      WHERE t.event_id = event_insert_parts.event
        AND NOT EXISTS (
            SELECT FROM boxoffice.ticket_type_pool AS p
             WHERE p.event_id = t.event_id AND p.ticket_type_id = t.id);
    SELECT pg_catalog.jsonb_agg(boxoffice_code.fault(
               'invalid_document', '/ticket_types/' || (t.position - 1) || f.pointer, f.detail)
               ORDER BY t.position)
      INTO faults
      FROM boxoffice_code.ticket_type_faults(event) AS f
      JOIN boxoffice.ticket_type AS t
        ON t.event_id = event_insert_parts.event AND t.id = f.ticket_type;
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_parts IS
'Writes add-ons, bundles and free prices of a new event''s types; refuses what doesn''t go together.';

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_link_unlimited(
    event bigint, ticket_type bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pool bigint;
BEGIN
    SELECT p.id
      INTO pool
      FROM boxoffice.pool AS p
     WHERE p.event_id = ticket_type_link_unlimited.event AND p.key = 'unlimited';
    IF pool IS NULL THEN
        pool := boxoffice_code.new_id();
        INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
        VALUES (event, pool, 'unlimited', 'Unlimited', 'event', NULL, 0);
        INSERT INTO boxoffice.stock (
            event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
            blocked)
        SELECT event, boxoffice_code.new_id(), pool, NULL, pg_catalog.min(g.id), NULL, 0, 0, 0, 0, 0
          FROM boxoffice.inventory_group AS g
         WHERE g.event_id = ticket_type_link_unlimited.event;
    END IF;
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    VALUES (event, ticket_type, pool);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_link_unlimited IS
'Lets a ticket type take from the event''s pool "unlimited", made if it is missing; regroup afterwards.';

-- ---- how answers show them
-- -----------------------------------------------------------------------

-- What a ticket of each type does not go without: the parts of its bundle, and the add-ons that it
-- must have. Nobody must have one that is retired.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_needs(event bigint)
    RETURNS TABLE (ticket_type_id bigint, part_id bigint, quantity integer)
    LANGUAGE sql STABLE
AS $$
    SELECT b.ticket_type_id, b.child_type_id, b.quantity
      FROM boxoffice.ticket_type_bundle AS b
     WHERE b.event_id = ticket_type_needs.event
    UNION ALL
    SELECT a.parent_type_id, a.ticket_type_id, a.min_per_parent
      FROM boxoffice.ticket_type_addon AS a
      JOIN boxoffice.ticket_type AS t ON t.event_id = a.event_id AND t.id = a.ticket_type_id
     WHERE a.event_id = ticket_type_needs.event
       AND a.min_per_parent > 0
       AND t.status <> 'retired'
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_needs IS
'The parts of bundles and the required add-ons of an event: what a ticket of each type must have with it, and how many.';

-- Which pools a ticket of each type takes from in the session that it is for, and how many places,
-- with all that it needs but passes: these take the same wherever they come from.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_takes(event bigint)
    RETURNS TABLE (ticket_type_id bigint, pool_id bigint, "each" integer)
    LANGUAGE sql STABLE
AS $$
    SELECT taken.ticket_type_id, taken.pool_id, pg_catalog.sum(taken.each)::integer
      FROM (
        SELECT p.ticket_type_id, p.pool_id, 1 AS each
          FROM boxoffice.ticket_type_pool AS p
         WHERE p.event_id = ticket_type_takes.event
        UNION ALL
        SELECT n.ticket_type_id, p.pool_id, n.quantity
          FROM boxoffice_code.ticket_type_needs(ticket_type_takes.event) AS n
          JOIN boxoffice.ticket_type AS c
            ON c.event_id = ticket_type_takes.event AND c.id = n.part_id AND c.admits = 'session'
          JOIN boxoffice.ticket_type_pool AS p
            ON p.event_id = ticket_type_takes.event AND p.ticket_type_id = n.part_id
      ) AS taken
     GROUP BY taken.ticket_type_id, taken.pool_id
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_takes IS
'Which pools a ticket of each type of an event takes places from, and how many, with the parts and add-ons that it must have; not what passes among these take.';

-- What passes take that tickets of one session must have with them: a place in each of their own
-- sessions. Most events have none such, and then nothing is looked at.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_takes_passes(event bigint)
    RETURNS TABLE (ticket_type_id bigint, stock_id bigint, "each" integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    passes CONSTANT bigint[] := ARRAY(
        SELECT DISTINCT n.part_id
          FROM boxoffice_code.ticket_type_needs(event) AS n
          JOIN boxoffice.ticket_type AS p
            ON p.event_id = ticket_type_takes_passes.event AND p.id = n.part_id
          JOIN boxoffice.ticket_type AS t
            ON t.event_id = p.event_id AND t.id = n.ticket_type_id
         WHERE p.admits = 'all' AND t.admits = 'session');
BEGIN
    IF passes = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT n.ticket_type_id, s.id, pg_catalog.sum(n.quantity)::integer
      FROM boxoffice_code.ticket_type_needs(event) AS n
      JOIN boxoffice.ticket_type AS p
        ON p.event_id = ticket_type_takes_passes.event AND p.id = n.part_id
      JOIN boxoffice.ticket_type AS t
        ON t.event_id = p.event_id AND t.id = n.ticket_type_id AND t.admits = 'session'
      JOIN boxoffice.ticket_type_pool AS l ON l.event_id = p.event_id AND l.ticket_type_id = p.id
      JOIN boxoffice.stock AS s ON s.event_id = l.event_id AND s.pool_id = l.pool_id
     WHERE p.id = ANY (passes)
       AND (p.all_sessions OR s.session_id IS NULL OR EXISTS (
            SELECT FROM boxoffice.ticket_type_session AS x
             WHERE x.event_id = p.event_id
               AND x.ticket_type_id = p.id
               AND x.session_id = s.session_id))
     GROUP BY n.ticket_type_id, s.id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_takes_passes IS
'Which stock rows the passes take from that tickets of each type for one session must have, and how many.';

-- How much the passes leave of these types; types without are left out.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_left_passes(event bigint, exact boolean)
    RETURNS TABLE (ticket_type_id bigint, available integer, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH taken AS MATERIALIZED (
        SELECT * FROM boxoffice_code.ticket_type_takes_passes(event)
    )
    SELECT k.ticket_type_id, pg_catalog.min(n.available / k.each),
           pg_catalog.max(CASE WHEN n.available < k.each THEN GREATEST(n.state, 2)
                               ELSE n.state END)
      FROM taken AS k
      JOIN boxoffice_code.stock_now(
               event, ARRAY(SELECT DISTINCT x.stock_id FROM taken AS x), exact) AS n
        ON n.id = k.stock_id
     GROUP BY k.ticket_type_id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_left_passes IS
'How many tickets for one session can be had as far as the passes go that they must have, and the state of these, as in boxoffice_code.stock_now.';

-- In which of some sessions types are not sold: they themselves, or something that they need.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_absent(event bigint, sessions bigint[])
    RETURNS TABLE (ticket_type_id bigint, session_id bigint)
    LANGUAGE sql STABLE
AS $$
    SELECT DISTINCT n.ticket_type_id, wanted.id
      FROM boxoffice.ticket_type AS t
     CROSS JOIN LATERAL (
        SELECT t.id AS ticket_type_id
        UNION ALL
        SELECT k.ticket_type_id
          FROM boxoffice_code.ticket_type_needs(ticket_type_absent.event) AS k
         WHERE k.part_id = t.id
      ) AS n
     CROSS JOIN pg_catalog.unnest(sessions) AS wanted (id)
     WHERE t.event_id = ticket_type_absent.event
       AND t.admits = 'session'
       AND NOT t.all_sessions
       AND NOT EXISTS (
            SELECT FROM boxoffice.ticket_type_session AS x
             WHERE x.event_id = ticket_type_absent.event
               AND x.ticket_type_id = t.id
               AND x.session_id = wanted.id)
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_absent IS
'In which of these sessions ticket types are not sold, or a part or an add-on that they must have is not.';

-- While all sessions are open, and from when until when, in which a ticket of a type takes a place
-- without naming them: those of passes, the type itself or what it needs. A hold asks the same.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_passes(event bigint)
    RETURNS TABLE (
        ticket_type_id bigint, active boolean, sale_starts_at timestamptz,
        sale_ends_at timestamptz)
    LANGUAGE sql STABLE
AS $$
    SELECT n.ticket_type_id,
           pg_catalog.bool_and(s.status = 'open'),
           pg_catalog.max(s.sale_starts_at),
           pg_catalog.min(LEAST(
               s.sale_ends_at, s.starts_at + s.sale_close_offset_ms * '1 ms'::interval))
      FROM (
        SELECT t.id AS ticket_type_id, t.id AS pass_id
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = ticket_type_passes.event
        UNION
        SELECT k.ticket_type_id, k.part_id
          FROM boxoffice_code.ticket_type_needs(ticket_type_passes.event) AS k
      ) AS n
      JOIN boxoffice.ticket_type AS p
        ON p.event_id = ticket_type_passes.event AND p.id = n.pass_id AND p.admits = 'all'
      JOIN boxoffice.session AS s
        ON s.event_id = p.event_id
       AND (p.all_sessions OR EXISTS (
            SELECT FROM boxoffice.ticket_type_session AS x
             WHERE x.event_id = p.event_id
               AND x.ticket_type_id = p.id
               AND x.session_id = s.id))
     WHERE EXISTS (
            SELECT FROM boxoffice.ticket_type_pool AS l
              JOIN boxoffice.pool AS o ON o.event_id = l.event_id AND o.id = l.pool_id
             WHERE l.event_id = p.event_id
               AND l.ticket_type_id = p.id
               AND o.scope = 'session')
     GROUP BY n.ticket_type_id
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_passes IS
'Of the types of an event that take places in sessions without naming them: whether all of these are open, and their sale windows as one.';

-- How much is left of a pass: as much as of the scarcest of all that it takes from.
CREATE OR REPLACE FUNCTION boxoffice_code.pass_availability(
    event bigint, ticket_type bigint, exact boolean)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH part AS (
            SELECT pass_availability.ticket_type AS id, 1 AS quantity
            UNION ALL
            SELECT n.part_id, n.quantity
              FROM boxoffice_code.ticket_type_needs(pass_availability.event) AS n
             WHERE n.ticket_type_id = pass_availability.ticket_type
        ), taken AS (
            SELECT s.id, pg_catalog.sum(p.quantity)::integer AS each
              FROM part AS p
              JOIN boxoffice.ticket_type AS t
                ON t.event_id = pass_availability.event AND t.id = p.id
              JOIN boxoffice.ticket_type_pool AS l
                ON l.event_id = t.event_id AND l.ticket_type_id = t.id
              JOIN boxoffice.stock AS s ON s.event_id = l.event_id AND s.pool_id = l.pool_id
             WHERE t.all_sessions OR s.session_id IS NULL OR EXISTS (
                    SELECT FROM boxoffice.ticket_type_session AS x
                     WHERE x.event_id = t.event_id
                       AND x.ticket_type_id = t.id
                       AND x.session_id = s.session_id)
             GROUP BY s.id
             LIMIT 1001
        ), left_of AS (
            SELECT pg_catalog.min(n.available / k.each) AS available,
                   pg_catalog.max(CASE WHEN n.available < k.each THEN GREATEST(n.state, 2)
                                       ELSE n.state END) AS state
              FROM boxoffice_code.stock_now(
                       event, (SELECT pg_catalog.array_agg(taken.id) FROM taken), exact) AS n
              JOIN taken AS k ON k.id = n.id
        )
        SELECT CASE WHEN exact
                    THEN pg_catalog.json_build_object(
                        'state', boxoffice_code.stock_state_name(l.state),
                        'available', l.available)
                    ELSE pg_catalog.json_build_object(
                        'state', boxoffice_code.stock_state_name(l.state)) END
          FROM left_of AS l);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pass_availability IS
'What the public sees of how much is left of a ticket type that admits to all sessions; with a number if exact.';

-- The types that an add-on is sold with. The public is told of those only that it is shown.
CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_addon_json(
    event bigint, ticket_type bigint, shown boolean)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'ticket_type', p.key, 'min', a.min_per_parent, 'max', a.max_per_parent)
                   ORDER BY p.position, p.id), '[]'::json)
          FROM boxoffice.ticket_type_addon AS a
          JOIN boxoffice.ticket_type AS p ON p.event_id = a.event_id AND p.id = a.parent_type_id
         WHERE a.event_id = ticket_type_addon_json.event
           AND a.ticket_type_id = ticket_type_addon_json.ticket_type
           AND (NOT shown OR NOT p.hidden AND p.status <> 'retired'));
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_addon_json IS
'The ticket types that one is an add-on to.';

CREATE OR REPLACE FUNCTION boxoffice_code.ticket_type_bundle_json(event bigint, ticket_type bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'ticket_type', c.key, 'quantity', b.quantity, 'share_ppm', b.share_ppm)
                   ORDER BY c.position, c.id), '[]'::json)
          FROM boxoffice.ticket_type_bundle AS b
          JOIN boxoffice.ticket_type AS c ON c.event_id = b.event_id AND c.id = b.child_type_id
         WHERE b.event_id = ticket_type_bundle_json.event
           AND b.ticket_type_id = ticket_type_bundle_json.ticket_type);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_type_bundle_json IS
'What comes with a ticket type that is a bundle.';

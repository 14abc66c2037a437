-- Events as answers show them, how much of them is left, and what stands in the way of selling
-- them.
--
-- What answers are made of is PL/pgSQL rather than SQL: its plans stay with the session, while
-- those of an SQL function that is not inlined are made anew at each call (measured: three to four
-- times the time, for an event with 20 sessions).

-- How full stock rows are: available (NULL: unlimited) and a state, as a number so that the worst
-- of several is their maximum: 0 available, 1 low (a tenth or less), 2 all_held, 3 sold_out. What
-- has expired counts as free. Claims are looked at only where the counters alone don't tell: where
-- little is left, or the number must be exact.
CREATE OR REPLACE FUNCTION boxoffice_code.stock_now(event bigint, stocks bigint[], exact boolean)
    RETURNS TABLE (id bigint, available integer, state integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH counted AS MATERIALIZED (
        SELECT s.id, s.group_id, s.capacity::bigint + s.overbook AS places,
               s.held::bigint + s.pending AS waiting,
               s.held::bigint + s.pending + s.blocked AS losable,
               s.held::bigint + s.pending + s.sold + s.blocked AS taken
          FROM boxoffice.stock AS s
         WHERE s.event_id = stock_now.event AND s.id = ANY (stocks)
    ), lapsed AS MATERIALIZED (
        SELECT stock.id, pg_catalog.sum(c.quantity)::bigint AS quantity,
               pg_catalog.sum(c.quantity) FILTER (WHERE c.state <> 'blocked') AS waiting
          FROM (
            SELECT DISTINCT n.group_id
              FROM counted AS n
             WHERE n.losable > 0 AND (exact OR (n.places - n.taken) * 10 <= n.places)
          ) AS short
          JOIN boxoffice.claim AS c
            ON c.event_id = stock_now.event
           AND c.group_id = short.group_id
           AND c.state IN ('held', 'pending', 'blocked')
           AND c.expires_at <= (SELECT boxoffice_code.clock())
         CROSS JOIN LATERAL pg_catalog.unnest(c.stock_ids) AS stock (id)
         GROUP BY stock.id
    ), free AS (
        SELECT n.id, n.places, n.waiting - COALESCE(l.waiting, 0) AS waiting,
               CASE WHEN n.places IS NOT NULL
                    THEN GREATEST(n.places - n.taken + COALESCE(l.quantity, 0), 0)
               END AS places_free
          FROM counted AS n
          LEFT JOIN lapsed AS l ON l.id = n.id
    )
    SELECT f.id, f.places_free::integer,
           CASE WHEN f.places IS NULL THEN 0
                WHEN f.places_free = 0 AND f.waiting > 0 THEN 2
                WHEN f.places_free = 0 THEN 3
                WHEN f.places_free * 10 <= f.places THEN 1
                ELSE 0 END
      FROM free AS f;
END
$$;
COMMENT ON FUNCTION boxoffice_code.stock_now IS
'How many places stock rows have now, with what has expired, and a state: 0 available, 1 low, 2 all_held, 3 sold_out.';

CREATE OR REPLACE FUNCTION boxoffice_code.stock_state_name(state integer)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ('{available,low,all_held,sold_out}'::text[])[state + 1]
$$;
COMMENT ON FUNCTION boxoffice_code.stock_state_name IS
'The word for a state of boxoffice_code.stock_now.';

-- ---- the public's view
-- ---------------------------------------------------------------------------

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
                   'buyer_limit', t.buyer_limit)
                   ORDER BY t.position, t.id), '[]'::json)
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id AND t.status <> 'retired' AND NOT t.hidden);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_json IS
'The ticket types that the public sees, in the order in which to show them.';

CREATE OR REPLACE FUNCTION boxoffice_code.organizer_public_json(organizer bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_build_object('id', o.id::text, 'slug', o.slug, 'name', o.name)
          FROM boxoffice.organizer AS o
         WHERE o.id = organizer_public_json.organizer);
END
$$;
COMMENT ON FUNCTION boxoffice_code.organizer_public_json IS
'Whose event it is, as the public sees it.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_json(event boxoffice.event, sessions bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_build_object(
            'id', event.id::text,
            'slug', event.slug,
            'name', event.name,
            'description', event.description,
            'status', event.status,
            'test', event.test,
            'organizer', boxoffice_code.organizer_public_json(event.organizer_id),
            'venue', (SELECT boxoffice_code.venue_json(v)
                        FROM boxoffice.venue AS v
                       WHERE v.id = event.venue_id),
            'currency', event.currency,
            'zone', event.zone,
            'locale', event.locale,
            'sale_starts_at', boxoffice_code.local_time(event.sale_starts_at, event.zone),
            'sale_ends_at', boxoffice_code.local_time(event.sale_ends_at, event.zone),
            'max_per_order', event.max_per_order,
            'buyer_limit', event.buyer_limit,
            'ticket_types', boxoffice_code.ticket_types_json(event),
            'sessions', boxoffice_code.sessions_json(event, sessions),
            'session_count', (SELECT pg_catalog.count(*)
                                FROM boxoffice.session AS s
                               WHERE s.event_id = event.id)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_json IS
'An event as everybody may see it, with these sessions.';

-- ---- the organizer's view
-- ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.pools_own_json(event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', p.id::text,
                   'key', p.key,
                   'name', p.name,
                   'scope', p.scope,
                   'capacity', p.capacity,
                   'overbook', p.overbook,
                   'held', COALESCE(c.held, 0),
                   'pending', COALESCE(c.pending, 0),
                   'sold', COALESCE(c.sold, 0),
                   'blocked', COALESCE(c.blocked, 0))
                   ORDER BY p.id), '[]'::json)
          FROM boxoffice.pool AS p
          LEFT JOIN (
            SELECT s.pool_id, pg_catalog.sum(s.held) AS held, pg_catalog.sum(s.pending) AS pending,
                   pg_catalog.sum(s.sold) AS sold, pg_catalog.sum(s.blocked) AS blocked
              FROM boxoffice.stock AS s
             WHERE s.event_id = pools_own_json.event
             GROUP BY s.pool_id
          ) AS c ON c.pool_id = p.id
         WHERE p.event_id = pools_own_json.event);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pools_own_json IS
'The pools of an event with their counts over all stock, as its organizer sees them.';

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
                   'buyer_limit', t.buyer_limit)
                   ORDER BY t.position, t.id), '[]'::json)
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.ticket_types_own_json IS
'The ticket types of an event as its organizer sees them.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_own_json(event boxoffice.event)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_build_object(
            'id', event.id::text,
            'organizer', event.organizer_id::text,
            'slug', event.slug,
            'short_code', event.short_code,
            'name', event.name,
            'description', event.description,
            'status', event.status,
            'test', event.test,
            'currency', event.currency,
            'zone', event.zone,
            'locale', event.locale,
            'venue', (SELECT boxoffice_code.venue_json(v)
                        FROM boxoffice.venue AS v
                       WHERE v.id = event.venue_id),
            'sale_starts_at', boxoffice_code.local_time(event.sale_starts_at, event.zone),
            'sale_ends_at', boxoffice_code.local_time(event.sale_ends_at, event.zone),
            'max_per_order', event.max_per_order,
            'buyer_limit', event.buyer_limit,
            'hold_ttl_seconds', event.hold_ttl_ms / 1000,
            'hold_extend_max_seconds', event.hold_extend_max_ms / 1000,
            'payment_term', CASE WHEN event.payment_term_days IS NULL
                THEN pg_catalog.json_build_object('minutes', event.payment_term_minutes)
                ELSE pg_catalog.json_build_object('days', event.payment_term_days) END,
            'payment_grace_seconds', event.payment_grace_ms / 1000,
            'late_payment', event.late_payment,
            'show_quantity', event.show_quantity,
            'version', event.version,
            'created_at', boxoffice_code.local_time(event.created_at, event.zone),
            'updated_at', boxoffice_code.local_time(event.updated_at, event.zone),
            'published_at', boxoffice_code.local_time(event.published_at, event.zone),
            'sessions', boxoffice_code.sessions_own_json(event),
            'session_count', (SELECT pg_catalog.count(*)
                                FROM boxoffice.session AS s
                               WHERE s.event_id = event.id),
            'pools', boxoffice_code.pools_own_json(event.id),
            'ticket_types', boxoffice_code.ticket_types_own_json(event)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_own_json IS 'An event as its organizer sees it.';

-- ---- changing an event
-- ---------------------------------------------------------------------------

-- The event, locked for a change, if the caller may make it and it is still the version that they
-- looked at. if_match is the header: one or several ETags, or *.
CREATE OR REPLACE FUNCTION boxoffice_code.event_lock(
    event bigint, if_match text, VARIADIC roles text[])
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    SELECT *
      INTO found
      FROM boxoffice.event AS e
     WHERE e.id = event_lock.event
       FOR NO KEY UPDATE;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    PERFORM boxoffice_code.require_member(found.organizer_id, VARIADIC roles);
    IF if_match <> '*' AND NOT pg_catalog.format('"%s"', found.version) = ANY (
        pg_catalog.regexp_split_to_array(pg_catalog.btrim(if_match), '\s*,\s*')) THEN
        PERFORM boxoffice_code.refuse('precondition_failed');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_lock IS
'Locks an event for a change; refuses strangers and who looked at another version.';

-- Writes the new status of a locked event, the next version, and a note for the outbox.
CREATE OR REPLACE FUNCTION boxoffice_code.event_set_status(
    event boxoffice.event, status text, topic text)
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed boxoffice.event;
    now timestamptz := boxoffice_code.clock();
BEGIN
    UPDATE boxoffice.event AS e
       SET status = event_set_status.status,
           version = e.version + 1,
           updated_at = now,
           published_at = CASE WHEN event_set_status.status = 'published'
                               THEN COALESCE(e.published_at, now)
                               ELSE e.published_at END
     WHERE e.id = event.id
    RETURNING * INTO changed;
    PERFORM boxoffice_code.outbox_add(changed.id, topic, changed.id);
    RETURN changed;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_set_status IS
'Writes the new status of a locked event, the next version, and a note for the outbox.';

-- What stands in the way of selling an event; pointers are into its organizer's view.
CREATE OR REPLACE FUNCTION boxoffice_code.event_sale_faults(event bigint)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('invalid_document', '/sessions',
               'No session is left to be sold: all are over or not open.')
     WHERE NOT EXISTS (
        SELECT FROM boxoffice.session AS s
         WHERE s.event_id = event_sale_faults.event
           AND s.status = 'open'
           AND s.starts_at + s.sale_close_offset_ms * '1 ms'::interval > boxoffice_code.clock())
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/ticket_types',
               'No ticket type is active.')
     WHERE NOT EXISTS (
        SELECT FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event_sale_faults.event AND t.status = 'active')
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/ticket_types/' || t.place || '/pools',
               'The ticket type takes from no pool, so it cannot be sold.')
      FROM (
        SELECT x.*, pg_catalog.row_number() OVER (ORDER BY x.position, x.id) - 1 AS place
          FROM boxoffice.ticket_type AS x
         WHERE x.event_id = event_sale_faults.event
      ) AS t
     WHERE t.status = 'active'
       AND NOT EXISTS (
        SELECT FROM boxoffice.ticket_type_pool AS p
         WHERE p.event_id = t.event_id AND p.ticket_type_id = t.id)
$$;
COMMENT ON FUNCTION boxoffice_code.event_sale_faults IS
'What stands in the way of selling an event.';

-- Locks all inventory groups of an event, in the order in which everybody locks them.
CREATE OR REPLACE FUNCTION boxoffice_code.event_lock_groups(event bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.count(*)
      FROM (
        SELECT g.id
          FROM boxoffice.inventory_group AS g
         WHERE g.event_id = event_lock_groups.event
         ORDER BY g.id
           FOR NO KEY UPDATE
      ) AS locked
$$;
COMMENT ON FUNCTION boxoffice_code.event_lock_groups IS 'Locks all inventory groups of an event.';

-- The deadline of every hold that stands is now. What it took is reclaimed as any expired hold's
-- is.
CREATE OR REPLACE FUNCTION boxoffice_code.event_end_holds(event bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now timestamptz;
BEGIN
    PERFORM boxoffice_code.event_lock_groups(event);
    now := boxoffice_code.clock();
    WITH ended AS (
        UPDATE boxoffice.claim AS c
           SET expires_at = now
         WHERE c.event_id = event_end_holds.event AND c.state = 'held' AND c.expires_at > now
        RETURNING c.owner_id
    )
    UPDATE boxoffice.hold AS h
       SET expires_at = now
      FROM (SELECT DISTINCT e.owner_id FROM ended AS e) AS e
     WHERE h.event_id = event_end_holds.event
       AND h.id = e.owner_id
       AND h.status = 'active'
       AND h.expires_at > now;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_end_holds IS
'Makes now the deadline of all holds of an event.';

-- ---- a whole event in one document
-- ---------------------------------------------------------------

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

-- What is wrong with the event itself.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_event(organizer bigint, document jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('already_exists', '/slug', 'An event has this slug.')
     WHERE EXISTS (
        SELECT FROM boxoffice.event_slug AS s WHERE s.slug = document ->> 'slug')
    UNION ALL
    SELECT boxoffice_code.fault('already_exists', '/short_code', 'An event has this code.')
     WHERE EXISTS (
        SELECT FROM boxoffice.event_code AS c WHERE c.code = document ->> 'short_code')
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/currency', 'The currency is not known.')
     WHERE NOT EXISTS (
        SELECT FROM boxoffice.currency AS c WHERE c.code = document ->> 'currency')
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/zone', 'The time zone is not known.')
     WHERE NOT boxoffice_code.zone_known(document ->> 'zone')
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/venue', 'The organizer has no such venue.')
     WHERE document ->> 'venue' IS NOT NULL
       AND boxoffice_code.venue_find(organizer, document ->> 'venue') IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/sale_ends_at',
               'The sale ends before it starts.')
     WHERE (document ->> 'sale_ends_at')::timestamptz
           <= (document ->> 'sale_starts_at')::timestamptz
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/hold_extend_max_seconds',
               'It is less than hold_ttl_seconds.')
     WHERE (document ->> 'hold_extend_max_seconds')::bigint
           < (document ->> 'hold_ttl_seconds')::bigint
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_event IS
'What is wrong with a new event''s document outside its parts.';

-- A slug nobody has, made from the name: "Fête 2027!" becomes fete-2027, or fete-2027-2.
CREATE OR REPLACE FUNCTION boxoffice_code.slug_make(name text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH base AS (
        SELECT COALESCE(NULLIF(pg_catalog.btrim(pg_catalog.left(
                   pg_catalog.regexp_replace(plain.name, '[^a-z0-9]+', '-', 'g'), 50),
                   '-'), ''), 'event') AS slug
          FROM (
            SELECT pg_catalog.regexp_replace(
                       pg_catalog.lower(pg_catalog.normalize(slug_make.name, 'NFKD')),
                       '[\u0300-\u036f]', '', 'g') AS name
          ) AS plain
    )
    SELECT tried.slug
      FROM base AS b
     CROSS JOIN pg_catalog.generate_series(1, 1000) AS n
     CROSS JOIN LATERAL (
        SELECT b.slug || CASE WHEN n = 1 THEN '' ELSE '-' || n END AS slug
      ) AS tried
     WHERE NOT EXISTS (SELECT FROM boxoffice.event_slug AS s WHERE s.slug = tried.slug)
     ORDER BY n
     LIMIT 1
$$;
COMMENT ON FUNCTION boxoffice_code.slug_make IS 'A slug that no event has, made from a name.';

-- A short code nobody has: the first letters of the name, or random ones. No look-alikes (0 O 1 I).
CREATE OR REPLACE FUNCTION boxoffice_code.short_code_make(name text)
    RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    alphabet CONSTANT text := 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
    tried text := pg_catalog.left(
        pg_catalog.regexp_replace(pg_catalog.upper(name), '[^A-HJ-NP-Z2-9]', '', 'g'), 6);
BEGIN
    FOR round IN 1 .. 100 LOOP
        IF pg_catalog.length(tried) >= 3 AND NOT EXISTS (
            SELECT FROM boxoffice.event_code AS c WHERE c.code = tried) THEN
            RETURN tried;
        END IF;
        SELECT pg_catalog.string_agg(
                   pg_catalog.substr(alphabet, 1 + (pg_catalog.random() * 31)::integer, 1), '')
          INTO tried
          FROM pg_catalog.generate_series(1, 6);
    END LOOP;
    RAISE EXCEPTION 'no short code is free'
        USING ERRCODE = 'program_limit_exceeded';
END
$$;
COMMENT ON FUNCTION boxoffice_code.short_code_make IS 'A short code that no event has.';

-- The row of a new event, and its entries in the directories of slugs and codes.
CREATE OR REPLACE FUNCTION boxoffice_code.event_insert(organizer bigint, document jsonb)
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.event;
    ttl_ms CONSTANT bigint := (document ->> 'hold_ttl_seconds')::bigint * 1000;
BEGIN
    made.id := boxoffice_code.new_id();
    made.organizer_id := organizer;
    made.slug := COALESCE(document ->> 'slug', boxoffice_code.slug_make(document ->> 'name'));
    made.short_code := COALESCE(document ->> 'short_code',
                                boxoffice_code.short_code_make(document ->> 'name'));
    made.name := document ->> 'name';
    made.description := document ->> 'description';
    made.status := 'draft';
    made.test := document -> 'test';
    made.currency := document ->> 'currency';
    made.zone := document ->> 'zone';
    made.locale := document ->> 'locale';
    made.venue_id := boxoffice_code.venue_find(organizer, document ->> 'venue');
    made.sale_starts_at := document ->> 'sale_starts_at';
    made.sale_ends_at := document ->> 'sale_ends_at';
    made.max_per_order := document ->> 'max_per_order';
    made.buyer_limit := document ->> 'buyer_limit';
    made.hold_ttl_ms := ttl_ms;
    made.hold_extend_max_ms := COALESCE((document ->> 'hold_extend_max_seconds')::bigint * 1000,
                                        LEAST(ttl_ms * 11, 604800000));
    made.payment_term_days := document #>> '{payment_term,days}';
    made.payment_term_minutes := CASE WHEN made.payment_term_days IS NULL
        THEN COALESCE(document #>> '{payment_term,minutes}', '30')::integer END;
    made.payment_grace_ms := (document ->> 'payment_grace_seconds')::bigint * 1000;
    made.late_payment := document -> 'late_payment';
    made.show_quantity := document -> 'show_quantity';
    made.version := 1;
    made.created_at := boxoffice_code.clock();
    made.updated_at := made.created_at;
    INSERT INTO boxoffice.event SELECT made.*;
    INSERT INTO boxoffice.event_slug (slug, event_id) VALUES (made.slug, made.id);
    INSERT INTO boxoffice.event_code (code, event_id) VALUES (made.short_code, made.id);
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert IS
'Writes the row of a new event and its entries in the directories of slugs and codes.';

-- Stock: one row per session for a pool per session, one for a pool of the event. All start in one
-- group; which groups there are is found by inventory_regroup.
CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_pools(event bigint, pools jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    SELECT event, boxoffice_code.new_id(), p.key, p.name, p.scope, p.capacity,
           COALESCE(p.overbook, 0)
      FROM pg_catalog.jsonb_to_recordset(pools) AS p (
               key text, name text, scope text, capacity integer, overbook integer);

    INSERT INTO boxoffice.inventory_group (event_id, id) VALUES (event, boxoffice_code.new_id());

    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT event, boxoffice_code.new_id(), place.pool_id, place.session_id, g.id, place.capacity,
           place.overbook, 0, 0, 0, 0
      FROM (
        SELECT p.id AS pool_id, s.id AS session_id, p.capacity, p.overbook
          FROM boxoffice.pool AS p
          LEFT JOIN boxoffice.session AS s ON s.event_id = p.event_id AND p.scope = 'session'
         WHERE p.event_id = event
         ORDER BY p.id, s.starts_at, s.id
      ) AS place
     CROSS JOIN (
        SELECT i.id FROM boxoffice.inventory_group AS i WHERE i.event_id = event LIMIT 1
      ) AS g;
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert_pools IS
'Writes pools of a new event and their stock rows.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_insert_types(event bigint, types jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.ticket_type (
        event_id, id, key, name, description, kind, price, fee, status, hidden, all_sessions,
        sale_starts_at, sale_ends_at, min_per_order, max_per_order, buyer_limit, position)
    SELECT event, boxoffice_code.new_id(), t.key, t.name, t.description,
           COALESCE(t.kind, 'admission'), t.price, COALESCE(t.fee, 0), 'active',
           COALESCE(t.hidden, false),
           COALESCE(pg_catalog.jsonb_typeof(t.sessions), 'null') = 'null',
           t.sale_starts_at, t.sale_ends_at, COALESCE(t.min_per_order, 1), t.max_per_order,
           t.buyer_limit, t.n
      FROM ROWS FROM (pg_catalog.jsonb_to_recordset(types) AS (
               key text, name text, description text, kind text, price bigint, fee bigint,
               hidden boolean, sessions jsonb, sale_starts_at timestamptz,
               sale_ends_at timestamptz, min_per_order integer, max_per_order integer,
               buyer_limit integer))
           WITH ORDINALITY
           AS t (key, name, description, kind, price, fee, hidden, sessions, sale_starts_at,
                 sale_ends_at, min_per_order, max_per_order, buyer_limit, n);

    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    SELECT event, t.id, p.id
      FROM pg_catalog.jsonb_to_recordset(types) AS named (key text, pools jsonb)
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.key = named.key
     CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(named.pools) AS pool (key)
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

-- ---- finding
-- -------------------------------------------------------------------------------------

-- A public event by id or slug. A slug may look like an id; the id comes first.
CREATE OR REPLACE FUNCTION boxoffice_code.event_find(ref text)
    RETURNS boxoffice.event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    IF ref ~ '^[0-9]{1,18}$' THEN
        SELECT * INTO found FROM boxoffice.event AS e WHERE e.id = ref::bigint;
    END IF;
    IF found.id IS NULL THEN
        SELECT e.*
          INTO found
          FROM boxoffice.event_slug AS s
          JOIN boxoffice.event AS e ON e.id = s.event_id
         WHERE s.slug = ref;
    END IF;
    IF found.status = 'draft' THEN
        RETURN NULL;
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_find IS
'The event with this id or slug as the public may find it; NULL if there is none.';

-- Events that are on, the newest first: at most so many, older than an id. What is over is left
-- out.
CREATE OR REPLACE FUNCTION boxoffice_code.event_page(
    organizer bigint, before bigint, wanted integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
BEGIN
    IF organizer IS NULL THEN
        RETURN ARRAY(
            SELECT e.id
              FROM boxoffice.event AS e
             WHERE e.status IN ('published', 'paused') AND e.id < before AND e.ends_at >= now
             ORDER BY e.id DESC
             LIMIT wanted);
    END IF;
    RETURN ARRAY(
        SELECT e.id
          FROM boxoffice.event AS e
         WHERE e.organizer_id = organizer
           AND e.status IN ('published', 'paused')
           AND e.id < before
           AND e.ends_at >= now
         ORDER BY e.id DESC
         LIMIT wanted);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_page IS 'Ids of events that are on, the newest first.';

CREATE OR REPLACE FUNCTION boxoffice_code.stocks_json(event bigint, stocks bigint[])
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'id', s.id::text,
                   'pool', p.key,
                   'session', session.key,
                   'capacity', s.capacity,
                   'overbook', s.overbook,
                   'held', s.held,
                   'pending', s.pending,
                   'sold', s.sold,
                   'blocked', s.blocked,
                   'available', n.available,
                   'state', boxoffice_code.stock_state_name(n.state))
                   ORDER BY s.id)
          FROM boxoffice.stock AS s
          JOIN boxoffice.pool AS p ON p.event_id = s.event_id AND p.id = s.pool_id
          LEFT JOIN boxoffice.session AS session
            ON session.event_id = s.event_id AND session.id = s.session_id
          JOIN boxoffice_code.stock_now(event, stocks, true) AS n ON n.id = s.id
         WHERE s.event_id = stocks_json.event AND s.id = ANY (stocks));
END
$$;
COMMENT ON FUNCTION boxoffice_code.stocks_json IS 'Stock rows as their organizer sees them.';

-- Copies of what an event has, into a new one: parts are found again by their keys.
--
-- Rows are copied whole but for what is named here, so that a column that a table gets later is
-- copied too; what must not be copied is named. Stock alone names its columns: what is counted
-- starts at nothing.

-- A time moved by the local clock: ten in the evening stays ten in the evening, across a change to
-- summer time too. What is not moved stays the same instant, in an hour that comes twice as well.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_time(at timestamptz, zone text, shift interval)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN shift = '0'::interval THEN at
                ELSE boxoffice_code.local_instant((at AT TIME ZONE zone) + shift, zone) END
$$;
COMMENT ON FUNCTION boxoffice_code.clone_time IS 'A time moved by the local clock of its zone.';

-- How far the dates of a clone move: by days, or so that the first session starts at a time.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_shift(
    event boxoffice.event, starts_at timestamptz, days integer)
    RETURNS interval
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN starts_at IS NULL THEN pg_catalog.make_interval(days => COALESCE(days, 0))
                ELSE (starts_at AT TIME ZONE event.zone)
                     - ((SELECT s.starts_at
                           FROM boxoffice.session AS s
                          WHERE s.event_id = event.id AND s.status <> 'cancelled'
                          ORDER BY s.starts_at, s.id
                          LIMIT 1) AT TIME ZONE event.zone) END
$$;
COMMENT ON FUNCTION boxoffice_code.clone_shift IS 'How far the dates of a clone move.';

CREATE OR REPLACE FUNCTION boxoffice_code.clone_event(
    event boxoffice.event, changes jsonb, shift interval)
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.event := event;
BEGIN
    made.id := boxoffice_code.new_id();
    made.name := COALESCE(changes ->> 'name', event.name);
    made.slug := COALESCE(changes ->> 'slug', boxoffice_code.slug_make(made.name));
    made.short_code := COALESCE(changes ->> 'short_code',
                                boxoffice_code.short_code_make(made.name));
    made.test := COALESCE((changes ->> 'test')::boolean, event.test);
    made.status := 'draft';
    made.sale_starts_at := boxoffice_code.clone_time(event.sale_starts_at, event.zone, shift);
    made.sale_ends_at := boxoffice_code.clone_time(event.sale_ends_at, event.zone, shift);
    made.version := 1;
    made.created_at := boxoffice_code.clock();
    made.updated_at := made.created_at;
    made.published_at := NULL;
    made.session_count := 0;
    PERFORM boxoffice_code.event_add(made);
    PERFORM boxoffice_code.event_claim_names(made);
    PERFORM boxoffice_code.event_write_tags(
        made.id, boxoffice_code.event_tags_json(event.id)::jsonb);
    PERFORM boxoffice_code.event_write_images(
        made.id, boxoffice_code.event_images_json(event.id)::jsonb);
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.clone_event IS
'Writes the row of a clone, with tags and images: a draft at its first version, with names of its own.';

-- Sessions that are not cancelled, open for sale.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_sessions(event bigint, made bigint, shift interval)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH copied AS MATERIALIZED (
        SELECT pg_catalog.jsonb_populate_record(s, pg_catalog.jsonb_build_object(
                   'event_id', made,
                   'id', boxoffice_code.new_id(),
                   'status', 'open',
                   'starts_at', moved.starts_at,
                   'ends_at', CASE WHEN s.ends_at IS NOT NULL THEN GREATEST(moved.starts_at,
                       boxoffice_code.clone_time(s.ends_at, s.zone, shift)) END,
                   'original_starts_at', NULL,
                   'sale_starts_at', boxoffice_code.clone_time(s.sale_starts_at, s.zone, shift),
                   'sale_ends_at', boxoffice_code.clone_time(s.sale_ends_at, s.zone, shift)))
               AS row
          FROM boxoffice.session AS s
         CROSS JOIN LATERAL (
            SELECT boxoffice_code.clone_time(s.starts_at, s.zone, shift) AS starts_at
          ) AS moved
         WHERE s.event_id = event AND s.status <> 'cancelled'
         ORDER BY s.id
    )
    INSERT INTO boxoffice.session SELECT (c.row).* FROM copied AS c;
    SELECT boxoffice_code.event_note_sessions(made);
$$;
COMMENT ON FUNCTION boxoffice_code.clone_sessions IS
'Copies the sessions of an event, moved in time, without those that are cancelled.';

CREATE OR REPLACE FUNCTION boxoffice_code.clone_pools(event bigint, made bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH copied AS MATERIALIZED (
        SELECT pg_catalog.jsonb_populate_record(p, pg_catalog.jsonb_build_object(
                   'event_id', made, 'id', boxoffice_code.new_id())) AS row
          FROM boxoffice.pool AS p
         WHERE p.event_id = event
         ORDER BY p.id
    )
    INSERT INTO boxoffice.pool SELECT (c.row).* FROM copied AS c
$$;
COMMENT ON FUNCTION boxoffice_code.clone_pools IS 'Copies the pools of an event.';

-- Ticket types that are not retired, and what they take from.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_types(
    event boxoffice.event, made bigint, shift interval)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH copied AS MATERIALIZED (
        SELECT pg_catalog.jsonb_populate_record(t, pg_catalog.jsonb_build_object(
                   'event_id', made,
                   'id', boxoffice_code.new_id(),
                   'used', false,
                   'sale_starts_at',
                   boxoffice_code.clone_time(t.sale_starts_at, event.zone, shift),
                   'sale_ends_at',
                   boxoffice_code.clone_time(t.sale_ends_at, event.zone, shift))) AS row
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id AND t.status <> 'retired'
         ORDER BY t.id
    )
    INSERT INTO boxoffice.ticket_type SELECT (c.row).* FROM copied AS c;
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    SELECT made, u.id, q.id
      FROM boxoffice.ticket_type_pool AS l
      JOIN boxoffice.ticket_type AS t ON t.event_id = event.id AND t.id = l.ticket_type_id
      JOIN boxoffice.ticket_type AS u ON u.event_id = made AND u.key = t.key
      JOIN boxoffice.pool AS p ON p.event_id = event.id AND p.id = l.pool_id
      JOIN boxoffice.pool AS q ON q.event_id = made AND q.key = p.key
     WHERE l.event_id = event.id;
    INSERT INTO boxoffice.ticket_type_addon (
        event_id, ticket_type_id, parent_type_id, min_per_parent, max_per_parent)
    SELECT made, u.id, v.id, a.min_per_parent, a.max_per_parent
      FROM boxoffice.ticket_type_addon AS a
      JOIN boxoffice.ticket_type AS t ON t.event_id = event.id AND t.id = a.ticket_type_id
      JOIN boxoffice.ticket_type AS u ON u.event_id = made AND u.key = t.key
      JOIN boxoffice.ticket_type AS r ON r.event_id = event.id AND r.id = a.parent_type_id
      JOIN boxoffice.ticket_type AS v ON v.event_id = made AND v.key = r.key
     WHERE a.event_id = event.id;
    INSERT INTO boxoffice.ticket_type_bundle (
        event_id, ticket_type_id, child_type_id, quantity, share_ppm)
    SELECT made, u.id, v.id, b.quantity, b.share_ppm
      FROM boxoffice.ticket_type_bundle AS b
      JOIN boxoffice.ticket_type AS t ON t.event_id = event.id AND t.id = b.ticket_type_id
      JOIN boxoffice.ticket_type AS u ON u.event_id = made AND u.key = t.key
      JOIN boxoffice.ticket_type AS r ON r.event_id = event.id AND r.id = b.child_type_id
      JOIN boxoffice.ticket_type AS v ON v.event_id = made AND v.key = r.key
     WHERE b.event_id = event.id;
$$;
COMMENT ON FUNCTION boxoffice_code.clone_types IS
'Copies the ticket types of an event with their pools, add-ons and bundles, without those that are retired.';

-- Stock rows with the capacities that they have now, each in its group from the beginning: the
-- clone's own types say which pools are joined. Each session is found by its key (OFFSET 0), since
-- statistics know nothing of rows that were written a moment ago.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_stock(event bigint, made bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH pool AS MATERIALIZED (
        SELECT p.id AS old_id, q.id, g.set_id, g.whole_event
          FROM boxoffice_code.inventory_sets(made) AS g
          JOIN boxoffice.pool AS q ON q.event_id = made AND q.id = g.pool_id
          JOIN boxoffice.pool AS p ON p.event_id = event AND p.key = q.key
    ), place AS MATERIALIZED (
        SELECT k.id AS old_id, p.id AS pool_id, n.id AS session_id, k.capacity, k.overbook,
               p.set_id, CASE WHEN NOT p.whole_event THEN n.id END AS apart,
               boxoffice_code.new_id() AS fresh
          FROM boxoffice.stock AS k
          JOIN pool AS p ON p.old_id = k.pool_id
          LEFT JOIN LATERAL (
            SELECT y.id
              FROM boxoffice.session AS x
              JOIN boxoffice.session AS y ON y.event_id = made AND y.key = x.key
             WHERE x.event_id = event AND x.id = k.session_id
            OFFSET 0
          ) AS n ON true
         WHERE k.event_id = event AND (k.session_id IS NULL OR n.id IS NOT NULL)
    ), grouped AS MATERIALIZED (
        SELECT p.*, pg_catalog.min(p.fresh) OVER (PARTITION BY p.set_id, p.apart) AS group_id
          FROM place AS p
    ), made_groups AS (
        INSERT INTO boxoffice.inventory_group (event_id, id)
        SELECT DISTINCT made, g.group_id FROM grouped AS g
    )
    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT made, boxoffice_code.new_id(), g.pool_id, g.session_id, g.group_id, g.capacity,
           g.overbook, 0, 0, 0, 0
      FROM grouped AS g
     ORDER BY g.old_id
$$;
COMMENT ON FUNCTION boxoffice_code.clone_stock IS
'Copies the capacities of an event, each stock row in its inventory group; nothing is taken of it.';

-- In which sessions types are sold, and at what other price.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_type_sessions(event bigint, made bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
    SELECT made, u.id, n.id
      FROM boxoffice.ticket_type_session AS x
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.id = x.ticket_type_id
      JOIN boxoffice.ticket_type AS u ON u.event_id = made AND u.key = t.key
      JOIN boxoffice.session AS s ON s.event_id = event AND s.id = x.session_id
      JOIN boxoffice.session AS n ON n.event_id = made AND n.key = s.key
     WHERE x.event_id = event;
    INSERT INTO boxoffice.session_price (event_id, ticket_type_id, session_id, price)
    SELECT made, u.id, n.id, x.price
      FROM boxoffice.session_price AS x
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.id = x.ticket_type_id
      JOIN boxoffice.ticket_type AS u ON u.event_id = made AND u.key = t.key
      JOIN boxoffice.session AS s ON s.event_id = event AND s.id = x.session_id
      JOIN boxoffice.session AS n ON n.event_id = made AND n.key = s.key
     WHERE x.event_id = event;
$$;
COMMENT ON FUNCTION boxoffice_code.clone_type_sessions IS
'Copies in which sessions ticket types are sold, and their prices there.';

-- Blocks that still keep places: the same quantities, as far as what they name was copied.
CREATE OR REPLACE FUNCTION boxoffice_code.clone_blocks(
    event boxoffice.event, made bigint, shift interval)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.count(api.block_create(
               event => made, channel => b.channel, reason => b.reason, items => b.items,
               release_at => boxoffice_code.clone_time(b.release_at, event.zone, shift)))
      FROM (
        SELECT x.id, x.channel, x.reason, x.release_at,
               pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'ticket_type', t.key,
                   'pool', CASE WHEN t.key IS NULL THEN p.key END,
                   'session', n.key,
                   'quantity', c.quantity)) ORDER BY c.line) AS items
          FROM boxoffice.block AS x
          JOIN boxoffice.claim AS c
            ON c.event_id = x.event_id
           AND c.owner_id = x.id
           AND c.state = 'blocked'
           AND c.quantity > 0
          JOIN boxoffice.stock AS k ON k.event_id = c.event_id AND k.id = c.stock_ids[1]
          JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
          LEFT JOIN boxoffice.ticket_type AS o
            ON o.event_id = c.event_id AND o.id = c.ticket_type_id
          LEFT JOIN boxoffice.ticket_type AS t ON t.event_id = made AND t.key = o.key
          LEFT JOIN boxoffice.session AS s ON s.event_id = c.event_id AND s.id = c.session_id
          LEFT JOIN boxoffice.session AS n ON n.event_id = made AND n.key = s.key
         WHERE x.event_id = event.id
           AND (o.id IS NULL OR t.id IS NOT NULL)
           AND (s.id IS NULL OR n.id IS NOT NULL)
         GROUP BY x.id, x.channel, x.reason, x.release_at
         ORDER BY x.id
      ) AS b
$$;
COMMENT ON FUNCTION boxoffice_code.clone_blocks IS
'Makes the blocks of an event anew in its clone.';

-- Events as answers show them, and what stands in the way of selling them.
--
-- What answers are made of is PL/pgSQL rather than SQL: its plans stay with the session, while
-- those of an SQL function that is not inlined are made anew at each call (measured: three to four
-- times the time, for an event with 20 sessions).

CREATE OR REPLACE FUNCTION boxoffice_code.event_tags_json(event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(t.tag ORDER BY t.position), '[]'::json)
          FROM boxoffice.event_tag AS t
         WHERE t.event_id = event_tags_json.event);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_tags_json IS 'The tags of an event, in their order.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_images_json(event bigint)
    RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(pg_catalog.json_agg(
                   pg_catalog.json_build_object('url', i.url, 'alt', i.alt) ORDER BY i.position),
                   '[]'::json)
          FROM boxoffice.event_image AS i
         WHERE i.event_id = event_images_json.event);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_images_json IS
'The images of an event, in their order.';

-- ---- the public's view
-- ---------------------------------------------------------------------------

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

CREATE OR REPLACE FUNCTION boxoffice_code.event_json(
    event boxoffice.event, sessions bigint[], sessions_next text)
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
            'summary', event.summary,
            'description', event.description,
            'category', event.category,
            'tags', boxoffice_code.event_tags_json(event.id),
            'images', boxoffice_code.event_images_json(event.id),
            'status', event.status,
            'test', event.test,
            'organizer', boxoffice_code.organizer_public_json(event.organizer_id),
            'venue', (SELECT boxoffice_code.venue_json(v)
                        FROM boxoffice.venue AS v
                       WHERE v.id = event.venue_id),
            'currency', event.currency,
            'zone', event.zone,
            'locale', event.locale,
            'sale_starts_at', boxoffice_code.time_text(event.sale_starts_at, event.zone),
            'sale_ends_at', boxoffice_code.time_text(event.sale_ends_at, event.zone),
            'max_per_order', event.max_per_order,
            'buyer_limit', event.buyer_limit,
            'ticket_types', boxoffice_code.ticket_types_json(event),
            'sessions', boxoffice_code.sessions_json(event, sessions),
            'sessions_next', sessions_next,
            'session_count', (SELECT e.session_count
                                FROM boxoffice.event AS e
                               WHERE e.id = event.id),
            'links', pg_catalog.json_build_object(
                'sessions', pg_catalog.format('/v1/events/%s/sessions', event.id),
                'days', pg_catalog.format('/v1/events/%s/sessions/days', event.id))));
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_json IS
'An event as everybody may see it, with these sessions and the cursor of those after them.';

-- ---- the organizer's view
-- ------------------------------------------------------------------------

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
            'summary', event.summary,
            'description', event.description,
            'category', event.category,
            'tags', boxoffice_code.event_tags_json(event.id),
            'images', boxoffice_code.event_images_json(event.id),
            'status', event.status,
            'test', event.test,
            'currency', event.currency,
            'zone', event.zone,
            'locale', event.locale,
            'venue', (SELECT boxoffice_code.venue_json(v)
                        FROM boxoffice.venue AS v
                       WHERE v.id = event.venue_id),
            'sale_starts_at', boxoffice_code.time_text(event.sale_starts_at, event.zone),
            'sale_ends_at', boxoffice_code.time_text(event.sale_ends_at, event.zone),
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
            'approval', event.approval,
            'version', event.version,
            'created_at', boxoffice_code.time_text(event.created_at, event.zone),
            'updated_at', boxoffice_code.time_text(event.updated_at, event.zone),
            'published_at', boxoffice_code.time_text(event.published_at, event.zone),
            'sessions', boxoffice_code.sessions_own_json(event),
            'session_count', (SELECT e.session_count
                                FROM boxoffice.event AS e
                               WHERE e.id = event.id),
            'pools', boxoffice_code.pools_own_json(event.id),
            'ticket_types', boxoffice_code.ticket_types_own_json(event)));
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_own_json IS 'An event as its organizer sees it.';

-- ---- changing an event
-- ---------------------------------------------------------------------------

-- The event, if the caller may look at what only its organizer sees.
CREATE OR REPLACE FUNCTION boxoffice_code.event_seen(event bigint)
    RETURNS boxoffice.event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.event;
BEGIN
    SELECT * INTO found FROM boxoffice.event AS e WHERE e.id = event_seen.event;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    PERFORM boxoffice_code.require_member(found.organizer_id);
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_seen IS
'The event, for its organizer''s people and support; refuses strangers.';

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
    PERFORM boxoffice_code.require_match(if_match, pg_catalog.format('"%s"', found.version));
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_lock IS
'Locks an event for a change; refuses strangers and who looked at another version.';

-- Writes the new status of a locked event, the next version, and notes for ledger and outbox.
CREATE OR REPLACE FUNCTION boxoffice_code.event_set_status(
    event boxoffice.event, status text, topic text)
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE boxoffice.event AS e
       SET status = event_set_status.status,
           published_at = CASE WHEN event_set_status.status = 'published'
                               THEN COALESCE(e.published_at, boxoffice_code.clock())
                               ELSE e.published_at END
     WHERE e.id = event.id;
    RETURN boxoffice_code.event_changed(
        event.id,
        CASE event_set_status.status
            WHEN 'published' THEN
                CASE event.status WHEN 'paused' THEN 'event_resume' ELSE 'event_publish' END
            WHEN 'paused' THEN 'event_pause'
            WHEN 'cancelled' THEN 'event_cancel'
            ELSE 'event_unpublish' END,
        topic => topic);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_set_status IS
'Writes the new status of a locked event, the next version, and notes for ledger and outbox.';

-- Whether the event was ever ordered from: then its codes, its currency and its zone stay. Under
-- the locks of its groups nobody is ordering meanwhile.
CREATE OR REPLACE FUNCTION boxoffice_code.event_has_orders(event bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM boxoffice.order AS o WHERE o.event_id = event_has_orders.event)
$$;
COMMENT ON FUNCTION boxoffice_code.event_has_orders IS
'Whether anybody ever ordered from an event.';

-- Whether places are held, whose prices were told.
CREATE OR REPLACE FUNCTION boxoffice_code.event_has_holds(event bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM boxoffice.claim AS c
         WHERE c.event_id = event_has_holds.event
           AND c.state IN ('held', 'pending', 'blocked')    -- what the index has
           AND c.state <> 'blocked')
$$;
COMMENT ON FUNCTION boxoffice_code.event_has_holds IS
'Whether places of an event are held or wait for a payment, lapsed ones that nobody took back included.';

-- The payment term that a patch makes of the event's: minutes take the place of days, and days of
-- minutes. NULL unless it is one of the two then.
CREATE OR REPLACE FUNCTION boxoffice_code.payment_term_patched(event boxoffice.event, patch jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN (m.term ? 'minutes') <> (m.term ? 'days') THEN m.term END
      FROM (
        SELECT pg_catalog.jsonb_strip_nulls(
                   CASE WHEN patch ->> 'minutes' IS NOT NULL OR patch ->> 'days' IS NOT NULL
                        THEN '{}'
                        ELSE pg_catalog.jsonb_build_object('minutes', event.payment_term_minutes,
                                                           'days', event.payment_term_days) END
                   || patch) AS term
      ) AS m
$$;
COMMENT ON FUNCTION boxoffice_code.payment_term_patched IS
'The payment term that a patch makes of an event''s; NULL if the patch leaves none or both.';

-- The event as a patch makes it, in memory. What has a column of its name and type is taken as it
-- is.
CREATE OR REPLACE FUNCTION boxoffice_code.event_patched(event boxoffice.event, patch jsonb)
    RETURNS boxoffice.event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    extend_default CONSTANT boolean := event.hold_extend_max_ms
        = LEAST(event.hold_ttl_ms::bigint * 11, 604800000);
    term CONSTANT jsonb := boxoffice_code.payment_term_patched(event, patch -> 'payment_term');
    patched boxoffice.event;
BEGIN
    patched := pg_catalog.jsonb_populate_record(event, patch - 'payment_term');
    IF patch ? 'venue' THEN
        patched.venue_id := boxoffice_code.venue_find(event.organizer_id, patch ->> 'venue');
    END IF;
    IF patch ? 'hold_ttl_seconds' THEN
        patched.hold_ttl_ms := (patch ->> 'hold_ttl_seconds')::bigint * 1000;
    END IF;
    IF patch ->> 'hold_extend_max_seconds' IS NOT NULL THEN
        patched.hold_extend_max_ms := (patch ->> 'hold_extend_max_seconds')::bigint * 1000;
    ELSIF extend_default OR patch ? 'hold_extend_max_seconds' THEN
        patched.hold_extend_max_ms := LEAST(patched.hold_ttl_ms::bigint * 11, 604800000);
    END IF;
    IF patch ? 'payment_grace_seconds' THEN
        patched.payment_grace_ms := (patch ->> 'payment_grace_seconds')::bigint * 1000;
    END IF;
    IF term IS NOT NULL THEN
        patched.payment_term_minutes := term ->> 'minutes';
        patched.payment_term_days := term ->> 'days';
    END IF;
    RETURN patched;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_patched IS
'An event as a patch of its settings makes it; writes nothing.';

-- What the state of the event refuses: what buyers were told in an order stays true.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_ordered(
    event boxoffice.event, patched boxoffice.event)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('in_use', '/currency',
               'Orders or holds have prices in the currency that it has.')
     WHERE patched.currency <> event.currency
       AND (boxoffice_code.event_has_orders(event.id) OR boxoffice_code.event_has_holds(event.id))
    UNION ALL
    SELECT boxoffice_code.fault('in_use', '/short_code', 'Orders have codes that begin with it.')
     WHERE patched.short_code <> event.short_code AND boxoffice_code.event_has_orders(event.id)
    UNION ALL
    SELECT boxoffice_code.fault('in_use', '/zone', 'Orders were told times in the old zone.')
     WHERE patched.zone <> event.zone AND boxoffice_code.event_has_orders(event.id)
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_ordered IS
'What of a patch of an event is refused because there are orders.';

-- What is wrong with an event as a patch makes it.
CREATE OR REPLACE FUNCTION boxoffice_code.event_faults_patch(
    event boxoffice.event, patched boxoffice.event, patch jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('already_exists', '/slug', 'Another event has or had this slug.')
     WHERE EXISTS (
        SELECT FROM boxoffice.event_slug AS s
         WHERE s.slug = patched.slug AND s.event_id <> event.id)
    UNION ALL
    SELECT boxoffice_code.fault('in_use', '/slug',
               'The event has had 20 slugs, which all lead to it.')
     WHERE patched.slug <> event.slug
       AND (SELECT pg_catalog.count(*)
              FROM boxoffice.event_slug AS s
             WHERE s.event_id = event.id AND s.slug <> patched.slug) >= 20
    UNION ALL
    SELECT boxoffice_code.fault('already_exists', '/short_code', 'An event has this code.')
     WHERE EXISTS (
        SELECT FROM boxoffice.event_code AS c
         WHERE c.code = patched.short_code AND c.event_id <> event.id)
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/currency', 'The currency is not known.')
     WHERE NOT EXISTS (SELECT FROM boxoffice.currency AS c WHERE c.code = patched.currency)
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/zone', 'The time zone is not known.')
     WHERE NOT boxoffice_code.zone_known(patched.zone)
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/venue', 'The organizer has no such venue.')
     WHERE patch ->> 'venue' IS NOT NULL AND patched.venue_id IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/sale_ends_at',
               'The sale ends before it starts.')
     WHERE patched.sale_ends_at <= patched.sale_starts_at
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/hold_extend_max_seconds',
               'It is less than hold_ttl_seconds.')
     WHERE patched.hold_extend_max_ms < patched.hold_ttl_ms
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/payment_term', 'It is minutes or days.')
     WHERE patch ? 'payment_term'
       AND boxoffice_code.payment_term_patched(event, patch -> 'payment_term') IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/max_per_order',
               'A ticket type has a minimum that is more.')
     WHERE patched.max_per_order IS DISTINCT FROM event.max_per_order
       AND EXISTS (
        SELECT FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id
           AND t.status <> 'retired'
           AND t.min_per_order > patched.max_per_order)
$$;
COMMENT ON FUNCTION boxoffice_code.event_faults_patch IS
'What is wrong with an event as a patch makes it.';

-- Writes a locked event as it was patched, its directories, tags and images. A draft that nobody
-- could see gives its old slug back; of any other all slugs that it had lead to it. Sessions that
-- had the event's zone follow it; their times stay the same instants.
CREATE OR REPLACE FUNCTION boxoffice_code.event_write(
    event boxoffice.event, patched boxoffice.event, patch jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF patched.slug <> event.slug AND event.published_at IS NULL THEN
        DELETE FROM boxoffice.event_slug AS s WHERE s.slug = event.slug;
    END IF;
    IF patched.short_code <> event.short_code THEN
        DELETE FROM boxoffice.event_code AS c WHERE c.code = event.short_code;
    END IF;
    IF patched.slug <> event.slug OR patched.short_code <> event.short_code THEN
        PERFORM boxoffice_code.event_claim_names(patched);
    END IF;
    IF patched.zone <> event.zone THEN
        UPDATE boxoffice.session AS s
           SET zone = patched.zone
         WHERE s.event_id = event.id AND s.zone = event.zone;
    END IF;
    UPDATE boxoffice.event AS e
       SET slug = patched.slug,
           short_code = patched.short_code,
           name = patched.name,
           summary = patched.summary,
           description = patched.description,
           category = patched.category,
           currency = patched.currency,
           zone = patched.zone,
           locale = patched.locale,
           venue_id = patched.venue_id,
           sale_starts_at = patched.sale_starts_at,
           sale_ends_at = patched.sale_ends_at,
           max_per_order = patched.max_per_order,
           buyer_limit = patched.buyer_limit,
           hold_ttl_ms = patched.hold_ttl_ms,
           hold_extend_max_ms = patched.hold_extend_max_ms,
           payment_term_minutes = patched.payment_term_minutes,
           payment_term_days = patched.payment_term_days,
           payment_grace_ms = patched.payment_grace_ms,
           late_payment = patched.late_payment,
           show_quantity = patched.show_quantity,
           approval = patched.approval
     WHERE e.id = event.id;
    IF event.buyer_limit IS NULL AND patched.buyer_limit IS NOT NULL THEN
        PERFORM boxoffice_code.buyer_recount(event.id, 0, patched.buyer_limit);
    END IF;
    IF patch ? 'tags' THEN
        PERFORM boxoffice_code.event_write_tags(event.id, patch -> 'tags');
    END IF;
    IF patch ? 'images' THEN
        PERFORM boxoffice_code.event_write_images(event.id, patch -> 'images');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_write IS
'Writes a locked event as a patch made it; under the locks of all groups where the patch sets a limit per buyer.';

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

-- Whether anything of the event was ordered, is held or waits for its payment, once what has
-- expired was taken back. Under the locks of its groups, which this takes.
CREATE OR REPLACE FUNCTION boxoffice_code.event_is_taken(event bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stocks bigint[];
BEGIN
    PERFORM boxoffice_code.event_lock_groups(event);
    IF boxoffice_code.event_has_orders(event) THEN
        RETURN true;
    END IF;
    stocks := ARRAY(
        SELECT s.id
          FROM boxoffice.stock AS s
         WHERE s.event_id = event_is_taken.event AND s.held + s.pending > 0
         ORDER BY s.id);
    IF stocks <> '{}' THEN
        PERFORM boxoffice_code.stock_reclaim(event, stocks,
            pg_catalog.array_fill(0::bigint, ARRAY[pg_catalog.cardinality(stocks)]));
    END IF;
    RETURN EXISTS (
        SELECT FROM boxoffice.stock AS s
         WHERE s.event_id = event_is_taken.event AND s.held + s.pending + s.sold > 0);
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_is_taken IS
'Locks an event''s groups, takes back what has expired, and tells whether anything was ordered or is held.';

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
                       E'[\\u0300-\\u036f]', '', 'g') AS name
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
        pg_catalog.regexp_replace(
            pg_catalog.upper(pg_catalog.normalize(
                pg_catalog.replace(short_code_make.name, 'ß', 'ss'), 'NFKD')),
            '[^A-HJ-NP-Z2-9]', '', 'g'), 6);
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

-- Takes the event's slug and short code in their directories. What another transaction took since
-- the event was checked is refused here.
CREATE OR REPLACE FUNCTION boxoffice_code.event_claim_names(event boxoffice.event)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO boxoffice.event_slug (slug, event_id) VALUES (event.slug, event.id)
        ON CONFLICT ON CONSTRAINT event_slug_pkey DO NOTHING;
    INSERT INTO boxoffice.event_code (code, event_id) VALUES (event.short_code, event.id)
        ON CONFLICT ON CONSTRAINT event_code_pkey DO NOTHING;
    IF NOT EXISTS (
        SELECT FROM boxoffice.event_slug AS s WHERE s.slug = event.slug AND s.event_id = event.id)
    THEN
        PERFORM boxoffice_code.refuse('already_exists', '/slug', '{}', 'An event has this slug.');
    END IF;
    IF NOT EXISTS (
        SELECT FROM boxoffice.event_code AS c
         WHERE c.code = event.short_code AND c.event_id = event.id)
    THEN
        PERFORM boxoffice_code.refuse('already_exists', '/short_code', '{}',
            'An event has this code.');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_claim_names IS
'Enters an event''s slug and short code in their directories; refuses those of another event.';

-- Replaces the tags: small letters, single blanks, each once. Two spellings of one are one tag.
CREATE OR REPLACE FUNCTION boxoffice_code.event_write_tags(event bigint, tags jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM boxoffice.event_tag AS t WHERE t.event_id = event;
    INSERT INTO boxoffice.event_tag (event_id, tag, position)
    SELECT event, n.tag, pg_catalog.row_number() OVER (ORDER BY pg_catalog.min(n.position))
      FROM (
        SELECT pg_catalog.lower(pg_catalog.normalize(pg_catalog.btrim(
                   pg_catalog.regexp_replace(x.tag, E'\\s+', ' ', 'g')))) AS tag,
               x.position
          FROM pg_catalog.jsonb_array_elements_text(
                   CASE pg_catalog.jsonb_typeof(tags) WHEN 'array' THEN tags ELSE '[]' END)
               WITH ORDINALITY AS x (tag, position)
      ) AS n
     WHERE n.tag <> ''
     GROUP BY n.tag
$$;
COMMENT ON FUNCTION boxoffice_code.event_write_tags IS 'Replaces the tags of an event.';

CREATE OR REPLACE FUNCTION boxoffice_code.event_write_images(event bigint, images jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM boxoffice.event_image AS i WHERE i.event_id = event;
    INSERT INTO boxoffice.event_image (event_id, position, url, alt)
    SELECT event, i.position, i.url, i.alt
      FROM ROWS FROM (pg_catalog.jsonb_to_recordset(
               CASE pg_catalog.jsonb_typeof(images) WHEN 'array' THEN images ELSE '[]' END)
               AS (url text, alt text))
           WITH ORDINALITY AS i (url, alt, position)
$$;
COMMENT ON FUNCTION boxoffice_code.event_write_images IS 'Replaces the images of an event.';

-- By name, so that a column of a DBA's gets its default.
CREATE OR REPLACE FUNCTION boxoffice_code.event_add(made boxoffice.event)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.event (
        id, organizer_id, slug, short_code, name, description, status, test, currency, zone,
        locale, venue_id, sale_starts_at, sale_ends_at, max_per_order, buyer_limit, hold_ttl_ms,
        hold_extend_max_ms, payment_term_minutes, payment_term_days, payment_grace_ms,
        late_payment, show_quantity, version, created_at, updated_at, published_at, starts_at,
        ends_at, approval, summary, category, session_count)
    VALUES (
        made.id, made.organizer_id, made.slug, made.short_code, made.name, made.description,
        made.status, made.test, made.currency, made.zone, made.locale, made.venue_id,
        made.sale_starts_at, made.sale_ends_at, made.max_per_order, made.buyer_limit,
        made.hold_ttl_ms, made.hold_extend_max_ms, made.payment_term_minutes,
        made.payment_term_days, made.payment_grace_ms, made.late_payment, made.show_quantity,
        made.version, made.created_at, made.updated_at, made.published_at, made.starts_at,
        made.ends_at, made.approval, made.summary, made.category, made.session_count)
$$;
COMMENT ON FUNCTION boxoffice_code.event_add IS 'Writes the row of an event that is new.';

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
    made.summary := document ->> 'summary';
    made.description := document ->> 'description';
    made.category := document ->> 'category';
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
    made.approval := document -> 'approval';
    made.session_count := 0;
    made.version := 1;
    made.created_at := boxoffice_code.clock();
    made.updated_at := made.created_at;
    PERFORM boxoffice_code.event_add(made);
    PERFORM boxoffice_code.event_claim_names(made);
    PERFORM boxoffice_code.event_write_tags(made.id, document -> 'tags');
    PERFORM boxoffice_code.event_write_images(made.id, document -> 'images');
    RETURN made;
END
$$;
COMMENT ON FUNCTION boxoffice_code.event_insert IS
'Writes the row of a new event and its entries in the directories of slugs and codes.';

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
    IF ref ~ '^[1-9][0-9]{0,17}$' THEN
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


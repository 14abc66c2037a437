-- Import from pretix: how its documents become an event, its catalogue and its orders.
--
-- Shapes are those of pretix's REST API (doc/api/resources/{events,items,quotas,subevents,orders}).
-- What maps:
--
--   event         event, a draft in its currency and zone; one session, or one a sub-event
--   item          ticket type, one for each variation: keys item-ID and item-ID-VARIATION
--   quota         pool of the event; in a series those with the same members are one pool with a
--                 stock row a session. A session without such a quota is unlimited in that pool,
--                 and a type is sold in the sessions where it has a quota: pretix's minimum rule
--   order         order, code and ticket codes kept, so that what is printed stays valid
--   fee           no order has fees of its own here: it is spread over the order's tickets
--   refund        comes off the payments, the last first: the ledger begins with what was left
--
-- Each function here takes its part and returns what it did as report lines (pretix_line).

-- ---- small things
-- ---------------------------------------------------------------------------------------------

-- One line of the report. Notes make it changed; no id that it became, left.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_line(
    kind text, reference text, pointer text, became bigint, notes text[])
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_build_object(
        'kind', kind,
        'reference', reference,
        'pointer', pointer,
        'state', CASE WHEN became IS NULL THEN 'left'
                      WHEN n.notes = '{}' THEN 'taken'
                      ELSE 'changed' END,
        'became', became::text,
        'notes', pg_catalog.to_jsonb(n.notes))
      FROM (SELECT pg_catalog.array_remove(notes, NULL) AS notes) AS n
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_line IS 'A line of an import''s report.';

-- A text that pretix has in several languages: the wanted one, its base, English, or the first.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_text(value jsonb, locale text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE pg_catalog.jsonb_typeof(value)
        WHEN 'string' THEN NULLIF(pg_catalog.btrim(value #>> '{}'), '')
        WHEN 'object' THEN (
            SELECT t.text
              FROM pg_catalog.jsonb_each_text(value) AS t (language, text)
             WHERE NULLIF(pg_catalog.btrim(t.text), '') IS NOT NULL
             ORDER BY t.language = locale DESC,
                      t.language = pg_catalog.split_part(locale, '-', 1) DESC,
                      t.language = 'en' DESC, t.language
             LIMIT 1) END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_text IS
'A multi-lingual text of pretix in one language; NULL if it has none.';

-- pretix writes money as "23.00". Half up, as everywhere.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_minor(amount text, currency text)
    RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.round(amount::numeric * pg_catalog.power(10::numeric, c.exponent))::bigint
      FROM boxoffice.currency AS c
     WHERE c.code = currency
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_minor IS
'An amount of pretix in minor units of a currency.';

-- What the report says of an amount that has more digits than its currency; NULL of others.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_rounding(amount text, currency text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'Its price was ' || amount || ': it is rounded to what the currency has.'
      FROM boxoffice.currency AS c
     WHERE c.code = currency
       AND amount::numeric * pg_catalog.power(10::numeric, c.exponent)
           <> boxoffice_code.pretix_minor(amount, currency)
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_rounding IS
'What to note of an amount of pretix that is not the same in minor units of a currency; else NULL.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_note(condition boolean, note text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN condition THEN note END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_note IS 'The note if the condition holds, else NULL.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_ref(event bigint, kind text, reference text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT i.ref_id
          FROM boxoffice.imported AS i
         WHERE i.event_id = pretix_ref.event AND i.source = 'pretix' AND i.kind = pretix_ref.kind
           AND i.reference = pretix_ref.reference);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_ref IS
'What something of pretix became in this event; NULL if it was not imported.';

-- ---- what cannot be imported at all
-- ---------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_faults(document jsonb, zone text, locale text)
    RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.fault('invalid_document', '/event/name', 'The event has no name.')
     WHERE boxoffice_code.pretix_text(document #> '{event,name}', locale) IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference', '/event/currency',
               'The currency is not known.')
     WHERE NOT EXISTS (SELECT FROM boxoffice.currency AS c
                        WHERE c.code = document #>> '{event,currency}')
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/zone',
               'The event names no time zone, so the request must.')
     WHERE zone IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('unknown_reference',
               CASE WHEN document ->> 'zone' IS NULL THEN '/event/timezone' ELSE '/zone' END,
               'The time zone is not known.')
     WHERE NOT boxoffice_code.zone_known(zone)
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/event/date_from',
               'The event has no start.')
     WHERE NOT COALESCE((document #>> '{event,has_subevents}')::boolean, false)
       AND document #>> '{event,date_from}' IS NULL
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', '/subevents',
               'The event is a series, and its dates are missing.')
     WHERE COALESCE((document #>> '{event,has_subevents}')::boolean, false)
       AND pg_catalog.jsonb_array_length(
               boxoffice_code.list_or_none(document -> 'subevents')) = 0
    UNION ALL
    SELECT boxoffice_code.fault('invalid_document', part.name || '/' || (part.n - 1) || '/id',
               'An earlier one has this id.')
      FROM (
        SELECT list.name, e.n, pg_catalog.row_number() OVER (
                   PARTITION BY list.name, e.element ->> 'id' ORDER BY e.n) AS use
          FROM (VALUES ('/items', document -> 'items'), ('/quotas', document -> 'quotas'),
                       ('/subevents', document -> 'subevents')) AS list (name, elements)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(
               boxoffice_code.list_or_none(list.elements)) WITH ORDINALITY AS e (element, n)
      ) AS part
     WHERE part.use > 1
    UNION ALL
    SELECT boxoffice_code.fault('amount_too_large', price.pointer, 'No ticket costs so much.')
      FROM (
        SELECT p.pointer, COALESCE(p.detail ->> 'price', p.detail ->> 'default_price',
                                   p.source ->> 'default_price') AS price
          FROM boxoffice_code.pretix_products(document) AS p
        UNION ALL
        SELECT d.pointer || '/' || list.name || '/' || (o.n - 1) || '/price',
               o.element ->> 'price'
          FROM boxoffice_code.pretix_dates(document) AS d
         CROSS JOIN (VALUES ('item_price_overrides'), ('variation_price_overrides'))
               AS list (name)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(
               boxoffice_code.list_or_none(d.date -> list.name))
               WITH ORDINALITY AS o (element, n)
         WHERE d.series
      ) AS price
     WHERE boxoffice_code.pretix_minor(price.price, document #>> '{event,currency}')
           > 100000000000
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_faults IS
'Why a document of pretix cannot become an event.';

-- ---- the catalogue
-- ---------------------------------------------------------------------------------------------

-- The event, a draft whatever it was.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_event(
    organizer bigint, source jsonb, zone text, locale text)
    RETURNS boxoffice.event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    starts CONSTANT timestamptz := source ->> 'presale_start';
    ends CONSTANT timestamptz := source ->> 'presale_end';
    slug CONSTANT text := source ->> 'slug';
BEGIN
    RETURN boxoffice_code.event_insert(organizer, pg_catalog.jsonb_build_object(
        'name', pg_catalog.left(boxoffice_code.pretix_text(source -> 'name', locale), 200),
        'slug', CASE WHEN slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
                      AND NOT EXISTS (SELECT FROM boxoffice.event_slug AS s
                                       WHERE s.slug = source ->> 'slug')
                     THEN slug END,
        'currency', source ->> 'currency',
        'zone', zone,
        'locale', locale,
        'test', COALESCE((source ->> 'testmode')::boolean, false),
        'sale_starts_at', CASE WHEN ends <= starts THEN NULL ELSE starts END,
        'sale_ends_at', ends,
        'hold_ttl_seconds', 900,
        'payment_grace_seconds', 300,
        'late_payment', true,
        'show_quantity', false,
        'approval', false));
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_event IS
'Writes the row of an event that is imported from pretix.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_event_line(
    made boxoffice.event, source jsonb, locale text)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.pretix_line('event', source ->> 'slug', '/event', made.id, ARRAY[
        boxoffice_code.pretix_note(source ->> 'slug' IS DISTINCT FROM made.slug,
            'The slug is another, as its own is taken or has other signs: ' || made.slug || '.'),
        boxoffice_code.pretix_note((source ->> 'live')::boolean,
            'It was live; it is a draft until you publish it.'),
        boxoffice_code.pretix_note(
            source ->> 'presale_start' IS NOT NULL AND made.sale_starts_at IS NULL,
            'The sale ended before it started: the start was left.'),
        boxoffice_code.pretix_note((source ->> 'is_public')::boolean IS FALSE,
            'It was not listed; once published it is.'),
        boxoffice_code.pretix_note(
            boxoffice_code.pretix_text(source -> 'location', locale) IS NOT NULL,
            'The location was left: name a venue.'),
        boxoffice_code.pretix_note(COALESCE(source -> 'meta_data', '{}') NOT IN ('{}', 'null'),
            'meta_data was left.'),
        boxoffice_code.pretix_note(COALESCE(source -> 'seating_plan', 'null') <> 'null',
            'The seating plan was left.')])
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_event_line IS
'What the report says of an event that was imported.';

-- The dates of a document, or the event itself as its only one (reference 0).
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_dates(document jsonb)
    RETURNS TABLE (reference text, pointer text, date jsonb, series boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '0', '/event', document -> 'event', false
     WHERE NOT COALESCE((document #>> '{event,has_subevents}')::boolean, false)
    UNION ALL
    SELECT s.date ->> 'id', '/subevents/' || (s.n - 1), s.date, true
      FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(document -> 'subevents'))
           WITH ORDINALITY AS s (date, n)
     WHERE COALESCE((document #>> '{event,has_subevents}')::boolean, false)
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_dates IS
'The sub-events of a document of pretix; the event itself if it is no series.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_sessions(
    event boxoffice.event, document jsonb, locale text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lines jsonb;
BEGIN
    WITH date AS (
        SELECT d.*, boxoffice_code.new_id() AS id,
               (d.date ->> 'date_from')::timestamptz AS starts_at,
               (d.date ->> 'date_to')::timestamptz AS ends_at,
               CASE WHEN d.series THEN (d.date ->> 'presale_start')::timestamptz END AS sale_from,
               CASE WHEN d.series THEN (d.date ->> 'presale_end')::timestamptz END AS sale_to
          FROM boxoffice_code.pretix_dates(document) AS d
    ), made AS (
        INSERT INTO boxoffice.session (
            event_id, id, key, name, status, starts_at, ends_at, zone, sale_starts_at,
            sale_ends_at, sale_close_offset_ms)
        SELECT event.id, d.id, CASE WHEN d.series THEN 'date-' || d.reference ELSE 'main' END,
               CASE WHEN d.series THEN pg_catalog.left(
                   boxoffice_code.pretix_text(d.date -> 'name', locale), 200) END,
               CASE WHEN (d.date ->> 'active')::boolean IS FALSE THEN 'paused' ELSE 'open' END,
               d.starts_at, CASE WHEN d.ends_at >= d.starts_at THEN d.ends_at END, event.zone,
               CASE WHEN d.sale_to <= d.sale_from THEN NULL ELSE d.sale_from END, d.sale_to, 0
          FROM date AS d
    ), noted AS (
        INSERT INTO boxoffice.imported (event_id, source, kind, reference, ref_id)
        SELECT event.id, 'pretix', 'session', d.reference, d.id FROM date AS d
    )
    SELECT pg_catalog.jsonb_agg(boxoffice_code.pretix_line(
               'subevent', d.reference, d.pointer, d.id, ARRAY[
                   boxoffice_code.pretix_note((d.date ->> 'active')::boolean IS FALSE,
                       'It was not active: the session is paused.'),
                   boxoffice_code.pretix_note(d.ends_at < d.starts_at,
                       'It ended before it started: the end was left.'),
                   boxoffice_code.pretix_note(d.sale_to <= d.sale_from,
                       'The sale ended before it started: the start was left.'),
                   boxoffice_code.pretix_note((d.date ->> 'is_public')::boolean IS FALSE,
                       'It was not listed; here it is.'),
                   boxoffice_code.pretix_note(EXISTS (
                       SELECT FROM pg_catalog.jsonb_array_elements(
                                  boxoffice_code.list_or_none(d.date -> 'item_price_overrides')
                                  || boxoffice_code.list_or_none(
                                         d.date -> 'variation_price_overrides')) AS o (element)
                        WHERE boxoffice_code.pretix_rounding(
                                  o.element ->> 'price', event.currency) IS NOT NULL),
                       'Prices of its own are rounded to what the currency has.'),
                   boxoffice_code.pretix_note(
                       boxoffice_code.pretix_text(d.date -> 'location', locale) IS NOT NULL,
                       'The location was left: name a venue.')])
               ORDER BY d.id) FILTER (WHERE d.series)
      INTO lines
      FROM date AS d;
    PERFORM boxoffice_code.event_note_sessions(event.id);
    RETURN COALESCE(lines, '[]');
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_sessions IS
'Writes the sessions of an event that is imported from pretix.';

-- What becomes a ticket type: an item, or each variation of one.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_products(document jsonb)
    RETURNS TABLE (item bigint, variation bigint, reference text, pointer text, source jsonb,
        detail jsonb, n bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (i.item ->> 'id')::bigint, (v.variation ->> 'id')::bigint,
           pg_catalog.concat_ws('/', i.item ->> 'id', v.variation ->> 'id'),
           '/items/' || (i.n - 1) || COALESCE('/variations/' || (v.n - 1), ''),
           i.item, v.variation,
           pg_catalog.row_number() OVER (ORDER BY COALESCE((i.item ->> 'position')::integer, 0),
               i.n, COALESCE((v.variation ->> 'position')::integer, 0), v.n)
      FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(document -> 'items'))
           WITH ORDINALITY AS i (item, n)
      LEFT JOIN LATERAL pg_catalog.jsonb_array_elements(
               boxoffice_code.list_or_none(i.item -> 'variations'))
               WITH ORDINALITY AS v (variation, n) ON true
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_products IS
'The items of a document of pretix, one row for each variation.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_types(
    event boxoffice.event, document jsonb, locale text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lines jsonb;
BEGIN
    WITH product AS (
        SELECT p.*, boxoffice_code.new_id() AS id,
               GREATEST(boxoffice_code.pretix_minor(p.amount, event.currency), 0) AS price,
               (p.source ->> 'active')::boolean IS NOT FALSE
                   AND (p.detail ->> 'active')::boolean IS NOT FALSE AS active,
               COALESCE((p.source ->> 'require_voucher')::boolean, false)
                   OR COALESCE((p.source ->> 'hide_without_voucher')::boolean, false) AS hidden,
               COALESCE((p.source ->> 'free_price')::boolean, false) AS free_price,
               (p.source ->> 'available_from')::timestamptz AS sale_from,
               (p.source ->> 'available_until')::timestamptz AS sale_to,
               LEAST(GREATEST((p.source ->> 'min_per_order')::integer, 1), 1000) AS least,
               CASE WHEN (p.source ->> 'max_per_order')::integer > 0
                    THEN LEAST((p.source ->> 'max_per_order')::integer, 1000) END AS most,
               COALESCE(boxoffice_code.pretix_text(p.source -> 'name', locale), p.reference)
                   || COALESCE(' – ' || boxoffice_code.pretix_text(p.detail -> 'value', locale),
                               '') AS name
          FROM (
            SELECT x.*, COALESCE(x.detail ->> 'price', x.detail ->> 'default_price',
                                 x.source ->> 'default_price') AS amount
              FROM boxoffice_code.pretix_products(document) AS x
          ) AS p
    ), made AS (
        INSERT INTO boxoffice.ticket_type (
            event_id, id, key, name, description, kind, price, fee, status, hidden, all_sessions,
            sale_starts_at, sale_ends_at, min_per_order, max_per_order, position, free_price)
        SELECT event.id, p.id, 'item-' || pg_catalog.replace(p.reference, '/', '-'),
               pg_catalog.left(p.name, 200),
               COALESCE(boxoffice_code.pretix_text(p.detail -> 'description', locale),
                        boxoffice_code.pretix_text(p.source -> 'description', locale)),
               CASE WHEN (p.source ->> 'admission')::boolean THEN 'admission'
                    ELSE 'merchandise' END,
               p.price, 0, CASE WHEN p.active THEN 'active' ELSE 'paused' END, p.hidden, true,
               CASE WHEN p.sale_to <= p.sale_from THEN NULL ELSE p.sale_from END, p.sale_to,
               COALESCE(p.least, 1),
               CASE WHEN p.most < p.least THEN p.least ELSE p.most END, p.n, p.free_price
          FROM product AS p
    ), noted AS (
        INSERT INTO boxoffice.imported (event_id, source, kind, reference, ref_id)
        SELECT event.id, 'pretix', 'ticket_type', p.reference, p.id FROM product AS p
    )
    SELECT pg_catalog.jsonb_agg(boxoffice_code.pretix_line(
               'item', p.reference, p.pointer, p.id, ARRAY[
                   boxoffice_code.pretix_note(NOT p.active, 'It was not active: it is paused.'),
                   boxoffice_code.pretix_rounding(p.amount, event.currency),
                   boxoffice_code.pretix_note(p.hidden,
                       'It was sold with a voucher only: it is hidden.'),
                   boxoffice_code.pretix_note(p.sale_to <= p.sale_from,
                       'The sale ended before it started: the start was left.'),
                   boxoffice_code.pretix_note(p.most < p.least,
                       'Its maximum was less than its minimum: it is the minimum.'),
                   boxoffice_code.pretix_note((p.source ->> 'tax_rate')::numeric <> 0,
                       'The tax rate was left; prices are what is paid.'),
                   boxoffice_code.pretix_note((p.source ->> 'require_approval')::boolean,
                       'Approval of each order was left: set it on the ticket type.'),
                   boxoffice_code.pretix_note(pg_catalog.jsonb_array_length(
                       boxoffice_code.list_or_none(p.source -> 'addons')) > 0,
                       'Its add-ons are sold by themselves: name them on the ticket type.'),
                   boxoffice_code.pretix_note(pg_catalog.jsonb_array_length(
                       boxoffice_code.list_or_none(p.source -> 'bundles')) > 0,
                       'Its bundle was left: name it on the ticket type.')])
               ORDER BY p.n)
      INTO lines
      FROM product AS p;
    RETURN COALESCE(lines, '[]');
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_types IS
'Writes the ticket types of an event that is imported from pretix.';

-- Quotas and the pools that they become. In a series the quotas of several dates with the same
-- members are one pool; two such quotas of one date are the first and the second of two pools.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_quotas(event bigint, document jsonb)
    RETURNS TABLE (reference text, pointer text, name text, size integer, session_id bigint,
        members bigint[], use bigint, known boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH quota AS (
        SELECT q.quota ->> 'id' AS reference, '/quotas/' || (q.n - 1) AS pointer,
               pg_catalog.left(COALESCE(NULLIF(q.quota ->> 'name', ''),
                                        'Quota ' || (q.quota ->> 'id')), 200) AS name,
               LEAST((q.quota ->> 'size')::bigint, 100000000)::integer AS size,
               COALESCE(q.quota ->> 'subevent', '0') AS subevent, q.n, ARRAY(
                   SELECT i.ref_id
                     FROM boxoffice_code.pretix_products(document) AS p
                     JOIN boxoffice.imported AS i
                       ON i.event_id = event AND i.source = 'pretix' AND i.kind = 'ticket_type'
                      AND i.reference = p.reference
                    WHERE CASE WHEN p.variation IS NULL
                               THEN q.quota -> 'items' @> pg_catalog.to_jsonb(p.item)
                               ELSE q.quota -> 'variations' @> pg_catalog.to_jsonb(p.variation)
                          END
                    ORDER BY i.ref_id) AS members
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(document -> 'quotas'))
               WITH ORDINALITY AS q (quota, n)
    )
    SELECT q.reference, q.pointer, q.name, q.size,
           boxoffice_code.pretix_ref(event, 'session', q.subevent), q.members,
           pg_catalog.row_number() OVER (PARTITION BY q.subevent, q.members ORDER BY q.n),
           boxoffice_code.pretix_ref(event, 'session', q.subevent) IS NOT NULL
               AND q.members <> '{}'
      FROM quota AS q
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_quotas IS
'The quotas of a document of pretix with the ticket types that their items became.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_pools(
    event boxoffice.event, document jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    series CONSTANT boolean := COALESCE((document #>> '{event,has_subevents}')::boolean, false);
    grouped bigint;
    lines jsonb;
BEGIN
    INSERT INTO boxoffice.inventory_group (event_id, id)
    VALUES (event.id, boxoffice_code.new_id())
    RETURNING id INTO grouped;

    -- a pool for each set of members, and what each quota became
    WITH quota AS (
        SELECT q.*, pg_catalog.min(q.reference::bigint)
                        OVER (PARTITION BY q.members, q.use) AS first
          FROM boxoffice_code.pretix_quotas(event.id, document) AS q
         WHERE q.known
    ), pool AS (
        SELECT q.first, boxoffice_code.new_id() AS id,
               pg_catalog.min(q.name) FILTER (WHERE q.reference::bigint = q.first) AS name,
               CASE WHEN NOT series THEN pg_catalog.min(q.size) END AS capacity,
               (pg_catalog.array_agg(q.members))[1:1] AS members
          FROM quota AS q
         GROUP BY q.first
    ), made AS (
        INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
        SELECT event.id, p.id, 'quota-' || p.first, p.name,
               CASE WHEN series THEN 'session' ELSE 'event' END, p.capacity, 0
          FROM pool AS p
    ), noted AS (
        INSERT INTO boxoffice.imported (event_id, source, kind, reference, ref_id)
        SELECT event.id, 'pretix', 'pool', q.reference, p.id
          FROM quota AS q
          JOIN pool AS p ON p.first = q.first
    ), linked AS (
        INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
        SELECT event.id, m.id, p.id
          FROM pool AS p
         CROSS JOIN LATERAL pg_catalog.unnest(p.members) AS m (id)
    )
    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold,
        blocked)
    SELECT event.id, boxoffice_code.new_id(), p.id, s.id, grouped,
           CASE WHEN series THEN q.size ELSE p.capacity END, 0, 0, 0, 0, 0
      FROM pool AS p
      LEFT JOIN boxoffice.session AS s ON s.event_id = event.id AND series
      LEFT JOIN quota AS q ON q.first = p.first AND q.session_id = s.id;

    SELECT pg_catalog.jsonb_agg(boxoffice_code.pretix_line(
               'quota', q.reference, q.pointer,
               boxoffice_code.pretix_ref(event.id, 'pool', q.reference), ARRAY[
                   boxoffice_code.pretix_note(q.members = '{}',
                       'It has no items that are here, so nothing would take from it.'),
                   boxoffice_code.pretix_note(q.session_id IS NULL,
                       'Its date is not here.')])
               ORDER BY q.reference::bigint)
      INTO lines
      FROM boxoffice_code.pretix_quotas(event.id, document) AS q;
    RETURN COALESCE(lines, '[]');
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_pools IS
'Writes the pools and stock of an event that is imported from pretix.';

-- Types without a quota cannot be sold; they take from a pool of nothing, so that what was sold of
-- them has a place. Returns the lines of a report with a note on those of these types.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_unlinked(event bigint, lines jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    types bigint[] := ARRAY(
        SELECT t.id
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = pretix_take_unlinked.event
           AND NOT EXISTS (SELECT FROM boxoffice.ticket_type_pool AS l
                            WHERE l.event_id = t.event_id AND l.ticket_type_id = t.id)
         ORDER BY t.id);
    closed CONSTANT bigint := boxoffice_code.new_id();
BEGIN
    IF types = '{}' THEN
        RETURN lines;
    END IF;
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    VALUES (event, closed, 'closed', 'Items without a quota', 'event', 0, 0);
    INSERT INTO boxoffice.stock (
        event_id, id, pool_id, group_id, capacity, overbook, held, pending, sold, blocked)
    SELECT event, boxoffice_code.new_id(), closed, g.id, 0, 0, 0, 0, 0, 0
      FROM boxoffice.inventory_group AS g
     WHERE g.event_id = pretix_take_unlinked.event;
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    SELECT event, t.id, closed FROM pg_catalog.unnest(types) AS t (id);
    RETURN (
        SELECT pg_catalog.jsonb_agg(
                   CASE WHEN l.line ->> 'kind' = 'item'
                         AND (l.line ->> 'became')::bigint = ANY (types)
                        THEN l.line || pg_catalog.jsonb_build_object(
                            'state', 'changed',
                            'notes', l.line -> 'notes' || pg_catalog.to_jsonb(
                                'It is in no quota, so it cannot be sold: it takes from the pool '
                                'closed.'::text))
                        ELSE l.line END
                   ORDER BY l.n)
          FROM pg_catalog.jsonb_array_elements(lines) WITH ORDINALITY AS l (line, n));
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_unlinked IS
'Gives the ticket types that no quota covers a pool without places.';

-- What the dates of a series say of single items: not sold there, or at another price.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_overrides(
    event boxoffice.event, document jsonb)
    RETURNS TABLE (session_id bigint, ticket_type_id bigint, disabled boolean, price bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH asked AS (
        SELECT d.reference, o.element,
               p.reference AS product,
               o.element ->> 'price' AS price,
               COALESCE((o.element ->> 'disabled')::boolean, false) AS disabled,
               o.list
          FROM boxoffice_code.pretix_dates(document) AS d
         CROSS JOIN LATERAL (
            SELECT 'item' AS list, e.element
              FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(
                       d.date -> 'item_price_overrides')) AS e (element)
            UNION ALL
            SELECT 'variation', e.element
              FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(
                       d.date -> 'variation_price_overrides')) AS e (element)
         ) AS o
          JOIN boxoffice_code.pretix_products(document) AS p
            ON CASE o.list WHEN 'item' THEN p.item = (o.element ->> 'item')::bigint
                           ELSE p.variation = (o.element ->> 'variation')::bigint END
         WHERE d.series
    )
    SELECT boxoffice_code.pretix_ref(event.id, 'session', a.reference),
           boxoffice_code.pretix_ref(event.id, 'ticket_type', a.product),
           pg_catalog.bool_or(a.disabled),
           -- a variation's price goes before its item's
           (pg_catalog.array_agg(boxoffice_code.pretix_minor(a.price, event.currency)
                                 ORDER BY a.list = 'variation' DESC)
               FILTER (WHERE a.price IS NOT NULL))[1]
      FROM asked AS a
     GROUP BY a.reference, a.product
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_overrides IS
'What dates of a series say of single ticket types: whether they are not sold there, and their price.';

-- In a series a type is sold where a quota covers it and nothing disables it.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_overrides(
    event boxoffice.event, document jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO boxoffice.session_price (event_id, session_id, ticket_type_id, price)
    SELECT event.id, o.session_id, o.ticket_type_id, o.price
      FROM boxoffice_code.pretix_overrides(event, document) AS o
     WHERE o.price >= 0;

    WITH covered AS (
        SELECT DISTINCT m.id AS ticket_type_id, q.session_id
          FROM boxoffice_code.pretix_quotas(event.id, document) AS q
         CROSS JOIN LATERAL pg_catalog.unnest(q.members) AS m (id)
         WHERE q.known
        EXCEPT
        SELECT o.ticket_type_id, o.session_id
          FROM boxoffice_code.pretix_overrides(event, document) AS o
         WHERE o.disabled
    ), part AS (
        SELECT t.id
          FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event.id
           AND (SELECT pg_catalog.count(*) FROM covered AS c WHERE c.ticket_type_id = t.id)
               < (SELECT pg_catalog.count(*) FROM boxoffice.session AS s
                   WHERE s.event_id = event.id)
    ), narrowed AS (
        UPDATE boxoffice.ticket_type AS t
           SET all_sessions = false
          FROM part
         WHERE t.event_id = event.id AND t.id = part.id
    )
    INSERT INTO boxoffice.ticket_type_session (event_id, ticket_type_id, session_id)
    SELECT event.id, c.ticket_type_id, c.session_id
      FROM covered AS c
      JOIN part ON part.id = c.ticket_type_id;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_overrides IS
'Writes in which sessions types of a series are sold, and their prices there.';

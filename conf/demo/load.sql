-- Makes one demo event from a document (:document), by the functions of schema api. What is there already stays
-- as it is. Beside what event_create takes a document may say
--   times    "@next 06-23 08:00", the next such day, or "@+30d 09:00", so many days from today, both local
--   sessions {"weeks", "minutes", "key", "days": {"2": [first, last]}}: every so many minutes on these days of the week

SET client_min_messages = warning;

CREATE FUNCTION pg_temp.demo_time(value text, zone text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    today CONSTANT timestamp := date_trunc('day', boxoffice_code.clock() AT TIME ZONE zone);
    local timestamp;
BEGIN
    IF value LIKE '@next %' THEN
        local := (date_part('year', today) || '-' || substr(value, 7))::timestamp;
        IF local < today THEN
            local := (date_part('year', today) + 1 || '-' || substr(value, 7))::timestamp;
        END IF;
    ELSE
        local := today + split_part(substr(value, 3), 'd ', 1)::integer * interval '1 day'
            + split_part(value, 'd ', 2)::interval;
    END IF;
    RETURN local AT TIME ZONE zone;
END
$$;

-- A document with its times worked out.
CREATE FUNCTION pg_temp.demo_times(value jsonb, zone text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(m.key, pg_temp.demo_times(m.value, zone)), '{}')
              FROM jsonb_each(value) AS m)
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(pg_temp.demo_times(m.value, zone) ORDER BY m.n), '[]')
              FROM jsonb_array_elements(value) WITH ORDINALITY AS m (value, n))
        WHEN 'string' THEN
            CASE WHEN value #>> '{}' LIKE '@%'
                 THEN to_jsonb(pg_temp.demo_time(value #>> '{}', zone)) ELSE value END
        ELSE value END
$$;

-- Sessions from tomorrow on, on certain days of the week, from a first to a last time of day.
CREATE FUNCTION pg_temp.demo_sessions(rule jsonb, zone text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object(
               'key', lower(to_char(start.at, rule ->> 'key')),
               'starts_at', start.at AT TIME ZONE zone,
               'ends_at', (start.at + step.length) AT TIME ZONE zone,
               'sale_close_offset_seconds', rule -> 'sale_close_offset_seconds')
               ORDER BY start.at)
      FROM (SELECT (rule ->> 'minutes')::integer * interval '1 minute' AS length) AS step
     CROSS JOIN generate_series(1, 7 * (rule ->> 'weeks')::integer) AS n
     CROSS JOIN LATERAL (
        SELECT date_trunc('day', boxoffice_code.clock() AT TIME ZONE zone) + n * interval '1 day'
      ) AS day (date)
     CROSS JOIN LATERAL (
        SELECT rule -> 'days' -> to_char(day.date, 'ID')
      ) AS hours (from_to)
     CROSS JOIN LATERAL generate_series(
        day.date + (hours.from_to ->> 0)::interval, day.date + (hours.from_to ->> 1)::interval,
        step.length) AS start (at)
     WHERE hours.from_to IS NOT NULL
$$;

CREATE FUNCTION pg_temp.demo_event(organizer bigint, d jsonb) RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.event_create(
        organizer => organizer, name => d ->> 'name', currency => d ->> 'currency',
        zone => d ->> 'zone', sessions => d -> 'sessions', pools => d -> 'pools',
        ticket_types => d -> 'ticket_types', slug => d ->> 'slug',
        short_code => d ->> 'short_code', description => d ->> 'description',
        locale => d ->> 'locale', test => coalesce((d -> 'test')::boolean, false),
        venue => d ->> 'venue', sale_starts_at => (d ->> 'sale_starts_at')::timestamptz,
        sale_ends_at => (d ->> 'sale_ends_at')::timestamptz,
        max_per_order => (d -> 'max_per_order')::integer,
        buyer_limit => (d -> 'buyer_limit')::integer,
        hold_ttl_seconds => coalesce((d -> 'hold_ttl_seconds')::integer, 900),
        payment_term => d -> 'payment_term',
        show_quantity => coalesce((d -> 'show_quantity')::boolean, false)) ->> 'id')::bigint
$$;

CREATE FUNCTION pg_temp.demo_load(d jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    zone CONSTANT text := d #>> '{event,zone}';
    document jsonb := d -> 'event';
    organizer bigint;
    event bigint;
BEGIN
    IF EXISTS (SELECT FROM boxoffice.event_slug AS s WHERE s.slug = document ->> 'slug') THEN
        RETURN 'there already';
    END IF;
    SELECT o.id INTO organizer FROM boxoffice.organizer AS o WHERE o.slug = d #>> '{organizer,slug}';
    IF organizer IS NULL THEN
        organizer := api.organizer_create(
            slug => d #>> '{organizer,slug}', name => d #>> '{organizer,name}') ->> 'id';
    END IF;
    IF NOT EXISTS (
        SELECT FROM boxoffice.venue AS v
         WHERE v.organizer_id = organizer AND v.key = d #>> '{venue,key}') THEN
        PERFORM api.venue_create(
            organizer => organizer, key => d #>> '{venue,key}', name => d #>> '{venue,name}',
            zone => d #>> '{venue,zone}', address => d #>> '{venue,address}',
            city => d #>> '{venue,city}', country => d #>> '{venue,country}',
            latitude => (d #>> '{venue,latitude}')::float8,
            longitude => (d #>> '{venue,longitude}')::float8);
    END IF;
    IF jsonb_typeof(document -> 'sessions') = 'object' THEN
        document := jsonb_set(document, '{sessions}',
            pg_temp.demo_sessions(document -> 'sessions', zone));
    END IF;
    event := pg_temp.demo_event(organizer, pg_temp.demo_times(document, zone));
    IF (d -> 'publish')::boolean THEN
        PERFORM api.event_publish(event);
    END IF;
    RETURN 'made, event ' || event;
END
$$;

BEGIN;
SELECT pg_temp.demo_load(:'document');
COMMIT;

-- Endpoints of venues.

CREATE OR REPLACE FUNCTION api.venue_create(
    organizer bigint, key text, name text, zone text, address text DEFAULT NULL,
    city text DEFAULT NULL, country text DEFAULT NULL, latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.venue;
BEGIN
    PERFORM boxoffice_code.require_fits('venue_create', pg_catalog.jsonb_build_object(
        'key', key, 'name', name, 'zone', zone, 'address', address, 'city', city,
        'country', country, 'latitude', latitude, 'longitude', longitude));
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    IF NOT boxoffice_code.zone_known(zone) THEN
        PERFORM boxoffice_code.refuse('unknown_reference', '/zone');
    END IF;
    INSERT INTO boxoffice.venue AS v (
        id, organizer_id, key, name, address, city, country, zone, latitude, longitude, created_at)
    VALUES (
        boxoffice_code.new_id(), organizer, venue_create.key, venue_create.name,
        venue_create.address, venue_create.city, venue_create.country, venue_create.zone,
        venue_create.latitude, venue_create.longitude, boxoffice_code.clock())
        ON CONFLICT ON CONSTRAINT venue_organizer_id_key_key DO NOTHING
    RETURNING * INTO made;
    IF made.id IS NULL THEN
        PERFORM boxoffice_code.refuse('already_exists', '/key');
    END IF;
    RETURN boxoffice_code.venue_json(made);
END
$$;
COMMENT ON FUNCTION api.venue_create IS 'Make a venue.';

CREATE OR REPLACE FUNCTION api.venue_list(
    organizer bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer := boxoffice_code.page_size("limit");
    after bigint := COALESCE(boxoffice_code.cursor_id(cursor), 0);
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer);
    RETURN (
        WITH found AS (
            SELECT v.id, pg_catalog.row_number() OVER (ORDER BY v.id) AS place,
                   boxoffice_code.venue_json(v) AS item
              FROM boxoffice.venue AS v
             WHERE v.organizer_id = venue_list.organizer AND v.id > after
             ORDER BY v.id
             LIMIT wanted + 1
        )
        SELECT boxoffice_code.page_json(
                   pg_catalog.json_agg(f.item ORDER BY f.id) FILTER (WHERE f.place <= wanted),
                   CASE WHEN pg_catalog.count(*) > wanted THEN boxoffice_code.cursor_make(
                       NULL, pg_catalog.max(f.id) FILTER (WHERE f.place <= wanted)) END)
          FROM found AS f);
END
$$;
COMMENT ON FUNCTION api.venue_list IS 'The venues of an organizer.';

CREATE OR REPLACE FUNCTION api.venue_get(organizer bigint, venue text)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer);
    RETURN boxoffice_code.venue_json(boxoffice_code.venue_named(organizer, venue));
END
$$;
COMMENT ON FUNCTION api.venue_get IS 'Look at a venue.';

CREATE OR REPLACE FUNCTION api.venue_change(
    organizer bigint, venue text, patch jsonb, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.venue;
    patched boxoffice.venue;
BEGIN
    patch := boxoffice_code.require_fits('venue_change', patch);
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    found := boxoffice_code.venue_named(organizer, venue);
    found := boxoffice_code.venue_lock(found.id, if_match);
    patched := pg_catalog.jsonb_populate_record(found, patch);
    IF NOT boxoffice_code.zone_known(patched.zone) THEN
        PERFORM boxoffice_code.refuse('unknown_reference', '/zone');
    END IF;
    IF patched IS DISTINCT FROM found THEN
        UPDATE boxoffice.venue AS v
           SET key = patched.key,
               name = patched.name,
               address = patched.address,
               city = patched.city,
               country = patched.country,
               zone = patched.zone,
               latitude = patched.latitude,
               longitude = patched.longitude
         WHERE v.id = found.id;
        PERFORM boxoffice_code.venue_changed(found, patch);
    END IF;
    RETURN boxoffice_code.venue_json(patched);
EXCEPTION WHEN unique_violation THEN
    PERFORM boxoffice_code.refuse('already_exists', '/key');
END
$$;
COMMENT ON FUNCTION api.venue_change IS
'Change a venue.
patch is an RFC 7396 merge patch. if_match: the ETag of what was looked at.
Events that take place there and are not over show it at once.';

CREATE OR REPLACE FUNCTION api.venue_delete(
    organizer bigint, venue text, if_match text DEFAULT NULL)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.venue;
BEGIN
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    found := boxoffice_code.venue_named(organizer, venue);
    found := boxoffice_code.venue_lock(found.id, if_match);
    DELETE FROM boxoffice.venue AS v WHERE v.id = found.id;
    RETURN boxoffice_code.venue_json(found);
EXCEPTION WHEN foreign_key_violation THEN
    PERFORM boxoffice_code.refuse('in_use', 'venue', '{}', 'Events or sessions take place there.');
END
$$;
COMMENT ON FUNCTION api.venue_delete IS
'Delete a venue.
One where events or sessions take place, or took, stays.';

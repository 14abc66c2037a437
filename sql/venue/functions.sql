-- Venues as answers show them, and as documents name them.

CREATE OR REPLACE FUNCTION boxoffice_code.venue_json(venue boxoffice.venue)
    RETURNS json
    LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN venue.id IS NOT NULL THEN pg_catalog.json_build_object(
        'id', venue.id::text,
        'key', venue.key,
        'name', venue.name,
        'address', venue.address,
        'city', venue.city,
        'country', venue.country,
        'zone', venue.zone,
        'latitude', venue.latitude,
        'longitude', venue.longitude) END
$$;
COMMENT ON FUNCTION boxoffice_code.venue_json IS 'A venue as answers show it; NULL for none.';

CREATE OR REPLACE FUNCTION boxoffice_code.venue_find(organizer bigint, ref text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT v.id
          FROM boxoffice.venue AS v
         WHERE v.organizer_id = venue_find.organizer
           AND (v.key = ref OR v.id::text = ref)
         ORDER BY v.key = ref DESC
         LIMIT 1);
END
$$;
COMMENT ON FUNCTION boxoffice_code.venue_find IS
'The organizer''s venue with this key or id; NULL if there is none.';

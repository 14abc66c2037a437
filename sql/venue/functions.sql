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

CREATE OR REPLACE FUNCTION boxoffice_code.venue_named(organizer bigint, ref text)
    RETURNS boxoffice.venue
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.venue;
BEGIN
    SELECT *
      INTO found
      FROM boxoffice.venue AS v
     WHERE v.id = boxoffice_code.venue_find(organizer, ref);
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'venue');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.venue_named IS
'The organizer''s venue with this key or id; refuses if there is none.';

CREATE OR REPLACE FUNCTION boxoffice_code.venue_lock(venue bigint, if_match text)
    RETURNS boxoffice.venue
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.venue;
BEGIN
    SELECT * INTO found FROM boxoffice.venue AS v WHERE v.id = venue_lock.venue FOR NO KEY UPDATE;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'venue');
    END IF;
    PERFORM boxoffice_code.require_match(
        if_match, boxoffice_code.content_etag(boxoffice_code.venue_json(found)));
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.venue_lock IS
'Locks a venue for a change; refuses who looked at another version, or if somebody deleted it.';

-- The next version of events that take place there, of those that are not over the first 500: so
-- that who looks at them sees the venue as it is now.
CREATE OR REPLACE FUNCTION boxoffice_code.venue_changed(venue boxoffice.venue, patch jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint;
BEGIN
    FOR event IN
        SELECT e.id
          FROM boxoffice.event AS e
         WHERE e.id IN (
                SELECT x.id FROM boxoffice.event AS x WHERE x.venue_id = venue.id
                UNION
                SELECT s.event_id FROM boxoffice.session AS s WHERE s.venue_id = venue.id)
           AND e.ends_at >= boxoffice_code.clock()
         ORDER BY e.id
         LIMIT 500
    LOOP
        PERFORM FROM boxoffice.event AS e WHERE e.id = event FOR NO KEY UPDATE;
        PERFORM boxoffice_code.event_changed(event, 'venue_change', venue.key, patch);
    END LOOP;
END
$$;
COMMENT ON FUNCTION boxoffice_code.venue_changed IS
'Gives the events at a venue that was changed their next version.';

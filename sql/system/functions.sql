-- What all subjects share: cursors, names of zones.

-- Names of the IANA database only. PostgreSQL's own parser would also take abbreviations and POSIX
-- rules, which have no summer time or the wrong sign; pg_timezone_names reads hundreds of files,
-- too slow for a request.
CREATE OR REPLACE FUNCTION boxoffice_code.zone_known(zone text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF zone <> 'UTC' AND zone !~ '^[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}$' THEN
        RETURN false;
    END IF;
    PERFORM pg_catalog.timezone(zone, '2000-01-01 00:00:00+00'::timestamptz);
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION boxoffice_code.zone_known IS
'Whether this is a name of the IANA time zone database.';

-- Refuses a caller who looked at another version. if_match is the header: one or several ETags,
-- or *. Strong tags and weak ones (W/) are the same here: the tag is of the thing, and nginx marks
-- it as weak when it compresses the answer.
CREATE OR REPLACE FUNCTION boxoffice_code.require_match(if_match text, etag text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_catalog.btrim(if_match) <> '*' AND NOT etag = ANY (pg_catalog.regexp_split_to_array(
        pg_catalog.regexp_replace(pg_catalog.btrim(if_match), E'(^|,\\s*)W/', E'\\1', 'g'),
        E'\\s*,\\s*')) THEN
        PERFORM boxoffice_code.refuse('precondition_failed');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.require_match IS
'Refuses a caller whose If-Match does not name this ETag; NULL names all.';

CREATE OR REPLACE FUNCTION boxoffice_code.page_size(
    wanted integer, usual integer DEFAULT 50, most integer DEFAULT 100)
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT LEAST(GREATEST(COALESCE(wanted, usual), 1), most)
$$;
COMMENT ON FUNCTION boxoffice_code.page_size IS
'How many items a list gives to who wants so many: the usual number for NULL, at least one, not more than the most.';

-- A cursor is the sort key of the last item of a page: a time and an id, or an id alone.
CREATE OR REPLACE FUNCTION boxoffice_code.cursor_make(at timestamptz, id bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT COALESCE((EXTRACT(EPOCH FROM at) * 1000000)::bigint::text || '-', '') || id::text
$$;
COMMENT ON FUNCTION boxoffice_code.cursor_make IS 'The cursor after the item with this sort key.';

CREATE OR REPLACE FUNCTION boxoffice_code.cursor_id(cursor text)
    RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cursor !~ '^([0-9]{1,17}-)?[0-9]{1,18}$' THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'cursor', '{}',
            'The cursor is not one that a list gave.');
    END IF;
    RETURN pg_catalog.regexp_replace(cursor, '^.*-', '')::bigint;
END
$$;
COMMENT ON FUNCTION boxoffice_code.cursor_id IS 'The id in a cursor; NULL for no cursor.';

CREATE OR REPLACE FUNCTION boxoffice_code.cursor_time(cursor text)
    RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cursor !~ '^[0-9]{1,17}-[0-9]{1,18}$' THEN
        PERFORM boxoffice_code.refuse('invalid_request', 'cursor', '{}',
            'The cursor is not one that this list gave.');
    END IF;
    RETURN '1970-01-01 00:00:00+00'::timestamptz
        + pg_catalog.split_part(cursor, '-', 1)::bigint * '1 microsecond'::interval;
END
$$;
COMMENT ON FUNCTION boxoffice_code.cursor_time IS 'The time in a cursor; NULL for no cursor.';

-- One fault of a refusal, for boxoffice_code.refuse_all.
CREATE OR REPLACE FUNCTION boxoffice_code.fault(code text, pointer text, detail text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.jsonb_build_object('code', code, 'pointer', pointer, 'detail', detail)
$$;
COMMENT ON FUNCTION boxoffice_code.fault IS
'One fault of a refusal: its code, where, and a sentence.';

CREATE OR REPLACE FUNCTION boxoffice_code.page_json(items json, next text)
    RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.json_build_object('items', COALESCE(items, '[]'::json), 'next', next)
$$;
COMMENT ON FUNCTION boxoffice_code.page_json IS
'A page of a list, and the cursor of the next page.';

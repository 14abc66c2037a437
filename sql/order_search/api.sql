-- The endpoint that lists and finds orders.

CREATE OR REPLACE FUNCTION api.order_list(
    event bigint, code text DEFAULT NULL, email text DEFAULT NULL, name text DEFAULT NULL,
    session text DEFAULT NULL, channel text DEFAULT NULL, status text DEFAULT NULL,
    test boolean DEFAULT NULL, changed_since timestamptz DEFAULT NULL, cursor text DEFAULT NULL,
    "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of CONSTANT boxoffice.event := boxoffice_code.require_orders(event);
    before bigint := COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    since bigint := 0;
    session_id CONSTANT bigint := boxoffice_code.session_named(event, session, 'session');
    page record;
BEGIN
    IF code IS NOT NULL THEN
        SELECT o.id, LEAST(before, o.id + 1)
          INTO since, before
          FROM boxoffice.order AS o
         WHERE o.event_id = order_list.event
           AND o.code = pg_catalog.regexp_replace(
                   pg_catalog.upper(order_list.code), '^' || of.short_code || '-', '');
    END IF;
    IF before IS NULL OR test <> of.test THEN
        RETURN boxoffice_code.page_json(NULL, NULL);
    END IF;
    page := boxoffice_code.order_page(
        of, since, before, boxoffice_code.page_size("limit"), status, channel, session_id, email,
        name, changed_since);
    RETURN boxoffice_code.page_json(
        boxoffice_code.order_summaries_json(of, page.ids),
        boxoffice_code.cursor_make(NULL, page.next));
END
$$;
COMMENT ON FUNCTION api.order_list IS
'The orders of an event, the newest first.
email and name are found in any case of letters, name also as a part, both of holders too.';

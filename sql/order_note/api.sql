-- Endpoints of notes. Adding one is C (pg_extension/src/order_note.c): it may hold personal data,
-- which no stored answer does.

CREATE OR REPLACE FUNCTION api.order_note_create(
    event bigint, "order" bigint, text text, idempotency_key text DEFAULT NULL)
    RETURNS json
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT boxoffice_code.perform(
        operation => 'order_note_create', event => event,
        args => jsonb_build_object('event', event, 'order', "order", 'text', text),
        idempotency_key => idempotency_key)::json
$$;
COMMENT ON FUNCTION api.order_note_create IS
'Note something about an order.
For the organizer''s people; no buyer sees it.';

CREATE OR REPLACE FUNCTION api.order_note_list(
    event bigint, "order" bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of CONSTANT boxoffice.event := boxoffice_code.require_orders(event);
    before CONSTANT bigint :=
        COALESCE(boxoffice_code.cursor_id(cursor), 9223372036854775807);
    wanted CONSTANT integer := boxoffice_code.page_size("limit");
    ids bigint[];
    items json;
BEGIN
    PERFORM FROM boxoffice.order AS o
      WHERE o.event_id = order_note_list.event AND o.id = order_note_list."order";
    IF NOT FOUND THEN
        PERFORM boxoffice_code.refuse('not_found');
    END IF;
    ids := ARRAY(
        SELECT n.id
          FROM boxoffice.order_note AS n
         WHERE n.event_id = order_note_list.event AND n.order_id = order_note_list."order"
           AND n.id < before
         ORDER BY n.id DESC
         LIMIT wanted + 1);
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
               'id', n.id::text, 'author', n.author, 'text', n.text,
               'created_at', boxoffice_code.time_text(n.created_at, of.zone),
               'zone', of.zone)
               ORDER BY n.id DESC)
      INTO items
      FROM boxoffice.order_note AS n
     WHERE n.event_id = order_note_list.event AND n.id = ANY (ids[:wanted]);
    RETURN boxoffice_code.page_json(items,
        CASE WHEN pg_catalog.cardinality(ids) > wanted
             THEN boxoffice_code.cursor_make(NULL, ids[wanted]) END);
END
$$;
COMMENT ON FUNCTION api.order_note_list IS
'The notes about an order, the newest first.
For the organizer''s people; no buyer sees them.';

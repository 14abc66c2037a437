-- The outbox, and what the background worker does (pg_extension/src/worker.c).

CREATE OR REPLACE FUNCTION boxoffice_code.outbox_add(event bigint, topic text, ref bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.outbox (event_id, id, topic, ref_id, created_at)
    VALUES (event, boxoffice_code.new_id(), topic, ref, boxoffice_code.clock())
$$;
COMMENT ON FUNCTION boxoffice_code.outbox_add IS 'Notes an effect that is to leave the database.';

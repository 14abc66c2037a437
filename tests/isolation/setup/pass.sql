-- The scenes of hold.sql with a ticket type that admits to both sessions: week.
CREATE FUNCTION hold_test.begin_pass_scene(wanted text DEFAULT NULL, lapsed_s integer DEFAULT NULL, capacity integer DEFAULT 10)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event bigint;
    hold bigint;
BEGIN
    PERFORM hold_test.begin_scene(capacity => begin_pass_scene.capacity);
    SELECT s.event INTO event FROM hold_test.scene AS s;
    INSERT INTO boxoffice.ticket_type (event_id, id, key, name, kind, price, fee, status, hidden, all_sessions, min_per_order, position, admits)
    VALUES (event, event + 49, 'week', 'Week', 'admission', 6000, 0, 'active', false, true, 1, 9, 'all');
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id) VALUES (event, event + 49, event + 10);
    PERFORM boxoffice_code.inventory_regroup(event);
    IF wanted IS NULL THEN
        RETURN;
    END IF;
    PERFORM hold_test.hold(event, wanted);
    hold := hold_test.last(event);
    UPDATE boxoffice.hold AS h SET expires_at = boxoffice_code.clock() - lapsed_s * interval '1 s' WHERE h.event_id = event AND h.id = hold;
    UPDATE boxoffice.claim AS c SET expires_at = h.expires_at FROM boxoffice.hold AS h
     WHERE c.event_id = event AND c.owner_id = hold AND h.event_id = event AND h.id = hold;
    DELETE FROM hold_test.scene;
    INSERT INTO hold_test.scene VALUES (event, hold, NULL);
END
$$;

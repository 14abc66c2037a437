-- What the races of holds stand on: the functions of the regression tests, and one scene at a time: an event of its own
-- with two sessions of one group (10 places each, 4 passes) and camping (3) in a group of its own.
\ir ../../regress/sql/hold_setup.sql

CREATE SEQUENCE hold_test.scenes;
CREATE TABLE hold_test.scene (event bigint, hold bigint, block bigint);

-- A new event; takes what is wanted, if anything, and lets that hold lapse so many seconds ago.
CREATE FUNCTION hold_test.begin_scene(wanted text DEFAULT NULL, lapsed_s integer DEFAULT NULL, capacity integer DEFAULT 10)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint := nextval('hold_test.scenes');
    event bigint := 400000 + n * 100;
    hold bigint;
BEGIN
    PERFORM hold_test.make_event(event, 'H' || translate(upper(lpad(to_hex(n), 4, '0')), '01', 'GH'));
    UPDATE boxoffice.stock AS s SET capacity = begin_scene.capacity WHERE s.event_id = event AND s.session_id IS NOT NULL;
    IF wanted IS NOT NULL THEN
        PERFORM hold_test.hold(event, wanted);
        hold := hold_test.last(event);
    END IF;
    IF lapsed_s IS NOT NULL THEN
        UPDATE boxoffice.hold AS h SET expires_at = boxoffice_code.clock() - lapsed_s * interval '1 s'
         WHERE h.event_id = event AND h.id = hold;
        UPDATE boxoffice.claim AS c SET expires_at = h.expires_at FROM boxoffice.hold AS h
         WHERE c.event_id = event AND c.owner_id = hold AND h.event_id = event AND h.id = hold;
    END IF;
    DELETE FROM hold_test.scene;
    INSERT INTO hold_test.scene VALUES (event, hold, NULL);
END
$$;

-- What the sessions of a race do in the scene; an error is an answer.
CREATE FUNCTION hold_test.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE statement INTO said;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION hold_test.take(wanted text, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT hold_test.hold_as(%s, %L, %L, key => %L)', s.event, 'customer ann', wanted, key))
      FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.change_to(wanted text) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT hold_test.op(%s, %L, %s, %L)', s.event, 'hold_change', s.hold, wanted)) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.do(operation text) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT hold_test.op(%s, %L, %s)', s.event, operation, s.hold)) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.expire() RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT boxoffice_code.expire_claims(%s, 100)', s.event)) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.cut(capacity integer) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT api.stock_change(%s, %s, %s) ->> %L', s.event, s.event + 21, capacity, 'capacity')) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.keep_back(quantity integer) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT api.block_create(%s, %L, %L, %L) -> %L -> 0 ->> %L', s.event, 'house', 'A reason',
        format('[{"ticket_type": "general", "session": "fri", "quantity": %s}]', quantity), 'items', 'quantity')) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.change_tent(part text, key text) RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT api.ticket_type_change(%s, %L, %L) -> %L ->> %L', s.event, 'tent',
        jsonb_build_object(part, jsonb_build_array(key)), 'ticket_type', part)) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.delete_tent() RETURNS text LANGUAGE sql AS $$
    SELECT hold_test.try(format('SELECT api.ticket_type_delete(%s, %L) ->> %L', s.event, 'tent', 'outcome')) FROM hold_test.scene AS s
$$;
CREATE FUNCTION hold_test.outcome() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' || ', regexp_replace(hold_test.stock(s.event), '\d{6,}', '(an id)', 'g'),
        (SELECT string_agg(format('%s %s', n, status), ', ' ORDER BY status)
           FROM (SELECT h.status, count(*) AS n FROM boxoffice.hold AS h WHERE h.event_id = s.event GROUP BY 1) AS h))
      FROM hold_test.scene AS s
$$;

-- check_inventory as it would be without STABLE: each query sees what was committed meanwhile. It stops between two of
-- them for the advisory lock 77, and so does its stable twin.
CREATE FUNCTION hold_test.check_slowly(event bigint) RETURNS TABLE (claimed bigint, counted bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT sum(c.quantity) INTO claimed FROM boxoffice.claim AS c WHERE c.event_id = check_slowly.event AND c.state = 'held';
    PERFORM pg_advisory_xact_lock_shared(77);
    SELECT sum(s.held) INTO counted FROM boxoffice.stock AS s WHERE s.event_id = check_slowly.event;
    RETURN NEXT;
END
$$;
CREATE FUNCTION hold_test.check_at_once(event bigint) RETURNS TABLE (claimed bigint, counted bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT sum(c.quantity) INTO claimed FROM boxoffice.claim AS c WHERE c.event_id = check_at_once.event AND c.state = 'held';
    PERFORM pg_advisory_xact_lock_shared(77);
    SELECT sum(s.held) INTO counted FROM boxoffice.stock AS s WHERE s.event_id = check_at_once.event;
    RETURN NEXT;
END
$$;

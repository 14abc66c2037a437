-- What the races of orders stand on: the functions of the regression tests, and one scene at a
-- time: an event of its own, a hold, and if wanted its order.
\ir ../../regress/sql/order_setup.sql

CREATE SEQUENCE order_test.scenes;
CREATE TABLE order_test.scene (event bigint, hold bigint, placed bigint);

CREATE FUNCTION order_test.begin_scene(capacity integer, lines text[], is_placed boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint := nextval('order_test.scenes');
    event bigint := 300000 + n * 100;
    hold bigint;
BEGIN
    PERFORM order_test.make_event(event, 'R' || translate(upper(lpad(to_hex(n), 4, '0')), '01', 'GH'), capacity);
    hold := order_test.make_hold(event, lines);
    DELETE FROM order_test.scene;
    INSERT INTO order_test.scene VALUES (event, hold, CASE WHEN is_placed THEN order_test.place(event, hold) END);
END
$$;

-- What the sessions of a race do in the scene.
CREATE FUNCTION order_test.buy_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.buy(s.event, s.hold) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.pay_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.payment_create(%s, %s, %L, idempotency_key => gen_random_uuid()::text)',
        s.event, s.placed, 'test'), 'outcome', 'order.status', 'order.due') FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.cancel_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.cancel(s.event, s.placed) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.hold_here(quantity integer) RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.hold_create(%s, %L)', s.event,
        format('[{"ticket_type": "general", "session": "friday", "quantity": %s}]', quantity)), 'status')
      FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.expire_orders_here() RETURNS integer LANGUAGE sql AS $$
    SELECT boxoffice_code.expire_orders(s.event, 100) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.expire_claims_here() RETURNS integer LANGUAGE sql AS $$
    SELECT boxoffice_code.expire_claims(s.event, 100) FROM order_test.scene AS s
$$;

-- What staff do to the scene's order.
CREATE FUNCTION order_test.begin_approval() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM order_test.begin_scene(1, ARRAY['general 1'], false);
    UPDATE boxoffice.event AS e SET approval = true FROM order_test.scene AS s WHERE e.id = s.event;
    UPDATE order_test.scene AS s SET placed = order_test.place(s.event, s.hold);
END
$$;
CREATE FUNCTION order_test.exchange_here(session text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(order_test.say(format('SELECT api.order_exchange(%s, %s, %L)', s.event, s.placed, jsonb_build_array(
        jsonb_build_object('ticket', order_test.ticket(s.placed, 1)::text, 'session', session))), 'status', 'tickets.0.session'), '"ticket":"\d+"', '"ticket":"…"')
      FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.sell_here(session text) RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.sale_create(%s, %L, payment => %L)', s.event,
        jsonb_build_array(jsonb_build_object('ticket_type', 'general', 'quantity', 1, 'session', session)), '{"kind": "cash"}'), 'status')
      FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.split_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.order_split(%s, %s, %L)', s.event, s.placed, ARRAY[order_test.ticket(s.placed, 2)]),
        'order.status', 'order.due', 'split.status', 'split.due') FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.approve_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.order_approve(%s, %s)', s.event, s.placed)) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.deny_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.order_deny(%s, %s, %L)', s.event, s.placed, 'no')) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.saturday_here() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s held, %s pending, %s sold', k.held, k.pending, k.sold)
      FROM order_test.scene AS s, order_test.stock(s.event) AS k WHERE k.session = 'saturday'
$$;

-- What came of it, and whether the checks are content.
CREATE FUNCTION order_test.outcome_here() RETURNS SETOF text LANGUAGE sql AS $$
    (SELECT order_test.state(o.event_id, o.id)
       FROM order_test.scene AS s JOIN boxoffice.order AS o ON o.event_id = s.event
      ORDER BY o.id)
    UNION ALL
    SELECT format('%s held, %s pending, %s sold', k.held, k.pending, k.sold)
      FROM order_test.scene AS s, order_test.stock(s.event) AS k WHERE k.session = 'friday'
    UNION ALL
    SELECT 'orders: ' || c.problem FROM order_test.scene AS s, boxoffice.check_orders(s.event) AS c
    UNION ALL
    SELECT format('inventory: %s, expected %s, found %s', c.problem, c.expected, c.found)
      FROM order_test.scene AS s, boxoffice.check_inventory(s.event) AS c
$$;

-- A scene whose order has a ticket for friday with a tent, of which there is one a session.
CREATE FUNCTION order_test.begin_tents() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event bigint;
    hold bigint;
BEGIN
    PERFORM order_test.begin_scene(3, ARRAY['general 1'], false);
    SELECT s.event INTO event FROM order_test.scene AS s;
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook) VALUES (event, event + 12, 'tents', 'Tents', 'session', 1, 0);
    INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook, held, pending, sold, blocked)
    VALUES (event, event + 24, event + 12, event + 1, event + 30, 1, 0, 0, 0, 0, 0), (event, event + 25, event + 12, event + 2, event + 30, 1, 0, 0, 0, 0, 0);
    INSERT INTO boxoffice.ticket_type (event_id, id, key, name, kind, price, fee, status, hidden, all_sessions, min_per_order, position)
    VALUES (event, event + 43, 'tent', 'Tent', 'addon', 900, 0, 'active', false, true, 1, 9);
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id) VALUES (event, event + 43, event + 12);
    INSERT INTO boxoffice.ticket_type_addon (event_id, parent_type_id, ticket_type_id, min_per_parent) VALUES (event, event + 40, event + 43, 0);
    hold := api.hold_create(event, '[{"ticket_type": "general", "session": "friday", "quantity": 1, "addons": [{"ticket_type": "tent", "quantity": 1}]}]') ->> 'id';
    DELETE FROM order_test.scene;
    INSERT INTO order_test.scene VALUES (event, hold, order_test.place(event, hold));
END
$$;
CREATE FUNCTION order_test.sell_tent_here(session text) RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.sale_create(%s, %L, payment => %L)', s.event,
        jsonb_build_array(jsonb_build_object('ticket_type', 'general', 'quantity', 1, 'session', session, 'addons', '[{"ticket_type": "tent", "quantity": 1}]'::jsonb)), '{"kind": "cash"}'), 'status')
      FROM order_test.scene AS s
$$;
-- Cancels the tent alone.
CREATE FUNCTION order_test.cancel_tent_here() RETURNS text LANGUAGE sql AS $$
    SELECT order_test.cancel(s.event, s.placed, ARRAY[order_test.ticket(s.placed, 2)]) FROM order_test.scene AS s
$$;
CREATE FUNCTION order_test.tents_here() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s: %s held, %s pending, %s sold', k.session, k.pool, k.held, k.pending, k.sold)
      FROM order_test.scene AS s, order_test.stock(s.event) AS k WHERE k.session IS NOT NULL
    UNION ALL
    SELECT 'PROBLEM ' || c.problem FROM order_test.scene AS s, boxoffice.check_orders(s.event) AS c
    UNION ALL
    SELECT 'PROBLEM ' || c.problem FROM order_test.scene AS s, boxoffice.check_inventory(s.event) AS c
$$;

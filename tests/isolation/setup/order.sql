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

-- What came of it, and whether the checks are content.
CREATE FUNCTION order_test.outcome_here() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT order_test.state(o.event_id, o.id)
      FROM order_test.scene AS s JOIN boxoffice.order AS o ON o.event_id = s.event
    UNION ALL
    SELECT format('%s held, %s pending, %s sold', k.held, k.pending, k.sold)
      FROM order_test.scene AS s, order_test.stock(s.event) AS k WHERE k.session = 'friday'
    UNION ALL
    SELECT 'orders: ' || c.problem FROM order_test.scene AS s, boxoffice.check_orders(s.event) AS c
    UNION ALL
    SELECT 'inventory: ' || c::text FROM order_test.scene AS s, boxoffice.check_inventory(s.event) AS c
$$;

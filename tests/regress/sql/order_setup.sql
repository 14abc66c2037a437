-- What the tests of orders, payments and tickets stand on: schema order_test, with functions that
-- make events and holds by hand, so that these tests need no other subject's endpoints.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS order_test CASCADE;
CREATE SCHEMA order_test;
GRANT USAGE ON SCHEMA order_test TO PUBLIC;

INSERT INTO boxoffice.organizer (id, slug, name, created_at)
VALUES (900, 'order-test', 'Order Test', '2027-01-01'), (901, 'order-else', 'Elsewhere', '2027-01-01');
INSERT INTO boxoffice.member (organizer_id, subject, role, created_at)
VALUES (900, 'olga', 'manager', '2027-01-01'), (900, 'bo', 'box_office', '2027-01-01'),
       (900, 'sam', 'scanner', '2027-01-01'), (901, 'eve', 'owner', '2027-01-01');
INSERT INTO boxoffice.currency (code, exponent) VALUES ('EUR', 2) ON CONFLICT DO NOTHING;

-- An event with two sessions. Types: general (25.00 and a fee of 1.50), free, and pass (in two
-- pools: the session's and one of the event's own). Ids follow from the event's.
CREATE FUNCTION order_test.make_event(event bigint, code text, capacity integer DEFAULT 100)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO boxoffice.event (id, organizer_id, slug, short_code, name, status, test, currency,
        zone, locale, hold_ttl_ms, hold_extend_max_ms, payment_term_minutes, payment_grace_ms,
        late_payment, show_quantity, version, created_at, updated_at, published_at)
    VALUES (event, 900, lower(code), code, code, 'published', true, 'EUR', 'Europe/Berlin', 'en',
        900000, 3600000, 30, 60000, true, true, 1, '2027-01-01', '2027-01-01', '2027-01-01');
    INSERT INTO boxoffice.event_code (code, event_id) VALUES (code, event);
    INSERT INTO boxoffice.session (event_id, id, key, name, status, starts_at, ends_at, zone,
        sale_close_offset_ms)
    SELECT event, event + n, key, name, 'open', boxoffice_code.clock() + n * interval '10 days',
           boxoffice_code.clock() + n * interval '10 days' + interval '3 hours', 'Europe/Berlin', 0
      FROM (VALUES (1, 'friday', 'The first night'), (2, 'saturday', NULL)) AS s (n, key, name);
    INSERT INTO boxoffice.inventory_group (event_id, id) VALUES (event, event + 30);
    INSERT INTO boxoffice.pool (event_id, id, key, name, scope, capacity, overbook)
    VALUES (event, event + 10, 'house', 'House', 'session', capacity, 0),
           (event, event + 11, 'passes', 'Passes', 'event', capacity, 0);
    INSERT INTO boxoffice.stock (event_id, id, pool_id, session_id, group_id, capacity, overbook,
        held, pending, sold, blocked)
    VALUES (event, event + 21, event + 10, event + 1, event + 30, capacity, 0, 0, 0, 0, 0),
           (event, event + 22, event + 10, event + 2, event + 30, capacity, 0, 0, 0, 0, 0),
           (event, event + 23, event + 11, NULL, event + 30, capacity, 0, 0, 0, 0, 0);
    INSERT INTO boxoffice.ticket_type (event_id, id, key, name, kind, price, fee, status, hidden,
        all_sessions, min_per_order, position)
    SELECT event, event + n, key, key, 'admission', price, fee, 'active', false, true, 1, n
      FROM (VALUES (40, 'general', 2500, 150), (41, 'free', 0, 0), (42, 'pass', 4000, 0))
           AS t (n, key, price, fee);
    INSERT INTO boxoffice.ticket_type_pool (event_id, ticket_type_id, pool_id)
    VALUES (event, event + 40, event + 10), (event, event + 41, event + 10),
           (event, event + 42, event + 10), (event, event + 42, event + 11);
$$;

-- A hold of these lines, each "type quantity [session]", for ten minutes.
CREATE FUNCTION order_test.make_hold(event bigint, lines text[], subject text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hold bigint := boxoffice_code.new_id();
    now timestamptz := boxoffice_code.clock();
    part text[];
    type boxoffice.ticket_type;
    session boxoffice.session;
    stocks bigint[];
BEGIN
    INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel,
        subject)
    VALUES (event, hold, 'active', now + interval '10 minutes', now + interval '1 hour', now,
        'web', subject);
    FOR i IN 1 .. cardinality(lines) LOOP
        part := string_to_array(lines[i], ' ');
        SELECT * INTO type FROM boxoffice.ticket_type AS t
         WHERE t.event_id = event AND t.key = part[1];
        SELECT * INTO session FROM boxoffice.session AS s
         WHERE s.event_id = event AND s.key = coalesce(part[3], 'friday');
        SELECT array_agg(s.id ORDER BY s.id) INTO stocks
          FROM boxoffice.stock AS s
          JOIN boxoffice.ticket_type_pool AS p
            ON p.event_id = event AND p.pool_id = s.pool_id AND p.ticket_type_id = type.id
         WHERE s.event_id = event AND coalesce(s.session_id, session.id) = session.id;
        INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id,
            ticket_type_id, session_id, unit_price, unit_fee, stock_ids, expires_at)
        VALUES (event, hold, i, 'held', part[2]::integer, event + 30, type.id, session.id,
            type.price, type.fee, stocks, now + interval '10 minutes');
        UPDATE boxoffice.stock AS s
           SET held = held + part[2]::integer
         WHERE s.event_id = event AND s.id = ANY (stocks);
    END LOOP;
    RETURN hold;
END
$$;

-- What a statement that answers JSON says: the members at these paths, or how it was refused.
CREATE FUNCTION order_test.say(statement text, VARIADIC paths text[] DEFAULT '{status}')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
    said text;
    detail text;
BEGIN
    EXECUTE statement INTO answer;
    SELECT string_agg(p.path || ' ' || coalesce(answer #>> string_to_array(p.path, '.'), '-'), ', '
                      ORDER BY p.n)
      INTO said
      FROM unnest(paths) WITH ORDINALITY AS p (path, n);
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' · ', SQLSTATE || ' ' || SQLERRM,
        CASE WHEN SQLSTATE <> '23514' THEN nullif(nullif(detail, ''), SQLERRM) END);
END
$$;

-- What placing an order of a hold says, each time with a new key.
CREATE FUNCTION order_test.buy(event bigint, hold bigint, expected_total bigint DEFAULT NULL,
    email text DEFAULT 'ada@example.org', secret text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format(
        'SELECT api.order_create(%s, %s, %L, %L, %L, idempotency_key => gen_random_uuid()::text)', event, hold,
        coalesce(secret, boxoffice_code.hold_secret(hold)),
        jsonb_build_object('name', 'Ada', 'email', email), expected_total), 'status', 'total')
$$;

-- Places an order of a hold and returns its id.
CREATE FUNCTION order_test.place(event bigint, hold bigint, email text DEFAULT 'ada@example.org')
RETURNS bigint LANGUAGE sql AS $$
    SELECT (api.order_create(event, hold, boxoffice_code.hold_secret(hold),
                jsonb_build_object('name', 'Ada', 'email', email),
                idempotency_key => gen_random_uuid()::text) ->> 'id')::bigint
$$;

-- What is stored of an order, its claims and tickets, in one line.
CREATE FUNCTION order_test.state(event bigint, "order" bigint)
RETURNS text LANGUAGE sql AS $$
    SELECT format('%s total %s paid %s | claims %s | tickets %s | payments %s', o.status, o.total,
        (SELECT coalesce(sum(p.amount), 0) FROM boxoffice.payment AS p
          WHERE p.event_id = event AND p.order_id = o.id),
        (SELECT string_agg(format('%s %s', c.quantity, c.state), ', ' ORDER BY c.line)
           FROM boxoffice.claim AS c WHERE c.event_id = event AND c.owner_id = o.hold_id),
        (SELECT string_agg(format('%s %s', n, state), ', ' ORDER BY state)
           FROM (SELECT t.state, count(*) AS n FROM boxoffice.ticket AS t
                  WHERE t.event_id = event AND t.order_id = o.id GROUP BY t.state) AS t),
        (SELECT string_agg(format('%s %s %s', p.kind, p.amount, p.outcome), ', ' ORDER BY p.id)
           FROM boxoffice.payment AS p WHERE p.event_id = event AND p.order_id = o.id))
      FROM boxoffice.order AS o
     WHERE o.event_id = event AND o.id = "order"
$$;

-- The counters of an event's stock rows, and whatever the checks find.
CREATE FUNCTION order_test.stock(event bigint)
RETURNS TABLE (pool text, session text, held integer, pending integer, sold integer)
LANGUAGE sql AS $$
    SELECT p.key, s.key, k.held, k.pending, k.sold
      FROM boxoffice.stock AS k
      JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
      LEFT JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
     WHERE k.event_id = event
     ORDER BY k.id
$$;

-- Records a payment and says what it did, then what is stored.
CREATE FUNCTION order_test.pay(event bigint, "order" bigint, kind text, amount bigint DEFAULT NULL)
RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT order_test.say(format('SELECT api.payment_create(%s, %s, %L, %L, %L,
        idempotency_key => gen_random_uuid()::text)', event, "order", kind, amount,
        CASE kind WHEN 'manual' THEN 'cash' END),
        'kind', 'amount', 'outcome', 'order.status', 'order.paid', 'order.due');
    RETURN NEXT order_test.state(event, "order");
END
$$;

-- Cancels an order, or some of its tickets, and says what is left.
CREATE FUNCTION order_test.cancel(event bigint, "order" bigint, tickets bigint[] DEFAULT NULL,
    secret text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.order_cancel(%s, %s, %L, %L)', event, "order", tickets, secret),
        'status', 'total', 'paid', 'refunded', 'due')
$$;

-- The nth ticket of an order.
CREATE FUNCTION order_test.ticket("order" bigint, n integer)
RETURNS bigint LANGUAGE sql AS $$
    SELECT t.id FROM boxoffice.ticket AS t WHERE t.order_id = "order" ORDER BY t.id LIMIT 1 OFFSET n - 1
$$;

-- Passes, add-ons, bundles and free prices, at random from a seed: held, changed, lapsed, ordered, paid, cancelled in
-- part. Whatever the answers were, what hangs together must stay together, and the books must add up.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

SELECT pass_test.make_event('RANDM', '[{"key": "day", "name": "Day", "price": 1000, "fee": 50, "pools": ["house"]},
    {"key": "all", "name": "All days", "price": 2500, "admits": "all", "pools": ["house"]},
    {"key": "end", "name": "Weekend", "price": 1700, "admits": "all", "sessions": ["sat", "sun"], "pools": ["house"]},
    {"key": "tour", "name": "Tour", "kind": "addon", "price": 200, "pools": ["tour"], "sold_alone": false, "addon_to": [{"ticket_type": "day", "max": 3}, {"ticket_type": "night"}]},
    {"key": "insurance", "name": "Insurance", "kind": "addon", "price": 20, "admits": "all", "addon_to": [{"ticket_type": "all", "min": 1, "max": 1}, {"ticket_type": "day"}]},
    {"key": "night", "name": "A night", "price": 1999, "pools": ["house"], "bundle": [{"ticket_type": "drink", "quantity": 3, "share_ppm": 300000}, {"ticket_type": "day", "quantity": 1, "share_ppm": 123457}]},
    {"key": "drink", "name": "Drink", "price": 400, "pools": ["drink"]},
    {"key": "gift", "name": "Gift", "kind": "donation", "price": 1, "free_price": true, "admits": "all", "addon_to": [{"ticket_type": "end"}]}]',
    ', {"key": "tour", "name": "Tour", "scope": "session", "capacity": 4}, {"key": "drink", "name": "Drinks", "scope": "event", "capacity": 12}') AS e \gset

CREATE FUNCTION pass_test.one_of(VARIADIC words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT words[1 + floor(random() * cardinality(words))::integer]
$$;
-- One to three items, some of which can't be had and some of which nobody may ask for.
CREATE FUNCTION pass_test.random_items() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    items text[] := '{}';
    type text;
BEGIN
    FOR n IN 1 .. 1 + floor(random() * 3)::integer LOOP
        type := pass_test.one_of('day', 'day', 'all', 'end', 'night', 'drink', 'gift', 'tour');
        items := items || jsonb_strip_nulls(jsonb_build_object('ticket_type', type,
            'session', CASE WHEN type IN ('day', 'night', 'drink', 'tour') THEN pass_test.one_of('fri', 'sat', 'sun') END,
            'quantity', 1 + floor(random() * 2)::integer,
            'price', CASE WHEN type = 'gift' AND random() < 0.5 THEN floor(random() * 500)::integer END,
            'addons', CASE WHEN type = 'all' AND random() < 0.8 THEN jsonb_build_array(jsonb_build_object('ticket_type', 'insurance', 'quantity', 1))
                           WHEN type IN ('day', 'night') AND random() < 0.5 THEN jsonb_build_array(jsonb_build_object('ticket_type', 'tour', 'quantity', 1 + floor(random() * 2)::integer))
                           WHEN type = 'end' AND random() < 0.5 THEN jsonb_build_array(jsonb_build_object('ticket_type', 'gift', 'quantity', 1, 'price', 1 + floor(random() * 3)::integer)) END))::text;
    END LOOP;
    RETURN array_to_string(items, ',');
END
$$;
-- What doesn't hang together.
CREATE FUNCTION pass_test.problems(event bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'inventory: ' || c::text FROM boxoffice.check_inventory(event) AS c
    UNION ALL
    SELECT 'orders: ' || c::text FROM boxoffice.check_orders(event) AS c
    UNION ALL
    SELECT format('hold %s: %s of line %s for %s of line %s', c.owner_id, c.quantity, c.line, p.quantity, p.line)
      FROM boxoffice.claim AS c
      LEFT JOIN boxoffice.claim AS p ON p.event_id = event AND p.owner_id = c.owner_id AND p.line = c.parent_line
     WHERE c.event_id = event AND c.parent_line IS NOT NULL AND c.state = 'held'
       AND (p.quantity IS NULL OR p.quantity = 0 OR c.quantity % p.quantity <> 0 OR p.parent_line IS NOT NULL)
    UNION ALL
    SELECT format('hold %s: bundle of line %s costs %s', p.owner_id, p.line, p.unit_price + sum(c.unit_price * c.quantity) / p.quantity)
      FROM boxoffice.claim AS p
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.id = p.ticket_type_id AND t.key = 'night'
      LEFT JOIN boxoffice.claim AS c ON c.event_id = event AND c.owner_id = p.owner_id AND c.parent_line = p.line AND c.bundled
     WHERE p.event_id = event AND p.state = 'held'
     GROUP BY p.owner_id, p.line, p.unit_price, p.quantity
    HAVING p.unit_price * p.quantity + coalesce(sum(c.unit_price * c.quantity), 0) <> 1999 * p.quantity OR sum(c.quantity) IS DISTINCT FROM 4 * p.quantity
    UNION ALL
    SELECT format('hold %s: no insurance for line %s', p.owner_id, p.line)
      FROM boxoffice.claim AS p
      JOIN boxoffice.ticket_type AS t ON t.event_id = event AND t.id = p.ticket_type_id AND t.key = 'all'
     WHERE p.event_id = event AND p.state = 'held'
       AND p.quantity IS DISTINCT FROM (SELECT sum(c.quantity) FROM boxoffice.claim AS c WHERE c.event_id = event AND c.owner_id = p.owner_id AND c.parent_line = p.line)
    UNION ALL
    -- one that was exchanged for something else has none of them any more, and its ticket is there
    SELECT format('order %s: the bundle of ticket %s has %s parts', o.id, p.id, b.parts)
      FROM boxoffice.order AS o
      JOIN boxoffice.ticket AS p ON p.event_id = event AND p.order_id = o.id AND p.parent_id IS NULL
      JOIN boxoffice.ticket_type AS y ON y.event_id = event AND y.id = p.ticket_type_id
     CROSS JOIN LATERAL (
        SELECT count(*) AS parts
          FROM boxoffice.ticket AS t
          JOIN boxoffice.claim AS c ON c.event_id = event AND c.owner_id = o.hold_id AND c.line = t.line AND c.bundled
         WHERE t.event_id = event AND t.parent_id = p.id AND t.state <> 'cancelled') AS b
     WHERE o.event_id = event AND b.parts <> CASE WHEN y.key = 'night' AND p.state <> 'cancelled' THEN 4 ELSE 0 END
    UNION ALL
    SELECT format('order %s: ticket %s is not where the one is that it belongs to', t.order_id, t.id)
      FROM boxoffice.ticket AS t
      JOIN boxoffice.ticket AS p ON p.event_id = event AND p.id = t.parent_id
     WHERE t.event_id = event AND t.state <> 'cancelled' AND t.session_id IS NOT NULL AND t.session_id IS DISTINCT FROM p.session_id
    UNION ALL
    SELECT format('order %s: ticket %s has %s of its add-ons and parts', p.order_id, p.id, count(c.id))
      FROM boxoffice.ticket AS p
      JOIN boxoffice.ticket_type AS y ON y.event_id = event AND y.id = p.ticket_type_id
      LEFT JOIN (boxoffice.ticket AS c JOIN boxoffice.ticket_type AS z ON z.event_id = event AND z.id = c.ticket_type_id)
        ON c.event_id = event AND c.parent_id = p.id AND c.state <> 'cancelled' AND (y.key, z.key) IN (('all', 'insurance'), ('night', 'drink'), ('night', 'day'))
     WHERE p.event_id = event AND p.state <> 'cancelled' AND y.key IN ('all', 'night')
     GROUP BY p.order_id, p.id, y.key
    HAVING count(c.id) <> CASE y.key WHEN 'all' THEN 1 ELSE 4 END
$$;
-- What exchanges one or two tickets of an order for something, some of which can't be.
CREATE FUNCTION pass_test.random_exchange(event bigint, "order" bigint) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT pass_test.try(format('SELECT ''200 '' || (api.order_exchange(%s, %s, %L, idempotency_key => gen_random_uuid()::text) ->> ''status'')', event, "order",
        (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ticket', t.id::text, 'ticket_type', CASE WHEN random() < 0.5 THEN pass_test.one_of('day', 'all', 'night', 'tour', 'insurance', 'gift') END,
                'session', CASE WHEN random() < 0.7 THEN pass_test.one_of('fri', 'sat', 'sun') END)))
           FROM (SELECT x.id
                   FROM (SELECT t.* FROM boxoffice.ticket AS t WHERE t.event_id = event AND t.order_id = "order" AND t.state <> 'cancelled' ORDER BY t.id OFFSET 0) AS x
                  ORDER BY (x.parent_id IS NULL AND random() < 0.7) DESC, random() LIMIT 1 + floor(random() * 2)::integer) AS t)))
$$;
-- Does so many things, and tells what went wrong, if anything, and whether all of them were done with success.
CREATE PROCEDURE pass_test.run(event bigint, steps integer, INOUT problem text, INOUT all_done boolean) LANGUAGE plpgsql AS $$
DECLARE
    seen jsonb := '{}';
    act text;
    said text;
    hold bigint;
    placed bigint;
BEGIN
    FOR step IN 1 .. steps LOOP
        act := pass_test.one_of('hold', 'hold', 'hold', 'part', 'change', 'change', 'change', 'release', 'order', 'order', 'lapse', 'pay', 'pay', 'cancel', 'exchange', 'exchange', 'exchange');
        -- in order of ids first: which rows lie where in a table is not the seed's
        SELECT x.id INTO hold FROM (SELECT h.id FROM boxoffice.hold AS h WHERE h.event_id = run.event AND h.status = 'active' ORDER BY h.id OFFSET 0) AS x ORDER BY random() LIMIT 1;
        SELECT x.id INTO placed FROM (SELECT o.id FROM boxoffice.order AS o WHERE o.event_id = run.event AND o.status IN ('pending', 'paid') ORDER BY o.id OFFSET 0) AS x ORDER BY random() LIMIT 1;
        CONTINUE WHEN hold IS NULL AND act IN ('change', 'release', 'order', 'lapse') OR placed IS NULL AND act IN ('pay', 'cancel', 'exchange');
        said := CASE act
            WHEN 'hold' THEN pass_test.hold(event, pass_test.random_items())
            WHEN 'part' THEN pass_test.hold(event, pass_test.random_items(), partial => true)
            WHEN 'change' THEN pass_test.change(event, pass_test.random_items(), hold)
            WHEN 'release' THEN pass_test.release(event, hold)
            WHEN 'lapse' THEN concat('200', pass_test.lapse(event, hold))
            WHEN 'order' THEN pass_test.try(format('SELECT ''201 '' || pass_test.order(%s, %s)', event, hold))
            WHEN 'pay' THEN pass_test.try(format('SELECT ''201 '' || pass_test.pay(%s, %s)', event, placed))
            WHEN 'exchange' THEN pass_test.random_exchange(event, placed)
            WHEN 'cancel' THEN pass_test.try(format('SELECT ''200 '' || (api.order_cancel(%s, %s, ARRAY[%s]) ->> ''status'')', event, placed,
                (SELECT x.id FROM (SELECT t.id FROM boxoffice.ticket AS t WHERE t.event_id = run.event AND t.order_id = placed ORDER BY t.id OFFSET 0) AS x ORDER BY random() LIMIT 1))) END;
        said := act || ' ' || split_part(said, ' ', 1);
        seen := seen || jsonb_build_object(said, coalesce((seen ->> said)::integer, 0) + 1);
        SELECT p INTO problem FROM pass_test.problems(event) AS p LIMIT 1;
        IF problem IS NOT NULL OR said !~ ' (20[01]|4\d\d|TK041|TK1\d\d)$' THEN
            problem := format('step %s, %s: %s', step, said, problem);
            EXIT;
        END IF;
    END LOOP;
    all_done := seen ?& '{hold 201,part 201,change 200,release 200,lapse 200,order 201,pay 201,cancel 200,exchange 200}';
END
$$;
SELECT 1 FROM setseed(0.4711);
CALL pass_test.run(:e, 400, NULL, NULL);

-- Add-ons, bundles, and the cart of FIELD 4.3. Stands on pass.sql's functions.
--
-- Of that section 51, 54 and 56 are in field.sql, 64 and 67 have no subject here: types are not
-- limited to channels, and a cart is known by its secret, so there is no other of the same buyer to drop. A hold that
-- has expired is not revived (56, 57): it is 410, and what is still there is asked for anew.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

\echo # what a document may not say
SELECT pass_test.try(format('SELECT pass_test.make_event(%L, %L)', 'ADDXX', t)) FROM unnest(ARRAY[
    '[{"key": "a", "name": "A", "price": 1, "addon_to": [{"ticket_type": "a"}]}]',
    '[{"key": "a", "name": "A", "price": 1, "addon_to": [{"ticket_type": "nothing"}]}]',
    '[{"key": "a", "name": "A", "price": 1}, {"key": "b", "name": "B", "price": 1, "addon_to": [{"ticket_type": "a"}, {"ticket_type": "a"}]}]',
    '[{"key": "a", "name": "A", "price": 1}, {"key": "b", "name": "B", "price": 1, "addon_to": [{"ticket_type": "a", "min": 3, "max": 2}]}]',
    '[{"key": "a", "name": "A", "price": 1}, {"key": "b", "name": "B", "price": 1, "addon_to": [{"ticket_type": "a"}]}, {"key": "c", "name": "C", "price": 1, "addon_to": [{"ticket_type": "b"}]}]',
    '[{"key": "a", "name": "A", "price": 1, "admits": "all"}, {"key": "b", "name": "B", "price": 1, "addon_to": [{"ticket_type": "a"}]}]',
    '[{"key": "a", "name": "A", "price": 1}, {"key": "b", "name": "B", "price": 1, "bundle": [{"ticket_type": "a", "quantity": 1, "share_ppm": 600000}, {"ticket_type": "c", "quantity": 1, "share_ppm": 600000}]}, {"key": "c", "name": "C", "price": 1}]',
    '[{"key": "a", "name": "A", "price": 1, "bundle": [{"ticket_type": "b", "quantity": 1, "share_ppm": 1}]}, {"key": "b", "name": "B", "price": 1, "bundle": [{"ticket_type": "a", "quantity": 1, "share_ppm": 1}]}]',
    '[{"key": "a", "name": "A", "price": 1, "admits": "all", "bundle": [{"ticket_type": "b", "quantity": 1, "share_ppm": 1}]}, {"key": "b", "name": "B", "price": 1}]',
    '[{"key": "a", "name": "A", "price": 1, "free_price": true, "bundle": [{"ticket_type": "b", "quantity": 100, "share_ppm": 1}, {"ticket_type": "c", "quantity": 1, "share_ppm": 1}]}, {"key": "b", "name": "B", "price": 1}, {"key": "c", "name": "C", "price": 1}]',
    '[{"key": "a", "name": "A", "price": 10, "free_price": true, "price_max": 9, "price_suggested": [5, 20]}]',
    '[{"key": "a", "name": "A", "price": 10, "price_max": 20, "price_suggested": [15]}]',
    '[{"key": "a", "name": "A", "price": 10, "admits": "none", "bundle": [{"ticket_type": "a", "quantity": 0}], "addon_to": {}}]']) AS t;

SELECT pass_test.make_event('ADDN', '[{"key": "day", "name": "Day", "price": 1000, "fee": 50, "pools": ["house"], "max_per_order": 4},
    {"key": "plain", "name": "Plain", "price": 900, "pools": ["house"], "min_per_order": 2},
    {"key": "parking", "name": "Parking", "kind": "addon", "price": 300, "pools": ["parking"], "addon_to": [{"ticket_type": "day", "max": 2}, {"ticket_type": "all"}], "admits": "all"},
    {"key": "tour", "name": "Tour", "kind": "addon", "price": 200, "fee": 10, "pools": ["tour"], "sold_alone": false, "addon_to": [{"ticket_type": "day"}]},
    {"key": "insurance", "name": "Insurance", "kind": "addon", "price": 20, "addon_to": [{"ticket_type": "all", "min": 1, "max": 1}], "admits": "all"},
    {"key": "all", "name": "All days", "price": 2500, "admits": "all", "pools": ["house"]}]',
    ', {"key": "parking", "name": "Parking", "scope": "event", "capacity": 3}, {"key": "tour", "name": "Tour", "scope": "session", "capacity": 2}') AS e \gset

\echo # an add-on is a line behind its ticket, in the session of its ticket; so many for each ticket
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}]}, {"ticket_type": "day", "session": "fri", "quantity": 1}');
SELECT hold_test.last(:e) AS h \gset
SELECT pass_test.stock(:e);
\echo # FIELD 4.3.66: an add-on that is sold out is refused, and told
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "fri", "quantity": 1, "addons": [{"ticket_type": "parking", "quantity": 1}, {"ticket_type": "tour", "quantity": 1}]}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 2, "addons": [{"ticket_type": "parking", "quantity": 2}]}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 2, "addons": [{"ticket_type": "parking", "quantity": 2}]}', partial => true);
SELECT pass_test.release(:e);
\echo # FIELD 4.3.66: an unchanged choice of it is kept, and what is added beside it is new
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}]}, {"ticket_type": "day", "session": "sat", "quantity": 1}', :h);
\echo # … though its sale is over and its price another
UPDATE boxoffice.ticket_type AS t SET status = 'paused', price = 250 WHERE t.event_id = :e AND t.key = 'tour';
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}, {"ticket_type": "parking", "quantity": 1}]}', :h);
SELECT pass_test.stock(:e);
\echo # … a swap is possible: the same tickets, other add-ons
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "parking", "quantity": 1}]}', :h);
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}]}', :h);
UPDATE boxoffice.ticket_type AS t SET status = 'active', price = 200 WHERE t.event_id = :e AND t.key = 'tour';
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 1, "addons": [{"ticket_type": "tour", "quantity": 2}]}, {"ticket_type": "day", "session": "fri", "quantity": 1}', :h);
SELECT pass_test.stock(:e);
\echo # … and if it can’t be served the hold stays as it was
SELECT pass_test.change(:e, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "parking", "quantity": 2}]}', :h);
SELECT pass_test.stock(:e);
\echo # FIELD 4.3.66: a required add-on, its least and its most
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1, "addons": [{"ticket_type": "insurance", "quantity": 2}]}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 1, "addons": [{"ticket_type": "parking", "quantity": 1}, {"ticket_type": "parking", "quantity": 2}]}');
SELECT pass_test.hold(:e, '{"ticket_type": "all", "quantity": 1, "addons": [{"ticket_type": "insurance", "quantity": 1}, {"ticket_type": "parking", "quantity": 1}]}');
SELECT pass_test.release(:e);
\echo # not sold alone; not to others
SELECT pass_test.hold(:e, '{"ticket_type": "tour", "session": "sat", "quantity": 1}');
SELECT pass_test.hold(:e, '{"ticket_type": "parking", "quantity": 1}');
SELECT pass_test.release(:e);
SELECT pass_test.hold(:e, '{"ticket_type": "plain", "session": "sat", "quantity": 2, "addons": [{"ticket_type": "parking", "quantity": 1}, {"ticket_type": "nothing", "quantity": 1}]}');
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 1, "addons": [{"ticket_type": "tour", "quantity": 0}, {"ticket_type": "tour", "quantity": 101, "price": -1, "session": "fri"}]}');

\echo # ordered: each ticket has its own; holders are of tickets first
SELECT pass_test.hold(:e, '{"ticket_type": "day", "session": "sat", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}, {"ticket_type": "parking", "quantity": 1}]}');
SELECT pass_test.order(:e) AS o \gset
SELECT pass_test.tickets(:e, :o);
SELECT pass_test.stock(:e);
SELECT pass_test.pay(:e, :o);
\echo # an add-on is cancelled alone; with a ticket go its add-ons
CREATE FUNCTION pass_test.nth(event bigint, "order" bigint, n integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT t.id FROM boxoffice.ticket AS t WHERE t.event_id = event AND t.order_id = "order" ORDER BY t.id LIMIT 1 OFFSET n - 1
$$;
SELECT api.order_cancel(:e, :o, ARRAY[pass_test.nth(:e, :o, 3)]) ->> 'total';
SELECT pass_test.tickets(:e, :o);
SELECT api.order_cancel(:e, :o, ARRAY[pass_test.nth(:e, :o, 2)]) ->> 'total';
SELECT pass_test.tickets(:e, :o);
SELECT pass_test.stock(:e);
SELECT api.order_cancel(:e, :o) ->> 'due';
SELECT pass_test.stock(:e);

\echo # a bundle’s price falls to its pieces by their shares, to the cent; what goes by the largest remainder
SELECT pass_test.make_event('BUNDLE', '[{"key": "seat", "name": "Seat", "price": 1500, "fee": 70, "pools": ["house"]}, {"key": "drink", "name": "Drink", "price": 400, "fee": 10, "pools": ["drink"]},
    {"key": "night", "name": "A night", "price": 1999, "fee": 50, "pools": ["house"], "bundle": [{"ticket_type": "drink", "quantity": 3, "share_ppm": 333333}]},
    {"key": "pair", "name": "A pair", "price": 2501, "pools": ["house"], "bundle": [{"ticket_type": "seat", "quantity": 1, "share_ppm": 500000}]},
    {"key": "trio", "name": "Three drinks", "price": 100, "sold_alone": true, "bundle": [{"ticket_type": "drink", "quantity": 3, "share_ppm": 1000000}]},
    {"key": "free", "name": "Given", "price": 0, "pools": ["house"], "bundle": [{"ticket_type": "drink", "quantity": 1, "share_ppm": 1000000}]}]',
    ', {"key": "drink", "name": "Drinks", "scope": "event", "capacity": 8}') AS b \gset
SELECT pass_test.hold(:b, '{"ticket_type": "night", "session": "fri", "quantity": 1}, {"ticket_type": "pair", "session": "fri", "quantity": 1}, {"ticket_type": "free", "session": "fri", "quantity": 1}');
SELECT pass_test.hold(:b, '{"ticket_type": "trio", "session": "fri", "quantity": 1}');
SELECT pass_test.release(:b);
SELECT sum(c.unit_price * c.quantity) = 1999 + 2501 + 100 AS sums_up FROM boxoffice.claim AS c WHERE c.event_id = :b;
SELECT pass_test.stock(:b);
\echo # whole bundles only; of their parts what is short is told
SELECT pass_test.hold(:b, '{"ticket_type": "night", "session": "sat", "quantity": 2}');
SELECT pass_test.hold(:b, '{"ticket_type": "night", "session": "sat", "quantity": 2}', partial => true);
SELECT pass_test.hold(:b, '{"ticket_type": "pair", "session": "fri", "quantity": 1}');
SELECT pass_test.stock(:b);
\echo # changed as a whole; as it was promised though the bundle is another by now
UPDATE boxoffice.ticket_type_bundle AS x SET quantity = 2 WHERE x.event_id = :b AND x.quantity = 3;
SELECT pass_test.change(:b, '{"ticket_type": "night", "session": "sat", "quantity": 1}, {"ticket_type": "seat", "session": "sat", "quantity": 1}');
SELECT pass_test.change(:b, '{"ticket_type": "seat", "session": "sat", "quantity": 1}');
UPDATE boxoffice.ticket_type_bundle AS x SET quantity = 3 WHERE x.event_id = :b AND x.quantity = 2;
SELECT pass_test.stock(:b);
\echo # cancelled as a whole
SELECT pass_test.order(:b, (SELECT min(h.id) FROM boxoffice.hold AS h WHERE h.event_id = :b)) AS o \gset
SELECT pass_test.pay(:b, :o);
SELECT pass_test.tickets(:b, :o);
SELECT regexp_replace(pass_test.try(format('SELECT api.order_cancel(%s, %s, ARRAY[%s])', :b, :o, pass_test.nth(:b, :o, 5))), '"parent":"\d+"', '"parent":"…"');
SELECT api.order_cancel(:b, :o, ARRAY[pass_test.nth(:b, :o, 1), pass_test.nth(:b, :o, 4)]) ->> 'total';
SELECT pass_test.tickets(:b, :o);
SELECT pass_test.stock(:b);

\echo # FIELD 4.3.59: an expired bundle whose child was sold to others goes as a whole, and late money finds it sold out
SELECT pass_test.hold(:b, '{"ticket_type": "night", "session": "sun", "quantity": 1}');
SELECT hold_test.last(:b) AS h \gset
SELECT pass_test.lapse(:b, :h);
SELECT pass_test.hold(:b, '{"ticket_type": "drink", "session": "sun", "quantity": 7}');
SELECT h.status, string_agg(concat_ws(' ', t.key, c.state), ', ' ORDER BY c.line) FROM boxoffice.hold AS h JOIN boxoffice.claim AS c ON c.event_id = :b AND c.owner_id = h.id
  JOIN boxoffice.ticket_type AS t ON t.event_id = :b AND t.id = c.ticket_type_id WHERE h.event_id = :b AND h.id = :h GROUP BY h.status;
SELECT pass_test.change(:b, '{"ticket_type": "night", "session": "sun", "quantity": 1}', :h);
SELECT pass_test.try(format('SELECT pass_test.order(%s, %s)', :b, :h));
SELECT pass_test.hold(:b, '{"ticket_type": "seat", "session": "sun", "quantity": 5}');
SELECT pass_test.stock(:b);

\echo # add-ons count for the limit of their type, not for the event’s
SELECT pass_test.make_event('LMTS', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]},
    {"key": "gift", "name": "Gift", "price": 0, "admits": "all", "buyer_limit": 3, "max_per_order": 4, "addon_to": [{"ticket_type": "day"}]}]') AS l \gset
UPDATE boxoffice.event AS e SET buyer_limit = 2, max_per_order = 2 WHERE e.id = :l;
SELECT pass_test.hold(:l, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "gift", "quantity": 1}]}', actor => 'customer ann');
SELECT pass_test.hold(:l, '{"ticket_type": "day", "session": "fri", "quantity": 1}', actor => 'customer ann');
SELECT pass_test.hold(:l, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "gift", "quantity": 2}]}', actor => 'customer bea');
SELECT pass_test.hold(:l, '{"ticket_type": "day", "session": "fri", "quantity": 2, "addons": [{"ticket_type": "gift", "quantity": 3}]}', actor => 'customer bea');
SELECT pass_test.change(:l, '{"ticket_type": "day", "session": "fri", "quantity": 1, "addons": [{"ticket_type": "gift", "quantity": 3}]}');
SELECT string_agg(format('%s %s %s', coalesce(t.key, 'event'), x.taken, x.taken_max), ', ' ORDER BY t.key, x.taken) FROM boxoffice.buyer AS x
  LEFT JOIN boxoffice.ticket_type AS t ON t.event_id = :l AND t.id = x.ticket_type_id WHERE x.event_id = :l;
SELECT pass_test.order(:l) AS o \gset
SELECT pass_test.tickets(:l, :o);
SELECT pass_test.pay(:l, :o);
SELECT api.order_cancel(:l, :o) ->> 'status';
SELECT string_agg(format('%s %s %s', coalesce(t.key, 'event'), x.taken, x.taken_max), ', ' ORDER BY t.key, x.taken) FROM boxoffice.buyer AS x
  LEFT JOIN boxoffice.ticket_type AS t ON t.event_id = :l AND t.id = x.ticket_type_id WHERE x.event_id = :l;
SELECT pass_test.stock(:l);

\echo # at the counter in one call: a pass, add-ons and a bundle
SELECT (api.sale_create(:e, '[{"ticket_type": "all", "quantity": 1, "addons": [{"ticket_type": "insurance", "quantity": 1}]}, {"ticket_type": "day", "session": "sun", "quantity": 2, "addons": [{"ticket_type": "tour", "quantity": 1}]}]',
    payment => '{"kind": "cash"}', idempotency_key => gen_random_uuid()::text) ->> 'id')::bigint AS o \gset
SELECT pass_test.tickets(:e, :o);
SELECT pass_test.try(format('SELECT api.sale_create(%s, %L, payment => %L, idempotency_key => gen_random_uuid()::text)', :e, '[{"ticket_type": "all", "quantity": 1}]', '{"kind": "cash"}'));
SELECT pass_test.stock(:e);

\echo # what a ticket must have is not cancelled without it: not alone, with it it is; what it may have is; and what it had too few of already
CREATE FUNCTION pass_test.cancel(event bigint, "order" bigint, VARIADIC nth integer[]) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(pass_test.try(format('SELECT api.order_cancel(%s, %s, ARRAY[%s]) ->> ''total''', event, "order",
        (SELECT string_agg(pass_test.nth(event, "order", n)::text, ', ') FROM unnest(nth) AS n))), '"parent":"\d+"', '"parent":"…"', 'g')
$$;
SELECT pass_test.cancel(:e, :o, 4);
SELECT pass_test.cancel(:e, :o, 4, 5);
SELECT pass_test.cancel(:e, :o, 5);
SELECT pass_test.cancel(:e, :o, 4, 1);
SELECT pass_test.tickets(:e, :o);
SELECT (api.sale_create(:e, '[{"ticket_type": "all", "quantity": 2, "addons": [{"ticket_type": "insurance", "quantity": 1}]}]', payment => '{"kind": "cash"}', idempotency_key => gen_random_uuid()::text) ->> 'id')::bigint AS o \gset
UPDATE boxoffice.ticket_type_addon AS a SET min_per_parent = 2, max_per_parent = 2 WHERE a.event_id = :e AND a.min_per_parent = 1;
SELECT pass_test.cancel(:e, :o, 3);
UPDATE boxoffice.ticket_type_addon AS a SET min_per_parent = 1, max_per_parent = 1 WHERE a.event_id = :e AND a.min_per_parent = 2;
SELECT pass_test.cancel(:e, :o, 4);
SELECT pass_test.cancel(:e, :o, 1, 2);
SELECT pass_test.stock(:e);

\echo # a group whose lines take of the same: where only all of it is too much, what is told is how many there are of it, and whether others may let go
SELECT pass_test.make_event('SAMES', '[{"key": "seat", "name": "Seat", "price": 1500, "pools": ["house"]}, {"key": "lap", "name": "Lap", "kind": "addon", "price": 100, "pools": ["house"], "addon_to": [{"ticket_type": "seat"}]},
    {"key": "trio", "name": "Three", "price": 4000, "pools": ["house"], "bundle": [{"ticket_type": "seat", "quantity": 2, "share_ppm": 600000}]}]') AS s \gset
SELECT pass_test.hold(:s, '{"ticket_type": "trio", "session": "fri", "quantity": 2}');
SELECT pass_test.hold(:s, '{"ticket_type": "trio", "session": "fri", "quantity": 2}', partial => true);
SELECT pass_test.hold(:s, '{"ticket_type": "trio", "session": "fri", "quantity": 1}');
SELECT pass_test.hold(:s, '{"ticket_type": "seat", "session": "sat", "quantity": 1}');
SELECT pass_test.hold(:s, '{"ticket_type": "seat", "session": "sat", "quantity": 3, "addons": [{"ticket_type": "lap", "quantity": 1}]}');
SELECT pass_test.pay(:s, pass_test.order(:s));
SELECT pass_test.hold(:s, '{"ticket_type": "seat", "session": "sat", "quantity": 3, "addons": [{"ticket_type": "lap", "quantity": 1}]}');
SELECT pass_test.hold(:s, '{"ticket_type": "seat", "session": "sat", "quantity": 2, "addons": [{"ticket_type": "lap", "quantity": 1}]}');
SELECT pass_test.stock(:s);

\echo # the cart of FIELD 4.3 where nothing else tests it
\echo # 49, 69: more than there is: nothing, or with partial what there is
SELECT pass_test.make_event('CART', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]}, {"key": "pairs", "name": "Pairs", "price": 900, "pools": ["house"], "min_per_order": 2, "max_per_order": 4}]') AS c \gset
SELECT pass_test.hold(:c, '{"ticket_type": "day", "session": "fri", "quantity": 6}');
SELECT pass_test.stock(:c);
SELECT pass_test.hold(:c, '{"ticket_type": "day", "session": "fri", "quantity": 6}', partial => true);
\echo # 52: a series needs a date, of those that there are, and one that is open
SELECT pass_test.hold(:c, '{"ticket_type": "day", "quantity": 1}');
SELECT pass_test.hold(:c, '{"ticket_type": "day", "session": "mon", "quantity": 1}');
\echo # 61: most and least of a type, over all its sessions
SELECT pass_test.hold(:c, '{"ticket_type": "pairs", "session": "sat", "quantity": 3}, {"ticket_type": "pairs", "session": "sun", "quantity": 2}');
SELECT pass_test.hold(:c, '{"ticket_type": "pairs", "session": "sat", "quantity": 1}');
SELECT pass_test.hold(:c, '{"ticket_type": "pairs", "session": "sat", "quantity": 1}, {"ticket_type": "pairs", "session": "sun", "quantity": 1}');
\echo # 62: where fewer than the least are left a change is refused: the buyer says what goes
SELECT pass_test.change(:c, '{"ticket_type": "pairs", "session": "sat", "quantity": 1}');
SELECT pass_test.stock(:c);

\echo # nobody must have an add-on that is retired, and what a bundle has in it stays as long as the bundle
SELECT pass_test.make_event('RETD', '[{"key": "day", "name": "Day", "price": 1000, "pools": ["house"]}, {"key": "map", "name": "Map", "price": 100, "addon_to": [{"ticket_type": "day", "min": 1}]},
    {"key": "two", "name": "Two", "price": 1800, "pools": ["house"], "bundle": [{"ticket_type": "day", "quantity": 2, "share_ppm": 1000000}]}]') AS r \gset
SELECT pass_test.hold(:r, '{"ticket_type": "day", "session": "fri", "quantity": 1, "addons": [{"ticket_type": "map", "quantity": 1}]}');
SELECT pass_test.hold(:r, '{"ticket_type": "day", "session": "fri", "quantity": 1}');
SELECT api.ticket_type_delete(:r, 'map') ->> 'outcome';
SELECT pass_test.hold(:r, '{"ticket_type": "day", "session": "fri", "quantity": 1}');
SELECT pass_test.hold(:r, '{"ticket_type": "day", "session": "fri", "quantity": 1, "addons": [{"ticket_type": "map", "quantity": 1}]}');
SELECT pass_test.try(format('SELECT api.ticket_type_delete(%s, %L)', :r, 'day'));
SELECT api.ticket_type_delete(:r, 'two') ->> 'outcome';
SELECT api.ticket_type_delete(:r, 'day') ->> 'outcome';

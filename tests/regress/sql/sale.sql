-- Sales by staff: hold, order and payment in one call, and which rules they may overrule.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9700000, 'SALE', 10);
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id)
VALUES ('ord_bo', 'bo', 'organizer', NULL), ('ord_sam', 'sam', 'organizer', NULL), ('ord_eve', 'eve', 'organizer', NULL);
CREATE ROLE ord_bo LOGIN IN ROLE boxoffice_service;
CREATE ROLE ord_sam LOGIN IN ROLE boxoffice_service;
CREATE ROLE ord_eve LOGIN IN ROLE boxoffice_service;

-- What a sale of these items says, with a new key and whatever else is given.
CREATE FUNCTION order_test.sell(event bigint, items text, payment jsonb DEFAULT NULL, more text DEFAULT '')
RETURNS text LANGUAGE sql AS $$
    SELECT order_test.say(format('SELECT api.sale_create(%s, %L, payment => %L, idempotency_key => gen_random_uuid()::text%s)',
        event, (SELECT jsonb_agg(jsonb_build_object('ticket_type', p[1], 'quantity', p[2]::integer, 'session', coalesce(p[3], 'friday')))
                  FROM regexp_split_to_table(items, ',') AS i, string_to_array(i, ' ') AS p), payment, more),
        'status', 'channel', 'total', 'paid', 'due', 'contact.name', 'tickets.0.state')
$$;

\echo # cash, at once: paid, with valid tickets, nobody knows whose
SELECT order_test.sell(9700000, 'general 2', '{"kind": "cash"}');
SELECT order_test.state(9700000, o.id), o.subject, o.email_key, h.status, h.subject
  FROM boxoffice.order AS o JOIN boxoffice.hold AS h ON h.id = o.hold_id WHERE o.event_id = 9700000;
SELECT kind, method, reference, recorded_by IS NULL FROM boxoffice.payment WHERE event_id = 9700000;
SELECT c.kind, total_before, total_after, reason, overruled, changed_by IS NULL FROM boxoffice.order_change AS c WHERE event_id = 9700000;
SELECT topic FROM boxoffice.outbox WHERE event_id = 9700000 ORDER BY id;
SELECT count(*) FROM boxoffice.contact WHERE event_id = 9700000;

\echo # on the phone, with a contact, to be paid later; with a part of the money; with too much
SELECT order_test.sell(9700000, 'general 1', NULL, $$, channel => 'phone', contact => '{"name": "Ada", "email": "ada@example.org"}'$$);
SELECT order_test.sell(9700000, 'general 1', '{"kind": "card_terminal", "amount": 2000, "reference": "T-1"}');
SELECT order_test.sell(9700000, 'general 1', '{"kind": "transfer", "amount": 3000}');
SELECT kind, method, amount, outcome, reference FROM boxoffice.payment WHERE event_id = 9700000 ORDER BY id;

\echo # complimentary: nothing, for a reason
SELECT order_test.sell(9700000, 'general 1,pass 1 saturday', '{"kind": "complimentary", "reason": "the band''s guests"}');
SELECT p.kind, p.amount, p.outcome, c.reason FROM boxoffice.payment AS p JOIN boxoffice.order_change AS c USING (event_id, order_id)
 WHERE p.event_id = 9700000 AND p.kind = 'complimentary';
SELECT order_test.sell(9700000, 'general 1', '{"kind": "complimentary"}') AS no_reason;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "cash", "reason": "x"}') AS reason_for_cash;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "complimentary", "reason": "x", "amount": 1}') AS amount_of_nothing;
SELECT order_test.sell(9700000, 'free 1', '{"kind": "cash"}') AS free;
SELECT order_test.sell(9700000, 'free 1', '{"kind": "cash", "amount": 5}') AS free_for_money;

\echo # what a buyer is refused, staff are refused too, unless they say which rule they overrule
SELECT order_test.sell(9700000, 'general 9', '{"kind": "cash"}') AS more_than_there_is;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "cash"}', ', expected_total => 1') AS other_price;
SELECT order_test.sell(9700000, 'none 1', '{"kind": "cash"}') AS unknown;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "cash"}', $$, holders => '[{"name": "A"}, {"name": "B"}]'$$) AS holders;
UPDATE boxoffice.event SET status = 'paused', version = version + 1 WHERE id = 9700000;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "cash"}') AS paused;
SELECT order_test.sell(9700000, 'general 1', '{"kind": "cash"}', $$, override => '{paused}'$$);
UPDATE boxoffice.event SET status = 'published', version = version + 1, buyer_limit = 1, max_per_order = 1 WHERE id = 9700000;
UPDATE boxoffice.ticket_type SET sale_ends_at = '2020-01-02', min_per_order = 2, max_per_order = 2 WHERE event_id = 9700000 AND key = 'general';
UPDATE boxoffice.session SET status = 'paused' WHERE event_id = 9700000 AND key = 'saturday';
SELECT order_test.sell(9700000, 'general 3 saturday', '{"kind": "cash"}') AS all_rules;
SELECT order_test.sell(9700000, 'general 3 saturday', '{"kind": "cash"}', $$, override => '{paused,max_per_order}'$$) AS window;
SELECT order_test.sell(9700000, 'general 1 saturday', '{"kind": "cash"}', $$, override => '{paused,not_on_sale}'$$) AS minimum;
SELECT order_test.sell(9700000, 'general 2 saturday', '{"kind": "cash"}', $$, override => '{paused,not_on_sale,max_per_order}', contact => '{"name": "Ada", "email": "ada@example.org"}'$$) AS buyer_limit;
SELECT order_test.sell(9700000, 'general 2 saturday', '{"kind": "cash"}', $$, override => '{paused,not_on_sale,max_per_order,buyer_limit}', contact => '{"name": "Ada", "email": "ada@example.org"}'$$);
SELECT c.overruled FROM boxoffice.order_change AS c WHERE event_id = 9700000 ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM boxoffice.buyer WHERE event_id = 9700000;
SELECT order_test.sell(9700000, 'general 90 saturday', '{"kind": "cash"}', $$, override => '{paused,not_on_sale,max_per_order,buyer_limit,min_per_order}'$$) AS never_the_capacity;
UPDATE boxoffice.session SET status = 'cancelled' WHERE event_id = 9700000 AND key = 'saturday';
SELECT order_test.sell(9700000, 'general 2 saturday', '{"kind": "cash"}', $$, override => '{paused,not_on_sale,max_per_order,buyer_limit,min_per_order}'$$) AS nor_a_cancelled_session;
SELECT order_test.sell(9700000, 'general 2', '{"kind": "cash"}', $$, override => '{capacity}'$$) AS no_rule;

\echo # a key is good for one sale
SELECT (api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]', idempotency_key => 'sale-1') ->> 'id')
     = (api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]', idempotency_key => 'sale-1') ->> 'id') AS same;
SELECT order_test.say($$SELECT api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 2, "session": "friday"}]', idempotency_key => 'sale-1')$$);

\echo # who sells: the box office; no scanner, nobody of another organizer, not the public
SET SESSION AUTHORIZATION ord_bo;
SELECT order_test.say($$SELECT api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]')$$);
SET SESSION AUTHORIZATION ord_sam;
SELECT order_test.say($$SELECT api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]')$$);
SET SESSION AUTHORIZATION ord_eve;
SELECT order_test.say($$SELECT api.sale_create(9700000, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]')$$);
SELECT order_test.say($$SELECT api.sale_create(1, '[{"ticket_type": "free", "quantity": 1, "session": "friday"}]')$$);
RESET SESSION AUTHORIZATION;
SELECT recorded_by FROM boxoffice.payment WHERE event_id = 9700000 ORDER BY id DESC LIMIT 1;
SELECT has_function_privilege('boxoffice_public', p.oid, 'EXECUTE') FROM pg_proc AS p WHERE proname = 'sale_create';

SELECT * FROM order_test.stock(9700000);
SELECT * FROM boxoffice.check_orders(9700000);
SELECT * FROM boxoffice.check_inventory(9700000);
DROP ROLE ord_bo, ord_sam, ord_eve;
DELETE FROM boxoffice.login_actor WHERE login LIKE 'ord\_%';

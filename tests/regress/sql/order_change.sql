-- What was done to an order, by whom and when: changes, cancellations and payments in one list.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT order_test.make_event(9705000, 'LEDGER');

-- A page of an order's history in lines, and its cursor.
CREATE FUNCTION order_test.history(event bigint, "order" bigint, cursor text DEFAULT NULL, "limit" integer DEFAULT 50)
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', i ->> 'kind', 'by ' || coalesce(nullif(i ->> 'by', session_user), 'me'), i ->> 'total_before', '> ' || (i ->> 'total_after'), CASE WHEN (i ->> 'reopened')::boolean THEN 'reopened' END,
               i ->> 'reason', nullif(i ->> 'overruled', '[]'), nullif(concat_ws(' ', i #>> '{payment,kind}', i #>> '{payment,amount}', i #>> '{payment,outcome}', i #>> '{payment,method}'), ''),
               CASE WHEN i ->> 'other_order' IS NOT NULL THEN 'with another' END)
      FROM json_array_elements(api.order_change_list(event, "order", cursor, "limit") -> 'items') WITH ORDINALITY AS x (i, n) ORDER BY n
$$;

\echo # paid, raised and paid again, one ticket split off, one cancelled by a member of the organizer, the rest by nobody known
SELECT order_test.place(9705000, order_test.make_hold(9705000, '{general 3 friday}')) AS o \gset
SELECT count(*) FROM order_test.history(9705000, :o);
SELECT count(*) FROM order_test.pay(9705000, :o, 'manual');
SELECT order_test.say(format('SELECT api.order_exchange(9705000, %s, %L, idempotency_key => %L)', :o, jsonb_build_array(jsonb_build_object('ticket', order_test.ticket(:o, 1)::text, 'ticket_type', 'pass')), 'led-1'), 'status', 'due');
SELECT count(*) FROM order_test.pay(9705000, :o, 'manual');
SELECT order_test.say(format('SELECT api.order_split(9705000, %s, ARRAY[%s], idempotency_key => %L)', :o, order_test.ticket(:o, 3), 'led-2'), 'split.status');
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id) VALUES ('boxoffice_service', 'olga', 'organizer', NULL);
SELECT order_test.ticket(:o, 2) AS second \gset
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_cancel(9705000, %s, ARRAY[%s])', :o, :second), 'status', 'total', 'due');
RESET SESSION AUTHORIZATION;
SELECT order_test.cancel(9705000, :o);
SELECT * FROM order_test.history(9705000, :o);
\echo # in pages
SELECT i.n, i.kinds FROM (
    WITH RECURSIVE page AS (
        SELECT 1 AS n, api.order_change_list(9705000, :o, NULL, 3) AS page
        UNION ALL
        SELECT p.n + 1, api.order_change_list(9705000, :o, p.page ->> 'next', 3) FROM page AS p WHERE p.page ->> 'next' IS NOT NULL
    )
    SELECT p.n, (SELECT string_agg(i ->> 'kind', ' ') FROM json_array_elements(p.page -> 'items') AS i) AS kinds FROM page AS p) AS i ORDER BY i.n;
SELECT order_test.say(format('SELECT api.order_change_list(9705000, %s, %L)', :o, 'x')) AS no_cursor;
\echo # of another event, and for the organizer’s people only
SELECT order_test.say(format('SELECT api.order_change_list(9705001, %s)', :o)) AS no_event;
SELECT order_test.say('SELECT api.order_change_list(9705000, 1)') AS no_order;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_change_list(9705000, %s)', :o), 'items.1.by') AS member;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'sam';
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_change_list(9705000, %s)', :o)) AS scanner;
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.login_actor SET subject = 'eve', organizer_id = 901;
SET SESSION AUTHORIZATION boxoffice_service;
SELECT order_test.say(format('SELECT api.order_change_list(9705000, %s)', :o)) AS other_organizer;
RESET SESSION AUTHORIZATION;
DELETE FROM boxoffice.login_actor;
SELECT * FROM boxoffice.check_orders(9705000);

-- The dispatcher and its binder as the gateway sees them: who may ask, what is wrong with a
-- request, what a stored function's refusal becomes, and its idempotency keys.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA dispatch_test;

-- One request. The answer is the body of a success, or of a refusal its code and faults.
CREATE FUNCTION dispatch_test.ask(
    operation text, params text, body text, role text DEFAULT 'public', subject text DEFAULT NULL,
    key text DEFAULT NULL, organizer bigint DEFAULT NULL,
    contract text DEFAULT boxoffice_code.contract())
    RETURNS TABLE (status integer, replayed boolean, retry_after integer, answer jsonb)
    LANGUAGE sql
AS $$
    SELECT d.status, d.replayed, d.retry_after,
           CASE WHEN d.status < 300 THEN d.body::jsonb - 'id' - 'created_at'
                ELSE jsonb_build_object('code', d.body::jsonb -> 'code',
                                        'errors', d.body::jsonb -> 'errors') END
      FROM boxoffice_code.dispatch(0, operation, contract, ARRAY[params],
           ARRAY[convert_to(body, 'UTF8')], ARRAY[subject], ARRAY[role], ARRAY[organizer],
           ARRAY[key], ARRAY[NULL::text], ARRAY['r-1'], 5000) AS d
$$;

-- versions that differ, operations that are none
SELECT * FROM dispatch_test.ask('organizer_create', '', '{}', contract => 'else');
SELECT * FROM dispatch_test.ask('organizer_drop', '', '{}');

-- who may ask: 401 without a token, 403 with one, whatever else is wrong
SELECT * FROM dispatch_test.ask('organizer_create', '', '{');
SELECT * FROM dispatch_test.ask('organizer_create', '', '{', 'customer', 'cora');
SELECT * FROM dispatch_test.ask('organizer_create', '', '{}', 'root', 'cora');

-- wrong by the contract: all of it at once, malformed JSON before the rest
SELECT status, jsonb_pretty(answer)
  FROM dispatch_test.ask(
    'organizer_create', 'x=1', '{"slug":"A","name":7,"role":"admin"}', 'organizer', 'dora', '');
SELECT * FROM dispatch_test.ask('organizer_create', '', '{"slug":', 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_create', '', NULL, 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=1', '{"colour": "red"}', 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=1', '{}', 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=x', NULL, 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_get', '', NULL, 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('event_list', 'limit=0&limit=1&cursor=%00', NULL);

-- a stored function answers, and refuses; what it had done is undone
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"dora","name":"Dora''s"}', 'organizer', 'dora');
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"dora","name":"Dora"}', 'organizer', 'dora');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=1', NULL, 'organizer', 'dora');
SELECT name FROM boxoffice.organizer WHERE slug = 'dora';

-- a key: the same answer again, another request is a mismatch, another caller's key is another key
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-2","name":"D 2"}', 'organizer', 'dora', 'k 1');
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-2","name":"D 2"}', 'organizer', 'dora', 'k 1');
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-3","name":"D 3"}', 'organizer', 'dora', 'k 1');
SELECT * FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-3","name":"D 3"}', 'organizer', 'eric', 'k 1');
SELECT count(*) FROM boxoffice.organizer WHERE slug IN ('d-2', 'd-3');
-- a refusal is not kept: it is decided anew
SELECT status, answer -> 'code' AS code
  FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-2","name":"D"}', 'organizer', 'dora', 'k 2');
DELETE FROM boxoffice.member AS m USING boxoffice.organizer AS o
 WHERE o.id = m.organizer_id AND o.slug = 'd-2';
DELETE FROM boxoffice.organizer WHERE slug = 'd-2';
SELECT status, replayed
  FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-2","name":"D"}', 'organizer', 'dora', 'k 2');
-- after a day a key is new
SET boxoffice.clock_offset = 86401;
SELECT status, answer -> 'code' AS code
  FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-2","name":"D"}', 'organizer', 'dora', 'k 2');
RESET boxoffice.clock_offset;
-- keys that are none
SELECT status, answer -> 'errors' AS errors
  FROM dispatch_test.ask(
    'organizer_create', '', '{"slug":"d-9","name":"D"}', 'organizer', 'dora', repeat('k', 201));
SELECT status, answer -> 'errors' AS errors
  FROM dispatch_test.ask(
    'hold_create', 'event=1', '{"items":[{"ticket_type":"a","quantity":1}]}', key => 'mine');
SELECT status, answer -> 'errors' AS errors
  FROM dispatch_test.ask('order_create', 'event=1',
       '{"hold":"1","secret":"s","contact":{"name":"A","email":"a@example.org"}}');

-- a batch: each has its own answer, in order
SELECT d.status, d.body::jsonb -> 'code' AS code, d.body::jsonb -> 'request_id' AS request
  FROM boxoffice_code.dispatch(1, 'hold_create', boxoffice_code.contract(),
       ARRAY['event=1', 'event=1', 'event=1', 'event=1'],
       ARRAY['{"items":[{"ticket_type":"a","quantity":1}]}', '{', NULL,
             '{"items":[{"ticket_type":"a\\u0000","quantity":1}]}']::bytea[],
       ARRAY[NULL, NULL, NULL, 's'], ARRAY['public', 'public', 'public', 'scanner'],
       ARRAY[NULL, NULL, NULL, NULL]::bigint[], ARRAY[NULL, NULL, NULL, NULL]::text[],
       ARRAY[NULL, NULL, NULL, NULL]::text[], ARRAY['a', 'b', 'c', 'd'], NULL) WITH ORDINALITY AS d;
-- arrays that don't fit each other; no request at all
SELECT * FROM boxoffice_code.dispatch(1, 'hold_create', boxoffice_code.contract(), ARRAY['', ''],
       ARRAY[NULL]::bytea[], ARRAY[NULL]::text[], ARRAY['public'], ARRAY[NULL]::bigint[],
       ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY['a'], 1000);
SELECT count(*) FROM boxoffice_code.dispatch(0, 'hold_create', boxoffice_code.contract(), '{}',
       '{}', '{}', '{}', '{}', '{}', '{}', '{}', 1000);

-- the deadline is a timer of the call, and gone after it; locks are waited for half as long
CREATE FUNCTION dispatch_test.ask_slowly(deadline_ms integer) RETURNS SETOF integer
    LANGUAGE sql
AS $$
    SELECT d.status
      FROM boxoffice_code.dispatch(0, 'event_list', boxoffice_code.contract(), ARRAY[''],
           ARRAY[NULL]::bytea[], ARRAY[NULL]::text[], ARRAY['public'], ARRAY[NULL]::bigint[],
           ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY['r'], deadline_ms) AS d
$$;
BEGIN;
ALTER FUNCTION api.event_list RENAME TO event_list_real;
CREATE FUNCTION api.event_list(
    organizer bigint DEFAULT NULL, cursor text DEFAULT NULL, "limit" integer DEFAULT NULL)
    RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('lock_timeout') = '100ms' THEN
        PERFORM pg_catalog.pg_sleep(5);
    END IF;
    RETURN '{}';
END $$;
SAVEPOINT here;
SELECT * FROM dispatch_test.ask_slowly(200);
ROLLBACK TO here;
SELECT * FROM dispatch_test.ask_slowly(20000);
SELECT current_setting('lock_timeout') AS lock_timeout;
ROLLBACK;

-- what a function of ours does wrong is raised on, a race's unique violation is a refusal
BEGIN;
CREATE OR REPLACE FUNCTION api.organizer_get(organizer bigint) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    CASE organizer
        WHEN 1 THEN RETURN 1 / 0;
        WHEN 2 THEN RAISE unique_violation USING CONSTRAINT = 'venue_organizer_id_key_key';
        WHEN 3 THEN RAISE unique_violation USING CONSTRAINT = 'other_key';
        WHEN 4 THEN RAISE 'my own words' USING ERRCODE = 'TK103', DETAIL = 'Until noon.';
        WHEN 5 THEN RAISE 'no such code' USING ERRCODE = 'TKXXX';
        WHEN 6 THEN PERFORM boxoffice_code.refuse_all(
            '[{"code": "max_per_order", "pointer": "/b", "max": 6},
              {"code": "in_use", "pointer": "/a", "detail": "It is used."}]');
        WHEN 8 THEN RETURN pg_catalog.nextval(4000000000::oid::regclass);
        ELSE RETURN NULL;
    END CASE;
END $$;
SAVEPOINT here;
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=1', NULL, 'admin', 'root');
ROLLBACK TO here;
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=2', NULL, 'admin', 'root');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=3', NULL, 'admin', 'root');
ROLLBACK TO here;
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=4', NULL, 'admin', 'root');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=5', NULL, 'admin', 'root');
ROLLBACK TO here;
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=6', NULL, 'admin', 'root');
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=7', NULL, 'admin', 'root');
ROLLBACK TO here;
-- something that was there an instant ago is gone, as in a deploy
SELECT * FROM dispatch_test.ask('organizer_get', 'organizer=8', NULL, 'admin', 'root');
ROLLBACK;

-- refusals in SQL: SQLSTATE, words, and what is wrong in the arguments of refuse itself
\set VERBOSITY default
SELECT boxoffice_code.refuse('sold_out', '/items/0', '{"available": 3}', 'only three');
SELECT boxoffice_code.refuse('TK103');
SELECT boxoffice_code.refuse_all(
    '[{"code": "max_per_order", "pointer": "/b", "max": 6}, {"code": "in_use"}]');
SELECT boxoffice_code.refuse_all('[]'), boxoffice_code.refuse_all(NULL);
\set VERBOSITY terse
SELECT boxoffice_code.refuse('no_such');
SELECT boxoffice_code.refuse(NULL);
SELECT boxoffice_code.refuse_all('{}');
SELECT boxoffice_code.refuse_all('[{"code": "x"}]');
SELECT boxoffice_code.require_fits('organizer_create', '{"slug": "a", "name": "A", "x": 1}');
SELECT boxoffice_code.require_fits('organizer_create', '{"slug": "a", "name": "A"}');
SELECT boxoffice_code.require_fits('event_list', '{"q": ""}');
SELECT boxoffice_code.require_fits('event_list', '{"nothing": ""}');
SELECT boxoffice_code.require_fits('pool_create', '{"key": "a", "name": "A", "scope": "event", "capacity": null, "overbook": null}');
SELECT boxoffice_code.require_fits('nothing', '{}');

-- the core in SQL: ids may be numbers; what is missing or wrong is raised
SELECT boxoffice_code.perform('hold_create', 1, '{}');
SELECT boxoffice_code.perform('hold_get', 1, '{"hold": 5}');
SELECT boxoffice_code.perform('hold_get', 1, '{"hold": "x"}');
SELECT boxoffice_code.perform('hold_get', NULL, '{"hold": 5}');
SELECT boxoffice_code.perform('hold_get', 1, '[]');
SELECT boxoffice_code.perform('organizer_get', NULL, '{}');

-- who acts: the login's row, a superuser is an administrator, nobody else is anybody
SELECT boxoffice_code.actor_role(), boxoffice_code.actor_organizer();
CREATE ROLE test_dispatch_eve LOGIN;
GRANT USAGE ON SCHEMA boxoffice_code TO test_dispatch_eve;
GRANT EXECUTE ON FUNCTION boxoffice_code.actor_role(), boxoffice_code.actor_subject(),
    boxoffice_code.actor_organizer() TO test_dispatch_eve;
SET SESSION AUTHORIZATION test_dispatch_eve;
SELECT boxoffice_code.actor_role() AS role, boxoffice_code.actor_subject() AS subject,
       boxoffice_code.actor_organizer() AS organizer;
RESET SESSION AUTHORIZATION;
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id)
VALUES ('test_dispatch_eve', 'eve', 'organizer', 77);
SET SESSION AUTHORIZATION test_dispatch_eve;
SELECT boxoffice_code.actor_role() AS role, boxoffice_code.actor_subject() AS subject,
       boxoffice_code.actor_organizer() AS organizer;
RESET SESSION AUTHORIZATION;

-- … and what she has in her search_path does not run as the owner of our code
CREATE SCHEMA test_dispatch_hers AUTHORIZATION test_dispatch_eve;
SET SESSION AUTHORIZATION test_dispatch_eve;
CREATE FUNCTION test_dispatch_hers.equal(a name, b name) RETURNS boolean LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'run as %', current_user; END$$;
CREATE OPERATOR test_dispatch_hers.= (
    LEFTARG = name, RIGHTARG = name, FUNCTION = test_dispatch_hers.equal);
GRANT USAGE ON SCHEMA test_dispatch_hers TO PUBLIC;
BEGIN;
SET LOCAL search_path = test_dispatch_hers, pg_catalog;
SELECT boxoffice_code.actor_subject();
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- where nobody names a deadline the operation's own counts, for what streams too
SELECT d.status
  FROM boxoffice_code.dispatch(1, 'order_get', boxoffice_code.contract(),
       ARRAY['event=1&order=1'], ARRAY[NULL::bytea], ARRAY['dora'], ARRAY['organizer'],
       ARRAY[NULL::bigint], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY['r-1'], NULL) AS d;
SET statement_timeout = 0;
SELECT left(boxoffice_code.stream(1, 'order_csv', boxoffice_code.contract(),
       ARRAY['event=1'], ARRAY[NULL::bytea], ARRAY['dora'], ARRAY['organizer'],
       ARRAY[NULL::bigint], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY['r-1'], NULL), 3) AS status;
RESET statement_timeout;

DELETE FROM boxoffice.login_actor WHERE login = 'test_dispatch_eve';
SET client_min_messages = warning;
DROP OWNED BY test_dispatch_eve;
DROP ROLE test_dispatch_eve;
DROP SCHEMA dispatch_test CASCADE;

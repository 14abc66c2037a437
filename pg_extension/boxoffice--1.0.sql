-- The extension makes functions only, in schema boxoffice_code: no type, no table. Tables, grants
-- and the functions of schema api are ordinary objects made by sql/deploy.
\echo Use "CREATE EXTENSION boxoffice" to load this file. \quit

-- ---------------------------------------------------------------- the dispatcher

CREATE FUNCTION boxoffice_code.dispatch(
    event bigint, operation text, contract text, params text[], bodies bytea[],
    subjects text[], roles text[], organizers bigint[], keys text[], secrets text[],
    request_ids text[], deadline_ms integer,
    OUT status integer, OUT replayed boolean, OUT retry_after integer, OUT etag text, OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dispatch'
LANGUAGE C VOLATILE SECURITY DEFINER ROWS 128
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION boxoffice_code.dispatch IS
'The gateway''s one call: a batch of requests of one operation (and event); one row of answer for each, in order.';

CREATE FUNCTION boxoffice_code.stream(
    event bigint, operation text, contract text, params text[], bodies bytea[],
    subjects text[], roles text[], organizers bigint[], keys text[], secrets text[],
    request_ids text[], deadline_ms integer)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'stream'
LANGUAGE C VOLATILE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION boxoffice_code.stream IS
'The gateway''s call of an operation that streams, with dispatch''s arguments for one request, in a select list. The first row is the status, and for a refusal a blank and the problem document; the others are the body, piece by piece. deadline_ms holds for each.';

CREATE FUNCTION boxoffice_code.export_chunks(
    format text, query text, event bigint, session bigint, state text, zone text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'export_chunks'
LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION boxoffice_code.export_chunks IS
'The rows of a query as csv (RFC 4180, with a row of names) or jsonl, in pieces of about 64 KiB, read as they are asked for; $1 to $3 in the query are event, session and state. For a select list: in FROM all pieces would be kept.';

CREATE FUNCTION boxoffice_code.search_keys(event bigint, words text[], names text[])
RETURNS integer[]
AS 'MODULE_PATHNAME', 'search_keys'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION boxoffice_code.search_keys IS
'Numbers that an index finds a row of the event by: one for each word, one for each three bytes in a row of a name. NULLs are left out.';

CREATE FUNCTION boxoffice_code.search_parts(event bigint, names text[])
RETURNS integer[]
AS 'MODULE_PATHNAME', 'search_parts'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION boxoffice_code.search_parts IS
'Numbers that an index finds a row of the event by for parts of names of one or two bytes, each once; the same as of the words n: and the part in search_keys. NULLs are left out.';

CREATE FUNCTION boxoffice_code.perform(
    operation text, event bigint, args jsonb,
    secret text DEFAULT NULL, idempotency_key text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'perform'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.perform IS
'What functions of schema api call for an operation of the core: args has parameters and members of the body by name; a refusal is raised with its SQLSTATE TKxxx.';

CREATE FUNCTION boxoffice_code.refuse(
    code text, pointer text DEFAULT '', facts jsonb DEFAULT '{}', detail text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'refuse'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.refuse IS
'Raises the refusal of that name in errcodes.txt (sold_out), at a JSON Pointer into the body or a parameter''s name, with facts for the caller.';

CREATE FUNCTION boxoffice_code.refuse_all(faults jsonb)
RETURNS void
AS 'MODULE_PATHNAME', 'refuse_all'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.refuse_all IS
'Raises a refusal for several faults, a list of {"code", "pointer", "detail", facts}; does nothing if there are none.';

CREATE FUNCTION boxoffice_code.require_fits(operation text, args jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'require_fits'
LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION boxoffice_code.require_fits IS
'Refuses a body, or the parameters of an operation without one, that does not fit the contract; ids may be numbers, nulls stand for what is absent. Returns the body with the defaults of what is absent; what the contract does not name is left out.';

CREATE FUNCTION boxoffice_code.contract() RETURNS text
AS 'MODULE_PATHNAME', 'contract' LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION boxoffice_code.contract() IS
'The fingerprint of the contract that the library is of; the gateway''s must be the same.';

-- ---------------------------------------------------------------- who acts

CREATE FUNCTION boxoffice_code.actor_subject() RETURNS text
AS 'MODULE_PATHNAME', 'actor_subject' LANGUAGE C STABLE;
COMMENT ON FUNCTION boxoffice_code.actor_subject() IS
'The subject of the token that the running call was made with; NULL is nobody.';

CREATE FUNCTION boxoffice_code.actor_role() RETURNS text
AS 'MODULE_PATHNAME', 'actor_role' LANGUAGE C STABLE;
COMMENT ON FUNCTION boxoffice_code.actor_role() IS
'The role of who makes the running call: public, customer, organizer, scanner, support, admin.';

CREATE FUNCTION boxoffice_code.actor_organizer() RETURNS bigint
AS 'MODULE_PATHNAME', 'actor_organizer' LANGUAGE C STABLE;
COMMENT ON FUNCTION boxoffice_code.actor_organizer() IS
'The organizer that the token speaks for, or NULL.';

-- ---------------------------------------------------------------- versions of what is answered

CREATE FUNCTION boxoffice_code.content_etag(answer json) RETURNS text
AS 'MODULE_PATHNAME', 'answer_etag' LANGUAGE C STRICT IMMUTABLE;
COMMENT ON FUNCTION boxoffice_code.content_etag(json) IS
'The ETag of an answer that is told apart by its bytes alone.';

-- ---------------------------------------------------------------- which library this is

CREATE FUNCTION boxoffice_code.library_version() RETURNS integer
AS 'MODULE_PATHNAME', 'library_version' LANGUAGE C STABLE;
COMMENT ON FUNCTION boxoffice_code.library_version() IS
'Which library the server runs; sql/deploy refuses one that is older than the SQL.';

-- ---------------------------------------------------------------- time and ids

CREATE FUNCTION boxoffice_code.clock() RETURNS timestamptz
AS 'MODULE_PATHNAME', 'boxoffice_clock' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.clock() IS
'The time that business rules go by: the real one plus the setting boxoffice.clock_offset.';

CREATE FUNCTION boxoffice_code.time_text(at timestamptz, zone text) RETURNS text
AS 'MODULE_PATHNAME', 'boxoffice_time_text' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION boxoffice_code.time_text(timestamptz, text) IS
'A time as RFC 3339, with the offset of the zone at that time; a fraction of a second if there is one, Z for no offset.';

CREATE FUNCTION boxoffice_code.new_id() RETURNS bigint
AS 'MODULE_PATHNAME', 'boxoffice_new_id' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.new_id() IS
'An id that is larger than all before it.';

CREATE FUNCTION boxoffice_code.secret_keys_changed() RETURNS void
AS 'MODULE_PATHNAME', 'secret_keys_changed' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION boxoffice_code.secret_keys_changed() IS
'Has every session read boxoffice.secret_key again, once this transaction has committed; secret_rotate and secret_retire call it.';

-- ---------------------------------------------------------------- inventory, holds

CREATE FUNCTION boxoffice_code.inventory_regroup(event bigint) RETURNS integer
AS 'MODULE_PATHNAME', 'inventory_regroup' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.inventory_regroup(bigint) IS
'Finds anew which stock rows of an event one claim may touch together, after pools, types or sessions were edited; returns how many groups there are.';

CREATE FUNCTION boxoffice_code.stock_reclaim(event bigint, stocks bigint[], limits bigint[])
RETURNS integer
AS 'MODULE_PATHNAME', 'stock_reclaim' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.stock_reclaim(bigint, bigint[], bigint[]) IS
'Locks the groups of stock rows and takes back what has expired until no more than these limits (NULL: none) are taken; returns how many claims that were.';

CREATE FUNCTION boxoffice_code.inventory_sets(event bigint)
RETURNS TABLE (pool_id bigint, set_id bigint, whole_event boolean)
AS 'MODULE_PATHNAME', 'inventory_sets' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION boxoffice_code.inventory_sets(bigint) IS
'Which pools of an event are joined by ticket types, and whether all stock rows of such a set are one inventory group.';

CREATE FUNCTION boxoffice_code.expire_claims(
    event bigint, max integer, from_group bigint DEFAULT 0)
RETURNS integer
AS 'MODULE_PATHNAME', 'expire_claims' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.expire_claims IS
'Takes back at most max claims whose time is up, and says how many; their holds and orders are expired. It looks at all inventory groups with live claims, or from one on at 400.';

CREATE FUNCTION boxoffice_code.hold_secret(hold bigint) RETURNS text
AS 'MODULE_PATHNAME', 'boxoffice_hold_secret' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.hold_secret(bigint) IS
'The secret of a hold, which is stored nowhere; for support and tests.';

CREATE FUNCTION boxoffice_code.hold_over(at timestamptz) RETURNS timestamptz
AS 'MODULE_PATHNAME', 'boxoffice_hold_over' LANGUAGE C IMMUTABLE STRICT;
COMMENT ON FUNCTION boxoffice_code.hold_over(timestamptz) IS
'The last deadline that a hold may have had so that at this time no write to it is accepted any more.';

-- ---------------------------------------------------------------- orders, payments, tickets

CREATE FUNCTION boxoffice_code.payment_deadline(
    placed_at timestamptz, minutes integer, days integer, zone text, last timestamptz)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'payment_deadline' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION boxoffice_code.payment_deadline IS
'Until when an order can be paid: minutes on, or 23:59:59 local time days on; not past last.';

CREATE FUNCTION boxoffice_code.order_secret("order" bigint) RETURNS text
AS 'MODULE_PATHNAME', 'boxoffice_order_secret' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.order_secret(bigint) IS
'The secret of an order, which is stored nowhere; for support and tests.';

CREATE FUNCTION boxoffice_code.expire_orders(
    event bigint, max integer, from_group bigint DEFAULT 0)
RETURNS integer
AS 'MODULE_PATHNAME', 'expire_orders' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION boxoffice_code.expire_orders IS
'Takes back the places of at most so many overdue orders; returns how many. It looks at all inventory groups with live claims, or from one on at 400. For the worker.';

-- ---------------------------------------------------------------- nobody but whom sql/deploy names

-- The owner too: a restored dump makes the extension anew, and what acts for callers must not do
-- so as the superuser who restored it.
DO $$
DECLARE
    made regprocedure;
    code CONSTANT boolean := pg_catalog.to_regrole('boxoffice_code') IS NOT NULL;
BEGIN
    FOR made IN
        SELECT d.objid::regprocedure
          FROM pg_catalog.pg_depend AS d
          JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'boxoffice'
         WHERE d.classid = 'pg_catalog.pg_proc'::regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::regclass
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        IF code THEN
            EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO boxoffice_code', made);
        END IF;
    END LOOP;
END
$$;

/*
 * dispatch.c
 *		boxoffice_code.dispatch(): one SQL call for a batch of requests.
 *
 * All requests of a batch are of one operation and, where it belongs to one,
 * of one event.  Each is authorised, checked and bound by itself, and what is
 * wrong with it becomes its own answer; then the operation decides the rest
 * together.  Answers come back as rows in the order of the requests.
 *
 * What is raised here concerns the whole batch, and the gateway knows what it
 * means: locks, deadlines, deadlocks, a contract of another version, a bug.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/tuplestore.h"

#include "actor.h"
#include "commit.h"
#include "dispatch.h"
#include "function.h"

PG_FUNCTION_INFO_V1(dispatch);
PG_FUNCTION_INFO_V1(contract);

#define ROLE_COUNT (ROLE_ADMIN + 1)
#define REQUEST_IDS_SHOWN 8
#define REPLY_COLUMNS 5
#define DEADLINE_MAX_MS 600000

/* Arguments of dispatch(), by position. */
enum
{
	ARG_EVENT,
	ARG_OPERATION,
	ARG_CONTRACT,
	ARG_PARAMS,
	ARG_BODIES,
	ARG_SUBJECTS,
	ARG_ROLES,
	ARG_ORGANIZERS,
	ARG_KEYS,
	ARG_SECRETS,
	ARG_REQUEST_IDS,
	ARG_DEADLINE_MS
};

/* An array argument, taken apart. */
typedef struct Column
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} Column;

typedef struct Batch
{
	const Operation *operation;
	int64		event_id;
	Call	   *calls;
	int			count;
	Column		params;
	Column		bodies;
} Batch;

/* ---------------------------------------------------------------- arguments */

static Column
read_column(FunctionCallInfo fcinfo, int argument, Oid type, int count)
{
	Column		column = {0};
	bool		by_value = type == INT8OID;

	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument %d of dispatch must not be null", argument + 1));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, by_value ? 8 : -1, by_value,
					  by_value ? TYPALIGN_DOUBLE : TYPALIGN_INT,
					  &column.values, &column.nulls, &column.count);
	if ((count >= 0 && column.count != count) || column.count > CALLS_MAX)
		ereport(ERROR,
				errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("argument %d of dispatch has %d elements", argument + 1, column.count));
	return column;
}

static const char *
column_text(const Column *column, int i)
{
	return column->nulls[i] ? NULL : TextDatumGetCString(column->values[i]);
}

static void
read_actor(const Column *subjects, const Column *roles, const Column *organizers, int i,
		   Actor *actor)
{
	const char *role = column_text(roles, i);

	actor->subject = column_text(subjects, i);
	actor->organizer_id = organizers->nulls[i] ? 0 : DatumGetInt64(organizers->values[i]);
	if (role == NULL || !actor_role_parse(role, &actor->role))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unknown role \"%s\"", role ? role : "null"));
}

static void
read_batch(FunctionCallInfo fcinfo, Batch *batch)
{
	Column		subjects = read_column(fcinfo, ARG_SUBJECTS, TEXTOID, -1);
	int			count = subjects.count;
	Column		roles = read_column(fcinfo, ARG_ROLES, TEXTOID, count);
	Column		organizers = read_column(fcinfo, ARG_ORGANIZERS, INT8OID, count);
	Column		keys = read_column(fcinfo, ARG_KEYS, TEXTOID, count);
	Column		secrets = read_column(fcinfo, ARG_SECRETS, TEXTOID, count);
	Column		request_ids = read_column(fcinfo, ARG_REQUEST_IDS, TEXTOID, count);

	batch->params = read_column(fcinfo, ARG_PARAMS, TEXTOID, count);
	batch->bodies = read_column(fcinfo, ARG_BODIES, BYTEAOID, count);
	batch->event_id = PG_ARGISNULL(ARG_EVENT) ? 0 : PG_GETARG_INT64(ARG_EVENT);
	batch->count = count;
	batch->calls = palloc0(count * sizeof(Call));
	for (int i = 0; i < count; i++)
	{
		Call	   *call = &batch->calls[i];

		call->operation = batch->operation;
		call->event_id = batch->event_id;
		call->key = column_text(&keys, i);
		call->secret = column_text(&secrets, i);
		call->request_id = column_text(&request_ids, i);
		read_actor(&subjects, &roles, &organizers, i, &call->actor);
	}
}

/* The operation, if gateway and database are of one contract. */
static const Operation *
read_operation(FunctionCallInfo fcinfo)
{
	const Operation *operation = NULL;
	char	   *contract;

	if (PG_ARGISNULL(ARG_OPERATION) || PG_ARGISNULL(ARG_CONTRACT))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("operation and contract must not be null"));
	contract = text_to_cstring(PG_GETARG_TEXT_PP(ARG_CONTRACT));
	if (strcmp(contract, CONTRACT_FINGERPRINT) == 0)
		operation = operation_find(text_to_cstring(PG_GETARG_TEXT_PP(ARG_OPERATION)));
	if (operation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_BO_CONTRACT_MISMATCH),
				errmsg("gateway and database are of different versions"),
				errdetail("The gateway's contract is %s, the database's " CONTRACT_FINGERPRINT ".",
						  contract));
	return operation;
}

/* ---------------------------------------------------------------- before the operation */

/* Whether the PostgreSQL role that stands for a token's role may execute the api function. */
static bool
role_may_execute(ActorRole role, Oid function)
{
	char	   *name = psprintf("boxoffice_%s", actor_role_name(role));

	return pg_proc_aclcheck(function, get_role_oid(name, false), ACL_EXECUTE) == ACLCHECK_OK;
}

static void
authorise(Batch *batch)
{
	Oid			function = function_oid(batch->operation);
	enum {UNKNOWN, MAY, MAY_NOT} known[ROLE_COUNT] = {UNKNOWN};

	for (int i = 0; i < batch->count; i++)
	{
		Call	   *call = &batch->calls[i];
		ActorRole	role = call->actor.role;

		if (known[role] == UNKNOWN)
			known[role] = role_may_execute(role, function) ? MAY : MAY_NOT;
		if (known[role] == MAY_NOT)
			reply_refuse(call, call->actor.subject ? ERR_FORBIDDEN : ERR_TOKEN_MISSING, "", NULL);
	}
}

/* Binds one request. Nothing here looks at the database. */
static void
bind_call(Batch *batch, int i)
{
	Call	   *call = &batch->calls[i];
	const char *params = column_text(&batch->params, i);
	const char *body = NULL;
	int			body_len = 0;
	BindFaults	faults = {.count = 0};

	if (!batch->bodies.nulls[i])
	{
		bytea	   *bytes = DatumGetByteaPP(batch->bodies.values[i]);

		body = VARDATA_ANY(bytes);
		body_len = VARSIZE_ANY_EXHDR(bytes);
	}
	call->params = palloc(Max(batch->operation->param_count, 1) * sizeof(BoundValue));
	if (!bind_params(batch->operation, params ? params : "", call->params, &faults))
		call_refuse_faults(call, &faults);
	call_bind_body(call, body, body_len, 0);
	call_check_key(call);
	if (call->key != NULL)
		call_hash(call, params, body, body_len);
}

/* ---------------------------------------------------------------- deadline */

void
deadline_start(Deadline *deadline, int deadline_ms)
{
	char		text[32];

	deadline->guc_level = NewGUCNestLevel();
	snprintf(text, sizeof(text), "%d", Max(deadline_ms / 2, 1));
	(void) set_config_option("lock_timeout", text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	deadline->timer = !get_timeout_active(STATEMENT_TIMEOUT);
	if (deadline->timer)
		enable_timeout_after(STATEMENT_TIMEOUT, deadline_ms);
}

void
deadline_stop(Deadline *deadline)
{
	if (deadline->timer)
		disable_timeout(STATEMENT_TIMEOUT, false);
	AtEOXact_GUC(true, deadline->guc_level);
}

static int
read_deadline(FunctionCallInfo fcinfo, const Operation *operation)
{
	int			deadline_ms = PG_ARGISNULL(ARG_DEADLINE_MS) ? 0 : PG_GETARG_INT32(ARG_DEADLINE_MS);

	if (deadline_ms <= 0)
		deadline_ms = operation->deadline_ms;
	return Min(deadline_ms, DEADLINE_MAX_MS);
}

/* ---------------------------------------------------------------- answers */

static void
put_reply(const Call *call, Tuplestorestate *store, TupleDesc desc)
{
	const Reply *reply = &call->reply;
	Datum		values[REPLY_COLUMNS];
	bool		nulls[REPLY_COLUMNS] = {false};

	if (!reply->done)
		elog(ERROR, "operation %s left a call undecided", call->operation->name);
	values[0] = Int32GetDatum(reply->status);
	values[1] = BoolGetDatum(reply->replayed);
	values[2] = Int32GetDatum(reply->retry_after_s);
	nulls[2] = reply->retry_after_s == 0;
	nulls[3] = reply->etag == NULL;
	values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(reply->etag);
	if (reply->fault_count > 0)
		values[4] = CStringGetTextDatum(reply_problem(call));
	else
		values[4] = PointerGetDatum(cstring_to_text_with_len(reply->body.data, reply->body.len));
	tuplestore_putvalues(store, desc, values, nulls);
}

/* The answers go into a tuplestore of the query's context. */
static void
put_replies(FunctionCallInfo fcinfo, const Batch *batch)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != REPLY_COLUMNS)
		elog(ERROR, "dispatch returns rows of another form");
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(false, false, work_mem);
	result->setDesc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(before);
	for (int i = 0; i < batch->count; i++)
		put_reply(&batch->calls[i], result->setResult, desc);
}

/* ---------------------------------------------------------------- dispatch */

/* Whatever is logged while the batch runs names its requests. */
static void
show_context(void *arg)
{
	const Batch *batch = arg;
	StringInfoData ids;

	initStringInfo(&ids);
	for (int i = 0; i < batch->count && i < REQUEST_IDS_SHOWN; i++)
		appendStringInfo(&ids, "%s%s", i ? ", " : "",
						 batch->calls[i].request_id ? batch->calls[i].request_id : "-");
	if (batch->count > REQUEST_IDS_SHOWN)
		appendStringInfo(&ids, " and %d more", batch->count - REQUEST_IDS_SHOWN);
	errcontext("boxoffice %s, request %s", batch->operation->name, ids.data);
}

static void
run_batch(Batch *batch)
{
	ErrorContextCallback context;

	context.callback = show_context;
	context.arg = batch;
	context.previous = error_context_stack;
	error_context_stack = &context;

	authorise(batch);
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			bind_call(batch, i);
	calls_run(batch->operation, batch->calls, batch->count);

	error_context_stack = context.previous;
}

int
dispatch_deadline(FunctionCallInfo fcinfo)
{
	return read_deadline(fcinfo, read_operation(fcinfo));
}

Call *
dispatch_one(FunctionCallInfo fcinfo)
{
	Batch		batch = {0};

	batch.operation = read_operation(fcinfo);
	read_batch(fcinfo, &batch);
	if (batch.count != 1 || !batch.operation->stream)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a stream is one request of an operation that streams"));
	authorise(&batch);
	if (!batch.calls[0].reply.done)
		bind_call(&batch, 0);
	return batch.calls;
}

static void
require_result_set(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("dispatch must be called in FROM"));
}

/*
 * boxoffice_code.dispatch(event bigint, operation text, contract text, params text[],
 *						   bodies bytea[], subjects text[], roles text[], organizers bigint[],
 *						   keys text[], secrets text[], request_ids text[], deadline_ms integer)
 *		RETURNS SETOF (status integer, replayed boolean, retry_after integer, etag text, body text)
 */
Datum
dispatch(PG_FUNCTION_ARGS)
{
	Batch		batch = {0};
	CallScope	scope;
	Deadline	deadline;

	require_result_set(fcinfo);
	batch.operation = read_operation(fcinfo);
	call_scope_open(&scope);
	commit_ours();
	PG_TRY();
	{
		read_batch(fcinfo, &batch);
		if (batch.count > 0 && batch.operation->stream)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("operation %s streams", batch.operation->name),
					errhint("Call boxoffice_code.stream()."));
		/* no calls: a new connection of the gateway asks whether the contracts agree */
		if (batch.count > 0)
		{
			deadline_start(&deadline, read_deadline(fcinfo, batch.operation));
			run_batch(&batch);
			deadline_stop(&deadline);
		}
		put_replies(fcinfo, &batch);
	}
	PG_CATCH();
	{
		call_scope_abandon(&scope);
		PG_RE_THROW();
	}
	PG_END_TRY();
	call_scope_close(&scope);
	PG_RETURN_NULL();
}

/* boxoffice_code.contract() RETURNS text: the fingerprint of the library's contract. */
Datum
contract(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(CONTRACT_FINGERPRINT));
}

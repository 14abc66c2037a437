/*
 * function.c
 *		Runs an operation that is a stored function of schema api.
 *
 * The function's arguments are found by name: a parameter's, a body member's,
 * or one of secret, patch (the whole body).  What is absent is left out of the
 * call, so that the function's default holds.  Each call runs in a
 * subtransaction: a refusal undoes what the function had done, and only that.
 *
 * Not for the core: its handlers decide whole batches and never raise.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "dispatch.h"
#include "function.h"
#include "json.h"
#include "refusal.h"
#include "replay.h"

#define ARGS_MAX 64
#define PLANS_MAX 512

/* Which arguments of which function a plan gives. */
typedef struct PlanKey
{
	Oid			function;
	uint64		given;			/* bit i: argument i */
} PlanKey;

typedef struct PlanEntry
{
	PlanKey		key;
	SPIPlanPtr	plan;
} PlanEntry;

/* The function's arguments and, of those that are given, what they are. */
typedef struct Arguments
{
	Oid			function;
	int			count;
	Oid		   *types;
	char	  **names;
	uint64		given;
	Datum		values[ARGS_MAX];	/* of the given ones, one after the other */
	Oid			value_types[ARGS_MAX];
	char		nulls[ARGS_MAX];
	int			value_count;
} Arguments;

static HTAB *plans = NULL;

Oid
function_oid(const Operation *operation)
{
	List	   *name = list_make2(makeString("api"), makeString(pstrdup(operation->name)));

	return LookupFuncName(name, -1, NULL, false);
}

/* ---------------------------------------------------------------- arguments */

static Datum
json_datum(const BoundValue *value)
{
	char	   *text = pnstrdup(value->raw, value->raw_len);

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

/* A list of ids or of strings as an array. */
static Datum
list_datum(const BoundValue *value, Oid element)
{
	int			count = value->as.list.count;
	Datum	   *items = palloc(Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		const BoundValue *item = &value->as.list.items[i];

		if (element == INT8OID && item->kind == BOUND_INT)
			items[i] = Int64GetDatum(item->as.integer);
		else if (element == TEXTOID && item->kind == BOUND_STRING)
			items[i] = CStringGetTextDatum(item->as.string.data);
		else
			elog(ERROR, "a list does not fit an array of type %u", element);
	}
	if (element == INT8OID)
		return PointerGetDatum(construct_array(items, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
	return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
text_datum(const BoundValue *value)
{
	if (value->kind == BOUND_STRING)
		return PointerGetDatum(cstring_to_text_with_len(value->as.string.data,
														value->as.string.len));
	if (value->kind == BOUND_INT)
		return CStringGetTextDatum(psprintf(INT64_FORMAT, value->as.integer));
	return PointerGetDatum(cstring_to_text_with_len(value->raw, value->raw_len));
}

/* A bound value as a datum of the argument's type; raises an error where the two don't fit. */
static Datum
value_datum(const BoundValue *value, Oid type, const char *name)
{
	if (type == JSONBOID)
		return json_datum(value);
	if (type == TEXTOID)
		return text_datum(value);
	if (type == INT8OID && value->kind == BOUND_INT)
		return Int64GetDatum(value->as.integer);
	if (type == INT4OID && value->kind == BOUND_INT &&
		value->as.integer == (int32) value->as.integer)
		return Int32GetDatum((int32) value->as.integer);
	if (type == BOOLOID && value->kind == BOUND_BOOL)
		return BoolGetDatum(value->as.boolean);
	if (type == TIMESTAMPTZOID && value->kind == BOUND_TIME)
		return TimestampTzGetDatum(value->as.time);
	if (type == DATEOID && value->kind == BOUND_STRING)
		return DirectFunctionCall1(date_in, CStringGetDatum(text_to_cstring(
			DatumGetTextPP(text_datum(value)))));
	if (type == FLOAT8OID && value->kind == BOUND_DOUBLE)
		return Float8GetDatum(value->as.number);
	if (type == FLOAT8OID && value->kind == BOUND_INT)
		return Float8GetDatum((double) value->as.integer);
	if (type == INT8ARRAYOID && value->kind == BOUND_LIST)
		return list_datum(value, INT8OID);
	if (type == TEXTARRAYOID && value->kind == BOUND_LIST)
		return list_datum(value, TEXTOID);
	ereport(ERROR,
			errcode(ERRCODE_DATATYPE_MISMATCH),
			errmsg("argument %s of an api function has type %u, which does not fit the contract",
				   name, type));
}

/* The parameter or member of that name; NULL if there is none. */
static const BoundValue *
find_value(const Call *call, const char *name)
{
	const Operation *operation = call->operation;

	for (int i = 0; i < operation->param_count; i++)
		if (strcmp(operation->params[i].name, name) == 0)
			return &call->params[i];
	if (call->body.kind != BOUND_OBJECT)
		return NULL;
	if (operation->patch && strcmp(name, "patch") == 0)
		return &call->body;
	for (int i = 0; i < operation->body->member_count; i++)
		if (strcmp(operation->body->members[i].name, name) == 0)
			return &call->body.as.members[i];
	return NULL;
}

static void
give(Arguments *arguments, int argument, Datum value, bool isnull)
{
	int			at = arguments->value_count++;

	arguments->given |= UINT64CONST(1) << argument;
	arguments->values[at] = value;
	arguments->value_types[at] = arguments->types[argument];
	arguments->nulls[at] = isnull ? 'n' : ' ';
}

static void
give_value(Arguments *arguments, int argument, const BoundValue *value)
{
	if (value->kind == BOUND_NULL)
		give(arguments, argument, (Datum) 0, true);
	else
		give(arguments, argument,
			 value_datum(value, arguments->types[argument], arguments->names[argument]), false);
}

static void
read_signature(Arguments *arguments, int *defaults)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(arguments->function));
	char	   *modes;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", arguments->function);
	get_func_arg_info(tuple, &arguments->types, &arguments->names, &modes);
	arguments->count = ((Form_pg_proc) GETSTRUCT(tuple))->pronargs;
	*defaults = ((Form_pg_proc) GETSTRUCT(tuple))->pronargdefaults;
	ReleaseSysCache(tuple);
	if (arguments->count > ARGS_MAX || (arguments->count > 0 && arguments->names == NULL))
		elog(ERROR, "function %u has too many arguments, or none of them has a name",
			 arguments->function);
}

/* Which of the function's arguments the call gives, and as what. */
static void
collect_arguments(const Call *call, Arguments *arguments)
{
	int			defaults;

	memset(arguments, 0, sizeof(*arguments));
	arguments->function = function_oid(call->operation);
	read_signature(arguments, &defaults);
	for (int i = 0; i < arguments->count; i++)
	{
		const char *name = arguments->names[i];
		const BoundValue *value = find_value(call, name);

		if (value != NULL && value->kind != BOUND_ABSENT)
			give_value(arguments, i, value);
		else if (strcmp(name, "secret") == 0 && call->secret != NULL)
			give(arguments, i, CStringGetTextDatum(call->secret), false);
		else if (i < arguments->count - defaults)
			give(arguments, i, (Datum) 0, true);
	}
}

/* ---------------------------------------------------------------- plans */

static void
forget_plans(void)
{
	HASH_SEQ_STATUS all;
	PlanEntry  *entry;

	hash_seq_init(&all, plans);
	while ((entry = hash_seq_search(&all)) != NULL)
		SPI_freeplan(entry->plan);
	hash_destroy(plans);
	plans = NULL;
}

static SPIPlanPtr
make_plan(const Operation *operation, Arguments *arguments)
{
	StringInfoData sql;
	int			given = 0;
	SPIPlanPtr	plan;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT api.%s(", quote_identifier(operation->name));
	for (int i = 0; i < arguments->count; i++)
	{
		if ((arguments->given & (UINT64CONST(1) << i)) == 0)
			continue;
		given++;
		appendStringInfo(&sql, "%s%s => $%d", given > 1 ? ", " : "",
						 quote_identifier(arguments->names[i]), given);
	}
	appendStringInfoChar(&sql, ')');
	plan = SPI_prepare(sql.data, arguments->value_count, arguments->value_types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", sql.data, SPI_result_code_string(SPI_result));
	return plan;
}

/* Callers choose which members they give, so the number of plans is bounded. */
static SPIPlanPtr
find_plan(const Operation *operation, Arguments *arguments)
{
	PlanKey		key;
	PlanEntry  *entry;
	SPIPlanPtr	plan;

	memset(&key, 0, sizeof(key));	/* with what lies between its members */
	key.function = arguments->function;
	key.given = arguments->given;
	if (plans != NULL && hash_get_num_entries(plans) >= PLANS_MAX)
		forget_plans();
	if (plans == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(PlanKey), .entrysize = sizeof(PlanEntry)};

		plans = hash_create("boxoffice plans", PLANS_MAX, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->plan;

	plan = make_plan(operation, arguments);
	entry = hash_search(plans, &key, HASH_ENTER, NULL);
	entry->plan = plan;
	return plan;
}

/* ---------------------------------------------------------------- the call */

/* Blanks between its parts mean nothing in JSON; in other text each has its meaning. */
static bool
answers_json(const Operation *operation)
{
	int			len = strlen(operation->content_type);

	return len >= 4 && strcmp(operation->content_type + len - 4, "json") == 0;
}

/* Runs the function and fills the reply with its answer. */
static void
execute(Call *call)
{
	Arguments	arguments;
	SPIPlanPtr	plan;
	StringInfo	body;
	char	   *answer;

	SPI_connect();
	collect_arguments(call, &arguments);
	plan = find_plan(call->operation, &arguments);
	if (SPI_execute_plan(plan, arguments.values, arguments.nulls, false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "api.%s did not return one row", call->operation->name);

	answer = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (answer == NULL)
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("api.%s returned null", call->operation->name));
	body = reply_start(call, call->operation->status);
	if (answers_json(call->operation))
		json_append_compact(body, answer);
	else
		appendStringInfoString(body, answer);
	call_make_etag(call);
	SPI_finish();
}

/*
 * Whether a function was replaced while we ran it, or a table got or lost a column: a deploy drops
 * and makes anew what it cannot replace, and a transaction under way that has just looked the old
 * one up finds it gone; a row is read whose type was looked up before we waited for its table.
 * What the error says is all that tells it from others: by its form, which is never translated.
 */
static bool
catalog_moved(const ErrorData *error)
{
	const char *form = error->message_id;

	if (error->sqlerrcode == ERRCODE_DATATYPE_MISMATCH)
		return true;
	return form != NULL && (strstr(form, "cache lookup failed for ") != NULL ||
							strstr(form, " with OID %u") != NULL ||
							strstr(form, "attribute number ") != NULL);
}

static void
execute_and_store(Call *call, void *arg)
{
	execute(call);
	replay_store(call);
}

Portal
function_open(Call *call)
{
	Arguments	arguments;
	SPIPlanPtr	plan;
	Portal		portal;

	SPI_connect();
	collect_arguments(call, &arguments);
	plan = find_plan(call->operation, &arguments);
	portal = SPI_cursor_open(NULL, plan, arguments.values, arguments.nulls, true);
	SPI_finish();
	return portal;
}

void
function_protect(Call *call, CallBody body, void *arg)
{
	MemoryContext before = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(before);
	PG_TRY();
	{
		body(call, arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(before);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		/* an error that is raised on still points into its copy: keep it past the batch */
		MemoryContextSwitchTo(TopTransactionContext);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(before);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();

	if (error == NULL)
		return;
	memset(&call->reply, 0, sizeof(call->reply));
	if (catalog_moved((const ErrorData *) error))
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("api.%s, or what it reads, was replaced meanwhile", call->operation->name),
				errdetail("%s.", error->message),
				errhint("The transaction might succeed if retried."));
	if (!refusal_catch((const ErrorData *) error, call))
		ReThrowError(error);
	FreeErrorData(error);
}

void
function_run(Call *call)
{
	replay_find(call);
	if (!call->reply.done)
		function_protect(call, execute_and_store, NULL);
}

/* ---------------------------------------------------------------- ETags */

/* The value of the answer's member version, as text; NULL if it has none. */
static char *
version_of(const StringInfoData *body)
{
	JsonInput	in;
	JsonString	name;
	const char *from;

	json_open(&in, body->data, body->len);
	json_skip_space(&in);
	if (json_peek(&in) != '{')
		return NULL;
	do
	{
		in.at++;
		json_skip_space(&in);
		if (!json_read_string(&in, &name))
			return NULL;
		json_skip_space(&in);
		if (!json_expect(&in, ':', "a colon is expected"))
			return NULL;
		json_skip_space(&in);
		from = in.at;
		if (!json_skip_value(&in))
			return NULL;
		if (strcmp(name.data, "version") == 0)
			return pnstrdup(from, in.at - from);
		json_skip_space(&in);
	} while (json_peek(&in) == ',');
	return NULL;
}

/* The tag of what is told apart by its bytes alone. */
static char *
content_etag(const StringInfoData *body)
{
	uint64		hash = hash_bytes_extended((unsigned char *) body->data, body->len, 0);

	return psprintf("\"" UINT64_FORMAT "\"", hash);
}

/*
 * boxoffice_code.content_etag(answer json) RETURNS text
 *
 * The ETag that an answer has whose operation says `etag: content`: for functions that are to
 * compare If-Match with it.
 */
PG_FUNCTION_INFO_V1(answer_etag);
Datum
answer_etag(PG_FUNCTION_ARGS)
{
	StringInfoData body;

	initStringInfo(&body);
	json_append_compact(&body, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_TEXT_P(cstring_to_text(content_etag(&body)));
}

void
call_make_etag(Call *call)
{
	const StringInfoData *body = &call->reply.body;
	MemoryContext before = MemoryContextSwitchTo(call_context);
	char	   *version;

	switch (call->operation->etag)
	{
		case ETAG_CONTENT:
			call->reply.etag = content_etag(body);
			break;
		case ETAG_VERSION:
			version = version_of(body);
			if (version != NULL)
				call->reply.etag = psprintf("\"%s\"", version);
			break;
		case ETAG_NONE:
			break;
	}
	MemoryContextSwitchTo(before);
}

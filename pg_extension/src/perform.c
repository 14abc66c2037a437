/*
 * perform.c
 *		boxoffice_code.perform(): an operation of the core, called from SQL.
 *
 * A batch of one through the same binder and the same handler as a request of
 * the gateway; only its refusal becomes an error.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "actor.h"
#include "dispatch.h"
#include "errors.h"
#include "handlers.h"
#include "refusal.h"

PG_FUNCTION_INFO_V1(perform);
PG_FUNCTION_INFO_V1(require_fits);

static int
find_param(const Operation *operation, const JsonbValue *name)
{
	for (int i = 0; i < operation->param_count; i++)
		if (strlen(operation->params[i].name) == name->val.string.len &&
			memcmp(operation->params[i].name, name->val.string.val, name->val.string.len) == 0)
			return i;
	return -1;
}

/* A scalar as a parameter's text. */
static char *
scalar_text(JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	return JsonbToCString(NULL, &JsonbValueToJsonb(value)->root, -1);
}

static void
bind_argument(Call *call, int param, JsonbValue *value, BindFaults *faults)
{
	char	   *text;

	if (value->type == jbvNull)
		return;
	text = scalar_text(value);
	bind_param(&call->operation->params[param], text, strlen(text), &call->params[param], faults);
}

/* Sorts the arguments: parameters are bound, all others become the body, whose text is returned. */
static char *
bind_arguments(Call *call, Jsonb *args, BindFaults *faults)
{
	JsonbIterator *it = JsonbIteratorInit(&args->root);
	JsonbValue	key;
	JsonbValue	value;
	StringInfoData body;

	initStringInfo(&body);
	(void) JsonbIteratorNext(&it, &key, true);	/* the object begins */
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		int			param = find_param(call->operation, &key);

		(void) JsonbIteratorNext(&it, &value, true);
		if (param >= 0)
		{
			bind_argument(call, param, &value, faults);
			continue;
		}
		appendStringInfoChar(&body, body.len == 0 ? '{' : ',');
		json_append_string(&body, pnstrdup(key.val.string.val, key.val.string.len));
		appendStringInfoChar(&body, ':');
		appendStringInfoString(&body, JsonbToCString(NULL, &JsonbValueToJsonb(&value)->root, -1));
	}
	if (body.len > 0)
		appendStringInfoChar(&body, '}');
	else if (call->operation->body != NULL)
		appendStringInfoString(&body, "{}");
	return body.data;
}

/* The event is an argument of its own, so that it can stand first. */
static void
bind_event(Call *call)
{
	const Operation *operation = call->operation;

	for (int i = 0; i < operation->param_count; i++)
	{
		if (strcmp(operation->params[i].name, "event") != 0 || call->event_id == 0)
			continue;
		call->params[i].kind = BOUND_INT;
		call->params[i].as.integer = call->event_id;
	}
}

static void
require_params(Call *call, BindFaults *faults)
{
	const Operation *operation = call->operation;

	for (int i = 0; i < operation->param_count && faults->count < FAULTS_MAX; i++)
		if (operation->params[i].required && call->params[i].kind == BOUND_ABSENT)
			faults->list[faults->count++] = (Fault) {
				.code = ERR_INVALID_REQUEST, .pointer = operation->params[i].name,
				.detail = "is required"
			};
}

static void
bind_call(Call *call, Jsonb *args)
{
	BindFaults	faults = {.count = 0};
	char	   *body;

	call->params = palloc0(Max(call->operation->param_count, 1) * sizeof(BoundValue));
	bind_event(call);
	body = bind_arguments(call, args, &faults);
	if (faults.count == 0)
		require_params(call, &faults);
	call_refuse_faults(call, &faults);
	call_bind_body(call, body, strlen(body), BIND_FROM_SQL);
	if (call->key != NULL)		/* a caller in SQL has its own transaction, so may do without */
	{
		call_check_key(call);
		call_hash(call, JsonbToCString(NULL, &args->root, -1), NULL, 0);
	}
}

static const Operation *
read_operation(FunctionCallInfo fcinfo)
{
	char	   *name = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	const Operation *operation = operation_find(name);

	if (operation == NULL || handler_of(operation) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the core has no operation \"%s\"", name));
	return operation;
}

static Jsonb *
read_args(FunctionCallInfo fcinfo)
{
	Jsonb	   *args = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);

	if (args == NULL || !JB_ROOT_IS_OBJECT(args))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the arguments must be a JSON object"));
	return args;
}

static void
run_call(FunctionCallInfo fcinfo, Call *call)
{
	call->event_id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	call->secret = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	call->key = PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4));
	call->actor = *actor_get();
	bind_call(call, read_args(fcinfo));
	calls_run(call->operation, call, 1);
	if (!call->reply.done)
		elog(ERROR, "operation %s left a call undecided", call->operation->name);
	if (call->reply.fault_count > 0)
		refusal_raise(call->reply.faults, call->reply.fault_count);
}

/*
 * boxoffice_code.perform(operation text, event bigint, args jsonb, secret text DEFAULT NULL,
 *						  idempotency_key text DEFAULT NULL) RETURNS text
 *
 * args has parameters and the body's members by name; ids may be numbers, and a null is as good as
 * nothing where the contract has no null.
 */
Datum
perform(PG_FUNCTION_ARGS)
{
	Call		call = {0};
	CallScope	scope;
	text	   *volatile answer = NULL;

	call.operation = read_operation(fcinfo);
	call_scope_open(&scope);
	PG_TRY();
	{
		run_call(fcinfo, &call);
		MemoryContextSwitchTo(scope.before);
		answer = cstring_to_text_with_len(call.reply.body.data, call.reply.body.len);
	}
	PG_CATCH();
	{
		call_scope_abandon(&scope);
		PG_RE_THROW();
	}
	PG_END_TRY();
	call_scope_close(&scope);
	PG_RETURN_TEXT_P(answer);
}

/* ---------------------------------------------------------------- functions in SQL */

/* Parameters alone: there is no body to give back. */
static void
bind_parameters(const Operation *operation, Jsonb *args, BindFaults *faults)
{
	Call		call = {.operation = operation};

	call.params = palloc0(Max(operation->param_count, 1) * sizeof(BoundValue));
	if (*bind_arguments(&call, args, faults) != '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("operation \"%s\" has not all of these parameters", operation->name));
}

/* The members that are there, and the defaults of the others; of a patch, only what it has. */
static char *
fitted_text(const Schema *schema, const BoundValue *body, bool patch)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < schema->member_count; i++)
	{
		const Member *member = &schema->members[i];
		const BoundValue *value = &body->as.members[i];
		const char *is_default = patch ? NULL : member->schema->default_value;

		if (value->kind == BOUND_ABSENT && is_default == NULL)
			continue;
		appendStringInfo(&text, "%s\"%s\":", text.len > 1 ? "," : "", member->name);
		if (value->kind == BOUND_ABSENT)
			appendStringInfoString(&text, is_default);
		else
			appendBinaryStringInfo(&text, value->raw, value->raw_len);
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

/*
 * boxoffice_code.require_fits(operation text, args jsonb) RETURNS jsonb
 *
 * For api functions in SQL: refuses what does not fit the contract, as the gateway's request is.
 * args is the body, or the parameters of an operation that has none; NULL is an empty one.  What it
 * returns is the body to go by: a null where the contract has none is as good as nothing, and what
 * is absent is the contract's default.  What the contract has no member for is left out.
 */
Datum
require_fits(PG_FUNCTION_ARGS)
{
	const Operation *operation = PG_ARGISNULL(0) ? NULL
		: operation_find(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Jsonb	   *args = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	char	   *body = args == NULL ? "{}" : JsonbToCString(NULL, &args->root, -1);
	BoundValue	value = {.kind = BOUND_ABSENT};
	BindFaults	faults = {.count = 0};

	if (operation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no operation of that name"));
	if (operation->body == NULL && args != NULL && JB_ROOT_IS_OBJECT(args))
		bind_parameters(operation, args, &faults);
	else if (operation->body != NULL)
		(void) bind_json(operation->body, body, strlen(body),
						 operation->patch ? BIND_FROM_SQL | BIND_PATCH : BIND_FROM_SQL,
						 &value, &faults);
	if (faults.count > 0)
		refusal_raise(faults.list, faults.count);
	if (value.kind != BOUND_OBJECT)
		PG_RETURN_NULL();
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(fitted_text(operation->body, &value,
																	 operation->patch)));
}

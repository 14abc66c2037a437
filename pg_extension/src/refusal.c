/*
 * refusal.c
 *		Refusals on their way through SQL: raised as errors, caught as values.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "dispatch.h"
#include "errors.h"
#include "refusal.h"

PG_FUNCTION_INFO_V1(refuse);
PG_FUNCTION_INFO_V1(refuse_all);

/* ---------------------------------------------------------------- faults as JSON */

static void
append_member(StringInfo out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	appendStringInfo(out, ",\"%s\":", name);
	json_append_string(out, value);
}

/* [{"code":"sold_out","pointer":"/items/0","detail":"…","available":3}, …] */
static char *
faults_to_json(const Fault *faults, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(&out, "%s{\"code\":\"%s\"", i ? "," : "",
						 error_info(faults[i].code)->name);
		append_member(&out, "pointer", faults[i].pointer);
		append_member(&out, "detail", faults[i].detail);
		if (faults[i].facts != NULL && faults[i].facts[0] != '\0')
			appendStringInfo(&out, ",%s", faults[i].facts);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

static char *
jsonb_string(JsonbContainer *object, const char *name)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(object, name, strlen(name), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static bool
is_name(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) &&
		memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

/* The members of an object but code, pointer and detail, as text without braces. */
static char *
facts_of(JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;
	StringInfoData out;
	JsonbIteratorToken token;

	initStringInfo(&out);
	(void) JsonbIteratorNext(&it, &key, true);	/* the object begins */
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		if (is_name(&key, "code") || is_name(&key, "pointer") || is_name(&key, "parameter") ||
			is_name(&key, "detail"))
			continue;
		if (out.len > 0)
			appendStringInfoChar(&out, ',');
		json_append_string(&out, pnstrdup(key.val.string.val, key.val.string.len));
		appendStringInfoChar(&out, ':');
		appendStringInfoString(&out, JsonbToCString(NULL, &JsonbValueToJsonb(&value)->root, -1));
	}
	return out.len > 0 ? out.data : NULL;
}

/* Reads one fault; false if its code is none of ours. */
static bool
fault_of(JsonbContainer *object, Fault *fault)
{
	char	   *code = jsonb_string(object, "code");

	memset(fault, 0, sizeof(*fault));
	if (code != NULL)
		fault->code = error_of_name(code);
	if (code != NULL && fault->code == ERR_NONE)
		fault->code = error_of_sqlstate(code);
	fault->pointer = jsonb_string(object, "pointer");
	fault->detail = jsonb_string(object, "detail");
	fault->facts = facts_of(object);
	return fault->code != ERR_NONE;
}

/* Reads a list of faults; returns how many, 0 if it isn't one. */
static int
faults_of(Jsonb *list, Fault *faults)
{
	int			count = 0;

	if (!JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list))
		return 0;
	for (uint32 i = 0; i < JB_ROOT_COUNT(list) && count < FAULTS_MAX; i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(&list->root, i);

		if (item->type != jbvBinary || !JsonContainerIsObject(item->val.binary.data) ||
			!fault_of(item->val.binary.data, &faults[count]))
			return 0;
		count++;
	}
	return count;
}

/* ---------------------------------------------------------------- raising */

/* "/items/0: must be at least 1; …" */
static char *
detail_for_people(const Fault *faults, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
	{
		const Fault *fault = &faults[i];
		bool		has_place = fault->pointer != NULL && fault->pointer[0] != '\0';

		if (out.len > 0)
			appendStringInfoString(&out, "\n");
		appendStringInfo(&out, "%s%s%s", has_place ? fault->pointer : "", has_place ? ": " : "",
						 fault->detail ? fault->detail : error_info(fault->code)->message);
		if (fault->facts != NULL && fault->facts[0] != '\0')
			appendStringInfo(&out, " {%s}", fault->facts);
	}
	return out.data;
}

/* Whether the faults say more than the refusal's own message. */
static bool
have_detail(const Fault *faults, int count)
{
	return count > 1 || faults->detail != NULL || faults->facts != NULL ||
		(faults->pointer != NULL && faults->pointer[0] != '\0');
}

void
refusal_raise(const Fault *faults, int count)
{
	ErrorCode	first = faults[0].code;
	const char *sqlstate;

	for (int i = 1; i < count; i++)
		first = Min(first, faults[i].code);
	sqlstate = error_info(first)->sqlstate;
	ereport(ERROR,
			errcode(MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4])),
			errmsg_internal("%s", error_info(first)->message),
			have_detail(faults, count)
			? errdetail_internal("%s", detail_for_people(faults, count)) : 0,
			strcmp(error_info(first)->retry, "later") == 0
			? errhint("The same request may succeed later.") : 0,
			err_generic_string(PG_DIAG_DATATYPE_NAME, faults_to_json(faults, count)));
}

static ErrorCode
code_argument(const char *name)
{
	ErrorCode	code = error_of_name(name);

	if (code == ERR_NONE)
		code = error_of_sqlstate(name);
	if (code == ERR_NONE)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no refusal \"%s\"", name),
				errhint("pg_extension/errcodes.txt has the list."));
	return code;
}

/*
 * boxoffice_code.refuse(code text, pointer text DEFAULT '', facts jsonb DEFAULT '{}',
 *						 detail text DEFAULT NULL) RETURNS void
 */
Datum
refuse(PG_FUNCTION_ARGS)
{
	Fault		fault = {0};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("a refusal needs a code"));
	fault.code = code_argument(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	fault.pointer = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(2) && JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(2)))
		fault.facts = facts_of(&PG_GETARG_JSONB_P(2)->root);
	fault.detail = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	refusal_raise(&fault, 1);
}

/*
 * boxoffice_code.refuse_all(faults jsonb) RETURNS void: [{"code", "pointer", "detail", facts…}, …]
 *
 * Does nothing if the list is empty or NULL: a function can gather faults and call this once.
 */
Datum
refuse_all(PG_FUNCTION_ARGS)
{
	Fault		faults[FAULTS_MAX];
	int			count;

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	count = faults_of(PG_GETARG_JSONB_P(0), faults);
	if (count > 0)
		refusal_raise(faults, count);
	if (!JB_ROOT_IS_ARRAY(PG_GETARG_JSONB_P(0)) || JB_ROOT_COUNT(PG_GETARG_JSONB_P(0)) > 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("not a list of faults"));
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------- catching */

/* The faults that the error carries; false if it carries none. */
static bool
catch_faults(const ErrorData *error, Call *call)
{
	Fault		faults[FAULTS_MAX];
	int			count;

	if (error->datatype_name == NULL || error->datatype_name[0] != '[')
		return false;
	count = faults_of(DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														 CStringGetDatum(error->datatype_name))),
					  faults);
	for (int i = 0; i < count; i++)
		reply_refuse_detail(call, faults[i].code, faults[i].pointer, faults[i].facts,
							faults[i].detail);
	return count > 0;
}

bool
refusal_catch(const ErrorData *error, Call *call)
{
	const char *sqlstate = unpack_sql_state(error->sqlerrcode);
	ErrorCode	code;

	if (strncmp(sqlstate, "TK", 2) == 0)
	{
		code = error_of_sqlstate(sqlstate);
		if (code == ERR_NONE)
			return false;
		if (!catch_faults(error, call))
			reply_refuse_detail(call, code, "", NULL,
								error->detail ? error->detail : error->message);
		return true;
	}
	if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		return false;
	code = error_of_constraint(error->constraint_name);
	if (code == ERR_NONE)
		return false;
	reply_refuse(call, code, "", NULL);
	return true;
}

/*
 * reply.c
 *		Replies of calls: successes, refusals, and the JSON they are made of.
 *
 * Everything here lives in call_context, so that a reply survives whatever
 * context its handler works in.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "call.h"
#include "dispatch.h"
#include "errors.h"

#define BODY_INITIAL_SIZE 1024
#define ID_DIGITS_MAX 20
#define RETRY_AFTER_DEFAULT_S 1

static char *
keep(const char *text)
{
	return text == NULL ? NULL : MemoryContextStrdup(call_context, text);
}

/* Seconds to wait when the handler gave none; 0 where waiting is no promise. */
static int
retry_after_default(ErrorCode code)
{
	int			status = error_info(code)->status;

	if (strcmp(error_info(code)->retry, "later") != 0)
		return 0;
	return status >= 500 || status == 429 || code == ERR_IDEMPOTENCY_RUNNING
		? RETRY_AFTER_DEFAULT_S : 0;
}

/* The fault that comes first in errcodes.txt is the answer. */
static const Fault *
first_fault(const Reply *reply)
{
	const Fault *first = &reply->faults[0];

	for (int i = 1; i < reply->fault_count; i++)
		if (reply->faults[i].code < first->code)
			first = &reply->faults[i];
	return first;
}

/* Refuses the call; a call may be refused for several faults, the first FAULTS_MAX are told. */
void
reply_refuse(Call *call, ErrorCode code, const char *pointer, const char *facts)
{
	reply_refuse_detail(call, code, pointer, facts, NULL);
}

void
reply_refuse_detail(Call *call, ErrorCode code, const char *pointer, const char *facts,
					const char *detail)
{
	Reply	   *reply = &call->reply;
	Fault	   *fault;
	ErrorCode	first;

	Assert(code > ERR_NONE && code < ERR_COUNT);
	reply->done = true;
	if (reply->faults == NULL)
		reply->faults = MemoryContextAlloc(call_context, FAULTS_MAX * sizeof(Fault));
	if (reply->fault_count == FAULTS_MAX)
		return;

	fault = &reply->faults[reply->fault_count++];
	fault->code = code;
	fault->pointer = keep(pointer ? pointer : "");
	fault->facts = keep(facts);
	fault->detail = keep(detail);

	first = first_fault(reply)->code;
	reply->status = error_info(first)->status;
	if (reply->retry_after_s == 0)
		reply->retry_after_s = retry_after_default(first);
}

/* Decides the call as a success and returns the empty body to fill. */
StringInfo
reply_start(Call *call, int status)
{
	Reply	   *reply = &call->reply;

	Assert(status >= 200 && status < 300);
	reply->done = true;
	reply->status = status;
	reply->fault_count = 0;
	reply->body.data = MemoryContextAlloc(call_context, BODY_INITIAL_SIZE);
	reply->body.maxlen = BODY_INITIAL_SIZE;
	resetStringInfo(&reply->body);
	return &reply->body;
}

static void
append_fault(StringInfo out, const Fault *fault)
{
	appendStringInfoString(out, "{\"code\":");
	json_append_string(out, error_info(fault->code)->name);
	if (fault->pointer[0] != '\0')
	{
		appendStringInfoString(out, fault->pointer[0] == '/' ? ",\"pointer\":" : ",\"parameter\":");
		json_append_string(out, fault->pointer);
	}
	if (fault->detail != NULL)
	{
		appendStringInfoString(out, ",\"detail\":");
		json_append_string(out, fault->detail);
	}
	if (fault->facts != NULL && fault->facts[0] != '\0')
	{
		appendStringInfoChar(out, ',');
		appendStringInfoString(out, fault->facts);
	}
	appendStringInfoChar(out, '}');
}

static void
append_problem_head(StringInfo out, const Call *call, const Fault *first)
{
	const ErrorInfo *error = error_info(first->code);

	appendStringInfo(out, "{\"type\":\"" ERROR_TYPE_PREFIX "%s\",\"title\":\"%s\",\"status\":%d,"
					 "\"code\":\"%s\",\"sqlstate\":\"%s\",\"retry\":\"%s\"",
					 error->name, error->message, error->status,
					 error->name, error->sqlstate, error->retry);
	if (first->detail != NULL)
	{
		appendStringInfoString(out, ",\"detail\":");
		json_append_string(out, first->pointer[0] == '\0' ? first->detail
						   : psprintf("%s: %s", first->pointer, first->detail));
	}
	appendStringInfoString(out, ",\"request_id\":");
	json_append_string(out, call->request_id ? call->request_id : "");
}

/* The problem document (RFC 9457) of a refused call. */
char *
reply_problem(const Call *call)
{
	const Reply *reply = &call->reply;
	MemoryContext before = MemoryContextSwitchTo(call_context);
	StringInfoData out;

	Assert(reply->fault_count > 0);
	initStringInfo(&out);
	append_problem_head(&out, call, first_fault(reply));
	appendStringInfoString(&out, ",\"errors\":[");
	for (int i = 0; i < reply->fault_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		append_fault(&out, &reply->faults[i]);
	}
	appendStringInfoString(&out, "]}");
	MemoryContextSwitchTo(before);
	return out.data;
}

static void
append_escaped(StringInfo out, unsigned char c)
{
	switch (c)
	{
		case '"':
			appendStringInfoString(out, "\\\"");
			break;
		case '\\':
			appendStringInfoString(out, "\\\\");
			break;
		case '\n':
			appendStringInfoString(out, "\\n");
			break;
		default:
			appendStringInfo(out, "\\u%04x", c);
	}
}

void
json_append_string(StringInfo out, const char *text)
{
	const char *from = text;
	const char *at = text;

	appendStringInfoChar(out, '"');
	for (; *at != '\0'; at++)
	{
		unsigned char c = (unsigned char) *at;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		appendBinaryStringInfo(out, from, at - from);
		append_escaped(out, c);
		from = at + 1;
	}
	appendBinaryStringInfo(out, from, at - from);
	appendStringInfoChar(out, '"');
}

void
json_append_compact(StringInfo out, const char *json)
{
	const char *from = json;
	const char *at = json;

	for (; *at != '\0'; at++)
	{
		if (*at == '"')
		{
			for (at++; *at != '"' && *at != '\0'; at++)
				if (*at == '\\' && at[1] != '\0')
					at++;
			if (*at == '\0')
				break;
		}
		else if (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		{
			appendBinaryStringInfo(out, from, at - from);
			from = at + 1;
		}
	}
	appendBinaryStringInfo(out, from, at - from);
}

/* An id is a string in JSON: not every reader has 64-bit integers. */
void
json_append_id(StringInfo out, int64 id)
{
	char		digits[ID_DIGITS_MAX + 3];
	int			len;

	digits[0] = '"';
	len = 1 + pg_lltoa(id, digits + 1);
	digits[len++] = '"';
	appendBinaryStringInfo(out, digits, len);
}

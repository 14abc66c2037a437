/*
 * request.c
 *		From a bound request to its reply: what dispatch() and perform() share.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "actor.h"
#include "dispatch.h"
#include "handlers.h"

#define KEY_LEN_MAX 200
#define UUID_LEN 36
#define CONTEXT_BLOCK_INITIAL (64 * 1024)

/* Any two that differ. */
#define HASH_SEED_LOW UINT64CONST(0x626f786f66666963)
#define HASH_SEED_HIGH UINT64CONST(0x7469636b65747321)

MemoryContext call_context = NULL;

void
call_scope_open(CallScope *scope)
{
	scope->outer = call_context;
	scope->actor = actor_current();
	call_context = AllocSetContextCreate(CurrentMemoryContext, "boxoffice calls",
										 ALLOCSET_DEFAULT_MINSIZE, CONTEXT_BLOCK_INITIAL,
										 ALLOCSET_DEFAULT_MAXSIZE);
	scope->before = MemoryContextSwitchTo(call_context);
}

void
call_scope_close(const CallScope *scope)
{
	MemoryContext mine = call_context;

	call_scope_abandon(scope);
	MemoryContextSwitchTo(scope->before);
	MemoryContextDelete(mine);
}

void
call_scope_abandon(const CallScope *scope)
{
	call_context = scope->outer;
	actor_set(scope->actor);
}

void
call_refuse_faults(Call *call, const BindFaults *faults)
{
	for (int i = 0; i < faults->count; i++)
	{
		const Fault *fault = &faults->list[i];

		reply_refuse_detail(call, fault->code, fault->pointer, fault->facts, fault->detail);
	}
}

/* What may be sent to an operation without a body: an object in which nothing stands. */
static const Schema no_members = {.types = TYPE_OBJECT};

void
call_bind_body(Call *call, const char *text, int len, int flags)
{
	const Operation *operation = call->operation;
	BindFaults	faults = {.count = 0};

	call->body.kind = BOUND_ABSENT;
	if (text == NULL || len == 0)
	{
		if (operation->body_required)
			reply_refuse_detail(call, ERR_INVALID_REQUEST, "", "\"reason\":\"required\"",
								"a body is required");
		return;
	}
	if (operation->body == NULL)
	{
		if (!bind_json(&no_members, text, len, flags, &call->body, &faults))
			call_refuse_faults(call, &faults);
		call->body.kind = BOUND_ABSENT;
		return;
	}
	if (!bind_json(operation->body, text, len, flags, &call->body, &faults))
		call_refuse_faults(call, &faults);
}

static bool
is_uuid(const char *text)
{
	if (strlen(text) != UUID_LEN)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

void
call_check_key(Call *call)
{
	const Operation *operation = call->operation;

	if (operation->idempotency == IDEMPOTENCY_NONE)
		call->key = NULL;
	if (call->key == NULL)
	{
		if (operation->idempotency == IDEMPOTENCY_REQUIRED)
			reply_refuse_detail(call, ERR_IDEMPOTENCY_KEY, "Idempotency-Key", NULL,
								"the header Idempotency-Key is required");
		return;
	}
	if (call->key[0] == '\0' || strlen(call->key) > KEY_LEN_MAX || !is_printable(call->key))
		reply_refuse_detail(call, ERR_IDEMPOTENCY_KEY, "Idempotency-Key", NULL,
							"the key must be 1 to 200 printable ASCII characters");
	else if (call->actor.subject == NULL && !is_uuid(call->key))
		reply_refuse_detail(call, ERR_IDEMPOTENCY_KEY, "Idempotency-Key", NULL,
							"without a token the key must be a UUID");
}

/* Not for security: who finds two requests with one hash fools only himself. */
void
call_hash(Call *call, const char *params, const char *body, int body_len)
{
	uint64		seeds[] = {HASH_SEED_LOW, HASH_SEED_HIGH};

	for (int i = 0; i < lengthof(seeds); i++)
	{
		uint64		hash = seeds[i];

		if (params != NULL)
			hash = hash_bytes_extended((const unsigned char *) params, strlen(params), hash);
		if (body != NULL)
			hash = hash_bytes_extended((const unsigned char *) body, body_len, ~hash);
		memcpy(call->body_hash + i * sizeof(hash), &hash, sizeof(hash));
	}
}

/* Gives the handler those calls that are not done yet, in their order. */
static void
run_handler(CallHandler handler, Call *calls, int count)
{
	Call	   *open = palloc(count * sizeof(Call));
	int			open_count = 0;

	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			open[open_count++] = calls[i];
	if (open_count > 0)
		handler(open, open_count);
	MemoryContextSwitchTo(call_context);
	for (int i = 0, next = 0; next < open_count; i++)
		if (!calls[i].reply.done)
			calls[i] = open[next++];
}

void
calls_run(const Operation *operation, Call *calls, int count)
{
	CallHandler handler = handler_of(operation);

	if (handler != NULL)
	{
		run_handler(handler, calls, count);
		return;
	}
	for (int i = 0; i < count; i++)
	{
		if (calls[i].reply.done)
			continue;
		actor_set(&calls[i].actor);
		function_run(&calls[i]);
		actor_clear();
	}
}

/*
 * stream.c
 *		boxoffice_code.stream(): one request whose answer is made and sent in pieces.
 *
 * Called in a select list, where the executor asks for one row at a time and sends it before it
 * asks for the next; a client that reads slowly holds the backend in its write to the socket.  So
 * neither side ever has more than a piece.
 *
 * The api function returns SETOF text and is run by a portal, a row for each of our calls, under
 * one snapshot.  Before anything is said it is run once up to its first row, in a subtransaction:
 * a refusal is an answer like any other.  Then it starts anew, for what a function in SQL has begun
 * does not outlive its subtransaction.  An error later on ends the statement, and the gateway
 * breaks the transfer off: what is there can't be unsaid, but nobody takes it for the whole.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/portal.h"

#include "actor.h"
#include "dispatch.h"

PG_FUNCTION_INFO_V1(stream);

typedef struct Stream
{
	Call	   *call;
	int			deadline_ms;
	Portal		portal;
	int			sent;			/* rows */
} Stream;

static void
show_context(void *arg)
{
	const Stream *stream = arg;

	if (stream->call != NULL)
		errcontext("boxoffice %s, request %s", stream->call->operation->name,
				   stream->call->request_id ? stream->call->request_id : "-");
}

/* The next piece, in the current context; NULL at the end. */
static text *
fetch(Stream *stream)
{
	MemoryContext caller = CurrentMemoryContext;
	text	   *piece = NULL;

	SPI_connect();
	SPI_cursor_fetch(stream->portal, true, 1);
	if (SPI_processed == 1)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext spi = MemoryContextSwitchTo(caller);

		if (!isnull)
			piece = DatumGetTextPP(datumCopy(value, false, -1));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return piece;
}

static void
rehearse(Call *call, void *arg)
{
	Stream	   *stream = arg;

	stream->portal = function_open(call);
	(void) fetch(stream);
	SPI_cursor_close(stream->portal);
	stream->portal = NULL;
}

/* The first row: how it went. */
static text *
start(Stream *stream, FunctionCallInfo fcinfo)
{
	stream->call = dispatch_one(fcinfo);
	if (!stream->call->reply.done)
	{
		actor_set(&stream->call->actor);
		function_protect(stream->call, rehearse, stream);
	}
	if (stream->call->reply.fault_count > 0)
	{
		stream->portal = NULL;
		return cstring_to_text(psprintf("%d %s", stream->call->reply.status,
										reply_problem(stream->call)));
	}
	stream->portal = function_open(stream->call);
	return cstring_to_text(psprintf("%d", stream->call->operation->status));
}

static text *
next(Stream *stream, FunctionCallInfo fcinfo)
{
	if (stream->sent == 0)
		return start(stream, fcinfo);
	if (stream->portal == NULL)
		return NULL;
	actor_set(&stream->call->actor);
	return fetch(stream);
}

/* One row, within the deadline, as the actor of the request. */
static text *
next_in_time(Stream *stream, FunctionCallInfo fcinfo)
{
	ErrorContextCallback context = {error_context_stack, show_context, stream};
	Deadline	deadline;
	text	   *piece;

	error_context_stack = &context;
	deadline_start(&deadline, stream->deadline_ms);
	piece = next(stream, fcinfo);
	deadline_stop(&deadline);
	error_context_stack = context.previous;
	return piece;
}

/* One row, in a context below the present one. */
static text *
next_in_scope(Stream *stream, FunctionCallInfo fcinfo)
{
	text	   *volatile piece = NULL;
	CallScope	scope;

	call_scope_open(&scope);
	PG_TRY();
	{
		piece = next_in_time(stream, fcinfo);
	}
	PG_FINALLY();
	{
		call_scope_abandon(&scope);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(scope.before);
	return piece;
}

static FuncCallContext *
first_call(FunctionCallInfo fcinfo)
{
	FuncCallContext *state = SRF_FIRSTCALL_INIT();
	Stream	   *stream = MemoryContextAllocZero(state->multi_call_memory_ctx, sizeof(Stream));

	stream->deadline_ms = dispatch_deadline(fcinfo);
	state->user_fctx = stream;
	return state;
}

/*
 * boxoffice_code.stream(…like dispatch()…) RETURNS SETOF text
 *
 * What the first call makes lives as long as the stream, what a later one makes until the next.
 */
Datum
stream(PG_FUNCTION_ARGS)
{
	MemoryContext before = CurrentMemoryContext;
	bool		first = SRF_IS_FIRSTCALL();
	FuncCallContext *state = first ? first_call(fcinfo) : SRF_PERCALL_SETUP();
	Stream	   *stream = state->user_fctx;
	text	   *piece;

	if (first)
		MemoryContextSwitchTo(state->multi_call_memory_ctx);
	piece = next_in_scope(stream, fcinfo);
	MemoryContextSwitchTo(before);
	if (piece == NULL)
		SRF_RETURN_DONE(state);
	stream->sent++;
	SRF_RETURN_NEXT(state, PointerGetDatum(piece));
}

/*
 * dispatch.h
 *		From a request to its reply: what dispatch() and perform() share.
 */
#ifndef BOXOFFICE_DISPATCH_H
#define BOXOFFICE_DISPATCH_H

#include "fmgr.h"

#include "bind.h"
#include "call.h"
#include "contract.h"

/*
 * Where all of a batch lives: calls, replies, whatever a handler wants to keep
 * until the batch is answered.  It is the current context when a handler is
 * called, and replies are made in it whatever the current context is.
 */
extern MemoryContext call_context;

/*
 * Opens a context for a batch (below the current one) and makes it the current
 * one; closing it brings back what was there before.  Batches nest: a stored
 * function may call perform().
 */
typedef struct CallScope
{
	MemoryContext before;
	MemoryContext outer;
	const Actor *actor;
} CallScope;

extern void call_scope_open(CallScope *scope);
extern void call_scope_close(const CallScope *scope);

/*
 * After an error: as close, but the memory stays until the context above is reset.  The error may
 * point into it: ReThrowError() doesn't copy the name of the file, CopyErrorData() did.
 */
extern void call_scope_abandon(const CallScope *scope);

/* What a batch may hold; nginx's limit is lower. */
#define CALLS_MAX 4096

/* The timer and the setting that hold what runs to a deadline. */
typedef struct Deadline
{
	bool		timer;			/* ours, so ours to stop */
	int			guc_level;
} Deadline;

extern void deadline_start(Deadline *deadline, int deadline_ms);
extern void deadline_stop(Deadline *deadline);

/*
 * dispatch.c: reads, authorises and binds the one request of arguments like dispatch()'s, in the
 * call context. It may come back refused.
 */
extern Call *dispatch_one(FunctionCallInfo fcinfo);

/* How long such arguments say that it may take: without a word the operation's own deadline. */
extern int	dispatch_deadline(FunctionCallInfo fcinfo);

/* request.c: refuses the call for all the faults that the binder found. */
extern void call_refuse_faults(Call *call, const BindFaults *faults);

/* request.c: binds a body, which may be NULL. */
extern void call_bind_body(Call *call, const char *text, int len, int flags);

/* request.c: an Idempotency-Key must be well-formed, a UUID from nobody, and there if required. */
extern void call_check_key(Call *call);

/* request.c: sets body_hash to a hash of what is asked. */
extern void call_hash(Call *call, const char *params, const char *body, int body_len);

/* request.c: decides all calls that are not done yet, by the core or by the stored function. */
extern void calls_run(const Operation *operation, Call *calls, int count);

/* function.c: the same for an operation that is a stored function. */
extern void function_run(Call *call);

/*
 * function.c: runs body in a subtransaction.  A refusal that it raises is undone with all that it
 * did and becomes the call's reply; any other error goes on.
 */
typedef void (*CallBody) (Call *call, void *arg);

extern void function_protect(Call *call, CallBody body, void *arg);

/* function.c: a portal that reads what the stored function returns, to be run in pieces. */
extern struct PortalData *function_open(Call *call);

/* function.c: sets the ETag that the operation's rule says. */
extern void call_make_etag(Call *call);

#endif							/* BOXOFFICE_DISPATCH_H */

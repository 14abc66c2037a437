/*
 * worker.c
 *		The background worker of one database: expiry, tidying, the outbox's wake-up call.
 *
 * Nothing here is needed for truth.  An expired place is sold again whether or not the worker
 * has been by (inventory.c), so it may be late, down or switched off.  What it must be is
 * harmless: it takes the locks that buyers take, in their order and a few rows at a time, and
 * one event's trouble stays that event's.
 *
 * What there is to do is decided in SQL (sql/worker/functions.sql), so that a DBA can see and
 * call it:
 *
 *		worker_due(event, group, …)	which task of which event is due, in a part of the groups
 *		worker_do(task, event, …)	does a bounded part of it, says how much that was
 *		worker_sweep(task, …)		walks one table in the order of its key and removes what is over
 *		worker_wake(seen)			notifies readers if the outbox grew
 *
 * Each call is a transaction of its own, as boxoffice_code, with a lock and a statement
 * timeout.  A task that fails is logged with its event and left alone for a while, longer each
 * time; the others go on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "worker.h"

#define TASK_NAME_LEN 32
#define DUE_MAX 1000			/* more are found at the next tick */
#define LOOK_MAX 400			/* groups that one tick looks at; two tasks each fit into DUE_MAX */
#define ROUNDS_MAX 10			/* how often one event's task is repeated in a tick */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define BACKOFFS_MAX 10000
#define ABSENT_WAIT_MS 5000		/* between looks for an extension that is not there */
#define SWEEP_PAUSE_MS (60 * 60 * 1000)
#define STATEMENT_MS 10000

/* What is due: a task of an event, 0 outside any. */
typedef struct Due
{
	char		task[TASK_NAME_LEN];
	int64		event_id;
} Due;

/* What failed lately, and when it is tried again. */
typedef struct Backoff
{
	Due			due;			/* hash key */
	int			delay_ms;
	TimestampTz again_at;
} Backoff;

/* A walk over a table: where it is, and when it starts over. */
typedef struct Sweep
{
	const char *task;
	int64		event_id;
	int64		id;
	TimestampTz again_at;
} Sweep;

typedef struct DueList
{
	bool		deployed;
	int64		after_event;	/* where the next look at claims goes on; 0 begins anew */
	int64		after_group;
	int			count;
	Due			items[DUE_MAX];
	int64		groups[DUE_MAX];	/* the first group that is due of each; 0: nobody knows */
} DueList;

typedef void (*WorkerBody) (void *arg);

static HTAB *backoffs;
static const char *running;		/* for the log */
static int64 running_event;
static volatile sig_atomic_t in_transaction = false;
static Sweep sweeps[] = {{"holds"}, {"outbox"}, {"idempotency"}, {"search"}};

/* ---- one transaction -------------------------------------------------------------------- */

/*
 * SIGTERM ends the statement that runs, if any, and then the worker; unlike die() it says nothing.
 */
static void
worker_shutdown(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;
	if (in_transaction)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
worker_errcontext(void *arg)
{
	if (running_event != 0)
		errcontext("boxoffice worker, task %s of event " INT64_FORMAT, running, running_event);
	else
		errcontext("boxoffice worker, task %s", running);
}

static void
worker_begin(void)
{
	Oid			role;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, running);

	role = get_role_oid("boxoffice_code", true);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, SECURITY_LOCAL_USERID_CHANGE);
	enable_timeout_after(STATEMENT_TIMEOUT, STATEMENT_MS);
}

static void
worker_commit(Oid user, int sec_context)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	SetUserIdAndSecContext(user, sec_context);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Runs body in a transaction.  An error is logged and ends in false, whatever it was.
 */
static bool
worker_transaction(const char *task, int64 event_id, WorkerBody body, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback = {error_context_stack, worker_errcontext, NULL};
	volatile bool done = false;
	Oid			user;
	int			sec_context;

	running = task;
	running_event = event_id;
	GetUserIdAndSecContext(&user, &sec_context);
	error_context_stack = &callback;
	in_transaction = true;
	PG_TRY();
	{
		worker_begin();
		body(arg);
		worker_commit(user, sec_context);
		done = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(context);
		if (!ShutdownRequestPending)
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
		pgstat_report_activity(STATE_IDLE, NULL);
	}
	PG_END_TRY();
	in_transaction = false;
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(context);
	return done;
}

/* Runs a statement that returns rows; the number of them. */
static uint64
worker_query(const char *sql, int nargs, Oid *types, Datum *values)
{
	int			result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "\"%s\" came to %s", sql, SPI_result_code_string(result));
	return SPI_processed;
}

/* A bigint of the last statement's first row; NULL is 0. */
static int64
worker_int8(int column)
{
	bool		isnull;
	Datum		value;

	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* ---- what failed is left alone for a while ------------------------------------------------ */

static void
backoff_init(void)
{
	HASHCTL		control = {.keysize = sizeof(Due), .entrysize = sizeof(Backoff)};

	backoffs = hash_create("boxoffice worker backoffs", 64, &control, HASH_ELEM | HASH_BLOBS);
}

static bool
backoff_waits(const Due *due)
{
	Backoff    *entry = hash_search(backoffs, due, HASH_FIND, NULL);

	return entry && worker_pauses(entry->again_at, entry->delay_ms);
}

/*
 * Notes how a task ended.  More failing events than can be remembered are all tried at each tick.
 */
static void
backoff_note(const Due *due, bool succeeded)
{
	Backoff    *entry;
	bool		found;

	if (succeeded)
	{
		hash_search(backoffs, due, HASH_REMOVE, NULL);
		return;
	}
	if (hash_get_num_entries(backoffs) >= BACKOFFS_MAX)
		return;
	entry = hash_search(backoffs, due, HASH_ENTER, &found);
	entry->delay_ms = found ? Min(entry->delay_ms * 2, BACKOFF_MAX_MS) : BACKOFF_FIRST_MS;
	entry->again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), entry->delay_ms);
}

/*
 * Whether a pause of at most so many milliseconds goes on.  One that would be longer was begun
 * before the machine's clock was set back, and is over.
 */
bool
worker_pauses(TimestampTz again_at, int pause_ms)
{
	TimestampTz now = GetCurrentTimestamp();

	return again_at > now && again_at <= TimestampTzPlusMilliseconds(now, pause_ms);
}

static Due
due_make(const char *task, int64 event_id)
{
	Due			due;

	memset(&due, 0, sizeof(due));	/* it is a hash key, padding and all */
	strlcpy(due.task, task, sizeof(due.task));
	due.event_id = event_id;
	return due;
}

/* ---- bodies of transactions ------------------------------------------------------------- */

/*
 * Notes a row of worker_due: what is due, or where its look ended.
 */
static void
note_due(DueList *list, uint64 row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	char	   *task = SPI_getvalue(tuple, desc, 1);
	bool		isnull;
	int64		event = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	Datum		value = SPI_getbinval(tuple, desc, 3, &isnull);
	int64		group = isnull ? 0 : DatumGetInt64(value);

	if (task == NULL)
	{
		list->after_event = event;
		list->after_group = group;
	}
	else if (list->count < DUE_MAX)
	{
		list->groups[list->count] = group;
		list->items[list->count++] = due_make(task, event);
	}
}

/*
 * What is due; not deployed if extension or functions are missing, which is no error.
 */
static void
find_due(void *arg)
{
	DueList    *list = arg;
	Oid			types[] = {INT8OID, INT8OID, INT4OID};
	Datum		values[] = {Int64GetDatum(list->after_event), Int64GetDatum(list->after_group),
	Int32GetDatum(LOOK_MAX)};
	uint64		rows;

	list->count = 0;
	list->after_event = 0;
	list->after_group = 0;
	list->deployed = OidIsValid(get_extension_oid("boxoffice", true));
	if (list->deployed)
	{
		worker_query("SELECT (pg_catalog.to_regprocedure("
					 "'boxoffice_code.worker_do(text,bigint,bigint)')"
					 " IS NOT NULL)::integer::bigint", 0, NULL, NULL);
		list->deployed = worker_int8(1) != 0;
	}
	if (!list->deployed)
		return;
	rows = worker_query("SELECT d.task, d.event_id, d.group_id"
						" FROM boxoffice_code.worker_due($1, $2, $3) AS d", 3, types, values);
	for (uint64 row = 0; row < rows; row++)
		note_due(list, row);
}

typedef struct Turn
{
	const Due  *due;
	int64		from_group;
	bool		more;
} Turn;

static void
do_turn(void *arg)
{
	Turn	   *turn = arg;
	Oid			types[] = {TEXTOID, INT8OID, INT8OID};
	Datum		values[] = {CStringGetTextDatum(turn->due->task),
	Int64GetDatum(turn->due->event_id), Int64GetDatum(turn->from_group)};

	worker_query("SELECT boxoffice_code.worker_do($1, $2, $3)", 3, types, values);
	turn->more = worker_int8(1) != 0;
}

static void
do_sweep(void *arg)
{
	Sweep	   *sweep = arg;
	Oid			types[] = {TEXTOID, INT8OID, INT8OID};
	Datum		values[] = {CStringGetTextDatum(sweep->task), Int64GetDatum(sweep->event_id),
	Int64GetDatum(sweep->id)};

	worker_query("SELECT s.next_event, s.next_id FROM boxoffice_code.worker_sweep($1, $2, $3) AS s",
				 3, types, values);
	sweep->event_id = worker_int8(1);
	sweep->id = worker_int8(2);
	if (sweep->id == 0)
		sweep->again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SWEEP_PAUSE_MS);
}

static void
do_wake(void *arg)
{
	int64	   *seen = arg;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(*seen)};

	worker_query("SELECT boxoffice_code.worker_wake($1)", 1, types, values);
	*seen = worker_int8(1);
}

/*
 * Takes the lock that says that this is the database's worker.  A launcher that was restarted
 * does not know of the worker that an earlier one left.
 */
static void
do_lock(void *arg)
{
	worker_query("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('boxoffice'),"
				 " pg_catalog.hashtext('worker'))::integer::bigint", 0, NULL, NULL);
	*(bool *) arg = worker_int8(1) != 0;
}

/* ---- the loop --------------------------------------------------------------------------- */

/*
 * Does what is due, each event in turn; true if some of it was not finished.
 */
static bool
worker_tasks(const DueList *list)
{
	bool		unfinished = list->count == DUE_MAX;

	for (int i = 0; i < list->count && !ShutdownRequestPending; i++)
	{
		const Due  *due = &list->items[i];
		Turn		turn = {due, list->groups[i], true};
		bool		succeeded = true;

		if (backoff_waits(due))
			continue;
		for (int round = 0; turn.more && succeeded && round < ROUNDS_MAX; round++)
		{
			if (ShutdownRequestPending)
				return false;
			succeeded = worker_transaction(due->task, due->event_id, do_turn, &turn);
		}
		backoff_note(due, succeeded);
		unfinished |= succeeded && turn.more;
	}
	return unfinished;
}

static void
worker_sweeps(void)
{
	for (int i = 0; i < lengthof(sweeps) && !ShutdownRequestPending; i++)
	{
		Due			due = due_make(sweeps[i].task, 0);

		if (worker_pauses(sweeps[i].again_at, SWEEP_PAUSE_MS) || backoff_waits(&due))
			continue;
		backoff_note(&due, worker_transaction(sweeps[i].task, 0, do_sweep, &sweeps[i]));
	}
}

/*
 * One round of everything; how long to wait for the next, in milliseconds.
 */
static long
worker_tick(DueList *list, int64 *outbox_seen)
{
	static bool said = false;
	Due			finding = due_make("due", 0);
	Due			waking = due_make("wake", 0);
	bool		found;
	bool		unfinished;

	if (backoff_waits(&finding))
		return worker_tick_ms;
	found = worker_transaction("due", 0, find_due, list);
	backoff_note(&finding, found);
	if (!found)
		return worker_tick_ms;
	if (!list->deployed)
	{
		if (!said)
			ereport(LOG, (errmsg("boxoffice worker: boxoffice is not deployed in this database"),
						  errhint("Run sql/deploy; the worker looks again by itself.")));
		said = true;
		return Max(worker_tick_ms, ABSENT_WAIT_MS);
	}
	said = false;
	unfinished = worker_tasks(list);
	worker_sweeps();
	if (!ShutdownRequestPending && !backoff_waits(&waking))
		backoff_note(&waking, worker_transaction("wake", 0, do_wake, outbox_seen));
	return unfinished ? 1 : worker_tick_ms;
}

/*
 * The entry point of the worker of one database, whose name is in bgw_extra.
 */
void
worker_main(Datum arg)
{
	MemoryContext context;
	DueList    *list;
	int64		outbox_seen = -1;
	bool		alone = false;

	pqsignal(SIGTERM, worker_shutdown);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, NULL, 0);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "1000", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);

	context = AllocSetContextCreate(TopMemoryContext, "boxoffice worker", ALLOCSET_DEFAULT_SIZES);
	list = MemoryContextAllocZero(TopMemoryContext, sizeof(DueList));
	backoff_init();
	if (!worker_transaction("lock", 0, do_lock, &alone) || !alone)
		proc_exit(0);

	while (!ShutdownRequestPending)
	{
		long		wait_ms;

		MemoryContextSwitchTo(context);
		wait_ms = worker_tick(list, &outbox_seen);
		MemoryContextReset(context);
		if (ShutdownRequestPending)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait_ms,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (ShutdownRequestPending)
			break;
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	proc_exit(0);
}

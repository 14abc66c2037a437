/*
 * worker_launcher.c
 *		Keeps one worker running in each database that boxoffice.worker_database names.
 *
 * The launcher itself is connected to no database, so a database may be named before it is
 * made, and the end of a worker, for whatever reason, is only a reason to start it again a
 * little later.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "worker.h"

#define DAY_MIN (24 * 60)
#define DATABASES_MAX 16
#define LOOK_MS 1000
#define RESTART_FIRST_MS 1000
#define RESTART_MAX_MS 60000
#define HEALTHY_MS 60000		/* a worker that ran this long starts anew at once */
#define LAUNCHER_RESTART_S 1

typedef struct Worker
{
	char		database[NAMEDATALEN];	/* empty: the slot is free */
	BackgroundWorkerHandle *handle; /* NULL: not running */
	bool		wanted;
	int			delay_ms;
	TimestampTz started_at;
	TimestampTz again_at;
} Worker;

static char *worker_database;
static Worker workers[DATABASES_MAX];

int			worker_tick_ms;
static int	outbox_keep_min;	/* read by boxoffice_code.outbox_kept() */

/* ---- settings --------------------------------------------------------------------------- */

static bool
check_databases(char **value, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*value);
	List	   *names = NIL;
	bool		fine;

	fine = SplitIdentifierString(copy, ',', &names) && list_length(names) <= DATABASES_MAX;
	if (!fine)
		GUC_check_errdetail("It is a list of at most %d names of databases.", DATABASES_MAX);
	list_free(names);
	pfree(copy);
	return fine;
}

void
worker_init(void)
{
	BackgroundWorker launcher = {
		.bgw_name = "boxoffice launcher",
		.bgw_type = "boxoffice launcher",
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = LAUNCHER_RESTART_S,
		.bgw_library_name = "boxoffice",
		.bgw_function_name = "worker_launcher_main",
	};

	DefineCustomStringVariable("boxoffice.worker_database",
							   "Names the databases in which a worker expires and tidies.",
							   "Separated by commas; empty: none.",
							   &worker_database, "", PGC_SIGHUP, GUC_LIST_INPUT,
							   check_databases, NULL, NULL);
	DefineCustomIntVariable("boxoffice.worker_tick",
							"Sets how long the worker waits between two rounds.",
							NULL, &worker_tick_ms, 1000, 10, 3600000, PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("boxoffice.outbox_keep",
							"Sets how long the outbox keeps what nobody delivers.",
							"What was delivered goes after a day.",
							&outbox_keep_min, 30 * DAY_MIN, DAY_MIN,
							3650 * DAY_MIN, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	RegisterBackgroundWorker(&launcher);
}

/* ---- the workers ------------------------------------------------------------------------ */

static Worker *
worker_slot(const char *database)
{
	Worker	   *unused = NULL;

	for (int i = 0; i < DATABASES_MAX; i++)
	{
		if (strcmp(workers[i].database, database) == 0)
			return &workers[i];
		if (workers[i].database[0] == '\0' && !unused)
			unused = &workers[i];
	}
	if (unused)
	{
		memset(unused, 0, sizeof(*unused));
		strlcpy(unused->database, database, NAMEDATALEN);
		unused->delay_ms = RESTART_FIRST_MS;
	}
	return unused;
}

/*
 * Compares the setting with the slots: new names get one, and what is no longer named is not
 * wanted.
 */
static void
workers_from_setting(void)
{
	char	   *copy = pstrdup(worker_database);
	List	   *names = NIL;
	ListCell   *cell;

	for (int i = 0; i < DATABASES_MAX; i++)
		workers[i].wanted = false;
	if (SplitIdentifierString(copy, ',', &names))
	{
		foreach(cell, names)
		{
			Worker	   *worker = worker_slot(lfirst(cell));

			if (worker)
				worker->wanted = true;
		}
	}
	for (int i = 0; i < DATABASES_MAX; i++)
	{
		if (workers[i].wanted)
			continue;
		if (workers[i].handle)
			TerminateBackgroundWorker(workers[i].handle);
		else
			workers[i].database[0] = '\0';
	}
}

/*
 * Notes that a worker has ended.  One that ended soon after its start waits longer each time.
 */
static void
worker_ended(Worker *worker)
{
	TimestampTz now = GetCurrentTimestamp();

	pfree(worker->handle);
	worker->handle = NULL;
	if (!worker->wanted)
	{
		worker->database[0] = '\0';
		return;
	}
	if (TimestampDifferenceExceeds(worker->started_at, now, HEALTHY_MS))
		worker->delay_ms = RESTART_FIRST_MS;
	worker->again_at = TimestampTzPlusMilliseconds(now, worker->delay_ms);
	worker->delay_ms = Min(worker->delay_ms * 2, RESTART_MAX_MS);
}

/*
 * Reads pg_database from end to end, as autovacuum's launcher does: without a database there
 * may be no index to look it up in.
 */
static bool
database_exists(const char *name)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (!found && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		found = strcmp(NameStr(database->datname), name) == 0 && database->datallowconn;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return found;
}

static void
worker_start(Worker *worker)
{
	BackgroundWorker entry = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_type = "boxoffice worker",
		.bgw_library_name = "boxoffice",
		.bgw_function_name = "worker_main",
		.bgw_notify_pid = MyProcPid,
	};

	snprintf(entry.bgw_name, BGW_MAXLEN, "boxoffice worker of %s", worker->database);
	strlcpy(entry.bgw_extra, worker->database, BGW_EXTRALEN);
	worker->started_at = GetCurrentTimestamp();
	if (RegisterDynamicBackgroundWorker(&entry, &worker->handle))
		return;
	worker->handle = NULL;
	worker->again_at = TimestampTzPlusMilliseconds(worker->started_at, RESTART_MAX_MS);
	ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					  errmsg("no background worker is left for database \"%s\"", worker->database),
					  errhint("Increase max_worker_processes.")));
}

static void
workers_look(void)
{
	for (int i = 0; i < DATABASES_MAX; i++)
	{
		Worker	   *worker = &workers[i];
		pid_t		pid;

		if (worker->database[0] == '\0')
			continue;
		if (worker->handle && GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED)
			worker_ended(worker);
		if (!worker->handle && worker->wanted &&
			!worker_pauses(worker->again_at, RESTART_MAX_MS) &&
			database_exists(worker->database))
			worker_start(worker);
	}
}

/*
 * The entry point of the launcher.  It ends with 1, so that the postmaster starts it again if
 * somebody has terminated it.
 */
void
worker_launcher_main(Datum arg)
{
	MemoryContext context;
	MemoryContext lasting;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	lasting = AllocSetContextCreate(TopMemoryContext, "boxoffice workers", ALLOCSET_SMALL_SIZES);
	context = AllocSetContextCreate(TopMemoryContext, "boxoffice launcher", ALLOCSET_SMALL_SIZES);

	MemoryContextSwitchTo(context);
	workers_from_setting();
	while (!ShutdownRequestPending)
	{
		MemoryContextSwitchTo(lasting);
		workers_look();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			MemoryContextSwitchTo(context);
			workers_from_setting();
			MemoryContextReset(context);
		}
	}
	for (int i = 0; i < DATABASES_MAX; i++)
	{
		if (workers[i].handle)
			TerminateBackgroundWorker(workers[i].handle);
	}
	proc_exit(1);
}

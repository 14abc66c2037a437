/*
 * commit.c
 *		Early release of locks: a batch lets the next one in before its flush is over.
 *
 * PostgreSQL holds a transaction's locks until its commit record is on disk.  On a hot event that
 * is a flush between any two batches in which nobody works.  A transaction of the dispatcher gives
 * its locks back as soon as its commit record is in the WAL, and flushes then, still before the
 * server says that it is ready: the client hears of nothing that isn't durable, as ever.
 *
 * Who comes in between may read what could still be lost in a crash.  That does no harm:
 *
 *	- if it writes, its own commit record stands behind ours in the WAL.  Either both are on disk
 *	  when its client is answered, or the crash takes both and neither client was answered;
 *	- if it only reads, it waits for the flush of what it may have seen (commit_settle);
 *	- if it isn't one of ours (a report in SQL, an export), it may see a sale for the length of a
 *	  flush that a crash then takes back, as with each asynchronous commit.  The buyer wasn't told.
 *
 * How: with synchronous_commit off PostgreSQL commits without a flush.  The variable is turned
 * from XACT_EVENT_PRE_COMMIT to the last phase of the release of resources, when the locks are gone
 * and the flush is made.  It is the flush of an ordinary commit: if it fails, the server panics.
 *
 * Not done where synchronous_commit is off anyway, or a synchronous standby must have the commit
 * first: then PostgreSQL's own order stands.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "replication/syncrep.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/resowner.h"

#include "commit.h"
#include "debug.h"

/* Transactions that others can see, or will in a moment, and that aren't flushed yet. */
static pg_atomic_uint32 *unflushed = NULL;

static bool ours = false;		/* the present transaction is the dispatcher's */
static bool counted = false;	/* in unflushed */
static int	level;				/* synchronous_commit, as it was */
static bool early_release = true;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

void
commit_ours(void)
{
	ours = early_release;
}

static bool
standby_is_waited_for(void)
{
	return SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0';
}

/* Takes the flush out of the commit that begins. */
static void
commit_defer(void)
{
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF || standby_is_waited_for())
		return;
	pg_atomic_fetch_add_u32(unflushed, 1);
	counted = true;
	level = synchronous_commit;
	synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
}

/* The end of the WAL so far, as the end of a record: not behind the header of a page to come. */
static XLogRecPtr
wal_end(void)
{
	XLogRecPtr	end = GetXLogInsertRecPtr();

	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		return end - SizeOfXLogLongPHD;
	if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return end - SizeOfXLogShortPHD;
	return end;
}

/* Waits for the flush of all that a transaction that wrote nothing may have seen. */
static void
commit_settle(void)
{
	if (pg_atomic_read_u32(unflushed) > 0 && !RecoveryInProgress())
		XLogFlush(wal_end());
}

static void
commit_forget(void)
{
	if (counted)
	{
		synchronous_commit = level;
		pg_atomic_fetch_sub_u32(unflushed, 1);
	}
	counted = false;
	ours = false;
}

static void
commit_event(XactEvent event, void *arg)
{
	if (!ours)
		return;
	if (event == XACT_EVENT_PRE_COMMIT && TransactionIdIsValid(GetTopTransactionIdIfAny()))
		commit_defer();
	else if (event == XACT_EVENT_PRE_COMMIT)
		commit_settle();
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		commit_forget();
}

/* The locks are gone: now the flush. */
static void
commit_release(ResourceReleasePhase phase, bool isCommit, bool isTopLevel, void *arg)
{
	if (!ours || phase != RESOURCE_RELEASE_AFTER_LOCKS || !isCommit || !isTopLevel)
		return;
	if (counted && debug_flush_ms > 0)
		pg_usleep(debug_flush_ms * 1000L);
	if (counted && debug_flush_ms >= 0)
		XLogFlush(XactLastCommitEnd);
	commit_forget();
}

static void
commit_request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(sizeof(pg_atomic_uint32));
}

static void
commit_startup(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	unflushed = ShmemInitStruct("boxoffice commits", sizeof(pg_atomic_uint32), &found);
	if (!found)
		pg_atomic_init_u32(unflushed, 0);
	LWLockRelease(AddinShmemInitLock);
}

void
commit_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = commit_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = commit_startup;
	RegisterXactCallback(commit_event, NULL);
	RegisterResourceReleaseCallback(commit_release, NULL);
	DefineCustomBoolVariable("boxoffice.early_release",
							 "Gives a batch's locks back before its flush; its answer waits.",
							 NULL, &early_release, true, PGC_SUSET, 0, NULL, NULL, NULL);
}

/*
 * debug.c
 *		Wait points and switches for the tests of races.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "debug.h"

#ifdef BOXOFFICE_DEBUG

bool		debug_skip_lock = false;
static bool debug_points = false;

/*
 * Waits while another session holds pg_advisory_lock(hashtext(name)), then goes on without
 * keeping the lock.  Only where boxoffice.debug_points is on, so that only the session under test
 * stops.
 */
void
debug_point(const char *name)
{
	LOCKTAG		tag;
	int64		key;

	if (!debug_points)
		return;
	key = DatumGetInt32(DirectFunctionCall1Coll(hashtext, DEFAULT_COLLATION_OID,
												CStringGetTextDatum(name)));
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, 1);
	(void) LockAcquire(&tag, ShareLock, false, false);
	LockRelease(&tag, ShareLock, false);
}

void
debug_init(void)
{
	DefineCustomBoolVariable("boxoffice.debug_skip_lock",
							 "Leaves out the lock of inventory groups: places get sold twice.",
							 "The control of race tests: they must fail with this on.",
							 &debug_skip_lock, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("boxoffice.debug_points",
							 "Makes the session wait at named points.",
							 "At each it waits for pg_advisory_lock(hashtext(name)) to be free.",
							 &debug_points, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

#else

void
debug_init(void)
{
}

#endif

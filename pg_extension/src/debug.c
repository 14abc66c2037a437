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
#define DEBUG_EFFECT "Superusers only."
bool		debug_skip_lock = false;
int			debug_code_mask = -1;
int			debug_flush_ms = 0;
#else
#define DEBUG_EFFECT "Without effect: this library was built without assertions."
static bool debug_skip_lock_unused = false;
static int	debug_code_mask_unused = -1;
static int	debug_flush_ms_unused = 0;
#endif

static bool debug_points = false;

#ifdef BOXOFFICE_DEBUG

/*
 * Waits while another session holds pg_advisory_lock(hashtext(name)), then goes on without keeping
 * the lock.  Only where boxoffice.debug_points is on, so that only the session under test stops.
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

#endif

/* The settings are there in all builds, so that tests can be the same; what they do is not. */
void
debug_init(void)
{
	bool	   *skip_lock;
	int		   *code_mask;
	int		   *flush_ms;

#ifdef BOXOFFICE_DEBUG
	skip_lock = &debug_skip_lock;
	code_mask = &debug_code_mask;
	flush_ms = &debug_flush_ms;
#else
	skip_lock = &debug_skip_lock_unused;
	code_mask = &debug_code_mask_unused;
	flush_ms = &debug_flush_ms_unused;
#endif
	DefineCustomBoolVariable("boxoffice.debug_skip_lock",
							 "Leaves out the locks of what is read: the control of race tests.",
							 DEBUG_EFFECT, skip_lock, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("boxoffice.debug_code_mask",
							"Leaves order codes only these random bits, so that they collide.",
							DEBUG_EFFECT, code_mask, -1, -1, PG_INT32_MAX, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("boxoffice.debug_flush_ms",
							"Waits so long between release of locks and flush; -1: no flush.",
							DEBUG_EFFECT, flush_ms, 0, -1, 60000, PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("boxoffice.debug_points",
							 "Waits at each named point for pg_advisory_lock(hashtext(name)).",
							 DEBUG_EFFECT, &debug_points, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

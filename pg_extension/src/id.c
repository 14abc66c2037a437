/*
 * id.c
 *		Ids from one atomic in shared memory.
 *
 * An id is the milliseconds since 2024-01-01 in its upper bits and a counter in its lower 20.
 * The atomic holds the last id given out; the next one is the larger of it plus one and the
 * present millisecond, so ids rise and never repeat while the server runs, even if the clock is
 * set back.  After a restart, a crash or a promotion they go on from the clock, and the counter
 * begins elsewhere: where the clock is behind what it was, ids do not rise until it has caught up,
 * but those of a millisecond that comes again lie apart from the first ones.  More than half a
 * million ids in a millisecond borrow from the next one.
 *
 * 43 bits of milliseconds last until the year 2302.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "id.h"

#define ID_COUNTER_BITS 20
#define ID_MANY_MAX (1 << ID_COUNTER_BITS)
#define ID_START_MAX (1 << (ID_COUNTER_BITS - 1))

/* 2024-01-01 00:00 UTC in PostgreSQL's microseconds since 2000-01-01: 8766 days. */
#define ID_EPOCH (INT64CONST(8766) * USECS_PER_DAY)

typedef struct Ids
{
	pg_atomic_uint64 last;
	uint64		start;			/* the counter's in each millisecond, until the next restart */
} Ids;

static Ids *ids = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
id_request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(sizeof(Ids));
}

static void
id_startup(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	ids = ShmemInitStruct("boxoffice ids", sizeof(Ids), &found);
	if (!found)
	{
		pg_atomic_init_u64(&ids->last, 0);
		ids->start = pg_prng_uint64(&pg_global_prng_state) % ID_START_MAX;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
id_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = id_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = id_startup;
}

int64
id_next_many(int count)
{
	uint64		floor;
	uint64		last;
	uint64		first;

	Assert(count >= 1 && count <= ID_MANY_MAX);
	floor = (uint64) ((GetCurrentTimestamp() - ID_EPOCH) / 1000) << ID_COUNTER_BITS;
	floor += ids->start;
	last = pg_atomic_read_u64(&ids->last);
	do
	{
		first = Max(last + 1, floor);
	} while (!pg_atomic_compare_exchange_u64(&ids->last, &last, first + count - 1));
	Assert(first <= PG_INT64_MAX);
	return (int64) first;
}

int64
id_next(void)
{
	return id_next_many(1);
}

TimestampTz
id_time(int64 id)
{
	return ID_EPOCH + (id >> ID_COUNTER_BITS) * 1000;
}

/*
 * boxoffice_code.new_id() RETURNS bigint
 */
PG_FUNCTION_INFO_V1(boxoffice_new_id);
Datum
boxoffice_new_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(id_next());
}

/*
 * boxoffice.c
 *		Loads the library: each file that needs shared memory, a setting or a
 *		worker says so in its own <file>_init(), called here.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "boxoffice.h"
#include "clock.h"
#include "commit.h"
#include "debug.h"
#include "id.h"
#include "worker.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("boxoffice must be loaded at server start"),
				errhint("Add boxoffice to shared_preload_libraries and restart the server."));

	actor_init();
	worker_init();
	commit_init();
	id_init();
	clock_init();
	debug_init();

	/* a setting of ours that is misspelt is refused */
	MarkGUCPrefixReserved("boxoffice");
}

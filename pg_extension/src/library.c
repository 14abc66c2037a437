/*
 * library.c
 *		Tells sql/deploy which library the server runs, which is the one it was started with.
 */
#include "postgres.h"

#include "fmgr.h"

#include "library.h"

/*
 * boxoffice_code.library_version() RETURNS integer
 */
PG_FUNCTION_INFO_V1(library_version);
Datum
library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(LIBRARY_VERSION);
}

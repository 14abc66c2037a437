/*
 * dispatch.c
 *		boxoffice_code.dispatch(): one SQL call for a batch of requests.
 */
#include "postgres.h"

#include "fmgr.h"

#include "dispatch.h"

PG_FUNCTION_INFO_V1(dispatch);

MemoryContext call_context = NULL;

Datum
dispatch(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("dispatch is not there yet"));
}

/*
 * perform.c
 *		boxoffice_code.perform(): a core operation called from SQL, and refuse().
 */
#include "postgres.h"

#include "fmgr.h"

#include "dispatch.h"

PG_FUNCTION_INFO_V1(perform);
PG_FUNCTION_INFO_V1(refuse);

Datum
perform(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("perform is not there yet"));
}

Datum
refuse(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("refuse is not there yet"));
}

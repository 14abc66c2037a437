#include "postgres.h"

#ifndef STRINGINFO_SHIM_H
#define STRINGINFO_SHIM_H
typedef struct StringInfoData
{
	char	   *data;
	int			len;
	int			maxlen;
	int			cursor;
} StringInfoData;
typedef StringInfoData *StringInfo;
#endif

/*
 * export.c
 *		boxoffice_code.export_chunks(): the rows of a query as CSV or JSON Lines, in pieces.
 *
 * A cursor is run for some rows at a time, and a receiver writes each straight from the executor's
 * slot into the piece: no row is kept.  The number of rows is chosen so that a piece has about
 * CHUNK_BYTES, whatever their width.
 *
 * CSV is RFC 4180: a first row of names, CRLF, quotes where they are needed.  A text that a
 * spreadsheet would take for a formula (it begins with = + - @, a tab or a return) gets an
 * apostrophe before it, as OWASP advises: names are written by buyers, and read by organizers.
 * Numbers and times are not texts and stay as they are; NULL is empty.  In JSON Lines NULL is null,
 * and ids (columns id and …_id) are strings, as in every answer.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "call.h"

PG_FUNCTION_INFO_V1(export_chunks);

#define CHUNK_BYTES (64 * 1024)
#define ROWS_FIRST 100
#define ROWS_MAX 4000
#define QUERY_ARGS 3

typedef enum CellKind
{
	CELL_ID,
	CELL_NUMBER,
	CELL_BOOL,
	CELL_TIME,
	CELL_TEXT
} CellKind;

typedef struct ExportColumn
{
	CellKind	kind;
	Oid			type;
	const char *name;
	const char *member;			/* "name": with what stands before it */
} ExportColumn;

typedef struct Export
{
	DestReceiver receiver;		/* first: it is one */
	Portal		portal;
	const char *zone;
	ExportColumn *columns;
	int			column_count;
	StringInfoData chunk;
	int64		rows;			/* to fetch next */
	bool		csv;
	bool		started;
	bool		done;
} Export;

/* ---------------------------------------------------------------- cells */

static void
append_integer(StringInfo out, int64 value)
{
	char		digits[MAXINT8LEN + 1];

	appendBinaryStringInfo(out, digits, pg_lltoa(value, digits));
}

/* Whether a spreadsheet would take it for a formula. */
static bool
is_formula(const char *text, int length)
{
	return length > 0 && strchr("=+-@\t\r", text[0]) != NULL;
}

static bool
needs_quotes(const char *text, int length)
{
	if (length > 0 && (text[0] == ' ' || text[length - 1] == ' '))
		return true;
	for (int i = 0; i < length; i++)
		if (text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r')
			return true;
	return false;
}

static void
append_csv_text(StringInfo out, const char *text, int length)
{
	bool		quoted = needs_quotes(text, length);

	if (quoted)
		appendStringInfoCharMacro(out, '"');
	if (is_formula(text, length))
		appendStringInfoCharMacro(out, '\'');
	if (!quoted)
	{
		appendBinaryStringInfo(out, text, length);
		return;
	}
	for (int i = 0; i < length; i++)
	{
		if (text[i] == '"')
			appendStringInfoCharMacro(out, '"');
		appendStringInfoCharMacro(out, text[i]);
	}
	appendStringInfoCharMacro(out, '"');
}

static void
append_json_text(StringInfo out, const char *text, int length)
{
	char	   *copy;

	for (int i = 0; i < length; i++)
		if (text[i] == '"' || text[i] == '\\' || (unsigned char) text[i] < ' ')
		{
			copy = pnstrdup(text, length);
			json_append_string(out, copy);
			pfree(copy);
			return;
		}
	appendStringInfoCharMacro(out, '"');
	appendBinaryStringInfo(out, text, length);
	appendStringInfoCharMacro(out, '"');
}

static void
append_text(Export *export, Datum value)
{
	text	   *given = DatumGetTextPP(value);

	if (export->csv)
		append_csv_text(&export->chunk, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	else
		append_json_text(&export->chunk, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	if ((Pointer) given != DatumGetPointer(value))
		pfree(given);
}

static int64
integer_of(const ExportColumn *column, Datum value)
{
	switch (column->type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

static void
append_cell(Export *export, const ExportColumn *column, Datum value)
{
	StringInfo	out = &export->chunk;

	switch (column->kind)
	{
		case CELL_ID:
			if (!export->csv)
			{
				json_append_id(out, DatumGetInt64(value));
				break;
			}
			/* FALLTHROUGH */
		case CELL_NUMBER:
			append_integer(out, integer_of(column, value));
			break;
		case CELL_BOOL:
			appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
			break;
		case CELL_TIME:
			json_append_time(out, DatumGetTimestampTz(value), export->zone);
			break;
		case CELL_TEXT:
			append_text(export, value);
			break;
	}
}

/* ---------------------------------------------------------------- rows */

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	Export	   *export = (Export *) self;
	StringInfo	out = &export->chunk;

	slot_getallattrs(slot);
	for (int i = 0; i < export->column_count; i++)
	{
		const ExportColumn *column = &export->columns[i];

		if (!export->csv)
			appendStringInfoString(out, column->member);
		else if (i > 0)
			appendStringInfoCharMacro(out, ',');
		if (!slot->tts_isnull[i])
			append_cell(export, column, slot->tts_values[i]);
		else if (!export->csv)
			appendStringInfoString(out, "null");
	}
	appendStringInfoString(out, export->csv ? "\r\n" : "}\n");
	return true;
}

static void
receive_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receive_nothing(DestReceiver *self)
{
}

static CellKind
kind_of(Oid type, const char *name)
{
	size_t		length = strlen(name);

	switch (type)
	{
		case INT8OID:
			if (strcmp(name, "id") == 0 || (length > 3 && strcmp(name + length - 3, "_id") == 0))
				return CELL_ID;
			return CELL_NUMBER;
		case INT2OID:
		case INT4OID:
			return CELL_NUMBER;
		case BOOLOID:
			return CELL_BOOL;
		case TIMESTAMPTZOID:
			return CELL_TIME;
		case TEXTOID:
			return CELL_TEXT;
		default:
			ereport(ERROR,
					errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column %s of an export has type %u, which it can't write", name, type));
	}
}

static void
describe(Export *export, TupleDesc desc)
{
	export->column_count = desc->natts;
	export->columns = palloc0_array(ExportColumn, desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		ExportColumn *column = &export->columns[i];

		column->type = TupleDescAttr(desc, i)->atttypid;
		column->name = pstrdup(NameStr(TupleDescAttr(desc, i)->attname));
		column->kind = kind_of(column->type, column->name);
		column->member = psprintf("%c\"%s\":", i == 0 ? '{' : ',', column->name);
	}
}

static void
append_names(Export *export)
{
	for (int i = 0; i < export->column_count; i++)
		appendStringInfo(&export->chunk, "%s%s", i > 0 ? "," : "", export->columns[i].name);
	appendStringInfoString(&export->chunk, "\r\n");
}

/* The next piece is in the chunk; false if there is none. */
static bool
fill_chunk(Export *export)
{
	uint64		got;

	resetStringInfo(&export->chunk);
	if (export->csv && !export->started)
		append_names(export);
	export->started = true;
	if (!export->done)
	{
		got = PortalRunFetch(export->portal, FETCH_FORWARD, export->rows, &export->receiver);
		export->done = got < export->rows;
		if (got > 0)
			export->rows = Min(Max(CHUNK_BYTES / Max(export->chunk.len / got, 1), 1), ROWS_MAX);
	}
	return export->chunk.len > 0;
}

/* ---------------------------------------------------------------- the function */

static Portal
open_query(FunctionCallInfo fcinfo)
{
	static Oid	types[QUERY_ARGS] = {INT8OID, INT8OID, TEXTOID};
	Datum		values[QUERY_ARGS];
	char		nulls[QUERY_ARGS];
	Portal		portal;

	for (int i = 0; i < QUERY_ARGS; i++)
	{
		values[i] = PG_GETARG_DATUM(2 + i);
		nulls[i] = PG_ARGISNULL(2 + i) ? 'n' : ' ';
	}
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, text_to_cstring(PG_GETARG_TEXT_PP(1)),
									   QUERY_ARGS, types, values, nulls, true, 0);
	SPI_finish();
	return portal;
}

static bool
is_csv(FunctionCallInfo fcinfo)
{
	char	   *format = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unknown format \"%s\"", format),
				errhint("There are csv and jsonl."));
	return strcmp(format, "csv") == 0;
}

static void
require_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(5))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("format, query and zone of an export must not be null"));
}

/* In the context that it is to live in. */
static Export *
export_begin(FunctionCallInfo fcinfo)
{
	Export	   *export = palloc0_object(Export);

	require_arguments(fcinfo);
	export->csv = is_csv(fcinfo);
	export->zone = text_to_cstring(PG_GETARG_TEXT_PP(5));
	export->rows = ROWS_FIRST;
	export->receiver.receiveSlot = receive_row;
	export->receiver.rStartup = receive_startup;
	export->receiver.rShutdown = receive_nothing;
	export->receiver.rDestroy = receive_nothing;
	export->receiver.mydest = DestNone;
	export->portal = open_query(fcinfo);
	describe(export, export->portal->tupDesc);
	initStringInfo(&export->chunk);
	enlargeStringInfo(&export->chunk, 2 * CHUNK_BYTES);
	return export;
}

/*
 * boxoffice_code.export_chunks(format text, query text, event bigint, session bigint, state text,
 *								zone text) RETURNS SETOF text
 */
Datum
export_chunks(PG_FUNCTION_ARGS)
{
	FuncCallContext *state;
	Export	   *export;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		state = SRF_FIRSTCALL_INIT();
		before = MemoryContextSwitchTo(state->multi_call_memory_ctx);
		state->user_fctx = export_begin(fcinfo);
		MemoryContextSwitchTo(before);
	}
	state = SRF_PERCALL_SETUP();
	export = state->user_fctx;
	if (!fill_chunk(export))
	{
		SPI_cursor_close(export->portal);
		SRF_RETURN_DONE(state);
	}
	SRF_RETURN_NEXT(state, PointerGetDatum(cstring_to_text_with_len(export->chunk.data,
																   export->chunk.len)));
}

/*
 * stats.c
 *		Counting codes, and adding up processes.
 */
#include <string.h>

#include "stats.h"

static CodeCount *
code_slot(Stats *stats, JsonText code)
{
	for (int i = 0; i < CODES_MAX - 1; i++)
	{
		CodeCount  *slot = &stats->codes[i];

		if (slot->count > 0 && json_is(code, slot->code))
			return slot;
		if (slot->count == 0 && code.len < CODE_SIZE)
		{
			memcpy(slot->code, code.data, code.len);
			slot->code[code.len] = '\0';
			return slot;
		}
	}
	memcpy(stats->codes[CODES_MAX - 1].code, "other", sizeof("other"));
	return &stats->codes[CODES_MAX - 1];
}

void
stats_code(Stats *stats, JsonText code)
{
	code_slot(stats, code)->count++;
}

static void
codes_merge(Stats *into, const Stats *from)
{
	for (int i = 0; i < CODES_MAX; i++)
	{
		const CodeCount *slot = &from->codes[i];

		if (slot->count > 0)
			code_slot(into, (JsonText) {slot->code, strlen(slot->code)})->count += slot->count;
	}
}

void
stats_merge(Stats *into, const Stats *from)
{
	for (int i = 0; i < STATUS_MAX; i++)
		into->status[i] += from->status[i];
	codes_merge(into, from);
	into->lost += from->lost;
	into->bad += from->bad;
	into->retries += from->retries;
	into->buyers += from->buyers;
	into->completed += from->completed;
	into->tickets += from->tickets;
	into->refused += from->refused;
	into->released += from->released;
	into->failed += from->failed;
	into->measured_ok += from->measured_ok;
	into->measured_answers += from->measured_answers;
	into->measured_completed += from->measured_completed;
	histogram_merge(&into->request, &from->request);
	histogram_merge(&into->buyer, &from->buyer);
}

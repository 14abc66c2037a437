/*
 * contract.c
 *		Looks an operation up in the contract's table.
 */
#include "postgres.h"

#include "contract.h"

/* The operation of that name, or NULL. The table is sorted by name. */
const Operation *
operation_find(const char *name)
{
	int			low = 0;
	int			high = operation_count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(name, operations[middle].name);

		if (order == 0)
			return &operations[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * code.h
 *		Order codes and ticket codes: what people read out and scanners read.
 *
 * Pure C: no PostgreSQL, no randomness of its own.  The caller brings random
 * bytes, so that a batch draws them at once and a test knows them.
 */
#ifndef BOXOFFICE_CODE_H
#define BOXOFFICE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_CODE_LENGTH 6			/* letters after the event's short code and a dash */
#define ORDER_CODE_RANDOM 4			/* random bytes that one draw uses up */
#define SHORT_CODE_LENGTH_MAX 8		/* an event's short code has 3 to 8 letters */
#define TICKET_CODE_LENGTH 16		/* 80 bits at five a letter */
#define TICKET_CODE_RANDOM 10
#define TICKET_CODE_MAX 250		/* bytes of one that came with an import */

extern bool order_code_make(const uint8_t random[ORDER_CODE_RANDOM],
							char code[ORDER_CODE_LENGTH + 1]);
extern bool order_code_offends(const char *code);
extern bool order_code_split(const char *full, char event[SHORT_CODE_LENGTH_MAX + 1],
							 char code[ORDER_CODE_LENGTH + 1]);
extern void ticket_code_make(const uint8_t random[TICKET_CODE_RANDOM],
							 char code[TICKET_CODE_LENGTH + 1]);

#endif							/* BOXOFFICE_CODE_H */

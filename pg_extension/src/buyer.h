/*
 * buyer.h
 *		Limits per buyer, counted in boxoffice.buyer.
 *
 *		buyers = inv->buyers;				made by inventory_begin
 *		buyer_add(buyers, key, type id or 0 for the event's own limit, limit);
 *		buyer_lock(buyers);					rows in order of their key; reads what is taken
 *		buyer_room(…), buyer_take(…)		in memory
 *		inventory_write(inv);				writes them too, in one UPDATE
 *
 * A buyer key is "s:" and the token's subject at the hold, secret_buyer_key(email) at the order.
 */
#ifndef BOXOFFICE_BUYER_H
#define BOXOFFICE_BUYER_H

#include "postgres.h"

typedef struct Buyers Buyers;

#define BUYER_UNLIMITED 1000000000

extern Buyers *buyer_begin(int64 event_id);

/* "s:" and the subject, palloc'd; NULL for nobody. */
extern char *buyer_subject_key(const char *subject);

/*
 * Names a counter to lock.  A limit of 0 or less means none: the row is only needed to give back.
 */
extern void buyer_add(Buyers *buyers, const char *key, int64 ticket_type_id, int limit);

/* Makes the limited rows that are missing, locks all in order of (key, type), reads them. */
extern void buyer_lock(Buyers *buyers);

/* How many more this buyer may take; BUYER_UNLIMITED without a limit. */
extern int	buyer_room(Buyers *buyers, const char *key, int64 ticket_type_id);

/* Adds quantity (negative: gives back, never below zero). */
extern void buyer_take(Buyers *buyers, const char *key, int64 ticket_type_id, int quantity);

/* What was counted up to here, and the way back to it; between buyer_lock and buyer_write. */
typedef struct BuyersMark BuyersMark;

extern BuyersMark *buyer_mark(const Buyers *buyers);
extern void buyer_return(Buyers *buyers, const BuyersMark *mark);

/* Writes what changed in one UPDATE. */
extern void buyer_write(Buyers *buyers);

#endif							/* BOXOFFICE_BUYER_H */

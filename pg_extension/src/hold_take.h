/*
 * hold_take.h
 *		Gives places to holds, within the limits per buyer.
 *
 *		hold_take_foresee(inv, …); lapsed_look(inv);	before them: limits per buyer
 *		taker = hold_taker_begin(inv, offer);			under the locks
 *		hold_taker_want(taker, request, subject);		for each that may be granted
 *		hold_taker_ready(taker);						reads counters, takes back what is short
 *		hold_taker_take(taker, request, hold);			for each, in order of arrival
 */
#ifndef BOXOFFICE_HOLD_TAKE_H
#define BOXOFFICE_HOLD_TAKE_H

#include "hold.h"
#include "hold_request.h"
#include "inventory.h"
#include "offer.h"

typedef struct HoldTaker
{
	Inventory  *inv;
	Offer	   *offer;
	HoldRequest **requests;		/* wanted, in order of arrival */
	const char **subjects;		/* of each; NULL: nobody */
	int			count;
	int			max;
	Claim	   *claims;			/* new ones of all holds */
	int			claim_count;
	int			claim_max;
} HoldTaker;

/*
 * Tells what the request will want under the limits of the buyer with this key (NULL: nobody)
 * beside what his hold, or NULL, has.  Before inventory_lock.
 */
extern void hold_take_foresee(Inventory *inv, const Offer *offer, const HoldRequest *request,
							  const char *key, const Hold *had);

extern HoldTaker *hold_taker_begin(Inventory *inv, Offer *offer);

/* Notes a request whose lines, less what is kept, may be taken. */
extern void hold_taker_want(HoldTaker *taker, HoldRequest *request, const char *subject);

/* Loads stock and blocks, takes back what is short, locks and reads what buyers have. */
extern void hold_taker_ready(HoldTaker *taker);

/*
 * Takes what the lines want beside what is kept: all of it, or what there is if the request is
 * partial. Sets the hold's claims to the new ones, numbered from first_line, or refuses the call
 * and takes nothing.
 */
extern bool hold_taker_take(HoldTaker *taker, HoldRequest *request, Hold *hold, int first_line);

/* The session that is shortest of what a pass needs, as a fact after others; "" if it is none. */
extern const char *hold_shortage(Inventory *inv, const Offer *offer, const OfferType *type,
								 const OfferPlace *place);

#endif							/* BOXOFFICE_HOLD_TAKE_H */

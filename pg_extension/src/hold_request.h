/*
 * hold_request.h
 *		What a call wants held: read, resolved against the catalogue, and judged by its rules.
 */
#ifndef BOXOFFICE_HOLD_REQUEST_H
#define BOXOFFICE_HOLD_REQUEST_H

#include "call.h"
#include "claim.h"
#include "offer.h"

typedef struct HoldLine
{
	int			index;			/* of the item in the request, for pointers */
	int			type_ref;
	int			session_ref;	/* -1: names none */
	int64		block_id;		/* 0: none */
	OfferType  *type;			/* NULL: there is none of that name */
	OfferSession *session;		/* NULL: none of that name, or none named where it must be */
	const OfferPlace *place;	/* NULL unless both are there */
	int			quantity;		/* asked for */
	int			kept;			/* of that, what the hold has already */
	int			granted;		/* of that, what it is given beside */
	Claim	   *claim;			/* that it is given in */
	ErrorCode	missing;		/* why the rest is not granted */
} HoldLine;

typedef struct HoldRequest
{
	Call	   *call;
	HoldLine   *lines;
	int			line_count;
	int64		quantity;		/* of all lines */
	bool		partial;
	const char *channel;
} HoldRequest;

/* Reads the items, and notes what they name in the offer. */
extern void hold_request_read(HoldRequest *request, Call *call, Offer *offer);

/* After offer_resolve: finds types, sessions and places, and joins items that ask for the same. */
extern void hold_request_resolve(HoldRequest *request, Offer *offer);

/*
 * Refuses the call where the catalogue, a sale window or a limit per order forbids it.  What a
 * hold keeps already (kept) may stay when its sale is over.
 */
extern void hold_request_judge(HoldRequest *request, Offer *offer, TimestampTz now);

/*
 * Refuses a call that wants to sell from a block or in another channel than the web without being
 * of the organizer.
 */
extern void hold_request_authorise(HoldRequest *request, const Offer *offer);

/* "/items/3/quantity", palloc'd. */
extern char *hold_line_pointer(const HoldLine *line, const char *member);

#endif							/* BOXOFFICE_HOLD_REQUEST_H */

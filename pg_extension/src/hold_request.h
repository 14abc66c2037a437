/*
 * hold_request.h
 *		What a call wants held: read, resolved against the catalogue, and judged by its rules.
 */
#ifndef BOXOFFICE_HOLD_REQUEST_H
#define BOXOFFICE_HOLD_REQUEST_H

#include "call.h"
#include "claim.h"
#include "offer.h"

#define HOLD_PIECES_MAX 50000	/* of a hold: an order's answer lists a ticket for each */

/*
 * What one item asks for is a line, or a group of them: the item's own and, behind it, those of its
 * add-ons and of its bundle, with so many pieces for each piece of the first.
 */
typedef struct HoldLine
{
	int			index;			/* of the item in the request, for pointers */
	int			addon;			/* of the item's add-ons; -1: the item itself, or of its bundle */
	int			parts;			/* how many lines behind this one belong to it */
	int			each;			/* pieces for each of the group's first line; of that one, 1 */
	bool		child;			/* not the first of its group */
	bool		bundled;		/* comes with its parent and was not asked for */
	int			type_ref;
	int			session_ref;	/* -1: names none */
	int64		block_id;		/* 0: none */
	OfferType  *type;			/* NULL: there is none of that name */
	OfferSession *session;		/* NULL: of a pass, or none of that name, or none named */
	const OfferPlace *place;	/* NULL unless type and session are there */
	int64		price_given;	/* -1: none */
	int64		list_price;		/* what it costs when nobody names a price */
	int64		price;			/* of each new piece */
	int64		fee;
	int			quantity;		/* asked for */
	int			kept;			/* of that, what the hold has already */
	int			granted;		/* of that, what it is given beside */
	Claim	   *claim;			/* that it is given in, or of a change: that it has already */
	ErrorCode	missing;		/* why the rest is not granted */
} HoldLine;

typedef struct HoldRequest
{
	Call	   *call;
	HoldLine   *lines;
	int			line_count;
	int64		quantity;		/* of all lines that are no child's */
	int64		pieces;			/* of all lines */
	bool		partial;
	const char *channel;
} HoldRequest;

/* Reads the items, and notes what they name in the offer. */
extern void hold_request_read(HoldRequest *request, Call *call, Offer *offer);

/*
 * After offer_resolve: finds types, sessions, places and prices, adds what comes in bundles, and
 * joins items that ask for the same.
 */
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

/* The id of the line's session, 0 for a pass. */
extern int64 hold_line_session(const HoldLine *line);

/* "/items/3/quantity", or "/items/3/addons/0/quantity", palloc'd. */
extern char *hold_line_pointer(const HoldLine *line, const char *member);

/*
 * A bundle's price over its pieces: the first, which is the bundle itself, has what is left of the
 * shares, and what can't be divided goes by the largest remainder, earlier pieces first where it is
 * the same.
 */
typedef struct BundlePiece
{
	const OfferPart *part;		/* NULL: the first */
	int64		price;
	int64		remainder;
} BundlePiece;

/* How many pieces a bundle of the type has, itself among them; 0: it is no bundle. */
extern int	bundle_pieces(const OfferType *type);

/* The pieces of a bundle at this price; count is what bundle_pieces says. */
extern BundlePiece *bundle_share(const OfferType *type, int64 price, int count);

#endif							/* BOXOFFICE_HOLD_REQUEST_H */

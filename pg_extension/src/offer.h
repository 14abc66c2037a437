/*
 * offer.h
 *		What an event sells: as much of its catalogue as a batch of calls names.
 *
 *		offer = offer_load(event_id);					NULL: no such event
 *		ref = offer_name_type(offer, text, len);		… for all that the calls name
 *		offer_resolve(offer);							four statements, more for passes, parts
 *		type = offer_named_type(offer, ref);			NULL: no such type
 *		place = offer_place(offer, type, session);		what a sale takes from
 *
 * Nothing here grows with the size of the event, but for a pass of its sessions, which is bounded.
 */
#ifndef BOXOFFICE_OFFER_H
#define BOXOFFICE_OFFER_H

#include "call.h"

typedef enum EventStatus
{
	EVENT_DRAFT,
	EVENT_PUBLISHED,
	EVENT_PAUSED,
	EVENT_CANCELLED
} EventStatus;

/* A sale window; DT_NOBEGIN and DT_NOEND where it is open. */
typedef struct OfferWindow
{
	TimestampTz starts_at;
	TimestampTz ends_at;
} OfferWindow;

#define PLACE_ROWS_MAX 1000		/* stock rows that one claim may take, which bounds a pass */

/* Where a sale of a type in a session, or of a pass, takes from. */
typedef struct OfferPlace
{
	bool		known;			/* looked up already */
	bool		too_large;		/* a pass that would take more than it may */
	int64		group_id;
	int64	   *stock_ids;		/* ascending */
	int			stock_count;	/* 0: not sold there */
} OfferPlace;

/* A type that is sold with another: its add-on, or a part of its bundle. */
typedef struct OfferPart
{
	int64		parent_id;
	int64		type_id;
	bool		bundled;
	int			min;			/* of an add-on, for each of the parent's */
	int			max;			/* 0: none */
	int			quantity;		/* in a bundle */
	int			share_ppm;		/* of the bundle's price, all of them together */
} OfferPart;

typedef struct OfferType
{
	int64		id;
	char	   *key;
	char	   *name;
	bool		paused;
	bool		retired;
	int64		price;
	bool		free_price;		/* the buyer names it, from price to price_max */
	int64		price_max;
	int64		fee;
	bool		all_sessions;
	bool		pass;			/* admits to all its sessions: none is named */
	bool		pass_of_sessions;	/* a pass that takes a place in each, not of the event only */
	bool		sold_alone;
	OfferPart  *parts;			/* ascending; read where something is sold */
	int			part_count;
	bool		has_parts;
	OfferWindow window;
	int			min_per_order;
	int			max_per_order;	/* 0: none */
	int			buyer_limit;	/* 0: none */
	int64	   *pool_ids;
	int			pool_count;
	OfferPlace *places;			/* by the session's index, one of a pass; made when asked for */
} OfferType;

typedef struct OfferSession
{
	int64		id;
	char	   *key;
	bool		paused;
	bool		cancelled;
	OfferWindow window;			/* its end is also the close before or after the start */
} OfferSession;

typedef struct Offer
{
	int64		event_id;
	int64		organizer_id;
	EventStatus status;
	bool		test;
	char	   *currency;
	char	   *zone;
	OfferWindow window;
	int			max_per_order;	/* 0: none */
	int			buyer_limit;	/* 0: none */
	int64		hold_ttl_ms;
	int64		hold_extend_max_ms;
	int64		version;
	struct OfferNames *type_names;
	struct OfferNames *session_names;
	OfferType  *types;			/* ascending by id */
	int			type_count;
	OfferSession *sessions;		/* ascending by id */
	int			session_count;
	bool		only_wanted;	/* somebody named no session */
	bool		sells;			/* something is sold: not only what is stored is looked up */
	bool		sessions_cut;	/* there were more sessions of passes than may be read */
	OfferSession *only;			/* the event's one session, NULL if it has several */
	struct OfferStock *stocks;
	int			stock_count;
	struct OfferPair *pairs;
	int			pair_count;
	struct OfferPrice *prices;
	int			price_count;
} Offer;

extern Offer *offer_load(int64 event_id);

/* Whether the event was changed since offer_load.  Ask under the locks. */
extern bool offer_is_current(const Offer *offer);

/* Note a key or an id in a request; returns what to look it up with. */
extern int	offer_name_type(Offer *offer, const char *text, int len);
extern int	offer_name_session(Offer *offer, const char *text, int len);

/* Note that a request names no session. */
extern void offer_want_only_session(Offer *offer);

/* Note that what is named by its id is sold as well: prices and parts are looked up. */
extern void offer_sell(Offer *offer);

/* Note ids that are stored; 0 is passed over. */
extern void offer_add_ids(Offer *offer, int64 ticket_type_id, int64 session_id);

/* Reads all that was noted. */
extern void offer_resolve(Offer *offer);

extern OfferType *offer_named_type(Offer *offer, int ref);
extern OfferSession *offer_named_session(Offer *offer, int ref);
extern OfferType *offer_type(const Offer *offer, int64 id);
extern OfferSession *offer_session(const Offer *offer, int64 id);

/* What a type costs, without its fee: in a session (NULL: a pass), or as it does in general. */
extern int64 offer_price(const Offer *offer, const OfferType *type, const OfferSession *session);

/*
 * Never NULL; stock_count is 0 where the type isn't sold in that session.  A pass has the same
 * place whatever the session, which may be NULL.
 */
extern const OfferPlace *offer_place(Offer *offer, OfferType *type, const OfferSession *session);

/*
 * The next session in which a pass takes a place, after the one with this index (-1: the first);
 * -1 if there is none.
 */
extern int	offer_pass_session(const Offer *offer, const OfferType *type, int index);

/* The session whose stock row this is; NULL if it is the event's. */
extern const OfferSession *offer_stock_session(const Offer *offer, int64 stock_id);

#endif							/* BOXOFFICE_OFFER_H */

/*
 * offer.h
 *		What an event sells: as much of its catalogue as a batch of calls names.
 *
 *		offer = offer_load(event_id);					NULL: no such event
 *		ref = offer_name_type(offer, text, len);		… for all that the calls name
 *		offer_resolve(offer);							four statements, whatever was named
 *		type = offer_named_type(offer, ref);			NULL: no such type
 *		place = offer_place(offer, type, session);		what a sale takes from
 *
 * Nothing here grows with the size of the event.
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

/* Where a sale of a type in a session takes from. */
typedef struct OfferPlace
{
	bool		known;			/* looked up already */
	int64		group_id;
	int64	   *stock_ids;		/* ascending */
	int			stock_count;	/* 0: not sold there */
} OfferPlace;

typedef struct OfferType
{
	int64		id;
	char	   *key;
	char	   *name;
	bool		paused;
	bool		retired;
	int64		price;
	int64		fee;
	bool		all_sessions;
	OfferWindow window;
	int			min_per_order;
	int			max_per_order;	/* 0: none */
	int			buyer_limit;	/* 0: none */
	int64	   *pool_ids;
	int			pool_count;
	OfferPlace *places;			/* by the session's index, made when first asked for */
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
	OfferSession *only;			/* the event's one session, NULL if it has several */
	struct OfferStock *stocks;
	int			stock_count;
	struct OfferPair *pairs;
	int			pair_count;
} Offer;

extern Offer *offer_load(int64 event_id);

/* Whether the event was changed since offer_load.  Ask under the locks. */
extern bool offer_is_current(const Offer *offer);

/* Note a key or an id in a request; returns what to look it up with. */
extern int	offer_name_type(Offer *offer, const char *text, int len);
extern int	offer_name_session(Offer *offer, const char *text, int len);

/* Note that a request names no session. */
extern void offer_want_only_session(Offer *offer);

/* Note ids that are stored; 0 is passed over. */
extern void offer_add_ids(Offer *offer, int64 ticket_type_id, int64 session_id);

/* Reads all that was noted. */
extern void offer_resolve(Offer *offer);

extern OfferType *offer_named_type(Offer *offer, int ref);
extern OfferSession *offer_named_session(Offer *offer, int ref);
extern OfferType *offer_type(const Offer *offer, int64 id);
extern OfferSession *offer_session(const Offer *offer, int64 id);

/* Never NULL; stock_count is 0 where the type isn't sold in that session. */
extern const OfferPlace *offer_place(Offer *offer, OfferType *type, const OfferSession *session);

#endif							/* BOXOFFICE_OFFER_H */

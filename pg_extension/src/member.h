/*
 * member.h
 *		What the core lets people of an organizer do.
 */
#ifndef BOXOFFICE_MEMBER_H
#define BOXOFFICE_MEMBER_H

#include "call.h"

typedef enum MemberRight
{
	MEMBER_SEES,				/* other people's holds and orders */
	MEMBER_SELLS,				/* from blocks, in other channels; pays and cancels orders */
	MEMBER_MANAGES				/* capacities and blocks */
} MemberRight;

/*
 * Whether the actor has the right at this organizer: as admin, by the token's org claim, or by a
 * row of boxoffice.member for the token's subject.
 */
extern bool member_may(const Actor *actor, int64 organizer_id, MemberRight right);

#endif							/* BOXOFFICE_MEMBER_H */

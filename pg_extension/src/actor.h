/*
 * actor.h
 *		Who the running call acts for.
 *
 * The dispatcher sets the actor for a call and takes it away again; it is a
 * variable of this backend, never a setting that anybody could set.  Outside
 * the dispatcher (a direct call in SQL) it derives from the session's login.
 */
#ifndef BOXOFFICE_ACTOR_H
#define BOXOFFICE_ACTOR_H

#include "call.h"

extern const Actor *actor_get(void);
extern void actor_set(const Actor *actor);
extern void actor_clear(void);

/* The actor that the dispatcher set, or NULL. */
extern const Actor *actor_current(void);

extern const char *actor_role_name(ActorRole role);
extern bool actor_role_parse(const char *name, ActorRole *role);

#endif							/* BOXOFFICE_ACTOR_H */

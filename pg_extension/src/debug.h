/*
 * debug.h
 *		Named points where a test can hold a transaction up, and a switch that takes the locks off.
 *
 * The switch is for controls: with it no statement of the core locks what it reads (query.c), and
 * no key is locked (replay.c).  What is written by compare-and-set or under a constraint stays as
 * it is, so a control shows the failure, or the second guard that stops it.
 *
 * Only in builds with -DBOXOFFICE_TEST or -DUSE_ASSERT_CHECKING; elsewhere they cost nothing and
 * can't be reached.  A test waits at the point "inventory_locked" like this: one session takes
 * pg_advisory_lock(hashtext('inventory_locked')), another runs into it, the first lets go.
 */
#ifndef BOXOFFICE_DEBUG_H
#define BOXOFFICE_DEBUG_H

#include "postgres.h"

#if defined(BOXOFFICE_TEST) || defined(USE_ASSERT_CHECKING)
#define BOXOFFICE_DEBUG 1
extern void debug_point(const char *name);
extern bool debug_skip_lock;	/* setting boxoffice.debug_skip_lock, superusers only */
extern int	debug_code_mask;	/* setting boxoffice.debug_code_mask */
extern int	debug_flush_ms;		/* setting boxoffice.debug_flush_ms; -1: never */
#else
#define debug_point(name) ((void) 0)
#define debug_skip_lock false
#define debug_code_mask (-1)
#define debug_flush_ms 0
#endif

/* Defines the settings, if there are any; called by _PG_init. */
extern void debug_init(void);

#endif							/* BOXOFFICE_DEBUG_H */

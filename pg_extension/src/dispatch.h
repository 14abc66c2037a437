/*
 * dispatch.h
 *		What the dispatcher offers to the files around it.
 */
#ifndef BOXOFFICE_DISPATCH_H
#define BOXOFFICE_DISPATCH_H

#include "call.h"
#include "contract.h"

/*
 * Where all of a batch lives: calls, replies, whatever a handler wants to keep
 * until the batch is answered.  It is the current context when a handler is
 * called, SPI is connected then, and replies are made in it whatever the
 * current context is.
 */
extern MemoryContext call_context;

#endif							/* BOXOFFICE_DISPATCH_H */

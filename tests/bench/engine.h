/*
 * engine.h
 *		One process of the generator: its connections and its event loop.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "bench.h"
#include "stats.h"
#include "token.h"

/*
 * Plays buyers on this process's share of the connections until count or time
 * is used up and no request is under way, or until the hard end.
 */
extern void engine_run(const Options *options, const TokenSet *tokens, Shared *shared, int process);

#endif							/* BENCH_ENGINE_H */

/*
 * report.h
 *		What a run comes to: a line while it runs, JSON at its end.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "bench.h"
#include "stats.h"

/* One line for a person, once a second. before is the last call's sum. */
extern void report_progress(const Stats *sum, const Stats *before, double seconds, double elapsed);

extern void report_json(FILE *to, const Options *options, const Stats *sum, double elapsed);

#endif							/* BENCH_REPORT_H */

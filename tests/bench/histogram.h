/*
 * histogram.h
 *		Latencies in microseconds, to within 1 % at any size.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7	/* 128 steps a power of two: 0.8 % */
#define HISTOGRAM_POWERS 30		/* up to 2^37 us; what is longer counts as that */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_POWERS + 1) << HISTOGRAM_SUB_BITS)

typedef struct Histogram
{
	int64_t		count;
	int64_t		sum_us;
	int64_t		max_us;
	int64_t		buckets[HISTOGRAM_BUCKETS];
} Histogram;

extern void histogram_add(Histogram *histogram, int64_t us);
extern void histogram_merge(Histogram *into, const Histogram *from);

/* What came after before was copied from now. */
extern void histogram_since(Histogram *since, const Histogram *now, const Histogram *before);

/* The latency that share (0 .. 1) of all do not exceed; 0 when there are none. */
extern int64_t histogram_quantile(const Histogram *histogram, double share);

#endif							/* BENCH_HISTOGRAM_H */

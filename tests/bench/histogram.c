/*
 * histogram.c
 *		A log-linear histogram: each power of two is cut into equal steps.
 */
#include "histogram.h"

static int
bucket_of(int64_t us)
{
	int			power;

	if (us < (1 << HISTOGRAM_SUB_BITS))
		return us < 0 ? 0 : (int) us;
	power = 63 - __builtin_clzll((uint64_t) us) - HISTOGRAM_SUB_BITS;
	if (power >= HISTOGRAM_POWERS)
		return HISTOGRAM_BUCKETS - 1;
	/* us >> power has its highest bit at HISTOGRAM_SUB_BITS */
	return (power << HISTOGRAM_SUB_BITS) + (int) (us >> power);
}

/* The largest value that falls into the bucket. */
static int64_t
bucket_top(int bucket)
{
	int			power;
	int64_t		step;

	if (bucket < (1 << HISTOGRAM_SUB_BITS))
		return bucket;
	power = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	step = bucket - ((int64_t) power << HISTOGRAM_SUB_BITS);
	return ((step + 1) << power) - 1;
}

void
histogram_add(Histogram *histogram, int64_t us)
{
	histogram->count++;
	histogram->sum_us += us;
	if (us > histogram->max_us)
		histogram->max_us = us;
	histogram->buckets[bucket_of(us)]++;
}

void
histogram_merge(Histogram *into, const Histogram *from)
{
	into->count += from->count;
	into->sum_us += from->sum_us;
	if (from->max_us > into->max_us)
		into->max_us = from->max_us;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

void
histogram_since(Histogram *since, const Histogram *now, const Histogram *before)
{
	since->count = now->count - before->count;
	since->sum_us = now->sum_us - before->sum_us;
	since->max_us = now->max_us;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		since->buckets[i] = now->buckets[i] - before->buckets[i];
}

int64_t
histogram_quantile(const Histogram *histogram, double share)
{
	int64_t		rank = (int64_t) (share * (double) histogram->count + 0.999999);
	int64_t		seen = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
	{
		seen += histogram->buckets[i];
		if (seen >= rank && seen > 0)
			return bucket_top(i) < histogram->max_us ? bucket_top(i) : histogram->max_us;
	}
	return 0;
}

/*
 * report.c
 *		Progress for people, results for programs.
 */
#include <inttypes.h>

#include "report.h"

static const char *const names[] = {"get", "hold", "purchase", "sellout", "onsale"};

void
report_progress(const Stats *sum, const Stats *before, double seconds, double elapsed)
{
	static Histogram last;

	histogram_since(&last, &sum->request, &before->request);
	printf("%6.1f s  sold %8" PRId64 "  %7.0f tickets/s  %7.0f requests/s  "
		   "p50 %6.1f ms  p99 %6.1f ms  refused %6" PRId64 "  retried %6" PRId64 "\n",
		   elapsed, sum->tickets,
		   (double) (sum->tickets - before->tickets) / seconds,
		   (double) (sum->measured_answers - before->measured_answers) / seconds,
		   (double) histogram_quantile(&last, 0.50) / 1000.0,
		   (double) histogram_quantile(&last, 0.99) / 1000.0,
		   sum->refused, sum->retries);
	fflush(stdout);
}

static void
json_latency(FILE *to, const char *name, const Histogram *histogram)
{
	fprintf(to, "  \"%s\": {\"count\": %" PRId64 ", \"mean_us\": %.0f, \"p50_us\": %" PRId64
			", \"p90_us\": %" PRId64 ", \"p99_us\": %" PRId64 ", \"p999_us\": %" PRId64
			", \"max_us\": %" PRId64 "},\n",
			name, histogram->count,
			histogram->count > 0 ? (double) histogram->sum_us / (double) histogram->count : 0.0,
			histogram_quantile(histogram, 0.50), histogram_quantile(histogram, 0.90),
			histogram_quantile(histogram, 0.99), histogram_quantile(histogram, 0.999),
			histogram->max_us);
}

static void
json_counts(FILE *to, const Stats *sum)
{
	const char *comma = "";

	fprintf(to, "  \"status\": {");
	for (int i = 0; i < STATUS_MAX; i++)
		if (sum->status[i] > 0)
		{
			fprintf(to, "%s\"%d\": %" PRId64, comma, i, sum->status[i]);
			comma = ", ";
		}
	fprintf(to, "},\n  \"codes\": {");
	comma = "";
	for (int i = 0; i < CODES_MAX; i++)
		if (sum->codes[i].count > 0)
		{
			fprintf(to, "%s\"%s\": %" PRId64, comma, sum->codes[i].code, sum->codes[i].count);
			comma = ", ";
		}
	fprintf(to, "},\n");
}

void
report_json(FILE *to, const Options *options, const Stats *sum, double elapsed)
{
	fprintf(to, "{\n  \"scenario\": \"%s\",\n  \"connections\": %d,\n  \"seconds\": %.3f,\n",
			names[options->scenario], options->connections, elapsed);
	fprintf(to, "  \"ok_per_s\": %.1f,\n  \"answers_per_s\": %.1f,\n  \"completed_per_s\": %.1f,\n",
			(double) sum->measured_ok / elapsed, (double) sum->measured_answers / elapsed,
			(double) sum->measured_completed / elapsed);
	json_latency(to, "request", &sum->request);
	json_latency(to, "buyer", &sum->buyer);
	json_counts(to, sum);
	fprintf(to, "  \"buyers\": %" PRId64 ", \"completed\": %" PRId64 ", \"tickets\": %" PRId64
			", \"refused\": %" PRId64 ", \"released\": %" PRId64 ", \"failed\": %" PRId64 ",\n",
			sum->buyers, sum->completed, sum->tickets, sum->refused, sum->released, sum->failed);
	fprintf(to, "  \"lost\": %" PRId64 ", \"bad\": %" PRId64 ", \"retries\": %" PRId64 "\n}\n",
			sum->lost, sum->bad, sum->retries);
}

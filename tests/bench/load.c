/*
 * load.c
 *		The load generator: reads its options, makes tokens, starts its
 *		processes, shows progress, prints the result. See README.md.
 *
 * Exit status: 0 done, 1 done but with answers that could not be read, 2 not
 * done.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"
#include "engine.h"
#include "report.h"

static const struct option long_options[] = {
	{"scenario", required_argument, NULL, 's'},
	{"port", required_argument, NULL, 'p'},
	{"connections", required_argument, NULL, 'c'},
	{"processes", required_argument, NULL, 'P'},
	{"count", required_argument, NULL, 'n'},
	{"seconds", required_argument, NULL, 't'},
	{"warmup", required_argument, NULL, 'w'},
	{"rate", required_argument, NULL, 'r'},
	{"path", required_argument, NULL, 'g'},
	{"event", required_argument, NULL, 'e'},
	{"type", required_argument, NULL, 'y'},
	{"session", required_argument, NULL, 'S'},
	{"sessions", required_argument, NULL, 'N'},
	{"per-session", required_argument, NULL, 'M'},
	{"quantity-max", required_argument, NULL, 'q'},
	{"release-percent", required_argument, NULL, 'R'},
	{"alg", required_argument, NULL, 'a'},
	{"key-file", required_argument, NULL, 'k'},
	{"kid", required_argument, NULL, 'i'},
	{"iss", required_argument, NULL, 'I'},
	{"aud", required_argument, NULL, 'A'},
	{"subjects", required_argument, NULL, 'u'},
	{"key-version", required_argument, NULL, 'K'},
	{"json", required_argument, NULL, 'j'},
	{"progress", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0}
};

void
die(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	fprintf(stderr, "load: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

void *
alloc_or_die(size_t count, size_t size)
{
	void	   *memory = calloc(count, size);

	if (memory == NULL)
		die("out of memory");
	return memory;
}

static int64_t
read_number(const char *name, const char *text, int64_t least, int64_t most)
{
	char	   *end;
	long long	number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < least || number > most)
		die("--%s takes a number from %lld to %lld, not \"%s\"", name, (long long) least,
			(long long) most, text);
	return number;
}

static double
read_real(const char *name, const char *text, double most)
{
	char	   *end;
	double		number = strtod(text, &end);

	if (end == text || *end != '\0' || !(number >= 0) || number > most)
		die("--%s takes a number from 0 to %g, not \"%s\"", name, most, text);
	return number;
}

static ScenarioKind
read_scenario(const char *text)
{
	static const char *const names[] = {"get", "hold", "purchase", "sellout", "onsale"};

	for (int i = 0; i < 5; i++)
		if (strcmp(text, names[i]) == 0)
			return (ScenarioKind) i;
	die("--scenario is get, hold, purchase, sellout or onsale, not \"%s\"", text);
}

/* Options that are numbers; false if the letter is none of them. */
static bool
read_number_option(Options *options, int letter, const char *name)
{
	switch (letter)
	{
		case 'p':
			options->port = (int) read_number(name, optarg, 1, 65535);
			return true;
		case 'c':
			options->connections = (int) read_number(name, optarg, 1, CONNECTIONS_MAX);
			return true;
		case 'P':
			options->processes = (int) read_number(name, optarg, 1, PROCESSES_MAX);
			return true;
		case 'n':
			options->count = read_number(name, optarg, 0, INT64_MAX / 2);
			return true;
		case 't':
			options->seconds = read_real(name, optarg, SECONDS_MAX);
			return true;
		case 'w':
			options->warmup = read_real(name, optarg, SECONDS_MAX);
			return true;
		case 'r':
			options->rate = read_real(name, optarg, 1e6);
			return true;
		case 'N':
			options->sessions = (int) read_number(name, optarg, 0, 1000000);
			return true;
		case 'M':
			options->per_session = (int) read_number(name, optarg, 1, INT32_MAX);
			return true;
		case 'q':
			options->quantity_max = (int) read_number(name, optarg, 1, 1000);
			return true;
		case 'R':
			options->release_percent = (int) read_number(name, optarg, 0, 100);
			return true;
		case 'u':
			options->subjects = read_number(name, optarg, 1, SUBJECTS_MAX);
			return true;
		case 'K':
			options->key_version = (int) read_number(name, optarg, 4, 7);
			return true;
		default:
			return false;
	}
}

static void
read_text_option(Options *options, int letter)
{
	switch (letter)
	{
		case 's':
			options->scenario = read_scenario(optarg);
			break;
		case 'g':
			options->path = optarg;
			break;
		case 'e':
			options->event = optarg;
			break;
		case 'y':
			options->type = optarg;
			break;
		case 'S':
			options->session = optarg;
			break;
		case 'a':
			options->alg = optarg;
			break;
		case 'k':
			options->key_file = optarg;
			break;
		case 'i':
			options->kid = optarg;
			break;
		case 'I':
			options->iss = optarg;
			break;
		case 'A':
			options->aud = optarg;
			break;
		case 'j':
			options->json_file = optarg;
			break;
		case 'v':
			options->progress = true;
			break;
		default:
			die("see README.md for the options");
	}
}

static void
check_options(const Options *options)
{
	if (options->port == 0)
		die("--port is missing");
	if (options->scenario == SCENARIO_GET && options->path == NULL)
		die("--scenario get needs --path");
	if (options->scenario != SCENARIO_GET && (options->event == NULL || options->type == NULL))
		die("this scenario needs --event and --type");
	if (options->key_version != 4 && options->key_version != 7)
		die("--key-version is 4 or 7");
	if (options->connections < options->processes)
		die("fewer connections than processes");
	if (options->alg == NULL)
		return;
	if (strcmp(options->alg, "HS256") != 0 && strcmp(options->alg, "ES256") != 0)
		die("--alg is HS256 or ES256");
	if (options->key_file == NULL || options->kid == NULL || options->iss == NULL ||
		options->aud == NULL)
		die("--alg needs --key-file, --kid, --iss and --aud");
}

static void
read_options(Options *options, int argc, char **argv)
{
	int			letter;
	int			index = 0;

	*options = (Options) {.scenario = SCENARIO_GET,.connections = 256,.processes = 1,.seconds = 5,
		.per_session = 1000,.quantity_max = 1,.subjects = 10000,.key_version = 7};
	if (getrandom(&options->nonce, sizeof(options->nonce), 0) != sizeof(options->nonce))
		die("no random bytes to be had");
	while ((letter = getopt_long(argc, argv, "", long_options, &index)) != -1)
		if (letter == '?' || !read_number_option(options, letter, long_options[index].name))
			read_text_option(options, letter);
	if (optind < argc)
		die("\"%s\" is no option", argv[optind]);
	check_options(options);
}

static void
sum_up(Stats *sum, const Shared *shared, int processes)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < processes; i++)
		stats_merge(sum, &shared->stats[i]);
}

static void
start_processes(const Options *options, const TokenSet *tokens, Shared *shared)
{
	/* time enough for each to open its connections */
	shared->begin_ns = now_ns() + 20 * NS_PER_MS + options->connections * 100 * NS_PER_US;
	for (int i = 0; i < options->processes; i++)
	{
		pid_t		pid = fork();

		if (pid < 0)
			die("cannot fork: %s", strerror(errno));
		if (pid == 0)
		{
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			engine_run(options, tokens, shared, i);
			_exit(0);
		}
	}
}

/* Waits for all processes, with a line a second if wanted; false if one of them failed. */
static bool
await_processes(const Options *options, const Shared *shared)
{
	static Stats sums[2];
	int			left = options->processes;
	int			round = 0;
	bool		good = true;
	int64_t		line_ns = shared->begin_ns + NS_PER_S;

	while (left > 0)
	{
		int			status;
		pid_t		pid = waitpid(-1, &status, options->progress ? WNOHANG : 0);

		if (pid > 0)
		{
			left--;
			good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
			continue;
		}
		usleep(20000);
		if (now_ns() < line_ns)
			continue;
		round ^= 1;
		sum_up(&sums[round], shared, options->processes);
		report_progress(&sums[round], &sums[round ^ 1], 1.0,
						(double) (line_ns - shared->begin_ns) / 1e9);
		line_ns += NS_PER_S;
	}
	return good;
}

/* How long was measured: the time asked for, or less if the count was used up first. */
static double
measured_seconds(const Options *options, const Shared *shared)
{
	double		elapsed = (double) (now_ns() - shared->begin_ns) / 1e9 - options->warmup;

	if (elapsed > options->seconds)
		elapsed = options->seconds;
	return elapsed > 0.001 ? elapsed : 0.001;
}

int
main(int argc, char **argv)
{
	Options		options;
	TokenSet	tokens = {0};
	static Stats sum;
	Shared	   *shared;
	FILE	   *json = stdout;
	double		elapsed;
	size_t		size;

	read_options(&options, argc, argv);
	if (options.alg != NULL)
		token_set_make(&tokens, &options);
	size = sizeof(Shared) + sizeof(Stats) * (size_t) options.processes;
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("no shared memory: %s", strerror(errno));
	start_processes(&options, &tokens, shared);
	if (!await_processes(&options, shared))
		return 2;
	elapsed = measured_seconds(&options, shared);
	sum_up(&sum, shared, options.processes);
	if (options.json_file != NULL && (json = fopen(options.json_file, "w")) == NULL)
		die("cannot write %s: %s", options.json_file, strerror(errno));
	report_json(json, &options, &sum, elapsed);
	if (fclose(json) != 0)
		die("cannot write the result: %s", strerror(errno));
	return sum.bad > 0 ? 1 : 0;
}

/*
 * engine.c
 *		An epoll loop that keeps each connection busy with one buyer at a time.
 *
 * Closed loop: a connection that is done with a buyer takes the next at once.
 * Open loop (--rate): buyer k is due at begin + k / rate whether or not the
 * server keeps up; one that finds no free connection waits for one, and its
 * latency counts from when it was due. So a server that stalls is charged for
 * everybody who would have come meanwhile (no coordinated omission).
 *
 * A lost connection is made anew; what its buyer does then is the scenario's
 * business.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "engine.h"
#include "scenario.h"

#define EVENTS_MAX 512
#define DRAIN_NS (5 * NS_PER_S)		/* for what is under way when the time is over */
#define RECONNECT_NS (50 * NS_PER_MS)

typedef enum ConnState
{
	CONN_IDLE,
	CONN_BUSY,					/* a request is under way */
	CONN_WAITING				/* until wake_ns: to retry, or to connect again */
} ConnState;

typedef struct Conn
{
	Http		http;
	Buyer		buyer;
	ConnState	state;
	int64_t		buyer_ns;		/* when the buyer came, or should have */
	int64_t		sent_ns;		/* when the request was, or should have been, sent */
	int64_t		wake_ns;
	bool		has_buyer;
} Conn;

typedef struct Engine
{
	const Options *options;
	Shared	   *shared;
	Stats	   *stats;
	Scenario	scenario;
	int			epoll;
	Conn	   *conns;
	int			conn_count;
	Conn	  **idle;
	int			idle_count;
	int			waiting;
	int			busy;
	int64_t		measure_ns;		/* from here on is measured */
	int64_t		end_ns;			/* no new buyers from here on */
	int64_t		now;
	int64_t		issued;			/* open loop: buyers of this process so far */
	double		interval_ns;	/* open loop: between them; 0: closed loop */
} Engine;

/* Whether no buyer may begin any more. */
static bool
over(const Engine *engine)
{
	const Options *options = engine->options;
	Shared	   *shared = engine->shared;

	if (engine->now >= engine->end_ns)
		return true;
	if (options->scenario == SCENARIO_ONSALE &&
		__atomic_load_n(&shared->sold_out, __ATOMIC_RELAXED))
		return true;
	return options->count > 0 &&
		__atomic_load_n(&shared->next_buyer, __ATOMIC_RELAXED) >= options->count;
}

static int64_t
due_ns(const Engine *engine)
{
	return engine->shared->begin_ns +
		(int64_t) (engine->interval_ns * (double) engine->issued);
}

static bool
measured(const Engine *engine)
{
	return engine->now >= engine->measure_ns && engine->now < engine->end_ns;
}

static void
make_idle(Engine *engine, Conn *conn)
{
	conn->state = CONN_IDLE;
	conn->has_buyer = false;
	engine->idle[engine->idle_count++] = conn;
}

static void
make_waiting(Engine *engine, Conn *conn, int64_t for_ns)
{
	conn->state = CONN_WAITING;
	conn->wake_ns = engine->now + for_ns;
	engine->waiting++;
}

static void
watch(Engine *engine, Conn *conn, uint32_t events, int operation)
{
	struct epoll_event event = {.events = events,.data.ptr = conn};

	if (epoll_ctl(engine->epoll, operation, conn->http.fd, &event) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

static bool
open_connection(Engine *engine, Conn *conn)
{
	if (!http_connect(&conn->http, engine->options->port))
		return false;
	watch(engine, conn, EPOLLIN, EPOLL_CTL_ADD);
	return true;
}

/* The connection is gone; its buyer, if it has one, decides what that means. */
static void
lose(Engine *engine, Conn *conn)
{
	http_close(&conn->http);
	if (conn->state == CONN_IDLE)
		return;					/* connected again when it is needed */
	engine->busy--;
	conn->has_buyer = scenario_lost(&engine->scenario, &conn->buyer) == VERDICT_RETRY;
	make_waiting(engine, conn, conn->has_buyer ? engine->scenario.pause_ms * NS_PER_MS :
				 RECONNECT_NS);
}

static void
transmit(Engine *engine, Conn *conn)
{
	HttpResult	result;

	conn->state = CONN_BUSY;
	engine->busy++;
	if (conn->http.fd < 0 && !open_connection(engine, conn))
	{
		lose(engine, conn);
		return;
	}
	result = http_send(&conn->http);
	if (result == HTTP_MORE)
		watch(engine, conn, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	else if (result != HTTP_DONE)
		lose(engine, conn);
}

/* Gives the connection a new buyer, or makes it idle when none is due. */
static void
take_buyer(Engine *engine, Conn *conn)
{
	int64_t		number;
	int64_t		came_ns = engine->now;

	if (over(engine) || (engine->interval_ns > 0 && due_ns(engine) > engine->now))
	{
		make_idle(engine, conn);
		return;
	}
	number = __atomic_fetch_add(&engine->shared->next_buyer, 1, __ATOMIC_RELAXED);
	if (engine->options->count > 0 && number >= engine->options->count)
	{
		make_idle(engine, conn);
		return;
	}
	if (engine->interval_ns > 0)
	{
		came_ns = due_ns(engine);
		engine->issued++;
	}
	conn->has_buyer = true;
	conn->buyer_ns = came_ns;
	conn->sent_ns = came_ns;
	scenario_begin(&engine->scenario, &conn->buyer, number, &conn->http);
	transmit(engine, conn);
}

static void
record(Engine *engine, const Conn *conn, const Answer *answer)
{
	if (!measured(engine))
		return;
	engine->stats->measured_answers++;
	if (answer->status >= 200 && answer->status < 300)
		engine->stats->measured_ok++;
	histogram_add(&engine->stats->request, (engine->now - conn->sent_ns) / NS_PER_US);
}

static void
finish(Engine *engine, Conn *conn, int64_t completed_before)
{
	if (engine->stats->completed > completed_before && measured(engine))
	{
		engine->stats->measured_completed++;
		histogram_add(&engine->stats->buyer, (engine->now - conn->buyer_ns) / NS_PER_US);
	}
	take_buyer(engine, conn);
}

static void
answered(Engine *engine, Conn *conn, const Answer *answer)
{
	int64_t		completed_before = engine->stats->completed;
	Verdict		verdict;

	engine->busy--;
	record(engine, conn, answer);
	verdict = scenario_judge(&engine->scenario, &conn->buyer, answer, &conn->http);
	if (answer->closes)
		http_close(&conn->http);
	switch (verdict)
	{
		case VERDICT_NEXT:
			conn->sent_ns = engine->now;
			transmit(engine, conn);
			break;
		case VERDICT_RETRY:
			make_waiting(engine, conn, engine->scenario.pause_ms * NS_PER_MS);
			break;
		case VERDICT_OVER:
			finish(engine, conn, completed_before);
			break;
	}
}

static void
unexpected(Engine *engine, Conn *conn)
{
	engine->stats->bad++;
	if (conn->state == CONN_WAITING)
		http_close(&conn->http);
	else
		lose(engine, conn);
}

static void
ready(Engine *engine, Conn *conn, uint32_t events)
{
	Answer		answer;

	if (conn->http.fd < 0)
		return;					/* closed earlier in this round */
	engine->now = now_ns();
	if (events & EPOLLOUT)
	{
		HttpResult	result = http_send(&conn->http);

		if (result == HTTP_DONE)
			watch(engine, conn, EPOLLIN, EPOLL_CTL_MOD);
		else if (result != HTTP_MORE)
		{
			lose(engine, conn);
			return;
		}
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	switch (http_receive(&conn->http, &answer))
	{
		case HTTP_DONE:
			if (conn->state == CONN_BUSY)
				answered(engine, conn, &answer);
			else
				unexpected(engine, conn);
			break;
		case HTTP_MORE:
			break;
		case HTTP_LOST:
			if (conn->state == CONN_WAITING)
				http_close(&conn->http);
			else
				lose(engine, conn);
			break;
		case HTTP_BAD:
			unexpected(engine, conn);
			break;
	}
}

static void
wake(Engine *engine)
{
	for (int i = 0; i < engine->conn_count && engine->waiting > 0; i++)
	{
		Conn	   *conn = &engine->conns[i];

		if (conn->state != CONN_WAITING || conn->wake_ns > engine->now)
			continue;
		engine->waiting--;
		if (!conn->has_buyer)
		{
			take_buyer(engine, conn);
			continue;
		}
		scenario_again(&engine->scenario, &conn->buyer, &conn->http);
		conn->sent_ns = engine->now;
		transmit(engine, conn);
	}
}

/* Gives the buyers that have come due to idle connections. */
static void
issue_due(Engine *engine)
{
	while (engine->idle_count > 0 && !over(engine))
	{
		if (engine->interval_ns > 0 && due_ns(engine) > engine->now)
			break;
		take_buyer(engine, engine->idle[--engine->idle_count]);
	}
}

static void
sleep_until_something(Engine *engine)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t		wait_ns = engine->waiting > 0 ? 5 * NS_PER_MS : 50 * NS_PER_MS;
	struct timespec wait;
	int			count;

	if (engine->interval_ns > 0 && engine->idle_count > 0 && due_ns(engine) - engine->now < wait_ns)
		wait_ns = due_ns(engine) > engine->now ? due_ns(engine) - engine->now : 0;
	wait.tv_sec = 0;
	wait.tv_nsec = wait_ns;
	count = epoll_pwait2(engine->epoll, events, EVENTS_MAX, &wait, NULL);
	if (count < 0 && errno != EINTR)
		die("epoll_pwait2: %s", strerror(errno));
	for (int i = 0; i < count; i++)
		ready(engine, events[i].data.ptr, events[i].events);
}

static void
engine_open(Engine *engine, int process)
{
	const Options *options = engine->options;

	engine->conn_count = options->connections / options->processes +
		(process < options->connections % options->processes);
	engine->conns = alloc_or_die((size_t) engine->conn_count, sizeof(Conn));
	engine->idle = alloc_or_die((size_t) engine->conn_count, sizeof(Conn *));
	engine->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < engine->conn_count; i++)
	{
		engine->conns[i].http.fd = -1;
		if (!open_connection(engine, &engine->conns[i]))
			die("cannot connect to 127.0.0.1:%d", options->port);
		make_idle(engine, &engine->conns[i]);
	}
}

void
engine_run(const Options *options, const TokenSet *tokens, Shared *shared, int process)
{
	Engine		engine = {.options = options,.shared = shared,.stats = &shared->stats[process]};

	engine.scenario = (Scenario) {options, tokens, engine.stats, shared,
		(uint32_t) (options->nonce ^ 2654435769u * (uint32_t) (process + 1)) | 1, 0};
	engine_open(&engine, process);
	engine.interval_ns = options->rate > 0 ? 1e9 * options->processes / options->rate : 0;
	engine.measure_ns = shared->begin_ns + (int64_t) (options->warmup * 1e9);
	engine.end_ns = engine.measure_ns + (int64_t) (options->seconds * 1e9);
	do
		engine.now = now_ns();
	while (engine.now < shared->begin_ns);
	do
	{
		issue_due(&engine);
		sleep_until_something(&engine);
		engine.now = now_ns();
		if (engine.waiting > 0)
			wake(&engine);
	} while (!over(&engine) || ((engine.busy > 0 || engine.waiting > 0) &&
								engine.now < engine.end_ns + DRAIN_NS));
}

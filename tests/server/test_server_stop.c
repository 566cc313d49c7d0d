/*
 * Signals that stop a program: rota/stop.h; and stops that drain listeners.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* A server with one listener, whose connections stay busy until they are
 * told otherwise. */
struct shop {
	struct rota_server server;
	struct rota_listener listener;
	struct server s;
	struct rota_stop stop;
	unsigned open;
	unsigned stopped; /* calls of on_stopped */
	unsigned signals; /* of on_signal */
	int ends_stop;    /* at the second one */
	int is_busy;
	int refused; /* the last error of rota_connection_start() */
	void (*act)(struct shop *shop); /* in the function of the listener */
	struct guest *last;
};

struct guest {
	struct rota_connection connection;
	struct rota_tcp tcp;
	struct shop *shop;
};

static void guest_closed(struct rota_handle *handle)
{
	struct guest *g = rota_container_of(handle, struct guest, tcp.handle);

	rota_connection_stop(&g->connection);
	g->shop->open--;
	test_free(g);
}

static void guest_read(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	struct guest *g = rota_container_of(stream, struct guest, tcp.stream);

	(void)buf;
	if (status < 0)
		(void)rota_connection_end(&g->connection);
}

static void admit(struct server *s, int status, int fd)
{
	struct shop *shop = rota_container_of(s, struct shop, s);
	struct guest *g;

	if (status < 0)
		return;
	g = test_calloc(1, sizeof(*g));
	g->shop = shop;
	assert_int_equal(rota_tcp_open(&g->tcp, s->f->loop, fd), 0);
	shop->refused = rota_connection_start(&g->connection, &shop->server,
					      &g->tcp.stream, guest_closed);
	if (shop->refused < 0) {
		assert_int_equal(rota_handle_close_now(&g->tcp.handle), 0);
		test_free(g);
		return;
	}
	shop->open++;
	shop->last = g;
	rota_connection_set_busy(&g->connection, shop->is_busy);
	assert_int_equal(rota_stream_read_start(&g->tcp.stream, guest_read), 0);
	if (shop->act != NULL)
		shop->act(shop);
}

static void shop_open(struct shop *shop, struct fixture *f,
		      const struct rota_server_options *options)
{
	*shop = (struct shop){ .is_busy = 1 };
	assert_int_equal(rota_server_init(&shop->server, f->loop, options), 0);
	server_open(&shop->s, f, 128);
	shop->s.act = admit;
	assert_int_equal(rota_listener_start(&shop->listener, &shop->server,
					     &shop->s.tcp.stream, NULL),
			 0);
}

static void count_stopped(struct rota_server *server)
{
	rota_container_of(server, struct shop, server)->stopped++;
	memset(server, '?', sizeof(*server)); /* it may be freed */
}

/* Called when the effect has begun. */
static void count_signal(struct rota_stop *stop, int number, unsigned times)
{
	struct shop *shop = rota_container_of(stop, struct shop, stop);

	assert_int_equal(times, ++shop->signals);
	assert_int_equal(number, rota_stop_number(stop));
	assert_true(rota_server_is_stopping(&shop->server));
	if (times < 2 || !shop->ends_stop)
		return;
	rota_stop_close(stop);
	memset(stop, '?', sizeof(*stop)); /* it may be freed */
}

static void watch_shop(struct shop *shop)
{
	struct rota_stop_options options;

	rota_stop_options_init(&options);
	options.on_stopped = count_stopped;
	options.on_signal = count_signal;
	assert_int_equal(rota_stop_server(&shop->stop, &shop->server, &options),
			 0);
}

static int is_default(int number)
{
	struct sigaction now;

	assert_int_equal(sigaction(number, NULL, &now), 0);
	return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

/* --- a server ------------------------------------------------------------- */

static void the_first_signal_stops_the_server(void **state)
{
	struct fixture *f = *state;
	struct shop shop;
	int fd;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	fd = raw_client(&shop.s.address);
	RUN_UNTIL(f, shop.open == 1);
	assert_int_equal(rota_stop_number(&shop.stop), 0);
	raise(SIGTERM);
	RUN_UNTIL(f, rota_server_is_stopping(&shop.server));
	assert_int_equal(rota_stop_number(&shop.stop), SIGTERM);
	assert_false(is_default(SIGINT));
	assert_int_equal(shop.open, 1); /* it is busy */
	assert_int_equal(shop.signals, 1);

	rota_connection_set_busy(&shop.last->connection, 0);
	raw_close(fd);
	/* The watchers do not keep the loop alive, and are closed. */
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(shop.stopped, 1);
	assert_int_equal(shop.open, 0);
	assert_true(is_default(SIGINT) && is_default(SIGTERM));
	rota_stop_close(&shop.stop);
}

static void run_second_signal(struct fixture *f, int ends_stop)
{
	struct shop shop;
	int fd;

	shop_open(&shop, f, NULL);
	shop.ends_stop = ends_stop;
	watch_shop(&shop);
	fd = raw_client(&shop.s.address);
	RUN_UNTIL(f, shop.open == 1);
	raise(SIGINT);
	RUN_UNTIL(f, rota_server_is_stopping(&shop.server));
	raise(SIGTERM);
	RUN_UNTIL(f, shop.stopped == 1);
	assert_int_equal(raw_end(fd), -ECONNRESET);
	raw_close(fd);
	assert_int_equal(shop.open, 0);
	assert_int_equal(shop.signals, 2);
	assert_true(is_default(SIGINT) && is_default(SIGTERM));
}

static void the_second_signal_resets_what_is_left(void **state)
{
	run_second_signal(*state, 0);
}

static void a_stop_may_be_closed_by_its_second_signal(void **state)
{
	run_second_signal(*state, 1);
}

static void a_burst_of_one_signal_is_not_the_second(void **state)
{
	struct fixture *f = *state;
	struct shop shop;
	int fd;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	fd = raw_client(&shop.s.address);
	RUN_UNTIL(f, shop.open == 1);
	for (int i = 0; i < 3; i++)
		raise(SIGINT);
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(shop.open, 1);
	assert_int_equal(shop.stopped, 0);
	raw_close(fd);
	RUN_UNTIL(f, shop.stopped == 1);
}

static void after_the_grace_the_rest_is_reset(void **state)
{
	struct fixture *f = *state;
	struct shop shop;
	int fd;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	fd = raw_client(&shop.s.address);
	RUN_UNTIL(f, shop.open == 1);
	raise(SIGINT);
	RUN_UNTIL(f, rota_server_is_stopping(&shop.server));
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(9)), 0);
	assert_int_equal(shop.open, 1);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(2)), 0);
	RUN_UNTIL(f, shop.stopped == 1);
	raw_close(fd);
}

static void a_close_leaves_the_stop_of_the_server(void **state)
{
	struct fixture *f = *state;
	struct shop shop;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	raise(SIGTERM);
	RUN_UNTIL(f, rota_server_is_stopping(&shop.server) || shop.stopped);
	rota_stop_close(&shop.stop);
	rota_stop_close(&shop.stop);
	memset(&shop.stop, '?', sizeof(shop.stop)); /* it may be freed */
	RUN_UNTIL(f, shop.stopped == 1);
	assert_true(is_default(SIGTERM));
}

static void a_stop_of_the_program_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct shop shop;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	assert_int_equal(
		rota_server_stop(&shop.server, UINT64_MAX, count_stopped), 0);
	raise(SIGTERM);
	RUN_UNTIL(f, shop.stopped == 1);
	rota_stop_close(&shop.stop); /* the server is gone */
	assert_true(is_default(SIGTERM));
}

static void a_shutdown_closes_the_watchers(void **state)
{
	struct fixture *f = *state;
	struct shop shop;

	shop_open(&shop, f, NULL);
	watch_shop(&shop);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_true(is_default(SIGINT) && is_default(SIGTERM));
	rota_stop_close(&shop.stop);
}

/* --- a callback ----------------------------------------------------------- */

static int numbers[8];
static unsigned calls, last_times;

static void note_stop(struct rota_stop *stop, int number, unsigned times)
{
	numbers[calls++] = number;
	last_times = times;
	if (times == 3) {
		rota_stop_close(stop);
		memset(stop, '?', sizeof(*stop));
	}
}

static void never(struct rota_timer *timer)
{
	(void)timer;
}

/* The watchers themselves do not. */
static void keep_alive(struct fixture *f, struct rota_timer *timer)
{
	rota_timer_init(timer, f->loop);
	assert_int_equal(rota_timer_start(timer, never, UINT64_MAX), 0);
}

static void a_callback_gets_the_count(void **state)
{
	static const int signals[] = { SIGUSR1, SIGHUP, SIGQUIT, SIGUSR2 };
	struct fixture *f = *state;
	struct rota_stop_options options;
	struct rota_stop stop = { 0 };
	struct rota_timer timer;

	calls = 0;
	keep_alive(f, &timer);
	rota_stop_options_init(&options);
	options.signals = signals;
	options.signal_count = 4;
	rota_stop_close(&stop);
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 0);
	raise(SIGHUP);
	RUN_UNTIL(f, calls == 1);
	assert_int_equal(last_times, 1);
	raise(SIGUSR2);
	RUN_UNTIL(f, calls == 2);
	assert_int_equal(last_times, 2);
	assert_int_equal(rota_stop_number(&stop), SIGUSR2);
	raise(SIGHUP);
	RUN_UNTIL(f, calls == 3);
	assert_int_equal(last_times, 3);
	assert_int_equal(numbers[0], SIGHUP);
	assert_int_equal(numbers[1], SIGUSR2);
	assert_true(is_default(SIGHUP) && is_default(SIGUSR1));
	rota_timer_stop(&timer);
}

static void what_is_invalid_is_refused(void **state)
{
	static const int bad[] = { SIGINT, SIGKILL };
	static const int repeated[] = { SIGINT, SIGTERM, SIGINT };
	static const int many[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
	struct fixture *f = *state;
	struct rota_stop_options options;
	struct rota_stop stop;

	assert_int_equal(rota_stop_start(&stop, f->loop, NULL, NULL),
			 ROTA_EINVAL);
	rota_stop_options_init(&options);
	options.signal_count = 0;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	options.signals = many;
	options.signal_count = 5;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	options.signals = NULL;
	options.signal_count = 1;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	options.signals = bad;
	options.signal_count = 2;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	options.signals = repeated;
	options.signal_count = 3;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	options.signal_count = 1;
	options.size = 8;
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, &options),
			 ROTA_EINVAL);
	assert_true(is_default(SIGINT) && is_default(SIGTERM));
	rota_stop_close(&stop);
}

static void a_start_that_fails_watches_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_stop stop;

	for (unsigned i = 1;; i++) {
		int error;

		fault_fail("sigaction", i, EAGAIN);
		error = rota_stop_start(&stop, f->loop, note_stop, NULL);
		if (fault_clear() == 0) {
			assert_int_equal(error, 0);
			break;
		}
		assert_int_equal(error, ROTA_EAGAIN);
		assert_true(is_default(SIGINT) && is_default(SIGTERM));
	}
	rota_stop_close(&stop);
	f->memory.fail_at = f->memory.calls + 1;
	if (rota_stop_start(&stop, f->loop, note_stop, NULL) == 0)
		rota_stop_close(&stop);
	f->memory.fail_at = 0;
}

static void a_child_leaves_the_watchers(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct rota_stop stop;
	pid_t child;

	calls = 0;
	keep_alive(f, &timer);
	assert_int_equal(rota_stop_start(&stop, f->loop, note_stop, NULL), 0);
	child = child_fork();
	if (child == 0) {
		struct rota_stop other;

		EXPECT(rota_stop_start(&other, f->loop, note_stop, NULL) ==
		       ROTA_ECHILD);
		rota_stop_close(&stop);
		EXPECT(rota_loop_fork(f->loop) == 0);
		raise(SIGTERM);
		for (int i = 0; i < 3; i++)
			(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		EXPECT(calls == 1 && numbers[0] == SIGTERM);
		rota_stop_close(&stop);
		child_ends();
	}
	expect_success(child);
	assert_int_equal(calls, 0);
	rota_stop_close(&stop);
	rota_timer_stop(&timer);
}

/* --- several loops -------------------------------------------------------- */

enum { MEMBERS = 2 };

static struct rota_stop loops_stop;
static struct rota_timer hold[MEMBERS];
static atomic_uint stops, tear_downs;

static int set_up_member(struct rota_loops *loops, unsigned index)
{
	return index > 0
		       ? 0
		       : rota_stop_loops(&loops_stop, rota_loops_get(loops, 0),
					 loops, NULL);
}

/* What is left never ends. */
static void stop_member(struct rota_loops *loops, unsigned index)
{
	rota_timer_init(&hold[index], rota_loops_get(loops, index));
	(void)rota_timer_start(&hold[index], never, UINT64_MAX);
	stops++;
}

static void tear_down_member(struct rota_loops *loops, unsigned index)
{
	(void)loops;
	(void)index;
	tear_downs++;
}

static struct rota_loops *start_members(void)
{
	struct rota_loops_options options;
	struct rota_loops *loops;

	stops = tear_downs = 0;
	rota_loops_options_init(&options);
	options.count = MEMBERS;
	options.set_up = set_up_member;
	options.stop = stop_member;
	options.tear_down = tear_down_member;
	assert_int_equal(rota_loops_start(&loops, &options), 0);
	return loops;
}

static void the_second_signal_ends_the_loops(void **state)
{
	struct rota_loops *loops = start_members();

	(void)state;
	kill(getpid(), SIGINT);
	while (stops < MEMBERS)
		usleep(1000);
	assert_int_equal(tear_downs, 0);
	assert_int_equal(rota_loops_stop(loops), ROTA_EALREADY);
	kill(getpid(), SIGINT);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(tear_downs, MEMBERS);
	assert_true(is_default(SIGINT) && is_default(SIGTERM));
}

static void loops_may_be_stopped_at_once(void **state)
{
	struct rota_loops *loops = start_members();

	(void)state;
	assert_int_equal(rota_loops_stop_now(loops), 0);
	assert_int_equal(rota_loops_stop_now(loops), ROTA_EALREADY);
	assert_int_equal(rota_loops_stop(loops), ROTA_EALREADY);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(stops, MEMBERS);
	assert_int_equal(tear_downs, MEMBERS);
}

static void stop_loops_in_a_child(void *arg)
{
	EXPECT(rota_loops_stop_now(arg) == ROTA_ECHILD);
}

static void a_child_does_not_stop_the_loops(void **state)
{
	struct rota_loops *loops = start_members();

	(void)state;
	in_a_child(stop_loops_in_a_child, loops);
	assert_int_equal(stops, 0);
	assert_int_equal(rota_loops_stop_now(loops), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
}

/* --- drained listeners ---------------------------------------------------- */

enum { QUEUED = 5 };

static struct rota_server_options draining(uint64_t drain)
{
	struct rota_server_options options;

	rota_server_options_init(&options);
	options.drain = drain;
	return options;
}

static void begin_stop(struct shop *shop)
{
	assert_int_equal(
		rota_server_stop(&shop->server, UINT64_MAX, count_stopped), 0);
}

/* Clients that connect after the events of a turn, and before the drain. */
struct late {
	struct rota_task task;
	struct shop *shop;
	int fds[QUEUED];
};

static void connect_late(struct rota_task *task)
{
	struct late *late = rota_container_of(task, struct late, task);

	raw_clients(late->fds, QUEUED, &late->shop->s.address);
}

static void stop_with_late(struct late *late, struct shop *shop)
{
	late->shop = shop;
	rota_task_init(&late->task, shop->s.f->loop);
	assert_int_equal(rota_task_post(&late->task, connect_late), 0);
	begin_stop(shop);
	turn(shop->s.f);
}

static void a_stop_drains_the_queue(void **state)
{
	struct rota_server_options options = draining(1000);
	struct fixture *f = *state;
	struct shop shop;
	int fds[QUEUED];

	shop_open(&shop, f, &options);
	raw_clients(fds, QUEUED, &shop.s.address);
	begin_stop(&shop);
	assert_true(rota_server_is_stopping(&shop.server));
	turn(f);
	turn(f);
	assert_int_equal(shop.open, QUEUED);
	assert_true(rota_handle_is_closing(&shop.s.tcp.handle));
	assert_int_equal(shop.stopped, 0);
	for (int i = 0; i < QUEUED; i++) {
		struct rota_connection *first =
			rota_server_next(&shop.server, NULL);

		rota_connection_set_busy(first, 0);
		raw_close(fds[i]);
		RUN_UNTIL(f, shop.open == (unsigned)(QUEUED - 1 - i));
	}
	RUN_UNTIL(f, shop.stopped == 1);
}

static void a_drain_is_limited(void **state)
{
	struct rota_server_options options = draining(2);
	struct fixture *f = *state;
	struct shop shop;
	int resets = 0;
	struct late late;

	shop_open(&shop, f, &options);
	shop.is_busy = 0;
	stop_with_late(&late, &shop);
	assert_true(rota_handle_is_closing(&shop.s.tcp.handle));
	assert_int_equal(shop.open, 2);
	for (int i = 0; i < 5; i++)
		turn(f); /* these are ended */
	for (int i = 0; i < QUEUED; i++)
		resets += raw_end(late.fds[i]) == -ECONNRESET;
	assert_int_equal(resets, QUEUED - 2);
	raw_close_all(late.fds, QUEUED);
	RUN_UNTIL(f, shop.stopped == 1);
}

static void a_full_server_drains_nothing(void **state)
{
	struct rota_server_options options = draining(1000);
	struct fixture *f = *state;
	struct shop shop;
	int fds[QUEUED], first;

	options.limit = 1;
	shop_open(&shop, f, &options);
	first = raw_client(&shop.s.address);
	RUN_UNTIL(f, shop.open == 1);
	raw_clients(fds, QUEUED, &shop.s.address);
	begin_stop(&shop);
	turn(f);
	assert_int_equal(shop.open, 1);
	assert_int_equal(shop.refused, 0);
	raw_close_all(fds, QUEUED);
	raw_close(first);
	RUN_UNTIL(f, shop.stopped == 1);
}

static void close_the_listener(struct shop *shop)
{
	rota_listener_stop(&shop->listener);
	assert_int_equal(rota_handle_close(&shop->s.tcp.handle, NULL), 0);
}

static void a_drained_listener_may_be_closed(void **state)
{
	struct rota_server_options options = draining(1000);
	struct fixture *f = *state;
	struct late late;
	struct shop shop;

	shop_open(&shop, f, &options);
	shop.act = close_the_listener;
	stop_with_late(&late, &shop);
	assert_int_equal(shop.open, 1);
	raw_close_all(late.fds, QUEUED);
	RUN_UNTIL(f, shop.stopped == 1);
}

static pid_t forked;

static void fork_in_the_drain(struct shop *shop)
{
	shop->act = NULL;
	forked = child_fork();
	if (forked > 0)
		expect_success(forked);
}

static void a_drain_may_fork(void **state)
{
	struct rota_server_options options = draining(1000);
	struct fixture *f = *state;
	struct late late;
	struct shop shop;

	shop_open(&shop, f, &options);
	shop.act = fork_in_the_drain;
	forked = -1;
	stop_with_late(&late, &shop);
	if (forked == 0) {
		/* Its drain goes on when the loop is rebuilt. */
		EXPECT(shop.open == 1);
		EXPECT(rota_loop_fork(f->loop) == 0);
		for (int i = 0; i < 3; i++)
			(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		EXPECT(rota_handle_is_closing(&shop.s.tcp.handle));
		EXPECT(shop.open == QUEUED);
		child_ends();
	}
	/* The queue is the same, and the child has emptied it. */
	assert_true(rota_handle_is_closing(&shop.s.tcp.handle));
	assert_int_equal(shop.open, 1);
	raw_close_all(late.fds, QUEUED);
	rota_server_reset(&shop.server);
	RUN_UNTIL(f, shop.stopped == 1);
}

/* --- a socket that workers share ------------------------------------------ */

static int accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	assert_int_not_equal(fd, -1);
	return fd;
}

/* The parent, or another worker, has the same socket: a stop of this one must
 * not affect it. */
static void a_stop_leaves_a_shared_socket(void **state)
{
	struct rota_server_options options = draining(1000);
	struct fixture *f = *state;
	struct shop shop;
	int shared, before, after, accepted;

	shop_open(&shop, f, &options);
	shared = fcntl(rota_stream_fd(&shop.s.tcp.stream), F_DUPFD_CLOEXEC, 0);
	assert_int_not_equal(shared, -1);
	before = raw_client(&shop.s.address);
	begin_stop(&shop);
	fault_count_reset();
	turn(f);
	turn(f);
	assert_int_equal(shop.open, 1); /* drained */
	assert_int_equal(fault_count("shutdown"), 0);

	after = raw_client(&shop.s.address);
	accepted = accept_one(shared);
	close(accepted);
	/* No event of the socket is left in the kernel: the loop sleeps. */
	accepted = raw_client(&shop.s.address);
	raw_close(before);
	RUN_UNTIL(f, shop.stopped == 1);
	raw_close(accepted);
	raw_close(after);
	close(shared);
}

/* A wait that reports nothing would be repeated without end. */
static void a_closed_listener_leaves_nothing_in_the_kernel(void **state)
{
	struct rota_stats before = { .size = sizeof(before) }, now = before;
	struct fixture *f = *state;
	struct server s;
	int shared, fd;

	server_open(&s, f, 8);
	shared = fcntl(rota_stream_fd(&s.tcp.stream), F_DUPFD_CLOEXEC, 0);
	assert_int_equal(rota_handle_close_now(&s.tcp.handle), 0);
	fd = raw_client(&s.address);
	turn(f);
	(void)rota_loop_stats(f->loop, &before);
	for (int i = 0; i < 3; i++)
		turn(f);
	(void)rota_loop_stats(f->loop, &now);
	assert_int_equal(now.events, before.events);
	raw_close(fd);
	close(shared);
}

static void stops_keep_to_their_budget(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct rota_stop), 1, 552);
	assert_in_range(sizeof(struct rota_server), 1, 312);
}

static void options_of_any_version_work(void **state)
{
	struct fixture *f = *state;
	struct {
		struct rota_stop_options options;
		char more[8];
	} grown = { .more = { 0 } };
	struct rota_server_options options = draining(7);
	struct rota_server server;
	struct rota_stop stop;

	/* A program that knows more, and sets it or not. */
	rota_stop_options_init_size(&grown.options, sizeof(grown));
	assert_int_equal(
		rota_stop_start(&stop, f->loop, note_stop, &grown.options), 0);
	rota_stop_close(&stop);
	grown.more[0] = 1;
	assert_int_equal(
		rota_stop_start(&stop, f->loop, note_stop, &grown.options),
		ROTA_EINVAL);

	/* And one from before the option drain. */
	options.size = offsetof(struct rota_server_options, drain);
	assert_int_equal(rota_server_init(&server, f->loop, &options), 0);
	options.size -= 8;
	assert_int_equal(rota_server_init(&server, f->loop, &options),
			 ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(the_first_signal_stops_the_server),
	VIRTUAL(the_second_signal_resets_what_is_left),
	VIRTUAL(a_stop_may_be_closed_by_its_second_signal),
	VIRTUAL(a_burst_of_one_signal_is_not_the_second),
	VIRTUAL(after_the_grace_the_rest_is_reset),
	VIRTUAL(a_close_leaves_the_stop_of_the_server),
	VIRTUAL(a_stop_of_the_program_is_left_alone),
	VIRTUAL(a_shutdown_closes_the_watchers),
	VIRTUAL(a_callback_gets_the_count),
	VIRTUAL(what_is_invalid_is_refused),
	VIRTUAL(a_start_that_fails_watches_nothing),
	VIRTUAL(a_child_leaves_the_watchers),
	REAL(the_second_signal_ends_the_loops),
	REAL(loops_may_be_stopped_at_once),
	REAL(a_child_does_not_stop_the_loops),
	VIRTUAL(a_stop_drains_the_queue),
	VIRTUAL(a_drain_is_limited),
	VIRTUAL(a_full_server_drains_nothing),
	VIRTUAL(a_drained_listener_may_be_closed),
	VIRTUAL(a_drain_may_fork),
	VIRTUAL(a_stop_leaves_a_shared_socket),
	VIRTUAL(a_closed_listener_leaves_nothing_in_the_kernel),
	VIRTUAL(stops_keep_to_their_budget),
	VIRTUAL(options_of_any_version_work),
};

FIXTURE_MAIN(tests)

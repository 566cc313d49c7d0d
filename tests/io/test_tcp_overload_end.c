/*
 * A listener that backs off because descriptors have run out (D3): how it is
 * closed, what its callback may do, and what else fails in a shortage. A storm
 * of clients runs in real time, and lasts ten seconds with ROTA_TEST_FULL=1.
 */
#include "support/fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* Closes. */

static void starved_server(struct fixture *f, struct server *s,
			   struct crowd *crowd)
{
	need_few_open();
	server_open(s, f, 64);
	crowd_open(crowd);
	starve();
	crowd_connect(crowd, 3, &s->address);
}

static unsigned closes;

static void count_close(struct rota_handle *handle)
{
	(void)handle;
	closes++;
}

/* O2, O3: closing the listener stops the timer of its back-off. */
static void a_listener_that_backs_off_can_be_closed(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	closes = 0;
	starved_server(f, &s, &crowd);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(rota_handle_close(&s.tcp.handle, count_close), 0);
	starve_no_more();
	run_to_the_end(f);
	assert_int_equal(closes, 1);
	crowd_close(&crowd);

	starved_server(f, &s, &crowd);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(rota_handle_close_now(&s.tcp.handle), 0);
	memset(&s.tcp, 0xa5, sizeof(s.tcp));
	assert_false(rota_loop_alive(f->loop));
	pass_seconds(f, 3);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	starve_no_more();
	crowd_close(&crowd);
}

static void close_when_told(struct server *s, int status, int fd)
{
	(void)fd;
	assert_int_equal(status, ROTA_EMFILE);
	assert_int_equal(rota_handle_close(&s->tcp.handle, count_close), 0);
}

static void close_now_when_told(struct server *s, int status, int fd)
{
	(void)fd;
	assert_int_equal(status, ROTA_EMFILE);
	assert_int_equal(rota_handle_close_now(&s->tcp.handle), 0);
	memset(&s->tcp, 0xa5, sizeof(s->tcp));
	closes++;
}

/* O4: in the callback that reports the shortage. */
static void a_listener_may_be_closed_when_it_says_so(void **state)
{
	static void (*const acts[])(struct server *, int,
				    int) = { close_when_told,
					     close_now_when_told };
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	for (unsigned i = 0; i < 2; i++) {
		closes = 0;
		starved_server(f, &s, &crowd);
		s.act = acts[i];

		PASS_UNTIL(f, closes > 0);

		assert_int_equal(s.failures, 1);
		assert_false(rota_loop_alive(f->loop));
		pass_seconds(f, 3);
		assert_int_equal(s.failures, 1);
		starve_no_more();
		crowd_close(&crowd);
	}
}

static void make_way(struct server *s, int status, int fd)
{
	if (status == 0)
		server_keep(s, fd);
	else
		starve_less(10);
}

/* A program that can free descriptors does so there. */
static void the_callback_may_free_descriptors(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	starved_server(f, &s, &crowd);
	s.act = make_way;
	PASS_UNTIL(f, s.failures > 0);
	crowd_connect(&crowd, 5, &s.address);

	PASS_UNTIL(f, s.accepted + shed_by(&s) == 8);

	assert_true(s.accepted >= 5);
	assert_int_equal(s.failures, 1);
	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

/* L1, L2: during a back-off it counts as listening. */
static void a_listener_that_backs_off_is_still_a_listener(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	starved_server(f, &s, &crowd);
	PASS_UNTIL(f, s.failures > 0);

	assert_true(rota_handle_is_active(&s.tcp.handle));
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 1); /* L6 */
	rota_handle_unref(&s.tcp.handle);
	assert_false(rota_loop_alive(f->loop));
	run_to_the_end(f);
	rota_handle_ref(&s.tcp.handle);
	starve_no_more();
	crowd_connect(&crowd, 1, &s.address);
	PASS_UNTIL(f, s.accepted > 0);
	crowd_close(&crowd);
	server_end(&s);
}

/* O5 */
static void a_shutdown_ends_a_listener_that_backs_off(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	starved_server(f, &s, &crowd);
	PASS_UNTIL(f, s.failures > 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	starve_no_more();
	crowd_close(&crowd);
}

/* Other calls in a shortage. */

/* F3, O7 */
static void what_needs_a_descriptor_says_that_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_address address;
	struct rota_loop *loop = NULL;
	struct attempt a = { 0 };
	struct rota_tcp tcp;
	struct server s;

	need_few_open();
	server_open(&s, f, 8);
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	loopback(&address, AF_INET, 0);
	starve();

	assert_int_equal(rota_loop_new(&loop, &options), ROTA_EMFILE);
	assert_null(loop);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(rota_tcp_bind(&tcp, &address, 0), ROTA_EMFILE);
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), ROTA_EMFILE);

	starve_no_more();
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
	server_end(&s);
}

/* A storm, in real time. */

enum { STORM_CLIENTS = 24 };

/* In a child: connect as fast as the listener closes the connections,
 * forever. */
static void storm(const struct rota_address *address)
{
	int fds[STORM_CLIENTS];
	char byte;

	alarm(60); /* even if the parent has gone */
	for (;;) {
		for (unsigned i = 0; i < STORM_CLIENTS; i++) {
			fds[i] = socket(AF_INET, SOCK_STREAM, 0);
			(void)connect(fds[i], &address->is.any,
				      (socklen_t)address->size);
		}
		for (unsigned i = 0; i < STORM_CLIENTS; i++) {
			(void)(read(fds[i], &byte, 1) + 1);
			close(fds[i]);
		}
	}
}

static void stop_run(struct rota_timer *timer)
{
	rota_loop_stop(timer->data);
}

static void run_for(struct fixture *f, uint64_t ns)
{
	struct rota_timer timer;

	rota_timer_init(&timer, f->loop);
	timer.data = f->loop;
	assert_int_equal(rota_timer_start(&timer, stop_run, ns), 0);
	assert_true(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) >= 0);
	rota_timer_stop(&timer);
}

static void close_it(struct server *s, int status, int fd)
{
	(void)s;
	if (status == 0)
		raw_close(fd);
}

/* D3: no busy-waiting. A loop that tried again and again would use all of the
 * processor time. */
static void a_storm_takes_little_of_the_processor(void **state)
{
	struct fixture *f = *state;
	uint64_t lasts = test_is_full() ? ROTA_SEC(10) : ROTA_MSEC(700);
	uint64_t began, used, allowed;
	pid_t child;
	struct server s;
	int status;

	need_few_open();
	server_open(&s, f, 128);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0)
		storm(&s.address);
	starve();
	run_for(f, ROTA_MSEC(20));

	began = cpu_now();
	run_for(f, lasts);
	used = cpu_now() - began;

	allowed = test_is_sanitized() ? lasts / 4 : lasts / 20;
	if (used >= allowed)
		fail_msg("%u us of %u us", (unsigned)(used / 1000),
			 (unsigned)(lasts / 1000));
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);
	RUN_UNTIL(f, shed_by(&s) > STORM_CLIENTS);
	starve_no_more();
	s.act = close_it;
	RUN_UNTIL(f, s.accepted > 0); /* by itself */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	IN_SHORTAGE(a_listener_that_backs_off_can_be_closed),
	IN_SHORTAGE(a_listener_may_be_closed_when_it_says_so),
	IN_SHORTAGE(the_callback_may_free_descriptors),
	IN_SHORTAGE(a_listener_that_backs_off_is_still_a_listener),
	IN_SHORTAGE(a_shutdown_ends_a_listener_that_backs_off),
	IN_SHORTAGE(what_needs_a_descriptor_says_that_there_is_none),
	IN_REAL_SHORTAGE(a_storm_takes_little_of_the_processor),
};

FIXTURE_MAIN(tests)

/*
 * A listener when descriptors or memory run out (D3): it says so once, ends at
 * once what it cannot take and counts it, backs off, and goes on by itself.
 *
 * Descriptors are made scarce by RLIMIT_NOFILE and copies of one: starve(). The
 * clients' sockets are there before that. Virtual time passes by hand, so that
 * the back-off costs no time; only the storm is in real time. It lasts ten
 * seconds with ROTA_TEST_FULL=1.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/streams_more.h"

/* --- a shortage ------------------------------------------------------------------- */

enum { MOST_COPIES = 512, TIGHT = 400 };

static struct rlimit limit_before;
static int copies[MOST_COPIES];
static unsigned copy_count;

static void set_limit(rlim_t count)
{
	struct rlimit limit = limit_before;

	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* From here on no descriptor is to be had. */
static void starve(void)
{
	int fd;

	set_limit(TIGHT);
	while ((fd = dup(STDIN_FILENO)) != -1) {
		assert_true(copy_count < MOST_COPIES);
		copies[copy_count++] = fd;
	}
	assert_int_equal(errno, EMFILE);
}

/* @count descriptors are to be had again. */
static void give(unsigned count)
{
	while (count-- > 0) {
		assert_true(copy_count > 0);
		raw_close(copies[--copy_count]);
	}
}

static void relieve(void)
{
	give(copy_count);
	set_limit(limit_before.rlim_cur);
}

static int begin_virtual(void **state)
{
	copy_count = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit_before) != 0)
		return -1;
	return fixture_begin_virtual(state);
}

static int begin_real(void **state)
{
	copy_count = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit_before) != 0)
		return -1;
	return fixture_begin_real(state);
}

/* Also after a test that failed. */
static int end(void **state)
{
	while (copy_count > 0)
		close(copies[--copy_count]);
	(void)setrlimit(RLIMIT_NOFILE, &limit_before);
	return fixture_end(state);
}

/* Sockets that are there before descriptors are short, to connect later. */
enum { CLIENTS = 40 };

struct crowd {
	int fds[CLIENTS];
	unsigned connected;
	unsigned ended; /* of these, from the first on */
};

static void crowd_open(struct crowd *crowd)
{
	memset(crowd, 0, sizeof(*crowd));
	for (unsigned i = 0; i < CLIENTS; i++) {
		crowd->fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_not_equal(crowd->fds[i], -1);
		assert_int_not_equal(fcntl(crowd->fds[i], F_SETFL, O_NONBLOCK),
				     -1);
	}
}

static void crowd_connect(struct crowd *crowd, unsigned count,
			  const struct rota_address *address)
{
	for (; count > 0; count--) {
		int fd = crowd->fds[crowd->connected++];
		int error =
			connect(fd, &address->is.any, (socklen_t)address->size);

		assert_true(error == 0 || errno == EINPROGRESS);
		await_room(fd);
	}
}

/* Those that have connected see their end. */
static void crowd_expect_ends(struct crowd *crowd, unsigned count)
{
	for (; count > 0; count--) {
		int status = raw_end(crowd->fds[crowd->ended++]);

		assert_true(status == 0 || status == -ECONNRESET);
	}
}

static void crowd_close(struct crowd *crowd)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		raw_close(crowd->fds[i]);
}

/* Make turns, and let virtual time pass, until @condition holds. */
#define PASS_UNTIL(f, condition)                                               \
	for (unsigned turns_ = 0; !(condition); turns_++)                      \
	pass(f, turns_)

static void pass(struct fixture *f, unsigned turns)
{
	assert_true(turns < 1000);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_MSEC(20)), 0);
	turn(f);
}

static void pass_seconds(struct fixture *f, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 50; i++)
		pass(f, 0);
}

static uint64_t shed_by(const struct server *s)
{
	return rota_stream_shed(&s->tcp.stream);
}

static void need_few_open(void)
{
	if (count_descriptors() > 250) {
		print_message("skip: too many descriptors are open\n");
		skip();
	}
}

/* --- tests ------------------------------------------------------------------------- */

/* D3, all of it. */
static void a_shortage_is_told_once_shed_counted_and_survived(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	crowd_open(&crowd);
	starve();
	crowd_connect(&crowd, 10, &s.address);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(s.status, ROTA_EMFILE);
	PASS_UNTIL(f, shed_by(&s) == 10);
	crowd_expect_ends(&crowd, 10);

	/* More of them, in the same episode. */
	crowd_connect(&crowd, 10, &s.address);
	PASS_UNTIL(f, shed_by(&s) == 20);
	crowd_expect_ends(&crowd, 10);
	pass_seconds(f, 10);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);

	/* It goes on by itself. */
	give(5);
	crowd_connect(&crowd, 3, &s.address);
	PASS_UNTIL(f, s.accepted == 3);
	raw_send(s.fds[0], "served", 6);
	await_bytes(crowd.fds[20], 6);
	assert_int_equal(shed_by(&s), 20);
	assert_int_equal(s.failures, 1);

	relieve();
	crowd_close(&crowd);
	server_end(&s);
}

/* D3: the next shortage is told again, and shed again. */
static void a_second_shortage_is_told_as_the_first(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	crowd_open(&crowd);
	for (unsigned i = 1; i <= 3; i++) {
		starve();
		crowd_connect(&crowd, 5, &s.address);
		PASS_UNTIL(f, shed_by(&s) == 5 * i);
		crowd_expect_ends(&crowd, 5);
		assert_int_equal(s.failures, i);
		relieve();
		crowd_connect(&crowd, 1, &s.address);
		PASS_UNTIL(f, s.accepted == i);
		crowd.ended++;
	}
	crowd_close(&crowd);
	server_end(&s);
}

/* D3: as many as are there are taken, and the rest is shed. */
static void what_descriptors_there_are_are_used_first(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	crowd_open(&crowd);
	starve();
	give(4);
	crowd_connect(&crowd, 10, &s.address);

	PASS_UNTIL(f, shed_by(&s) == 6);

	assert_int_equal(s.accepted, 4);
	assert_int_equal(s.failures, 1);
	relieve();
	crowd_close(&crowd);
	server_end(&s);
}

static void close_it(struct server *s, int status, int fd)
{
	(void)s;
	if (status == 0)
		raw_close(fd);
}

/* One descriptor is enough for any number that go at once. */
static void a_single_descriptor_serves_all_who_go_again(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	s.act = close_it;
	crowd_open(&crowd);
	starve();
	give(1);
	crowd_connect(&crowd, CLIENTS, &s.address);

	PASS_UNTIL(f, s.accepted == CLIENTS);

	assert_int_equal(s.failures, 0);
	assert_int_equal(shed_by(&s), 0);
	relieve();
	crowd_close(&crowd);
	server_end(&s);
}

/* The descriptor in reserve is the loop's: every listener may need it. */
static void two_listeners_in_need_are_told_and_shed_each(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd, other;
	struct server a, b;

	need_few_open();
	server_open(&a, f, 64);
	server_open(&b, f, 64);
	crowd_open(&crowd);
	crowd_open(&other);
	starve();
	crowd_connect(&crowd, 10, &a.address);
	crowd_connect(&other, 10, &b.address);

	PASS_UNTIL(f, shed_by(&a) == 10 && shed_by(&b) == 10);

	assert_int_equal(a.failures, 1);
	assert_int_equal(b.failures, 1);
	crowd_expect_ends(&crowd, 10);
	crowd_expect_ends(&other, 10);
	relieve();
	crowd_connect(&crowd, 1, &a.address);
	crowd_connect(&other, 1, &b.address);
	PASS_UNTIL(f, a.accepted == 1 && b.accepted == 1);
	crowd_close(&crowd);
	crowd_close(&other);
	server_end(&a);
	server_end(&b);
}

/* Even the descriptor in reserve is lost: its number lies above the limit, so
 * that it cannot be had again. Nothing can be shed then; but nothing spins, and
 * when the shortage is over all is as before. */
static void a_reserve_that_was_lost_is_found_again(void **state)
{
	struct fixture *f = *state;
	rlim_t few = (rlim_t)count_descriptors() / 2;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64); /* takes the reserve, above most others */
	crowd_open(&crowd);
	set_limit(few);
	crowd_connect(&crowd, 5, &s.address);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(s.status, ROTA_EMFILE);
	fault_count_reset();
	pass_seconds(f, 10);
	assert_in_range(fault_count("accept4"), 1, 100);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);

	set_limit(limit_before.rlim_cur);
	PASS_UNTIL(f, s.accepted + shed_by(&s) == 5);
	crowd.ended = 5;

	starve();
	crowd_connect(&crowd, 5, &s.address);
	PASS_UNTIL(f, s.failures == 2);
	pass_seconds(f, 3);
	assert_true(shed_by(&s) >= 5);
	crowd_expect_ends(&crowd, 5);
	relieve();
	crowd_close(&crowd);
	server_end(&s);
}

/* No descriptor is left for a reserve when it begins to listen. */
static void a_listener_may_begin_in_a_shortage(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;
	int status;

	need_few_open();
	server_bind(&s, f, AF_INET);
	crowd_open(&crowd);
	starve();
	status = rota_stream_listen(&s.tcp.stream, 64, server_called);
	assert_true(status == 0 || status == ROTA_EMFILE);
	if (status == 0) {
		crowd_connect(&crowd, 5, &s.address);
		PASS_UNTIL(f, s.failures > 0);
		pass_seconds(f, 5);
		assert_int_equal(s.failures, 1);
	}
	relieve();
	if (status < 0)
		assert_int_equal(
			rota_stream_listen(&s.tcp.stream, 64, server_called),
			0);
	crowd_connect(&crowd, 5, &s.address);

	PASS_UNTIL(f, s.accepted + shed_by(&s) >= 5);
	assert_true(s.accepted > 0);
	crowd_close(&crowd);
	server_end(&s);
}

static void expect_backs_off(struct fixture *f, int error)
{
	int client, late;
	struct server s;

	server_open(&s, f, 64);
	client = raw_client(&s.address);
	fault_fail_from("accept4", 1, error);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(s.status, -error);
	fault_count_reset();
	pass_seconds(f, 10);
	assert_in_range(fault_count("accept4"), 1, 100); /* no spin */
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);

	assert_true(fault_clear() > 0);
	late = raw_client(&s.address);
	PASS_UNTIL(f, s.accepted + shed_by(&s) == 2);
	assert_true(s.accepted >= 1);
	raw_close(client);
	raw_close(late);
	server_end(&s);
}

/* D3, for each of the four. */
static void whatever_has_run_out_is_told_once(void **state)
{
	expect_backs_off(*state, EMFILE);
	expect_backs_off(*state, ENFILE);
	expect_backs_off(*state, ENOMEM);
	expect_backs_off(*state, ENOBUFS);
}

/* --- ends ------------------------------------------------------------------------------ */

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

/* O2, O3: the timer of the back-off goes with its listener. */
static void a_listener_that_backs_off_can_be_closed(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	closes = 0;
	starved_server(f, &s, &crowd);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(rota_handle_close(&s.tcp.handle, count_close), 0);
	relieve();
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
	relieve();
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

/* O4: in the very callback that says so. */
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
		relieve();
		crowd_close(&crowd);
	}
}

static void make_way(struct server *s, int status, int fd)
{
	if (status == 0)
		server_keep(s, fd);
	else
		give(10);
}

/* A program that has something to let go of does it there. */
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
	relieve();
	crowd_close(&crowd);
	server_end(&s);
}

/* L1, L2: backing off is listening. */
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
	relieve();
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
	relieve();
	crowd_close(&crowd);
}

/* --- everything else in a shortage -------------------------------------------------------- */

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

	relieve();
	assert_int_equal(attempt_begin(&a, &tcp, &s.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
	server_end(&s);
}

/* --- a storm, in real time ------------------------------------------------------------------ */

enum { STORM_CLIENTS = 24 };

/* In a child: connect as fast as the listener ends it, for ever. */
static void storm(const struct rota_address *address)
{
	int fds[STORM_CLIENTS];
	char byte;

	alarm(60); /* whatever becomes of the parent */
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

/* D3: no spin. A loop that tried again and again would use all of the time. */
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
	assert_true(shed_by(&s) > STORM_CLIENTS);
	relieve();
	s.act = close_it;
	RUN_UNTIL(f, s.accepted > 0); /* by itself */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	server_end(&s);
}

#define IN_VIRTUAL_TIME(test)                                                  \
	cmocka_unit_test_setup_teardown(test, begin_virtual, end)
#define IN_REAL_TIME(test)                                                     \
	cmocka_unit_test_setup_teardown(test, begin_real, end)

static const struct CMUnitTest tests[] = {
	IN_VIRTUAL_TIME(a_shortage_is_told_once_shed_counted_and_survived),
	IN_VIRTUAL_TIME(a_second_shortage_is_told_as_the_first),
	IN_VIRTUAL_TIME(what_descriptors_there_are_are_used_first),
	IN_VIRTUAL_TIME(a_single_descriptor_serves_all_who_go_again),
	IN_VIRTUAL_TIME(two_listeners_in_need_are_told_and_shed_each),
	IN_VIRTUAL_TIME(a_reserve_that_was_lost_is_found_again),
	IN_VIRTUAL_TIME(a_listener_may_begin_in_a_shortage),
	IN_VIRTUAL_TIME(whatever_has_run_out_is_told_once),
	IN_VIRTUAL_TIME(a_listener_that_backs_off_can_be_closed),
	IN_VIRTUAL_TIME(a_listener_may_be_closed_when_it_says_so),
	IN_VIRTUAL_TIME(the_callback_may_free_descriptors),
	IN_VIRTUAL_TIME(a_listener_that_backs_off_is_still_a_listener),
	IN_VIRTUAL_TIME(a_shutdown_ends_a_listener_that_backs_off),
	IN_VIRTUAL_TIME(what_needs_a_descriptor_says_that_there_is_none),
	IN_REAL_TIME(a_storm_takes_little_of_the_processor),
};

FIXTURE_MAIN(tests)

/*
 * A listener when descriptors or memory run out (D3): it reports that once,
 * closes connections that it cannot accept and counts them, backs off, and
 * continues by itself. Closes meanwhile, and a storm, are tested in
 * test_tcp_overload_end.c.
 *
 * The tests advance virtual time, so the back-off takes no time.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* D3: all parts of the rule. */
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

	/* More connections in the same shortage. */
	crowd_connect(&crowd, 10, &s.address);
	PASS_UNTIL(f, shed_by(&s) == 20);
	crowd_expect_ends(&crowd, 10);
	pass_seconds(f, 10);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);

	/* It continues by itself. */
	starve_less(5);
	crowd_connect(&crowd, 3, &s.address);
	PASS_UNTIL(f, s.accepted == 3);
	raw_send(s.fds[0], "served", 6);
	await_bytes(crowd.fds[20], 6);
	assert_int_equal(shed_by(&s), 20);
	assert_int_equal(s.failures, 1);

	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

/* D3: the next shortage is reported and shed again. */
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
		starve_no_more();
		crowd_connect(&crowd, 1, &s.address);
		PASS_UNTIL(f, s.accepted == i);
		crowd.ended++;
	}
	crowd_close(&crowd);
	server_end(&s);
}

/* D3: as many connections as there are descriptors are accepted, and the rest
 * are shed. */
static void what_descriptors_there_are_are_used_first(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	crowd_open(&crowd);
	starve();
	starve_less(4);
	crowd_connect(&crowd, 10, &s.address);

	PASS_UNTIL(f, shed_by(&s) == 6);

	assert_int_equal(s.accepted, 4);
	assert_int_equal(s.failures, 1);
	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

static void close_it(struct server *s, int status, int fd)
{
	(void)s;
	if (status == 0)
		raw_close(fd);
}

/* One descriptor is enough for any number of connections that are closed at
 * once. */
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
	starve_less(1);
	crowd_connect(&crowd, CROWD, &s.address);

	PASS_UNTIL(f, s.accepted == CROWD);

	assert_int_equal(s.failures, 0);
	assert_int_equal(shed_by(&s), 0);
	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

/* The reserve descriptor belongs to the loop: every listener may need it. */
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
	starve_no_more();
	crowd_connect(&crowd, 1, &a.address);
	crowd_connect(&other, 1, &b.address);
	PASS_UNTIL(f, a.accepted == 1 && b.accepted == 1);
	crowd_close(&crowd);
	crowd_close(&other);
	server_end(&a);
	server_end(&b);
}

/* Even the reserve descriptor is lost: its number is above the limit, so it
 * cannot be opened again. Then nothing can be shed. But the loop does not
 * busy-wait, and after the shortage everything is as before. */
static void a_reserve_that_was_lost_is_found_again(void **state)
{
	struct fixture *f = *state;
	unsigned few = (unsigned)count_descriptors() / 2;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64); /* opens the reserve, above most others */
	crowd_open(&crowd);
	starve_at(few);
	crowd_connect(&crowd, 5, &s.address);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(s.status, ROTA_EMFILE);
	fault_count_reset();
	pass_seconds(f, 10);
	assert_in_range(fault_count("accept4"), 1, 100);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.accepted, 0);

	starve_no_more();
	PASS_UNTIL(f, s.accepted + shed_by(&s) == 5);
	crowd.ended = 5;

	starve();
	crowd_connect(&crowd, 5, &s.address);
	PASS_UNTIL(f, s.failures == 2);
	pass_seconds(f, 3);
	assert_true(shed_by(&s) >= 5);
	crowd_expect_ends(&crowd, 5);
	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

/* There is no descriptor for a reserve when it begins to listen. */
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
	starve_no_more();
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
	assert_in_range(fault_count("accept4"), 1, 100); /* no busy-waiting */
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

/* D3: for each of the four errors. */
static void whatever_has_run_out_is_told_once(void **state)
{
	expect_backs_off(*state, EMFILE);
	expect_backs_off(*state, ENFILE);
	expect_backs_off(*state, ENOMEM);
	expect_backs_off(*state, ENOBUFS);
}

/* D3: a connection that is accepted meanwhile, because one descriptor was
 * freed, does not end the shortage. */
static void a_shortage_that_goes_on_is_not_told_again(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	server_open(&s, f, 64);
	crowd_open(&crowd);
	starve();
	crowd_connect(&crowd, 3, &s.address);
	PASS_UNTIL(f, shed_by(&s) == 3);
	assert_int_equal(s.failures, 1);
	for (unsigned i = 1; i <= 5; i++) {
		starve_less(1);
		crowd_connect(&crowd, 3, &s.address);
		PASS_UNTIL(f, s.accepted == i && shed_by(&s) == 3 + 2 * i);
		pass_seconds(f, 3);
		assert_int_equal(s.failures, 1);
	}

	/* With enough descriptors it is over, and the next one is reported. */
	starve_less(5);
	crowd_connect(&crowd, 2, &s.address);
	PASS_UNTIL(f, s.accepted == 7);
	starve_less(1);
	starve();
	crowd_connect(&crowd, 3, &s.address);
	PASS_UNTIL(f, s.failures == 2);
	starve_no_more();
	crowd.ended = crowd.connected;
	crowd_close(&crowd);
	server_end(&s);
}

enum { PASSES = 12 };

/* When the listener tries, in milliseconds since its first try, while accept(2)
 * fails. */
static void note_passes(struct fixture *f, unsigned passes[PASSES])
{
	uint64_t from_ns = 0;

	for (unsigned n = 0; n < PASSES;) {
		fault_count_reset();
		turn(f);
		if (fault_count("accept4") > 0) {
			if (n == 0)
				from_ns = rota_loop_now(f->loop);
			passes[n++] =
				(unsigned)((rota_loop_now(f->loop) - from_ns) /
					   ROTA_MSEC(1));
		}
		assert_true(rota_loop_advance(f->loop, ROTA_MSEC(1)) >= 0);
	}
}

/* First 10 ms, then twice as long each time, up to a second. */
static void the_back_off_doubles_up_to_a_second(void **state)
{
	static const unsigned expected[PASSES] = {
		0, 10, 30, 70, 150, 310, 630, 1270, 2270, 3270, 4270, 5270,
	};
	struct fixture *f = *state;
	unsigned passes[PASSES];
	struct server s;
	int client;

	server_open(&s, f, 64);
	client = raw_client(&s.address);
	for (unsigned round = 0; round < 2; round++) {
		fault_fail_from("accept4", 1, EMFILE);
		note_passes(f, passes);
		assert_true(fault_clear() > 0);
		assert_memory_equal(passes, expected, sizeof(expected));
		assert_int_equal(s.failures, round + 1);

		/* Then it starts from the beginning. */
		PASS_UNTIL(f, s.accepted == round + 1);
		raw_close(client);
		client = raw_client(&s.address);
	}
	raw_close(client);
	server_end(&s);
}

/* The reserve needs no path: after chroot(2) there may be none. */
static void shedding_opens_no_file(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct server s;

	need_few_open();
	fault_fail_from("open", 1, ENOENT);
	server_open(&s, f, 64);
	crowd_open(&crowd);
	starve();
	crowd_connect(&crowd, 10, &s.address);

	PASS_UNTIL(f, shed_by(&s) == 10);

	assert_int_equal(fault_clear(), 0);
	crowd_expect_ends(&crowd, 10);
	assert_int_equal(s.failures, 1);
	starve_no_more();
	crowd_close(&crowd);
	server_end(&s);
}

static int can_change_root(const char *path)
{
	int status;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0)
		_exit(chroot(path) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct caged {
	struct server s;
	char path[32]; /* of an empty directory */
};

static void shed_in_a_cage(void *arg)
{
	struct caged *c = arg;
	struct rota_loop *loop = c->s.f->loop;

	EXPECT(chroot(c->path) == 0 && chdir("/") == 0);
	EXPECT(access("/dev/null", F_OK) == -1);
	EXPECT(rota_loop_fork(loop) == 0);
	starve();
	for (unsigned i = 0; i < 1000 && shed_by(&c->s) < 10; i++) {
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
		EXPECT(rota_loop_advance(loop, ROTA_MSEC(10)) >= 0);
	}
	EXPECT(shed_by(&c->s) == 10);
	EXPECT(c->s.failures == 1);
	EXPECT(c->s.accepted == 0);
}

static void shedding_works_behind_a_chroot(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd;
	struct caged c = { .path = "/tmp/rota-cage-XXXXXX" };

	need_few_open();
	assert_non_null(mkdtemp(c.path));
	if (!can_change_root(c.path)) {
		rmdir(c.path);
		print_message("skip: chroot(2) is not for this user\n");
		skip();
	}
	server_open(&c.s, f, 64);
	crowd_open(&crowd);
	crowd_connect(&crowd, 10, &c.s.address);

	in_a_child(shed_in_a_cage, &c);

	crowd_expect_ends(&crowd, 10);
	assert_int_equal(rmdir(c.path), 0);
	crowd_close(&crowd);
	server_end(&c.s);
}

static const struct CMUnitTest tests[] = {
	IN_SHORTAGE(a_shortage_that_goes_on_is_not_told_again),
	IN_SHORTAGE(the_back_off_doubles_up_to_a_second),
	IN_SHORTAGE(shedding_opens_no_file),
	IN_SHORTAGE(shedding_works_behind_a_chroot),
	IN_SHORTAGE(a_shortage_is_told_once_shed_counted_and_survived),
	IN_SHORTAGE(a_second_shortage_is_told_as_the_first),
	IN_SHORTAGE(what_descriptors_there_are_are_used_first),
	IN_SHORTAGE(a_single_descriptor_serves_all_who_go_again),
	IN_SHORTAGE(two_listeners_in_need_are_told_and_shed_each),
	IN_SHORTAGE(a_reserve_that_was_lost_is_found_again),
	IN_SHORTAGE(a_listener_may_begin_in_a_shortage),
	IN_SHORTAGE(whatever_has_run_out_is_told_once),
};

FIXTURE_MAIN(tests)

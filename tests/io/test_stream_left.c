/*
 * Streams whose files live on after they were closed, in a forked child or
 * under another number. The poller may still report such a file. The loop drops
 * the events (D1), and has the poller forget the file, so it sleeps (D2).
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* Open a connection that reads and is registered, and return a duplicate of
 * its descriptor. */
static int open_twice(struct connection *c, struct fixture *f)
{
	int duplicate;

	connection_open(c, f, NULL);
	duplicate = dup(c->fd);
	assert_int_not_equal(duplicate, -1);
	connection_read(c);
	turn(f);
	return duplicate;
}

static void close_stream(struct connection *c)
{
	assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
}

static void peer_writes(struct connection *c)
{
	raw_send(c->peer, "left", 4);
}

/* Fork a child that holds all descriptors until *@end is closed. */
static pid_t fork_holder(int *end)
{
	int fds[2];
	pid_t child;
	char byte;

	make_pipe(fds);
	child = child_fork();
	if (child == 0) {
		close(fds[1]);
		EXPECT(rota_wait_fd(fds[0], ROTA_READABLE, -1) > 0);
		EXPECT(read(fds[0], &byte, 1) == 0);
		child_ends();
	}
	close(fds[0]);
	*end = fds[1];
	return child;
}

/* D1, D2: the peer writes to the child's copy. */
static void a_file_that_a_child_holds_does_not_keep_the_loop_awake(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;
	uint64_t stale;
	pid_t child;
	int end;

	connection_open(&c, f, NULL);
	connection_open(&other, f, NULL);
	connection_read(&c);
	connection_read(&other);
	turn(f);
	child = fork_holder(&end);
	close_stream(&c);
	peer_writes(&c);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
	stale = stats_of(f->loop).stale;
	fault_count_reset();

	for (unsigned i = 0; i < 10; i++) {
		peer_writes(&c);
		turn(f);
	}
	assert_in_range(waits_within(f, 5), 1, 8);

	assert_int_equal(stats_of(f->loop).stale, stale);
	assert_int_equal(fault_count("epoll_ctl"), 0);
	assert_int_equal(fault_count("epoll_create1"), 0);
	assert_int_equal(c.size, 0);
	connection_expect_talk(f, &other);
	peer_close(&c);
	connection_end(&other);
	close(end);
	expect_success(child);
}

/* D1: nor do its events reach the next owner of the number. */
static void the_next_owner_of_the_number_gets_its_own_events(void **state)
{
	struct fixture *f = *state;
	struct connection c, next;
	pid_t child;
	int end, fds[2];

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);
	child = fork_holder(&end);
	raw_pair(fds);
	close_stream(&c);
	assert_int_equal(dup2(fds[0], c.fd), c.fd);
	raw_close(fds[0]);
	connection_adopt(&next, f, c.fd, fds[1], NULL);
	connection_read(&next);
	peer_writes(&c);
	for (unsigned i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(next.reads + next.ends, 0);
	peer_close(&c);
	for (unsigned i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(next.reads + next.ends, 0);

	assert_in_range(waits_within(f, 5), 1, 8);
	connection_expect_talk(f, &next);

	assert_int_equal(next.ends, 0);
	connection_end(&next);
	close(end);
	expect_success(child);
}

/* The file itself may get its number back, and be opened again. */
static void the_file_may_come_back(void **state)
{
	struct fixture *f = *state;
	struct connection c, next;
	int duplicate = open_twice(&c, f);

	close_stream(&c);
	assert_int_equal(dup2(duplicate, c.fd), c.fd);
	connection_adopt(&next, f, c.fd, c.peer, NULL);
	connection_read(&next);
	connection_expect_talk(f, &next);
	close(duplicate);
	assert_in_range(waits_within(f, 5), 1, 8);

	assert_int_equal(stats_of(f->loop).stale, 0);
	connection_end(&next);
}

/* D2: one new start is enough for any number of them. */
static void a_hundred_files_cost_one_new_start(void **state)
{
	enum { MANY = 100 };
	static struct connection c[MANY];
	struct fixture *f = *state;
	struct connection other;
	int duplicates[MANY];

	need_descriptors(3 * MANY);
	connection_open(&other, f, NULL);
	connection_read(&other);
	for (unsigned i = 0; i < MANY; i++)
		duplicates[i] = open_twice(&c[i], f);
	fault_count_reset();
	for (unsigned i = 0; i < MANY; i++) {
		close_stream(&c[i]);
		peer_writes(&c[i]);
	}
	for (unsigned i = 0; i < 5; i++)
		turn(f);

	assert_int_equal(fault_count("epoll_create1"), poller_is(f, "epoll"));
	if (poller_is(f, "epoll")) /* the eventfd, and the other stream */
		assert_int_equal(fault_count("epoll_ctl"), 2);
	assert_in_range(waits_within(f, 5), 1, 8);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(c[i].reads + c[i].ends, 0);
		close(duplicates[i]);
		peer_close(&c[i]);
	}
	connection_expect_talk(f, &other);
	connection_end(&other);
}

/* A listener is level-triggered: each wait would report its file again. */
static void a_listener_that_lives_on_does_not_keep_the_loop_awake(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int duplicate, client;

	server_open(&s, f, 10);
	duplicate = dup(rota_stream_fd(&s.tcp.stream));
	turn(f);
	assert_int_equal(rota_handle_close_now(&s.tcp.handle), 0);
	client = raw_client(&s.address);

	assert_in_range(waits_within(f, 10), 1, 8);

	assert_int_equal(s.accepted, 0);
	raw_close(client);
	close(duplicate);
}

static void count_call(struct rota_timer *timer)
{
	++*(unsigned *)timer->data;
}

/* C10: nor does it hold a virtual clock. */
static void a_file_that_lives_on_does_not_hold_a_virtual_clock(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	unsigned calls = 0;
	struct server s;
	int duplicate, client;

	server_open(&s, f, 10);
	duplicate = dup(rota_stream_fd(&s.tcp.stream));
	turn(f);
	assert_int_equal(rota_handle_close_now(&s.tcp.handle), 0);
	client = raw_client(&s.address);
	rota_timer_init(&timer, f->loop);
	timer.data = &calls;
	assert_int_equal(rota_timer_start(&timer, count_call, ROTA_SEC(3600)),
			 0);

	run_to_the_end(f);

	assert_int_equal(calls, 1);
	raw_close(client);
	close(duplicate);
}

/* D4: a watch of the program's own loses the file, as after any close. */
static void a_watch_of_the_same_number_may_be_stopped(void **state)
{
	struct fixture *f = *state;
	struct connection c, next;
	struct probe probe;
	int fds[2];

	connection_open(&c, f, NULL);
	connection_read(&c);
	probe_init(&probe, f, c.fd);
	probe_start(&probe, ROTA_READABLE);
	turn(f);
	raw_pair(fds);

	close_stream(&c);
	turn(f);
	assert_int_equal(dup2(fds[0], c.fd), c.fd);
	raw_close(fds[0]);
	connection_adopt(&next, f, c.fd, fds[1], NULL);
	connection_read(&next);
	connection_expect_talk(f, &next);
	probe_stop(&probe);

	assert_in_range(waits_within(f, 5), 1, 8);
	peer_close(&c);
	connection_end(&next);
}

/* D1: a watch that is started beside another one may find that the file is one
 * that had this number before. The file in between lives on as well. */
static void files_that_change_places_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct probe first, second;
	int old = open_twice(&c, f), fds[2], between, fd = c.fd;

	raw_pair(fds);
	close_stream(&c);
	assert_int_equal(dup2(fds[0], fd), fd);
	between = fds[0];
	probe_init(&first, f, fd);
	probe_init(&second, f, fd);
	probe_start(&first, ROTA_READABLE);
	turn(f);
	assert_int_equal(dup2(old, fd), fd);
	probe_start(&second, ROTA_READABLE);

	raw_send(fds[1], "x", 1);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(first.calls + second.calls, 0);
	peer_writes(&c);
	assert_int_equal(told(f, &second), ROTA_READABLE);
	assert_int_equal(first.calls, second.calls);

	probe_stop(&first);
	probe_stop(&second);
	assert_in_range(waits_within(f, 5), 1, 8);
	close(old);
	close(between);
	close(fd);
	raw_close(fds[1]);
	peer_close(&c);
}

/* In the child: the stream that it closes lives on in the parent. */
static void close_inherited(void *arg)
{
	struct connection *c = arg;
	struct rota_loop *loop = rota_handle_loop(&c->tcp.handle);
	uint64_t stale;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_handle_close_now(&c->tcp.handle) == 0);
	EXPECT(send(c->peer, "left", 4, 0) == 4);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
	stale = stats_of(loop).stale;
	EXPECT(send(c->peer, "left", 4, 0) == 4);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(rota_loop_alive(loop));
	EXPECT(stats_of(loop).stale == stale);
}

/* F2 */
static void a_child_may_close_what_the_parent_keeps(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;

	connection_open(&c, f, NULL);
	connection_open(&other, f, NULL);
	connection_read(&c);
	connection_read(&other);
	turn(f);

	in_a_child(close_inherited, &c);

	RUN_UNTIL(f, c.size == 8);
	connection_end(&c);
	connection_end(&other);
}

struct shared {
	struct connection *c; /* to be closed during a wait */
	struct rota_async wake;
	pthread_mutex_t lock;
	pthread_cond_t changes;
	int waits; /* the lock is released */
};

static void release(struct rota_loop *loop, void *arg)
{
	struct shared *s = arg;

	(void)loop;
	s->waits = 1;
	pthread_cond_signal(&s->changes);
	pthread_mutex_unlock(&s->lock);
}

static void acquire(struct rota_loop *loop, void *arg)
{
	struct shared *s = arg;

	(void)loop;
	pthread_mutex_lock(&s->lock);
	s->waits = 0;
}

static void *close_meanwhile(void *arg)
{
	struct shared *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->waits)
		pthread_cond_wait(&s->changes, &s->lock);
	close_stream(s->c);
	rota_async_send(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void ignore_async(struct rota_async *async)
{
	(void)async;
}

static void shared_begin(struct shared *s, struct fixture *f,
			 struct connection *c)
{
	s->c = c;
	s->waits = 0;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changes, NULL);
	rota_async_init(&s->wake, f->loop);
	assert_int_equal(rota_async_start(&s->wake, ignore_async), 0);
	assert_int_equal(rota_loop_set_lock(f->loop, release, acquire, s), 0);
}

static void shared_end(struct shared *s, struct fixture *f)
{
	assert_int_equal(rota_loop_set_lock(f->loop, NULL, NULL, NULL), 0);
	rota_async_stop(&s->wake);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changes);
}

/* F1: another thread closes the stream while the loop waits. */
static void a_close_during_a_wait_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct shared s;
	pthread_t thread;
	int duplicate = open_twice(&c, f);

	shared_begin(&s, f, &c);
	pthread_mutex_lock(&s.lock);
	assert_int_equal(pthread_create(&thread, NULL, close_meanwhile, &s), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	peer_writes(&c);
	for (unsigned i = 0; i < 3; i++)
		turn(f);

	assert_in_range(waits_within(f, 5), 1, 8);

	pthread_mutex_unlock(&s.lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(c.reads + c.ends, 0);
	shared_end(&s, f);
	close(duplicate);
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_that_a_child_holds_does_not_keep_the_loop_awake),
	REAL(the_next_owner_of_the_number_gets_its_own_events),
	REAL(the_file_may_come_back),
	REAL(a_hundred_files_cost_one_new_start),
	REAL(a_listener_that_lives_on_does_not_keep_the_loop_awake),
	VIRTUAL(a_file_that_lives_on_does_not_hold_a_virtual_clock),
	REAL(a_watch_of_the_same_number_may_be_stopped),
	REAL(files_that_change_places_are_told_apart),
	REAL(a_child_may_close_what_the_parent_keeps),
	REAL(a_close_during_a_wait_leaves_nothing_behind),
};

FIXTURE_MAIN(tests)

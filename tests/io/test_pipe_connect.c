/*
 * rota_pipe_connect(): connecting to Unix sockets, also to a listener whose
 * queue is full.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/pipes.h"
#include "support/streams_more.h"

enum { PATH_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct caller {
	struct pipe_end end;
	struct rota_connect connect;
	struct fixture *f;
	unsigned calls;
	int status;
	enum rota_phase phase;
	void (*act)(struct caller *c);
};

static void caller_called(struct rota_connect *connect, int status)
{
	struct caller *c = rota_container_of(connect, struct caller, connect);

	c->calls++;
	c->status = status;
	c->phase = rota_loop_phase(c->f->loop);
	if (c->act != NULL)
		c->act(c);
}

static void caller_init(struct caller *c, struct fixture *f)
{
	*c = (struct caller){ .f = f, .end.peer = -1 };
	assert_int_equal(rota_pipe_init(&c->end.pipe, f->loop), 0);
}

static int caller_begin(struct caller *c, const char *path)
{
	c->calls = 0;
	return rota_pipe_connect(&c->connect, &c->end.pipe, path, strlen(path),
				 caller_called);
}

static int caller_connect(struct caller *c, const char *path)
{
	assert_int_equal(caller_begin(c, path), 0);
	assert_int_equal(c->calls, 0); /* O7 */
	RUN_UNTIL(c->f, c->calls > 0);
	assert_int_equal(c->calls, 1);
	return c->status;
}

static void close_accepted(int listener)
{
	int fd = raw_try_accept(listener);

	assert_int_not_equal(fd, -1);
	raw_close(fd);
}

static void a_pipe_connects_and_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_name name;
	struct pipe_place place;
	struct caller c;
	int listener, fd;

	pipe_place_begin(&place);
	listener = raw_unix_listen(place.path, 5);
	caller_init(&c, f);
	assert_int_equal(rota_stream_send(&c.end.pipe.stream, "x", 1),
			 ROTA_ENOTCONN);
	assert_int_equal(caller_connect(&c, place.path), 0);
	assert_int_equal(c.phase, ROTA_PHASE_PENDING);
	fd = raw_try_accept(listener);
	assert_int_equal(rota_pipe_peer_name(&c.end.pipe, &name), 0);
	assert_string_equal(name.bytes, place.path);
	assert_int_equal(rota_pipe_own_name(&c.end.pipe, &name), 0);
	assert_int_equal(name.size, 0);

	pipe_read(&c.end);
	raw_put(fd, "hello");
	RUN_UNTIL(f, c.end.size == 5);
	assert_int_equal(caller_begin(&c, place.path), ROTA_EISCONN);
	pipe_end_close(&c.end);
	raw_close(fd);
	raw_close(listener);
	unlink(place.path);
	pipe_place_end(&place);
}

static void bad_names_are_refused_by_the_call(void **state)
{
	struct fixture *f = *state;
	char far[PATH_SPACE + 1];
	struct caller c;

	caller_init(&c, f);
	memset(far, 'x', sizeof(far));
	assert_int_equal(rota_pipe_connect(&c.connect, &c.end.pipe, far,
					   PATH_SPACE, caller_called),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(rota_pipe_connect(&c.connect, &c.end.pipe, NULL, 1,
					   caller_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_pipe_connect(&c.connect, &c.end.pipe, "x", 0,
					   caller_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_pipe_connect(&c.connect, &c.end.pipe, "x\0y", 3,
					   caller_called),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_pipe_connect(&c.connect, &c.end.pipe, "x", 1, NULL),
		ROTA_EINVAL);
	assert_false(rota_request_is_active(&c.connect.request));
	pipe_end_close(&c.end);
}

static void what_is_not_there_is_told_to_the_callback(void **state)
{
	struct fixture *f = *state;
	struct pipe_place place;
	struct caller c;
	int fd;

	pipe_place_begin(&place);
	caller_init(&c, f);
	assert_int_equal(caller_connect(&c, place.path), ROTA_ENOENT);
	assert_int_equal(rota_stream_fd(&c.end.pipe.stream), ROTA_EBADF);
	assert_int_equal(caller_connect(&c, "/dev/null/x"), ROTA_ENOTDIR);

	fd = open(place.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(caller_connect(&c, place.path), ROTA_ECONNREFUSED);
	unlink(place.path);
	raw_close(raw_unix_listen(place.path, 5));
	assert_int_equal(caller_connect(&c, place.path), ROTA_ECONNREFUSED);
	unlink(place.path);
	pipe_end_close(&c.end);
	pipe_place_end(&place);
}

/* A name of its own is gone with the socket that failed. */
static void a_failed_connect_removes_its_own_file(void **state)
{
	struct fixture *f = *state;
	struct pipe_place place;
	struct caller c;

	pipe_place_begin(&place);
	caller_init(&c, f);
	assert_int_equal(rota_pipe_bind(&c.end.pipe, place.path,
					strlen(place.path), NULL),
			 0);
	assert_int_equal(caller_connect(&c, "/nowhere/at/all"), ROTA_ENOENT);
	assert_int_equal(access(place.path, F_OK), -1);
	assert_int_equal(rota_pipe_bind(&c.end.pipe, place.path,
					strlen(place.path), NULL),
			 0);
	pipe_end_close(&c.end);
	assert_int_equal(access(place.path, F_OK), -1);
	pipe_place_end(&place);
}

static void a_bound_client_is_known_to_the_listener(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_name name;
	struct pipe_place place, own;
	struct pipe_end accepted;
	struct caller c;
	int listener;

	pipe_place_begin(&place);
	pipe_place_begin(&own);
	listener = raw_unix_listen(place.path, 5);
	caller_init(&c, f);
	assert_int_equal(
		rota_pipe_bind(&c.end.pipe, own.path, strlen(own.path), NULL),
		0);
	assert_int_equal(caller_connect(&c, place.path), 0);
	pipe_end_adopt(&accepted, f, raw_try_accept(listener), -1);
	assert_int_equal(rota_pipe_peer_name(&accepted.pipe, &name), 0);
	assert_string_equal(name.bytes, own.path);
	pipe_end_close(&accepted);
	pipe_end_close(&c.end);
	raw_close(listener);
	unlink(place.path);
	pipe_place_end(&place);
	pipe_place_end(&own);
}

/* libuv's pipe_connect_multiple and pipe_close_multiple. */
static void many_connect_at_once_and_close(void **state)
{
	enum { MANY = 20 };
	static struct caller callers[MANY];
	struct fixture *f = *state;
	struct pipe_place place;
	int listener;

	pipe_place_begin(&place);
	listener = raw_unix_listen(place.path, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		caller_init(&callers[i], f);
		assert_int_equal(caller_begin(&callers[i], place.path), 0);
		if (i % 3 == 0)
			assert_int_equal(
				rota_handle_close(&callers[i].end.pipe.handle,
						  NULL),
				0);
	}
	run_to_the_end(f);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(callers[i].calls, 1);
		assert_int_equal(callers[i].status, 0);
		pipe_end_close(&callers[i].end);
		close_accepted(listener);
	}
	raw_close(listener);
	unlink(place.path);
	pipe_place_end(&place);
}

static void connect_in_hook(struct rota_hook *hook)
{
	struct caller *c = hook->data;

	rota_hook_stop(hook);
	assert_int_equal(caller_begin(c, "/nowhere/at/all"), 0);
}

static void a_connect_in_the_prepare_phase_fails_in_order(void **state)
{
	struct fixture *f = *state;
	struct rota_hook hook;
	struct caller c;

	caller_init(&c, f);
	rota_hook_init(&hook, f->loop);
	hook.data = &c;
	assert_int_equal(
		rota_hook_start(&hook, connect_in_hook, ROTA_HOOK_PREPARE), 0);
	run_to_the_end(f);
	assert_int_equal(c.calls, 1);
	assert_int_equal(c.status, ROTA_ENOENT);
	assert_int_equal(c.phase, ROTA_PHASE_PENDING);
	pipe_end_close(&c.end);
}

/* A full queue. */

struct jammed {
	struct pipe_place place;
	int listener;
	int fillers[8];
	unsigned count;
	struct caller c;
};

/* A BSD refuses a connection that finds the queue full. */
static void jammed_begin(struct jammed *j, struct fixture *f)
{
	int fd;

	*j = (struct jammed){ .count = 0 };
	pipe_place_begin(&j->place);
	j->listener = raw_unix_listen(j->place.path, 0);
	while ((fd = raw_unix_connect(j->place.path)) != -1)
		j->fillers[j->count++] = fd;
	caller_init(&j->c, f);
}

static void jammed_end(struct jammed *j)
{
	int fd;

	while ((fd = raw_try_accept(j->listener)) != -1)
		raw_close(fd);
	for (unsigned i = 0; i < j->count; i++)
		raw_close(j->fillers[i]);
	raw_close(j->listener);
	unlink(j->place.path);
	pipe_end_close(&j->c.end);
	pipe_place_end(&j->place);
}

static void make_room(struct jammed *j)
{
	close_accepted(j->listener);
}

static void a_full_queue_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct jammed j;
	char text[8];
	int fd;

	jammed_begin(&j, f);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	assert_int_equal(rota_stream_send(&j.c.end.pipe.stream, "early", 5), 0);
	assert_int_equal(caller_begin(&j.c, j.place.path), ROTA_EALREADY);
	assert_true(rota_loop_alive(f->loop));
	for (unsigned i = 0; i < 100; i++)
		turn(f);
	assert_int_equal(j.c.calls, 0);
	make_room(&j);
	PASS_UNTIL(f, j.c.calls > 0);
	assert_int_equal(j.c.status, 0);

	/* It is the last of those that wait. */
	while (j.count > 1) {
		close_accepted(j.listener);
		raw_close(j.fillers[--j.count]);
	}
	PASS_UNTIL(f, (fd = raw_try_accept(j.listener)) != -1);
	raw_get(fd, text, 5);
	assert_memory_equal(text, "early", 5);
	raw_close(fd);
	jammed_end(&j);
}

/* The pauses grow to a limit: it does not spin. */
static void the_pauses_grow(void **state)
{
	struct fixture *f = *state;
	struct jammed j;

	jammed_begin(&j, f);
	fault_count_reset();
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	for (unsigned i = 0; i < 1000; i++) { /* 10 seconds */
		(void)rota_loop_advance(f->loop, ROTA_MSEC(10));
		turn(f);
	}
	assert_in_range(fault_count("connect"), 50, 120);
	assert_int_equal(rota_request_cancel(&j.c.connect.request), 0);
	turn(f);
	assert_int_equal(j.c.status, ROTA_ECANCELED);
	jammed_end(&j);
}

static void a_wait_for_room_is_cancelled(void **state)
{
	struct fixture *f = *state;
	struct jammed j;

	jammed_begin(&j, f);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	assert_int_equal(rota_request_cancel(&j.c.connect.request), 0);
	assert_int_equal(j.c.calls, 0);
	assert_int_equal(rota_stream_fd(&j.c.end.pipe.stream), ROTA_EBADF);
	run_to_the_end(f);
	assert_int_equal(j.c.calls, 1);
	assert_int_equal(j.c.status, ROTA_ECANCELED);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0); /* it is fresh */
	assert_int_equal(rota_handle_close(&j.c.end.pipe.handle, NULL), 0);
	run_to_the_end(f);
	assert_int_equal(j.c.status, ROTA_ECANCELED);
	assert_int_equal(j.c.phase, ROTA_PHASE_CLOSING);
	jammed_end(&j);
}

static void a_wait_for_room_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	uint64_t begin = rota_loop_now(f->loop);
	struct jammed j;

	jammed_begin(&j, f);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	assert_int_equal(rota_request_set_deadline(&j.c.connect.request,
						   &deadline,
						   begin + ROTA_SEC(3)),
			 0);
	run_to_the_end(f);
	assert_int_equal(j.c.calls, 1);
	assert_int_equal(j.c.status, ROTA_ETIMEDOUT);
	assert_true(rota_loop_now(f->loop) >= begin + ROTA_SEC(3));
	jammed_end(&j);
}

static void a_listener_that_goes_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	struct jammed j;

	jammed_begin(&j, f);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	unlink(j.place.path);
	run_to_the_end(f);
	assert_int_equal(j.c.status, ROTA_ENOENT);
	jammed_end(&j);
}

static void an_end_waits_for_room_as_well(void **state)
{
	struct fixture *f = *state;
	struct jammed j;
	char text[8];
	int fd;

	jammed_begin(&j, f);
	assert_int_equal(caller_begin(&j.c, j.place.path), 0);
	assert_int_equal(rota_stream_send(&j.c.end.pipe.stream, "last", 4), 0);
	assert_int_equal(rota_stream_end(&j.c.end.pipe.stream, NULL), 0);
	turn(f);
	make_room(&j);
	PASS_UNTIL(f, j.c.calls > 0);
	assert_int_equal(j.c.status, 0);
	while (j.count > 1) {
		close_accepted(j.listener);
		raw_close(j.fillers[--j.count]);
	}
	PASS_UNTIL(f, (fd = raw_try_accept(j.listener)) != -1);
	raw_get(fd, text, 4);
	assert_int_equal(raw_try_read(fd, text, 1), 0);
	raw_close(fd);
	run_to_the_end(f);
	jammed_end(&j);
}

/* F3 */
static void a_wait_for_room_needs_memory(void **state)
{
	struct fixture *f = *state;
	struct jammed j;

	jammed_begin(&j, f);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(caller_connect(&j.c, j.place.path), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	jammed_end(&j);
}

static void every_call_of_a_connect_may_fail(void **state)
{
	static const char *const calls[] = { "socket", "connect" };
	struct fixture *f = *state;
	struct pipe_place place;
	struct caller c;
	int listener;

	pipe_place_begin(&place);
	listener = raw_unix_listen(place.path, 5);
	caller_init(&c, f);
	for (unsigned i = 0; i < 2; i++) {
		fault_fail(calls[i], 1, ENOBUFS);
		assert_int_equal(caller_connect(&c, place.path), ROTA_ENOBUFS);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(rota_stream_fd(&c.end.pipe.stream),
				 ROTA_EBADF);
	}
	assert_int_equal(caller_connect(&c, place.path), 0);
	pipe_end_close(&c.end);
	raw_close(listener);
	unlink(place.path);
	pipe_place_end(&place);
}

static const struct CMUnitTest tests[] = {
	REAL(a_pipe_connects_and_is_accepted),
	REAL(bad_names_are_refused_by_the_call),
	REAL(what_is_not_there_is_told_to_the_callback),
	REAL(a_failed_connect_removes_its_own_file),
	REAL(a_bound_client_is_known_to_the_listener),
	REAL(many_connect_at_once_and_close),
	REAL(a_connect_in_the_prepare_phase_fails_in_order),
	VIRTUAL(a_full_queue_is_waited_for),
	VIRTUAL(the_pauses_grow),
	VIRTUAL(a_wait_for_room_is_cancelled),
	VIRTUAL(a_wait_for_room_has_a_deadline),
	VIRTUAL(a_listener_that_goes_ends_the_wait),
	VIRTUAL(an_end_waits_for_room_as_well),
	VIRTUAL(a_wait_for_room_needs_memory),
	REAL(every_call_of_a_connect_may_fail),
};
FIXTURE_MAIN(tests)

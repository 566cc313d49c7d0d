/*
 * Streams and their loop: what keeps the loop alive, what a dump lists, virtual
 * clocks, and the loop's shutdown.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <string.h>

#include "support/streams.h"

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* L1: a stream that reads keeps it alive, and one that is only open does
 * not. */
static void a_reading_stream_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	assert_false(rota_loop_alive(f->loop));

	connection_read(&c);
	assert_true(rota_handle_is_active(&c.tcp.handle));
	assert_true(rota_loop_alive(f->loop));
	rota_stream_read_stop(&c.tcp.stream);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	assert_false(rota_loop_alive(f->loop));

	connection_end(&c);
}

static void unref_it(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	rota_handle_unref(&c->tcp.handle);
}

/* L2: the reference is a flag and not a count. An unreferenced stream still
 * calls back while something else keeps the loop alive. */
static void an_unreferenced_stream_does_not_keep_it_alive(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;

	connection_open(&c, f, NULL);
	connection_open(&other, f, NULL);
	connection_read(&c);
	rota_handle_unref(&c.tcp.handle);
	rota_handle_unref(&c.tcp.handle);
	assert_false(rota_handle_has_ref(&c.tcp.handle));
	assert_false(rota_loop_alive(f->loop));
	peer_has_sent(&c, 1);
	run_to_the_end(f);
	assert_int_equal(c.size, 0);

	other.act = unref_it;
	connection_read(&other);
	RUN_UNTIL(f, c.size == 1);
	rota_handle_ref(&c.tcp.handle);
	assert_true(rota_loop_alive(f->loop));
	rota_handle_unref(&c.tcp.handle);
	peer_has_sent(&other, 1);
	run_to_the_end(f); /* until the other is unreferenced, too */

	assert_int_equal(other.size, 1);
	connection_end(&c);
	connection_end(&other);
}

/* L1: a stream that closes keeps it alive, and so does one that ends, until the
 * other side has ended. */
static void a_closing_stream_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	rota_handle_unref(&c.tcp.handle);
	assert_int_equal(rota_handle_close(&c.tcp.handle, NULL), 0);
	assert_true(rota_loop_alive(f->loop));
	run_to_the_end(f);
	peer_close(&c);

	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_end(&c.tcp.stream, NULL), 0);
	assert_true(rota_loop_alive(f->loop));
	turn(f);
	assert_true(rota_loop_alive(f->loop));
	peer_close(&c);
	run_to_the_end(f);
}

struct found {
	const void *object;
	struct rota_dump_entry entry;
	unsigned times;
};

static void look_for(void *arg, const struct rota_dump_entry *entry)
{
	struct found *found = arg;

	if (entry->object != found->object)
		return;
	found->entry = *entry;
	found->times++;
}

static struct found find(struct fixture *f, const void *object)
{
	struct found found = { .object = object };

	rota_loop_dump(f->loop, look_for, &found);
	return found;
}

/* L6: type, name and descriptor. A stream is listed once, and its internal
 * watch is not listed. */
static void a_dump_tells_of_streams(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	struct found found;
	char byte;

	connection_open(&c, f, "some name");
	found = find(f, &c.tcp);
	assert_int_equal(found.times, 1);
	assert_string_equal(found.entry.type, "tcp");
	assert_string_equal(found.entry.name, "some name");
	assert_int_equal(found.entry.fd, c.fd);
	assert_false(found.entry.alive);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 1);

	connection_read(&c);
	turn(f);
	assert_true(find(f, &c.tcp).entry.alive);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 1);
	rota_handle_unref(&c.tcp.handle);
	assert_false(find(f, &c.tcp).entry.alive);
	rota_stream_read_stop(&c.tcp.stream);

	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	found = find(f, &read);
	assert_int_equal(found.times, 1);
	assert_string_equal(found.entry.type, "read");
	assert_true(found.entry.alive);
	rota_handle_close(&c.tcp.handle, NULL);
	assert_true(find(f, &c.tcp).entry.alive);
	assert_int_equal(find(f, &c.tcp).entry.fd, -1);
	run_to_the_end(f);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	journal_take();
	peer_close(&c);
}

static void getters_tell_what_a_stream_is(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);

	assert_string_equal(rota_handle_type(&c.tcp.handle), "tcp");
	assert_null(rota_handle_name(&c.tcp.handle));
	assert_ptr_equal(rota_handle_loop(&c.tcp.handle), f->loop);
	assert_false(rota_handle_is_closing(&c.tcp.handle));
	assert_true(rota_handle_has_ref(&c.tcp.handle));

	connection_end(&c);
}

struct trace {
	struct rota_tracer tracer;
	unsigned begun; /* callbacks of the stream that began */
	unsigned ended;
	const void *object;
};

static void note_begin(struct rota_tracer *tracer, const char *type,
		       const char *name, const void *object)
{
	struct trace *trace = rota_container_of(tracer, struct trace, tracer);

	trace->begun += object == trace->object && strcmp(type, "tcp") == 0 &&
			strcmp(name, "traced") == 0;
}

static void note_end(struct rota_tracer *tracer, const char *type,
		     const void *object)
{
	struct trace *trace = rota_container_of(tracer, struct trace, tracer);

	trace->ended += object == trace->object && strcmp(type, "tcp") == 0;
}

/* A tracer sees the callbacks of a stream, statistics count them, and
 * ROTA_RUN_ONCE returns after one (T3), with or without a tracer. */
static void callbacks_of_streams_are_traced_and_counted(void **state)
{
	struct fixture *f = *state;
	struct trace trace = {
		.tracer = { .size = sizeof(struct rota_tracer),
			    .callback_begin = note_begin,
			    .callback_end = note_end },
	};
	struct connection c;
	uint64_t before;

	connection_open(&c, f, "traced");
	connection_read(&c);
	trace.object = &c.tcp;
	for (unsigned i = 1; i <= 4; i++) {
		before = stats_of(f->loop).callbacks[ROTA_PHASE_POLL];
		rota_loop_trace(f->loop, i % 2 ? NULL : &trace.tracer);
		if (i == 4)
			raw_shutdown(c.peer);
		else
			peer_has_sent(&c, 1);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), i < 4);
		assert_int_equal(c.reads + c.ends, i);
		assert_int_equal(stats_of(f->loop).callbacks[ROTA_PHASE_POLL],
				 before + 1);
	}

	assert_int_equal(trace.begun, 2);
	assert_int_equal(trace.ended, 2);
	rota_loop_trace(f->loop, NULL);
	connection_end(&c);
}

static unsigned ticks;

static void count_tick(struct rota_timer *timer)
{
	if (++ticks == 60)
		rota_timer_stop(timer);
}

static void echo(struct connection *c, int status, struct rota_buf buf)
{
	if (status == 0)
		assert_int_equal(
			rota_stream_send(&c->tcp.stream, buf.data, buf.size),
			0);
	else
		rota_stream_end(&c->tcp.stream, NULL);
}

/* C10: an hour of timers passes while streams of the loop communicate. Without
 * a timer the loop waits for them in real time. */
static void streams_work_with_a_virtual_clock(void **state)
{
	struct fixture *f = *state;
	struct connection server, client;
	struct rota_timer timer;
	int fds[2];

	raw_pair(fds);
	connection_adopt(&server, f, fds[0], -1, NULL);
	connection_adopt(&client, f, fds[1], -1, NULL);
	server.act = echo;
	connection_read(&server);
	connection_read(&client);
	rota_timer_init(&timer, f->loop);
	ticks = 0;
	assert_int_equal(rota_timer_every(&timer, count_tick, ROTA_SEC(60),
					  ROTA_REPEAT_RATE),
			 0);
	assert_int_equal(connection_send(&client, 1000), 0);
	while (client.size < 1000 || ticks < 60)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(client.wrong, 0);
	assert_true(rota_loop_now(f->loop) - f->start_ns >= ROTA_SEC(3600));

	connection_send(&client, 1000);
	while (client.size < 2000)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(rota_stream_end(&client.tcp.stream, NULL), 0);
	run_to_the_end(f);

	assert_int_equal(server.status, ROTA_EOF);
	assert_true(rota_handle_is_closing(&server.tcp.handle));
	assert_true(rota_handle_is_closing(&client.tcp.handle));
}

/* O8, C10: deadlines use the loop's clock. */
static void a_deadline_passes_in_virtual_time(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_read read;
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &read, "r", &byte, 1, 1), 0);
	assert_int_equal(rota_request_set_deadline(&read.request, &deadline,
						   rota_loop_now(f->loop) +
							   ROTA_SEC(3600)),
			 0);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(3599)), 0);
	turn(f);
	assert_string_equal(journal_take(), "");
	assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(1)), 0);
	turn(f);
	turn(f);

	assert_string_equal(journal_take(), "pending: r=ETIMEDOUT");
	connection_end(&c);
}

static struct rota_tcp late;

static void note_and_use(struct rota_write *write, int status)
{
	note_write(write, status);
	assert_int_equal(rota_tcp_init(&late, write->request.internal.loop),
			 ROTA_ESHUTDOWN);
}

/* O5: a shutdown closes all streams. Requests call back, and queued output is
 * dropped. */
static void a_shutdown_of_the_loop_closes_its_streams(void **state)
{
	struct rota_const_buf buf = { "x", 1 };
	struct fixture *f = *state;
	struct rota_write write;
	struct rota_read read;
	struct connection c[4];
	char byte;

	for (unsigned i = 0; i < 4; i++)
		connection_open_small(&c[i], f, NULL);
	connection_read(&c[0]);
	connection_block(&c[0]);
	connection_block(&c[1]);
	write.request.data = (void *)(uintptr_t) "w";
	assert_int_equal(rota_stream_write(&write, &c[1].tcp.stream, &buf, 1,
					   note_and_use),
			 0);
	assert_int_equal(begin_read(&c[2], &read, "r", &byte, 1, 1), 0);
	assert_int_equal(rota_stream_end(&c[3].tcp.stream, note_closed), 0);
	rota_handle_set_name(&c[3].tcp.handle, "end");

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(journal_take(),
			    "closing: w=ECANCELED r=ECANCELED end");
	assert_false(rota_request_is_active(&write.request));
	assert_false(rota_request_is_active(&read.request));
	assert_int_equal(c[0].reads + c[0].ends, 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_false(is_open(c[i].fd));
		peer_close(&c[i]);
	}
}

static struct connection *other;
static struct rota_read refused_read;
static char refused_byte;

static void use_the_other(struct rota_task *task)
{
	(void)task;
	assert_true(rota_stream_read_start(&other->tcp.stream, collect) < 0);
	assert_true(connection_send(other, 1) < 0);
	assert_true(begin_read(other, &refused_read, "r", &refused_byte, 1, 1) <
		    0);
	journal_note(rota_handle_loop(&other->tcp.handle), "used");
}

/* O5: callbacks that run in a shutdown cannot use the streams any more. */
static void a_shutdown_of_the_loop_refuses_new_work(void **state)
{
	struct fixture *f = *state;
	struct rota_task task;
	struct connection c;

	connection_open(&c, f, NULL);
	other = &c;
	rota_task_init(&task, f->loop);
	assert_int_equal(rota_task_immediate(&task, use_the_other), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(journal_take(), "check: used");
	peer_close(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_reading_stream_keeps_the_loop_alive),
	REAL(an_unreferenced_stream_does_not_keep_it_alive),
	REAL(a_closing_stream_keeps_the_loop_alive),
	REAL(a_dump_tells_of_streams),
	REAL(getters_tell_what_a_stream_is),
	REAL(callbacks_of_streams_are_traced_and_counted),
	VIRTUAL(streams_work_with_a_virtual_clock),
	VIRTUAL(a_deadline_passes_in_virtual_time),
	REAL(a_shutdown_of_the_loop_closes_its_streams),
	REAL(a_shutdown_of_the_loop_refuses_new_work),
};

FIXTURE_MAIN(tests)

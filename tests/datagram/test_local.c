/*
 * Unix sockets of datagrams, and of records.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota/local.h"
#include "support/fault.h"
#include "support/streams.h" /* RUN_UNTIL() */

/* A socket, and what it has received. */
struct box {
	struct rota_local local;
	unsigned count;
	size_t bytes;
	char text[256];
	struct rota_address from; /* of the last one */
	int is_cut;
	int status; /* the last one */
	unsigned statuses;
};

static void on_message(struct rota_datagram *datagram, int status,
		       const struct rota_received *received, size_t count)
{
	struct box *box =
		rota_container_of(datagram, struct box, local.datagram);
	size_t used = strlen(box->text);

	if (status < 0) {
		box->status = status;
		box->statuses++;
	}
	box->count += (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		box->bytes += received[i].size;
		box->from = received[i].from;
		box->is_cut = received[i].is_truncated;
		if (received[i].size < 16 && used < 200)
			used += (size_t)snprintf(box->text + used, 32, "%.*s ",
						 (int)received[i].size,
						 received[i].data);
	}
}

static void box_receive(struct box *box)
{
	assert_int_equal(
		rota_datagram_receive_start(&box->local.datagram, on_message),
		0);
}

static void box_init(struct box *box, struct fixture *f,
		     enum rota_local_kind kind)
{
	memset(box, 0, sizeof(*box));
	assert_int_equal(rota_local_init(&box->local, f->loop, kind), 0);
}

static void box_close(struct box *box)
{
	assert_int_equal(rota_handle_close_now(&box->local.handle), 0);
}

static int try_text(struct box *box, const struct rota_address *to,
		    const char *text)
{
	struct rota_outgoing out = { .data = text,
				     .size = strlen(text),
				     .to = to };

	return rota_datagram_try_send(&box->local.datagram, &out, 1);
}

/* A path that nothing has, in a directory of its own. */
static char directory[64];

static void path_address(struct rota_address *name, const char *file)
{
	char path[96];

	if (directory[0] == 0) {
		snprintf(directory, sizeof(directory),
			 "/tmp/rota-local-XXXXXX");
		assert_non_null(mkdtemp(directory));
	}
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	assert_int_equal(rota_address_unix(name, path, strlen(path)), 0);
}

static void path_gone(const struct rota_address *name)
{
	struct stat status;

	assert_int_equal(lstat(name->is.un.sun_path, &status), -1);
	assert_int_equal(errno, ENOENT);
	rmdir(directory);
	directory[0] = 0;
}

static int has_records(void)
{
#ifdef __APPLE__
	return 0;
#else
	return 1;
#endif
}

static void datagrams_go_to_a_path_and_back(void **state)
{
	struct fixture *f = *state;
	struct rota_address name, other, own;
	struct box a, b;

	path_address(&name, "a");
	path_address(&other, "b");
	box_init(&a, f, ROTA_LOCAL_DATAGRAMS);
	box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
	assert_string_equal(rota_handle_type(&a.local.handle), "local");
	assert_int_equal(try_text(&b, &name, "x"), ROTA_ENOENT);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), 0);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), ROTA_EINVAL);
	assert_int_equal(rota_local_bind(&b.local, &name, NULL),
			 ROTA_EADDRINUSE);
	assert_int_equal(rota_local_bind(&b.local, &other, NULL), 0);
	box_receive(&a);
	box_receive(&b);
	assert_int_equal(try_text(&b, &name, "one"), 1);
	assert_int_equal(try_text(&b, &name, ""), 1);
	RUN_UNTIL(f, a.count == 2);
	assert_string_equal(a.text, "one  ");
	assert_string_equal(a.from.is.un.sun_path, other.is.un.sun_path);
	assert_int_equal(try_text(&a, &a.from, "two"), 1);
	RUN_UNTIL(f, b.count == 1);
	assert_string_equal(b.text, "two ");
	assert_int_equal(rota_local_own_name(&a.local, &own), 0);
	assert_string_equal(own.is.un.sun_path, name.is.un.sun_path);
	assert_int_equal(rota_local_peer_name(&a.local, &own), ROTA_ENOTCONN);
	assert_int_equal(rota_local_own_name(&a.local, NULL), ROTA_EINVAL);

	/* The mode of the file, and a stale one. */
	box_close(&b);
	box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
	{
		struct rota_pipe_bind_options options = {
			.size = sizeof(options),
			.flags = ROTA_PIPE_KEEP_FILE,
			.mode = 0600,
		};
		struct stat status;

		assert_int_equal(rota_local_bind(&b.local, &other, &options),
				 0);
		assert_int_equal(lstat(other.is.un.sun_path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		box_close(&b);
		assert_int_equal(lstat(other.is.un.sun_path, &status), 0);
		box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
		assert_int_equal(rota_local_bind(&b.local, &other, NULL),
				 ROTA_EADDRINUSE);
		options.flags = ROTA_PIPE_REPLACE_STALE;
		assert_int_equal(rota_local_bind(&b.local, &name, &options),
				 ROTA_EADDRINUSE); /* somebody has it */
		assert_int_equal(rota_local_bind(&b.local, &other, &options),
				 0);
		options.mode = 01000;
		assert_int_equal(rota_local_bind(&b.local, &other, &options),
				 ROTA_EINVAL);
	}
	box_close(&a);
	box_close(&b);
	path_gone(&name);
}

static void datagrams_of_a_connection_need_no_name(void **state)
{
	struct fixture *f = *state;
	struct rota_address name, ip;
	struct box a, b;

	path_address(&name, "a");
	assert_int_equal(rota_address_ip(&ip, "127.0.0.1", 1), 0);
	box_init(&a, f, ROTA_LOCAL_DATAGRAMS);
	box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), 0);
	assert_int_equal(rota_local_connect(&b.local, &ip), ROTA_EINVAL);
	assert_int_equal(rota_local_connect(&b.local, NULL), ROTA_EINVAL);
	assert_int_equal(try_text(&b, NULL, "x"), ROTA_EDESTADDRREQ);
	assert_int_equal(try_text(&b, &ip, "x"), ROTA_EAFNOSUPPORT);
	assert_int_equal(rota_local_connect(&b.local, &name), 0);
	assert_int_equal(rota_local_connect(&b.local, &name), ROTA_EISCONN);
	assert_int_equal(try_text(&b, &name, "x"), ROTA_EISCONN);
	assert_int_equal(try_text(&b, NULL, "x"), 1);
	box_receive(&a);
	RUN_UNTIL(f, a.count == 1);
	box_close(&a);
	/* Its own error, not one of the network. */
	assert_true(try_text(&b, NULL, "x") < 0);
	assert_int_equal(rota_datagram_on_error(&b.local.datagram, NULL),
			 ROTA_ENOTSUP);
	box_close(&b);
	path_gone(&name);
}

/* As a client of a log does, whose server was restarted. */
static void a_socket_whose_peer_has_closed_connects_again(void **state)
{
	struct fixture *f = *state;
	struct rota_address name;
	struct box a, b;

	path_address(&name, "a");
	box_init(&a, f, ROTA_LOCAL_DATAGRAMS);
	box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), 0);
	assert_int_equal(rota_local_disconnect(&b.local), ROTA_ENOTCONN);
	assert_int_equal(rota_local_connect(&b.local, &name), 0);
	fault_fail("connect", 1, ENOMEM);
	assert_int_equal(rota_local_disconnect(&b.local), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(try_text(&b, NULL, "x"), 1);
	box_close(&a);
	assert_true(try_text(&b, NULL, "x") < 0);

	box_init(&a, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), 0);
	box_receive(&a);
	assert_int_equal(rota_local_disconnect(&b.local), 0);
	assert_int_equal(rota_local_disconnect(&b.local), ROTA_ENOTCONN);
	assert_int_equal(try_text(&b, NULL, "x"), ROTA_EDESTADDRREQ);
	assert_int_equal(try_text(&b, &name, "one"), 1);
	assert_int_equal(rota_local_connect(&b.local, &name), 0);
	assert_int_equal(try_text(&b, NULL, "two"), 1);
	RUN_UNTIL(f, a.count == 2);
	assert_string_equal(a.text, "one two ");
	box_close(&a);
	box_close(&b);
	if (has_records()) {
		box_init(&b, f, ROTA_LOCAL_RECORDS);
		assert_int_equal(rota_local_disconnect(&b.local), ROTA_ENOTSUP);
		assert_int_equal(rota_handle_close(&b.local.handle, NULL), 0);
		assert_int_equal(rota_local_disconnect(&b.local), ROTA_EINVAL);
		turn(f);
	}
	path_gone(&name);
}

static void large_datagrams_are_received_whole(void **state)
{
	enum { SIZE = 150000 };
	static char data[SIZE];
	struct fixture *f = *state;
	struct rota_outgoing out = { .data = data, .size = SIZE };
	struct box a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(rota_local_pair(&a.local, &a.local, f->loop,
					 ROTA_LOCAL_DATAGRAMS),
			 ROTA_EINVAL);
	assert_int_equal(rota_local_pair(&a.local, &b.local, f->loop,
					 ROTA_LOCAL_DATAGRAMS),
			 0);
	if (rota_datagram_try_send(&a.local.datagram, &out, 1) !=
	    ROTA_EMSGSIZE) {
		box_receive(&b);
		RUN_UNTIL(f, b.count == 1);
		assert_int_equal(b.bytes, SIZE);
		assert_int_equal(b.is_cut, 0);
	}
	assert_int_equal(
		rota_datagram_receive_up_to(&b.local.datagram, 3, on_message),
		0);
	assert_int_equal(try_text(&a, NULL, "1234"), 1);
	RUN_UNTIL(f, b.is_cut);
	assert_string_equal(b.text + strlen(b.text) - 4, "123 ");
	box_close(&a);
	box_close(&b);
}

struct note {
	struct rota_send send;
	unsigned calls;
	int status;
};

static void on_sent(struct rota_send *send, int status)
{
	struct note *note = rota_container_of(send, struct note, send);

	note->calls++;
	note->status = status;
}

/* The receiver's queue is full, of which the sender gets no event. */
static void a_full_receiver_delays_requests_without_a_spin(void **state)
{
	enum { MOST = 2000 };
	struct fixture *f = *state;
	struct rota_address name;
	struct rota_outgoing out = { .data = "late", .size = 4, .to = &name };
	struct note note = { .calls = 0 };
	struct box a, b;
	int sent = 0, result;

	path_address(&name, "a");
	box_init(&a, f, ROTA_LOCAL_DATAGRAMS);
	box_init(&b, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_local_bind(&a.local, &name, NULL), 0);
	while ((result = try_text(&b, &name, "x")) == 1 && sent < MOST)
		sent++;
	if (result != ROTA_EAGAIN) {
		box_close(&a);
		box_close(&b);
		path_gone(&name);
		skip_elsewhere(
			"the system reports a full queue in another way");
	}
	assert_int_equal(rota_datagram_send(&note.send, &b.local.datagram, &out,
					    on_sent),
			 0);
	assert_in_range(waits_within(f, 30), 1, 20);
	assert_int_equal(note.calls, 0);
	box_receive(&a);
	RUN_UNTIL(f, note.calls == 1 && a.count == (unsigned)sent + 1);
	assert_int_equal(note.status, 0);

	/* And a close in the meantime. */
	assert_int_equal(rota_datagram_receive_stop(&a.local.datagram), 0);
	while (try_text(&b, &name, "x") == 1)
		;
	note.calls = 0;
	assert_int_equal(rota_datagram_send(&note.send, &b.local.datagram, &out,
					    on_sent),
			 0);
	turn(f);
	assert_int_equal(rota_handle_close(&b.local.handle, NULL), 0);
	RUN_UNTIL(f, note.calls == 1);
	assert_int_equal(note.status, ROTA_ECANCELED);
	box_close(&a);
	path_gone(&name);
}

/* A receiver without a loop. */
static int raw_receiver(const struct rota_address *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &name->is.any, (socklen_t)name->size), 0);
	return fd;
}

static void on_tick(struct rota_timer *timer)
{
	(void)timer;
}

/* Run to the next attempt. Returns how long that took, in milliseconds. A timer
 * of the test has each millisecond end a run. */
static unsigned next_attempt_ms(struct fixture *f)
{
	uint64_t before = rota_loop_now(f->loop);

	fault_count_reset();
	while (fault_count("sendmmsg") + fault_count("sendmsg") == 0)
		assert_true(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0);
	return (unsigned)((rota_loop_now(f->loop) - before) / ROTA_MSEC(1));
}

static void pauses_double_until_something_is_sent(void **state)
{
	enum { NOTES = 8, MOST = 2000 };
	struct fixture *f = *state;
	struct rota_address name;
	struct rota_outgoing out = { .data = "late", .size = 4, .to = &name };
	struct note notes[NOTES] = { { .calls = 0 } };
	struct box box;
	struct rota_timer tick;
	int sent = 0, result, fd;
	char byte;

	rota_timer_init(&tick, f->loop);
	assert_int_equal(rota_timer_every(&tick, on_tick, ROTA_MSEC(1),
					  ROTA_REPEAT_RATE),
			 0);
	path_address(&name, "a");
	fd = raw_receiver(&name);
	box_init(&box, f, ROTA_LOCAL_DATAGRAMS);
	while ((result = try_text(&box, &name, "x")) == 1 && sent < MOST)
		sent++;
	for (int i = 0; i < NOTES && result == ROTA_EAGAIN; i++)
		assert_int_equal(rota_datagram_send(&notes[i].send,
						    &box.local.datagram, &out,
						    on_sent),
				 0);
	if (result == ROTA_EAGAIN) {
		while (next_attempt_ms(f) < 4)
			;
		for (int i = 0; i < 20; i++)
			assert_int_equal(try_text(&box, &name, "x"),
					 ROTA_EAGAIN);
		assert_int_equal(next_attempt_ms(f), 8);
		for (int i = 0; i < 20; i++)
			next_attempt_ms(f);
		assert_int_equal(next_attempt_ms(f), 64);
		assert_int_equal(notes[0].calls, 0);
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		next_attempt_ms(f);
		for (unsigned left = NOTES - 1; left > 0; left--) {
			assert_int_equal(
				rota_datagram_queue_count(&box.local.datagram),
				left);
			assert_int_equal(recv(fd, &byte, 1, 0), 1);
			assert_int_equal(next_attempt_ms(f), 1);
		}
		RUN_UNTIL(f, notes[NOTES - 1].calls == 1);
	}
	rota_timer_stop(&tick);
	box_close(&box);
	close(fd);
	unlink(name.is.un.sun_path);
	path_gone(&name);
}

/* The limit of one event is not a lack of room. */
static void requests_of_another_event_follow_without_a_pause(void **state)
{
	enum { COUNT = 2 * ROTA_DATAGRAMS_PER_EVENT + 10 };
	struct fixture *f = *state;
	struct rota_address name;
	struct rota_outgoing out = { .data = "x", .size = 1, .to = &name };
	static struct note notes[COUNT];
	struct box box;
	uint64_t start;

	memset(notes, 0, sizeof(notes));
	path_address(&name, "nobody");
	box_init(&box, f, ROTA_LOCAL_DATAGRAMS);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(rota_datagram_send(&notes[i].send,
						    &box.local.datagram, &out,
						    on_sent),
				 0);
	start = rota_loop_now(f->loop);
	RUN_UNTIL(f, notes[COUNT - 1].calls == 1);

	assert_int_equal(rota_loop_now(f->loop), start);
	assert_int_equal(notes[0].status, ROTA_ENOENT);
	assert_int_equal(notes[COUNT - 1].status, ROTA_ENOENT);
	box_close(&box);
	path_gone(&name);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct box *box = stream->handle.data;

	assert_int_equal(status, 0);
	memset(box, 0, sizeof(*box));
	assert_int_equal(rota_local_open(&box->local,
					 rota_handle_loop(&stream->handle), fd),
			 0);
	box_receive(box);
}

static void records_keep_their_bounds_and_have_an_end(void **state)
{
	struct fixture *f = *state;
	struct rota_local_listener listener;
	struct rota_address name;
	struct box client, server;

	if (!has_records())
		skip_elsewhere("the system has no SOCK_SEQPACKET");
	memset(&server, 0, sizeof(server));
	path_address(&name, "records");
	assert_int_equal(
		rota_local_listener_init(&listener, f->loop, &name, NULL), 0);
	assert_string_equal(rota_handle_type(&listener.handle),
			    "local_listener");
	listener.handle.data = &server;
	box_init(&client, f, ROTA_LOCAL_RECORDS);
	assert_int_equal(try_text(&client, NULL, "x"), ROTA_ENOTCONN);
	assert_int_equal(
		rota_datagram_receive_start(&client.local.datagram, on_message),
		ROTA_ENOTCONN);
	assert_int_equal(rota_local_connect(&client.local, &name),
			 ROTA_ECONNREFUSED);
	assert_int_equal(
		rota_stream_listen(&listener.stream, 16, on_connection), 0);
	assert_int_equal(rota_local_connect(&client.local, &name), 0);
	assert_int_equal(try_text(&client, NULL, ""), ROTA_EINVAL);
	assert_int_equal(try_text(&client, NULL, "one"), 1);
	assert_int_equal(try_text(&client, NULL, "two"), 1);
	RUN_UNTIL(f, server.count == 2);
	assert_string_equal(server.text, "one two ");
	box_receive(&client);
	assert_int_equal(try_text(&server, NULL, "back"), 1);
	RUN_UNTIL(f, client.count == 1);
	assert_string_equal(client.text, "back ");

	assert_int_equal(try_text(&client, NULL, "bye"), 1);
	box_close(&client);
	RUN_UNTIL(f, server.statuses == 1);
	assert_string_equal(server.text, "one two bye ");
	assert_int_equal(server.status, ROTA_EOF);
	assert_int_equal(rota_handle_is_active(&server.local.handle), 0);
	assert_int_equal(
		rota_datagram_receive_start(&server.local.datagram, on_message),
		ROTA_EOF);
	assert_int_equal(try_text(&server, NULL, "x"), ROTA_EPIPE);
	turn(f);
	assert_int_equal(server.statuses, 1);
	box_close(&server);
	assert_int_equal(rota_handle_close_now(&listener.handle), 0);
	path_gone(&name);
}

/* An abstract name has no file. */
static void refuse_a_mode_without_a_file(struct fixture *f)
{
	struct rota_pipe_bind_options options = { .size = sizeof(options),
						  .mode = 0600 };
	struct rota_address name;
	struct box box;

	box_init(&box, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_address_unix(&name, "\0rota", 5), 0);
	assert_int_equal(rota_local_bind(&box.local, &name, &options),
			 ROTA_EINVAL);
	box_close(&box);
}

static void what_is_wrong_is_returned(void **state)
{
	struct fixture *f = *state;
	struct rota_local_listener listener;
	struct rota_address name;
	struct box box;
	int fds[2];

	path_address(&name, "a");
	assert_int_equal(
		rota_local_init(&box.local, f->loop, (enum rota_local_kind)9),
		ROTA_EINVAL);
	refuse_a_mode_without_a_file(f);
	assert_int_equal(rota_local_open(&box.local, f->loop, -1), ROTA_EBADF);
	make_socketpair(fds);
	assert_int_equal(rota_local_open(&box.local, f->loop, fds[0]),
			 ROTA_EINVAL);
	close(fds[0]);
	close(fds[1]);
	fault_fail("socket", 1, EMFILE);
	assert_int_equal(
		rota_local_init(&box.local, f->loop, ROTA_LOCAL_DATAGRAMS),
		ROTA_EMFILE);
	fault_clear();
	fault_fail("socketpair", 1, EMFILE);
	assert_int_equal(rota_local_pair(&box.local, (struct rota_local *)&name,
					 f->loop, ROTA_LOCAL_DATAGRAMS),
			 ROTA_EMFILE);
	fault_clear();
	if (has_records()) {
		fault_fail("bind", 1, EACCES);
		assert_int_equal(rota_local_listener_init(&listener, f->loop,
							  &name, NULL),
				 ROTA_EACCES);
		fault_clear();
	}
	path_gone(&name);
}

static void a_shutdown_closes_them(void **state)
{
	struct fixture *f = *state;
	struct rota_local_listener listener;
	struct rota_address name;
	struct box box;

	path_address(&name, "a");
	box_init(&box, f, ROTA_LOCAL_DATAGRAMS);
	assert_int_equal(rota_local_bind(&box.local, &name, NULL), 0);
	box_receive(&box);
	path_address(&name, "b");
	if (has_records())
		assert_int_equal(rota_local_listener_init(&listener, f->loop,
							  &name, NULL),
				 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	path_gone(&name);
}

static void budgets_of_local_sockets_are_kept(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip_test("the budgets are for 64 bits");
	assert_in_range(sizeof(struct rota_local), 1, 280);
	assert_in_range(sizeof(struct rota_local_listener), 1, 200);
}

static const struct CMUnitTest tests[] = {
	REAL(datagrams_go_to_a_path_and_back),
	REAL(datagrams_of_a_connection_need_no_name),
	REAL(a_socket_whose_peer_has_closed_connects_again),
	REAL(large_datagrams_are_received_whole),
	REAL(a_full_receiver_delays_requests_without_a_spin),
	VIRTUAL(pauses_double_until_something_is_sent),
	VIRTUAL(requests_of_another_event_follow_without_a_pause),
	REAL(records_keep_their_bounds_and_have_an_end),
	REAL(what_is_wrong_is_returned),
	REAL(a_shutdown_closes_them),
	REAL(budgets_of_local_sockets_are_kept),
};
FIXTURE_MAIN(tests)

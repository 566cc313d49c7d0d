/*
 * Listeners whose descriptor is passed over a Unix socket while they are at
 * work, and taken into use by the receiver.
 */
#include "support/fixture.h"

#include <string.h>
#include <unistd.h>

#include "support/pipes.h"
#include "support/streams_more.h"

/* A listener at work, which waits for connections, and who gets it. */
struct heir {
	struct fixture *f;
	struct pipe_end e;
	struct rota_pass pass;
	unsigned accepted;
	int fd; /* as it has arrived */
};

static struct heir *the_heir;

static void count_connection(struct rota_stream *stream, int status, int fd)
{
	(void)stream;
	assert_int_equal(status, 0);
	the_heir->accepted++;
	raw_close(fd);
}

static void passed_on(struct rota_write *write, int status)
{
	(void)write;
	assert_int_equal(status, 0);
}

/* Pass the descriptor of @stream, which is a listener, to this loop. */
static void inherit(struct heir *h, struct fixture *f,
		    struct rota_stream *stream)
{
	static const struct rota_const_buf byte = { "x", 1 };
	struct rota_pipe sender;
	int fd = rota_stream_fd(stream);

	*h = (struct heir){ .f = f, .fd = -1 };
	the_heir = h;
	assert_int_equal(rota_pipe_pair(&sender, &h->e.pipe, f->loop), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&h->e.pipe, 1), 0);
	h->e.peer = -1;
	h->e.pipe.handle.data = &h->e;
	pipe_read(&h->e);
	assert_int_equal(
		rota_pipe_write(&h->pass, &sender, &byte, 1, &fd, 1, passed_on),
		0);
	RUN_UNTIL(f, h->e.size == 1);
	assert_int_equal(rota_pipe_take_descriptors(&h->e.pipe, &h->fd, 1), 1);
	assert_int_equal(rota_handle_close_now(&sender.handle), 0);
	assert_int_equal(rota_handle_close_now(&h->e.pipe.handle), 0);
}

/* The receiver accepts those that have waited, and later ones. */
static void a_listener_of_tcp_goes_on_where_it_is_passed(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	struct server s;
	struct heir h;
	int fds[2];

	server_open(&s, f, 8);
	assert_int_equal(rota_stream_listen_pause(&s.tcp.stream), 0);
	fds[0] = raw_client(&s.address);
	inherit(&h, f, &s.tcp.stream);
	server_end(&s);

	assert_int_equal(rota_tcp_open(&tcp, f->loop, h.fd), 0);
	assert_int_equal(rota_stream_read_start(&tcp.stream, collect),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_stream_listen(&tcp.stream, 8, count_connection),
			 0);
	fds[1] = raw_client(&s.address);
	RUN_UNTIL(f, h.accepted == 2);
	assert_int_equal(s.accepted, 0);
	raw_close_all(fds, 2);
	tcp_end(&tcp);
}

/* The same with a path. The sender keeps the file, which the receiver needs. */
static void a_listener_at_a_path_goes_on_where_it_is_passed(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_bind_options options = {
		.size = sizeof(options),
		.flags = ROTA_PIPE_KEEP_FILE,
	};
	struct rota_pipe first, second;
	struct pipe_place place;
	struct heir h;
	int fds[2];

	pipe_place_begin(&place);
	assert_int_equal(rota_pipe_init(&first, f->loop), 0);
	assert_int_equal(rota_pipe_bind(&first, place.path, strlen(place.path),
					&options),
			 0);
	assert_int_equal(rota_stream_listen(&first.stream, 8, count_connection),
			 0);
	assert_int_equal(rota_stream_listen_pause(&first.stream), 0);
	fds[0] = raw_unix_connect(place.path);
	inherit(&h, f, &first.stream);
	assert_int_equal(rota_handle_close_now(&first.handle), 0);

	assert_int_equal(rota_pipe_open(&second, f->loop, h.fd), 0);
	assert_int_equal(
		rota_stream_listen(&second.stream, 8, count_connection), 0);
	fds[1] = raw_unix_connect(place.path);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	RUN_UNTIL(f, h.accepted == 2);
	raw_close_all(fds, 2);
	assert_int_equal(rota_handle_close_now(&second.handle), 0);
	assert_int_equal(unlink(place.path), 0);
	pipe_place_end(&place);
}

static const struct CMUnitTest tests[] = {
	REAL(a_listener_of_tcp_goes_on_where_it_is_passed),
	REAL(a_listener_at_a_path_goes_on_where_it_is_passed),
};

FIXTURE_MAIN(tests)

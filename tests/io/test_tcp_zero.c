/*
 * Sockets with the number 0, as in a process that was started without a
 * standard input: 0 is a valid descriptor and no error.
 */
#include "support/fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include "rota/tcp.h"

struct scene {
	struct rota_loop *loop;
	struct rota_address address; /* of the listener */
	struct rota_tcp listener, client, server;
	struct rota_connect connect;
	int accepted; /* the descriptor */
	int received;
};

static struct scene *scene_of(struct rota_stream *stream)
{
	return rota_loop_get_data(rota_handle_loop(&stream->handle));
}

/* Make the number 0 free, and occupy it again afterwards. */
static int hide_input(void)
{
	int saved = dup(STDIN_FILENO);

	assert_true(saved > STDERR_FILENO);
	close(STDIN_FILENO);
	return saved;
}

static void restore_input(int saved)
{
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void close_all(struct scene *s)
{
	rota_handle_close(&s->listener.handle, NULL);
	rota_handle_close(&s->client.handle, NULL);
	rota_handle_close(&s->server.handle, NULL);
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	assert_int_equal(status, 0);
	assert_int_equal(buf->size, 1);
	scene_of(stream)->received = buf->data[0];
	close_all(scene_of(stream));
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct scene *s = scene_of(stream);

	assert_int_equal(status, 0);
	s->accepted = fd;
	assert_int_equal(rota_tcp_open(&s->server, s->loop, fd), 0);
	assert_int_equal(rota_stream_read_start(&s->server.stream, on_read), 0);
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct scene *s = rota_container_of(connect, struct scene, connect);

	assert_int_equal(status, 0);
	assert_int_equal(rota_stream_send(&s->client.stream, "x", 1), 0);
}

static void scene_begin(struct scene *s, struct fixture *f)
{
	*s = (struct scene){ .loop = f->loop, .accepted = -1 };
	rota_loop_set_data(s->loop, s);
	assert_int_equal(rota_tcp_init(&s->listener, s->loop), 0);
	assert_int_equal(rota_tcp_init(&s->client, s->loop), 0);
	assert_int_equal(rota_address_ip(&s->address, "127.0.0.1", 0), 0);
}

static void begin_listening(struct scene *s)
{
	assert_int_equal(rota_tcp_bind(&s->listener, &s->address, 0), 0);
	assert_int_equal(
		rota_stream_listen(&s->listener.stream, 1, on_connection), 0);
	assert_int_equal(rota_tcp_own_address(&s->listener, &s->address), 0);
	assert_true(rota_address_port(&s->address) != 0);
}

static void begin_connecting(struct scene *s)
{
	assert_int_equal(rota_tcp_connect(&s->connect, &s->client, &s->address,
					  on_connect),
			 0);
}

static void expect_received(struct scene *s)
{
	assert_int_equal(rota_loop_run(s->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(s->received, 'x');
}

static int is_open(int fd)
{
	int copy = dup(fd);

	close(copy);
	return copy >= 0;
}

static void a_listener_may_have_the_number_0(void **state)
{
	int saved = hide_input();
	struct scene s;

	scene_begin(&s, *state);
	begin_listening(&s);
	assert_true(is_open(0));
	begin_connecting(&s);
	expect_received(&s);

	assert_false(is_open(0));
	restore_input(saved);
}

static void a_client_may_have_the_number_0(void **state)
{
	struct scene s;
	int saved;

	scene_begin(&s, *state);
	begin_listening(&s);
	saved = hide_input();
	begin_connecting(&s);
	assert_true(is_open(0));
	expect_received(&s);

	assert_false(is_open(0));
	restore_input(saved);
}

static void a_connection_may_have_the_number_0(void **state)
{
	struct scene s;
	int saved;

	scene_begin(&s, *state);
	begin_listening(&s);
	begin_connecting(&s);
	saved = hide_input();
	expect_received(&s);

	assert_int_equal(s.accepted, 0);
	assert_false(is_open(0));
	restore_input(saved);
}

static void a_socket_that_was_opened_is_bound_at_0(void **state)
{
	int saved = hide_input();
	struct scene s;

	scene_begin(&s, *state);
	assert_int_equal(rota_handle_close_now(&s.listener.handle), 0);
	assert_int_equal(socket(AF_INET, SOCK_STREAM, 0), 0);
	assert_int_equal(rota_tcp_open(&s.listener, s.loop, 0), 0);
	begin_listening(&s);
	begin_connecting(&s);
	expect_received(&s);

	assert_false(is_open(0));
	restore_input(saved);
}

static const struct CMUnitTest tests[] = {
	REAL(a_listener_may_have_the_number_0),
	REAL(a_client_may_have_the_number_0),
	REAL(a_connection_may_have_the_number_0),
	REAL(a_socket_that_was_opened_is_bound_at_0),
};
FIXTURE_MAIN(tests)

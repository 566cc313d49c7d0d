/*
 * TCP over loopback, and addresses, which are in network byte order.
 */
#include "cross/plain.h"

#include <string.h>

enum { SENT = 3000000, PIECE = 40000 };

struct echo {
	struct rota_loop *loop;
	struct rota_tcp listener, server, client;
	struct rota_connect connect;
	size_t sent, received;
	int failed;
};

static char pattern_at(size_t offset)
{
	return (char)(offset * 7 + (offset >> 8));
}

static void close_all(struct echo *e)
{
	rota_handle_close(&e->listener.handle, NULL);
	rota_handle_close(&e->server.handle, NULL);
	rota_handle_close(&e->client.handle, NULL);
}

static void fail(struct echo *e)
{
	e->failed = 1;
	close_all(e);
}

static struct echo *echo_of(struct rota_stream *stream)
{
	return rota_loop_get_data(rota_handle_loop(&stream->handle));
}

static void on_server_read(struct rota_stream *stream, int status,
			   const struct rota_buf *buf)
{
	if (status < 0 || rota_stream_send(stream, buf->data, buf->size) < 0)
		fail(echo_of(stream));
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct echo *e = echo_of(stream);

	if (status < 0 || rota_tcp_open(&e->server, e->loop, fd) < 0 ||
	    rota_stream_read_start(&e->server.stream, on_server_read) < 0)
		fail(e);
}

static void send_more(struct echo *e)
{
	static char piece[PIECE];
	int status = 0;

	while (status == 0 && e->sent < SENT) {
		for (size_t i = 0; i < PIECE; i++)
			piece[i] = pattern_at(e->sent + i);
		status = rota_stream_send(&e->client.stream, piece, PIECE);
		e->sent += PIECE;
	}
	if (status < 0)
		fail(e);
}

static void on_drain(struct rota_stream *stream, int status)
{
	if (status < 0)
		fail(echo_of(stream));
	else
		send_more(echo_of(stream));
}

static void on_client_read(struct rota_stream *stream, int status,
			   const struct rota_buf *buf)
{
	struct echo *e = echo_of(stream);

	if (status < 0) {
		fail(e);
		return;
	}
	for (size_t i = 0; i < buf->size; i++)
		if (buf->data[i] != pattern_at(e->received + i)) {
			fail(e);
			return;
		}
	e->received += buf->size;
	if (e->received == SENT)
		close_all(e);
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct echo *e = rota_container_of(connect, struct echo, connect);

	if (status < 0 ||
	    rota_stream_read_start(&e->client.stream, on_client_read) < 0) {
		fail(e);
		return;
	}
	send_more(e);
}

static void echo_over(const char *ip)
{
	struct echo e = { .loop = plain_loop(ROTA_CLOCK_MONOTONIC) };
	struct rota_address address;

	rota_loop_set_data(e.loop, &e);
	EXPECT(rota_tcp_init(&e.listener, e.loop) == 0);
	EXPECT(rota_tcp_init(&e.client, e.loop) == 0);
	EXPECT(rota_address_ip(&address, ip, 0) == 0);
	EXPECT(rota_tcp_bind(&e.listener, &address, 0) == 0);
	EXPECT(rota_stream_listen(&e.listener.stream, 8, on_connection) == 0);
	EXPECT(rota_tcp_own_address(&e.listener, &address) == 0);
	EXPECT(rota_address_port(&address) != 0);
	rota_stream_on_drain(&e.client.stream, on_drain);
	EXPECT(rota_tcp_connect(&e.connect, &e.client, &address, on_connect) ==
	       0);
	EXPECT(rota_loop_run(e.loop, ROTA_RUN_DEFAULT) == 0);

	EXPECT(!e.failed);
	EXPECT(e.received == SENT);
	EXPECT(rota_loop_close(e.loop) == 0);
}

static void bytes_come_back_in_their_order(void)
{
	echo_over("127.0.0.1");
}

static void an_address_is_written_as_it_was_read(void)
{
	static const struct {
		const char *ip;
		unsigned port;
		const char *text;
	} cases[] = {
		{ "192.0.2.1", 80, "192.0.2.1:80" },
		{ "0.0.0.255", 65535, "0.0.0.255:65535" },
		{ "2001:db8::102:304", 258, "[2001:db8::102:304]:258" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rota_address address;
		char text[ROTA_ADDRESS_TEXT_SIZE];

		EXPECT(rota_address_ip(&address, cases[i].ip, cases[i].port) ==
		       0);
		EXPECT(rota_address_port(&address) == cases[i].port);
		EXPECT(rota_address_text(&address, text, sizeof(text)) >= 0);
		EXPECT(strcmp(text, cases[i].text) == 0);
	}
}

static void on_refused(struct rota_connect *connect, int status)
{
	(void)connect;
	EXPECT(status == ROTA_ECONNREFUSED);
}

/* Nothing listens on this port: a listener is bound to it, but not started. */
static void a_refused_connect_says_so(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_MONOTONIC);
	struct rota_tcp bound, client;
	struct rota_connect connect = { 0 };
	struct rota_address address;

	EXPECT(rota_tcp_init(&bound, loop) == 0);
	EXPECT(rota_tcp_init(&client, loop) == 0);
	EXPECT(rota_address_ip(&address, "127.0.0.1", 0) == 0);
	EXPECT(rota_tcp_bind(&bound, &address, 0) == 0);
	EXPECT(rota_tcp_own_address(&bound, &address) == 0);
	EXPECT(rota_tcp_connect(&connect, &client, &address, on_refused) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) >= 0);

	rota_handle_close(&bound.handle, NULL);
	rota_handle_close(&client.handle, NULL);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static const struct plain_test tests[] = {
	{ "bytes_come_back_in_their_order", bytes_come_back_in_their_order },
	{ "an_address_is_written_as_it_was_read",
	  an_address_is_written_as_it_was_read },
	{ "a_refused_connect_says_so", a_refused_connect_says_so },
};
PLAIN_MAIN(tests)

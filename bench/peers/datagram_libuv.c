/*
 * datagram_libuv.c - echo servers for datagrams on libuv, which send each
 * datagram back by uv_udp_try_send: with UV_UDP_RECVMMSG, which receives up to
 * 20 by one system call, and without it.
 */
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "peers/datagrams.h"
#include "support/bench.h"

enum { BATCH = 20, BUFFER = 65536 };

struct server {
	uv_loop_t loop;
	uv_udp_t udp;
	char *buffers;
	size_t size;
};

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct server *server = handle->data;

	(void)size;
	*buf = uv_buf_init(server->buffers, (unsigned)server->size);
}

static void on_receive(uv_udp_t *udp, ssize_t size, const uv_buf_t *buf,
		       const struct sockaddr *from, unsigned flags)
{
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);

	(void)flags;
	if (size >= 0 && from != NULL)
		uv_udp_try_send(udp, &reply, 1, from);
}

static void *make(int fd, unsigned flags, size_t size)
{
	struct server *server = calloc(1, sizeof(*server));

	server->size = size;
	server->buffers = malloc(size);
	server->udp.data = server;
	if (uv_loop_init(&server->loop) ||
	    uv_udp_init_ex(&server->loop, &server->udp, flags) ||
	    uv_udp_open(&server->udp, dup(fd)) ||
	    uv_udp_recv_start(&server->udp, on_alloc, on_receive))
		bench_fail("uv_udp_open");
	return server;
}

static void *make_batch(int fd)
{
	return make(fd, UV_UDP_RECVMMSG, (size_t)BATCH * BUFFER);
}

static void *make_plain(int fd)
{
	return make(fd, 0, BUFFER);
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	uv_run(&server->loop, UV_RUN_ONCE);
}

static void server_run(void *arg)
{
	struct server *server = arg;

	uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	uv_close((uv_handle_t *)&server->udp, NULL);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&server->loop))
		bench_fail("uv_loop_close");
	free(server->buffers);
	free(server);
}

const struct datagram_peer datagram_libuv = {
	"libuv recvmmsg, try_send",
	make_batch,
	server_turn,
	server_run,
	server_free,
};

const struct datagram_peer datagram_libuv_plain = {
	"libuv uv_udp, try_send",
	make_plain,
	server_turn,
	server_run,
	server_free,
};

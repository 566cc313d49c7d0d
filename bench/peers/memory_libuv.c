/*
 * memory_libuv.c - libuv's streams and timers. All streams read into one buffer
 * and write with uv_try_write(), which needs no request.
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/echo.h"
#include "peers/memory.h"
#include "support/bench.h"

static char buffer[ECHO_BUFFER_SIZE];

static void *make(size_t *echoed)
{
	uv_loop_t *loop = malloc(sizeof(*loop));

	if (!loop || uv_loop_init(loop))
		bench_fail("uv_loop_init");
	loop->data = echoed;
	return loop;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	uv_buf_t reply = uv_buf_init(buf->base, (unsigned)size);
	size_t *echoed = stream->loop->data;

	if (size < 0 || uv_try_write(stream, &reply, 1) != size)
		bench_fail("uv_try_write");
	++*echoed;
}

static void open_tcp(void *loop, int fd)
{
	uv_tcp_t *tcp = malloc(sizeof(*tcp));

	if (!tcp || uv_tcp_init(loop, tcp) || uv_tcp_open(tcp, fd) ||
	    uv_read_start((uv_stream_t *)tcp, on_alloc, on_read))
		bench_fail("uv_tcp_open");
}

static void turn(void *loop)
{
	uv_run(loop, UV_RUN_ONCE);
}

const struct memory_peer memory_libuv = {
	"libuv, uv_tcp", sizeof(uv_tcp_t), true, make, open_tcp, turn,
};

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
}

static void start_timer(void *loop, uint64_t delay_ms)
{
	uv_timer_t *timer = malloc(sizeof(*timer));

	if (!timer || uv_timer_init(loop, timer) ||
	    uv_timer_start(timer, on_timer, delay_ms, 0))
		bench_fail("uv_timer_start");
}

const struct memory_timer_peer memory_libuv_timer = {
	"libuv, uv_timer",
	sizeof(uv_timer_t),
	make,
	start_timer,
};

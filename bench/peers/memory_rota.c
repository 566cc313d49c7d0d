/*
 * memory_rota.c - rota's streams, watches and timers.
 */
#include <stdlib.h>

#include "peers/echo.h"
#include "peers/memory.h"
#include "rota.h"
#include "support/bench.h"

static void *make(size_t *echoed)
{
	struct rota_loop *loop;

	if (rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	rota_loop_set_data(loop, echoed);
	return loop;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	size_t *echoed = stream->handle.data;

	if (status < 0 || rota_stream_send(stream, buf->data, buf->size))
		bench_fail("rota_stream_send");
	++*echoed;
}

static void open_tcp(void *loop, int fd)
{
	struct rota_tcp *tcp = malloc(sizeof(*tcp));

	if (!tcp || rota_tcp_open(tcp, loop, fd) ||
	    rota_stream_read_start(&tcp->stream, on_read))
		bench_fail("rota_stream_read_start");
	tcp->handle.data = rota_loop_get_data(loop);
}

static void on_ready(struct rota_watch *watch, unsigned events)
{
	size_t *echoed = watch->data;

	(void)events;
	echo_once(rota_watch_fd(watch));
	++*echoed;
}

static void open_watch(void *loop, int fd)
{
	struct rota_watch *watch = malloc(sizeof(*watch));

	if (!watch)
		bench_fail("malloc");
	rota_watch_init(watch, loop, fd);
	watch->data = rota_loop_get_data(loop);
	if (rota_watch_start(watch, on_ready, ROTA_READABLE))
		bench_fail("rota_watch_start");
}

static void turn(void *loop)
{
	if (rota_loop_run(loop, ROTA_RUN_ONCE) < 0)
		bench_fail("rota_loop_run");
}

const struct memory_peer memory_rota_tcp = {
	"rota, tcp", sizeof(struct rota_tcp), true, make, open_tcp, turn,
};

const struct memory_peer memory_rota_watch = {
	"rota, watch", sizeof(struct rota_watch), false, make, open_watch, turn,
};

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
}

static void start_timer(void *loop, uint64_t delay_ms)
{
	struct rota_timer *timer = malloc(sizeof(*timer));

	if (!timer)
		bench_fail("malloc");
	rota_timer_init(timer, loop);
	if (rota_timer_start(timer, on_timer, ROTA_MSEC(delay_ms)))
		bench_fail("rota_timer_start");
}

const struct memory_timer_peer memory_rota_timer = {
	"rota",
	sizeof(struct rota_timer),
	make,
	start_timer,
};

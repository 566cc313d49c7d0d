/*
 * tests/pool/plugin/plugin.c - see plugin.h.
 */
#include "plugin.h"

#include <stdlib.h>
#include <unistd.h>

#include "rota.h"
#include "rota/pool.h"

static int do_nothing(struct rota_work *work)
{
	(void)work;
	return 0;
}

static void count(struct rota_work *work, int status)
{
	int *ended = work->request.data;

	*ended += status == 0;
}

static int open_loop(struct rota_loop **loop, int own_pool)
{
	struct rota_loop_options options;
	struct rota_pool *pool;
	int error;

	rota_loop_options_init(&options);
	if (!own_pool)
		return rota_loop_new(loop, &options);
	error = rota_pool_new(&pool, NULL);
	if (error < 0)
		return error;
	options.pool = pool;
	error = rota_loop_new(loop, &options);
	rota_pool_unref(pool);
	return error;
}

static int use(int own_pool)
{
	struct rota_loop *loop;
	struct rota_work work[3];
	int ended = 0;

	if (open_loop(&loop, own_pool) < 0)
		return 1;
	for (int i = 0; i < 3; i++) {
		rota_work_init(&work[i], loop);
		work[i].request.data = &ended;
		if (rota_work_queue(&work[i], ROTA_LANE_IO, do_nothing, count) <
		    0)
			return 2;
	}
	if (rota_loop_run(loop, ROTA_RUN_DEFAULT) != 0 || ended != 3)
		return 3;
	return rota_loop_close(loop);
}

static int read_byte(void *context)
{
	int *fd = context;
	char byte;

	return read(*fd, &byte, 1) == 1 ? 0 : ROTA_EIO;
}

static void ignore(struct rota_work *work, int status)
{
	(void)work;
	(void)status;
}

static int be_stuck(int fd)
{
	const struct rota_detachable how = { read_byte, free,
					     malloc(sizeof(fd)) };
	struct rota_lane_stats stats = { .size = sizeof(stats) };
	struct rota_loop *loop;
	struct rota_work work;

	if (how.context == NULL || open_loop(&loop, 0) < 0)
		return 1;
	*(int *)how.context = fd;
	rota_work_init(&work, loop);
	if (rota_work_queue_detachable(&work, ROTA_LANE_IO, &how, ignore) < 0)
		return 2;
	do
		if (rota_pool_stats(rota_pool_default(), ROTA_LANE_IO, &stats) <
		    0)
			return 3;
	while (stats.running == 0);
	if (rota_request_cancel(&work.request) < 0 ||
	    rota_loop_run(loop, ROTA_RUN_DEFAULT) != 0)
		return 4;
	return rota_loop_close(loop);
}

static int end_in_use(void)
{
	struct rota_loop *loop;
	struct rota_work work;
	int ended = 0;
	int error;

	if (open_loop(&loop, 0) < 0)
		return 1;
	rota_work_init(&work, loop);
	work.request.data = &ended;
	if (rota_work_queue(&work, ROTA_LANE_IO, do_nothing, count) < 0)
		return 2;
	error = rota_pool_end(UINT64_MAX);
	if (rota_loop_run(loop, ROTA_RUN_DEFAULT) != 0 || ended != 1)
		return 3;
	return rota_loop_close(loop) == 0 ? error : 4;
}

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	(void)signal;
	(void)count;
}

static int watch_signal(int number, int stops)
{
	static struct rota_signal signal;
	static struct rota_loop *loop;

	if (rota_loop_new(&loop, NULL) < 0 ||
	    rota_signal_init(&signal, loop) < 0 ||
	    rota_signal_start(&signal, on_signal, number) < 0)
		return 1;
	if (!stops)
		return 0;
	return rota_handle_close_now(&signal.handle) == 0
		       ? rota_loop_close(loop)
		       : 2;
}

const struct plugin plugin = {
	.use = use,
	.be_stuck = be_stuck,
	.watch_signal = watch_signal,
	.end = rota_pool_end,
	.end_in_use = end_in_use,
};

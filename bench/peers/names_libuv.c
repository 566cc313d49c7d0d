/*
 * peers/names_libuv.c - see names.h. libuv has 4 threads for everything, and
 * lets lookups have two of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "peers/names.h"
#include "support/bench.h"

struct set {
	uv_loop_t loop;
	uv_fs_t fs;
	uv_timer_t timer;
	uint64_t at_ns;
	size_t count;
	uv_getaddrinfo_t lookups[];
};

static void on_lookup(uv_getaddrinfo_t *lookup, int status,
		      struct addrinfo *found)
{
	(void)lookup;
	(void)status;
	(void)found;
}

static void on_stat(uv_fs_t *fs)
{
	((struct set *)fs->data)->at_ns = bench_wall_ns();
	uv_fs_req_cleanup(fs);
}

static void on_timer(uv_timer_t *timer)
{
	((struct set *)timer->data)->at_ns = bench_wall_ns();
}

static uint64_t wait_since(struct set *set, uint64_t begin_ns)
{
	while (set->at_ns == 0)
		uv_run(&set->loop, UV_RUN_ONCE);
	return set->at_ns - begin_ns;
}

static void *make(size_t count)
{
	struct set *set =
		calloc(1, sizeof(*set) + count * sizeof(set->lookups[0]));

	if (set == NULL || uv_loop_init(&set->loop) < 0)
		bench_fail("no loop");
	set->count = count;
	uv_timer_init(&set->loop, &set->timer);
	for (size_t i = 0; i < count; i++) {
		char host[NAMES_SIZE];

		(void)snprintf(host, sizeof(host), "stuck%zu.test", i);
		if (uv_getaddrinfo(&set->loop, &set->lookups[i], on_lookup,
				   host, NULL, NULL) < 0)
			bench_fail("no lookup");
	}
	return set;
}

static uint64_t stat_ns(void *arg)
{
	struct set *set = arg;
	uint64_t begin_ns = bench_wall_ns();

	set->at_ns = 0;
	set->fs.data = set;
	if (uv_fs_stat(&set->loop, &set->fs, "/", on_stat) < 0)
		bench_fail("no stat");
	return wait_since(set, begin_ns);
}

static uint64_t late_ns(void *arg)
{
	struct set *set = arg;
	uint64_t begin_ns;

	uv_update_time(&set->loop);
	begin_ns = bench_wall_ns();
	set->at_ns = 0;
	set->timer.data = set;
	if (uv_timer_start(&set->timer, on_timer, 1, 0) < 0)
		bench_fail("no timer");
	wait_since(set, begin_ns);
	return set->at_ns > begin_ns + 1000000 ? set->at_ns - begin_ns - 1000000
					       : 0; /* it may be early */
}

static uint64_t cancel_ns(void *arg)
{
	struct set *set = arg;

	if (uv_cancel((uv_req_t *)&set->lookups[0]) == 0)
		bench_fail("libuv has cancelled a lookup that hangs");
	return UINT64_MAX;
}

static uint64_t free_set(void *arg, void (*release)(void))
{
	struct set *set = arg;

	if (set->count > 0 && uv_loop_close(&set->loop) == 0)
		bench_fail("libuv has closed a loop with lookups");
	release();
	uv_close((uv_handle_t *)&set->timer, NULL);
	uv_run(&set->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&set->loop) < 0)
		bench_fail("libuv does not close its loop");
	free(set);
	return UINT64_MAX;
}

const struct names_peer names_libuv = {
	.name = "libuv",
	.make = make,
	.stat_ns = stat_ns,
	.late_ns = late_ns,
	.cancel_ns = cancel_ns,
	.free = free_set,
};

/*
 * peers/names_rota.c - see names.h. The pool is the default one, with up to 16
 * threads for lookups.
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

#include "peers/names.h"
#include "support/bench.h"

struct set {
	struct rota_loop *loop;
	struct rota_pool *pool;
	struct rota_fs fs;
	struct rota_file_info info;
	struct rota_timer timer;
	uint64_t at_ns;
	size_t count;
	struct rota_lookup lookups[];
};

static void on_lookup(struct rota_lookup *lookup, int status,
		      const struct rota_address_list *list)
{
	struct set *set = lookup->request.data;

	(void)status;
	(void)list;
	set->at_ns = bench_wall_ns();
}

static void on_stat(struct rota_fs *fs, int64_t result)
{
	struct set *set = rota_container_of(fs, struct set, fs);

	(void)result;
	set->at_ns = bench_wall_ns();
}

static void on_timer(struct rota_timer *timer)
{
	rota_container_of(timer, struct set, timer)->at_ns = bench_wall_ns();
}

static uint64_t wait_since(struct set *set, uint64_t begin_ns)
{
	while (set->at_ns == 0)
		if (rota_loop_run(set->loop, ROTA_RUN_ONCE) < 0)
			bench_fail("rota does not run");
	return set->at_ns - begin_ns;
}

static void *make(size_t count)
{
	struct set *set =
		calloc(1, sizeof(*set) + count * sizeof(set->lookups[0]));
	struct rota_loop_options options;

	rota_loop_options_init(&options);
	if (set == NULL || rota_pool_new(&set->pool, NULL) < 0)
		bench_fail("no memory");
	options.pool = set->pool;
	if (rota_loop_new(&set->loop, &options) < 0)
		bench_fail("no loop");
	set->count = count;
	rota_fs_init(&set->fs, set->loop);
	rota_timer_init(&set->timer, set->loop);
	for (size_t i = 0; i < count; i++) {
		char host[NAMES_SIZE];

		(void)snprintf(host, sizeof(host), "stuck%zu.test", i);
		set->lookups[i].request.data = set;
		if (rota_lookup_begin(&set->lookups[i], set->loop, host, NULL,
				      NULL, on_lookup) < 0)
			bench_fail("no lookup");
	}
	return set;
}

static uint64_t stat_ns(void *arg)
{
	struct set *set = arg;
	uint64_t begin_ns = bench_wall_ns();

	set->at_ns = 0;
	set->info.size = sizeof(set->info);
	if (rota_fs_stat(&set->fs, on_stat, "/", &set->info) < 0)
		bench_fail("no stat");
	return wait_since(set, begin_ns);
}

static uint64_t late_ns(void *arg)
{
	struct set *set = arg;
	uint64_t begin_ns = bench_wall_ns();

	set->at_ns = 0;
	if (rota_timer_start(&set->timer, on_timer, ROTA_MSEC(1)) < 0)
		bench_fail("no timer");
	return wait_since(set, begin_ns) - ROTA_MSEC(1);
}

static uint64_t cancel_ns(void *arg)
{
	struct set *set = arg;
	uint64_t begin_ns = bench_wall_ns();

	set->at_ns = 0;
	if (rota_request_cancel(&set->lookups[0].request) < 0)
		bench_fail("no cancel");
	return wait_since(set, begin_ns);
}

static uint64_t free_set(void *arg, void (*release)(void))
{
	struct set *set = arg;
	uint64_t begin_ns = bench_wall_ns();
	uint64_t end_ns;

	(void)release;
	if (rota_loop_shutdown(set->loop, UINT64_MAX) < 0)
		bench_fail("no shutdown");
	end_ns = bench_wall_ns();
	rota_pool_unref(set->pool);
	free(set);
	return end_ns - begin_ns;
}

const struct names_peer names_rota = {
	.name = "rota",
	.make = make,
	.stat_ns = stat_ns,
	.late_ns = late_ns,
	.cancel_ns = cancel_ns,
	.free = free_set,
};

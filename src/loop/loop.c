/*
 * loop/loop.c - makes, closes and frees loops, and answers queries about them.
 *
 *  1. The memory lives as long as there are references. Closing a loop drops
 *     the loop's own reference. The poller is closed when the memory is freed,
 *     because a thread that has just posted may be about to wake the loop (see
 *     inbox.c).
 *  2. A loop belongs to the process that made it, or that rebuilt it after a
 *     fork. In another process, functions that would reach the kernel return
 *     ROTA_ECHILD (F2).
 */
#include "loop/loop.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/sized.h"
#include "loop/async.h"
#include "loop/enter.h"
#include "loop/request.h"
#include "loop/turn.h"

enum {
	ALIGNMENT = 64, /* a cache line; and see queue.h (2) */
	BLOCK_SIZE = sizeof(struct rota_loop) + ALIGNMENT,
};

/* The first version of the struct ended here. */
enum {
	LEAST_LOOP_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_loop_options, allocator)
};

ROTAI_SIZED(struct rota_loop_options, buffer_size);

static const uint64_t VIRTUAL_START_NS = ROTA_SEC(1);
static const uint64_t VIRTUAL_WALL_START_NS = ROTA_SEC(1000000000);

static uint64_t monotonic_clock(struct rota_loop *loop)
{
	(void)loop;
	return rotai_clock_monotonic();
}

uint64_t rotai_loop_virtual_clock(struct rota_loop *loop)
{
	return loop->virtual_ns;
}

static int check_loop_options(const struct rota_loop_options *options)
{
	if ((unsigned)options->clock > ROTA_CLOCK_VIRTUAL ||
	    (options->allocator != NULL &&
	     options->allocator->resize == NULL) ||
	    options->buffer_size < ROTA_LEAST_BUFFER_SIZE)
		return ROTA_EINVAL;
	return 0;
}

/* Fill @options from @given, which may be NULL, or be of an earlier version.
 * Returns 0 or an error. */
static int complete_loop_options(struct rota_loop_options *options,
				 const struct rota_loop_options *given)
{
	int error;

	rota_loop_options_init(options);
	if (given == NULL)
		return 0;
	error = rotai_sized_take(options, sizeof(*options), given,
				 LEAST_LOOP_OPTIONS);
	return error < 0 ? error : check_loop_options(options);
}

static void init_queues(struct rota_loop *loop)
{
	rotai_queue_init(&loop->ticks);
	rotai_queue_init(&loop->microtasks);
	rotai_queue_init(&loop->immediates);
	rotai_queue_init(&loop->posts);
	rotai_queue_init(&loop->taken);
	for (int kind = ROTA_HOOK_IDLE; kind < ROTA_HOOK_KIND_COUNT; kind++)
		rotai_list_init(&loop->hooks[kind]);
	rotai_list_init(&loop->asyncs);
	rotai_list_init(&loop->due);
	rotai_list_init(&loop->due_next_turn);
	rotai_list_init(&loop->requests);
	rotai_list_init(&loop->ended);
	rotai_list_init(&loop->ended_taken);
	rotai_list_init(&loop->handles);
	rotai_list_init(&loop->closing_held);
	rotai_list_init(&loop->closing_taken);
	rotai_list_init(&loop->closing_ended_taken);
	rotai_list_init(&loop->closing);
	rotai_list_init(&loop->closing_ended);
}

static void *align(void *memory)
{
	uintptr_t address = (uintptr_t)memory + ALIGNMENT - 1;

	return (void *)(address - address % ALIGNMENT);
}

static struct rota_loop *new_memory(const struct rota_allocator *allocator)
{
	void *memory = rotai_memory_new(allocator, BLOCK_SIZE);
	struct rota_loop *loop;

	if (memory == NULL)
		return NULL;
	loop = align(memory);
	/* The wheel's slots, which are most of the memory, need not be zero. */
	memset(loop, 0, offsetof(struct rota_loop, wheel));
	loop->memory = memory;
	loop->allocator = *allocator;
	return loop;
}

static void free_memory(struct rota_loop *loop)
{
	struct rota_allocator allocator = loop->allocator;

	rotai_memory_free(&allocator, loop->memory, BLOCK_SIZE);
}

int rotai_loop_new_on(struct rota_loop **loop,
		      const struct rota_loop_options *options,
		      const struct rotai_poller_ops *ops,
		      uint64_t (*clock)(struct rota_loop *loop))
{
	const struct rota_allocator *allocator = options->allocator;
	struct rota_loop *made;
	int error;

	error = rotai_fork_observe();
	if (error < 0)
		return error;
	made = new_memory(allocator != NULL ? allocator
					    : &rotai_memory_default);
	if (made == NULL)
		return ROTA_ENOMEM;
	error = ops->open(&made->poller, &made->allocator);
	if (error < 0) {
		free_memory(made);
		return error;
	}
	made->ops = ops;
	made->watches.batch = 1; /* no watch was started in this batch */

	made->tick_budget = options->tick_budget;
	made->measure = options->measure != 0;
	made->observed = made->measure;
	made->virtual_ns = VIRTUAL_START_NS;
	made->virtual_wall_ns = VIRTUAL_WALL_START_NS - VIRTUAL_START_NS;
	made->real_limit_ns = UINT64_MAX;
	made->clock = options->clock == ROTA_CLOCK_VIRTUAL
			      ? rotai_loop_virtual_clock
			      : monotonic_clock;
	if (clock != NULL)
		made->clock = clock;
	made->buffer_size = options->buffer_size;
	made->pool = options->pool;
	if (made->pool != NULL)
		rotai_counted_ref((struct rotai_counted *)made->pool);
	init_queues(made);
	rotai_inbox_init(&made->inbox);
	rotai_loop_read_now(made);
	rotai_wheel_init(&made->wheel, made->now_ns);
	ROTAI_WHEN_WATCHFUL(rotai_registry_add(&(struct rotai_registered){
		.key = made,
		.live = ROTAI_LIVE_LOOP,
		.kind = "loop",
		.object = made,
		.loop = made,
		.size = sizeof(*made),
	}));
	*loop = made;
	return 0;
}

int rota_loop_new_version(struct rota_loop **loop,
			  const struct rota_loop_options *options,
			  uint32_t version)
{
	struct rota_loop_options all;
	const struct rotai_poller_ops *ops;
	/* While the major version is 0, the minor version has to match as
	 * well. */
	const unsigned ignored = ROTA_VERSION_MAJOR == 0 ? 8 : 16;
	int error;

	if (loop == NULL || version >> ignored != ROTA_VERSION >> ignored)
		return ROTA_EINVAL;
	error = complete_loop_options(&all, options);
	if (error < 0)
		return error;
	ops = rotai_poller_pick(all.backend);
	if (ops == NULL)
		return ROTA_ENOTSUP;
	return rotai_loop_new_on(loop, &all, ops, NULL);
}

int rotai_loop_is_open(struct rota_loop *loop)
{
	rotai_inbox_take_over(loop);
	return loop->open > 0;
}

int rota_loop_alive(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	rotai_inbox_take_over(loop);
	return loop->alive > 0;
}

int rota_loop_close(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error;
	if (loop->running || rotai_loop_is_open(loop) ||
	    !rotai_inbox_close(&loop->inbox))
		return ROTA_EBUSY;
	rota_loop_unref(loop);
	return 0;
}

struct rota_loop *rota_loop_ref(struct rota_loop *loop)
{
	__atomic_fetch_add(&loop->inbox.references, 1, __ATOMIC_RELAXED);
	return loop;
}

void rota_loop_unref(struct rota_loop *loop)
{
	/* The thread that frees the loop sees what all others wrote before they
	 * dropped their references. */
	if (__atomic_sub_fetch(&loop->inbox.references, 1, __ATOMIC_ACQ_REL) >
	    0)
		return;
	ROTAI_WHEN_WATCHFUL(rotai_registry_forget(loop));
	rotai_extensions_free(loop);
	loop->ops->close(loop->poller);
	rotai_watches_free(loop);
	rotai_quick_free(loop);
	if (loop->pool != NULL)
		rotai_counted_unref((struct rotai_counted *)loop->pool);
	free_memory(loop);
}

int rota_loop_fork(struct rota_loop *loop)
{
	struct rotai_poller *poller;
	int error;

	if (rotai_loop_inherited(loop) == 0)
		return 0;
	if (loop->running && !pthread_equal(loop->thread, pthread_self()))
		return ROTA_EBUSY;
	error = loop->ops->open(&poller, &loop->allocator);
	if (error < 0)
		return error;
	error = rotai_watches_move(loop, poller);
	if (error < 0) {
		loop->ops->close(poller);
		return error;
	}
	loop->ops->close(loop->poller);
	loop->poller = poller;
	rotai_inbox_adopt(&loop->inbox);
	rotai_inbox_wake_up(loop);
	rotai_asyncs_repair(loop);
	rotai_extensions_forked(loop);
	rotai_requests_forked(loop);
	return 0;
}

uint64_t rota_loop_now(const struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	return loop->now_ns;
}

uint64_t rota_loop_update_now(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	rotai_loop_read_now(loop);
	return loop->now_ns;
}

int rota_loop_advance(struct rota_loop *loop, uint64_t delta_ns)
{
	ROTAI_ENTER_LOOP(loop);
	if (loop->clock != rotai_loop_virtual_clock)
		return ROTA_ENOTSUP;
	loop->virtual_ns = rotai_add_saturated(loop->virtual_ns, delta_ns);
	if (loop->virtual_ns == UINT64_MAX)
		loop->virtual_ns--; /* C8: that time is never reached */
	loop->busy_turns = 0;
	return 0;
}

enum rota_phase rota_loop_phase(const struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	return loop->phase;
}

const char *rota_loop_backend_name(const struct rota_loop *loop)
{
	return loop->ops->name;
}

int rota_loop_backend_fd(const struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	int error = rotai_loop_inherited(loop);

	return error < 0 ? error : loop->ops->fd(loop->poller);
}

int rota_loop_set_lock(struct rota_loop *loop, rota_lock_fn *release,
		       rota_lock_fn *acquire, void *arg)
{
	ROTAI_ENTER_LOOP(loop);
	if ((release == NULL) != (acquire == NULL))
		return ROTA_EINVAL;
	if (loop->is_unlocked)
		return ROTA_EBUSY;
	loop->release = release;
	loop->acquire = acquire;
	loop->lock_arg = arg;
	loop->wait_flags &= (uint8_t)~ROTAI_WAIT_UNLOCKED;
	if (release != NULL)
		loop->wait_flags |= ROTAI_WAIT_UNLOCKED;
	return 0;
}

void rota_loop_set_data(struct rota_loop *loop, void *data)
{
	ROTAI_ENTER_LOOP(loop);
	loop->data = data;
}

void *rota_loop_get_data(const struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	return loop->data;
}

/*
 * server/loops.c - several loops with a thread each.
 *
 *  1. The loops are made by the thread that starts the set, so that its errors
 *     come first. The threads wait until all of them exist. Then they prepare
 *     their members, one after another. If anything fails, no loop runs.
 *  2. A member runs its loop until a task stops the run; then it lets the
 *     program begin the end, and runs the loop for what is left; then it shuts
 *     the loop down. Only after that is the memory of the program torn down:
 *     tasks that other threads have posted run in the shutdown.
 *  3. A member whose run ends without a stop stops the others. The post of a
 *     stop may reach a member after its run has ended: it must not end the run
 *     that is for what is left.
 *  4. The lock is for the start, and for the first error. It is never held
 *     while the program's functions run.
 *  5. In a forked child there are no threads to stop or to wait for. If a
 *     member's function has forked, the child's thread ends at once: the end is
 *     the parent's, and the lock may be held, by a thread that the child does
 *     not have.
 *  6. If a loop cannot be shut down, it may still call what the program has. So
 *     nothing is torn down then.
 *  7. An end at once skips the run for what is left, or stops it by a task. The
 *     flag is set before the task is posted. So a member that does not see the
 *     flag gets the task in that run.
 */
#include "rota/loops.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/fork.h"
#include "base/memory.h"
#include "base/quota.h"
#include "base/sized.h"
#include "base/thread.h"
#include "rota/error.h"
#include "rota/task.h"
#include "rota/timer.h"

/* The first version of the struct ended with this member. */
enum {
	LEAST_LOOPS_OPTIONS = ROTAI_SIZE_UP_TO(struct rota_loops_options, data),
	MOST_LOOPS = 4096,
};

ROTAI_SIZED(struct rota_loops_options, data);

struct member {
	struct rota_loops *set;
	struct rota_loop *loop; /* referenced */
	struct rota_task stopping;
	struct rota_task hurrying;
	struct rota_timer grace;
	pthread_t thread;
	unsigned index;
	int is_prepared;
	int has_run; /* its first run has ended (3) */
};

struct rota_loops {
	struct rota_loops_options options;
	uint32_t fork_generation;
	uint32_t is_stopping; /* atomic */
	uint32_t is_hurried;  /* atomic: (7) */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	int may_begin;
	int has_failed; /* the start */
	unsigned prepared;
	unsigned failed; /* the member with the error */
	int error;       /* the first one */

	struct member members[];
};

/* A call for another loop. */
struct loop_call {
	struct rota_task task;
	struct rota_loops *loops;
	rota_loops_post_fn *fn;
	void *arg;
	unsigned index;
};

void rota_loops_options_init_size(struct rota_loops_options *options,
				  size_t size)
{
	const struct rota_loops_options defaults = { .grace_ns = UINT64_MAX };

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

unsigned rota_loops_processors(void)
{
	unsigned allowed = rotai_thread_processors();
	unsigned quota = rotai_quota_processors();

	return quota > 0 && quota < allowed ? quota : allowed;
}

/* (5) */
static int is_inherited(const struct rota_loops *loops)
{
	return loops->fork_generation != rotai_fork_generation;
}

/* --- the thread of a member ----------------------------------------------- */

static void note_error(struct member *member, int error)
{
	struct rota_loops *set = member->set;

	pthread_mutex_lock(&set->lock);
	if (set->error == 0) {
		set->error = error;
		set->failed = member->index;
	}
	pthread_mutex_unlock(&set->lock);
}

/* Wait until it is this member's turn to prepare. Returns whether it is. (1) */
static int wait_for_turn(struct member *member)
{
	struct rota_loops *set = member->set;
	int has_failed;

	pthread_mutex_lock(&set->lock);
	while (!set->has_failed &&
	       !(set->may_begin && set->prepared == member->index))
		pthread_cond_wait(&set->changed, &set->lock);
	has_failed = set->has_failed;
	pthread_mutex_unlock(&set->lock);
	return !has_failed;
}

static int call_set_up(struct member *member)
{
	const struct rota_loops_options *options = &member->set->options;
	int error = 0;

	if (options->is_pinned)
		error = rotai_thread_pin(member->index);
	if (error == 0 && options->set_up != NULL)
		error = options->set_up(member->set, member->index);
	return error;
}

/* Say that this member is prepared, or has failed, and wait for the others.
 * Returns whether the loop runs. */
static int wait_for_all(struct member *member)
{
	struct rota_loops *set = member->set;
	int has_failed;

	pthread_mutex_lock(&set->lock);
	if (member->is_prepared)
		set->prepared++;
	else
		set->has_failed = 1;
	pthread_cond_broadcast(&set->changed);
	while (!set->has_failed && set->prepared < set->options.count)
		pthread_cond_wait(&set->changed, &set->lock);
	has_failed = set->has_failed;
	pthread_mutex_unlock(&set->lock);
	return !has_failed;
}

static int prepare_member(struct member *member)
{
	int error;

	if (!wait_for_turn(member))
		return 0;
	error = call_set_up(member);
	if (is_inherited(member->set))
		return 0;
	if (error < 0)
		note_error(member, error);
	member->is_prepared = error >= 0;
	return wait_for_all(member);
}

static void on_grace_end(struct rota_timer *timer)
{
	rota_loop_stop(rota_container_of(timer, struct member, grace)->loop);
}

static void run_until_stopped(struct member *member)
{
	struct rota_run run;
	int status;

	rota_run_init(&run);
	run.flags = ROTA_RUN_UNTIL_WOKEN;
	status = rota_loop_run_with(member->loop, &run);
	member->has_run = 1;
	if (is_inherited(member->set))
		return;
	if (status < 0)
		note_error(member, status);
	(void)rota_loops_stop(member->set); /* (3) */
}

/* (2) */
static void run_to_end(struct member *member)
{
	const struct rota_loops_options *options = &member->set->options;
	int status;

	if (options->stop == NULL || is_inherited(member->set))
		return;
	options->stop(member->set, member->index);
	if (is_inherited(member->set))
		return;
	if (__atomic_load_n(&member->set->is_hurried, __ATOMIC_SEQ_CST))
		return; /* (7) */
	rota_timer_init(&member->grace, member->loop);
	rota_timer_unref(&member->grace);
	if (options->grace_ns != UINT64_MAX)
		(void)rota_timer_start(&member->grace, on_grace_end,
				       options->grace_ns);
	status = rota_loop_run(member->loop, ROTA_RUN_DEFAULT);
	rota_timer_stop(&member->grace);
	if (status < 0 && !is_inherited(member->set))
		note_error(member, status);
}

/* A wait may fail for some time because the system lacks memory. Returns
 * whether the loop is closed. */
static int shut_down_loop(struct member *member)
{
	enum { SHUTDOWN_TRIES = 10000 };
	int error = 0;

	for (unsigned i = 0; i < SHUTDOWN_TRIES; i++) {
		if (is_inherited(member->set))
			return 0;
		error = rota_loop_shutdown(member->loop, UINT64_MAX);
		if (error == 0)
			return 1;
		rotai_thread_pause(i);
	}
	note_error(member, error);
	return 0;
}

static void *run_member(void *arg)
{
	struct member *member = arg;
	const struct rota_loops_options *options = &member->set->options;
	char name[16];

	(void)snprintf(name, sizeof(name), "rota-loop-%u", member->index);
	rotai_thread_set_name(name);
	if (prepare_member(member)) {
		run_until_stopped(member);
		run_to_end(member);
	}
	if (shut_down_loop(member) && member->is_prepared &&
	    options->tear_down != NULL) /* (6) */
		options->tear_down(member->set, member->index);
	return NULL;
}

/* --- the start ------------------------------------------------------------ */

static size_t size_of_set(unsigned count)
{
	return sizeof(struct rota_loops) + count * sizeof(struct member);
}

static void free_set(struct rota_loops *set)
{
	pthread_cond_destroy(&set->changed);
	pthread_mutex_destroy(&set->lock);
	rotai_memory_free(&rotai_memory_default, set,
			  size_of_set(set->options.count));
}

static int take_loops_options(struct rota_loops_options *ours,
			      const struct rota_loops_options *given)
{
	int error = 0;

	rota_loops_options_init(ours);
	if (given != NULL)
		error = rotai_sized_take(ours, sizeof(*ours), given,
					 LEAST_LOOPS_OPTIONS);
	if (error < 0)
		return error;
	if (ours->count == 0)
		ours->count = rota_loops_processors();
	if (ours->count > MOST_LOOPS)
		return ROTA_EINVAL;
	return rotai_thread_check_stack(ours->stack_size);
}

/* Make a set without loops. */
static int make_set(struct rota_loops **made,
		    const struct rota_loops_options *options)
{
	struct rota_loops *set = rotai_memory_new(&rotai_memory_default,
						  size_of_set(options->count));
	int error;

	if (set == NULL)
		return ROTA_ENOMEM;
	*set = (struct rota_loops){ .options = *options };
	error = -pthread_mutex_init(&set->lock, NULL);
	if (error < 0)
		goto free_memory;
	error = rotai_condition_init(&set->changed);
	if (error < 0)
		goto destroy_lock;
	*made = set;
	return 0;

destroy_lock:
	pthread_mutex_destroy(&set->lock);
free_memory:
	rotai_memory_free(&rotai_memory_default, set,
			  size_of_set(options->count));
	return error;
}

static void on_stop(struct rota_task *task)
{
	struct member *member =
		rota_container_of(task, struct member, stopping);

	if (!member->has_run) /* (3) */
		rota_loop_stop(member->loop);
}

/* (7) */
static void on_hurry(struct rota_task *task)
{
	struct member *member =
		rota_container_of(task, struct member, hurrying);

	if (member->has_run)
		rota_loop_stop(member->loop);
}

/* Make all loops: 0, or an error and there is none. */
static int make_loops(struct rota_loops *set)
{
	int error;

	for (unsigned i = 0; i < set->options.count; i++) {
		struct member *member = &set->members[i];

		*member = (struct member){ .set = set, .index = i };
		error = rota_loop_new(&member->loop, set->options.loop);
		if (error < 0) {
			while (i-- > 0)
				(void)rota_loop_close(set->members[i].loop);
			return error;
		}
		rota_task_init(&member->stopping, member->loop);
		rota_task_unref(&member->stopping);
		rota_task_init(&member->hurrying, member->loop);
		rota_task_unref(&member->hurrying);
	}
	set->options.loop = NULL; /* it is the caller's */
	set->fork_generation = rotai_fork_generation;
	return 0;
}

/* Wait for the first @count threads, and then drop the references to their
 * loops: until the last has ended, it may post to the others. */
static void join_threads(struct rota_loops *set, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)pthread_join(set->members[i].thread, NULL);
	for (unsigned i = 0; i < count; i++)
		rota_loop_unref(set->members[i].loop);
}

/* The thread of the member @index could not be started. */
static void end_start(struct rota_loops *set, unsigned index)
{
	pthread_mutex_lock(&set->lock);
	set->has_failed = 1;
	pthread_cond_broadcast(&set->changed);
	pthread_mutex_unlock(&set->lock);
	join_threads(set, index);
	for (unsigned i = index; i < set->options.count; i++)
		(void)rota_loop_close(set->members[i].loop);
}

/* Start all threads: 0, or an error and there is neither a thread nor a
 * loop. */
static int start_threads(struct rota_loops *set)
{
	for (unsigned i = 0; i < set->options.count; i++) {
		struct member *member = &set->members[i];
		int error;

		(void)rota_loop_ref(member->loop);
		error = rotai_thread_start_joinable(
			&member->thread, run_member, member,
			set->options.stack_size, set->options.inherits_signals);
		if (error < 0) {
			rota_loop_unref(member->loop);
			end_start(set, i);
			return error;
		}
	}
	return 0;
}

/* Let the members prepare, and wait for that. Returns 0; or an error, and then
 * all threads have ended. */
static int prepare_all(struct rota_loops *set)
{
	int has_failed;

	pthread_mutex_lock(&set->lock);
	set->may_begin = 1;
	pthread_cond_broadcast(&set->changed);
	while (!set->has_failed && set->prepared < set->options.count)
		pthread_cond_wait(&set->changed, &set->lock);
	has_failed = set->has_failed;
	pthread_mutex_unlock(&set->lock);
	if (!has_failed)
		return 0;
	join_threads(set, set->options.count);
	return set->error;
}

int rota_loops_start(struct rota_loops **loops,
		     const struct rota_loops_options *options)
{
	struct rota_loops_options ours;
	struct rota_loops *set = NULL;
	int error;

	if (loops == NULL)
		return ROTA_EINVAL;
	*loops = NULL;
	error = take_loops_options(&ours, options);
	if (error == 0)
		error = make_set(&set, &ours);
	if (error < 0)
		return error;
	error = make_loops(set);
	if (error < 0)
		goto free_set;
	*loops = set;
	error = start_threads(set);
	if (error == 0)
		error = prepare_all(set);
	if (error == 0)
		return 0;
	*loops = NULL;
free_set:
	free_set(set);
	return error;
}

/* --- what others call ----------------------------------------------------- */

int rota_loops_stop(struct rota_loops *loops)
{
	if (is_inherited(loops))
		return ROTA_ECHILD;
	if (__atomic_exchange_n(&loops->is_stopping, 1, __ATOMIC_ACQ_REL))
		return ROTA_EALREADY;
	for (unsigned i = 0; i < loops->options.count; i++)
		(void)rota_task_post(&loops->members[i].stopping, on_stop);
	return 0;
}

int rota_loops_stop_now(struct rota_loops *loops)
{
	if (is_inherited(loops))
		return ROTA_ECHILD;
	if (__atomic_exchange_n(&loops->is_hurried, 1, __ATOMIC_SEQ_CST))
		return ROTA_EALREADY;
	(void)rota_loops_stop(loops);
	for (unsigned i = 0; i < loops->options.count; i++)
		(void)rota_task_post(&loops->members[i].hurrying, on_hurry);
	return 0;
}

int rota_loops_join(struct rota_loops *loops, unsigned *failed)
{
	pthread_t self = pthread_self();
	int error;

	if (is_inherited(loops))
		return ROTA_ECHILD;
	for (unsigned i = 0; i < loops->options.count; i++)
		if (pthread_equal(loops->members[i].thread, self))
			return ROTA_EDEADLK;
	join_threads(loops, loops->options.count);
	error = loops->error;
	if (error < 0 && failed != NULL)
		*failed = loops->failed;
	free_set(loops);
	return error;
}

static void on_call(struct rota_task *task)
{
	struct loop_call *posted =
		rota_container_of(task, struct loop_call, task);
	struct loop_call call = *posted;

	rotai_memory_free(&rotai_memory_default, posted, sizeof(*posted));
	/* A shutdown calls this in a loop that was not prepared, too. */
	if (call.loops->members[call.index].is_prepared)
		call.fn(call.loops, call.index, call.arg);
}

int rota_loops_post(struct rota_loops *loops, unsigned index,
		    rota_loops_post_fn *fn, void *arg)
{
	struct loop_call *call;
	int error;

	if (fn == NULL || index >= loops->options.count)
		return ROTA_EINVAL;
	call = rotai_memory_new(&rotai_memory_default, sizeof(*call));
	if (call == NULL)
		return ROTA_ENOMEM;
	call->loops = loops;
	call->fn = fn;
	call->arg = arg;
	call->index = index;
	rota_task_init(&call->task, loops->members[index].loop);
	error = rota_task_post(&call->task, on_call);
	if (error < 0)
		rotai_memory_free(&rotai_memory_default, call, sizeof(*call));
	return error;
}

unsigned rota_loops_count(const struct rota_loops *loops)
{
	return loops->options.count;
}

struct rota_loop *rota_loops_get(const struct rota_loops *loops, unsigned index)
{
	return index < loops->options.count ? loops->members[index].loop : NULL;
}

void *rota_loops_data(const struct rota_loops *loops)
{
	return loops->options.data;
}

/* poller: none */
/*
 * The pool of the process, as several threads ask for it at once: there is one,
 * and it does not end while somebody is about to have it.
 */
#include "jobs.h"

#include <errno.h>

#include "support/fault.h"

/* Something that another thread does while this one makes the pool. It has to
 * wait for that, which cannot be seen; but if it does not, it is soon done. */
struct meanwhile {
	void (*act)(struct meanwhile *m);
	pthread_t thread;
	atomic_uint done;
	int done_too_soon;
	struct rota_pool *found;
	int status;
};

static void *do_it(void *arg)
{
	struct meanwhile *m = arg;

	m->act(m);
	atomic_store(&m->done, 1);
	return NULL;
}

static void begin_it(void *arg)
{
	enum { A_WHILE = 2000 };
	struct meanwhile *m = arg;

	if (pthread_create(&m->thread, NULL, do_it, m) != 0)
		return;
	for (unsigned i = 0; i < A_WHILE && !atomic_load(&m->done); i++)
		sched_yield();
	m->done_too_soon = (int)atomic_load(&m->done);
}

static void ask_for_it(struct meanwhile *m)
{
	m->found = rota_pool_default();
}

static void end_it(struct meanwhile *m)
{
	m->status = rota_pool_end(0);
}

/* Have @act done by another thread while the next allocation of this one is
 * made, which is that of a pool. */
static void meanwhile_begin(struct meanwhile *m,
			    void (*act)(struct meanwhile *m))
{
	*m = (struct meanwhile){ .act = act, .status = 1 };
	fault_call_before("calloc", 1, begin_it, m);
}

static void meanwhile_end(struct meanwhile *m)
{
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(pthread_join(m->thread, NULL), 0);
	assert_false(m->done_too_soon);
}

static void end_the_pool(struct fixture *f)
{
	if (f->loop != NULL)
		assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;
	assert_int_equal(rota_pool_end(UINT64_MAX), 0);
}

static void two_that_ask_at_once_have_the_same(void **state)
{
	struct rota_pool *found;
	struct meanwhile m;

	end_the_pool(*state);
	meanwhile_begin(&m, ask_for_it);
	found = rota_pool_default();
	meanwhile_end(&m);

	assert_non_null(found);
	assert_ptr_equal(m.found, found);
	assert_int_equal(rota_pool_end(0), 0);
}

/* A loop with its first work asks for it as well. */
static void a_loop_has_the_same_as_who_asks_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m;
	struct job a;

	job_init(&a, f->loop, NULL);
	meanwhile_begin(&m, ask_for_it);
	job_queue(&a, IO);
	meanwhile_end(&m);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(lane_stats(m.found, IO).done, 1);
	end_the_pool(f);
}

static void what_a_loop_is_about_to_use_does_not_end(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m;
	struct job a;

	job_init(&a, f->loop, NULL);
	meanwhile_begin(&m, end_it);
	job_queue(&a, IO);
	meanwhile_end(&m);

	assert_int_equal(m.status, ROTA_EBUSY);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(a.status, 0);
	end_the_pool(f);
}

/* F3 */
static void without_memory_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct job a;

	assert_int_equal(rota_pool_end(0), 0);
	fault_fail("calloc", 1, ENOMEM);
	assert_null(rota_pool_default());
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_pool_end(0), 0);

	job_init(&a, f->loop, NULL);
	fault_fail("calloc", 1, ENOMEM);
	assert_int_equal(rota_work_queue(&a.work, IO, job_run, job_done),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_pool_end(0), 0);
}

/* A loop whose pool client could not be made has released the pool. */
static void a_loop_without_memory_does_not_use_it(void **state)
{
	struct fixture *f = *state;
	struct job a;

	job_init(&a, f->loop, NULL);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_work_queue(&a.work, IO, job_run, job_done),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;

	assert_int_equal(rota_pool_end(0), 0);
	job_queue(&a, IO);
	assert_int_equal(rota_pool_end(0), ROTA_EBUSY);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	end_the_pool(f);
}

static const struct CMUnitTest tests[] = {
	REAL(two_that_ask_at_once_have_the_same),
	REAL(a_loop_has_the_same_as_who_asks_meanwhile),
	REAL(what_a_loop_is_about_to_use_does_not_end),
	REAL(without_memory_there_is_none),
	REAL(a_loop_without_memory_does_not_use_it),
};

FIXTURE_MAIN(tests)

/* poller: none */
/*
 * Lookups of users and groups, and random bytes, as requests. What waits for
 * records is tested in test_record.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/jobs.h"
#include "support/child.h"
#include "support/fault.h"

enum { MANY = 10 };

static const char NOBODY[] = "no-such-user-here";

struct asked {
	struct rota_user_lookup user;
	struct rota_group_lookup group;
	struct rota_random random;
	struct rota_deadline deadline;
	unsigned calls;
	int status;
	enum rota_phase phase;
	char name[64];
	const struct rota_user *kept;
	unsigned char bytes[64];
};

static void asked_ended(struct asked *asked, struct rota_request *request,
			int status)
{
	asked->calls++;
	asked->status = status;
	asked->phase = rota_loop_phase(request->internal.loop);
}

static void user_called(struct rota_user_lookup *lookup, int status,
			const struct rota_user *user)
{
	struct asked *asked = rota_container_of(lookup, struct asked, user);

	asked_ended(asked, &lookup->request, status);
	assert_int_equal(user != NULL, status == 0);
	(void)snprintf(asked->name, sizeof(asked->name), "%s",
		       user != NULL ? user->name : "");
	if (user != NULL && asked->kept != NULL)
		asked->kept = rota_user_ref(user);
}

static void group_called(struct rota_group_lookup *lookup, int status,
			 const struct rota_group *group)
{
	struct asked *asked = rota_container_of(lookup, struct asked, group);

	asked_ended(asked, &lookup->request, status);
	assert_int_equal(group != NULL, status == 0);
	(void)snprintf(asked->name, sizeof(asked->name), "%s",
		       group != NULL ? group->name : "");
}

static void random_called(struct rota_random *random, int status)
{
	asked_ended(rota_container_of(random, struct asked, random),
		    &random->request, status);
}

/* Begin the one of that kind. It must not call back yet. */
static int ask(struct asked *asked, struct rota_loop *loop, int kind)
{
	int status;

	memset(&asked->user, 0x5a, sizeof(asked->user));
	memset(&asked->group, 0x5a, sizeof(asked->group));
	memset(&asked->random, 0x5a, sizeof(asked->random));
	asked->calls = 0;
	if (kind == 0)
		status = rota_user_lookup_begin(&asked->user, loop, NULL, 0, 0,
						user_called);
	else if (kind == 1)
		status = rota_group_lookup_begin(&asked->group, loop, NULL, 0,
						 group_called);
	else
		status = rota_random_begin(&asked->random, loop, asked->bytes,
					   sizeof(asked->bytes), random_called);
	assert_int_equal(asked->calls, 0);
	return status;
}

static struct rota_request *request_of(struct asked *asked, int kind)
{
	return kind == 0   ? &asked->user.request
	       : kind == 1 ? &asked->group.request
			   : &asked->random.request;
}

/* The call that a thread makes for that kind. */
static const char *call_of(int kind)
{
	return kind == 0 ? "getpwuid_r" : "getgrgid_r";
}

static int answer(struct fixture *f, struct asked *asked)
{
	while (asked->calls == 0)
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0, 1);
	assert_int_equal(asked->calls, 1);
	return asked->status;
}

static void lookups_find_users_and_groups(void **state)
{
	struct fixture *f = *state;
	static struct asked asked;
	const struct rota_user *user;

	assert_int_equal(ask(&asked, f->loop, 0), 0);
	assert_int_equal(answer(f, &asked), 0);
	assert_string_equal(asked.name, "root");
	assert_int_equal(ask(&asked, f->loop, 1), 0);
	assert_int_equal(answer(f, &asked), 0);
	asked.calls = 0;
	asked.kept = (void *)&asked;
	assert_int_equal(rota_user_lookup_begin(&asked.user, f->loop, "root", 7,
						ROTA_USER_GROUPS, user_called),
			 0);
	assert_int_equal(answer(f, &asked), 0);
	user = asked.kept;
	assert_string_equal(user->name, "root");
	assert_in_range(user->group_count, 1, 64);
	rota_user_unref(user);
	asked.kept = NULL;
	asked.calls = 0;
	assert_int_equal(rota_user_lookup_begin(&asked.user, f->loop, NOBODY, 0,
						0, user_called),
			 0);
	assert_int_equal(answer(f, &asked), ROTA_ENOENT);
	asked.calls = 0;
	assert_int_equal(rota_group_lookup_begin(&asked.group, f->loop, NOBODY,
						 0, group_called),
			 0);
	assert_int_equal(answer(f, &asked), ROTA_ENOENT);
}

static void bad_requests_are_refused(void **state)
{
	struct fixture *f = *state;
	static struct asked a;

	assert_int_equal(
		rota_user_lookup_begin(NULL, f->loop, "x", 0, 0, user_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_user_lookup_begin(&a.user, NULL, "x", 0, 0, user_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_user_lookup_begin(&a.user, f->loop, "x", 0, 0, NULL),
		ROTA_EINVAL);
	assert_int_equal(
		rota_user_lookup_begin(&a.user, f->loop, "", 0, 0, user_called),
		ROTA_EINVAL);
	assert_int_equal(rota_user_lookup_begin(&a.user, f->loop, "x", 0, 2,
						user_called),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_group_lookup_begin(NULL, f->loop, "x", 0, group_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_group_lookup_begin(&a.group, f->loop, "", 0, group_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_group_lookup_begin(&a.group, f->loop, "x", 0, NULL),
		ROTA_EINVAL);
	assert_int_equal(
		rota_random_begin(NULL, f->loop, a.bytes, 1, random_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_random_begin(&a.random, f->loop, NULL, 1, random_called),
		ROTA_EINVAL);
	assert_int_equal(
		rota_random_begin(&a.random, f->loop, a.bytes, 1, NULL),
		ROTA_EINVAL);
	assert_int_equal(rota_random_begin(&a.random, f->loop, a.bytes,
					   SIZE_MAX, random_called),
			 ROTA_ENOMEM);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);
	assert_int_equal(a.calls, 0);
}

static void equal_lookups_share_one_call(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(0, 4);
	static struct asked all[MANY], other;
	struct gate gate;

	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	fault_count_reset();
	fault_call_before("getpwuid_r", 1, (void (*)(void *))gate_pass, &gate);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(ask(&all[i], f->loop, 0), 0);
	gate_await(&gate, 1);
	/* Another kind does not join, and the stuck thread is not its own. */
	assert_int_equal(ask(&other, f->loop, 1), 0);
	assert_int_equal(answer(f, &other), 0);
	assert_int_equal(rota_request_cancel(&all[0].user.request), 0);
	assert_int_equal(answer(f, &all[0]), ROTA_ECANCELED);
	assert_int_equal(all[0].phase, ROTA_PHASE_PENDING);
	gate_open(&gate);
	for (int i = 1; i < MANY; i++)
		assert_int_equal(answer(f, &all[i]), 0);
	assert_int_equal(fault_count("getpwuid_r"), 1);
	(void)fault_clear();
	gate_end(&gate);
	rota_pool_unref(pool);
}

static void close_loop(struct fixture *f)
{
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
}

static void hang_in_getrandom(void *arg)
{
	fault_call_before("getrandom", 1, (void (*)(void *))gate_pass, arg);
}

static void one_that_hangs_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(0, 4);
	static struct asked asked[3];
	static struct gate gates[3];

	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_VIRTUAL);
	for (int kind = 0; kind < 3; kind++) {
		struct gate *gate = &gates[kind];

		gate_init(gate);
		memset(asked[kind].bytes, 0, sizeof(asked[kind].bytes));
		if (kind == 2) /* the loop's thread does not wait for it */
			fault_fail_after("getrandom", 1, EAGAIN,
					 hang_in_getrandom, gate);
		else
			fault_call_before(call_of(kind), 1,
					  (void (*)(void *))gate_pass, gate);
		assert_int_equal(ask(&asked[kind], f->loop, kind), 0);
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0, 1);
		gate_await(gate, 1);
		assert_int_equal(rota_request_set_deadline(
					 request_of(&asked[kind], kind),
					 &asked[kind].deadline,
					 rota_loop_now(f->loop) + ROTA_SEC(1)),
				 0);
		assert_int_equal(rota_loop_advance(f->loop, ROTA_SEC(1)), 0);
		assert_int_equal(answer(f, &asked[kind]), ROTA_ETIMEDOUT);
		gate_end(gate);
		(void)fault_clear();
		for (size_t i = 0; i < sizeof(asked[kind].bytes); i++)
			assert_int_equal(asked[kind].bytes[i], 0);
	}
	close_loop(f);
	rota_pool_unref(pool);
}

static void a_shutdown_ends_what_is_in_flight(void **state)
{
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(0, 1);
	static struct asked asked[3];
	struct gate gate;

	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	fault_call_before("getpwuid_r", 1, (void (*)(void *))gate_pass, &gate);
	for (int kind = 0; kind < 3; kind++)
		assert_int_equal(ask(&asked[kind], f->loop, kind), 0);
	gate_await(&gate, 1);
	close_loop(f);
	for (int kind = 0; kind < 3; kind++)
		assert_int_equal(asked[kind].calls, 1);
	assert_int_equal(asked[0].status, ROTA_ECANCELED);
	assert_int_equal(asked[1].status, ROTA_ECANCELED);
	(void)fault_clear();
	gate_end(&gate);
	rota_pool_unref(pool);
}

static unsigned freed;

static void free_user_lookup(struct rota_user_lookup *lookup, int status,
			     const struct rota_user *user)
{
	/* The record outlives the lookup, until the callback returns. */
	free(lookup);
	freed += status == 0 && strlen(user->name) > 0;
}

static void free_group_lookup(struct rota_group_lookup *lookup, int status,
			      const struct rota_group *group)
{
	free(lookup);
	freed += status == 0 && strlen(group->name) > 0;
}

static void free_random(struct rota_random *random, int status)
{
	free(random);
	freed += status == 0;
}

static void a_callback_may_free_its_request(void **state)
{
	enum { LARGE = 5000 };
	struct fixture *f = *state;
	static unsigned char bytes[LARGE];
	struct rota_user_lookup *user = malloc(sizeof(*user));
	struct rota_group_lookup *group = malloc(sizeof(*group));
	struct rota_random *now = malloc(sizeof(*now));
	struct rota_random *later = malloc(sizeof(*later));

	freed = 0;
	assert_int_equal(rota_user_lookup_begin(user, f->loop, NULL, 0, 0,
						free_user_lookup),
			 0);
	assert_int_equal(rota_group_lookup_begin(group, f->loop, NULL, 0,
						 free_group_lookup),
			 0);
	assert_int_equal(rota_random_begin(now, f->loop, bytes, 8, free_random),
			 0);
	assert_int_equal(
		rota_random_begin(later, f->loop, bytes, LARGE, free_random),
		0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(freed, 4);
}

/* F3 */
static void each_allocation_may_fail(void **state)
{
	static const char *const names[] = { "malloc", "calloc" };
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(0, 1);
	static struct asked asked;
	unsigned failed = 0;

	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(ask(&asked, f->loop, 0), ROTA_ENOMEM);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(ask(&asked, f->loop, 1), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	for (int kind = 0; kind < 3; kind++) {
		assert_int_equal(ask(&asked, f->loop, kind), 0);
		assert_int_equal(answer(f, &asked), 0);
	}
	for (int i = 0; i < 6; i++)
		for (unsigned nth = 1, hit = 1; hit > 0; nth++) {
			int status;

			fault_fail(names[i % 2], nth, ENOMEM);
			status = ask(&asked, f->loop, i / 2);
			if (status == 0)
				status = answer(f, &asked);
			hit = fault_clear();
			failed += hit;
			assert_int_equal(status, hit > 0 ? ROTA_ENOMEM : 0);
		}
	assert_true(failed >= 4);
	rota_pool_unref(pool);
}

/* --- forks ---------------------------------------------------------------- */

struct forked {
	struct fixture *f;
	struct asked asked[3];
};

static void go_on_in_a_child(void *arg)
{
	struct forked *t = arg;
	struct rota_loop *loop = t->f->loop;
	struct asked again;

	memset(&again, 0, sizeof(again));
	for (int kind = 0; kind < 3; kind++)
		EXPECT(ask(&again, loop, kind) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->asked[0].calls == 1);
	EXPECT(t->asked[0].status == ROTA_ECANCELED);
	EXPECT(t->asked[1].calls == 1);
	EXPECT(t->asked[1].status == ROTA_ECANCELED);
	EXPECT(t->asked[2].calls == 1);
	(void)fault_clear();
	for (int kind = 0; kind < 3; kind++) {
		EXPECT(ask(&again, loop, kind) == 0);
		EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
		EXPECT(again.calls == 1 && again.status == 0);
	}
	EXPECT(rota_loop_close(loop) == 0);
}

static void a_forked_child_ends_them_and_goes_on(void **state)
{
	static struct forked t;
	struct rota_pool *pool = pool_of_threads(0, 1);
	struct gate gate;

	t.f = *state;
	use_pool(t.f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);
	gate_init(&gate);
	fault_call_before("getpwuid_r", 1, (void (*)(void *))gate_pass, &gate);
	for (int kind = 0; kind < 3; kind++)
		assert_int_equal(ask(&t.asked[kind], t.f->loop, kind), 0);
	gate_await(&gate, 1);
	in_a_child(go_on_in_a_child, &t);
	gate_open(&gate);
	for (int kind = 0; kind < 3; kind++)
		assert_int_equal(answer(t.f, &t.asked[kind]), 0);
	(void)fault_clear();
	gate_end(&gate);
	rota_pool_unref(pool);
}

/* --- random bytes --------------------------------------------------------- */

static void random_bytes_come_at_once_or_by_a_thread(void **state)
{
	enum { LARGE = 20000 };
	struct fixture *f = *state;
	struct rota_pool *pool = pool_of_threads(0, 1);
	static unsigned char bytes[LARGE];
	static struct asked asked;
	unsigned zeroes = 0;

	use_pool(f, rota_pool_ref(pool), ROTA_CLOCK_MONOTONIC);
	assert_int_equal(ask(&asked, f->loop, 2), 0);
	assert_int_equal(rota_request_cancel(&asked.random.request),
			 ROTA_EALREADY);
	assert_int_equal(answer(f, &asked), 0);
	assert_int_equal(asked.phase, ROTA_PHASE_PENDING);
	assert_int_equal(lane_stats(pool, BLOCKING).started, 0);

	asked.calls = 0;
	assert_int_equal(rota_random_begin(&asked.random, f->loop, bytes, LARGE,
					   random_called),
			 0);
	assert_int_equal(answer(f, &asked), 0);
	assert_int_equal(asked.phase, ROTA_PHASE_POLL);
	for (size_t i = 0; i < LARGE; i++)
		zeroes += bytes[i] == 0;
	assert_in_range(zeroes, 1, LARGE / 50);

	asked.calls = 0;
	assert_int_equal(rota_random_begin(&asked.random, f->loop, NULL, 0,
					   random_called),
			 0);
	assert_int_equal(answer(f, &asked), 0);
	rota_pool_unref(pool);
}

static void without_the_call_there_is_a_device(void **state)
{
	unsigned char bytes[300] = { 0 };

	(void)state;
	fault_fail("getrandom", 1, EINTR);
	assert_int_equal(rota_random_bytes(bytes, sizeof(bytes)), 0);
	fault_fail("getrandom", 1, EFAULT);
	assert_int_equal(rota_random_bytes(bytes, sizeof(bytes)), ROTA_EFAULT);
	assert_int_equal(fault_clear(), 1);
	fault_fail_from("getrandom", 1, ENOSYS);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(rota_random_bytes(bytes, sizeof(bytes)), 0);
	assert_int_equal(fault_clear(), 1);
	for (size_t i = 0; i < sizeof(bytes); i += 20) {
		unsigned sum = 0;

		for (size_t at = i; at < i + 20; at++)
			sum += bytes[at];
		assert_true(sum > 0);
	}
}

struct device_fault {
	const char *call;
	int error;
};

static void fail_the_device(void *arg)
{
	const struct device_fault *fault = arg;

	fault_fail(fault->call, 1, fault->error);
}

static void errors_of_the_device_are_reported(void **state)
{
	struct device_fault faults[] = { { "open", EMFILE },
					 { "read", EIO },
					 { "read", EINTR } };
	unsigned char bytes[20];

	(void)state;
	for (int i = 0; i < 3; i++) {
		fault_fail_after("getrandom", 1, EPERM, fail_the_device,
				 &faults[i]);
		assert_int_equal(rota_random_bytes(bytes, sizeof(bytes)),
				 i < 2 ? -faults[i].error : 0);
		assert_int_equal(fault_clear(), 1);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(lookups_find_users_and_groups),
	VIRTUAL(bad_requests_are_refused),
	REAL(equal_lookups_share_one_call),
	VIRTUAL(one_that_hangs_ends_at_its_deadline),
	REAL(a_shutdown_ends_what_is_in_flight),
	REAL(a_callback_may_free_its_request),
	REAL(each_allocation_may_fail),
	REAL(a_forked_child_ends_them_and_goes_on),
	REAL(random_bytes_come_at_once_or_by_a_thread),
	cmocka_unit_test(without_the_call_there_is_a_device),
	cmocka_unit_test(errors_of_the_device_are_reported),
};
FIXTURE_MAIN(tests)

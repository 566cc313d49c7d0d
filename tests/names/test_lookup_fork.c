/* poller: none */
/*
 * Lookups and forks (F2), and the end of the process: neither waits for a
 * lookup that hangs.
 */
#include "names/looks.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/child.h"

struct forked {
	struct fixture *f;
	struct rota_pool *pool;
	struct look stuck, joined, queued;
};

static void forked_begin(struct forked *t, struct fixture *f)
{
	*t = (struct forked){ .f = f };
	t->pool = names_begin(f, 1, ROTA_CLOCK_MONOTONIC);
	resolver_add("stuck.test", "192.0.2.1");
	resolver_add("queued.test", "192.0.2.2");
	resolver_hang("stuck.test");
	look_must(&t->stuck, f->loop, "stuck.test");
	look_must(&t->joined, f->loop, "stuck.test");
	resolver_await(1);
	look_must(&t->queued, f->loop, "queued.test");
}

/* In the parent: everything continues as if there were no child. */
static void forked_end(struct forked *t)
{
	resolver_release("stuck.test");
	assert_int_equal(look_end(&t->stuck), 0);
	assert_int_equal(look_end(&t->joined), 0);
	assert_int_equal(look_end(&t->queued), 0);
	assert_int_equal(resolver_count("stuck.test"), 1);
	names_end(t->pool);
}

static void refuse_everything(void *arg)
{
	struct forked *t = arg;
	struct rota_address address;
	struct look look = { .calls = 0 };
	struct rota_name_lookup naming;

	EXPECT(rota_address_ip(&address, "127.0.0.1", 1) == 0);
	EXPECT(rota_lookup_begin(&look.lookup, t->f->loop, "a.test", NULL, NULL,
				 look_called) == ROTA_ECHILD);
	EXPECT(rota_lookup_begin(&look.lookup, t->f->loop, "::1", NULL, NULL,
				 look_called) == ROTA_ECHILD);
	EXPECT(rota_name_lookup_begin(&naming, t->f->loop, &address, 0,
				      (rota_name_lookup_fn *)abort) ==
	       ROTA_ECHILD);
	EXPECT(rota_request_cancel(&t->stuck.lookup.request) == ROTA_ECHILD);
	EXPECT(rota_request_cancel(&t->queued.lookup.request) == ROTA_ECHILD);
	EXPECT(t->stuck.calls + t->queued.calls == 0);
}

static void an_inherited_loop_looks_nothing_up(void **state)
{
	struct forked t;

	forked_begin(&t, *state);
	in_a_child(refuse_everything, &t);
	forked_end(&t);
}

static void end_them_and_go_on(void *arg)
{
	struct forked *t = arg;
	struct look look = { .calls = 0 };
	struct rota_loop *loop = t->f->loop;

	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_request_cancel(&t->stuck.lookup.request) == ROTA_EALREADY);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->stuck.calls == 1 && t->stuck.status == ROTA_ECANCELED);
	EXPECT(t->joined.calls == 1 && t->joined.status == ROTA_ECANCELED);
	EXPECT(t->queued.calls == 1 && t->queued.status == ROTA_ECANCELED);
	EXPECT(rota_lookup_begin(&look.lookup, loop, "queued.test", "80", NULL,
				 look_called) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(look.calls == 1 && look.status == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static void a_rebuilt_loop_ends_what_was_in_flight(void **state)
{
	struct forked t;

	forked_begin(&t, *state);
	in_a_child(end_them_and_go_on, &t);
	forked_end(&t);
}

/* exit(3) runs all handlers. */
static void end_the_process(void *arg)
{
	struct fixture *f = arg;
	struct look look = { .calls = 0 };

	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(rota_lookup_begin(&look.lookup, f->loop, "stuck.test", "80",
				 NULL, look_called) == 0);
	resolver_await(1);
	exit(0);
}

static void the_end_of_the_process_does_not_wait(void **state)
{
	struct fixture *f = *state;

	resolver_begin();
	resolver_hang("stuck.test");
	fflush(NULL); /* exit(3) would print it again */
	in_a_child(end_the_process, f);
	resolver_end();
}

static const struct CMUnitTest tests[] = {
	REAL(an_inherited_loop_looks_nothing_up),
	REAL(a_rebuilt_loop_ends_what_was_in_flight),
	REAL(the_end_of_the_process_does_not_wait),
};
FIXTURE_MAIN(tests)

/*
 * Random operations, checked against a model of what may be called and what
 * must be called.
 *
 * Every node does random things in its callback: it starts, stops, frees,
 * queues and cancels nodes, stops the loop, makes descriptors ready or not,
 * closes them, and lets other files reuse their numbers. For each node the
 * model knows whether it is started, since when, and when it is due. At every
 * callback it checks that
 *
 *   - the node is started or queued, in its phase, and never early (C3, O1);
 *   - no tick or microtask is waiting, unless the node is one (T10);
 *   - the nodes before it in its queue have been called (T9, C5);
 *   - it was not added to the phase while the phase was running (T8);
 *   - a watch gets the events that it requested and that are there (D1, D4).
 *
 * After every turn it checks that every node that had to be called was called
 * (T1), and that rota_loop_alive() and ROTA_EBUSY are right (L1, L2, O5).
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/world.h"

/* One thread gives ThreadSanitizer nothing to find, and it is slow. */
#ifdef __SANITIZE_THREAD__
enum { OPERATIONS = 2000, ROUNDS = 50 };
#else
enum { OPERATIONS = 2000, ROUNDS = 300 };
#endif

static void open_slot(struct slot *slot)
{
	make_socketpair(slot->fds);
	slot->bytes = 0;
	slot->hung_up = 0;
	slot->emptied = 0;
	slot->changed = 0;
}

/* Let the descriptor numbers refer to a new pair. */
static void reopen(struct world *w, struct slot *slot)
{
	int fds[2];

	for (unsigned i = 0; i < NODES; i++)
		if (w->nodes[i].kind == WATCH && w->nodes[i].slot == slot)
			node_stop(&w->nodes[i]);
	make_socketpair(fds);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(dup2(fds[i], slot->fds[i]), slot->fds[i]);
		close(fds[i]);
	}
	slot->bytes = 0;
	slot->hung_up = 0;
	slot->emptied = 0;
	slot->changed = turn_now(w);
}

static void change_slot(struct world *w, struct slot *slot)
{
	char byte;

	slot->changed = turn_now(w);
	if (slot->bytes > 0 && below(w, 2)) {
		assert_int_equal(recv(slot->fds[0], &byte, 1, 0), 1);
		if (--slot->bytes == 0)
			slot->emptied = turn_now(w);
	} else if (!slot->hung_up && slot->bytes < 3) {
		assert_int_equal(send(slot->fds[1], "x", 1, 0), 1);
		slot->bytes++;
	} else if (!slot->hung_up && below(w, 4) == 0) {
		/* The number stays in use, but the peer is closed. */
		assert_int_equal(dup2(w->spare, slot->fds[1]), slot->fds[1]);
		slot->hung_up = 1;
	}
}

/* L1, L2, O5, T6 */
static void ask(struct world *w)
{
	assert_int_equal(rota_loop_alive(w->loop), model_alive(w));
	if (model_open(w) || w->depth > 0)
		assert_int_equal(rota_loop_close(w->loop), ROTA_EBUSY);
	if (w->depth > 0)
		assert_int_equal(rota_loop_run(w->loop, ROTA_RUN_NOWAIT),
				 ROTA_EBUSY);
}

static void operate(struct world *w)
{
	struct node *n = &w->nodes[below(w, NODES)];
	struct slot *slot = &w->slots[below(w, SLOTS)];
	uint64_t what = below(w, 32);

	if (w->left == 0)
		return;
	w->left--;
	if (what < 14) {
		node_start(n);
	} else if (what < 18) {
		node_stop(n);
	} else if (what < 21) {
		node_stop(n);
		free(n->memory);
		node_make(n);
	} else if (what < 23) {
		node_flip_reference(n);
	} else if (what < 28) {
		change_slot(w, slot);
	} else if (what == 28) {
		reopen(w, slot);
	} else if (what == 29 && below(w, 8) == 0) {
		rota_loop_stop(w->loop);
		w->stopped = w->depth == 0;
	} else {
		ask(w);
	}
}

/* Advance the clock to about the next due time, or by a random step. */
static void pass_time(struct world *w)
{
	uint64_t now = rota_loop_now(w->loop);
	uint64_t next = UINT64_MAX;
	uint64_t delta = below(w, 2000000);

	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &w->nodes[i];

		if (n->active && (n->kind == TIMER || n->kind == QUICK) &&
		    n->due_ns > now && n->due_ns < next)
			next = n->due_ns;
	}
	if (next != UINT64_MAX && below(w, 3) > 0)
		delta = next - now - below(w, 2);
	assert_int_equal(rota_loop_advance(w->loop, delta), 0);
	assert_int_equal(rota_loop_update_now(w->loop), now + delta);
}

static void make_a_turn(struct world *w)
{
	uint64_t turn = turn_now(w);
	unsigned calls = w->calls;
	int stopped = w->stopped;
	int status;

	w->stopped = 0;
	w->in_microtasks = 0;
	status = rota_loop_run(w->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(status, model_alive(w));
	assert_in_range(turn_now(w), turn, turn + 1);
	if (stopped) {
		assert_int_equal(turn_now(w), turn);
		assert_int_equal(w->calls, calls);
	}
	if (turn_now(w) != turn)
		expect_complete(w);
}

static void world_begin(struct world *w, struct fixture *f)
{
	for (unsigned i = 0; i < SLOTS; i++)
		open_slot(&w->slots[i]);
	for (unsigned i = 0; i < NODES; i++) {
		w->nodes[i].w = w;
		w->nodes[i].kind = (enum kind)(i / EACH);
	}
	w->f = f;
	w->loop = f->loop;
	w->operate = operate;
	w->left = OPERATIONS;
	for (unsigned i = 0; i < NODES; i++)
		node_make(&w->nodes[i]);
}

static void world_end(struct world *w)
{
	if (w->stopped)
		rota_loop_run(w->loop, ROTA_RUN_NOWAIT);
	for (unsigned i = 0; i < NODES; i++) {
		node_stop(&w->nodes[i]);
		free(w->nodes[i].memory);
	}
	assert_false(rota_loop_alive(w->loop));
	assert_int_equal(rota_loop_dump(w->loop, NULL, NULL), 0);
	for (unsigned i = 0; i < SLOTS; i++) {
		close(w->slots[i].fds[0]);
		close(w->slots[i].fds[1]);
	}
}

static void random_work_agrees_with_the_model(void **state)
{
	const char *full = getenv("ROTA_TEST_FULL");
	unsigned rounds = full != NULL && *full == '1' ? 10000 : ROUNDS;
	uint64_t seed = random_seed();
	int spare[2];

	if (rounds > ROUNDS)
		alarm(600);
	make_pipe(spare);
	for (unsigned round = 0; round < rounds; round++) {
		struct world *w = test_calloc(1, sizeof(*w));

		w->seed = seed + round * 7919;
		w->spare = spare[0];
		world_begin(w, *state);
		while (w->left > 0) {
			for (uint64_t i = below(w, 20); i > 0; i--)
				operate(w);
			if (below(w, 2))
				pass_time(w);
			make_a_turn(w);
		}
		world_end(w);
		test_free(w);
	}
	close(spare[0]);
	close(spare[1]);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(random_work_agrees_with_the_model),
};

FIXTURE_MAIN(tests)

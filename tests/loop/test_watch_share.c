/*
 * Several watches: some on one descriptor, and what a callback may do to
 * watches whose events came in the same batch.
 *
 * The kernel decides in which order it reports descriptors. So where two are
 * ready, each callback would do the same to the other watch, and the first one
 * does it.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/probe.h"

enum {
	READABLE = ROTA_READABLE,
	WRITABLE = ROTA_WRITABLE,
};

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* D4: each watch of a descriptor gets the events that it requested itself. */
static void watches_share_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct probe reader, writer, both;
	int fds[2];

	make_socketpair(fds);
	probe_init(&reader, f, fds[0]);
	probe_init(&writer, f, fds[0]);
	probe_init(&both, f, fds[0]);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);
	probe_start(&both, READABLE | WRITABLE);

	assert_int_equal(told(f, &reader), 0);
	assert_int_equal(writer.events, WRITABLE);
	assert_int_equal(both.events, WRITABLE);
	put_byte(fds[1]);
	assert_int_equal(told(f, &reader), READABLE);
	assert_int_equal(told(f, &writer), WRITABLE);
	assert_int_equal(told(f, &both), READABLE | WRITABLE);

	probe_stop(&writer);
	assert_int_equal(told(f, &reader), READABLE);
	assert_int_equal(told(f, &both), READABLE | WRITABLE);
	assert_int_equal(told(f, &writer), 0);
	probe_stop(&both);
	assert_int_equal(told(f, &reader), READABLE);
	probe_stop(&reader);
	close_both(fds);
}

/* D4: the union of the masks shrinks when a watch is stopped. Otherwise the
 * kernel would report unrequested events in every turn. */
static void a_sibling_that_leaves_takes_its_mask_along(void **state)
{
	struct fixture *f = *state;
	struct probe reader, writer;
	int fds[2];

	make_socketpair(fds);
	probe_init(&reader, f, fds[0]);
	probe_init(&writer, f, fds[0]);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);
	assert_int_equal(told(f, &writer), WRITABLE);

	probe_stop(&writer);
	assert_true(waits_within(f, 5) <= 4);
	probe_start(&writer, WRITABLE);
	assert_int_equal(told(f, &writer), WRITABLE);
	probe_start(&writer, 0);
	assert_true(waits_within(f, 5) <= 4);

	assert_int_equal(reader.calls, 0);
	probe_stop(&reader);
	probe_stop(&writer);
	close_both(fds);
}

/* D2: a stopped descriptor is removed from the kernel on return. The kernel
 * tracks the open file, so a duplicate could still be reported. */
static void a_stopped_descriptor_has_left_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2], copy;

	make_pipe(fds);
	copy = dup(fds[0]);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);
	put_byte(fds[1]);
	assert_int_equal(told(f, &reader), READABLE);

	probe_stop(&reader);
	close(fds[0]);

	assert_true(waits_within(f, 5) <= 4);
	assert_int_equal(reader.calls, 1);
	assert_int_equal(stats_of(f->loop).events, 1);
	close(copy);
	close(fds[1]);
}

/* D2: this is true even if there was no wait after the start. */
static void a_watch_stopped_before_any_wait_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);
	probe_start(&reader, 0);
	probe_stop(&reader);
	close(fds[0]);

	turn(f);

	assert_int_equal(reader.calls, 0);
	assert_int_equal(stats_of(f->loop).events, 0);
	close(fds[1]);
}

/* D1: a new file under an old number is watched anew. */
static void a_number_in_use_again_is_watched_anew(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	for (unsigned i = 0; i < 20; i++) {
		make_pipe(fds);
		probe_init(&reader, f, fds[0]);
		probe_start(&reader, READABLE);
		assert_int_equal(told(f, &reader), 0);
		put_byte(fds[1]);
		assert_int_equal(told(f, &reader), READABLE);
		probe_stop(&reader);
		close_both(fds);
	}
}

/* Two readers whose pipes both hold a byte. Each knows the other. */
struct pair {
	struct fixture *f;
	struct probe readers[2];
	int fds[2][2];
	int quiet[2]; /* nothing is written to it */
};

static void pair_begin(struct pair *p, struct fixture *f,
		       void (*act)(struct probe *))
{
	p->f = f;
	make_pipe(p->quiet);
	for (unsigned i = 0; i < 2; i++) {
		make_pipe(p->fds[i]);
		put_byte(p->fds[i][1]);
		probe_init(&p->readers[i], f, p->fds[i][0]);
		p->readers[i].act = act;
		p->readers[i].arg = p;
		probe_start(&p->readers[i], READABLE);
	}
}

static void pair_end(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		probe_stop(&p->readers[i]);
		close_both(p->fds[i]);
	}
	close_both(p->quiet);
}

static unsigned other(struct pair *p, struct probe *probe)
{
	return probe == &p->readers[0];
}

static void stop_the_other(struct probe *probe)
{
	struct pair *p = probe->arg;

	probe_stop(&p->readers[other(p, probe)]);
}

/* D4: a stop takes effect at once, even for events of the same batch. */
static void stopping_another_holds_in_the_same_batch(void **state)
{
	struct pair p;

	pair_begin(&p, *state, stop_the_other);

	turn(p.f);
	assert_int_equal(p.readers[0].calls + p.readers[1].calls, 1);
	turn(p.f);
	assert_int_equal(p.readers[0].calls + p.readers[1].calls, 2);

	assert_int_equal(rota_watch_is_active(&p.readers[0].watch) +
				 rota_watch_is_active(&p.readers[1].watch),
			 1);
	pair_end(&p);
}

static void pause_the_other(struct probe *probe)
{
	struct pair *p = probe->arg;

	probe_start(&p->readers[other(p, probe)], 0);
}

/* D4: so does a change of the mask. */
static void pausing_another_holds_in_the_same_batch(void **state)
{
	struct pair p;

	pair_begin(&p, *state, pause_the_other);

	turn(p.f);
	turn(p.f);

	assert_int_equal(p.readers[0].calls + p.readers[1].calls, 2);
	assert_true(p.readers[0].calls == 0 || p.readers[1].calls == 0);
	pair_end(&p);
}

static void restart_the_other(struct probe *probe)
{
	struct pair *p = probe->arg;
	struct probe *victim = &p->readers[other(p, probe)];

	probe_stop(victim);
	probe_start(victim, READABLE);
}

/* D2, D4: a restart loses no event that is still there. */
static void restarting_another_in_the_batch_loses_nothing(void **state)
{
	struct pair p;

	pair_begin(&p, *state, restart_the_other);
	turn(p.f);
	p.readers[0].act = p.readers[1].act = NULL;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(told(p.f, &p.readers[0]), READABLE);
		assert_int_equal(told(p.f, &p.readers[1]), READABLE);
	}

	pair_end(&p);
}

/* Let the other's number refer to an empty pipe, and start its watch for
 * that. */
static void give_away_the_others_number(struct probe *probe)
{
	struct pair *p = probe->arg;
	unsigned victim = other(p, probe);

	probe->act = p->readers[victim].act = NULL;
	probe_stop(&p->readers[victim]);
	close(p->fds[victim][0]);
	assert_int_equal(dup2(p->quiet[0], p->fds[victim][0]),
			 p->fds[victim][0]);
	probe_start(&p->readers[victim], READABLE);
}

/* D1 */
static void an_event_never_reaches_a_number_s_new_owner(void **state)
{
	struct pair p;
	struct probe *fooled;

	pair_begin(&p, *state, give_away_the_others_number);

	turn(p.f);
	assert_int_equal(p.readers[0].calls + p.readers[1].calls, 1);
	fooled = &p.readers[p.readers[1].calls == 0];
	assert_int_equal(told(p.f, fooled), 0);
	put_byte(p.quiet[1]);
	assert_int_equal(told(p.f, fooled), READABLE);

	assert_int_equal(stats_of(p.f->loop).stale, 1);
	pair_end(&p);
}

/* The same with a watch that was not started before. */
static void give_it_to_another_watch(struct probe *probe)
{
	struct pair *p = probe->arg;
	unsigned victim = other(p, probe);
	static struct probe newcomer;

	probe->act = p->readers[victim].act = NULL;
	probe_stop(&p->readers[victim]);
	assert_int_equal(dup2(p->quiet[0], p->fds[victim][0]),
			 p->fds[victim][0]);
	probe_init(&newcomer, p->f, p->fds[victim][0]);
	probe_start(&newcomer, READABLE);
	probe->arg = &newcomer;
}

/* D1 */
static void nor_a_new_watch_of_the_new_owner(void **state)
{
	struct pair p;
	struct probe *caller, *newcomer;

	pair_begin(&p, *state, give_it_to_another_watch);

	turn(p.f);
	caller = &p.readers[p.readers[0].calls == 0];
	newcomer = caller->arg;

	assert_int_equal(caller->calls, 1);
	assert_int_equal(newcomer->calls, 0);
	assert_int_equal(told(p.f, newcomer), 0);
	probe_stop(newcomer);
	pair_end(&p);
}

static void free_itself(struct probe *probe)
{
	unsigned *calls = probe->arg;

	++*calls;
	probe_stop(probe);
	free(probe);
}

/* O4: a watch may be freed in its own callback. */
static void a_watch_may_be_freed_in_its_own_callback(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;
	int fds[2];

	make_socketpair(fds);
	for (unsigned i = 0; i < 3; i++) {
		struct probe *probe = malloc(sizeof(*probe));

		assert_non_null(probe);
		probe_init(probe, f, fds[0]);
		probe->act = free_itself;
		probe->arg = &calls;
		probe_start(probe, WRITABLE);
	}

	turn(f);

	assert_int_equal(calls, 3);
	assert_false(rota_loop_alive(f->loop));
	close_both(fds);
}

/* Several watches of one descriptor. The first one that is called frees all. */
struct family {
	struct probe *members[3];
	unsigned calls;
};

static void free_the_family(struct probe *probe)
{
	struct family *family = probe->arg;

	family->calls++;
	for (unsigned i = 0; i < 3; i++) {
		probe_stop(family->members[i]);
		free(family->members[i]);
	}
}

/* O4 */
static void a_callback_may_free_all_siblings(void **state)
{
	struct fixture *f = *state;
	struct family family = { .calls = 0 };
	int fds[2];

	make_socketpair(fds);
	for (unsigned i = 0; i < 3; i++) {
		family.members[i] = malloc(sizeof(struct probe));
		assert_non_null(family.members[i]);
		probe_init(family.members[i], f, fds[0]);
		family.members[i]->act = free_the_family;
		family.members[i]->arg = &family;
		probe_start(family.members[i], WRITABLE);
	}

	turn(f);
	turn(f);

	assert_int_equal(family.calls, 1);
	close_both(fds);
}

static void start_a_sibling(struct probe *probe)
{
	struct probe *sibling = probe->arg;

	probe->act = NULL;
	probe_start(sibling, WRITABLE);
}

/* D4, T8: a callback starts another watch for the same descriptor. */
static void a_callback_may_start_a_sibling(void **state)
{
	struct fixture *f = *state;
	struct probe first, second;
	int fds[2];

	make_socketpair(fds);
	probe_init(&first, f, fds[0]);
	probe_init(&second, f, fds[0]);
	first.act = start_a_sibling;
	first.arg = &second;
	probe_start(&first, WRITABLE);

	turn(f);
	assert_int_equal(first.calls, 1);
	assert_true(second.calls <= 1);
	assert_int_equal(told(f, &second), WRITABLE);

	assert_int_equal(first.calls, 2);
	probe_stop(&first);
	probe_stop(&second);
	close_both(fds);
}

/* Two descriptors in one batch. The watch that is called first takes the
 * other's byte and starts a new watch for that descriptor. */
struct couple {
	struct probe first, second, late;
	unsigned starts;
};

static void start_late_on_the_other(struct probe *probe)
{
	struct couple *c = probe->arg;
	struct probe *other = probe == &c->first ? &c->second : &c->first;
	int fd = rota_watch_fd(&other->watch);

	if (c->starts++ > 0)
		return;
	take_byte(fd);
	rota_watch_init(&c->late.watch, c->late.loop, fd);
	probe_start(&c->late, READABLE);
}

/* T8: the batch's events are older than the watch, and may not be true any
 * more. */
static void a_watch_started_in_a_batch_is_told_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct couple c = { .starts = 0 };
	int one[2], two[2];

	make_socketpair(one);
	make_socketpair(two);
	put_byte(one[1]);
	put_byte(two[1]);
	probe_init(&c.first, f, one[0]);
	probe_init(&c.second, f, two[0]);
	probe_init(&c.late, f, -1);
	c.first.act = c.second.act = start_late_on_the_other;
	c.first.arg = c.second.arg = &c;
	probe_start(&c.first, READABLE);
	probe_start(&c.second, READABLE);

	turn(f);
	assert_int_equal(c.starts, 2);
	assert_int_equal(c.late.calls, 0);
	assert_int_equal(told(f, &c.late), 0);

	put_byte(one[1]);
	put_byte(two[1]);
	assert_int_equal(told(f, &c.late), READABLE);
	probe_stop(&c.first);
	probe_stop(&c.second);
	probe_stop(&c.late);
	close_both(one);
	close_both(two);
}

struct order {
	struct probe *called[8];
	unsigned count;
};

static void note_order(struct probe *probe)
{
	struct order *order = probe->arg;

	order->called[order->count++] = probe;
}

/* T9: watches of one descriptor are called in the order in which they were
 * started. A change of the mask keeps the place. */
static void siblings_are_called_in_the_order_they_started(void **state)
{
	struct fixture *f = *state;
	struct order order = { .count = 0 };
	struct probe probes[4];
	int fds[2];

	make_socketpair(fds);
	for (unsigned i = 0; i < 4; i++) {
		probe_init(&probes[i], f, fds[0]);
		probes[i].act = note_order;
		probes[i].arg = &order;
		probe_start(&probes[i], WRITABLE);
	}
	probe_stop(&probes[1]);
	probe_start(&probes[1], WRITABLE);
	probe_start(&probes[0], WRITABLE | READABLE);

	turn(f);

	assert_int_equal(order.count, 4);
	assert_ptr_equal(order.called[0], &probes[0]);
	assert_ptr_equal(order.called[1], &probes[2]);
	assert_ptr_equal(order.called[2], &probes[3]);
	assert_ptr_equal(order.called[3], &probes[1]);
	for (unsigned i = 0; i < 4; i++)
		probe_stop(&probes[i]);
	close_both(fds);
}

/* Close the watched descriptor and reuse its number, in its own callback. */
static void reopen_itself(struct probe *probe)
{
	struct pair *p = probe->arg;
	int fd = rota_watch_fd(&probe->watch);

	probe->act = NULL;
	probe_stop(probe);
	assert_int_equal(dup2(p->quiet[0], fd), fd);
	probe_start(probe, READABLE);
}

/* D1 */
static void a_callback_may_reopen_its_own_number(void **state)
{
	struct pair p;

	pair_begin(&p, *state, reopen_itself);

	turn(p.f);
	assert_int_equal(p.readers[0].calls, 1);
	assert_int_equal(p.readers[1].calls, 1);
	turn(p.f);
	assert_int_equal(p.readers[0].calls + p.readers[1].calls, 2);
	put_byte(p.quiet[1]);
	turn(p.f);

	assert_int_equal(p.readers[0].calls, 2);
	assert_int_equal(p.readers[1].calls, 2);
	pair_end(&p);
}

static const struct CMUnitTest tests[] = {
	REAL(watches_share_a_descriptor),
	REAL(a_sibling_that_leaves_takes_its_mask_along),
	REAL(a_stopped_descriptor_has_left_the_kernel),
	REAL(a_watch_stopped_before_any_wait_leaves_nothing),
	REAL(a_number_in_use_again_is_watched_anew),
	REAL(stopping_another_holds_in_the_same_batch),
	REAL(pausing_another_holds_in_the_same_batch),
	REAL(restarting_another_in_the_batch_loses_nothing),
	REAL(an_event_never_reaches_a_number_s_new_owner),
	REAL(nor_a_new_watch_of_the_new_owner),
	REAL(a_watch_may_be_freed_in_its_own_callback),
	REAL(a_callback_may_free_all_siblings),
	REAL(a_callback_may_start_a_sibling),
	REAL(a_watch_started_in_a_batch_is_told_by_the_next),
	REAL(siblings_are_called_in_the_order_they_started),
	REAL(a_callback_may_reopen_its_own_number),
};

FIXTURE_MAIN(tests)

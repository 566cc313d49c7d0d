/*
 * Watches that are moved in memory, as in an array that grows.
 */
#include "support/fixture.h"

#include <string.h>
#include <unistd.h>

#include "support/probe.h"

enum { READABLE = ROTA_READABLE, COUNT = 3 };

struct moved {
	struct rota_watch before[COUNT], after[COUNT];
	char order[16];
	int fds[2];
	int mover; /* its callback moves all, or -1 */
};

static void move_all(struct moved *m)
{
	for (int i = 0; i < COUNT; i++) {
		rota_watch_move(&m->after[i], &m->before[i]);
		memset(&m->before[i], 0xa5, sizeof(m->before[i]));
	}
}

static void on_ready(struct rota_watch *watch, unsigned events)
{
	struct moved *m = watch->data;
	int number = (int)(watch >= m->after && watch < m->after + COUNT
				   ? watch - m->after
				   : watch - m->before);
	size_t at = strlen(m->order);

	assert_int_equal(events, READABLE);
	m->order[at] = (char)('0' + number);
	m->order[at + 1] = '\0';
	if (number == m->mover) {
		m->mover = -1;
		move_all(m);
	}
}

static void moved_begin(struct moved *m, struct fixture *f)
{
	*m = (struct moved){ .mover = -1 };
	make_pipe(m->fds);
	put_byte(m->fds[1]);
	for (int i = 0; i < COUNT; i++) {
		rota_watch_init(&m->before[i], f->loop, m->fds[0]);
		m->before[i].data = m;
		assert_int_equal(
			rota_watch_start(&m->before[i], on_ready, READABLE), 0);
	}
}

static void moved_end(struct moved *m)
{
	for (int i = 0; i < COUNT; i++)
		rota_watch_stop(&m->after[i]);
	close(m->fds[0]);
	close(m->fds[1]);
}

/* T9: they keep their places. */
static void started_watches_can_be_moved(void **state)
{
	struct moved m;

	moved_begin(&m, *state);
	turn(*state);
	move_all(&m);
	turn(*state);

	assert_string_equal(m.order, "012012");
	moved_end(&m);
}

/* O4: this includes the middle of the walk over them. */
static void a_callback_may_move_them_all(void **state)
{
	for (int mover = 0; mover < COUNT; mover++) {
		struct moved m;

		moved_begin(&m, *state);
		m.mover = mover;
		turn(*state);
		assert_string_equal(m.order, "012");
		turn(*state);
		assert_string_equal(m.order, "012012");
		moved_end(&m);
	}
}

static void a_watch_that_is_alone_or_stopped_can_be_moved(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	struct rota_watch to;
	int fds[2];

	make_pipe(fds);
	probe_init(&probe, f, fds[0]);
	rota_watch_move(&to, &probe.watch);
	assert_false(rota_watch_is_active(&to));
	assert_int_equal(rota_watch_fd(&to), fds[0]);
	rota_watch_move(&probe.watch, &to);
	assert_false(rota_watch_is_active(&to));
	probe_start(&probe, READABLE);
	rota_watch_move(&to, &probe.watch);
	assert_true(rota_watch_is_active(&to));
	assert_false(rota_watch_is_active(&probe.watch));
	rota_watch_move(&probe.watch, &to);
	rota_watch_move(&probe.watch, &probe.watch); /* does nothing */
	assert_true(rota_watch_is_active(&probe.watch));
	put_byte(fds[1]);

	assert_int_equal(told(f, &probe), READABLE);
	probe_stop(&probe);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	REAL(started_watches_can_be_moved),
	REAL(a_callback_may_move_them_all),
	REAL(a_watch_that_is_alone_or_stopped_can_be_moved),
};

FIXTURE_MAIN(tests)

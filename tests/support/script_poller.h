/*
 * tests/support/script_poller.h - a poller and a clock that do what the test
 * says, and keep a record of what the loop asks of them.
 *
 *     script_begin(&s, f);
 *     ...
 *     script_ready(&s, 2, 10, ROTA_READABLE);   the second wait from now on
 *     rota_loop_run(s.loop, ROTA_RUN_ONCE);
 *     assert_string_equal(script_take(&s), "add 10 r, wait -, wait -");
 *     ...
 *     script_end(&s);
 *
 * Descriptors are only numbers here, below SCRIPT_FDS, and no time passes but in
 * waits, and in changes if the test says so. A wait with nothing to report moves the clock on by its time-out. One without a
 * time-out and nothing to come returns ROTA_EDOM, so that no test hangs.
 *
 * What the loop owes a poller is checked at every call: nothing is added twice,
 * nothing changed or removed that is not there, no descriptor changed twice
 * between two waits, none left when the poller is closed.
 */
#ifndef TESTS_SUPPORT_SCRIPT_POLLER_H
#define TESTS_SUPPORT_SCRIPT_POLLER_H

#include "backend/poller.h"
#include "fixture.h"

enum { SCRIPT_FDS = 512, SCRIPT_EVENTS = 64 };

struct script_event {
	unsigned wait; /* at which wait, counted from 1; 0: it is past */
	int fd;
	unsigned events;
	uint32_t generation;
	int any_generation; /* take the one that the descriptor has then */
};

struct script {
	struct rota_loop *loop;
	uint64_t now_ns;
	unsigned waits;
	unsigned wakes;
	unsigned early_ns;  /* let sleeps end early by this much */
	unsigned room;      /* changes until submit() is needed; 0: any */
	uint64_t change_ns; /* let each change take so long */
	unsigned full_to; /* waits up to this one report as much as they may */
	int full_from;    /* then of this descriptor and those after it */

	/* Let the next call fail with this. */
	int add_error;
	int change_error;
	int confirm_error;
	int wait_error;
	int submit_refuses; /* so many changes */
	int refuse_changes; /* with this, all changes and confirmations */
	unsigned replaced;  /* 1: confirm finds another file */

	/* Called at the start of every wait, as other threads might do things
	 * while the loop sleeps. */
	void (*on_wait)(struct script *s, int64_t timeout_ns);
	void *arg;

	/* The rest is script_poller.c's. */
	struct script_event events[SCRIPT_EVENTS];
	struct {
		int added;
		uint32_t generation;
		unsigned wanted;
		unsigned changed_at; /* the wait before which it was changed */
	} fds[SCRIPT_FDS];
	unsigned changes; /* since the last wait or submit() */
	size_t size;
	char text[1 << 15];
};

/* Make s->loop, on the scripted poller and clock. There is one at a time. */
void script_begin(struct script *s, struct fixture *f);
void script_end(struct script *s);

/* Let @fd be ready at the @nth wait from now on (1: the next). */
void script_ready(struct script *s, unsigned nth, int fd, unsigned events);

/* The same, under a generation that may have passed. */
void script_ready_as(struct script *s, unsigned nth, int fd, unsigned events,
		     uint32_t generation);

/* Which generation @fd has now. */
uint32_t script_generation(const struct script *s, int fd);

/* What the loop has asked for since the last time, with ", " between:
 * "add 10 rw", "change 10 -", "confirm 10 r", "remove 10", "submit", "wait -",
 * "wait 5000". A wake is not in it: see s->wakes. */
const char *script_take(struct script *s);

#endif

/*
 * tests/support/script_poller.h - a poller and a clock that the test controls,
 * and that record what the loop asks of them.
 *
 *     script_begin(&s, f);
 *     ...
 *     script_ready(&s, 2, 10, ROTA_READABLE);   the second wait from now on
 *     rota_loop_run(s.loop, ROTA_RUN_ONCE);
 *     assert_string_equal(script_take(&s), "add 10 r, wait -, wait -");
 *     ...
 *     script_end(&s);
 *
 * Descriptors are only numbers here, below SCRIPT_FDS. Time passes only in
 * waits, and in changes if the test says so. A wait with nothing to report
 * moves the clock forward by its timeout. A wait that has no timeout and
 * nothing left to report returns ROTA_EDOM, so that no test hangs.
 *
 * Every call checks that the loop keeps its side of the contract: nothing is
 * added twice, nothing is changed or removed that was not added, no descriptor
 * is changed twice between two waits, and none is left when the poller is
 * closed.
 */
#ifndef TESTS_SUPPORT_SCRIPT_POLLER_H
#define TESTS_SUPPORT_SCRIPT_POLLER_H

#include "backend/poller.h"
#include "fixture.h"

enum { SCRIPT_FDS = 512, SCRIPT_EVENTS = 64 };

struct script_event {
	unsigned wait; /* number of the wait, from 1; 0: it is over */
	int fd;
	unsigned events;
	uint32_t generation;
	int any_generation; /* use the current one of the descriptor */
};

struct script {
	struct rota_loop *loop;
	uint64_t now_ns;
	unsigned waits;
	unsigned wakes;
	unsigned early_ns;  /* sleeps end early by this much */
	unsigned room;      /* changes until submit() is needed; 0: no limit */
	uint64_t change_ns; /* how long each change takes */
	unsigned full_to; /* waits up to this one report as many as they may */
	int full_from;    /* of this descriptor and those after it */

	/* The next call fails with this. */
	int add_error;
	int change_error;
	int confirm_error;
	int wait_error;
	int submit_refuses; /* how many changes a submit refuses */
	int refuse_changes; /* all changes and confirmations fail with this */
	unsigned replaced;  /* 1: confirm finds another file */

	/* Called at the start of every wait, to do what other threads might do
	 * while the loop sleeps. */
	void (*on_wait)(struct script *s, int64_t timeout_ns);
	void *arg;

	/* The rest is private to script_poller.c. */
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

/* Report @fd as ready at the @nth wait from now on (1: the next). */
void script_ready(struct script *s, unsigned nth, int fd, unsigned events);

/* The same, with a generation that may be out of date. */
void script_ready_as(struct script *s, unsigned nth, int fd, unsigned events,
		     uint32_t generation);

/* The current generation of @fd. */
uint32_t script_generation(const struct script *s, int fd);

/* Return what the loop has asked for since the last time, with ", " between:
 * "add 10 rw", "change 10 -", "confirm 10 r", "remove 10", "submit", "wait -",
 * "wait 5000". Wakes are not recorded: see s->wakes. */
const char *script_take(struct script *s);

#endif

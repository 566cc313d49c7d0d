/*
 * tests/support/poller.h - a poller without a loop: the one that ROTA_POLLER
 * names.
 */
#ifndef TESTS_SUPPORT_POLLER_H
#define TESTS_SUPPORT_POLLER_H

#include "backend/poller.h"
#include "fixture.h"

struct poller_test {
	const struct rotai_poller_ops *ops;
	struct rotai_poller *poller;
	struct counting_allocator memory;
	int descriptors;
	uint32_t generation;      /* in the last report to poller_ready() */
	unsigned wanted[1 << 16]; /* by descriptor */
};

int poller_begin(void **state);
int poller_end(void **state);

/* Close the poller, and open another. */
void poller_reopen(struct poller_test *t);

int poller_add(struct poller_test *t, int fd, uint32_t generation,
	       unsigned wanted);
/* Calls submit() first if there is no room. */
int poller_change(struct poller_test *t, int fd, uint32_t generation,
		  unsigned was, unsigned wanted);
void poller_remove(struct poller_test *t, int fd);
int poller_wait(struct poller_test *t, int64_t timeout_ns,
		struct rotai_ready *ready, int max);

/* Wait without sleeping, and return the events of @fd that were wanted and have
 * occurred. With kqueue each direction is an entry of its own. */
unsigned poller_ready(struct poller_test *t, int fd);

int poller_test_is(const struct poller_test *t, const char *name);

/* The system call with which the poller waits without sleeping; see fault.h. */
const char *poller_wait_call(const struct poller_test *t);

#define POLLER(test)                                                           \
	cmocka_unit_test_setup_teardown(test, poller_begin, poller_end)

#endif

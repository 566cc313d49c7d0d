/*
 * tests/support/fixture.h - the setup and teardown of every test: a new loop
 * and an alarm. Afterwards the test fails if its loop is still alive or open,
 * if a descriptor is still open, or if memory is not freed.
 *
 *     static const struct CMUnitTest tests[] = {
 *             VIRTUAL(a_timer_is_never_early),
 *             REAL(a_readable_pipe_calls_its_watch),
 *     };
 *     FIXTURE_MAIN(tests)
 */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rota.h"

/* An allocator that counts, and fails when the test wants it to. */
struct counting_allocator {
	struct rota_allocator allocator;
	size_t bytes;   /* allocated and not freed */
	size_t calls;   /* calls that allocated memory */
	size_t fail_at; /* which call fails, counted from 1; 0: none */
	size_t failed;  /* calls that have failed */
};

struct fixture {
	struct rota_loop *loop; /* NULL once the test has closed it */
	uint64_t start_ns;      /* the loop's time when the test began */
	struct counting_allocator memory;
	int descriptors; /* number open before the loop was made */
};

void counting_allocator_init(struct counting_allocator *memory);

/* Set the options for another loop like the fixture's own. */
void fixture_options(struct fixture *f, enum rota_clock clock,
		     struct rota_loop_options *options);

int fixture_begin_virtual(void **state);
int fixture_begin_real(void **state);
int fixture_end(void **state);

/* Where the test, or a thread of it, has made its last assertion. */
struct last_assertion {
	const char *file; /* or NULL: none so far, or not known */
	int line;
};
extern struct last_assertion last_assertion;

/* Return how many descriptors this process has open. */
int count_descriptors(void);

/* Return whether this process may open as many descriptors as most tests need,
 * after raising the limit if necessary. Tests that need more call
 * need_descriptors(). */
int may_open_enough(void);

/* Make a pipe, or a connected pair of stream sockets: non-blocking,
 * close-on-exec. */
void make_pipe(int fds[2]);
void make_socketpair(int fds[2]);

/* Write a byte, or read one. They fail the test if that does not work. */
void put_byte(int fd);
void take_byte(int fd);

/* Skip the test, and print why. */
#define skip_test(reason) (print_message("skip: %s\n", reason), skip())

/* The same, because the system lacks something that Linux has. There the test
 * fails instead: a library that never asks for it would pass by skipping. */
#ifdef __linux__
#define skip_elsewhere(reason) fail_msg("Linux has it, but: %s", reason)
#else
#define skip_elsewhere(reason) skip_test(reason)
#endif

/* The monotonic clock, in nanoseconds. */
uint64_t real_now(void);

/* The CPU time of this process, in nanoseconds. */
uint64_t cpu_now(void);

/* A reproducible random number below @bound, by xorshift. *@seed must not be
 * 0. */
uint64_t random_below(uint64_t *seed, uint64_t bound);

/* The seed of this run: ROTA_TEST_SEED, or a value from the clock. Printed. */
uint64_t random_seed(void);

/* Return whether the tests run on the poller of that name. */
int poller_is(struct fixture *f, const char *name);

int run_filtered(const struct CMUnitTest *tests, size_t count,
		 int (*run)(void));

#define VIRTUAL(test)                                                          \
	cmocka_unit_test_setup_teardown(test, fixture_begin_virtual,           \
					fixture_end)
#define REAL(test)                                                             \
	cmocka_unit_test_setup_teardown(test, fixture_begin_real, fixture_end)

/* main(): runs the tests that match ROTA_TEST_FILTER; without it, all tests. */
#define FIXTURE_MAIN(tests)                                                    \
	static int run_group(void)                                             \
	{                                                                      \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}                                                                      \
	int main(void)                                                         \
	{                                                                      \
		return run_filtered(tests, sizeof(tests) / sizeof((tests)[0]), \
				    run_group);                                \
	}

#endif

/*
 * tests/cross/plain.h - a minimal test harness, for processors and C libraries
 * that lack a test framework.
 *
 *     static void one_is_one(void)
 *     {
 *             EXPECT(1 == 1);
 *     }
 *
 *     static const struct plain_test tests[] = {
 *             { "one_is_one", one_is_one },
 *     };
 *     PLAIN_MAIN(tests)
 *
 * The programs print the lines that tests/support/run reads. They use only
 * public headers, and never sleep. `make check` runs them like all others.
 */
#ifndef TESTS_CROSS_PLAIN_H
#define TESTS_CROSS_PLAIN_H

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rota.h"

struct plain_test {
	const char *name;
	void (*run)(void);
};

enum { PLAIN_SECONDS_PER_TEST = 60 };

static unsigned plain_failures;

/* A failed expectation does not end the test. */
#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__,      \
			       #condition);                                    \
			plain_failures++;                                      \
		}                                                              \
	} while (0)

/* Make a loop. If that fails, the program ends: no test can run. */
static inline struct rota_loop *plain_loop(enum rota_clock clock)
{
	struct rota_loop_options options;
	struct rota_loop *loop;
	int error;

	rota_loop_options_init(&options);
	options.clock = clock;
	error = rota_loop_new(&loop, &options);
	if (error < 0) {
		printf("rota_loop_new: %s\n", rota_error_name(error));
		fflush(stdout);
		_exit(1);
	}
	return loop;
}

static inline int plain_run(const struct plain_test *tests, size_t count)
{
	const char *filter = getenv("ROTA_TEST_FILTER");
	unsigned failed = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < count; i++) {
		if (filter != NULL && *filter != '\0' &&
		    fnmatch(filter, tests[i].name, 0) != 0)
			continue;
		printf("[ RUN      ] %s\n", tests[i].name);
		fflush(stdout);
		plain_failures = 0;
		alarm(PLAIN_SECONDS_PER_TEST);
		tests[i].run();
		printf(plain_failures == 0 ? "[       OK ] %s\n"
					   : "[  FAILED  ] %s\n",
		       tests[i].name);
		failed += plain_failures != 0;
	}
	return failed != 0;
}

#define PLAIN_MAIN(tests)                                                      \
	int main(void)                                                         \
	{                                                                      \
		return plain_run(tests, sizeof(tests) / sizeof((tests)[0]));   \
	}

#endif

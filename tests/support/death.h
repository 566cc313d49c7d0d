/*
 * tests/support/death.h - tests of what ends the process: a checked build that
 * finds its caller at fault.
 */
#ifndef TESTS_SUPPORT_DEATH_H
#define TESTS_SUPPORT_DEATH_H

struct rota_loop;

/* Whether this build watches its callers: not under the thread sanitizer. */
int misuse_is_watched(void);

/* Run @misuse with a new loop in a child, which must end by abort(3). What it
 * has said on standard error must have each of the texts in @says, of which the
 * last is NULL. */
void expect_death(void (*misuse)(struct rota_loop *loop),
		  const char *const *says);

#endif

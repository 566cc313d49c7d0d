/*
 * tests/support/death.h - tests of misuse that ends the process: a checked
 * build detects an error of its caller.
 */
#ifndef TESTS_SUPPORT_DEATH_H
#define TESTS_SUPPORT_DEATH_H

struct rota_loop;

/* Return whether this build checks its callers: not under the thread
 * sanitizer. */
int misuse_is_watched(void);

/* Run @misuse with a new loop in a child, which must end by abort(3). Its
 * output on standard error must contain each of the texts in @says, which ends
 * with NULL. */
void expect_death(void (*misuse)(struct rota_loop *loop),
		  const char *const *says);

#endif

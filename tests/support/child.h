/*
 * tests/support/child.h - tests that fork.
 *
 * A child tells by its exit status how it went, and prints which line failed.
 * It must not fail by an assertion of cmocka, which would jump into the
 * parent's test.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <sys/types.h>

/* In the child: note the first line that does not hold. */
#define EXPECT(condition)                                                      \
	((condition) ? (void)0 : child_failed(__FILE__, __LINE__))

void child_failed(const char *file, unsigned line);

/* fork(2). In the child, start an alarm. */
pid_t child_fork(void);

/* In the child: exit, well if nothing failed. */
_Noreturn void child_ends(void);

/* In the parent: wait for a child, which ends well. */
void expect_success(pid_t child);

/* Run @in_child(@arg) in a child, and wait for it to end well. */
void in_a_child(void (*in_child)(void *arg), void *arg);

#endif

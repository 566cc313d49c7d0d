/*
 * tests/support/child.h - tests that fork.
 *
 * A child reports by its exit status whether it succeeded, and prints the line
 * that failed. It must not use an assertion of cmocka, which would jump into
 * the parent's test.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <sys/types.h>

/* In the child: report the first condition that is false. */
#define EXPECT(condition)                                                      \
	((condition) ? (void)0 : child_failed(__FILE__, __LINE__))

void child_failed(const char *file, unsigned line);

/* fork(2). In the child, also start an alarm. */
pid_t child_fork(void);

/* In the child: exit, with success if nothing has failed. */
_Noreturn void child_ends(void);

/* In the child: exit, because what the test needs is not allowed here. */
_Noreturn void child_skips(void);

/* In the parent: wait for a child, which must exit with success. */
void expect_success(pid_t child);

/* The same, or child_skips(): return whether it has not. */
int expect_success_or_skip(pid_t child);

/* Run @in_child(@arg) in a child, which must exit with success. */
void in_a_child(void (*in_child)(void *arg), void *arg);

/* The same, or child_skips(): return whether it has not. Then the test cleans
 * up and skips itself. */
int in_a_child_or_skip(void (*in_child)(void *arg), void *arg);

#endif

/*
 * tests/support/child.c - see child.h.
 */
#include "child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { SECONDS_PER_CHILD = 60, SKIPPED = 77 };

static const char *failed_file;
static unsigned failed_line;

void child_failed(const char *file, unsigned line)
{
	if (failed_line != 0)
		return;
	failed_file = file;
	failed_line = line;
}

pid_t child_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		alarm(SECONDS_PER_CHILD);
	return child;
}

void child_ends(void)
{
	if (failed_line != 0)
		fprintf(stderr, "%s:%u: failed in the child\n", failed_file,
			failed_line);
	_exit(failed_line != 0);
}

void child_skips(void)
{
	if (failed_line != 0)
		child_ends();
	_exit(SKIPPED);
}

int expect_success_or_skip(pid_t child)
{
	int status;

	assert_int_not_equal(child, -1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		return 0;
	assert_int_equal(WEXITSTATUS(status), 0);
	return 1;
}

void expect_success(pid_t child)
{
	assert_true(expect_success_or_skip(child));
}

static pid_t start_child(void (*in_child)(void *arg), void *arg)
{
	pid_t child = child_fork();

	if (child == 0) {
		in_child(arg);
		child_ends();
	}
	return child;
}

void in_a_child(void (*in_child)(void *arg), void *arg)
{
	expect_success(start_child(in_child, arg));
}

int in_a_child_or_skip(void (*in_child)(void *arg), void *arg)
{
	return expect_success_or_skip(start_child(in_child, arg));
}

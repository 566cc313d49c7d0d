/*
 * tests/support/child.c - see child.h.
 */
#include "child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { SECONDS_PER_CHILD = 60 };

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

void expect_success(pid_t child)
{
	int status;

	assert_int_not_equal(child, -1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void in_a_child(void (*in_child)(void *arg), void *arg)
{
	pid_t child = child_fork();

	if (child == 0) {
		in_child(arg);
		child_ends();
	}
	expect_success(child);
}

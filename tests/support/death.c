/*
 * tests/support/death.c - see death.h.
 */
#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/registry.h"
#include "child.h"
#include "fixture.h"

int misuse_is_watched(void)
{
#ifdef ROTAI_WATCHFUL
	return 1;
#else
	print_message("skip: the thread sanitizer has no registry\n");
	return 0;
#endif
}

_Noreturn static void die(void (*misuse)(struct rota_loop *loop), int to)
{
	const struct rlimit no_core = { 0, 0 };
	struct rota_loop *loop;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGSEGV, SIG_DFL);
	dup2(to, STDERR_FILENO);
	if (rota_loop_new(&loop, NULL) == 0)
		misuse(loop);
	_exit(0); /* must not be reached */
}

static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length + 1 < size &&
	       (n = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
}

void expect_death(void (*misuse)(struct rota_loop *loop),
		  const char *const *says)
{
	char text[4096];
	int status;
	pid_t child;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	child = child_fork();
	assert_int_not_equal(child, -1);
	if (child == 0)
		die(misuse, fds[1]);
	close(fds[1]);
	read_all(fds[0], text, sizeof(text));
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);

	for (; *says != NULL; says++) {
		if (strstr(text, *says) != NULL)
			continue;
		print_message("says: %s\n", text);
		fail_msg("does not say: %s", *says);
	}
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

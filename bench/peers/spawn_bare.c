/*
 * spawn_bare.c - children without a library: vfork(2) and execve(2), or
 * posix_spawn(3), and waitpid(2). Their standard streams are ours.
 */
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/spawn.h"
#include "support/bench.h"

extern char **environ;

static pid_t start_vfork(const char *program)
{
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execve(program, argv, environ);
		_exit(127);
	}
	return pid;
}

static pid_t start_posix(const char *program)
{
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environ))
		return -1;
	return pid;
}

static void await(pid_t pid)
{
	int status;

	if (pid == 0 || waitpid(pid, &status, 0) < 0 || status)
		bench_fail("the program has failed");
}

static void vfork_one_by_one(const char *program, size_t count)
{
	while (count--)
		await(start_vfork(program));
}

static void vfork_at_once(const char *program, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (start_vfork(program) < 0)
			bench_fail("vfork");
	while (count--)
		await(-1);
}

static void posix_one_by_one(const char *program, size_t count)
{
	while (count--)
		await(start_posix(program));
}

static void posix_at_once(const char *program, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (start_posix(program) < 0)
			bench_fail("posix_spawn");
	while (count--)
		await(-1);
}

const struct spawn_peer spawn_vfork = { "limit, vfork", vfork_one_by_one,
					vfork_at_once };
const struct spawn_peer spawn_posix = { "posix_spawn", posix_one_by_one,
					posix_at_once };

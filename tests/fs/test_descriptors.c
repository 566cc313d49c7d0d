/*
 * An executed program does not inherit the descriptors that the library makes.
 * The test executes itself, with their numbers as arguments.
 */
#include "fs/scratch.h"

#include <sys/wait.h>

#include "support/child.h"
#include "support/streams.h"
#include "support/streams_more.h"

enum { HIGHEST = 1024 };

static const char *self; /* the path of this program */

/* In the executed program: the number of these descriptors that are open. */
static int count_open(char **numbers)
{
	int count = 0;

	for (; *numbers != NULL; numbers++)
		count += fcntl(atoi(*numbers), F_GETFD) != -1;
	return count;
}

/* Descriptors that this program has inherited and would pass on. */
struct inherited {
	unsigned char is[HIGHEST];
};

static void see(struct inherited *inherited)
{
	for (int fd = 0; fd < HIGHEST; fd++)
		inherited->is[fd] = fcntl(fd, F_GETFD) == 0;
}

/* In a child: execute this program with the numbers of all other open
 * descriptors. */
static void execute_with(void *arg)
{
	const struct inherited *before = arg;
	static char numbers[HIGHEST][16];
	char *arguments[HIGHEST + 3] = { (char *)(uintptr_t)self,
					 (char *)(uintptr_t) "--count" };
	size_t count = 2;

	for (int fd = 0; fd < HIGHEST; fd++) {
		if (before->is[fd] || fcntl(fd, F_GETFD) == -1)
			continue;
		snprintf(numbers[fd], sizeof(numbers[fd]), "%d", fd);
		arguments[count++] = numbers[fd];
	}
	execv(self, arguments);
	_exit(99);
}

static void expect_not_inherited(struct inherited *before)
{
	in_a_child(execute_with, before);
}

/* A test of the check itself: it finds a descriptor that execve(2) does not
 * close. */
static void execute_with_one_left(void *arg)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD, 3); /* inherited */
	char number[16];
	char *arguments[] = { (char *)(uintptr_t)self,
			      (char *)(uintptr_t) "--count", number, NULL };
	pid_t child;
	int status = 0;

	(void)arg;
	snprintf(number, sizeof(number), "%d", fd);
	child = fork();
	if (child == 0) {
		execv(self, arguments);
		_exit(99);
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void an_inherited_descriptor_would_be_found(void **state)
{
	(void)state;
	in_a_child(execute_with_one_left, NULL);
}

static void a_loop_s_own_descriptors_are_not_inherited(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop;
	struct inherited before;

	see(&before);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&loop, &options), 0);

	expect_not_inherited(&before);

	assert_int_equal(rota_loop_close(loop), 0);
}

static void listeners_and_connections_are_not_inherited(void **state)
{
	struct fixture *f = *state;
	struct rota_tcp tcp;
	struct attempt attempt = { 0 };
	struct server server;
	struct inherited before;

	see(&before);
	server_open(&server, f, 16);
	tcp_init(&tcp, f);
	assert_int_equal(attempt_begin(&attempt, &tcp, &server.address), 0);
	assert_int_equal(attempt_end(f, &attempt), 0);
	RUN_UNTIL(f, server.accepted == 1);

	/* Open are the listener, its reserve, and both ends of the
	 * connection. */
	expect_not_inherited(&before);

	tcp_end(&tcp);
	server_end(&server);
}

/* A rebuilt loop has new descriptors. */
static void rebuild_and_execute(void *arg)
{
	struct fixture *f = arg;
	struct inherited before;
	pid_t child;
	int status = 0;

	see(&before);
	EXPECT(rota_loop_fork(f->loop) == 0);
	child = fork();
	if (child == 0)
		execute_with(&before);
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
}

static void a_rebuilt_loop_s_descriptors_are_not_inherited(void **state)
{
	in_a_child(rebuild_and_execute, *state);
}

static void files_are_not_inherited(void **state)
{
	struct file_test t;
	struct inherited before;
	int64_t fd;

	file_test_begin(&t, *state);
	see(&before);
	fd = do_open(&t.op, t.s.path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);

	expect_not_inherited(&before);

	assert_int_equal(do_close(&t.op, (int)fd), 0);
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(an_inherited_descriptor_would_be_found),
	REAL(a_loop_s_own_descriptors_are_not_inherited),
	REAL(listeners_and_connections_are_not_inherited),
	REAL(a_rebuilt_loop_s_descriptors_are_not_inherited),
	REAL(files_are_not_inherited),
};

static int run_group(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--count") == 0)
		return count_open(argv + 2);
	self = argv[0];
	return run_filtered(tests, sizeof(tests) / sizeof(tests[0]), run_group);
}

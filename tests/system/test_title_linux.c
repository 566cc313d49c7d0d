/* poller: none */
/* system: linux */
/*
 * The title of a process, as other processes see it. The program executes
 * itself with the arguments and the environment that a test wants, and then is
 * the child that sets its title: see main().
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"

enum { TITLE_SPACE = 8192, THREADS = 4, ROUNDS = 300 };

/* Read a file of /proc/self. Returns its size. */
static size_t read_own(const char *name, char *bytes, size_t size)
{
	char path[64];
	size_t done = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	EXPECT(fd >= 0);
	while ((n = read(fd, bytes + done, size - 1 - done)) > 0)
		done += (size_t)n;
	close(fd);
	bytes[done] = '\0';
	return done;
}

/* What others see: cmdline as a string, and without zeroes at its end. */
static int is_seen(const char *title)
{
	static char seen[TITLE_SPACE];
	size_t n = read_own("cmdline", seen, sizeof(seen));

	while (n > 0 && seen[n - 1] == '\0')
		n--;
	return n == strlen(title) && memcmp(seen, title, n) == 0;
}

static int is_named(const char *name)
{
	char comm[32];

	(void)read_own("comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

static int is_seen_by_ps(const char *title)
{
	char command[64], line[256] = "";
	FILE *stream;

	(void)snprintf(command, sizeof(command), "ps -o args= -p %d 2>&1",
		       (int)getpid());
	stream = popen(command, "r");
	if (stream == NULL || fgets(line, sizeof(line), stream) == NULL)
		line[0] = '\0';
	/* 127: there is no ps here. */
	if (stream != NULL && WEXITSTATUS(pclose(stream)) == 127)
		return 1;
	line[strcspn(line, "\n")] = '\0';
	for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	return strcmp(line, title) == 0;
}

/* --- what a child does ---------------------------------------------------- */

static void set_get_and_restore(int argc, char **argv)
{
	char text[TITLE_SPACE], name[32], before[TITLE_SPACE];
	size_t size = read_own("cmdline", before, sizeof(before));

	(void)read_own("comm", name, sizeof(name));
	name[strcspn(name, "\n")] = '\0';
	EXPECT(rota_title_begin(argc, argv) == 0);
	EXPECT(rota_title_begin(argc, argv) == 0);
	EXPECT(strcmp(argv[2], "argument") == 0);
	EXPECT(strcmp(getenv("FIRST"), "one") == 0);
	EXPECT(rota_title_get(text, sizeof(text)) == 0);
	EXPECT(strstr(text, "restore argument") != NULL);
	EXPECT(strlen(text) == size - 1);
	EXPECT(rota_title_get(text, size - 1) == ROTA_ENOBUFS);

	EXPECT(rota_title_set("short") == 0);
	EXPECT(is_seen("short") && is_named("short"));
	EXPECT(is_seen_by_ps("short"));
	EXPECT(rota_title_get(text, 5) == ROTA_ENOBUFS);
	EXPECT(rota_title_get(text, 6) == 0 && strcmp(text, "short") == 0);
	EXPECT(strcmp(argv[2], "argument") == 0);
	EXPECT(strcmp(getenv("FIRST"), "one") == 0);
	EXPECT(strstr(program_invocation_name, "test_title") != NULL);

	EXPECT(rota_title_set("a name of more than fifteen bytes") == 0);
	EXPECT(is_seen("a name of more than fifteen bytes"));
	EXPECT(is_named("a name of more "));
	EXPECT(rota_title_set("") == 0 && is_seen(""));
	EXPECT(rota_title_set(NULL) == ROTA_EINVAL);
	EXPECT(rota_title_get(NULL, 5) == ROTA_EINVAL);

	EXPECT(rota_title_restore() == 0);
	EXPECT(read_own("cmdline", text, sizeof(text)) == size);
	EXPECT(memcmp(text, before, size) == 0);
	EXPECT(is_named(name));
	EXPECT(rota_title_get(text, sizeof(text)) == 0);
	EXPECT(strlen(text) == size - 1);
}

/* The environment has FIRST=one, SECOND=two and nothing else. */
static void cut_long_titles(int argc, char **argv)
{
	static char text[TITLE_SPACE], got[TITLE_SPACE];
	char *begin = argv[0];
	size_t most, arguments;

	most = (size_t)(strstr(environ[1], "two") + 3 - begin);
	arguments = (size_t)(environ[0] - begin);
	EXPECT(rota_title_begin(argc, argv) == 0);

	/* Around the length at which it reaches the environment. */
	for (size_t n = arguments - 3; n < arguments + 4; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		EXPECT(rota_title_set(text) == 0);
		EXPECT(is_seen(text));
		EXPECT(rota_title_get(got, sizeof(got)) == 0);
		EXPECT(strcmp(got, text) == 0);
	}
	memset(text, 'x', sizeof(text) - 1);
	EXPECT(rota_title_set(text) == 0);
	EXPECT(rota_title_get(got, sizeof(got)) == 0);
	EXPECT(strlen(got) == most);
	text[most] = '\0';
	EXPECT(is_seen(text));

	/* A character is not cut in two. */
	strcpy(text + most - 1, "\xe2\x82\xac\xe2\x82\xac");
	EXPECT(rota_title_set(text) == 0);
	EXPECT(rota_title_get(got, sizeof(got)) == 0);
	EXPECT(strlen(got) == most - 1);
	/* What is not UTF-8 is cut anywhere. */
	memset(text, 0x80, sizeof(text) - 1);
	EXPECT(rota_title_set(text) == 0);
	EXPECT(rota_title_get(got, sizeof(got)) == 0);
	EXPECT(strlen(got) == most);

	/* What lies behind a shorter one is as it was. */
	EXPECT(rota_title_set("short") == 0 && is_seen("short"));
	EXPECT(memcmp(begin + arguments, "FIRST=one\0SECOND=two", 21) == 0);
	EXPECT(strcmp(getenv("SECOND"), "two") == 0);
}

/* Variables that were replaced before are not a part of the place. */
static void stop_at_a_replaced_variable(int argc, char **argv)
{
	static char text[TITLE_SPACE], got[TITLE_SPACE];
	size_t arguments = (size_t)(environ[0] - argv[0]);

	EXPECT(setenv("FIRST", "another value", 1) == 0);
	EXPECT(rota_title_begin(argc, argv) == 0);
	memset(text, 'x', sizeof(text) - 1);
	EXPECT(rota_title_set(text) == 0);
	EXPECT(rota_title_get(got, sizeof(got)) == 0);
	EXPECT(strlen(got) == arguments - 1);
	EXPECT(strcmp(getenv("SECOND"), "two") == 0);
	EXPECT(strcmp(getenv("FIRST"), "another value") == 0);
	EXPECT(setenv("SECOND", "changed", 1) == 0);
	EXPECT(strcmp(getenv("SECOND"), "changed") == 0);
}

static void refuse_other_arguments(int argc, char **argv)
{
	char one[] = "one", *others[] = { one, NULL };
	char *moved[] = { argv[0], one, argv[2], NULL };
	char text[64];

	EXPECT(rota_title_set("x") == ROTA_EINVAL);
	EXPECT(rota_title_get(text, sizeof(text)) == ROTA_EINVAL);
	EXPECT(rota_title_restore() == ROTA_EINVAL);
	EXPECT(rota_title_begin(0, argv) == ROTA_EINVAL);
	EXPECT(rota_title_begin(argc, NULL) == ROTA_EINVAL);
	EXPECT(rota_title_begin(1, others) == ROTA_ENOTSUP);
	EXPECT(rota_title_begin(2, argv + 1) == ROTA_ENOTSUP);
	EXPECT(rota_title_begin(3, moved) == ROTA_ENOTSUP);
	EXPECT(strcmp(moved[1], "one") == 0);
	fault_fail("pthread_atfork", 1, ENOMEM);
	EXPECT(rota_title_begin(argc, argv) == ROTA_ENOMEM);
	EXPECT(fault_clear() == 1);
	fault_fail("malloc", 1, ENOMEM);
	EXPECT(rota_title_begin(argc, argv) == ROTA_ENOMEM);
	EXPECT(fault_clear() == 1);
	fault_fail("open", 1, EMFILE);
	EXPECT(rota_title_begin(argc, argv) == ROTA_ENOTSUP);
	EXPECT(fault_clear() == 1);
	EXPECT(rota_title_begin(argc, argv) == 0);
	/* The name of the thread is not worth an error. */
	fault_fail("open", 1, EMFILE);
	EXPECT(rota_title_set("x") == 0 && is_seen("x"));
	EXPECT(fault_clear() == 1);
	fault_fail("write", 1, EINTR);
	EXPECT(rota_title_set("y") == 0 && is_named("y"));
	EXPECT(fault_clear() == 1);
}

static void *set_many_times(void *arg)
{
	char letter = *(char *)arg, text[32], got[64];

	memset(text, letter, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < ROUNDS; i++) {
		EXPECT(rota_title_set(text) == 0);
		EXPECT(rota_title_get(got, sizeof(got)) == 0);
		EXPECT(strlen(got) == sizeof(text) - 1);
		for (size_t at = 1; at < sizeof(text) - 1; at++)
			EXPECT(got[at] == got[0]);
	}
	return NULL;
}

/* Any thread sets it, and it is that of the main thread. */
static void set_in_threads(int argc, char **argv)
{
	pthread_t threads[THREADS];
	char letters[] = "abcd", name[32];

	EXPECT(rota_title_begin(argc, argv) == 0);
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&threads[i], NULL, set_many_times,
				      &letters[i]) == 0);
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	(void)read_own("comm", name, sizeof(name));
	EXPECT(strspn(name, "abcd") == 15);
}

static const struct {
	const char *name;
	void (*act)(int argc, char **argv);
} acts[] = {
	{ "restore", set_get_and_restore },
	{ "cut", cut_long_titles },
	{ "replaced", stop_at_a_replaced_variable },
	{ "refuse", refuse_other_arguments },
	{ "threads", set_in_threads },
};

/* --- the tests ------------------------------------------------------------ */

static void execute(void *arg)
{
	char path[4096], act[16];
	char argument[] = "argument", first[] = "FIRST=one";
	char second[] = "SECOND=two";
	char *arguments[] = { path, act, argument, NULL };
	char *variables[] = { first, second, NULL };

	EXPECT(rota_self_executable(path, sizeof(path)) == 0);
	strcpy(act, arg);
	execve(path, arguments, variables);
	child_failed(__FILE__, __LINE__); /* it was not executed */
}

static void run_act(const char *name)
{
	in_a_child(execute, (void *)(uintptr_t)name);
}

static void a_title_is_shown_and_the_arguments_come_back(void **state)
{
	(void)state;
	run_act("restore");
}

static void a_long_title_ends_with_the_environment(void **state)
{
	(void)state;
	run_act("cut");
}

static void nothing_behind_a_replaced_variable_is_written(void **state)
{
	(void)state;
	run_act("replaced");
}

static void other_strings_than_the_kernels_are_refused(void **state)
{
	(void)state;
	run_act("refuse");
}

static void any_thread_sets_the_title(void **state)
{
	(void)state;
	run_act("threads");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_title_is_shown_and_the_arguments_come_back),
	cmocka_unit_test(a_long_title_ends_with_the_environment),
	cmocka_unit_test(nothing_behind_a_replaced_variable_is_written),
	cmocka_unit_test(other_strings_than_the_kernels_are_refused),
	cmocka_unit_test(any_thread_sets_the_title),
};

static int run_group(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(argv[1], acts[i].name) == 0) {
			acts[i].act(argc, argv);
			child_ends();
		}
	return run_filtered(tests, sizeof(tests) / sizeof(tests[0]), run_group);
}

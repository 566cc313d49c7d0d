/* poller: none */
/*
 * A plugin that contains the library is opened, used and closed. While threads
 * may still run its code, no code is unmapped; after rota_pool_end() has
 * returned 0, all of it is.
 */
#include "support/fixture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/plugin.h"
#include "support/child.h"

/* The leak sanitizer does not know the stacks of a parent's threads in a
 * child. */
static pid_t parent;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return parent != 0 && getpid() != parent;
}

struct opened {
	void *handle;
	const struct plugin *plugin;
};

static struct opened open_plugin(void)
{
	const char *path = getenv("ROTA_TEST_PLUGIN");
	struct opened opened;

	assert_non_null(path);
	opened.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (opened.handle == NULL)
		fail_msg("%s", dlerror());
	opened.plugin = dlsym(opened.handle, "plugin");
	assert_non_null(opened.plugin);
	return opened;
}

static int is_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	int found = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		found |= strstr(line, "/plugin.so") != NULL;
	fclose(maps);
	return found;
}

static void close_plugin(const struct opened *opened)
{
	assert_int_equal(dlclose(opened->handle), 0);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

/* The threads are idle, or about to end. */
static void what_threads_may_run_stays_mapped(void **state)
{
	(void)state;
	for (int own_pool = 0; own_pool <= 1; own_pool++) {
		for (int i = 0; i < 50; i++) {
			struct opened opened = open_plugin();

			assert_int_equal(opened.plugin->use(own_pool), 0);
			close_plugin(&opened);
			assert_true(is_mapped());
		}
	}
	in_a_child(do_nothing, NULL); /* runs handlers of pthread_atfork() */
}

static void after_the_end_of_the_pool_all_is_unmapped(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct opened opened = open_plugin();

		assert_int_equal(opened.plugin->use(i % 2), 0);
		if (i % 3 == 0)
			assert_int_equal(opened.plugin->use(0), 0);
		assert_int_equal(opened.plugin->end(UINT64_MAX), 0);
		assert_true(is_mapped());
		close_plugin(&opened);
		assert_false(is_mapped());
	}
	in_a_child(do_nothing, NULL); /* must not run the handlers */
}

static void the_end_waits_for_a_thread_until_its_deadline(void **state)
{
	struct opened opened = open_plugin();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(opened.plugin->be_stuck(fds[0]), 0);

	assert_int_equal(opened.plugin->end(0), ROTA_ETIMEDOUT);
	assert_int_equal(opened.plugin->end(real_now() + ROTA_MSEC(2)),
			 ROTA_ETIMEDOUT);
	close_plugin(&opened);
	assert_true(is_mapped());

	/* The library still works, with another pool. */
	opened = open_plugin();
	assert_int_equal(opened.plugin->use(0), 0);
	assert_int_equal(opened.plugin->end(0), ROTA_ETIMEDOUT);
	put_byte(fds[1]);
	assert_int_equal(opened.plugin->end(UINT64_MAX), 0);
	close_plugin(&opened);
	assert_false(is_mapped());
	close(fds[0]);
	close(fds[1]);
}

static void a_pool_that_is_in_use_does_not_end(void **state)
{
	struct opened opened = open_plugin();

	(void)state;
	assert_int_equal(opened.plugin->end_in_use(), ROTA_EBUSY);
	assert_int_equal(opened.plugin->use(0), 0);
	assert_int_equal(opened.plugin->end(UINT64_MAX), 0);
	assert_int_equal(opened.plugin->end(0), 0); /* there is no pool */
	close_plugin(&opened);
	assert_false(is_mapped());
}

static void use_and_end(void *arg)
{
	const struct opened *opened = arg;

	EXPECT(opened->plugin->end(UINT64_MAX) == 0); /* not the parent's */
	EXPECT(opened->plugin->use(0) == 0);
	EXPECT(opened->plugin->use(1) == 0);
	EXPECT(opened->plugin->end(UINT64_MAX) == 0);
	dlclose(opened->handle);
	EXPECT(!is_mapped());
}

/* F2 */
static void a_child_has_threads_of_its_own_to_wait_for(void **state)
{
	struct opened opened = open_plugin();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(opened.plugin->use(0), 0);
	in_a_child(use_and_end, &opened);
	assert_int_equal(opened.plugin->be_stuck(fds[0]), 0);
	in_a_child(use_and_end, &opened);
	assert_int_equal(opened.plugin->end(0), ROTA_ETIMEDOUT);
	in_a_child(use_and_end, &opened);

	put_byte(fds[1]);
	assert_int_equal(opened.plugin->end(UINT64_MAX), 0);
	close_plugin(&opened);
	assert_false(is_mapped());
	close(fds[0]);
	close(fds[1]);
}

static void begin_and_exit(void *arg)
{
	int *fds = arg;
	struct opened opened = open_plugin();

	EXPECT(opened.plugin->be_stuck(fds[0]) == 0);
	EXPECT(opened.plugin->use(0) == 0);
	if (freopen("/dev/null", "w", stdout) == NULL)
		return; /* stdout has output of the parent */
	exit(0);
}

static void watch_and_unload(void *arg)
{
	int *stops = arg;
	struct opened opened = open_plugin();

	EXPECT(opened.plugin->watch_signal(SIGUSR1, *stops) == 0);
	EXPECT(opened.plugin->end(UINT64_MAX) == 0);
	dlclose(opened.handle);
	EXPECT(is_mapped());
	if (!*stops)
		raise(SIGUSR1); /* the handler is still installed */
}

/* A thread may be on its way into a handler, or out of it, at any time: in a
 * child, as the plugin stays there. */
static void what_has_handled_a_signal_stays_mapped(void **state)
{
	(void)state;
	parent = getpid();
	for (int stops = 0; stops <= 1; stops++)
		in_a_child(watch_and_unload, &stops);
}

/* Nothing is written to the pipe. */
static void a_stuck_thread_does_not_keep_a_program_from_ending(void **state)
{
	int fds[2];

	(void)state;
	parent = getpid();
	assert_int_equal(pipe(fds), 0);
	in_a_child(begin_and_exit, fds);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_stuck_thread_does_not_keep_a_program_from_ending),
	cmocka_unit_test(after_the_end_of_the_pool_all_is_unmapped),
	cmocka_unit_test(the_end_waits_for_a_thread_until_its_deadline),
	cmocka_unit_test(a_pool_that_is_in_use_does_not_end),
	cmocka_unit_test(a_child_has_threads_of_its_own_to_wait_for),
	cmocka_unit_test(what_has_handled_a_signal_stays_mapped),
	cmocka_unit_test(what_threads_may_run_stays_mapped),
};

FIXTURE_MAIN(tests)

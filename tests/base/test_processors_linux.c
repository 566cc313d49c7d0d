/* system: linux */
/* poller: none */
/*
 * A machine that may have more processors than a cpu_set_t can hold. The calls
 * of the system are replaced by those of this file.
 */
#include "support/fixture.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/thread.h"

enum { POSSIBLE = 4096, LAST = 4000 };

static size_t pinned_to;

/* This process may use processors 5, 1500 and LAST. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	if (size < POSSIBLE / 8) {
		errno = EINVAL;
		return -1;
	}
	memset(set, 0, size);
	CPU_SET_S(5, size, set);
	CPU_SET_S(1500, size, set);
	CPU_SET_S(LAST, size, set);
	return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	(void)pid;
	assert_int_equal(CPU_COUNT_S(size, set), 1);
	pinned_to = 0;
	while (!CPU_ISSET_S(pinned_to, size, set))
		pinned_to++;
	return 0;
}

static void processors_beyond_a_cpu_set_count(void **state)
{
	(void)state;
	assert_int_equal(rotai_thread_processors(), 3);
}

static void a_thread_is_pinned_beyond_a_cpu_set(void **state)
{
	static const size_t processors[] = { 5, 1500, LAST };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(rotai_thread_pin(i), 0);
		assert_int_equal(pinned_to, processors[i % 3]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processors_beyond_a_cpu_set_count),
		cmocka_unit_test(a_thread_is_pinned_beyond_a_cpu_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * tests/support/assertions_wrap.c - fails a test that passed without making any
 * assertion. The linker's --wrap redirects cmocka's functions to this file,
 * with the options in assertions.flags.
 *
 *  1. Only assertions in the test program itself count, and those about the
 *     exit status of a forked child. Assertions in other files of this
 *     directory do not count, as they say nothing about the library: they
 *     check, for example, that a pipe could be made.
 *  2. A test that skips itself leaves its function and is not checked.
 *  3. Each test runs inside one of ours. Its setup is called first, and finds
 *     out from initial_state which test it is.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

typedef LargestIntegralType number;

void __real__assert_true(number result, const char *expression,
			 const char *file, int line);
void __real__assert_return_code(number result, size_t size, number error,
				const char *expression, const char *file,
				int line);
void __real__assert_int_equal(number a, number b, const char *file, int line);
void __real__assert_int_not_equal(number a, number b, const char *file,
				  int line);
void __real__assert_string_equal(const char *a, const char *b, const char *file,
				 int line);
void __real__assert_string_not_equal(const char *a, const char *b,
				     const char *file, int line);
void __real__assert_memory_equal(const void *a, const void *b, size_t size,
				 const char *file, int line);
void __real__assert_memory_not_equal(const void *a, const void *b, size_t size,
				     const char *file, int line);
void __real__assert_in_range(number value, number least, number most,
			     const char *file, int line);
void __real__assert_not_in_range(number value, number least, number most,
				 const char *file, int line);
void __real__assert_in_set(number value, const number values[], size_t count,
			   const char *file, int line);
void __real__assert_not_in_set(number value, const number values[],
			       size_t count, const char *file, int line);
int __real__cmocka_run_group_tests(const char *name,
				   const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup,
				   CMFixtureFunction teardown);

void __wrap__assert_true(number result, const char *expression,
			 const char *file, int line);
void __wrap__assert_return_code(number result, size_t size, number error,
				const char *expression, const char *file,
				int line);
void __wrap__assert_int_equal(number a, number b, const char *file, int line);
void __wrap__assert_int_not_equal(number a, number b, const char *file,
				  int line);
void __wrap__assert_string_equal(const char *a, const char *b, const char *file,
				 int line);
void __wrap__assert_string_not_equal(const char *a, const char *b,
				     const char *file, int line);
void __wrap__assert_memory_equal(const void *a, const void *b, size_t size,
				 const char *file, int line);
void __wrap__assert_memory_not_equal(const void *a, const void *b, size_t size,
				     const char *file, int line);
void __wrap__assert_in_range(number value, number least, number most,
			     const char *file, int line);
void __wrap__assert_not_in_range(number value, number least, number most,
				 const char *file, int line);
void __wrap__assert_in_set(number value, const number values[], size_t count,
			   const char *file, int line);
void __wrap__assert_not_in_set(number value, const number values[],
			       size_t count, const char *file, int line);
int __wrap__cmocka_run_group_tests(const char *name,
				   const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup,
				   CMFixtureFunction teardown);

/* The assertions of the running test. Threads may make some as well. */
static unsigned assertions;

/* (1) */
static int is_a_test(const char *file)
{
	static const char support[] = "tests/support/";

	return strncmp(file, support, sizeof(support) - 1) != 0 ||
	       strcmp(file, "tests/support/child.c") == 0 ||
	       strcmp(file, "tests/support/death.c") == 0;
}

static void count_assertion(const char *file, int line)
{
	if (is_a_test(file))
		__atomic_fetch_add(&assertions, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&last_assertion.file, file, __ATOMIC_RELAXED);
	__atomic_store_n(&last_assertion.line, line, __ATOMIC_RELAXED);
}

void __wrap__assert_true(number result, const char *expression,
			 const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_true(result, expression, file, line);
}

void __wrap__assert_return_code(number result, size_t size, number error,
				const char *expression, const char *file,
				int line)
{
	count_assertion(file, line);
	__real__assert_return_code(result, size, error, expression, file, line);
}

void __wrap__assert_int_equal(number a, number b, const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_int_equal(a, b, file, line);
}

void __wrap__assert_int_not_equal(number a, number b, const char *file,
				  int line)
{
	count_assertion(file, line);
	__real__assert_int_not_equal(a, b, file, line);
}

void __wrap__assert_string_equal(const char *a, const char *b, const char *file,
				 int line)
{
	count_assertion(file, line);
	__real__assert_string_equal(a, b, file, line);
}

void __wrap__assert_string_not_equal(const char *a, const char *b,
				     const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_string_not_equal(a, b, file, line);
}

void __wrap__assert_memory_equal(const void *a, const void *b, size_t size,
				 const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_memory_equal(a, b, size, file, line);
}

void __wrap__assert_memory_not_equal(const void *a, const void *b, size_t size,
				     const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_memory_not_equal(a, b, size, file, line);
}

void __wrap__assert_in_range(number value, number least, number most,
			     const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_in_range(value, least, most, file, line);
}

void __wrap__assert_not_in_range(number value, number least, number most,
				 const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_not_in_range(value, least, most, file, line);
}

void __wrap__assert_in_set(number value, const number values[], size_t count,
			   const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_in_set(value, values, count, file, line);
}

void __wrap__assert_not_in_set(number value, const number values[],
			       size_t count, const char *file, int line)
{
	count_assertion(file, line);
	__real__assert_not_in_set(value, values, count, file, line);
}

/* (3) */
static const struct CMUnitTest *running;

static int begin(void **state)
{
	running = *state;
	*state = running->initial_state;
	__atomic_store_n(&assertions, 0, __ATOMIC_RELAXED);
	return running->setup_func != NULL ? running->setup_func(state) : 0;
}

static void run_and_check(void **state)
{
	if (!may_open_enough())
		skip_test("the limit on descriptors is too low");
	running->test_func(state);
	if (__atomic_load_n(&assertions, __ATOMIC_RELAXED) == 0)
		fail_msg("it passed without asserting anything: assert, or "
			 "skip() with a reason");
}

int __wrap__cmocka_run_group_tests(const char *name,
				   const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup,
				   CMFixtureFunction teardown)
{
	struct CMUnitTest *checked = calloc(count, sizeof(*checked));
	int failed;

	if (checked == NULL)
		return -1;
	(void)may_open_enough(); /* before a setup stores the limit */
	for (size_t i = 0; i < count; i++)
		checked[i] = (struct CMUnitTest){
			.name = tests[i].name,
			.test_func = run_and_check,
			.setup_func = begin,
			.teardown_func = tests[i].teardown_func,
			.initial_state = (void *)(uintptr_t)&tests[i],
		};
	failed = __real__cmocka_run_group_tests(name, checked, count, setup,
						teardown);
	free(checked);
	return failed;
}

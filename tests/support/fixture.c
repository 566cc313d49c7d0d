/*
 * tests/support/fixture.c - see fixture.h.
 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_PER_TEST = 120 };

static void *counting_resize(void *context, void *pointer, size_t old,
			     size_t size)
{
	struct counting_allocator *memory = context;
	void *moved;

	if (size == 0) {
		free(pointer);
		memory->bytes -= old;
		return NULL;
	}
	if (++memory->calls == memory->fail_at) {
		memory->failed++;
		return NULL;
	}
	moved = realloc(pointer, size);
	if (moved != NULL)
		memory->bytes += size - old;
	return moved;
}

void counting_allocator_init(struct counting_allocator *memory)
{
	*memory = (struct counting_allocator){
		.allocator = { counting_resize, memory },
	};
}

void fixture_options(struct fixture *f, enum rota_clock clock,
		     struct rota_loop_options *options)
{
	rota_loop_options_init(options);
	options->clock = clock;
	options->allocator = &f->memory.allocator;
}

static int begin(void **state, enum rota_clock clock)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rota_loop_options options;
	int error;

	if (f == NULL)
		return -1;
	alarm(SECONDS_PER_TEST);
	f->descriptors = count_descriptors();
	counting_allocator_init(&f->memory);
	fixture_options(f, clock, &options);
	error = rota_loop_new(&f->loop, &options);
	if (error < 0) {
		print_error("rota_loop_new: %s\n", rota_error_name(error));
		free(f);
		return -1;
	}
	f->start_ns = rota_loop_now(f->loop);
	*state = f;
	return 0;
}

int fixture_begin_virtual(void **state)
{
	return begin(state, ROTA_CLOCK_VIRTUAL);
}

int fixture_begin_real(void **state)
{
	return begin(state, ROTA_CLOCK_MONOTONIC);
}

static void print_open(void *arg, const struct rota_dump_entry *entry)
{
	(void)arg;
	print_error("left open: %s %p (fd %d)\n", entry->type, entry->object,
		    entry->fd);
}

struct last_assertion last_assertion;

/* The dump may abort before cmocka has printed why the test has failed. */
static void print_last_assertion(void)
{
	const char *file =
		__atomic_load_n(&last_assertion.file, __ATOMIC_RELAXED);

	if (file != NULL)
		print_error("last assertion: %s:%d\n", file,
			    __atomic_load_n(&last_assertion.line,
					    __ATOMIC_RELAXED));
}

/* A thread of a pool may still be in a call of the system that is not needed
 * any more, and have a file open for it. So a descriptor is left only if it
 * stays. */
static int are_descriptors_back(const struct fixture *f)
{
	for (int i = 0; i < 2000; i++) {
		if (count_descriptors() == f->descriptors)
			return 1;
		(void)poll(NULL, 0, 1);
	}
	return 0;
}

int fixture_end(void **state)
{
	struct fixture *f = *state;
	int failed = 0;

	alarm(0);
	if (f->loop != NULL) {
		int status = rota_loop_close(f->loop);

		if (status < 0) {
			print_error("rota_loop_close: %s\n",
				    rota_error_name(status));
			print_last_assertion();
			rota_loop_dump(f->loop, print_open, NULL);
			failed = 1;
		}
	}
	if (!failed && f->memory.bytes != 0) {
		print_error("%zu bytes not freed\n", f->memory.bytes);
		failed = 1;
	}
	if (!failed && !are_descriptors_back(f)) {
		print_error("%d descriptors before, %d after\n", f->descriptors,
			    count_descriptors());
		failed = 1;
	}
	free(f);
	return failed ? -1 : 0;
}

int count_descriptors(void)
{
	enum { HIGHEST = 4096 };
	int count = 0;

	for (int fd = 0; fd < HIGHEST; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			count++;
	return count;
}

int may_open_enough(void)
{
	enum { ENOUGH = 1024 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= ENOUGH)
		return 1;
	limit.rlim_cur = ENOUGH;
	return limit.rlim_max >= ENOUGH &&
	       setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void set_flags(int fd)
{
	assert_int_not_equal(
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), -1);
	assert_int_not_equal(fcntl(fd, F_SETFD, FD_CLOEXEC), -1);
}

void make_pipe(int fds[2])
{
	assert_int_equal(pipe(fds), 0);
	set_flags(fds[0]);
	set_flags(fds[1]);
}

void make_socketpair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	set_flags(fds[0]);
	set_flags(fds[1]);
}

void put_byte(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

void take_byte(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return ROTA_SEC(t.tv_sec) + (uint64_t)t.tv_nsec;
}

uint64_t real_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_now(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t random_below(uint64_t *seed, uint64_t bound)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % bound;
}

uint64_t random_seed(void)
{
	const char *given = getenv("ROTA_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : real_now();

	if (seed == 0)
		seed = 1;
	print_message("ROTA_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

int poller_is(struct fixture *f, const char *name)
{
	return strcmp(rota_loop_backend_name(f->loop), name) == 0;
}

/* '*' matches any sequence of characters, '?' any single one. */
static int matches(const char *pattern, const char *name)
{
	if (*pattern == '*')
		return matches(pattern + 1, name) ||
		       (*name != '\0' && matches(pattern, name + 1));
	if (*pattern == '\0' || *name == '\0')
		return *pattern == *name;
	return (*pattern == '?' || *pattern == *name) &&
	       matches(pattern + 1, name + 1);
}

int run_filtered(const struct CMUnitTest *tests, size_t count, int (*run)(void))
{
	const char *filter = getenv("ROTA_TEST_FILTER");
	size_t found = 0;

	/* Writing to a pipe without a reader returns an error, and does not end
	 * the process. The library must not rely on this: D5 has a test of its
	 * own. */
	signal(SIGPIPE, SIG_IGN);
	if (filter == NULL || *filter == '\0')
		return run();
	for (size_t i = 0; i < count; i++)
		found += (size_t)matches(filter, tests[i].name);
	if (found == 0)
		return 0; /* the runner counts the tests of all programs */
	cmocka_set_test_filter(filter);
	return run();
}

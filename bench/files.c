/*
 * files.c - what does it cost to read a file, or to ask what it is, without
 * waiting for the disk?
 *
 * Load: 64 or 10,000 files of one size in a temporary directory, all of them in
 * the page cache. 1 or 64 operations are in flight, and the callback of each
 * starts the next. Files are read into memory from malloc(), which the callback
 * frees. On one processor threads take turns. On two processors it depends on
 * chance whether a thread wakes on its waker's processor or on the other one.
 * That alone may double the price of an operation that waits for its answer.
 *
 * Metrics, per file:
 *
 *     cpu    ns that all threads of the process have run, including the
 *            kernel's share
 *     rate   1000 files per second of real time
 *     time   ns of real time
 *     faults page faults of all threads
 *     calls  system calls of all threads, each of which runs until it sleeps,
 *            as they would on one processor
 *
 * Subjects: rota_fs_read_file() and rota_fs_stat(), which need no thread here;
 * the same on threads only; into a buffer; and rota with four requests per
 * file, to show where the difference comes from. libuv reads a file with
 * four requests, open, fstat, read and close, or with a function of the program
 * for uv_queue_work() that makes these calls; and it has uv_fs_stat(). Both
 * libraries have their default number of threads, which is up to four. The
 * limit makes the same calls on this thread, without a loop. Nothing that uses
 * other threads can be as cheap, but a disk would make it wait. libev and
 * libevent have no file operations.
 *
 * "plain calls in uv_queue_work" allocate on a thread of the pool, and the loop
 * frees the memory, as a program does that passes on what it has read. Page
 * faults are compared with that.
 *
 * Bad news: anything above the targets. With --run NAME a single subject reads
 * files, of 1 KiB if there is no --size, for other tools and other loads:
 *
 *     strace -f -c build/bench/files --run rota --in-flight 1 --count 10000
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "peers/files.h"
#include "support/bench.h"
#include "support/server.h"
#include "support/trace.h"

enum { FILES = 10000, PATH_SIZE = 96, FEW = 64 };

static const struct files_peer *const readers[] = {
	&files_rota,        &files_calls,        &files_rota_threads,
	&files_rota_buffer, &files_rota_steps,   &files_libuv_steps,
	&files_libuv_work,  &files_libuv_buffer,
};

/* Files of up to FILES_MEMORY bytes. Larger ones are read by these: */
static const struct files_peer *const large_readers[] = {
	&files_rota,       &files_calls,       &files_rota_threads,
	&files_rota_steps, &files_libuv_steps, &files_libuv_work,
};

static const struct files_peer *const tellers[] = {
	&files_rota,
	&files_calls,
	&files_rota_threads,
	&files_libuv_steps,
};

enum {
	READERS = sizeof(readers) / sizeof(*readers),
	LARGE_READERS = sizeof(large_readers) / sizeof(*large_readers),
	TELLERS = sizeof(tellers) / sizeof(*tellers),
};

/* Files. */

static char directory[PATH_SIZE - 16];
static size_t written; /* how many files there are */
static char paths[FILES][PATH_SIZE];
static const char *path_list[FILES];

static void remove_files(void)
{
	for (size_t i = 0; i < written; i++)
		unlink(paths[i]);
	rmdir(directory);
}

static void make_directory(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/files.XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(directory))
		bench_fail("%s: %s", directory, strerror(errno));
	for (size_t i = 0; i < FILES; i++) {
		snprintf(paths[i], PATH_SIZE, "%s/%zu", directory, i);
		path_list[i] = paths[i];
	}
	atexit(remove_files);
}

static void write_files(size_t size, size_t count)
{
	char *data = malloc(size);

	if (written < count)
		written = count;
	memset(data, 'x', size);
	for (size_t i = 0; i < count; i++) {
		int fd = open(paths[i],
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (fd < 0 || write(fd, data, size) != (ssize_t)size)
			bench_fail("%s: %s", paths[i], strerror(errno));
		close(fd);
	}
	free(data);
}

static struct files_load load_of(enum files_task task, size_t size,
				 size_t files, size_t in_flight)
{
	return (struct files_load){
		.task = task,
		.paths = path_list,
		.paths_count = files,
		.file_size = size,
		.in_flight = in_flight,
	};
}

/* Questions. */

static const struct question {
	const char *name;
	enum files_task task;
	size_t size;
	size_t files;
	size_t in_flight;
	size_t count;  /* of one sample */
	double cpu;    /* targets: processor time, ratio to libuv's requests; */
	double steps;  /* time, ratio to them, */
	double job;    /* to one job, */
	double calls;  /* and to the plain calls; */
	double faults; /* page faults, ratio to a job that allocates */
} questions[] = {
	{ "read 1 KiB, 1 in flight", FILES_READ, 1024, FEW, 1, 400, 0.3, 0.1, 0,
	  0, 0 },
	{ "read 1 KiB, 64 in flight", FILES_READ, 1024, FEW, 64, 1500, 0, 0, 0,
	  0, 0 },
	{ "read 16 KiB, 1 in flight", FILES_READ, 16384, FEW, 1, 400, 0, 0, 0,
	  0, 0 },
	{ "read 16 KiB, 64 in flight", FILES_READ, 16384, FEW, 64, 1500, 0, 0,
	  0, 0, 0.05 },
	{ "read 100 KiB, 1 in flight", FILES_READ, 102400, FEW, 1, 300, 0, 0, 0,
	  0, 0 },
	{ "read 100 KiB, 64 in flight", FILES_READ, 102400, FEW, 64, 600, 0, 0,
	  0, 0, 0.05 },
	{ "stat, 1 in flight", FILES_STAT, 1024, FEW, 1, 1000, 1, 0, 0, 0, 0 },
	{ "stat, 64 in flight", FILES_STAT, 1024, FEW, 64, 4000, 1, 0.91, 0, 0,
	  0 },
	{ "read 4 KiB of an open file, 1 in flight", FILES_PART, 4096, FEW, 1,
	  1000, 0, 0.1, 0, 0, 0 },
	{ "read 4 KiB, hot, 1 in flight", FILES_READ, 4096, FEW, 1, 400, 0, 0.1,
	  0, 1.3, 0 },
	{ "read 4 KiB, 10000 files, 1 in flight", FILES_READ, 4096, FILES, 1,
	  400, 0, 0.286, 0.833, 0, 0 },
	{ "read 4 KiB, 10000 files, 64 in flight", FILES_READ, 4096, FILES, 64,
	  2000, 0, 0.5, 0.91, 0, 0 },
};

enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

static const struct files_peer *const *peers_of(const struct question *question,
						size_t *count)
{
	if (question->task != FILES_READ) {
		*count = TELLERS;
		return tellers;
	}
	*count = question->size > FILES_MEMORY ? LARGE_READERS : READERS;
	return question->size > FILES_MEMORY ? large_readers : readers;
}

struct timing {
	struct bench *bench;
	const struct question *question;
	const struct files_peer *const *peers;
	struct bench_series cpu;
	struct bench_series rate;
	struct bench_series time;
	struct bench_series faults;
};

static double faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_minflt;
}

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	const struct question *question = timing->question;
	const struct files_peer *peer = timing->peers[subject];
	struct files_load load = load_of(question->task, question->size,
					 question->files, question->in_flight);
	const size_t count = question->count / (timing->bench->quick ? 2 : 1);
	uint64_t begin_ns;
	uint64_t cpu_ns;
	double faults_before;
	void *set = peer->make(&load);

	/* Start all threads; and have the memory that is used again. */
	peer->run(set, question->in_flight * (question->faults > 0 ? 8 : 2));
	begin_ns = bench_wall_ns();
	cpu_ns = bench_process_ns();
	faults_before = faults();
	peer->run(set, count);
	cpu_ns = bench_process_ns() - cpu_ns;
	begin_ns = bench_wall_ns() - begin_ns;
	bench_add(timing->bench, &timing->faults, subject,
		  (faults() - faults_before) / (double)count);
	bench_add(timing->bench, &timing->time, subject,
		  (double)begin_ns / (double)count);
	peer->free(set);
	bench_add(timing->bench, &timing->cpu, subject,
		  (double)cpu_ns / (double)count);
	bench_add(timing->bench, &timing->rate, subject,
		  (double)count * 1e6 / (double)begin_ns);
}

static void init_series(struct bench_series *series, const char *metric,
			const char *unit, const struct question *question,
			const char *place)
{
	size_t count;
	const struct files_peer *const *peers = peers_of(question, &count);

	bench_series_init(series, metric, unit, "%s%s", question->name, place);
	for (size_t i = 0; i < count; i++)
		bench_series_name(series, peers[i]->name);
}

static void time_all(struct bench *bench, const struct question *question,
		     const char *place)
{
	static struct timing timing;
	size_t count;
	bool one_processor = strstr(place, "one");

	timing.bench = bench;
	timing.question = question;
	timing.peers = peers_of(question, &count);
	init_series(&timing.cpu, "cpu", "ns/file", question, place);
	init_series(&timing.rate, "rate", "1000 files/s", question, place);
	init_series(&timing.time, "time", "ns/file", question, place);
	init_series(&timing.faults, "faults", "/file", question, place);
	bench_interleave(bench, count, bench->quick ? 7 : 31, time_one,
			 &timing);
	bench_print(bench, &timing.cpu);
	/* On two processors, chance decides how long each answer takes. */
	if (question->cpu > 0 && (one_processor || question->in_flight > 1))
		bench_target_ratio(bench, BENCH_NOISY, &timing.cpu,
				   "libuv requests", question->cpu);
	bench_print(bench, &timing.rate);
	bench_print(bench, &timing.time);
	if (one_processor)
		return;
	if (question->steps > 0)
		bench_target_ratio(bench, BENCH_NOISY, &timing.time,
				   "libuv requests", question->steps);
	if (question->job > 0)
		bench_target_ratio(bench, BENCH_NOISY, &timing.time,
				   "libuv, one job into a buffer",
				   question->job);
	if (question->calls > 0)
		bench_target_ratio(bench, BENCH_NOISY, &timing.time,
				   "limit: plain calls", question->calls);
	bench_print(bench, &timing.faults);
	if (question->faults > 0)
		bench_target_ratio(bench, BENCH_NOISY, &timing.faults,
				   "libuv, plain calls in uv_queue_work",
				   question->faults);
}

static void time_questions(struct bench *bench, const char *place)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		write_files(questions[i].size, questions[i].files);
		time_all(bench, &questions[i], place);
	}
}

/* System calls. */

enum { COUNTED = 512 };

struct traced {
	const struct files_peer *peer;
	struct files_load load;
};

static void run_traced(void *arg)
{
	struct traced *traced = arg;
	void *set = traced->peer->make(&traced->load);

	traced->peer->run(set, 4 * FEW);
	trace_on();
	traced->peer->run(set, COUNTED);
	trace_off();
}

/* This runs before the process has a pool. */
static void count_calls(struct bench *bench, const struct question *question)
{
	static struct bench_series calls;
	size_t count;
	const struct files_peer *const *peers = peers_of(question, &count);

	init_series(&calls, "calls", "/file", question, "");
	printf("\n%s: of the calls, for a file\n", question->name);
	for (size_t i = 0; i < count; i++) {
		struct traced traced = {
			peers[i], load_of(question->task, question->size,
					  question->files, question->in_flight)
		};
		struct trace trace;

		if (trace_run(&trace, TRACE_THREAD_CALLS, run_traced, &traced))
			bench_fail("cannot trace: ptrace(2) is not allowed "
				   "here");
		printf("  %-36s", peers[i]->name);
		trace_print_calls(stdout, &trace, COUNTED);
		printf("\n");
		bench_add_exact(bench, &calls, i, trace.total, trace.most,
				COUNTED);
	}
	bench_print(bench, &calls);
	if (question->in_flight == 1)
		bench_target_ratio(bench, BENCH_EXACT, &calls, "libuv requests",
				   question->task == FILES_STAT ? 0.9 : 0.4);
}

/* The program's options. */

struct options {
	const char *run;
	size_t in_flight;
	size_t count;
	size_t size;
	size_t files;
	enum files_task task;
};

static int run_one(const struct options *options)
{
	struct files_load load = load_of(options->task, options->size,
					 options->files, options->in_flight);
	uint64_t begin_ns;
	uint64_t cpu_ns;

	for (size_t i = 0; i < READERS; i++) {
		void *set;

		if (strcmp(readers[i]->name, options->run))
			continue;
		write_files(options->size, options->files);
		set = readers[i]->make(&load);
		readers[i]->run(set, options->in_flight * 2);
		begin_ns = bench_wall_ns();
		cpu_ns = bench_process_ns();
		readers[i]->run(set, options->count);
		cpu_ns = bench_process_ns() - cpu_ns;
		begin_ns = bench_wall_ns() - begin_ns;
		readers[i]->free(set);
		printf("cpu %.0f ns/file, time %.0f ns/file\n",
		       (double)cpu_ns / (double)options->count,
		       (double)begin_ns / (double)options->count);
		return 0;
	}
	bench_fail("no subject %s", options->run);
}

static void read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--run") && i + 1 < argc)
			options->run = argv[++i];
		else if (!strcmp(argv[i], "--in-flight") && i + 1 < argc)
			options->in_flight = (size_t)atol(argv[++i]);
		else if (!strcmp(argv[i], "--count") && i + 1 < argc)
			options->count = (size_t)atol(argv[++i]);
		else if (!strcmp(argv[i], "--size") && i + 1 < argc)
			options->size = (size_t)atol(argv[++i]);
		else if (!strcmp(argv[i], "--files") && i + 1 < argc)
			options->files = (size_t)atol(argv[++i]);
		else if (!strcmp(argv[i], "--part"))
			options->task = FILES_PART;
		else if (!strcmp(argv[i], "--stat"))
			options->task = FILES_STAT;
		else
			bench_fail("files [--quick] [--check] "
				   "[--results DIRECTORY] [--run NAME "
				   "[--in-flight N] [--count N] [--size N] "
				   "[--files N] [--part | --stat]]");
	}
	if (options->files < 1 || options->files > FILES)
		bench_fail("--files: 1 to %d", FILES);
}

int main(int argc, char **argv)
{
	struct options options = {
		.in_flight = 1, .count = 10000, .size = 1024, .files = FEW
	};
	struct bench bench;

	argc = bench_begin(&bench, "files", argc, argv);
	read_options(&options, argc, argv);
	make_directory();
	if (options.run)
		return run_one(&options);
	write_files(1024, FEW);
	for (size_t i = 0; i < QUESTIONS; i++)
		if (questions[i].size == 1024)
			count_calls(&bench, &questions[i]);
	if (!bench.check) {
		bench_move_threads(BENCH_ONE_PROCESSOR);
		time_questions(&bench, ", one processor");
		bench_move_threads(BENCH_TWO_PROCESSORS);
		time_questions(&bench, ", two processors");
	}
	return bench_end(&bench);
}

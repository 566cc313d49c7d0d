/*
 * http/log.c - see rota_http/log.h.
 *
 *  1. There are two halves of memory: lines go to `filling`, and a job writes
 *     `writing`. At most one job is in flight. When it is done, the halves
 *     are exchanged and the next one begins, if lines wait for it. So memory is
 *     bounded, and each job writes all that came during the one before.
 *  2. `file` belongs to the job while one is in flight, and to the loop while
 *     none is. What the job has counted is added to the statistics afterwards.
 *  3. The last job, `is_last`, closes the file as well. There is always one,
 *     since close(2) can wait for a disk.
 *  4. If the loop shuts down before, there are no more jobs. Then lines are
 *     written in the loop's thread, if that does not wait for a reader. A
 *     forked child drops the lines of a job that its parent does.
 */
#include "rota_http/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/log_file.h"
#include "http/memory.h"
#include "http/sized.h"
#include "rota/error.h"
#include "rota/loop.h"
#include "rota/pool.h"
#include "rota/timer.h"

enum {
	MEMORY_SIZE = 128 * 1024,
	LEAST_MEMORY_SIZE = 4 * ROTA_HTTP_LOG_LINE_SIZE,
	MOST_MEMORY_SIZE = 1 << 30,
	MODE = 0640,
	LARGEST_MODE = 07777,
};

#define FLUSH_NS UINT64_C(1000000000)

struct lines {
	char *bytes;
	size_t size;
	uint64_t count;
};

struct rota_http_log {
	struct rota_allocator allocator;
	size_t block_size; /* of the struct and all that is behind it */
	size_t half_size;
	uint64_t flush_ns;
	rota_http_log_format_fn *format;
	struct rota_timer timer;
	struct rota_work work;
	struct lines filling; /* (1) */
	struct lines writing;
	struct rotai_http_log_file file; /* (2) */
	struct rota_http_log_stats stats;
	rota_http_log_closed_fn *closed;
	void *closed_arg;
	pid_t pid;           /* of the process that has queued the job */
	uint32_t is_renamed; /* atomic: open the file again */
	uint8_t is_in_flight;
	uint8_t is_closing;
	uint8_t is_last; /* (3) */
};

static struct rota_http_log *log_of(struct rota_work *work)
{
	return rota_container_of(work, struct rota_http_log, work);
}

static void exchange_halves(struct rota_http_log *log)
{
	struct lines full = log->filling;

	log->filling = log->writing;
	log->writing = full;
}

/* The job: write the lines, in a file that is opened anew if wanted. */
static int write_lines(struct rota_work *work)
{
	struct rota_http_log *log = log_of(work);

	if (__atomic_exchange_n(&log->is_renamed, 0, __ATOMIC_RELAXED) &&
	    rotai_http_log_file_open(&log->file) < 0)
		__atomic_store_n(&log->is_renamed, 1, __ATOMIC_RELAXED);
	if (log->writing.size > 0)
		rotai_http_log_file_append(&log->file, log->writing.bytes,
					   log->writing.size);
	if (log->is_last)
		rotai_http_log_file_close(&log->file);
	return 0;
}

/* Add up what a job has done, or that it was not done (2). */
static void count_job(struct rota_http_log *log, int status)
{
	struct rotai_http_log_result *result = &log->file.result;

	if (status < 0) {
		result->lost = log->writing.count;
		result->errors++;
		result->error = status;
	}
	log->stats.written += log->writing.count - result->lost;
	log->stats.dropped += result->lost;
	log->stats.errors += result->errors;
	log->stats.opened += result->opened;
	if (result->errors > 0)
		log->stats.error = result->error;
	memset(result, 0, sizeof(*result));
	log->writing.size = 0;
	log->writing.count = 0;
}

/* Do the job of which nobody else will do (4). */
static void write_here(struct rota_http_log *log, int status)
{
	if (status == ROTA_ECANCELED && log->pid != getpid())
		count_job(log, status);
	else if (log->file.is_regular)
		count_job(log, write_lines(&log->work));
	else
		count_job(log, status);
	if (log->is_last)
		rotai_http_log_file_close(&log->file);
}

static void end(struct rota_http_log *log, int is_told)
{
	struct rota_allocator allocator = log->allocator;
	struct rota_http_log_stats stats = log->stats;
	rota_http_log_closed_fn *closed = log->closed;
	void *arg = log->closed_arg;

	allocator.resize(allocator.context, log, log->block_size, 0);
	if (is_told && closed != NULL)
		closed(&stats, arg);
}

static void on_job_done(struct rota_work *work, int status);

/* Begin a job with the lines that wait, if none is in flight. */
static int flush(struct rota_http_log *log)
{
	enum rota_lane lane =
		log->file.is_regular ? ROTA_LANE_IO : ROTA_LANE_BLOCKING;
	int error;

	if (log->is_in_flight)
		return 0;
	exchange_halves(log);
	log->pid = getpid();
	error = rota_work_queue(&log->work, lane, write_lines, on_job_done);
	if (error < 0) {
		exchange_halves(log);
		return error;
	}
	log->is_in_flight = 1;
	rota_timer_stop(&log->timer);
	return 0;
}

/* Begin the last job. If that fails, do it here, and return the error. */
static int begin_last(struct rota_http_log *log)
{
	int error;

	log->is_last = 1;
	error = flush(log);
	if (error < 0) {
		exchange_halves(log);
		write_here(log, error);
	}
	return error;
}

static void on_job_done(struct rota_work *work, int status)
{
	struct rota_http_log *log = log_of(work);

	log->is_in_flight = 0;
	if (status == ROTA_ECANCELED)
		write_here(log, status);
	else
		count_job(log, status);
	if (log->is_last || (log->is_closing && begin_last(log) < 0)) {
		if (status < 0)
			rotai_http_log_file_close(&log->file);
		end(log, 1);
		return;
	}
	if (log->filling.size > 0 && !rota_timer_is_active(&log->timer))
		(void)flush(log);
}

static void on_due(struct rota_timer *timer)
{
	struct rota_http_log *log =
		rota_container_of(timer, struct rota_http_log, timer);

	if (flush(log) < 0) /* there was no memory: try again */
		(void)rota_timer_again(timer);
}

static int has_place(const struct rota_http_log *log, size_t size)
{
	return log->half_size - log->filling.size >= size;
}

static void add_line(struct rota_http_log *log, size_t size)
{
	log->filling.size += size;
	log->filling.count++;
	if (!has_place(log, ROTA_HTTP_LOG_LINE_SIZE))
		(void)flush(log);
	else if (!rota_timer_is_active(&log->timer))
		(void)rota_timer_start(&log->timer, on_due, log->flush_ns);
}

void rota_http_log_write(struct rota_http_log *log,
			 const struct rota_http_log_entry *entry)
{
	char line[ROTA_HTTP_LOG_LINE_SIZE];
	size_t size;

	if (has_place(log, sizeof(line))) {
		add_line(log,
			 log->format(log->filling.bytes + log->filling.size,
				     entry));
		return;
	}
	(void)flush(log);
	size = log->format(line, entry);
	if (!has_place(log, size)) {
		log->stats.dropped++;
		return;
	}
	memcpy(log->filling.bytes + log->filling.size, line, size);
	add_line(log, size);
}

void rota_http_log_reopen(struct rota_http_log *log)
{
	__atomic_store_n(&log->is_renamed, 1, __ATOMIC_RELAXED);
}

int rota_http_log_get_stats(const struct rota_http_log *log,
			    struct rota_http_log_stats *stats)
{
	return rotai_http_sized_give(
		stats,
		ROTAI_HTTP_SIZE_UP_TO(struct rota_http_log_stats, opened),
		&log->stats, sizeof(log->stats));
}

int rota_http_log_close(struct rota_http_log *log, rota_http_log_closed_fn *fn,
			void *arg)
{
	int error;

	log->is_closing = 1;
	log->closed = fn;
	log->closed_arg = arg;
	rota_timer_stop(&log->timer);
	if (log->is_in_flight)
		return 0;
	error = begin_last(log);
	if (error < 0)
		end(log, 0);
	return error;
}

static const struct rota_http_log_options default_options = {
	.size = sizeof(default_options),
	.format = rota_http_log_combined,
	.memory_size = MEMORY_SIZE,
	.flush_ns = FLUSH_NS,
	.mode = MODE,
};

void rota_http_log_options_init_size(struct rota_http_log_options *options,
				     size_t size)
{
	options->size = size;
	(void)rotai_http_sized_give(options, sizeof(size), &default_options,
				    sizeof(default_options));
}

static int take_log_options(struct rota_http_log_options *options,
			    const struct rota_http_log_options *given)
{
	*options = default_options;
	if (given != NULL &&
	    rotai_http_sized_take(
		    options, sizeof(*options), given,
		    ROTAI_HTTP_SIZE_UP_TO(struct rota_http_log_options,
					  allocator)) < 0)
		return ROTA_EINVAL;
	if (options->format == NULL ||
	    options->memory_size < LEAST_MEMORY_SIZE ||
	    options->memory_size > MOST_MEMORY_SIZE ||
	    options->mode > LARGEST_MODE)
		return ROTA_EINVAL;
	return 0;
}

/* Allocate a log with its memory behind it: two halves, and the path. */
static struct rota_http_log *
allocate_log(const char *path, const struct rota_http_log_options *options)
{
	const struct rota_allocator *from = options->allocator != NULL
						    ? options->allocator
						    : &rotai_http_malloc;
	size_t half = (size_t)options->memory_size / 2;
	size_t path_size = strlen(path) + 1;
	size_t size = sizeof(struct rota_http_log) + 2 * half + path_size;
	struct rota_http_log *log = from->resize(from->context, NULL, 0, size);

	if (log == NULL)
		return NULL;
	memset(log, 0, sizeof(*log));
	log->allocator = *from;
	log->block_size = size;
	log->half_size = half;
	log->flush_ns = options->flush_ns;
	log->format = options->format;
	log->filling.bytes = (char *)(log + 1);
	log->writing.bytes = log->filling.bytes + half;
	log->file.path = log->writing.bytes + half;
	memcpy(log->file.path, path, path_size);
	log->file.mode = (unsigned)options->mode;
	log->file.fd = -1;
	log->stats.size = sizeof(log->stats);
	return log;
}

int rota_http_log_new(struct rota_http_log **log, struct rota_loop *loop,
		      const char *path,
		      const struct rota_http_log_options *options)
{
	struct rota_http_log_options own;
	struct rota_http_log *made;
	int error;

	if (path == NULL || *path == '\0' ||
	    take_log_options(&own, options) < 0)
		return ROTA_EINVAL;
	made = allocate_log(path, &own);
	if (made == NULL)
		return ROTA_ENOMEM;
	error = rotai_http_log_file_open(&made->file);
	if (error < 0) {
		end(made, 0);
		return error;
	}
	count_job(made, 0);
	rota_timer_init(&made->timer, loop);
	rota_work_init(&made->work, loop);
	*log = made;
	return 0;
}

/*
 * files_libuv.c - libuv's file requests: four to read a file, as it has none
 * that reads a whole file; and plain calls in a function for uv_queue_work().
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "peers/files.h"
#include "support/bench.h"

struct set;

struct one {
	uv_fs_t fs;
	uv_work_t work;
	struct set *set;
	uv_file fd;
	char *data;
	uint64_t size;
	const char *path;
	char memory[FILES_MEMORY];
};

struct set {
	struct files_load load;
	uv_loop_t loop;
	size_t to_begin;
	size_t next;
	void (*begin)(struct one *one);
	int open_fd; /* of the first file */
	struct one ones[];
};

static struct set *set_new(const struct files_load *load,
			   void (*begin)(struct one *one))
{
	struct set *set = calloc(
		1, sizeof(*set) + load->in_flight * sizeof(set->ones[0]));

	/* libuv reads it at the first request. Without it there are
	 * FILES_THREADS. */
	unsetenv("UV_THREADPOOL_SIZE");
	if (!set || uv_loop_init(&set->loop))
		bench_fail("uv_loop_init");
	set->load = *load;
	set->open_fd = open(load->paths[0], O_RDONLY | O_CLOEXEC);
	set->begin = begin;
	for (size_t i = 0; i < load->in_flight; i++) {
		set->ones[i].set = set;
		set->ones[i].fs.data = &set->ones[i];
		set->ones[i].work.data = &set->ones[i];
	}
	return set;
}

static void next(struct one *one)
{
	struct set *set = one->set;

	if (set->to_begin == 0)
		return;
	set->to_begin--;
	one->path = set->load.paths[set->next++ % set->load.paths_count];
	set->begin(one);
}

static void check(const struct one *one, int64_t size)
{
	if (size != (int64_t)one->set->load.file_size)
		bench_fail("%s: %lld", one->path, (long long)size);
}

static void must(const struct one *one, int64_t result)
{
	if (result < 0)
		bench_fail("%s: %s", one->path, uv_strerror((int)result));
}

/* Return the result of the step that has completed, and clean up its
 * request. */
static int64_t end_step(uv_fs_t *fs)
{
	int64_t result = fs->result;

	must(fs->data, result);
	uv_fs_req_cleanup(fs);
	return result;
}

static void on_close(uv_fs_t *fs)
{
	struct one *one = fs->data;

	end_step(fs);
	free(one->data);
	next(one);
}

static void on_read(uv_fs_t *fs)
{
	struct one *one = fs->data;
	int64_t size = end_step(fs);

	check(one, size);
	one->data[size] = '\0';
	must(one, uv_fs_close(&one->set->loop, fs, one->fd, on_close));
}

static void on_fstat(uv_fs_t *fs)
{
	struct one *one = fs->data;
	uint64_t size = fs->statbuf.st_size;
	uv_buf_t buffer;

	end_step(fs);
	one->data = malloc(size + 1);
	buffer = uv_buf_init(one->data, (unsigned)size);
	must(one,
	     uv_fs_read(&one->set->loop, fs, one->fd, &buffer, 1, 0, on_read));
}

static void on_open(uv_fs_t *fs)
{
	struct one *one = fs->data;

	one->fd = (uv_file)end_step(fs);
	must(one, uv_fs_fstat(&one->set->loop, fs, one->fd, on_fstat));
}

static void begin_steps(struct one *one)
{
	must(one, uv_fs_open(&one->set->loop, &one->fs, one->path, O_RDONLY, 0,
			     on_open));
}

static void on_stat(uv_fs_t *fs)
{
	struct one *one = fs->data;

	check(one, (int64_t)fs->statbuf.st_size);
	end_step(fs);
	next(one);
}

static void begin_stat(struct one *one)
{
	must(one, uv_fs_stat(&one->set->loop, &one->fs, one->path, on_stat));
}

static void read_plainly(uv_work_t *work)
{
	struct one *one = work->data;

	one->size = (uint64_t)files_read_plainly(one->path, &one->data);
}

static void on_read_plainly(uv_work_t *work, int status)
{
	struct one *one = work->data;

	must(one, status);
	check(one, (int64_t)one->size);
	free(one->data);
	next(one);
}

static void begin_work(struct one *one)
{
	must(one, uv_queue_work(&one->set->loop, &one->work, read_plainly,
				on_read_plainly));
}

static void read_into(uv_work_t *work)
{
	struct one *one = work->data;

	one->size = (uint64_t)files_read_into(one->path, one->memory,
					      sizeof(one->memory));
}

static void on_read_into(uv_work_t *work, int status)
{
	struct one *one = work->data;

	must(one, status);
	check(one, (int64_t)one->size);
	next(one);
}

static void begin_into(struct one *one)
{
	must(one, uv_queue_work(&one->set->loop, &one->work, read_into,
				on_read_into));
}

static void *make_buffer(const struct files_load *load)
{
	return set_new(load, begin_into);
}

static void on_part(uv_fs_t *fs)
{
	struct one *one = fs->data;

	check(one, end_step(fs));
	next(one);
}

static void begin_part(struct one *one)
{
	uv_buf_t buffer =
		uv_buf_init(one->memory, (unsigned)one->set->load.file_size);

	must(one, uv_fs_read(&one->set->loop, &one->fs, one->set->open_fd,
			     &buffer, 1, 0, on_part));
}

static void *make_steps(const struct files_load *load)
{
	return set_new(load, load->task == FILES_STAT   ? begin_stat
			     : load->task == FILES_PART ? begin_part
							: begin_steps);
}

static void *make_work(const struct files_load *load)
{
	return set_new(load, begin_work);
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	set->to_begin = count;
	for (size_t i = 0; i < set->load.in_flight; i++)
		next(&set->ones[i]);
	uv_run(&set->loop, UV_RUN_DEFAULT);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (uv_loop_close(&set->loop))
		bench_fail("uv_loop_close");
	close(set->open_fd);
	free(set);
}

const struct files_peer files_libuv_steps = {
	"libuv requests",
	make_steps,
	set_run,
	set_free,
};

const struct files_peer files_libuv_work = {
	"libuv, plain calls in uv_queue_work",
	make_work,
	set_run,
	set_free,
};

const struct files_peer files_libuv_buffer = {
	"libuv, one job into a buffer",
	make_buffer,
	set_run,
	set_free,
};

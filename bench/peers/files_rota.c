/*
 * files_rota.c - rota_fs_read_file() and rota_fs_stat(); and reading a file in
 * four requests.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers/files.h"
#include "rota.h"
#include "support/bench.h"

struct set;

struct one {
	struct rota_fs fs;
	struct set *set;
	struct rota_file_info info;
	int fd;
	char *data;
	const char *path;
	char memory[FILES_MEMORY];
};

struct set {
	struct files_load load;
	struct rota_loop *loop;
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

	if (!set || rota_loop_new(&set->loop, NULL))
		bench_fail("rota_loop_new");
	set->load = *load;
	set->open_fd = open(load->paths[0], O_RDONLY | O_CLOEXEC);
	set->begin = begin;
	for (size_t i = 0; i < load->in_flight; i++) {
		rota_fs_init(&set->ones[i].fs, set->loop);
		set->ones[i].set = set;
	}
	return set;
}

static struct one *one_of(struct rota_fs *fs)
{
	return rota_container_of(fs, struct one, fs);
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

static void must(const struct one *one, int error)
{
	if (error < 0)
		bench_fail("%s: %s", one->path, rota_error_text(error));
}

static void on_file(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	check(one, result);
	rota_fs_free(fs);
	next(one);
}

static void begin_file(struct one *one)
{
	must(one, rota_fs_read_file(&one->fs, on_file, one->path, SIZE_MAX));
}

static void on_stat(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	must(one, (int)result);
	check(one, (int64_t)one->info.bytes);
	next(one);
}

static void begin_stat(struct one *one)
{
	one->info.size = sizeof(one->info);
	must(one, rota_fs_stat(&one->fs, on_stat, one->path, &one->info));
}

static void on_close(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	must(one, (int)result);
	free(one->data);
	next(one);
}

static void on_read(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	check(one, result);
	one->data[result] = '\0';
	must(one, rota_fs_close(fs, on_close, one->fd));
}

static void on_fstat(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	must(one, (int)result);
	one->data = malloc(one->info.bytes + 1);
	must(one,
	     rota_fs_read(fs, on_read, one->fd,
			  (struct rota_buf){ one->data, one->info.bytes }, 0));
}

static void on_open(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	must(one, (int)result);
	one->fd = (int)result;
	one->info.size = sizeof(one->info);
	must(one, rota_fs_fstat(fs, on_fstat, one->fd, &one->info));
}

static void begin_steps(struct one *one)
{
	must(one, rota_fs_open(&one->fs, on_open, one->path, O_RDONLY, 0));
}

static void on_memory(struct rota_fs *fs, int64_t result)
{
	struct one *one = one_of(fs);

	check(one, result);
	next(one);
}

static void begin_memory(struct one *one)
{
	struct rota_buf buf = { one->memory, sizeof(one->memory) };

	must(one, rota_fs_read_file_to(&one->fs, on_memory, one->path, buf));
}

static void begin_part(struct one *one)
{
	struct rota_buf buf = { one->memory, one->set->load.file_size };

	must(one, rota_fs_read(&one->fs, on_memory, one->set->open_fd, buf, 0));
}

static void *make_buffer(const struct files_load *load)
{
	return set_new(load, begin_memory);
}

static void *make(const struct files_load *load)
{
	return set_new(load, load->task == FILES_STAT   ? begin_stat
			     : load->task == FILES_PART ? begin_part
							: begin_file);
}

static void *make_threads(const struct files_load *load)
{
	struct set *set = make(load);

	for (size_t i = 0; i < load->in_flight; i++)
		rota_fs_set_threads_only(&set->ones[i].fs, 1);
	return set;
}

static void *make_steps(const struct files_load *load)
{
	return set_new(load, begin_steps);
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	set->to_begin = count;
	for (size_t i = 0; i < set->load.in_flight; i++)
		next(&set->ones[i]);
	if (rota_loop_run(set->loop, ROTA_RUN_DEFAULT) < 0)
		bench_fail("rota_loop_run");
}

static void set_free(void *arg)
{
	struct set *set = arg;

	if (rota_loop_close(set->loop))
		bench_fail("rota_loop_close");
	close(set->open_fd);
	free(set);
}

const struct files_peer files_rota = {
	"rota",
	make,
	set_run,
	set_free,
};

const struct files_peer files_rota_steps = {
	"rota, four requests",
	make_steps,
	set_run,
	set_free,
};

const struct files_peer files_rota_threads = {
	"rota, threads only",
	make_threads,
	set_run,
	set_free,
};

const struct files_peer files_rota_buffer = {
	"rota, into a buffer",
	make_buffer,
	set_run,
	set_free,
};

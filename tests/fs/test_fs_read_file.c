/* poller: none */
/*
 * Reading whole files as one job of the pool: files of any size, files whose
 * size changes meanwhile, and failures at each step.
 */
#include "fs/scratch.h"

#include <pthread.h>

#include "fs/read_file.h"
#include "support/fault.h"

enum { CHUNK = ROTAI_FS_CHUNK };

struct reading {
	struct scratch s;
	struct lane lane; /* without threads, if it has a loop */
	struct operation op;
	size_t size; /* the new size of the file */
	int fd;      /* for writing to it */
};

static int64_t read_whole(struct reading *r, const char *path, size_t limit)
{
	assert_int_equal(rota_fs_read_file(&r->op.fs, on_end, path, limit), 0);
	return outcome(&r->op);
}

static void begin(struct reading *r, struct fixture *f)
{
	scratch_begin(&r->s);
	r->lane.loop = NULL;
	operation_init(&r->op, f->loop);
}

/* Begin with a lane without threads, so that the tested operation makes all
 * system calls. The first work of a loop allocates, so that is done first. */
static void begin_alone(struct reading *r, struct fixture *f)
{
	scratch_begin(&r->s);
	lane_begin(&r->lane, f, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&r->op, r->lane.loop);
	assert_int_equal(read_whole(r, r->s.path, 0), ROTA_ENOENT);
}

static void end(struct reading *r)
{
	rota_fs_free(&r->op.fs);
	if (r->lane.loop != NULL)
		lane_end(&r->lane);
	scratch_end(&r->s);
}

/* The read fails and keeps no memory. */
static void expect_error(struct reading *r, size_t limit, int error)
{
	assert_int_equal(read_whole(r, r->s.path, limit), error);
	assert_null(r->op.fs.data);
	assert_int_equal(r->op.fs.size, 0);
}

/* The read gives all @size bytes, with a 0 after them. */
static void expect_bytes(struct reading *r, size_t limit, size_t size)
{
	assert_int_equal(read_whole(r, r->s.path, limit), size);
	assert_non_null(r->op.fs.data);
	assert_int_equal(r->op.fs.size, size);
	assert_bytes(r->op.fs.data, size);
	assert_int_equal(r->op.fs.data[size], 0);
	rota_fs_free(&r->op.fs);
}

static void a_file_of_any_size_is_read_whole(void **state)
{
	static const size_t sizes[] = {
		0,         1,     20,        4095,    4096,           4097,
		CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20, ROTAI_FS_FIRST, 2 * CHUNK,
		65536 + 7,
	};
	struct reading r;

	begin(&r, *state);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put_file(&r.s, sizes[i]);
		expect_bytes(&r, SIZE_MAX, sizes[i]);
		expect_bytes(&r, sizes[i], sizes[i]);
	}
	assert_int_equal(r.op.phase, ROTA_PHASE_POLL);
	end(&r);
}

/* A file of known size is read once, in chunks. A short read means its end. */
static void a_file_is_read_without_detours(void **state)
{
	struct reading r;

	begin_alone(&r, *state);
	put_file(&r.s, 100000);
	fault_count_reset();

	expect_bytes(&r, SIZE_MAX, 100000);

	assert_int_equal(fault_count("open"), 1);
	assert_int_equal(fault_count("stat"), 1);
	assert_int_equal(fault_count("fstat"), 0);
	assert_int_equal(fault_count("realloc"), 0);
	assert_int_equal(fault_count("read"), 1);
	assert_int_equal(fault_count("close"), 1);
	end(&r);
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
	static const size_t sizes[] = { 1, 20, 5000, CHUNK, CHUNK + 1 };
	struct reading r;

	begin_alone(&r, *state);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put_file(&r.s, sizes[i]);
		fault_count_reset();
		expect_error(&r, sizes[i] - 1, ROTA_EFBIG);
		assert_int_equal(fault_count("read"), 0);
		expect_error(&r, 0, ROTA_EFBIG);
	}
	end(&r);
}

static void *feed_fifo(void *arg)
{
	struct reading *r = arg;
	FILE *fifo = fopen(r->s.path, "w");

	for (size_t i = 0; fifo != NULL && i < r->size; i++)
		if (putc(byte_at(i), fifo) == EOF)
			break;
	if (fifo != NULL)
		fclose(fifo);
	return NULL;
}

/* A file without a size is read to its end, or to the limit. */
static void a_fifo_is_read_to_its_end(void **state)
{
	static const size_t sizes[] = { 0, 1, ROTAI_FS_FIRST, 300000 };
	struct reading r;
	pthread_t feeder;

	begin(&r, *state);
	assert_int_equal(mkfifo(r.s.path, 0600), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		r.size = sizes[i];
		assert_int_equal(pthread_create(&feeder, NULL, feed_fifo, &r),
				 0);
		expect_bytes(&r, SIZE_MAX, sizes[i]);
		pthread_join(feeder, NULL);
	}
	r.size = 100;
	assert_int_equal(pthread_create(&feeder, NULL, feed_fifo, &r), 0);
	expect_error(&r, 99, ROTA_EFBIG);
	pthread_join(feeder, NULL);
	assert_int_equal(pthread_create(&feeder, NULL, feed_fifo, &r), 0);
	expect_bytes(&r, 100, 100);
	pthread_join(feeder, NULL);
	end(&r);
}

/* These change the file just before a system call is made. */

static void make_size(void *arg)
{
	struct reading *r = arg;

	assert_int_equal(ftruncate(r->fd, (off_t)r->size), 0);
}

static void add_bytes(void *arg)
{
	struct reading *r = arg;
	size_t at = (size_t)lseek(r->fd, 0, SEEK_END);

	for (; at < r->size; at++) {
		char byte = byte_at(at);

		assert_int_equal(write(r->fd, &byte, 1), 1);
	}
}

/* Let the file grow just before the nth read. */
static void begin_growing(struct reading *r, unsigned nth, size_t from,
			  size_t to)
{
	put_file(&r->s, from);
	r->fd = put_open(&r->s, O_WRONLY);
	r->size = to;
	fault_call_before("read", nth, add_bytes, r);
}

static void end_growing(struct reading *r)
{
	assert_int_equal(fault_clear(), 1);
	close(r->fd);
}

static void a_file_that_grows_is_read_to_its_new_end(void **state)
{
	static const struct {
		unsigned nth; /* 2: after the first chunk */
		size_t from, to;
	} cases[] = {
		{ 1, 0, 5 },
		{ 1, 0, 3 * ROTAI_FS_FIRST },
		{ 1, 10, 11 },
		{ 1, 10, 50000 },
		{ 1, CHUNK, CHUNK + 1 },
		{ 2, CHUNK, CHUNK + 1 },
		{ 2, CHUNK + 5, CHUNK + 50 },
	};
	struct reading r;

	begin_alone(&r, *state);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_growing(&r, cases[i].nth, cases[i].from, cases[i].to);
		expect_bytes(&r, SIZE_MAX, cases[i].to);
		end_growing(&r);

		begin_growing(&r, cases[i].nth, cases[i].from, cases[i].to);
		expect_bytes(&r, cases[i].to, cases[i].to);
		end_growing(&r);

		begin_growing(&r, cases[i].nth, cases[i].from, cases[i].to);
		expect_error(&r, cases[i].to - 1, ROTA_EFBIG);
		end_growing(&r);
	}
	end(&r);
}

static void a_file_that_shrinks_gives_what_there_was(void **state)
{
	struct reading r;

	begin_alone(&r, *state);
	put_file(&r.s, 3 * CHUNK);
	r.fd = put_open(&r.s, O_WRONLY);
	r.size = CHUNK + 10;
	fault_call_before("read", 2, make_size, &r);
	expect_bytes(&r, SIZE_MAX, CHUNK + 10);
	assert_int_equal(fault_clear(), 1);

	r.size = 7;
	fault_call_before("read", 1, make_size, &r);
	expect_bytes(&r, SIZE_MAX, 7);
	assert_int_equal(fault_clear(), 1);

	r.size = 0;
	fault_call_before("read", 1, make_size, &r);
	expect_bytes(&r, SIZE_MAX, 0);
	assert_int_equal(fault_clear(), 1);
	close(r.fd);
	end(&r);
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct reading r;

	begin_alone(&r, *state);

	expect_error(&r, SIZE_MAX, ROTA_ENOENT);
	assert_int_equal(read_whole(&r, r.s.directory, SIZE_MAX), ROTA_EISDIR);
	assert_null(r.op.fs.data);
	put_file(&r.s, 1);
	fault_fail("open", 1, EACCES); /* because root may open it */
	expect_error(&r, SIZE_MAX, ROTA_EACCES);
	assert_int_equal(fault_clear(), 1);

	end(&r);
}

/* F3: each system call and each allocation may fail. No memory is left; the
 * fixture checks that no descriptor is. */
static void every_call_may_fail(void **state)
{
	static const struct {
		const char *name;
		int error;
		int told;
		unsigned least;
	} calls[] = {
		{ "open", ENFILE, ROTA_ENFILE, 1 },
		{ "stat", EIO, ROTA_EIO, 1 },
		{ "read", EIO, ROTA_EIO, 4 },
		{ "malloc", ENOMEM, ROTA_ENOMEM, 1 },
	};
	struct reading r;
	unsigned nth;

	begin_alone(&r, *state);
	put_file(&r.s, 3 * CHUNK);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (nth = 1;; nth++) {
			fault_fail(calls[i].name, nth, calls[i].error);
			assert_int_equal(rota_fs_read_file(&r.op.fs, on_end,
							   r.s.path, SIZE_MAX),
					 0);
			(void)outcome(&r.op);
			if (fault_clear() == 0)
				break;
			assert_int_equal(r.op.result, calls[i].told);
			assert_null(r.op.fs.data);
		}
		assert_int_equal(r.op.result, 3 * CHUNK);
		assert_int_equal(nth, calls[i].least + 1);
		rota_fs_free(&r.op.fs);
	}
	end(&r);
}

/* F3: if the size is not known, memory is allocated step by step. Any excess is
 * freed at the end, if possible. */
static void memory_may_run_out_on_the_way(void **state)
{
	struct reading r;
	pthread_t feeder;
	unsigned failures = 0, failed;

	begin_alone(&r, *state);
	assert_int_equal(mkfifo(r.s.path, 0600), 0);
	r.size = 5 * ROTAI_FS_FIRST;
	do {
		assert_int_equal(pthread_create(&feeder, NULL, feed_fifo, &r),
				 0);
		fault_fail("realloc", failures + 1, ENOMEM);
		(void)read_whole(&r, r.s.path, SIZE_MAX);
		failed = fault_clear();
		pthread_join(feeder, NULL);
		if (r.op.result < 0)
			assert_int_equal(r.op.result, ROTA_ENOMEM);
		else
			assert_bytes(r.op.fs.data, r.size);
		rota_fs_free(&r.op.fs);
		failures += failed;
	} while (failed > 0);

	/* to 2, 4 and 8 times the first size, and down to the final one */
	assert_int_equal(failures, 4);
	end(&r);
}

/* If only the close fails, the data is still good. */
static void a_close_that_fails_does_not_matter(void **state)
{
	struct reading r;

	begin_alone(&r, *state);
	put_file(&r.s, 100);
	fault_fail("close", 1, EIO);

	expect_bytes(&r, SIZE_MAX, 100);

	assert_int_equal(fault_clear(), 1);
	end(&r);
}

static void a_signal_in_between_is_not_noticed(void **state)
{
	static const char *const calls[] = { "open", "stat", "read" };
	struct reading r;

	begin_alone(&r, *state);
	put_file(&r.s, 100);
	for (unsigned i = 0; i < 3; i++) {
		fault_fail(calls[i], 1, EINTR);
		expect_bytes(&r, 100, 100);
		assert_int_equal(fault_clear(), 1);
	}
	end(&r);
}

/* A file that is larger than any memory. */
static void what_does_not_fit_into_memory_is_told(void **state)
{
	struct reading r;
	int fd;

	begin_alone(&r, *state);
	fd = put_open(&r.s, O_WRONLY | O_CREAT);
	if (ftruncate(fd, (off_t)1 << 43) < 0 &&
	    ftruncate(fd, (off_t)1 << 40) < 0) {
		close(fd);
		end(&r);
		print_message("skip: the file system has no large files\n");
		skip();
	}
	close(fd);

	fault_fail("malloc", 1, ENOMEM); /* Linux might promise it */
	expect_error(&r, SIZE_MAX, ROTA_ENOMEM);
	fault_clear();
	expect_error(&r, 1 << 20, ROTA_EFBIG);
	end(&r);
}

static void data_that_is_not_freed_is_not_lost(void **state)
{
	struct reading r;
	char *data;

	begin(&r, *state);
	put_file(&r.s, 10);
	assert_int_equal(read_whole(&r, r.s.path, 10), 10);

	assert_int_equal(rota_fs_read_file(&r.op.fs, on_end, r.s.path, 10),
			 ROTA_EBUSY);
	assert_bytes(r.op.fs.data, 10);
	data = r.op.fs.data;
	r.op.fs.data = NULL;
	assert_int_equal(read_whole(&r, r.s.path, 10), 10);

	assert_bytes(data, 10);
	assert_ptr_not_equal(data, r.op.fs.data);
	free(data);
	free(r.op.fs.data);
	r.op.fs.data = NULL;
	fault_fail("open", 1, ENOENT);
	expect_error(&r, 10, ROTA_ENOENT);
	fault_clear();
	end(&r);
}

static void data_may_be_freed_twice(void **state)
{
	struct reading r;

	begin(&r, *state);
	rota_fs_free(&r.op.fs);
	put_file(&r.s, 10);
	assert_int_equal(read_whole(&r, r.s.path, 10), 10);

	rota_fs_free(&r.op.fs);
	assert_null(r.op.fs.data);
	assert_int_equal(r.op.fs.size, 0);
	rota_fs_free(&r.op.fs);

	assert_null(r.op.fs.data);
	end(&r);
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_of_any_size_is_read_whole),
	REAL(a_file_is_read_without_detours),
	REAL(a_file_beyond_the_limit_is_refused),
	REAL(a_fifo_is_read_to_its_end),
	REAL(a_file_that_grows_is_read_to_its_new_end),
	REAL(a_file_that_shrinks_gives_what_there_was),
	REAL(what_cannot_be_opened_is_told),
	REAL(every_call_may_fail),
	REAL(memory_may_run_out_on_the_way),
	REAL(a_close_that_fails_does_not_matter),
	REAL(a_signal_in_between_is_not_noticed),
	REAL(what_does_not_fit_into_memory_is_told),
	REAL(data_that_is_not_freed_is_not_lost),
	REAL(data_may_be_freed_twice),
};

FIXTURE_MAIN(tests)

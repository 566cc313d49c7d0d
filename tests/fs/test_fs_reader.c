/* poller: none */
/*
 * Reading a file in chunks: all bytes in order, bounded memory, pause, cancel,
 * files that change, FIFOs, shutdown and forks.
 */
#include "fs/scratch.h"

#include <pthread.h>

#include "rota/fs_reader.h"
#include "support/child.h"
#include "support/fault.h"

enum { MEMORY = 1000, HALF = MEMORY / 2, SIZE = 3210 };

struct reading {
	struct scratch s;
	struct rota_reader reader;
	struct rota_loop *loop;
	int64_t end;
	unsigned ends;
	unsigned chunks;
	size_t size;        /* bytes so far */
	unsigned pause_at;  /* the chunk that pauses, */
	unsigned cancel_at; /* or that cancels */
	unsigned change_at; /* or that changes the size */
	size_t new_size;
	char memory[MEMORY];
};

static void on_chunk(struct rota_reader *reader, int64_t size, const char *data)
{
	struct reading *r = rota_container_of(reader, struct reading, reader);

	if (data == NULL) {
		r->ends++;
		r->end = size;
		assert_false(rota_reader_is_active(reader));
		return;
	}
	assert_in_range(size, 1, HALF);
	for (int64_t i = 0; i < size; i++)
		assert_int_equal(data[i], byte_at(r->size + (size_t)i));
	r->size += (size_t)size;
	r->chunks++;
	if (r->chunks == r->pause_at)
		rota_reader_pause(reader);
	if (r->chunks == r->cancel_at)
		assert_int_equal(rota_reader_cancel(reader), 0);
	if (r->chunks == r->change_at)
		put_file(&r->s, r->new_size);
}

static void begin(struct reading *r, struct fixture *f)
{
	memset(r, 0, sizeof(*r));
	r->loop = f->loop;
	scratch_begin(&r->s);
	rota_reader_init(&r->reader, f->loop);
}

static void start(struct reading *r)
{
	r->ends = 0;
	r->chunks = 0;
	r->size = 0;
	assert_int_equal(rota_reader_start(&r->reader, on_chunk, r->s.path,
					   buf_of(r->memory, MEMORY)),
			 0);
	assert_int_equal(r->chunks + r->ends, 0);
}

static void expect_end(struct reading *r, int end)
{
	assert_int_equal(rota_loop_run(r->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(r->ends, 1);
	assert_int_equal(r->end, end);
}

static void run_idle(struct reading *r)
{
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(rota_loop_run(r->loop, ROTA_RUN_NOWAIT), 1);
		poll(NULL, 0, 1);
	}
}

static void a_file_of_any_size_is_read_in_chunks(void **state)
{
	static const size_t sizes[] = { 0,        1,      HALF - 1, HALF,
					HALF + 1, MEMORY, SIZE,     100000 };
	struct reading r;

	begin(&r, *state);
	for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		rota_fs_set_threads_only(&r.reader.internal.fs, i % 2);
		put_file(&r.s, sizes[i / 2]);
		start(&r);
		expect_end(&r, ROTA_EOF);
		assert_int_equal(r.size, sizes[i / 2]);
	}
	scratch_end(&r.s);
}

static void a_paused_reader_reads_no_more_than_its_memory(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, SIZE);
	r.pause_at = 2;
	fault_count_reset();
	start(&r);
	run_idle(&r);
	assert_int_equal(r.chunks, 2);
	assert_in_range(fault_count("preadv2") + fault_count("pread"), 3, 5);
	assert_int_equal(r.ends, 0);

	rota_reader_resume(&r.reader);
	assert_int_equal(r.chunks, 2);
	expect_end(&r, ROTA_EOF);
	assert_int_equal(r.size, SIZE);
	scratch_end(&r.s);
}

/* Paused in its last chunk, it ends only when it is resumed. */
static void the_end_waits_for_a_resume(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, 10);
	r.pause_at = 1;
	start(&r);
	run_idle(&r);
	assert_int_equal(r.ends, 0);
	rota_reader_resume(&r.reader);
	rota_reader_pause(&r.reader);
	run_idle(&r);
	assert_int_equal(r.ends, 0);
	rota_reader_resume(&r.reader);
	expect_end(&r, ROTA_EOF);
	scratch_end(&r.s);
}

static void a_file_may_grow_or_shrink_meanwhile(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, SIZE);
	r.change_at = 1;
	r.new_size = 2 * SIZE;
	start(&r);
	expect_end(&r, ROTA_EOF);
	assert_int_equal(r.size, 2 * SIZE);
	r.new_size = HALF;
	start(&r);
	expect_end(&r, ROTA_EOF);
	assert_in_range(r.size, HALF, MEMORY);
	scratch_end(&r.s);
}

static void a_cancel_ends_it_between_chunks(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, SIZE);
	assert_int_equal(rota_reader_cancel(&r.reader), ROTA_EALREADY);
	start(&r);
	assert_int_equal(rota_reader_cancel(&r.reader), 0);
	assert_int_equal(rota_reader_cancel(&r.reader), ROTA_EALREADY);
	expect_end(&r, ROTA_ECANCELED);
	assert_int_equal(r.chunks, 0);

	r.cancel_at = 3;
	start(&r);
	expect_end(&r, ROTA_ECANCELED);
	assert_int_equal(r.chunks, 3);

	r.cancel_at = 0;
	r.pause_at = 1;
	start(&r);
	run_idle(&r);
	assert_int_equal(rota_reader_cancel(&r.reader), 0);
	expect_end(&r, ROTA_ECANCELED);
	assert_int_equal(r.chunks, 1);
	scratch_end(&r.s);
}

static void each_step_may_fail(void **state)
{
	struct reading r;

	begin(&r, *state);
	start(&r);
	expect_end(&r, ROTA_ENOENT);
	put_file(&r.s, SIZE);
	rota_fs_set_threads_only(&r.reader.internal.fs, 1);
	for (unsigned nth = 1; nth < 4; nth++) {
		fault_fail("pread", nth, EIO);
		start(&r);
		expect_end(&r, ROTA_EIO);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(r.chunks, nth - 1);
	}
	fault_fail("close", 1, EIO);
	start(&r);
	expect_end(&r, ROTA_EOF);
	fault_clear();
	scratch_end(&r.s);
}

static void *feed(void *arg)
{
	struct reading *r = arg;
	FILE *fifo = fopen(r->s.path, "w");

	for (size_t i = 0; fifo != NULL && i < SIZE; i++)
		putc(byte_at(i), fifo);
	if (fifo != NULL)
		fclose(fifo);
	return NULL;
}

static void a_fifo_is_read_to_its_end(void **state)
{
	struct reading r;
	pthread_t thread;

	begin(&r, *state);
	assert_int_equal(mkfifo(r.s.path, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, feed, &r), 0);
	start(&r);
	expect_end(&r, ROTA_EOF);
	assert_int_equal(r.size, SIZE);
	pthread_join(thread, NULL);

	/* Nobody writes: a cancel ends the wait, for the open and for data. */
	start(&r);
	run_idle(&r);
	assert_int_equal(rota_reader_cancel(&r.reader), 0);
	expect_end(&r, ROTA_ECANCELED);
	scratch_end(&r.s);
}

static void a_shutdown_ends_it(void **state)
{
	struct fixture *f = *state;

	for (unsigned pause_at = 0; pause_at < 2; pause_at++) {
		struct lane lane;
		struct reading r;

		begin(&r, f);
		lane_begin(&lane, f, ROTA_CLOCK_MONOTONIC, 1);
		rota_reader_init(&r.reader, lane.loop);
		r.loop = lane.loop;
		put_file(&r.s, SIZE);
		r.pause_at = pause_at;
		start(&r);
		if (pause_at > 0)
			run_idle(&r);
		assert_int_equal(rota_loop_shutdown(lane.loop, UINT64_MAX), 0);
		assert_int_equal(r.ends, 1);
		assert_int_equal(r.end, ROTA_ECANCELED);
		rota_pool_unref(lane.pool);
		scratch_end(&r.s);
	}
}

static void in_the_child(void *arg)
{
	struct reading *r = arg;

	EXPECT(rota_reader_cancel(&r->reader) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(r->loop) == 0);
	EXPECT(rota_loop_run(r->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(r->ends == 1);
	EXPECT(r->end == ROTA_ECANCELED);
}

static void a_forked_child_gets_its_end(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, SIZE);
	rota_fs_set_threads_only(&r.reader.internal.fs, 1);
	start(&r);
	in_a_child(in_the_child, &r);
	expect_end(&r, ROTA_EOF);
	assert_int_equal(r.size, SIZE);
	scratch_end(&r.s);
}

static void wrong_arguments_are_refused(void **state)
{
	struct reading r;
	struct rota_buf buf = buf_of(r.memory, MEMORY);
	struct rota_reader *reader = &r.reader;

	begin(&r, *state);
	assert_int_equal(rota_reader_start(reader, NULL, "/", buf),
			 ROTA_EINVAL);
	assert_int_equal(rota_reader_start(reader, on_chunk, NULL, buf),
			 ROTA_EINVAL);
	buf.size = 1;
	assert_int_equal(rota_reader_start(reader, on_chunk, "/", buf),
			 ROTA_EINVAL);
	buf.size = MEMORY;
	assert_int_equal(rota_reader_start(reader, on_chunk, "/", buf), 0);
	assert_int_equal(rota_reader_start(reader, on_chunk, "/", buf),
			 ROTA_EBUSY);
	expect_end(&r, ROTA_EISDIR);
	scratch_end(&r.s);
}

static void a_reader_keeps_to_its_budget(void **state)
{
	(void)state;
	if (sizeof(void *) == 8)
		assert_in_range(sizeof(struct rota_reader), 1, 384);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_reader_keeps_to_its_budget),
	REAL(a_file_of_any_size_is_read_in_chunks),
	REAL(a_paused_reader_reads_no_more_than_its_memory),
	REAL(the_end_waits_for_a_resume),
	REAL(a_file_may_grow_or_shrink_meanwhile),
	REAL(a_cancel_ends_it_between_chunks),
	REAL(each_step_may_fail),
	REAL(a_fifo_is_read_to_its_end),
	REAL(a_shutdown_ends_it),
	REAL(a_forked_child_gets_its_end),
	REAL(wrong_arguments_are_refused),
};

FIXTURE_MAIN(tests)

/* poller: none */
/*
 * Reading whole files into the caller's memory and into a buffer that grows, on
 * pool threads; and the blocks of memory that are used again.
 */
#include "fs/scratch.h"

#include "pool/blocks.h"
#include "rota/fs_path.h"
#include "support/fault.h"

struct reading {
	struct scratch s;
	struct lane lane;
	struct operation op;
	struct rota_fs_buffer buffer;
	char memory[20000];
};

static void begin(struct reading *r, struct fixture *f)
{
	memset(r, 0, sizeof(*r));
	scratch_begin(&r->s);
	lane_begin(&r->lane, f, ROTA_CLOCK_MONOTONIC, 1);
	operation_init(&r->op, r->lane.loop);
}

static void end(struct reading *r)
{
	rota_fs_free(&r->op.fs);
	rota_fs_buffer_free(&r->buffer);
	assert_null(r->buffer.data);
	lane_end(&r->lane);
	scratch_end(&r->s);
}

static int64_t read_to(struct reading *r, size_t size)
{
	memset(r->memory, 0, sizeof(r->memory));
	assert_int_equal(rota_fs_read_file_to(&r->op.fs, on_end, r->s.path,
					      buf_of(r->memory, size)),
			 0);
	return outcome(&r->op);
}

static int64_t read_again(struct reading *r, size_t limit)
{
	assert_int_equal(rota_fs_read_file_again(&r->op.fs, on_end, r->s.path,
						 &r->buffer, limit),
			 0);
	return outcome(&r->op);
}

static void a_file_is_read_to_memory_if_it_fits(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, 10000 };
	struct reading r;

	begin(&r, *state);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];

		put_file(&r.s, size);
		for (size_t more = 0; more < 2; more++) {
			assert_int_equal(read_to(&r, size + more), size);
			assert_int_equal(r.op.fs.size, size);
			assert_bytes(r.memory, size);
			assert_int_equal(r.memory[size], 0);
		}
		if (size == 0)
			continue;
		assert_int_equal(read_to(&r, size - 1), ROTA_EFBIG);
		assert_int_equal(r.op.fs.size, size);
		assert_int_equal(r.memory[size - 1], 0);
	}
	assert_null(r.op.fs.data);
	end(&r);
}

static void append(void *arg)
{
	FILE *file = fopen(((struct scratch *)arg)->path, "a");

	for (size_t i = 4096; i < 4106; i++)
		putc(byte_at(i), file);
	fclose(file);
}

static void what_grows_meanwhile_fits_or_does_not(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, 4096);
	fault_call_before("read", 1, append, &r.s);
	assert_int_equal(read_to(&r, 4106), 4106);
	assert_bytes(r.memory, 4106);
	put_file(&r.s, 4096);
	fault_call_before("read", 1, append, &r.s);
	assert_int_equal(read_to(&r, 4096), ROTA_EFBIG);
	assert_int_equal(r.op.fs.size, 4097);
	fault_clear();
	assert_int_equal(read_to(&r, 4200), 4106);
	end(&r);
}

static void a_buffer_grows_and_is_used_again(void **state)
{
	struct reading r;
	char *data;

	begin(&r, *state);
	put_file(&r.s, 10000);
	assert_int_equal(read_again(&r, SIZE_MAX), 10000);
	assert_bytes(r.buffer.data, 10000);
	assert_int_equal(r.buffer.data[10000], 0);
	data = r.buffer.data;
	fault_count_reset();
	for (size_t size = 0; size <= 10000; size += 2500) {
		put_file(&r.s, size);
		assert_int_equal(read_again(&r, 10000), size);
		assert_int_equal(r.buffer.size, size);
		assert_bytes(r.buffer.data, size);
		assert_int_equal(r.buffer.data[size], 0);
		assert_ptr_equal(r.buffer.data, data);
	}
	assert_int_equal(fault_count("realloc"), 0);
	put_file(&r.s, 50000);
	assert_int_equal(read_again(&r, 10000), ROTA_EFBIG);
	assert_int_equal(r.buffer.size, 0);
	assert_int_equal(read_again(&r, 50000), 50000);
	assert_bytes(r.buffer.data, 50000);
	assert_null(r.op.fs.data);
	end(&r);
}

static void a_path_is_copied(void **state)
{
	struct fixture *f = *state;
	struct reading r;
	char path[] = "file";
	int fd;

	begin(&r, f);
	put_file(&r.s, 10000);
	assert_int_equal(read_to(&r, 10000), 10000);
	fd = open(r.s.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	rota_fs_set_directory(&r.op.fs, fd);
	rota_fs_set_copy_paths(&r.op.fs, 1);
	r.buffer.size = 7;
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_fs_read_file_again(&r.op.fs, on_end, path,
						 &r.buffer, SIZE_MAX),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(r.buffer.size, 7); /* nothing has changed */
	assert_int_equal(rota_fs_read_file_again(&r.op.fs, on_end, path,
						 &r.buffer, SIZE_MAX),
			 0);
	memset(path, 'x', 4);
	assert_int_equal(outcome(&r.op), 10000);
	memcpy(path, "file", 4);
	assert_int_equal(rota_fs_read_file_to(&r.op.fs, on_end, path,
					      buf_of(r.memory, 10000)),
			 0);
	memset(path, 'x', 4);
	assert_int_equal(outcome(&r.op), 10000);
	assert_bytes(r.memory, 10000);
	close(fd);
	end(&r);
}

static void memory_may_be_refused(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, 10000);
	assert_int_equal(read_to(&r, 20000), 10000); /* starts the thread */
	fault_fail("malloc", 1, ENOMEM);
	assert_int_equal(read_again(&r, SIZE_MAX), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(read_again(&r, SIZE_MAX), 10000);
	put_file(&r.s, 100000);
	fault_fail("realloc", 1, ENOMEM);
	assert_int_equal(read_again(&r, SIZE_MAX), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_non_null(r.buffer.data); /* as it was */
	assert_int_equal(read_again(&r, SIZE_MAX), 100000);
	end(&r);
}

static void wrong_arguments_are_refused(void **state)
{
	struct reading r;
	struct rota_fs *fs = &r.op.fs;

	begin(&r, *state);
	assert_int_equal(
		rota_fs_read_file_to(fs, on_end, NULL, buf_of(r.memory, 1)),
		ROTA_EINVAL);
	assert_int_equal(rota_fs_read_file_to(fs, on_end, "/", buf_of(NULL, 1)),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_fs_read_file_to(fs, NULL, "/", buf_of(r.memory, 1)),
		ROTA_EINVAL);
	assert_int_equal(
		rota_fs_read_file_again(fs, on_end, NULL, &r.buffer, 1),
		ROTA_EINVAL);
	assert_int_equal(rota_fs_read_file_again(fs, on_end, "/", NULL, 1),
			 ROTA_EINVAL);
	fs->data = r.memory;
	assert_int_equal(
		rota_fs_read_file_to(fs, on_end, "/", buf_of(r.memory, 1)),
		ROTA_EBUSY);
	fs->data = NULL;
	end(&r);
}

static void read_one(struct reading *r)
{
	assert_int_equal(
		rota_fs_read_file(&r->op.fs, on_end, r->s.path, SIZE_MAX), 0);
	assert_true(outcome(&r->op) > 0);
}

/* The thread frees them when it ends. */
static void until_none_is_kept(void)
{
	while (rotai_blocks_kept() > 0)
		poll(NULL, 0, 1);
}

static void a_block_is_used_again(void **state)
{
	struct reading r;
	char *data;

	begin(&r, *state);
	put_file(&r.s, 10000);
	read_one(&r);
	data = r.op.fs.data;
	rota_fs_free(&r.op.fs);
	assert_int_equal(rotai_blocks_kept(), 10 * 1024);
	put_file(&r.s, 9000);
	fault_count_reset();
	read_one(&r);
	assert_ptr_equal(r.op.fs.data, data);
	assert_bytes(data, 9000);
	assert_int_equal(rotai_blocks_kept(), 0);

	/* It may be passed to free(3). */
	r.op.fs.data = NULL;
	free(data);
	read_one(&r);
	rota_fs_free(&r.op.fs);
	end(&r);
	until_none_is_kept();
}

/* The caller has taken a block, and what comes after it is not one. */
static void other_memory_is_no_block(void **state)
{
	struct reading r;

	begin(&r, *state);
	put_file(&r.s, 10000);
	read_one(&r);
	free(r.op.fs.data);
	r.op.fs.data = NULL;
	assert_int_equal(rota_fs_realpath(&r.op.fs, on_end, r.s.path), 0);
	assert_true(outcome(&r.op) > 0);
	rota_fs_free(&r.op.fs);
	assert_int_equal(rotai_blocks_kept(), 0);
	end(&r);
}

/* Each kind has space for what it is chosen for, and no smaller one has. */
static void a_kind_fits(void **state)
{
	(void)state;
	assert_int_equal(rotai_block_kind(1024), 0);
	assert_int_equal(rotai_block_kind(ROTAI_BLOCK_MOST + 1), 0);
	assert_int_equal(rotai_block_kind(ROTAI_BLOCK_MOST), ROTAI_BLOCK_KINDS);
	for (size_t size = 1025; size <= ROTAI_BLOCK_MOST; size++) {
		unsigned kind = rotai_block_kind(size);

		if (kind < 1 || rotai_block_size(kind) < size ||
		    (kind > 1 && rotai_block_size(kind - 1) >= size))
			fail_msg("%zu bytes: kind %u", size, kind);
	}
}

/* What is too much is freed. A block that is smaller takes the place of a
 * larger one. */
static void few_blocks_are_kept(void **state)
{
	enum { COUNT = 50, SIZE = 170000 };
	static struct operation ops[COUNT];
	struct reading r;
	size_t kept;

	begin(&r, *state);
	put_file(&r.s, SIZE);
	for (unsigned i = 0; i < COUNT; i++) {
		operation_init(&ops[i], r.lane.loop);
		assert_int_equal(rota_fs_read_file(&ops[i].fs, on_end, r.s.path,
						   SIZE_MAX),
				 0);
	}
	assert_int_equal(rota_loop_run(r.lane.loop, ROTA_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_bytes(ops[i].fs.data, SIZE);
		rota_fs_free(&ops[i].fs);
	}
	kept = rotai_blocks_kept();
	assert_in_range(kept, ROTAI_BLOCKS_KEPT - ROTAI_BLOCK_MOST,
			ROTAI_BLOCKS_KEPT);
	for (unsigned i = 0; i < COUNT; i++) {
		/* More than the space that is left. */
		rotai_block_give(malloc(8192), 4);
		assert_in_range(rotai_blocks_kept(),
				ROTAI_BLOCKS_KEPT - ROTAI_BLOCK_MOST,
				ROTAI_BLOCKS_KEPT);
	}
	assert_true(rotai_blocks_kept() != kept);
	end(&r);
	until_none_is_kept();
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_is_read_to_memory_if_it_fits),
	REAL(what_grows_meanwhile_fits_or_does_not),
	REAL(a_buffer_grows_and_is_used_again),
	REAL(a_path_is_copied),
	REAL(memory_may_be_refused),
	REAL(wrong_arguments_are_refused),
	REAL(a_block_is_used_again),
	REAL(other_memory_is_no_block),
	REAL(a_kind_fits),
	REAL(few_blocks_are_kept),
};

FIXTURE_MAIN(tests)

/* poller: none */
/* system: linux */
/*
 * Operations that the loop's thread carries out by itself, because the kernel
 * has everything in memory; and what happens when it has not.
 */
#include "fs/scratch.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/openat2.h"
#include "fs/attempt.h"
#include "support/child.h"
#include "support/fault.h"

enum { SIZE = 10000 };

struct attempting {
	struct scratch s;
	struct lane lane; /* with one thread */
	struct operation op;
	struct operation holds;
	struct holder holder;
	struct rota_file_info info;
	struct rota_fs_buffer buffer;
	char memory[SIZE + 1];
	char byte;
};

static void use_attempts(struct operation *op, struct rota_loop *loop)
{
	operation_init(op, loop);
	rota_fs_set_threads_only(&op->fs, 0);
}

static int64_t read_file(struct attempting *t)
{
	assert_int_equal(
		rota_fs_read_file(&t->op.fs, on_end, t->s.path, SIZE_MAX), 0);
	return outcome(&t->op);
}

static void expect_file(struct attempting *t, size_t size)
{
	assert_int_equal(read_file(t), size);
	assert_int_equal(t->op.fs.size, size);
	assert_bytes(t->op.fs.data, size);
	assert_int_equal(t->op.fs.data[size], 0);
	rota_fs_free(&t->op.fs);
}

static void begin_clock(struct attempting *t, struct fixture *f,
			enum rota_clock clock)
{
	memset(t, 0, sizeof(*t));
	scratch_begin(&t->s);
	lane_begin(&t->lane, f, clock, 1);
	use_attempts(&t->op, t->lane.loop);
	operation_init(&t->holds, t->lane.loop);
	t->info.size = sizeof(t->info);
	put_file(&t->s, SIZE);
}

static void end(struct attempting *t)
{
	rota_fs_buffer_free(&t->buffer);
	lane_end(&t->lane);
	scratch_end(&t->s);
}

/* Whether the kernel opens the file @path, and reads it, only if it need not
 * wait. The calls of the library are not used here. */
static int kernel_tells(const char *path)
{
	char bytes[SIZE];
	struct iovec all = { .iov_base = bytes, .iov_len = SIZE };
	int fd = rotai_openat2(AT_FDCWD, path, O_RDONLY, ROTAI_CACHED);
	int tells = fd >= 0 && preadv2(fd, &all, 1, 0, RWF_NOWAIT) == SIZE;

	if (fd >= 0)
		(void)close(fd);
	return tells;
}

static void begin(struct attempting *t, struct fixture *f)
{
	begin_clock(t, f, ROTA_CLOCK_MONOTONIC);
	expect_file(t, SIZE);
	if (kernel_tells(t->s.path)) {
		assert_int_equal(t->op.phase, ROTA_PHASE_PENDING);
		return;
	}
	end(t);
	skip_test("this kernel or file system does not tell");
}

/* Whether a thread was used since @before. */
static int used_threads(const struct attempting *t, uint64_t before)
{
	return lane_stats(&t->lane).done != before;
}

/* Each of these begins one operation, and checks its result. */

static void try_read_file(struct attempting *t)
{
	expect_file(t, SIZE);
}

static void try_read_file_to(struct attempting *t)
{
	memset(t->memory, 0, sizeof(t->memory));
	assert_int_equal(rota_fs_read_file_to(&t->op.fs, on_end, t->s.path,
					      buf_of(t->memory, SIZE)),
			 0);
	assert_int_equal(outcome(&t->op), SIZE);
	assert_int_equal(t->op.fs.size, SIZE);
	assert_null(t->op.fs.data);
	assert_bytes(t->memory, SIZE);
	assert_int_equal(t->memory[SIZE], 0);
}

static void try_read_file_again(struct attempting *t)
{
	assert_int_equal(rota_fs_read_file_again(&t->op.fs, on_end, t->s.path,
						 &t->buffer, SIZE_MAX),
			 0);
	assert_int_equal(outcome(&t->op), SIZE);
	assert_int_equal(t->buffer.size, SIZE);
	assert_bytes(t->buffer.data, SIZE);
	assert_int_equal(t->buffer.data[SIZE], 0);
}

static void try_open(struct attempting *t)
{
	int fd;

	assert_int_equal(
		rota_fs_open(&t->op.fs, on_end, t->s.path, O_RDONLY, 0), 0);
	fd = (int)outcome(&t->op);
	assert_true(fd > 2);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void try_read(struct attempting *t)
{
	int fd = put_open(&t->s, O_RDONLY);

	assert_int_equal(rota_fs_read(&t->op.fs, on_end, fd,
				      buf_of(t->memory, SIZE + 1), 0),
			 0);
	assert_int_equal(outcome(&t->op), SIZE);
	assert_bytes(t->memory, SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
}

static void try_stat(struct attempting *t)
{
	struct stat status;

	assert_int_equal(stat(t->s.path, &status), 0);
	assert_int_equal(rota_fs_stat(&t->op.fs, on_end, t->s.path, &t->info),
			 0);
	assert_int_equal(outcome(&t->op), 0);
	assert_int_equal(t->info.bytes, SIZE);
	assert_int_equal(t->info.device, status.st_dev);
	assert_int_equal(t->info.inode, status.st_ino);
	assert_int_equal(t->info.links, 1);
	assert_int_equal(t->info.mode, status.st_mode);
	assert_int_equal(t->info.blocks, status.st_blocks);
	assert_int_equal(t->info.user, getuid());
	assert_int_equal(t->info.modified_ns,
			 status.st_mtim.tv_sec * 1000000000LL +
				 status.st_mtim.tv_nsec);
}

static void try_lstat(struct attempting *t)
{
	assert_int_equal(rota_fs_lstat(&t->op.fs, on_end, t->s.path, &t->info),
			 0);
	assert_int_equal(outcome(&t->op), 0);
	assert_int_equal(t->info.bytes, SIZE);
	assert_true(S_ISREG(t->info.mode));
}

static void (*const tries[])(struct attempting *t) = {
	try_read_file, try_read_file_to, try_read_file_again, try_open,
	try_read,      try_stat,         try_lstat,
};

enum { TRIES = sizeof(tries) / sizeof(tries[0]) };

static void what_is_in_memory_needs_no_thread(void **state)
{
	struct attempting t;
	uint64_t done;

	begin(&t, *state);
	done = lane_stats(&t.lane).done;
	for (unsigned i = 0; i < TRIES; i++) {
		tries[i](&t);
		assert_int_equal(t.op.phase, ROTA_PHASE_PENDING);
		tries[i](&t); /* what was found a short while ago */
		assert_int_equal(t.op.phase, ROTA_PHASE_PENDING);
	}
	assert_false(used_threads(&t, done));
	end(&t);
}

static void the_callback_is_not_called_in_the_call(void **state)
{
	struct attempting t;

	begin(&t, *state);
	t.op.calls = 0;
	assert_int_equal(rota_fs_stat(&t.op.fs, on_end, t.s.path, &t.info), 0);
	assert_int_equal(t.op.calls, 0);
	assert_int_equal(outcome(&t.op), 0);
	end(&t);
}

static void threads_only_is_obeyed(void **state)
{
	struct attempting t;

	begin(&t, *state);
	rota_fs_set_threads_only(&t.op.fs, 1);
	for (unsigned i = 0; i < TRIES; i++) {
		tries[i](&t);
		assert_int_equal(t.op.phase, ROTA_PHASE_POLL);
	}
	end(&t);
}

/* Whichever call cannot be answered at once, with whatever error, the pool has
 * the answer; and no descriptor and no memory is left. */
static void any_call_may_not_be_answered(void **state)
{
	static const char *const names[] = { "openat2", "statx", "preadv2" };
	static const int errors[] = { EAGAIN, EOPNOTSUPP, ENOSYS };

	for (unsigned i = 0; i < TRIES * 3 * 3; i++)
		for (unsigned nth = 1; nth <= 2; nth++) {
			struct attempting t;

			/* A new loop knows nothing of earlier failures. */
			begin_clock(&t, *state, ROTA_CLOCK_MONOTONIC);
			fault_fail(names[i / TRIES % 3], nth,
				   errors[i / TRIES / 3]);
			tries[i % TRIES](&t);
			if (fault_clear() > 0)
				assert_int_equal(t.op.phase, ROTA_PHASE_POLL);
			tries[i % TRIES](&t);
			end(&t);
		}
}

static void an_error_of_the_file_is_the_result(void **state)
{
	struct attempting t;

	begin(&t, *state);
	fault_fail("preadv2", 1, EIO);
	assert_int_equal(read_file(&t), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(t.op.phase, ROTA_PHASE_PENDING);
	assert_null(t.op.fs.data);
	unlink(t.s.path);
	assert_int_equal(read_file(&t), ROTA_ENOENT);
	assert_int_equal(rota_fs_stat(&t.op.fs, on_end, t.s.path, &t.info), 0);
	assert_int_equal(outcome(&t.op), ROTA_ENOENT);
	end(&t);
}

/* Put a file of another size into the place of what there is. */
struct change {
	const struct scratch *s;
	size_t size;
};

static void change_size(void *arg)
{
	struct change *change = arg;
	int fd = open(change->s->path, O_WRONLY);
	char byte;

	(void)!ftruncate(fd,
			 (off_t)(change->size < SIZE ? change->size : SIZE));
	for (size_t i = SIZE; i < change->size; i++) {
		byte = byte_at(i);
		(void)!pwrite(fd, &byte, 1, (off_t)i);
	}
	close(fd);
}

/* The file changes between its status and its bytes. */
static void a_file_may_grow_or_shrink_meanwhile(void **state)
{
	static const size_t sizes[] = { SIZE + 1, SIZE + 2, SIZE + 30000, 5000,
					0 };
	struct attempting t;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct change change = { &t.s, sizes[i] };

		begin(&t, *state);
		fault_call_before("preadv2", 1, change_size, &change);
		expect_file(&t, sizes[i]);
		assert_int_equal(fault_clear(), 1);

		end(&t);

		begin(&t, *state);
		fault_call_before("preadv2", 1, change_size, &change);
		assert_int_equal(rota_fs_read_file_to(&t.op.fs, on_end,
						      t.s.path,
						      buf_of(t.memory, SIZE)),
				 0);
		assert_int_equal(outcome(&t.op), sizes[i] > SIZE
							 ? ROTA_EFBIG
							 : (int64_t)sizes[i]);
		assert_int_equal(t.op.fs.size,
				 sizes[i] > SIZE ? SIZE + 1 : sizes[i]);
		fault_clear();
		end(&t);
	}
}

/* The first read comes up short; whether that is the end is not known. */
static void a_part_is_not_read_twice(void **state)
{
	struct attempting t;
	uint64_t done;

	begin(&t, *state);
	done = lane_stats(&t.lane).done;
	fault_fail("preadv2", 2, EAGAIN);
	fault_count_reset();
	try_read(&t);
	assert_int_equal(fault_clear(), 1);
	assert_true(used_threads(&t, done));
	assert_int_equal(fault_count("pread"), 1); /* at the end */
	end(&t);
}

/* The same, whether a thread asks or not. */
static void both_tell_the_time_of_birth(void **state)
{
	struct attempting t;
	int64_t born_ns;

	begin(&t, *state);
	try_stat(&t);
	born_ns = t.info.born_ns;
	t.info.born_ns = 0;
	rota_fs_set_threads_only(&t.op.fs, 1);
	try_stat(&t);
	assert_int_equal(t.info.born_ns, born_ns);
	end(&t);
}

/* A link itself, which leads to nothing; and a file without a path. */
static void a_link_and_an_open_file_are_looked_at(void **state)
{
	struct attempting t;
	struct rotai_known known;
	char path[256];
	uint64_t done;
	int fd;

	begin(&t, *state);
	snprintf(path, sizeof(path), "%s/link", t.s.directory);
	assert_int_equal(symlink("none", path), 0);
	fd = put_open(&t.s, O_RDONLY);
	assert_int_equal(rotai_cached_look(fd, &known), 0);
	done = lane_stats(&t.lane).done;
	assert_int_equal(rota_fs_lstat(&t.op.fs, on_end, path, &t.info), 0);
	assert_int_equal(outcome(&t.op), 0);
	assert_true(S_ISLNK(t.info.mode));
	assert_false(used_threads(&t, done));

	assert_int_equal(rota_fs_fstat(&t.op.fs, on_end, fd, &t.info), 0);
	assert_int_equal(outcome(&t.op), 0);
	assert_int_equal(t.info.inode, known.info.inode);
	assert_int_equal(t.info.bytes, SIZE);
	if (known.mount.id != 0)
		assert_false(used_threads(&t, done));
	close(fd);
	assert_int_equal(rota_fs_fstat(&t.op.fs, on_end, fd, &t.info), 0);
	assert_int_equal(outcome(&t.op), ROTA_EBADF);
	end(&t);
}

/* The same path leads to another file in another directory. */
static void a_path_begins_at_a_directory(void **state)
{
	struct attempting t;
	struct scratch other;
	uint64_t done;
	int fd;

	begin(&t, *state);
	scratch_begin(&other);
	put_file(&other, SIZE / 2);
	done = lane_stats(&t.lane).done;
	for (unsigned i = 0; i < 4; i++) {
		size_t size = i % 2 == 0 ? SIZE : SIZE / 2;

		fd = open(i % 2 == 0 ? t.s.directory : other.directory,
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(fd >= 0);
		rota_fs_set_directory(&t.op.fs, fd);
		assert_int_equal(
			rota_fs_stat(&t.op.fs, on_end, "file", &t.info), 0);
		assert_int_equal(outcome(&t.op), 0);
		assert_int_equal(t.info.bytes, size);
		assert_int_equal(rota_fs_read_file_to(&t.op.fs, on_end, "file",
						      buf_of(t.memory, SIZE)),
				 0);
		assert_int_equal(outcome(&t.op), size);
		assert_bytes(t.memory, size);
		close(fd);
	}
	assert_false(used_threads(&t, done));
	scratch_end(&other);
	end(&t);
}

/* Whether the attempt succeeds, and whether it has opened the file or not. */
static void a_copied_path_is_freed(void **state)
{
	static const char *const calls[] = { NULL, "openat2", "preadv2" };
	struct attempting t;

	begin(&t, *state);
	rota_fs_set_copy_paths(&t.op.fs, 1);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char path[sizeof(t.s.path)];

		/* After a failure the next ones are not attempted. */
		for (unsigned j = 0; j < 8; j++)
			expect_file(&t, SIZE);
		memcpy(path, t.s.path, sizeof(path));
		if (calls[i] != NULL)
			fault_fail(calls[i], 1, EAGAIN);
		assert_int_equal(
			rota_fs_read_file(&t.op.fs, on_end, path, SIZE_MAX), 0);
		memset(path, 'x', sizeof(path) - 1);
		assert_int_equal(outcome(&t.op), SIZE);
		assert_int_equal(fault_clear(), calls[i] != NULL);
		assert_bytes(t.op.fs.data, SIZE);
		rota_fs_free(&t.op.fs);
	}
	end(&t);
}

static void hold(struct attempting *t)
{
	holder_begin(&t->holder);
	holder_hold(&t->holder, &t->holds, &t->byte);
	until_running(&t->lane);
}

static void let_go(struct attempting *t)
{
	holder_let_go(&t->holder);
	assert_int_equal(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT), 0);
	holder_end(&t->holder);
}

/* Begin to read the file, and leave the rest to the thread, which is busy. */
static void leave(struct attempting *t)
{
	hold(t);
	t->op.calls = 0;
	fault_fail("preadv2", 1, EAGAIN);
	assert_int_equal(rota_fs_read_file(&t->op.fs, on_end, t->s.path, SIZE),
			 0);
	assert_int_equal(rota_loop_run(t->lane.loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(rota_loop_run(t->lane.loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(t->op.calls, 0);
}

/* The harness finds descriptors and memory that are left. */
static void it_is_cancelled_before_and_after_the_attempt(void **state)
{
	struct attempting t;

	begin(&t, *state);
	t.op.calls = 0;
	assert_int_equal(rota_fs_read_file(&t.op.fs, on_end, t.s.path, SIZE),
			 0);
	assert_int_equal(rota_request_cancel(&t.op.fs.request), 0);
	assert_int_equal(outcome(&t.op), ROTA_ECANCELED);

	leave(&t);
	assert_int_equal(rota_request_cancel(&t.op.fs.request), 0);
	let_go(&t);
	assert_int_equal(t.op.calls, 1);
	assert_int_equal(t.op.result, ROTA_ECANCELED);
	assert_null(t.op.fs.data);
	expect_file(&t, SIZE);
	end(&t);
}

static void a_deadline_ends_it_between(void **state)
{
	struct attempting t;
	struct rota_deadline deadline;

	begin(&t, *state);
	leave(&t);
	assert_int_equal(rota_request_set_deadline(&t.op.fs.request, &deadline,
						   rota_loop_now(t.lane.loop)),
			 0);
	while (t.op.calls == 0)
		assert_int_equal(rota_loop_run(t.lane.loop, ROTA_RUN_NOWAIT),
				 1);
	assert_int_equal(t.op.result, ROTA_ETIMEDOUT);
	let_go(&t);
	end(&t);
}

static void find_it_canceled(void *arg)
{
	struct attempting *t = arg;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->op.calls == 1);
	EXPECT(t->op.result == ROTA_ECANCELED);
	EXPECT(t->op.fs.data == NULL);
}

static void a_fork_between_leaves_it_to_the_parent(void **state)
{
	struct attempting t;

	begin(&t, *state);
	leave(&t);

	in_a_child(find_it_canceled, &t);

	let_go(&t);
	assert_int_equal(t.op.calls, 1);
	assert_int_equal(t.op.result, SIZE);
	assert_bytes(t.op.fs.data, SIZE);
	rota_fs_free(&t.op.fs);
	end(&t);
}

static void a_turn_has_a_budget(void **state)
{
	enum { COUNT = ROTAI_ATTEMPTS_PER_TURN + 10 };
	static struct operation ops[COUNT];
	static struct rota_file_info infos[COUNT];
	struct attempting t;
	unsigned here = 0;

	begin(&t, *state);
	for (unsigned i = 0; i < COUNT; i++) {
		use_attempts(&ops[i], t.lane.loop);
		infos[i].size = sizeof(infos[i]);
		assert_int_equal(
			rota_fs_stat(&ops[i].fs, on_end, t.s.path, &infos[i]),
			0);
	}
	assert_int_equal(rota_loop_run(t.lane.loop, ROTA_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(ops[i].calls, 1);
		assert_int_equal(ops[i].result, 0);
		here += ops[i].phase == ROTA_PHASE_PENDING;
	}
	assert_int_equal(here, ROTAI_ATTEMPTS_PER_TURN);
	end(&t);
}

static void close_it(void *arg)
{
	close(*(int *)arg);
}

/* Use up the turn's budget, so that what begins next is left to a thread. */
static void use_up_budget(struct attempting *t, int fd)
{
	static struct operation ops[ROTAI_ATTEMPTS_PER_TURN];
	static char byte;

	for (unsigned i = 0; i < ROTAI_ATTEMPTS_PER_TURN; i++) {
		struct rota_buf buf = { &byte, 1 };

		use_attempts(&ops[i], t->lane.loop);
		assert_int_equal(rota_fs_read(&ops[i].fs, on_end, fd, buf, 0),
				 0);
	}
}

/* Read a file that is remembered, or what has taken its place, on a thread. */
static int64_t read_on_thread(struct attempting *t)
{
	struct rota_buf buf = { t->memory, SIZE };
	int fd = open(__FILE__, O_RDONLY | O_CLOEXEC);
	int64_t result;

	if (fd < 0)
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	use_up_budget(t, fd);
	assert_int_equal(
		rota_fs_read_file_to(&t->op.fs, on_end, t->s.path, buf), 0);
	result = outcome(&t->op);
	assert_int_equal(t->op.phase, ROTA_PHASE_POLL);
	close(fd);
	return result;
}

static void remember_file(struct attempting *t)
{
	unlink(t->s.path);
	put_file(&t->s, SIZE);
	expect_file(t, SIZE);
	assert_int_equal(t->op.phase, ROTA_PHASE_PENDING);
}

/* A thread opens a path that is remembered without looking at it before. What
 * has taken the place of the file meanwhile is treated as ever. */
static void a_thread_trusts_what_is_remembered(void **state)
{
	struct attempting t;
	int writer;

	begin(&t, *state);
	end(&t);
	begin_clock(&t, *state, ROTA_CLOCK_VIRTUAL);
	remember_file(&t);
	fault_count_reset();
	assert_int_equal(read_on_thread(&t), SIZE);
	assert_int_equal(fault_count("stat"), 0);
	fault_fail("fstat", 1, EIO);
	assert_int_equal(read_on_thread(&t), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	rota_fs_set_files_only(&t.op.fs, 1);
	assert_int_equal(read_on_thread(&t), SIZE);
	assert_true(fault_count("stat") > 0);
	rota_fs_set_files_only(&t.op.fs, 0);

	unlink(t.s.path);
	assert_int_equal(read_on_thread(&t), ROTA_ENOENT);
	assert_int_equal(mkdir(t.s.path, 0700), 0);
	assert_int_equal(read_on_thread(&t), ROTA_EISDIR);
	rmdir(t.s.path);

	/* A FIFO is read to its end in the blocking lane. */
	assert_int_equal(mkfifo(t.s.path, 0600), 0);
	writer = open(t.s.path, O_RDWR | O_CLOEXEC);
	assert_int_equal(write(writer, "x", 1), 1);
	fault_call_before("ppoll", 2, close_it, &writer);
	assert_int_equal(read_on_thread(&t), 1);
	fault_clear();
	end(&t);
}

/* One of 2^13 paths of the same file. */
static void path_of_number(const struct attempting *t, unsigned number,
			   char *path)
{
	enum { BITS = 13 };

	path += sprintf(path, "%s", t->s.directory);
	for (unsigned i = 0; i < BITS; i++)
		path += sprintf(path, "%s", number >> i & 1 ? "/." : "//");
	strcpy(path, "/file");
}

/* Returns how many of the paths had to be found. */
static unsigned stat_paths(struct attempting *t, unsigned from, unsigned to)
{
	char path[300];

	fault_count_reset();
	for (unsigned i = from; i < to; i++) {
		path_of_number(t, i, path);
		assert_int_equal(
			rota_fs_stat(&t->op.fs, on_end, path, &t->info), 0);
		assert_int_equal(outcome(&t->op), 0);
	}
	return fault_count("openat2");
}

/* A loop that opens thousands of paths a second remembers more of them, if
 * there is memory for that. */
static void more_paths_are_remembered(void **state)
{
	enum { PATHS = 1 << 13 };
	struct fixture *f = *state;
	struct attempting t;
	size_t before;

	begin(&t, f);
	end(&t);
	begin_clock(&t, f, ROTA_CLOCK_VIRTUAL);
	assert_int_equal(stat_paths(&t, 0, 100), 100);
	assert_int_equal(stat_paths(&t, 0, 100), 0);
	before = f->memory.bytes;
	f->memory.fail_at = f->memory.calls + 1;
	(void)stat_paths(&t, 100, PATHS - 1700);
	assert_int_equal(f->memory.failed, 1);
	assert_int_equal(f->memory.bytes, before);
	f->memory.fail_at = 0;
	(void)stat_paths(&t, 0, PATHS);
	assert_in_range(f->memory.bytes - before, 128 << 10, 129 << 10);
	(void)stat_paths(&t, 0, PATHS);
	assert_in_range(stat_paths(&t, 0, PATHS), 0, PATHS / 10);
	end(&t);
}

static void a_large_file_is_left_to_a_thread(void **state)
{
	struct attempting t;

	begin(&t, *state);
	put_file(&t.s, ROTAI_ATTEMPT_MOST + 1);
	fault_count_reset();
	expect_file(&t, ROTAI_ATTEMPT_MOST + 1);
	assert_int_equal(t.op.phase, ROTA_PHASE_POLL);
	assert_int_equal(fault_count("open"), 0); /* it is open already */
	end(&t);
}

static void attempts_that_fail_are_made_less_often(void **state)
{
	enum { COUNT = 300 };
	struct attempting t;

	begin(&t, *state);
	rota_fs_set_files_only(&t.op.fs, 1); /* so each is found anew */
	fault_fail_from("openat2", 1, EAGAIN);
	for (unsigned i = 0; i < COUNT; i++)
		try_stat(&t);
	assert_in_range(fault_clear(), 5, 12);
	end(&t);
}

/* Neither is a FIFO opened, nor a directory; the pool does what is right. */
static void what_is_no_file_is_not_opened(void **state)
{
	struct attempting t;

	begin(&t, *state);
	unlink(t.s.path);
	assert_int_equal(mkfifo(t.s.path, 0600), 0);
	rota_fs_set_files_only(&t.op.fs, 1);
	fault_count_reset();
	assert_int_equal(read_file(&t), ROTA_EPERM);
	assert_int_equal(fault_count("openat2"), 1);
	assert_int_equal(rota_fs_read_file(&t.op.fs, on_end, t.s.directory, 9),
			 0);
	assert_int_equal(outcome(&t.op), ROTA_EISDIR);
	end(&t);
}

/* tmpfs has no reads that do not wait: after the first attempt, none is
 * made. /proc is not a file system whose files the loop opens. */
static void a_file_system_that_cannot_is_remembered(void **state)
{
	struct attempting t;
	FILE *file;

	begin(&t, *state);
	scratch_end(&t.s);
	if (access("/dev/shm", W_OK) < 0) {
		scratch_begin(&t.s);
		end(&t);
		skip_test("there is no /dev/shm");
	}
	scratch_begin_under(&t.s, "/dev/shm");
	put_file(&t.s, SIZE);
	for (unsigned i = 0; i < 20; i++)
		expect_file(&t, SIZE);
	fault_count_reset();
	for (unsigned i = 0; i < 20; i++)
		expect_file(&t, SIZE);
	assert_int_equal(fault_count("preadv2"), 0);

	snprintf(t.s.path, sizeof(t.s.path), "/proc/self/cmdline");
	assert_true(read_file(&t) > 0);
	rota_fs_free(&t.op.fs);
	snprintf(t.s.path, sizeof(t.s.path), "%s/file", t.s.directory);
	file = fopen(t.s.path, "r");
	assert_non_null(file);
	fclose(file);
	end(&t);
}

static void the_virtual_clock_stands_still(void **state)
{
	struct attempting t;
	uint64_t now;

	begin_clock(&t, *state, ROTA_CLOCK_VIRTUAL);
	now = rota_loop_now(t.lane.loop);
	try_read_file(&t);
	try_stat(&t);
	assert_int_equal(rota_loop_now(t.lane.loop), now);
	end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(what_is_in_memory_needs_no_thread),
	REAL(the_callback_is_not_called_in_the_call),
	REAL(threads_only_is_obeyed),
	REAL(any_call_may_not_be_answered),
	REAL(an_error_of_the_file_is_the_result),
	REAL(a_file_may_grow_or_shrink_meanwhile),
	REAL(a_part_is_not_read_twice),
	REAL(both_tell_the_time_of_birth),
	REAL(a_path_begins_at_a_directory),
	REAL(a_link_and_an_open_file_are_looked_at),
	REAL(a_copied_path_is_freed),
	REAL(it_is_cancelled_before_and_after_the_attempt),
	REAL(a_deadline_ends_it_between),
	REAL(a_fork_between_leaves_it_to_the_parent),
	REAL(a_turn_has_a_budget),
	REAL(a_thread_trusts_what_is_remembered),
	REAL(more_paths_are_remembered),
	REAL(a_large_file_is_left_to_a_thread),
	REAL(attempts_that_fail_are_made_less_often),
	REAL(what_is_no_file_is_not_opened),
	REAL(a_file_system_that_cannot_is_remembered),
	REAL(the_virtual_clock_stands_still),
};

FIXTURE_MAIN(tests)

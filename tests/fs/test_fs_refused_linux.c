/* system: linux */
/* poller: none */
/*
 * Errors of the kernel, row by row. A filter of system calls (seccomp) makes
 * the calls of one row fail, in a child of its own. And a file system that is
 * full, and one whose files wait.
 */
#include "fs/ready.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "fs/table.h"
#include "fs/wait.h"
#include "rota/fs_data.h"
#include "rota/fs_directory.h"
#include "rota/fs_file.h"
#include "rota/fs_lock.h"
#include "rota/fs_path.h"
#include "rota/fs_reader.h"
#include "support/child.h"
#include "support/fault.h"

enum { MOST_CALLS = 4 };

struct refused {
	enum rotai_fs_row row;
	long calls[MOST_CALLS]; /* numbers of system calls; 0 ends the list */
};

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const struct refused refused[] = {
	{ ROTAI_FS_STAT, { SYS_statx } },
	{ ROTAI_FS_LSTAT, { SYS_statx } },
	{ ROTAI_FS_FSTAT, { SYS_statx } },
	{ ROTAI_FS_LINK, { SYS_linkat } },
	{ ROTAI_FS_SYMLINK, { SYS_symlinkat } },
	{ ROTAI_FS_READLINK, { SYS_readlinkat } },
	{ ROTAI_FS_RENAME, { SYS_renameat, SYS_renameat2 } },
	{ ROTAI_FS_UNLINK, { SYS_unlinkat } },
	{ ROTAI_FS_MKDIR, { SYS_mkdirat } },
	{ ROTAI_FS_RMDIR, { SYS_unlinkat } },
	{ ROTAI_FS_MKDTEMP, { SYS_mkdirat } },
	{ ROTAI_FS_MKSTEMP, { SYS_openat } },
	{ ROTAI_FS_ACCESS, { SYS_faccessat, SYS_faccessat2 } },
	{ ROTAI_FS_CHMOD, { SYS_fchmodat, SYS_fchmodat2 } },
	{ ROTAI_FS_FCHMOD, { SYS_fchmod } },
	{ ROTAI_FS_CHOWN, { SYS_fchownat } },
	{ ROTAI_FS_LCHOWN, { SYS_fchownat } },
	{ ROTAI_FS_FCHOWN, { SYS_fchown } },
	{ ROTAI_FS_UTIME, { SYS_utimensat } },
	{ ROTAI_FS_LUTIME, { SYS_utimensat } },
	{ ROTAI_FS_FUTIME, { SYS_utimensat } },
	{ ROTAI_FS_TRUNCATE, { SYS_truncate } },
	{ ROTAI_FS_FTRUNCATE, { SYS_ftruncate } },
	{ ROTAI_FS_STATFS, { SYS_fstatfs } },
	{ ROTAI_FS_STATFS, { SYS_openat } },
	{ ROTAI_FS_READV, { SYS_preadv } },
	{ ROTAI_FS_WRITEV, { SYS_pwritev } },
	{ ROTAI_FS_FSYNC, { SYS_fsync } },
	{ ROTAI_FS_FDATASYNC, { SYS_fdatasync } },
	{ ROTAI_FS_COPY_RANGE, { SYS_copy_file_range } },
	{ ROTAI_FS_SENDFILE, { SYS_sendfile } },
	{ ROTAI_FS_FALLOCATE, { SYS_fallocate } },
	{ ROTAI_FS_SCANDIR, { SYS_openat } },
	{ ROTAI_FS_SCANDIR, { SYS_getdents64 } },
	{ ROTAI_FS_OPENDIR, { SYS_openat } },
	{ ROTAI_FS_FLOCK, { SYS_flock } },
};

/* Let each of @calls fail with @error, in this thread and those that it
 * makes. */
static void refuse_calls(const long *calls, unsigned error)
{
	struct sock_filter program[MOST_CALLS + 3];
	unsigned short n = 0;
	unsigned char left = 0;
	struct sock_fprog filter = { .filter = program };

	while (left < MOST_CALLS && calls[left] != 0)
		left++;
	program[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; left > 0; i++, left--)
		program[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], left, 0);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_ALLOW);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_ERRNO | error);
	filter.len = n;
	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

static int may_refuse(void)
{
	return prctl(PR_GET_SECCOMP) == 0;
}

static union {
	size_t size; /* of an info */
	struct rota_file_info info;
	struct rota_file_system_info system_info;
	struct rota_dir dir;
	struct rota_buf buf;
	struct rota_dir_entries entries;
} target;

static char byte;

/* Arguments for any row: the path is a directory, unless the row needs
 * something else. */
static void set_arguments(struct rotai_fs_arguments *a, uint32_t takes,
			  const char *path, int fd)
{
	static char pattern[] = "/tmp/XXXXXX";

	*a = (struct rotai_fs_arguments){ .path = path,
					  .to = "/tmp/none/none",
					  .target = &target,
					  .size = 1,
					  .length = 1,
					  .fd = fd,
					  .other_fd = fd };
	if ((takes & ROTAI_TAKES_PATTERN) != 0)
		a->target = pattern;
	if ((takes & ROTAI_TAKES_INFO) != 0)
		target.size = sizeof(target.info);
	if ((takes & ROTAI_TAKES_SYSTEM_INFO) != 0)
		target.size = sizeof(target.system_info);
	if ((takes & ROTAI_TAKES_ENTRIES) != 0)
		rota_dir_entries_init(&target.entries, 10);
	if ((takes & ROTAI_TAKES_MEMORY) != 0)
		target.buf = (struct rota_buf){ &byte, 1 };
	if ((takes & ROTAI_TAKES_LOCK) != 0)
		a->options = ROTA_FS_LOCK_SHARED;
}

struct row_test {
	const struct refused *refused;
	struct file_test *t;
	int fd;
};

/* In a child. */
static void find_row_refused(void *arg)
{
	const struct row_test *test = arg;
	enum rotai_fs_row row = test->refused->row;
	struct rotai_fs_arguments a;
	struct rota_loop_options options;
	struct operation op;
	struct rota_loop *loop;
	struct rota_pool *pool;

	rota_loop_options_init(&options);
	EXPECT(rota_pool_new(&pool, NULL) == 0);
	options.pool = pool;
	EXPECT(rota_loop_new(&loop, &options) == 0);
	operation_init(&op, loop);
	set_arguments(&a, rotai_fs_table[row].takes, test->t->s.directory,
		      test->fd);
	refuse_calls(test->refused->calls, EIO);
	EXPECT(rotai_fs_start(&op.fs, on_end, row, &a) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.calls == 1);
	EXPECT(op.result == ROTA_EIO);
	EXPECT(op.fs.data == NULL);
	EXPECT(rota_loop_close(loop) == 0);
	rota_pool_unref(pool); /* its threads end */
}

static void an_error_of_the_kernel_is_the_result_of_each_row(void **state)
{
	struct file_test t;
	struct row_test test = { .t = &t };

	if (!may_refuse()) {
		print_message("skip: there is no filter of system calls\n");
		skip();
	}
	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	test.fd = put_open(&t.s, O_RDWR);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		test.refused = &refused[i];
		in_a_child(find_row_refused, &test);
	}
	close(test.fd);
	file_test_end(&t);
}

/* In a child. What an older kernel or a sandbox does not have is done in
 * another way. */
static void find_other_ways(void *arg)
{
	static const long calls[] = { SYS_statx, SYS_copy_file_range,
				      SYS_sendfile, SYS_getrandom };
	struct file_test *t = arg;
	struct rota_file_info info = { .size = sizeof(info) };
	struct rota_file_place from, to;
	char pattern[] = "XXXXXX";
	struct operation op;
	struct rota_loop *loop;
	struct stat status;

	EXPECT(rota_loop_new(&loop, NULL) == 0);
	operation_init(&op, loop);
	EXPECT(stat(t->s.path, &status) == 0);
	from = (struct rota_file_place){ open(t->s.path, O_RDWR), 0 };
	to = (struct rota_file_place){ from.fd, 100 };
	refuse_calls(calls, ENOSYS);

	EXPECT(rota_fs_stat(&op.fs, on_end, t->s.path, &info) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result == 0);
	EXPECT(info.inode == status.st_ino && info.device == status.st_dev);
	EXPECT(info.born_ns == ROTA_FS_TIME_UNKNOWN);
	EXPECT(rota_fs_fstat(&op.fs, on_end, from.fd, &info) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result == 0);
	EXPECT(info.bytes == 10);
	EXPECT(rota_fs_copy_range(&op.fs, on_end, from, to, 100) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result == 100);
	EXPECT(rota_fs_sendfile(&op.fs, on_end, from.fd, to, 5) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result == 5);
	EXPECT(chdir(t->s.directory) == 0);
	EXPECT(rota_fs_mkstemp(&op.fs, on_end, pattern) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result > 2);
	EXPECT(unlink(pattern) == 0);
}

static void a_kernel_may_lack_newer_calls(void **state)
{
	struct file_test t;

	if (!may_refuse()) {
		print_message("skip: there is no filter of system calls\n");
		skip();
	}
	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	in_a_child(find_other_ways, &t);
	file_test_end(&t);
}

/* In a child. */
static void fill_a_file_system(void *arg)
{
	static char data[1 << 18];
	struct file_test *t = arg;
	const struct rota_const_buf bufs[2] = {
		rota_bytes(data, sizeof(data)), rota_bytes(data, sizeof(data))
	};
	struct rota_file_range range = { 0, 1 << 20 };
	struct rota_file_place from, to;
	struct operation op;
	struct rota_loop *loop;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", t->s.directory, "tmpfs", 0, "size=256k") < 0)
		child_skips();
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	operation_init(&op, loop);
	from = (struct rota_file_place){ open("/proc/self/exe", O_RDONLY), 0 };
	to = (struct rota_file_place){ open(t->s.path, O_RDWR | O_CREAT, 0600),
				       0 };

	EXPECT(rota_fs_fallocate(&op.fs, on_end, to.fd, 0, range) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_ENOSPC);
	EXPECT(rota_fs_writev(&op.fs, on_end, to.fd,
			      (struct rota_const_buf_vector){ bufs, 2 },
			      0) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result > 0 && op.result <= 1 << 18);
	EXPECT(rota_fs_copy_range(&op.fs, on_end, from, to, 1 << 20) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result > 0 && op.result <= 1 << 18);
	to.offset = 1 << 18;
	EXPECT(rota_fs_copy_range(&op.fs, on_end, from, to, 1 << 20) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_ENOSPC);
}

static void a_full_file_system_is_told(void **state)
{
	struct file_test t;
	int ran;

	file_test_begin(&t, *state);
	ran = in_a_child_or_skip(fill_a_file_system, &t);
	file_test_end(&t);
	if (!ran)
		skip_test("mounting is not allowed");
}

/* Run until a thread waits for @op, and end that. */
static void expect_to_wait(struct operation *op, int begun)
{
	EXPECT(begun == 0);
	while (__atomic_load_n(&op->fs.internal.waits, __ATOMIC_RELAXED) !=
	       ROTAI_FS_WAITS) {
		rota_loop_run(op->loop, ROTA_RUN_NOWAIT);
		poll(NULL, 0, 1);
	}
	EXPECT(rota_request_cancel(&op->fs.request) == 0);
	EXPECT(rota_loop_run(op->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op->result == ROTA_ECANCELED);
}

static void on_silence(struct rota_reader *reader, int64_t size,
		       const char *data)
{
	EXPECT(data == NULL);
	*(int64_t *)reader->data = size;
}

/* Cancel a reader that waits. */
static void expect_silent_reader(struct rota_loop *loop, const char *path)
{
	int64_t ended_with = 0;
	struct rota_reader reader;
	char memory[64];

	rota_reader_init(&reader, loop);
	reader.data = &ended_with;
	EXPECT(rota_reader_start(&reader, on_silence, path,
				 (struct rota_buf){ memory, sizeof(memory) }) ==
	       0);
	while (__atomic_load_n(&reader.internal.fs.internal.waits,
			       __ATOMIC_RELAXED) != ROTAI_FS_WAITS) {
		rota_loop_run(loop, ROTA_RUN_NOWAIT);
		poll(NULL, 0, 1);
	}
	EXPECT(rota_reader_cancel(&reader) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(ended_with == ROTA_ECANCELED);
}

/* In a child: trace_pipe of a tracer that traces nothing. */
static void read_a_file_that_waits(void *arg)
{
	struct file_test *t = arg;
	char memory[1];
	const struct rota_buf buf = { memory, 1 };
	char path[512], copy[512];
	struct operation op;
	struct rota_loop *loop;
	int fd, null;

	snprintf(copy, sizeof(copy), "%s.copy", t->s.directory);
	snprintf(path, sizeof(path), "%s/instances/rota-%d", t->s.directory,
		 (int)getpid());
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", t->s.directory, "tracefs", 0, NULL) < 0 ||
	    mkdir(path, 0700) < 0)
		child_skips();
	strcat(path, "/trace_pipe");
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	operation_init(&op, loop);
	expect_to_wait(&op, rota_fs_read_file(&op.fs, on_end, path, 100));
	expect_silent_reader(loop, path);
	EXPECT(rota_fs_copy_file(&op.fs, on_end, path, copy, 0) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_EPERM);

	fd = open(path, O_RDONLY); /* it can be open once */
	null = open("/dev/null", O_WRONLY);
	EXPECT(fd >= 0 && null >= 0);
	expect_to_wait(&op, rota_fs_read(&op.fs, on_end, fd, buf, -1));
	expect_to_wait(&op,
		       rota_fs_readv(&op.fs, on_end, fd,
				     (struct rota_buf_vector){ &buf, 1 }, -1));
	expect_to_wait(&op, rota_fs_copy_range(
				    &op.fs, on_end,
				    (struct rota_file_place){ fd, -1 },
				    (struct rota_file_place){ null, -1 }, 1));

	close(fd);
	close(null);
	*strrchr(path, '/') = '\0';
	EXPECT(rota_loop_close(loop) == 0);
	EXPECT(rmdir(path) == 0);
}

static void a_regular_file_that_waits_holds_up_nothing(void **state)
{
	struct file_test t;
	int ran;

	file_test_begin(&t, *state);
	ran = in_a_child_or_skip(read_a_file_that_waits, &t);
	file_test_end(&t);
	if (!ran)
		skip_test("there is no tracefs to mount");
}

/* The read behind the last entry that has room may fail as well. */
static void an_error_behind_the_limit_is_no_limit(void **state)
{
	struct rota_dir_entries entries;
	struct file_test t;
	char path[512];

	file_test_begin(&t, *state);
	put_text(path_in(&t.s, "one", path, sizeof(path)), "");
	rota_dir_entries_init(&entries, 1);
	/* Two entries are "." and "..", and the last call finds the end. */
	fault_fail("readdir", 4, EIO);
	assert_int_equal(
		DONE(&t.op, rota_fs_scandir(&t.op.fs, on_end, t.s.directory,
					    &entries, 0)),
		ROTA_EIO);
	fault_clear();
	fault_fail("readdir", 1, EINTR);
	assert_int_equal(
		DONE(&t.op, rota_fs_scandir(&t.op.fs, on_end, t.s.directory,
					    &entries, 0)),
		1);
	assert_int_equal(fault_clear(), 1);
	rota_dir_entries_free(&entries);
	remove(path);
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(an_error_of_the_kernel_is_the_result_of_each_row),
	REAL(a_kernel_may_lack_newer_calls),
	REAL(a_full_file_system_is_told),
	REAL(a_regular_file_that_waits_holds_up_nothing),
	REAL(an_error_behind_the_limit_is_no_limit),
};

FIXTURE_MAIN(tests)

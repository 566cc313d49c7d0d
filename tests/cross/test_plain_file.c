/*
 * Files beyond 4 GiB and times beyond 2038, which need care where off_t or
 * time_t has 32 bits; error names; and the sizes of structs.
 */
#include "cross/plain.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const int64_t FAR = INT64_C(5) << 30; /* 5 GiB: the file is sparse */

static int64_t last_result;

static void on_result(struct rota_fs *fs, int64_t result)
{
	(void)fs;
	last_result = result;
}

/* Run @loop until the operation that was started with @status has completed. */
static int64_t result_of(struct rota_loop *loop, int status)
{
	last_result = INT64_MIN;
	EXPECT(status == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	return last_result;
}

struct scratch {
	struct rota_loop *loop;
	struct rota_fs fs;
	char path[64];
	int fd;
};

static void scratch_begin(struct scratch *s)
{
	s->loop = plain_loop(ROTA_CLOCK_MONOTONIC);
	rota_fs_init(&s->fs, s->loop);
	strcpy(s->path, "/tmp/rota-plain-XXXXXX");
	close(mkstemp(s->path));
	s->fd = (int)result_of(
		s->loop, rota_fs_open(&s->fs, on_result, s->path, O_RDWR, 0));
	EXPECT(s->fd >= 0);
}

static void scratch_end(struct scratch *s)
{
	EXPECT(result_of(s->loop, rota_fs_close(&s->fs, on_result, s->fd)) ==
	       0);
	EXPECT(unlink(s->path) == 0);
	EXPECT(rota_loop_close(s->loop) == 0);
}

static void a_file_has_more_than_4_GiB(void)
{
	char out[] = "far out", in[sizeof(out)] = "";
	struct rota_file_info info = { .size = sizeof(info) };
	struct scratch s;

	scratch_begin(&s);
	EXPECT(result_of(s.loop, rota_fs_write(&s.fs, on_result, s.fd,
					       rota_bytes(out, sizeof(out)),
					       FAR)) == (int64_t)sizeof(out));
	EXPECT(result_of(s.loop,
			 rota_fs_read(&s.fs, on_result, s.fd,
				      (struct rota_buf){ in, sizeof(in) },
				      FAR)) == (int64_t)sizeof(in));
	EXPECT(memcmp(in, out, sizeof(in)) == 0);
	EXPECT(result_of(s.loop,
			 rota_fs_fstat(&s.fs, on_result, s.fd, &info)) == 0);
	EXPECT(info.bytes == (uint64_t)FAR + sizeof(out));
	EXPECT(result_of(s.loop,
			 rota_fs_stat(&s.fs, on_result, s.path, &info)) == 0);
	EXPECT(info.bytes == (uint64_t)FAR + sizeof(out));
	EXPECT((info.mode & 0170777) == 0100600);
	EXPECT(info.modified_ns > INT64_C(1600000000) * 1000000000);
	scratch_end(&s);
}

/* The year 2100 does not fit into a time_t of 32 bits. */
static void a_file_may_be_of_2100(void)
{
	const struct timespec times[2] = {
		{ .tv_sec = (time_t)INT64_C(4102444800), .tv_nsec = 5 },
		{ .tv_sec = (time_t)INT64_C(4102444800), .tv_nsec = 7 },
	};
	struct rota_file_info info = { .size = sizeof(info) };
	struct stat status;
	struct scratch s;

	scratch_begin(&s);
	EXPECT(futimens(s.fd, times) == 0);
	EXPECT(fstat(s.fd, &status) == 0);
	EXPECT(result_of(s.loop,
			 rota_fs_fstat(&s.fs, on_result, s.fd, &info)) == 0);
	/* Some file systems and some emulators do not keep such a time. */
	if (status.st_mtime == times[1].tv_sec)
		EXPECT(info.modified_ns ==
		       INT64_C(4102444800) * 1000000000 + 7);
	scratch_end(&s);
}

static void a_whole_file_is_read(void)
{
	char out[] = "all of it";
	struct scratch s;

	scratch_begin(&s);
	EXPECT(write(s.fd, out, sizeof(out)) == (ssize_t)sizeof(out));
	EXPECT(result_of(s.loop,
			 rota_fs_read_file(&s.fs, on_result, s.path, 1000)) ==
	       (int64_t)sizeof(out));
	EXPECT(s.fs.size == sizeof(out));
	EXPECT(s.fs.data != NULL && memcmp(s.fs.data, out, sizeof(out)) == 0);
	rota_fs_free(&s.fs);
	EXPECT(result_of(s.loop, rota_fs_read_file(&s.fs, on_result,
						   "/no/such/file", 1000)) ==
	       ROTA_ENOENT);
	scratch_end(&s);
}

/* Offsets and lengths of 64 bits go to the kernel whole. */
static void far_parts_are_copied_cut_and_locked(void)
{
	char out[] = "far out", in[sizeof(out)] = "";
	struct rota_const_buf from_buf = rota_bytes(out, sizeof(out));
	struct rota_buf to_buf = { in, sizeof(in) };
	struct rota_file_info info = { .size = sizeof(info) };
	struct rota_file_range range = { FAR, 1 };
	struct scratch s;
	struct rota_fs *fs = &s.fs;
	int64_t locked;

	scratch_begin(&s);
	EXPECT(result_of(s.loop, rota_fs_writev(fs, on_result, s.fd,
						(struct rota_const_buf_vector){
							&from_buf, 1 },
						FAR)) == (int64_t)sizeof(out));
	EXPECT(result_of(s.loop,
			 rota_fs_copy_range(
				 fs, on_result,
				 (struct rota_file_place){ s.fd, FAR },
				 (struct rota_file_place){ s.fd, FAR + 4096 },
				 sizeof(out))) == (int64_t)sizeof(out));
	EXPECT(result_of(s.loop,
			 rota_fs_readv(fs, on_result, s.fd,
				       (struct rota_buf_vector){ &to_buf, 1 },
				       FAR + 4096)) == (int64_t)sizeof(in));
	EXPECT(memcmp(in, out, sizeof(in)) == 0);
	locked = result_of(s.loop,
			   rota_fs_lock_range(fs, on_result, s.fd,
					      ROTA_FS_LOCK_EXCLUSIVE, range));
	EXPECT(locked == 0 || locked == ROTA_ENOTSUP ||
	       locked == ROTA_EINVAL); /* an emulator may not know it */
	EXPECT(result_of(s.loop, rota_fs_truncate(fs, on_result, s.path,
						  FAR + 1)) == 0);
	EXPECT(result_of(s.loop, rota_fs_stat(fs, on_result, s.path, &info)) ==
	       0);
	EXPECT(info.bytes == (uint64_t)FAR + 1);
	scratch_end(&s);
}

/* A directory with one file, which is made, renamed, given a time and
 * removed. */
static void a_directory_is_made_filled_and_read(void)
{
	const struct rota_file_times times = { 5,
					       INT64_C(1234567890123456789) };
	char pattern[] = "/tmp/rota-plain-XXXXXX", name[] = "XXXXXX";
	struct rota_file_info info = { .size = sizeof(info) };
	struct rota_file_system_info room = { .size = sizeof(room) };
	struct rota_dir_entries entries;
	struct scratch s;
	struct rota_fs *fs = &s.fs;
	int64_t fd;

	scratch_begin(&s);
	rota_dir_entries_init(&entries, 10);
	EXPECT(result_of(s.loop, rota_fs_mkdtemp(fs, on_result, pattern)) == 0);
	fd = result_of(s.loop,
		       rota_fs_open(fs, on_result, pattern, O_RDONLY, 0));
	EXPECT(fd > 2);
	rota_fs_set_directory(fs, (int)fd);
	EXPECT(close((int)result_of(
		       s.loop, rota_fs_mkstemp(fs, on_result, name))) == 0);
	EXPECT(result_of(s.loop,
			 rota_fs_rename(fs, on_result, name, "new", 0)) == 0);
	EXPECT(result_of(s.loop, rota_fs_utime(fs, on_result, "new", times)) ==
	       0);
	EXPECT(result_of(s.loop, rota_fs_lstat(fs, on_result, "new", &info)) ==
	       0);
	EXPECT(info.accessed_ns == 5);
	EXPECT(info.modified_ns == times.modified_ns);
	EXPECT(result_of(s.loop, rota_fs_scandir(fs, on_result, ".", &entries,
						 0)) == 1);
	EXPECT(strcmp(entries.items[0].name, "new") == 0);
	EXPECT(entries.items[0].type == ROTA_ENTRY_FILE);
	EXPECT(entries.items[0].inode == info.inode);
	EXPECT(result_of(s.loop, rota_fs_statfs(fs, on_result, ".", &room)) ==
	       0);
	EXPECT(room.block_size >= 512);
	EXPECT(result_of(s.loop, rota_fs_unlink(fs, on_result, "new")) == 0);
	EXPECT(result_of(s.loop, rota_fs_rmdir(fs, on_result, pattern)) == 0);
	close((int)fd);
	rota_dir_entries_free(&entries);
	scratch_end(&s);
}

static void errors_have_names(void)
{
	EXPECT(strcmp(rota_error_name(ROTA_ENOENT), "ENOENT") == 0);
	EXPECT(strcmp(rota_error_name(ROTA_EOVERFLOW), "EOVERFLOW") == 0);
	EXPECT(strcmp(rota_error_name(ROTA_ECONNREFUSED), "ECONNREFUSED") == 0);
	EXPECT(strcmp(rota_error_name(ROTA_EOF), "EOF") == 0);
	EXPECT(strcmp(rota_error_name(0), "OK") == 0);
	EXPECT(strcmp(rota_error_name(-999999), "UNKNOWN") == 0);
}

/* The budgets are for pointers of 64 bits; with narrower ones the structs are
 * no larger. They do not depend on the byte order or the C library. */
static void structs_keep_to_their_budgets(void)
{
	EXPECT(sizeof(struct rota_watch) <= 56);
	EXPECT(sizeof(struct rota_timer) <= 80);
	EXPECT(sizeof(struct rota_task) <= 32);
	EXPECT(sizeof(struct rota_async) <= 48);
	EXPECT(sizeof(struct rota_hook) <= 48);
	EXPECT(sizeof(struct rota_handle) <= 64);
	EXPECT(sizeof(struct rota_tcp) <= 200);
	EXPECT(sizeof(struct rota_write) <= 128);
	EXPECT(sizeof(struct rota_work) <= 168);
	EXPECT(sizeof(struct rota_fs) <= 216);
}

static const struct plain_test tests[] = {
	{ "a_file_has_more_than_4_GiB", a_file_has_more_than_4_GiB },
	{ "a_file_may_be_of_2100", a_file_may_be_of_2100 },
	{ "a_whole_file_is_read", a_whole_file_is_read },
	{ "far_parts_are_copied_cut_and_locked",
	  far_parts_are_copied_cut_and_locked },
	{ "a_directory_is_made_filled_and_read",
	  a_directory_is_made_filled_and_read },
	{ "errors_have_names", errors_have_names },
	{ "structs_keep_to_their_budgets", structs_keep_to_their_budgets },
};
PLAIN_MAIN(tests)

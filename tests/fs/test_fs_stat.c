/* poller: none */
/*
 * The results of rota_fs_stat(), _lstat() and _fstat() equal those of stat(2).
 */
#include "fs/scratch.h"

#include <time.h>

#include "support/edge.h"
#include "support/fault.h"

static int64_t do_stat(struct operation *op, const char *path,
		       struct rota_file_info *info)
{
	assert_int_equal(rota_fs_stat(&op->fs, on_end, path, info), 0);
	return outcome(op);
}

static int64_t do_lstat(struct operation *op, const char *path,
			struct rota_file_info *info)
{
	assert_int_equal(rota_fs_lstat(&op->fs, on_end, path, info), 0);
	return outcome(op);
}

static int64_t do_fstat(struct operation *op, int fd,
			struct rota_file_info *info)
{
	assert_int_equal(rota_fs_fstat(&op->fs, on_end, fd, info), 0);
	return outcome(op);
}

static void fill_with_ones(struct rota_file_info *info)
{
	memset(info, 0xff, sizeof(*info));
	info->size = sizeof(*info);
}

/* Compare everything except the times. */
static void assert_same(const struct rota_file_info *info,
			const struct stat *status)
{
	assert_int_equal(info->device, status->st_dev);
	assert_int_equal(info->inode, status->st_ino);
	assert_int_equal(info->links, status->st_nlink);
	assert_int_equal(info->bytes, status->st_size);
	assert_int_equal(info->blocks, status->st_blocks);
	assert_int_equal(info->special_device, status->st_rdev);
	assert_int_equal(info->block_size, status->st_blksize);
	assert_int_equal(info->mode, status->st_mode);
	assert_int_equal(info->user, status->st_uid);
	assert_int_equal(info->group, status->st_gid);
}

static void a_file_is_told_by_path_and_by_descriptor(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct scratch s;
	struct stat status;
	int fd;

	scratch_begin(&s);
	operation_init(&op, f->loop);
	put_file(&s, 12345);
	assert_int_equal(chmod(s.path, 0604), 0);
	assert_int_equal(stat(s.path, &status), 0);

	fill_with_ones(&info);
	assert_int_equal(do_stat(&op, s.path, &info), 0);
	assert_same(&info, &status);
	fill_with_ones(&info);
	assert_int_equal(do_lstat(&op, s.path, &info), 0);
	assert_same(&info, &status);
	fill_with_ones(&info);
	fd = put_open(&s, O_RDONLY);
	assert_int_equal(do_fstat(&op, fd, &info), 0);
	assert_same(&info, &status);

	assert_int_equal(info.bytes, 12345);
	assert_int_equal(info.mode, S_IFREG | 0604);
	assert_int_equal(op.phase, ROTA_PHASE_POLL);
	close(fd);
	scratch_end(&s);
}

static void a_directory_and_a_device_are_told(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct stat status;

	operation_init(&op, f->loop);
	assert_int_equal(stat("/", &status), 0);
	assert_int_equal(do_stat(&op, "/", &info), 0);
	assert_same(&info, &status);
	assert_true(S_ISDIR(info.mode));

	assert_int_equal(stat("/dev/null", &status), 0);
	assert_int_equal(do_stat(&op, "/dev/null", &info), 0);
	assert_same(&info, &status);
	assert_true(S_ISCHR(info.mode));
}

static void a_link_is_followed_or_not(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct scratch s;
	char link[sizeof(s.path) + 8];

	scratch_begin(&s);
	operation_init(&op, f->loop);
	snprintf(link, sizeof(link), "%s-link", s.path);
	assert_int_equal(symlink("file", link), 0);

	assert_int_equal(do_stat(&op, link, &info), ROTA_ENOENT);
	put_file(&s, 10);
	assert_int_equal(do_stat(&op, link, &info), 0);
	assert_true(S_ISREG(info.mode));
	assert_int_equal(do_lstat(&op, link, &info), 0);
	assert_true(S_ISLNK(info.mode));
	assert_int_equal(info.bytes, 4);

	scratch_end(&s);
}

static void set_times(const char *path, time_t accessed_s, long accessed_ns,
		      time_t modified_s, long modified_ns)
{
	struct timespec times[2] = {
		{ .tv_sec = accessed_s, .tv_nsec = accessed_ns },
		{ .tv_sec = modified_s, .tv_nsec = modified_ns },
	};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void times_are_exact_to_the_nanosecond(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct scratch s;
	struct timespec now;
	int64_t now_ns;

	scratch_begin(&s);
	operation_init(&op, f->loop);
	put_file(&s, 10);
	set_times(s.path, 1234567890, 123456789, 1, 999999999);
	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;

	assert_int_equal(do_stat(&op, s.path, &info), 0);

	assert_int_equal(info.accessed_ns, INT64_C(1234567890123456789));
	assert_int_equal(info.modified_ns, INT64_C(1999999999));
	assert_in_range(info.changed_ns, now_ns - INT64_C(10000000000),
			now_ns + INT64_C(10000000000));
	scratch_end(&s);
}

/* A time that some file systems cannot store. */
struct far_time {
	time_t seconds;
	int64_t told_ns;
};

static int keeps(const char *path, time_t seconds)
{
	struct stat status;

	set_times(path, seconds, 0, seconds, 500);
	assert_int_equal(stat(path, &status), 0);
	return status.st_mtime == seconds;
}

/* Linux's tmpfs stores times that are far away. */
static void times_before_1970_and_far_away_are_told(void **state)
{
	static const struct far_time times[] = {
		{ -2, INT64_C(-1999999500) },
		{ 9223372035, INT64_C(9223372035000000500) },
		{ 9223372036, INT64_MAX },
		{ 10000000000, INT64_MAX },
		{ -9223372036, INT64_C(-9223372035999999500) },
		{ -9223372037, INT64_MIN },
		{ -10000000000, INT64_MIN },
	};
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct scratch s;
	unsigned kept = 0;

	scratch_begin_under(&s,
			    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
	operation_init(&op, f->loop);
	put_file(&s, 10);
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!keeps(s.path, times[i].seconds))
			continue;
		assert_int_equal(do_stat(&op, s.path, &info), 0);
		assert_int_equal(info.modified_ns, times[i].told_ns);
		kept++;
	}
	scratch_end(&s);

	if (kept == 0) {
		print_message(
			"skip: the file system knows none of the times\n");
		skip();
	}
}

static void what_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;
	struct scratch s;

	scratch_begin(&s);
	operation_init(&op, f->loop);

	assert_int_equal(do_stat(&op, s.path, &info), ROTA_ENOENT);
	assert_int_equal(do_lstat(&op, s.path, &info), ROTA_ENOENT);
	put_file(&s, 0);
	strcat(s.path, "/x");
	assert_int_equal(do_stat(&op, s.path, &info), ROTA_ENOTDIR);
	assert_int_equal(do_lstat(&op, s.path, &info), ROTA_ENOTDIR);

	scratch_end(&s);
}

static void an_open_file_may_have_no_answer(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;

	operation_init(&op, f->loop);

	fault_fail("fstat", 1, EINTR);
	assert_int_equal(do_fstat(&op, 0, &info), 0);
	assert_int_equal(fault_clear(), 1);
	fault_fail("fstat", 1, EIO);
	assert_int_equal(do_fstat(&op, 0, &info), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
}

/* A program compiled with the first version's header; its struct lies at the
 * end of a page. */
static void an_info_of_the_first_version_is_filled_to_its_end(void **state)
{
	struct first_info {
		size_t size;
		uint64_t counts[6];
		int64_t times[3];
		uint32_t rest[4];
	};
	const size_t least = sizeof(struct first_info);
	struct fixture *f = *state;
	struct rota_file_info *info = edge_new(least);
	struct operation op;
	struct stat status;

	operation_init(&op, f->loop);
	assert_int_equal(stat("/", &status), 0);
	for (info->size = 0; info->size < least; info->size++) {
		assert_int_equal(rota_fs_stat(&op.fs, on_end, "/", info),
				 ROTA_EINVAL);
		assert_int_equal(rota_fs_lstat(&op.fs, on_end, "/", info),
				 ROTA_EINVAL);
		assert_int_equal(rota_fs_fstat(&op.fs, on_end, 0, info),
				 ROTA_EINVAL);
	}
	assert_int_equal(do_stat(&op, "/", info), 0);
	assert_int_equal(info->size, least);
	assert_same(info, &status);
	edge_free();
}

static void a_longer_info_ends_with_zeroes(void **state)
{
	struct {
		struct rota_file_info info;
		unsigned char more[24];
	} *info = edge_new(sizeof(*info));
	static const unsigned char zeroes[sizeof(info->more)];
	struct fixture *f = *state;
	struct operation op;
	struct stat status;

	operation_init(&op, f->loop);
	assert_int_equal(stat("/", &status), 0);
	info->info.size = sizeof(*info);
	assert_int_equal(do_lstat(&op, "/", &info->info), 0);
	assert_int_equal(info->info.size, sizeof(*info));
	assert_same(&info->info, &status);
	assert_memory_equal(info->more, zeroes, sizeof(zeroes));
	edge_free();
}

static const struct CMUnitTest tests[] = {
	REAL(an_info_of_the_first_version_is_filled_to_its_end),
	REAL(a_longer_info_ends_with_zeroes),
	REAL(a_file_is_told_by_path_and_by_descriptor),
	REAL(a_directory_and_a_device_are_told),
	REAL(a_link_is_followed_or_not),
	REAL(times_are_exact_to_the_nanosecond),
	REAL(times_before_1970_and_far_away_are_told),
	REAL(what_is_not_there_is_told),
	REAL(an_open_file_may_have_no_answer),
};

FIXTURE_MAIN(tests)

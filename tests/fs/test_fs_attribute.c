/* poller: none */
/*
 * Operations on permissions, owners, times, lengths and file systems do what
 * the plain calls do.
 */
#include "fs/ready.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>

#include "rota/fs_attribute.h"

static struct stat status_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status;
}

static void permissions_are_set_and_asked(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	assert_int_equal(DONE(&t.op, rota_fs_chmod(fs, on_end, t.s.path, 0640)),
			 0);
	assert_int_equal(status_of(t.s.path).st_mode & 07777, 0640);
	assert_int_equal(DONE(&t.op, rota_fs_fchmod(fs, on_end, fd, 0604)), 0);
	assert_int_equal(status_of(t.s.path).st_mode & 07777, 0604);

	assert_int_equal(DONE(&t.op, rota_fs_access(fs, on_end, t.s.path,
						    ROTA_FS_EXISTS)),
			 0);
	assert_int_equal(DONE(&t.op, rota_fs_access(fs, on_end, t.s.path,
						    ROTA_FS_MAY_READ |
							    ROTA_FS_MAY_WRITE)),
			 0);
	assert_int_equal(DONE(&t.op, rota_fs_access(fs, on_end, t.s.path,
						    ROTA_FS_MAY_EXECUTE)),
			 ROTA_EACCES);
	assert_int_equal(rota_fs_access(fs, on_end, t.s.path, 8), ROTA_EINVAL);
	unlink(t.s.path);
	assert_int_equal(DONE(&t.op, rota_fs_access(fs, on_end, t.s.path, 0)),
			 ROTA_ENOENT);
	assert_int_equal(DONE(&t.op, rota_fs_chmod(fs, on_end, t.s.path, 0)),
			 ROTA_ENOENT);
	close(fd);
	file_test_end(&t);
}

/* Only root may give a file away. */
static void owners_are_set(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	uint32_t user = getuid() == 0 ? 12345 : getuid();
	uint32_t group = getuid() == 0 ? 54321 : getgid();
	char link[200];
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	path_in(&t.s, "link", link, sizeof(link));
	assert_int_equal(symlink("file", link), 0);

	assert_int_equal(DONE(&t.op, rota_fs_chown(fs, on_end, link, user,
						   ROTA_FS_SAME_OWNER)),
			 0);
	assert_int_equal(status_of(t.s.path).st_uid, user);
	assert_int_equal(status_of(t.s.path).st_gid, getgid());
	assert_int_equal(status_of(link).st_uid, getuid());
	assert_int_equal(DONE(&t.op, rota_fs_fchown(fs, on_end, fd,
						    ROTA_FS_SAME_OWNER, group)),
			 0);
	assert_int_equal(status_of(t.s.path).st_uid, user);
	assert_int_equal(status_of(t.s.path).st_gid, group);
	assert_int_equal(
		DONE(&t.op, rota_fs_lchown(fs, on_end, link, user, group)), 0);
	assert_int_equal(status_of(link).st_uid, user);
	assert_int_equal(status_of(link).st_gid, group);
	close(fd);
	file_test_end(&t);
}

static struct rota_file_info info_of(struct operation *op, const char *path)
{
	struct rota_file_info info = { .size = sizeof(info) };

	assert_int_equal(DONE(op, rota_fs_lstat(&op->fs, on_end, path, &info)),
			 0);
	return info;
}

static struct rota_file_times times_of(int64_t accessed_ns, int64_t modified_ns)
{
	return (struct rota_file_times){ accessed_ns, modified_ns };
}

static void times_are_set_to_the_nanosecond(void **state)
{
	const int64_t some = INT64_C(1234567890123456789);
	const int64_t before_1970 = -1;
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_info info;
	char link[200];
	int fd;

	file_test_begin(&t, *state);
	fd = put_open(&t.s, O_RDWR | O_CREAT);
	path_in(&t.s, "link", link, sizeof(link));
	assert_int_equal(symlink("file", link), 0);

	assert_int_equal(
		DONE(&t.op, rota_fs_utime(fs, on_end, link, times_of(some, 1))),
		0);
	info = info_of(&t.op, t.s.path);
	assert_int_equal(info.accessed_ns, some);
	assert_int_equal(info.modified_ns, 1);
	assert_int_equal(
		DONE(&t.op, rota_fs_futime(fs, on_end, fd,
					   times_of(before_1970, some + 1))),
		0);
	info = info_of(&t.op, t.s.path);
	assert_int_equal(info.accessed_ns, before_1970);
	assert_int_equal(info.modified_ns, some + 1);
	assert_int_equal(
		DONE(&t.op, rota_fs_lutime(fs, on_end, link,
					   times_of(some + 2, some + 3))),
		0);
	assert_int_equal(info_of(&t.op, t.s.path).modified_ns, some + 1);
	assert_int_equal(info_of(&t.op, link).modified_ns, some + 3);
	close(fd);
	file_test_end(&t);
}

/* The whole range of 64 bits goes to the system without an overflow. */
static void times_may_be_far_away(void **state)
{
	static const int64_t far[] = { INT64_MAX, INT64_MIN, INT64_MIN + 3 };
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;

	file_test_begin(&t, *state);
	put_file(&t.s, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			DONE(&t.op, rota_fs_utime(fs, on_end, t.s.path,
						  times_of(far[i], far[i]))),
			0);
	file_test_end(&t);
}

static void a_time_may_be_omitted_or_now(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_info info;
	struct timespec before;
	int64_t before_ns;

	file_test_begin(&t, *state);
	put_file(&t.s, 1);
	assert_int_equal(DONE(&t.op, rota_fs_utime(fs, on_end, t.s.path,
						   times_of(1000, 2000))),
			 0);
	assert_int_equal(
		DONE(&t.op, rota_fs_utime(fs, on_end, t.s.path,
					  times_of(ROTA_FS_TIME_OMIT, 3000))),
		0);
	info = info_of(&t.op, t.s.path);
	assert_int_equal(info.accessed_ns, 1000);
	assert_int_equal(info.modified_ns, 3000);
	clock_gettime(CLOCK_REALTIME, &before);
	before_ns = (int64_t)before.tv_sec * 1000000000 + before.tv_nsec;
	assert_int_equal(
		DONE(&t.op, rota_fs_utime(fs, on_end, t.s.path,
					  times_of(ROTA_FS_TIME_NOW,
						   ROTA_FS_TIME_OMIT))),
		0);
	info = info_of(&t.op, t.s.path);
	assert_true(info.accessed_ns > before_ns - INT64_C(10000000000));
	assert_int_equal(info.modified_ns, 3000);
	file_test_end(&t);
}

/* A file system may not know it. */
static void a_birth_is_before_all_changes(void **state)
{
	struct file_test t;
	struct rota_file_info info;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	info = info_of(&t.op, t.s.path);
	if (info.born_ns != ROTA_FS_TIME_UNKNOWN) {
		assert_true(info.born_ns <= info.changed_ns);
		assert_true(info.born_ns >
			    info.changed_ns - INT64_C(60000000000));
		assert_int_equal(
			DONE(&t.op, rota_fs_utime(&t.op.fs, on_end, t.s.path,
						  times_of(ROTA_FS_TIME_NOW,
							   ROTA_FS_TIME_NOW))),
			0);
		assert_int_equal(info_of(&t.op, t.s.path).born_ns,
				 info.born_ns);
	}
	file_test_end(&t);
}

static void a_file_is_cut_and_made_longer(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	int directory, fd;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	fd = put_open(&t.s, O_RDWR);
	assert_int_equal(DONE(&t.op, rota_fs_truncate(fs, on_end, t.s.path, 5)),
			 0);
	assert_int_equal(status_of(t.s.path).st_size, 5);
	assert_int_equal(DONE(&t.op, rota_fs_ftruncate(fs, on_end, fd,
						       INT64_C(5) << 30)),
			 0);
	assert_int_equal(status_of(t.s.path).st_size, INT64_C(5) << 30);

	directory = open(t.s.directory, O_RDONLY | O_CLOEXEC);
	rota_fs_set_directory(fs, directory);
	assert_int_equal(DONE(&t.op, rota_fs_truncate(fs, on_end, "file", 3)),
			 0);
	assert_int_equal(status_of(t.s.path).st_size, 3);
	assert_int_equal(DONE(&t.op, rota_fs_truncate(fs, on_end, ".", 3)),
			 ROTA_EISDIR);
	assert_int_equal(
		DONE(&t.op, rota_fs_truncate(fs, on_end, "/dev/null", 3)),
		ROTA_EINVAL);
	assert_int_equal(DONE(&t.op, rota_fs_truncate(fs, on_end, "none", 3)),
			 ROTA_ENOENT);
	fault_fail("open", 1, EMFILE);
	assert_int_equal(DONE(&t.op, rota_fs_truncate(fs, on_end, "file", 3)),
			 ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	close(directory);
	close(fd);
	file_test_end(&t);
}

/* In the loop's own thread, too, which does not have it blocked. */
static void a_length_beyond_the_limit_raises_no_signal(void **state)
{
	struct file_test t;
	struct rlimit before, limit;
	struct lane lane;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&t.op, lane.loop);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	assert_int_equal(
		DONE(&t.op, rota_fs_truncate(&t.op.fs, on_end, t.s.path, 1001)),
		ROTA_EFBIG);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(status_of(t.s.path).st_size, 10);
	lane_end(&lane);
	file_test_end(&t);
}

static void a_file_system_has_the_room_of_the_plain_call(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_system_info info = { .size = sizeof(info) };
	struct statvfs room;

	file_test_begin(&t, *state);
	assert_int_equal(statvfs("/", &room), 0);
	assert_int_equal(DONE(&t.op, rota_fs_statfs(fs, on_end, "/", &info)),
			 0);
	assert_int_equal(info.size, sizeof(info));
	assert_int_equal(info.blocks * info.block_size,
			 (uint64_t)room.f_blocks * room.f_frsize);
	assert_true(info.free_blocks <= info.blocks);
	assert_true(info.available_blocks <= info.free_blocks);
	assert_int_equal(info.files, room.f_files);
	assert_int_equal(info.longest_name, room.f_namemax);
	assert_int_equal(
		DONE(&t.op, rota_fs_statfs(fs, on_end, t.s.path, &info)),
		ROTA_ENOENT);
	info.size--;
	assert_int_equal(rota_fs_statfs(fs, on_end, "/", &info), ROTA_EINVAL);
	file_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(permissions_are_set_and_asked),
	REAL(owners_are_set),
	REAL(times_are_set_to_the_nanosecond),
	REAL(times_may_be_far_away),
	REAL(a_time_may_be_omitted_or_now),
	REAL(a_birth_is_before_all_changes),
	REAL(a_file_is_cut_and_made_longer),
	REAL(a_length_beyond_the_limit_raises_no_signal),
	REAL(a_file_system_has_the_room_of_the_plain_call),
};

FIXTURE_MAIN(tests)

/* poller: none */
/*
 * Directories, read whole and in batches.
 */
#include "fs/ready.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "rota/fs_directory.h"

enum { MANY = 10000 };

struct listing {
	struct file_test t;
	struct rota_dir_entries entries;
	struct rota_dir dir;
};

/* @under: see scratch_begin_under(). */
static void begin_under(struct listing *l, struct fixture *f, const char *under)
{
	l->t.f = f;
	scratch_begin_under(&l->t.s, under);
	operation_init(&l->t.op, f->loop);
	rota_dir_entries_init(&l->entries, 100);
	l->dir = (struct rota_dir){ 0 };
}

static void begin(struct listing *l, struct fixture *f)
{
	begin_under(l, f, NULL);
}

static void end(struct listing *l)
{
	rota_dir_entries_free(&l->entries);
	assert_null(l->entries.items);
	file_test_end(&l->t);
}

static void put_name(const struct listing *l, const char *name)
{
	char path[512];
	int fd = open(path_in(&l->t.s, name, path, sizeof(path)),
		      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static void put_names(const struct listing *l, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%05u", i);
		put_name(l, name);
	}
}

static int64_t scan(struct listing *l, unsigned options)
{
	return DONE(&l->t.op,
		    rota_fs_scandir(&l->t.op.fs, on_end, l->t.s.directory,
				    &l->entries, options));
}

static const struct rota_dir_entry *find(const struct listing *l,
					 const char *name)
{
	for (size_t i = 0; i < l->entries.count; i++)
		if (strcmp(l->entries.items[i].name, name) == 0)
			return &l->entries.items[i];
	fail_msg("there is no %s", name);
	return NULL;
}

static void assert_type(const struct listing *l, const char *name,
			enum rota_entry_type type)
{
	const struct rota_dir_entry *entry = find(l, name);
	char path[512];
	struct stat status;

	assert_int_equal(entry->type, type);
	assert_int_equal(entry->length, strlen(name));
	assert_int_equal(
		lstat(path_in(&l->t.s, name, path, sizeof(path)), &status), 0);
	assert_int_equal(entry->inode, status.st_ino);
}

static void entries_have_names_types_and_inodes(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct listing l;
	char path[512];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	begin(&l, *state);
	assert_int_equal(scan(&l, 0), 0);
	put_name(&l, "plain");
	put_name(&l, "\xff\xfe\n not text");
	put_name(&l, "..more");
	assert_int_equal(
		mkdir(path_in(&l.t.s, "dir", path, sizeof(path)), 0700), 0);
	assert_int_equal(
		symlink("nowhere", path_in(&l.t.s, "link", path, sizeof(path))),
		0);
	assert_int_equal(
		mkfifo(path_in(&l.t.s, "fifo", path, sizeof(path)), 0600), 0);
	path_in(&l.t.s, "socket", address.sun_path, sizeof(address.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);

	assert_int_equal(scan(&l, 0), 7);

	assert_int_equal(l.entries.count, 7);
	assert_type(&l, "plain", ROTA_ENTRY_FILE);
	assert_type(&l, "\xff\xfe\n not text", ROTA_ENTRY_FILE);
	assert_type(&l, "..more", ROTA_ENTRY_FILE);
	assert_type(&l, "dir", ROTA_ENTRY_DIRECTORY);
	assert_type(&l, "link", ROTA_ENTRY_LINK);
	assert_type(&l, "fifo", ROTA_ENTRY_FIFO);
	assert_type(&l, "socket", ROTA_ENTRY_SOCKET);
	close(fd);
	rmdir(path_in(&l.t.s, "dir", path, sizeof(path)));
	end(&l);
}

static void devices_have_types(void **state)
{
	struct listing l;
	struct rota_fs *fs = &l.t.op.fs;

	begin(&l, *state);
	l.entries.limit = SIZE_MAX;
	assert_true(DONE(&l.t.op, rota_fs_scandir(fs, on_end, "/dev",
						  &l.entries, 0)) > 0);
	assert_int_equal(find(&l, "null")->type, ROTA_ENTRY_CHARACTER_DEVICE);
	assert_int_equal(DONE(&l.t.op, rota_fs_scandir(fs, on_end, l.t.s.path,
						       &l.entries, 0)),
			 ROTA_ENOENT);
	assert_int_equal(l.entries.count, 0);
	put_name(&l, "file");
	assert_int_equal(DONE(&l.t.op, rota_fs_scandir(fs, on_end, l.t.s.path,
						       &l.entries, 0)),
			 ROTA_ENOTDIR);
	end(&l);
}

static void entries_are_limited(void **state)
{
	struct listing l;

	begin(&l, *state);
	put_names(&l, 100);
	assert_int_equal(scan(&l, 0), 100);
	put_name(&l, "one more");
	assert_int_equal(scan(&l, 0), ROTA_EFBIG);
	assert_int_equal(l.entries.count, 0);
	l.entries.limit = 101;
	assert_int_equal(scan(&l, 0), 101);
	end(&l);
}

static const char *memory_files(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
}

static void ten_thousand_entries_are_sorted(void **state)
{
	struct listing l;

	begin_under(&l, *state, memory_files());
	put_names(&l, MANY);
	l.entries.limit = MANY;

	assert_int_equal(scan(&l, ROTA_FS_SORTED), MANY);

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(strtoul(l.entries.items[i].name, NULL, 10), i);
	end(&l);
}

/* Read the rest in batches; each of the first @count names must be there
 * once. */
static void assert_batches(struct listing *l, unsigned count)
{
	unsigned char *seen = calloc(count, 1);
	unsigned found = 0;

	assert_non_null(seen);
	while (DONE(&l->t.op, rota_fs_readdir(&l->t.op.fs, on_end, &l->dir,
					      &l->entries)) > 0) {
		assert_int_equal(l->t.op.result, l->entries.count);
		assert_in_range(l->entries.count, 1, l->entries.limit);
		for (size_t i = 0; i < l->entries.count; i++) {
			unsigned long number =
				strtoul(l->entries.items[i].name, NULL, 10);

			if (number >= count)
				continue;
			assert_int_equal(seen[number]++, 0);
			found++;
		}
	}
	assert_int_equal(l->t.op.result, 0);
	assert_int_equal(found, count);
	free(seen);
}

static void a_directory_is_read_in_batches(void **state)
{
	struct listing l;
	struct rota_fs *fs = &l.t.op.fs;

	begin(&l, *state);
	put_names(&l, 250);
	l.entries.limit = 100;
	assert_int_equal(
		DONE(&l.t.op,
		     rota_fs_opendir(fs, on_end, l.t.s.directory, &l.dir)),
		0);
	assert_batches(&l, 250);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_readdir(fs, on_end, &l.dir, &l.entries)),
		0);
	assert_int_equal(DONE(&l.t.op, rota_fs_closedir(fs, on_end, &l.dir)),
			 0);
	assert_int_equal(DONE(&l.t.op, rota_fs_closedir(fs, on_end, &l.dir)),
			 ROTA_EBADF);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_readdir(fs, on_end, &l.dir, &l.entries)),
		ROTA_EBADF);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_opendir(fs, on_end, l.t.s.path, &l.dir)),
		ROTA_ENOENT);
	end(&l);
}

/* Others come and go between the batches. */
static void a_directory_changes_meanwhile(void **state)
{
	enum { STAY = 300 };
	struct listing l;
	char path[512];

	begin_under(&l, *state, memory_files());
	put_names(&l, 2 * STAY);
	l.entries.limit = 50;
	assert_int_equal(
		DONE(&l.t.op, rota_fs_opendir(&l.t.op.fs, on_end,
					      l.t.s.directory, &l.dir)),
		0);
	assert_true(DONE(&l.t.op, rota_fs_readdir(&l.t.op.fs, on_end, &l.dir,
						  &l.entries)) > 0);
	for (unsigned i = STAY; i < 2 * STAY; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%05u", i);
		unlink(path_in(&l.t.s, name, path, sizeof(path)));
		snprintf(name, sizeof(name), "%05u", i + 2 * STAY);
		put_name(&l, name);
	}
	assert_int_equal(
		DONE(&l.t.op, rota_fs_closedir(&l.t.op.fs, on_end, &l.dir)), 0);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_opendir(&l.t.op.fs, on_end,
					      l.t.s.directory, &l.dir)),
		0);
	unlink(path_in(&l.t.s, "00599", path, sizeof(path)));
	assert_batches(&l, STAY);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_closedir(&l.t.op.fs, on_end, &l.dir)), 0);
	end(&l);
}

/* Two at once on one directory: one of them finds it in use. */
static void two_threads_never_read_one_directory(void **state)
{
	struct listing l;
	struct operation other;
	struct rota_dir_entries more;

	begin(&l, *state);
	put_names(&l, 50);
	operation_init(&other, l.t.f->loop);
	rota_dir_entries_init(&more, 100);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_opendir(&l.t.op.fs, on_end,
					      l.t.s.directory, &l.dir)),
		0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(
			rota_fs_readdir(&l.t.op.fs, on_end, &l.dir, &l.entries),
			0);
		assert_int_equal(
			rota_fs_readdir(&other.fs, on_end, &l.dir, &more), 0);
		assert_int_equal(rota_loop_run(l.t.f->loop, ROTA_RUN_DEFAULT),
				 0);
		assert_true(l.t.op.result >= 0 || other.result >= 0);
	}
	assert_int_equal(
		DONE(&l.t.op, rota_fs_closedir(&l.t.op.fs, on_end, &l.dir)), 0);
	rota_dir_entries_free(&more);
	end(&l);
}

/* F3: the fixture finds what is left open. */
static void each_step_may_fail(void **state)
{
	static const struct {
		const char *call;
		unsigned nth;
		int error;
		int result;
	} faults[] = {
		{ "open", 1, EMFILE, ROTA_EMFILE },
		{ "realloc", 1, ENOMEM, ROTA_ENOMEM },
		{ "realloc", 2, ENOMEM, ROTA_ENOMEM },
		{ "realloc", 3, ENOMEM, ROTA_ENOMEM },
	};
	struct listing l;

	begin(&l, *state);
	put_names(&l, 100);
	l.entries.limit = SIZE_MAX;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fault_fail(faults[i].call, faults[i].nth, faults[i].error);
		assert_int_equal(scan(&l, 0), faults[i].result);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(l.entries.count, 0);
		rota_dir_entries_free(&l.entries);
	}
	assert_int_equal(scan(&l, 0), 100);
	end(&l);
}

/* O8: a thread has opened it, and the deadline passes before the callback. */
static void what_is_opened_too_late_is_closed(void **state)
{
	struct rota_deadline deadline;
	struct listing l;
	struct lane lane;

	begin(&l, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_VIRTUAL, 1);
	operation_init(&l.t.op, lane.loop);
	assert_int_equal(
		rota_fs_opendir(&l.t.op.fs, on_end, l.t.s.directory, &l.dir),
		0);
	assert_int_equal(rota_request_set_deadline(
				 &l.t.op.fs.request, &deadline,
				 rota_loop_now(lane.loop) + ROTA_MSEC(10)),
			 0);
	until_done(&lane, 1);
	assert_int_equal(rota_loop_advance(lane.loop, ROTA_MSEC(10)), 0);
	assert_int_equal(outcome(&l.t.op), ROTA_ETIMEDOUT);
	assert_null(l.dir.internal.stream);
	lane_end(&lane);
	end(&l);
}

/* O6: the read checks meanwhile whether it was cancelled. */
static void a_scan_ends_once_it_is_cancelled(void **state)
{
	struct holder holder;
	struct listing l;
	struct lane lane;

	begin(&l, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 1);
	operation_init(&l.t.op, lane.loop);
	put_names(&l, 300);
	l.entries.limit = SIZE_MAX;
	assert_int_equal(scan(&l, 0), 300);
	rota_dir_entries_free(&l.entries);
	holder_begin(&holder);
	fault_call_before("realloc", 1, holder_wait, &holder);
	assert_int_equal(rota_fs_scandir(&l.t.op.fs, on_end, l.t.s.directory,
					 &l.entries, 0),
			 0);
	until_running(&lane);
	while (rota_request_cancel(&l.t.op.fs.request) != ROTA_EBUSY)
		poll(NULL, 0, 1);
	holder_let_go(&holder);
	assert_int_equal(outcome(&l.t.op), ROTA_ECANCELED);
	assert_int_equal(l.entries.count, 0);
	holder_end(&holder);
	lane_end(&lane);
	end(&l);
}

/* O6: the close of a directory is not lost. */
static void a_close_that_is_cancelled_closes(void **state)
{
	struct listing l;
	struct lane lane;

	begin(&l, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&l.t.op, lane.loop);
	assert_int_equal(
		DONE(&l.t.op, rota_fs_opendir(&l.t.op.fs, on_end,
					      l.t.s.directory, &l.dir)),
		0);
	assert_int_equal(rota_fs_closedir(&l.t.op.fs, on_end, &l.dir), 0);
	assert_int_equal(rota_request_cancel(&l.t.op.fs.request), 0);
	assert_int_equal(outcome(&l.t.op), ROTA_ECANCELED);
	assert_null(l.dir.internal.stream);
	lane_end(&lane);
	end(&l);
}

static const struct CMUnitTest tests[] = {
	REAL(entries_have_names_types_and_inodes),
	REAL(devices_have_types),
	REAL(entries_are_limited),
	REAL(ten_thousand_entries_are_sorted),
	REAL(a_directory_is_read_in_batches),
	REAL(a_directory_changes_meanwhile),
	REAL(two_threads_never_read_one_directory),
	REAL(each_step_may_fail),
	REAL(what_is_opened_too_late_is_closed),
	REAL(a_scan_ends_once_it_is_cancelled),
	REAL(a_close_that_is_cancelled_closes),
};

FIXTURE_MAIN(tests)

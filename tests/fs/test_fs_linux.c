/* poller: none */
/* system: linux */
/*
 * Special to Linux: files in /proc and /sys, whose size says nothing, and
 * devices.
 */
#include "fs/scratch.h"

#include <sys/mman.h>

#include "support/fault.h"

/* ThreadSanitizer records each byte that a system call reads. */
static void need_no_sanitizer(void)
{
#ifdef __SANITIZE_THREAD__
	print_message("skip: it would take several GiB\n");
	skip();
#endif
}

/* A chroot or a container may lack the path. */
static void need_path(const char *path, int mode)
{
	if (access(path, mode) == 0)
		return;
	print_message("skip: %s cannot be used here\n", path);
	skip();
}

static int64_t do_read_file(struct operation *op, const char *path,
			    size_t limit)
{
	assert_int_equal(rota_fs_read_file(&op->fs, on_end, path, limit), 0);
	return outcome(op);
}

static void a_file_of_proc_is_read_whole(void **state)
{
	struct fixture *f = *state;
	struct operation op;

	need_path("/proc/self/status", R_OK);
	operation_init(&op, f->loop);

	assert_true(do_read_file(&op, "/proc/self/status", SIZE_MAX) > 100);

	assert_int_equal(op.fs.size, strlen(op.fs.data));
	assert_int_equal(strncmp(op.fs.data, "Name:", 5), 0);
	assert_non_null(strstr(op.fs.data, "\nPid:"));
	assert_int_equal(op.fs.data[op.fs.size - 1], '\n');
	rota_fs_free(&op.fs);
	assert_int_equal(do_read_file(&op, "/proc/self/status", 99),
			 ROTA_EFBIG);
}

/* The file claims to have 4096 bytes, and has fewer. */
static void a_file_of_sys_is_read_whole(void **state)
{
	struct fixture *f = *state;
	struct operation op;

	need_path("/sys/kernel/mm/transparent_hugepage/enabled", R_OK);
	operation_init(&op, f->loop);

	assert_in_range(
		do_read_file(&op, "/sys/kernel/mm/transparent_hugepage/enabled",
			     SIZE_MAX),
		1, 4095);

	assert_int_equal(op.fs.size, strlen(op.fs.data));
	rota_fs_free(&op.fs);
}

static void a_device_is_read_to_its_end_or_to_the_limit(void **state)
{
	struct fixture *f = *state;
	struct operation op;

	need_path("/dev/null", R_OK);
	need_path("/dev/zero", R_OK);
	operation_init(&op, f->loop);

	assert_int_equal(do_read_file(&op, "/dev/null", SIZE_MAX), 0);
	assert_string_equal(op.fs.data, "");
	rota_fs_free(&op.fs);
	assert_int_equal(do_read_file(&op, "/dev/zero", 5000000), ROTA_EFBIG);
	assert_null(op.fs.data);
}

static void a_device_that_is_full_says_so(void **state)
{
	struct fixture *f = *state;
	struct operation op;
	char byte = 0;
	int fd;

	need_path("/dev/full", W_OK);
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	operation_init(&op, f->loop);

	assert_int_equal(
		rota_fs_write(&op.fs, on_end, fd, rota_bytes(&byte, 1), -1), 0);
	assert_int_equal(outcome(&op), ROTA_ENOSPC);

	close(fd);
}

/* One system call writes less than 2 GiB, so several are made. */
static void a_write_of_any_size_writes_all(void **state)
{
	const size_t size = ((size_t)1 << 31) + 5;
	struct fixture *f = *state;
	struct operation op;
	char *data;
	int fd;

	need_no_sanitizer();
	need_path("/dev/null", W_OK);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	operation_init(&op, f->loop);
	data = mmap(NULL, size, PROT_READ,
		    MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	fault_count_reset();

	assert_int_equal(
		rota_fs_write(&op.fs, on_end, fd, rota_bytes(data, size), 0),
		0);
	assert_int_equal(outcome(&op), size);

	assert_int_equal(fault_count("pwrite"), 3);
	munmap(data, size);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_of_proc_is_read_whole),
	REAL(a_file_of_sys_is_read_whole),
	REAL(a_device_is_read_to_its_end_or_to_the_limit),
	REAL(a_device_that_is_full_says_so),
	REAL(a_write_of_any_size_writes_all),
};

FIXTURE_MAIN(tests)

/*
 * Reads and writes of blocking descriptors that are not regular files. They
 * wait on threads on which no file operation has to wait.
 */
#include "fs/special.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "support/fault.h"

/* The operations are reads of an empty pipe and of a socket, and writes to a
 * full pipe and a full socket. All descriptors block. */
static void reads_and_writes_that_block_hold_no_thread_of_files(void **state)
{
	struct operation stuck[6];
	int fds[6][2];
	char data[6][4];
	struct special t;
	static char much[1 << 20];

	begin(&t, *state);
	put_file(&t.s, 10);
	for (unsigned i = 0; i < 6; i++) {
		operation_init(&stuck[i], t.lane.loop);
		if (i % 2 == 0)
			make_blocking_pipe(fds[i]);
		else
			assert_int_equal(
				socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
		if (i < 4)
			assert_int_equal(rota_fs_read(&stuck[i].fs, on_end,
						      fds[i][0],
						      buf_of(data[i], 4), -1),
					 0);
		else
			assert_int_equal(
				rota_fs_write(&stuck[i].fs, on_end, fds[i][1],
					      rota_bytes(much, sizeof(much)),
					      -1),
				0);
	}
	for (unsigned i = 0; i < 6; i++)
		run_until_waiting(&t, &stuck[i]);

	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), 10);
	rota_fs_free(&t.op.fs);

	for (unsigned i = 0; i < 2; i++) { /* these complete */
		put_byte(fds[i][1]);
		assert_int_equal(ended(&stuck[i]), 1);
		assert_int_equal(data[i][0], 'x');
	}
	for (unsigned i = 2; i < 6; i++) {
		assert_int_equal(cancel(&stuck[i]), 0);
		assert_int_equal(ended(&stuck[i]), ROTA_ECANCELED);
	}
	for (unsigned i = 0; i < 6; i++)
		close_both(fds[i]);
	end(&t);
}

static void *drain(void *arg)
{
	const int *fd = arg;
	static char data[5000];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(*fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (data[i] == byte_at(sum + (size_t)i) && i == n - 1)
				sum += (size_t)n;
	return (void *)sum;
}

/* The write behaves as write(2) does on a blocking descriptor. */
static void a_write_to_a_pipe_that_is_full_writes_all(void **state)
{
	enum { SIZE = 300000 };
	char *data = test_malloc(SIZE);
	struct special t;
	int fds[2];

	begin(&t, *state);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = byte_at(i);
	for (int socket = 0; socket <= 1; socket++) {
		pthread_t reader;
		void *sum;

		if (socket)
			assert_int_equal(
				socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		else
			make_blocking_pipe(fds);
		assert_int_equal(pthread_create(&reader, NULL, drain, &fds[0]),
				 0);
		assert_int_equal(rota_fs_write(&t.op.fs, on_end, fds[1],
					       rota_bytes(data, SIZE), -1),
				 0);
		assert_int_equal(ended(&t.op), SIZE);
		close(fds[1]);
		pthread_join(reader, &sum);
		assert_int_equal((size_t)sum, SIZE);
		close(fds[0]);
	}
	test_free(data);
	end(&t);
}

/* D5: the bytes that were written before are reported. */
static void a_write_that_nobody_will_read_is_told(void **state)
{
	void (*before)(int) = signal(SIGPIPE, SIG_DFL);
	static char much[1 << 20];
	struct special t;
	int fds[2];

	begin(&t, *state);
	make_blocking_pipe(fds);
	assert_int_equal(rota_fs_write(&t.op.fs, on_end, fds[1],
				       rota_bytes(much, sizeof(much)), -1),
			 0);
	run_until_waiting(&t, &t.op);
	close(fds[0]);
	assert_in_range(ended(&t.op), 4096, sizeof(much) - 1);

	assert_int_equal(written(&t, fds[1], "x", -1), ROTA_EPIPE);
	close(fds[1]);
	signal(SIGPIPE, before);
	end(&t);
}

/* An offset is an error at once; the operation does not wait. */
static void what_has_no_positions_refuses_them(void **state)
{
	struct special t;
	char data[4];
	int fds[2];

	begin(&t, *state);
	make_blocking_pipe(fds);
	assert_int_equal(was_read(&t, fds[0], buf_of(data, 4), 0), ROTA_ESPIPE);
	assert_int_equal(written(&t, fds[1], "x", 0), ROTA_ESPIPE);
	close_both(fds);
	end(&t);
}

static void devices_are_read(void **state)
{
	struct special t;
	char data[4] = "abc";
	int fd;

	begin(&t, *state);

	assert_int_equal(
		rota_fs_read_file(&t.op.fs, on_end, "/dev/zero", 3 << 20), 0);
	assert_int_equal(ended(&t.op), ROTA_EFBIG);
	assert_null(t.op.fs.data);
	begin_read_file(&t.op, "/dev/null");
	assert_int_equal(ended(&t.op), 0);
	rota_fs_free(&t.op.fs);
	fd = (int)opened(&t, "/dev/zero", O_RDWR, 0);
	assert_true(fd > 2);
	assert_true(is_blocking(fd));
	assert_int_equal(was_read(&t, fd, buf_of(data, 4), -1), 4);
	assert_memory_equal(data, "\0\0\0", 4);
	assert_int_equal(written(&t, fd, "xyz", -1), 3);
	close(fd);
	end(&t);
}

/* A pseudo-terminal: the read completes when a line has been typed. */
static void a_terminal_is_waited_for(void **state)
{
	int typist = posix_openpt(O_RDWR | O_NOCTTY);
	const char *name = NULL;
	struct special t;
	char data[80];
	int fd;

	if (typist >= 0 && grantpt(typist) == 0 && unlockpt(typist) == 0)
		name = ptsname(typist);
	if (name == NULL) {
		print_message("skip: there is no pseudo-terminal\n");
		if (typist >= 0)
			close(typist);
		skip();
	}
	begin(&t, *state);
	fd = (int)opened(&t, name, O_RDWR | O_NOCTTY, 0);
	assert_true(fd > 2);
	assert_int_equal(
		rota_fs_read(&t.op.fs, on_end, fd, buf_of(data, 80), -1), 0);
	run_until_waiting(&t, &t.op);
	assert_int_equal(write(typist, "hello\n", 6), 6);
	assert_int_equal(ended(&t.op), 6);
	assert_memory_equal(data, "hello\n", 6);

	begin_read_file(&t.op, name);
	run_until_waiting(&t, &t.op);
	assert_int_equal(write(typist, "one\n", 4), 4);
	assert_int_equal(write(typist, "two\n\4", 5), 5);
	assert_int_equal(ended(&t.op), 8);
	assert_string_equal(t.op.fs.data, "one\ntwo\n");
	rota_fs_free(&t.op.fs);

	begin_read_file(&t.op, name);
	run_until_waiting(&t, &t.op);
	assert_int_equal(cancel(&t.op), 0);
	assert_int_equal(ended(&t.op), ROTA_ECANCELED);
	close(fd);
	close(typist);
	end(&t);
}

/* F3: without a pipe to wake it, the thread checks from time to time. */
static void without_descriptors_what_waits_is_cancelled(void **state)
{
	struct special t;
	char byte;
	int fds[2];

	begin(&t, *state);
	make_blocking_pipe(fds);
	fault_fail_from("pipe2", 1, EMFILE);
	assert_int_equal(
		rota_fs_read(&t.op.fs, on_end, fds[0], buf_of(&byte, 1), -1),
		0);
	run_until_waiting(&t, &t.op);
	assert_int_equal(t.op.fs.internal.wake[0], -1);
	assert_int_equal(fault_clear(), 1);

	assert_int_equal(cancel(&t.op), 0);
	assert_int_equal(ended(&t.op), ROTA_ECANCELED);

	fault_fail_from("pipe2", 1, EMFILE);
	assert_int_equal(
		rota_fs_read(&t.op.fs, on_end, fds[0], buf_of(&byte, 1), -1),
		0);
	run_until_waiting(&t, &t.op);
	put_byte(fds[1]);
	assert_int_equal(ended(&t.op), 1);
	fault_clear();
	close_both(fds);
	end(&t);
}

/* poll(2) may fail in the first wait or a later one. A real error is
 * returned. */
static void a_wait_that_fails_is_told(void **state)
{
	struct rota_fs fs;
	int fds[2];

	(void)state;
	make_blocking_pipe(fds);
	put_byte(fds[1]);
	rotai_fs_wait_init(&fs);

	fault_fail("ppoll", 1, ENOMEM);
	assert_int_equal(rotai_fs_wait(&fs, fds[0], POLLIN, -1), ROTA_ENOMEM);
	fault_fail("ppoll", 1, EINTR);
	assert_int_equal(rotai_fs_wait(&fs, fds[0], POLLIN, -1), 1);
	take_byte(fds[0]);
	fault_fail("ppoll", 2, ENOMEM);
	assert_int_equal(rotai_fs_wait(&fs, fds[0], POLLIN, -1), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);

	rotai_fs_wait_end(&fs);
	close_both(fds);
}

/* Another reader or writer may be quicker, and a signal may come: the operation
 * waits again. A real error is returned. */
static void what_is_not_ready_after_all_is_tried_again(void **state)
{
	static const int errors[] = { EAGAIN, EINTR, EIO };
	static const int results[] = { 1, 1, ROTA_EIO };
	struct special t;
	char byte;
	int fds[2];

	begin(&t, *state);
	for (unsigned i = 0; i < 6; i++) {
		int result = results[i % 3];

		if (i < 3)
			make_blocking_pipe(fds);
		else
			assert_int_equal(
				socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		/* Both are called for every descriptor: see fs/slow.c. */
		fault_fail("send", 1, errors[i % 3]);
		assert_int_equal(written(&t, fds[1], "x", -1), result);
		assert_int_equal(fault_clear(), 1);
		if (result < 0)
			put_byte(fds[1]);

		fault_fail("recv", 1, errors[i % 3]);
		assert_int_equal(was_read(&t, fds[0], buf_of(&byte, 1), -1),
				 result);
		assert_int_equal(fault_clear(), 1);
		if (result > 0)
			assert_int_equal(byte, 'x');
		close_both(fds);
	}
	end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(reads_and_writes_that_block_hold_no_thread_of_files),
	REAL(a_write_to_a_pipe_that_is_full_writes_all),
	REAL(a_write_that_nobody_will_read_is_told),
	REAL(what_has_no_positions_refuses_them),
	REAL(devices_are_read),
	REAL(a_terminal_is_waited_for),
	REAL(without_descriptors_what_waits_is_cancelled),
	REAL(a_wait_that_fails_is_told),
	REAL(what_is_not_ready_after_all_is_tried_again),
};

FIXTURE_MAIN(tests)

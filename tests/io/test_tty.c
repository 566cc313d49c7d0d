/*
 * Terminals as streams: what can be opened, what is read and written, and how
 * it ends.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "rota/tty.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"
#include "support/pty.h"
#include "support/streams.h"

enum { LONG_SIZE = 64 * 1024 };

struct terminal {
	struct rota_tty tty;
	struct pty pty;
	struct fixture *f;
	char text[256]; /* what was read, and a 0 */
	size_t size;    /* all bytes */
	size_t wrong;   /* that break the pattern */
	unsigned ends;
	int status; /* of the last end */
	unsigned closes;
};

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	struct terminal *t =
		rota_container_of(stream, struct terminal, tty.stream);

	if (status < 0) {
		t->ends++;
		t->status = status;
		return;
	}
	if (t->size + buf->size < sizeof(t->text)) {
		memcpy(t->text + t->size, buf->data, buf->size);
		t->text[t->size + buf->size] = '\0';
	}
	t->wrong += !pattern_is(buf->data, buf->size, t->size);
	t->size += buf->size;
}

static void on_closed(struct rota_handle *handle)
{
	rota_container_of(handle, struct terminal, tty.handle)->closes++;
}

static void terminal_open(struct terminal *t, struct fixture *f)
{
	*t = (struct terminal){ .f = f };
	pty_open(&t->pty);
	assert_int_equal(rota_tty_open(&t->tty, f->loop, t->pty.slave), 0);
}

static void terminal_read(struct terminal *t)
{
	assert_int_equal(rota_stream_read_start(&t->tty.stream, on_input), 0);
}

static void terminal_end(struct terminal *t)
{
	if (!rota_handle_is_closing(&t->tty.handle))
		assert_int_equal(rota_handle_close_now(&t->tty.handle), 0);
	pty_close(&t->pty);
}

/* --- what can be opened --------------------------------------------------- */

static void expect_refused(struct fixture *f, int fd, int error)
{
	struct rota_tty tty;
	int before = count_descriptors();

	assert_int_equal(rota_tty_open(&tty, f->loop, fd), error);
	assert_int_equal(count_descriptors(), before);
}

static void expect_path_refused(struct fixture *f, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	expect_refused(f, fd, ROTA_ENOTTY);
	close(fd);
}

static void only_terminals_are_opened(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/rota-tty-XXXXXX";
	int file = mkstemp(path);
	int fds[2];

	assert_true(file >= 0);
	unlink(path);
	expect_refused(f, file, ROTA_ENOTTY);
	close(file);
	expect_path_refused(f, "/dev/zero");
	expect_path_refused(f, "/dev/random");
	expect_path_refused(f, "/dev/null");
	expect_path_refused(f, "/");
	make_pipe(fds);
	expect_refused(f, fds[0], ROTA_ENOTTY);
	close(fds[0]);
	close(fds[1]);
	make_socketpair(fds);
	expect_refused(f, fds[0], ROTA_ENOTTY);
	close(fds[0]);
	close(fds[1]);
	expect_refused(f, fds[1], ROTA_EBADF);
	expect_refused(f, -1, ROTA_EBADF);
}

static void the_slave_is_opened_anew_and_the_master_is_not(void **state)
{
	struct fixture *f = *state;
	struct terminal t;
	struct rota_tty master;
	int fd;

	terminal_open(&t, f);
	fd = rota_stream_fd(&t.tty.stream);
	assert_int_not_equal(fd, t.pty.slave);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(t.pty.slave, F_GETFL) & O_NONBLOCK, 0);

	assert_int_equal(rota_tty_open(&master, f->loop, t.pty.master), 0);
	fd = rota_stream_fd(&master.stream);
	assert_string_equal(ptsname(fd), t.pty.name);
	assert_int_equal(rota_handle_close_now(&master.handle), 0);
	assert_true(fcntl(t.pty.master, F_GETFL) >= 0); /* the caller's */
	terminal_end(&t);
}

static void a_terminal_that_cannot_be_opened_anew_is_shared(void **state)
{
	struct fixture *f = *state;
	struct terminal t = { .f = f };
	int fd;

	pty_open(&t.pty);
	fault_fail("open", 1, EACCES);
	assert_int_equal(rota_tty_open(&t.tty, f->loop, t.pty.slave), 0);
	assert_int_equal(fault_clear(), 1);
	fd = rota_stream_fd(&t.tty.stream);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	terminal_read(&t);
	pty_type(&t.pty, "one\n");
	RUN_UNTIL(f, t.size == 4);
	for (unsigned i = 0; i < 10; i++)
		turn(f); /* a read without poll(2) would wait forever */
	assert_string_equal(t.text, "one\n");
	assert_int_equal(rota_stream_send(&t.tty.stream, "two\n", 4), 0);
	pty_expect(&t.pty, "two\r\n", NULL, 0);
	terminal_end(&t);
}

static void in_a_session_without_a_terminal(void *arg)
{
	struct terminal *t = arg;
	struct rota_tty tty;

	EXPECT(rota_loop_fork(t->f->loop) == 0);
	EXPECT(setsid() >= 0);
	EXPECT(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
	EXPECT(rota_tty_open(&tty, t->f->loop, t->pty.slave) == 0);
	EXPECT(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
	EXPECT(rota_tty_set_mode(&tty, ROTA_TTY_RAW) == 0);
	EXPECT(rota_handle_close_now(&tty.handle) == 0);
}

static void it_does_not_become_the_controlling_terminal(void **state)
{
	struct terminal t;

	terminal_open(&t, *state);
	in_a_child(in_a_session_without_a_terminal, &t);
	terminal_end(&t);
}

static void the_terminal_of_the_process_can_be_opened(void **state)
{
	struct fixture *f = *state;
	struct pty pty;
	pid_t child;

	pty_open(&pty);
	child = pty_fork(&pty);
	if (child == 0) {
		struct rota_tty tty;
		int fd = open("/dev/tty", O_RDWR);

		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(fd >= 0);
		EXPECT(rota_tty_open(&tty, f->loop, fd) == 0);
		EXPECT(rota_stream_send(&tty.stream, "here\n", 5) == 0);
		EXPECT(rota_handle_close_now(&tty.handle) == 0);
		child_ends();
	}
	pty_expect(&pty, "here", NULL, 0);
	expect_success(child);
	pty_close(&pty);
}

/* --- reading and writing -------------------------------------------------- */

static void lines_are_read_and_written(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	terminal_read(&t);
	pty_type(&t.pty, "one\ntwo\nhal");
	RUN_UNTIL(f, t.size == 8);
	assert_string_equal(t.text, "one\ntwo\n");
	pty_type(&t.pty, "f\n");
	RUN_UNTIL(f, t.size == 13);
	assert_int_equal(rota_stream_send(&t.tty.stream, "out\n", 4), 0);
	pty_expect(&t.pty, "out\r\n", NULL, 0);
	terminal_end(&t);
}

/* A line ends the input only if it is empty: then the read has 0 bytes. */
static void control_d_ends_the_input(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	terminal_read(&t);
	pty_type(&t.pty, "part\004");
	RUN_UNTIL(f, t.size == 4);
	assert_int_equal(t.ends, 0);
	pty_type(&t.pty, "\004");
	RUN_UNTIL(f, t.ends == 1);
	assert_int_equal(t.status, ROTA_EOF);
	assert_int_equal(rota_stream_send(&t.tty.stream, "still\n", 6), 0);
	pty_expect(&t.pty, "still", NULL, 0);
	terminal_end(&t);
}

static void control_c_is_a_byte_in_raw_mode(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_RAW), 0);
	terminal_read(&t);
	pty_type(&t.pty, "\003\004\032\r\377");
	RUN_UNTIL(f, t.size == 5);
	assert_memory_equal(t.text, "\003\004\032\r\377", 5);
	terminal_end(&t);
}

/* What was typed before the mode was changed is not lost. */
static void input_that_waits_outlives_a_change_of_mode(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	pty_type(&t.pty, "half a line");
	turn(f);
	terminal_read(&t);
	turn(f);
	assert_int_equal(t.size, 0);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_CBREAK), 0);
	RUN_UNTIL(f, t.size == 11);
	assert_string_equal(t.text, "half a line");
	terminal_end(&t);
}

static void send_all(struct rota_stream *stream, const char *data, size_t size)
{
	int result = rota_stream_send(stream, data, size);

	assert_true(result == 0 || result == 1);
}

/* From the terminal to its master, which reads slowly. */
static void output_passes_whole(struct fixture *f, struct terminal *t)
{
	char data[LONG_SIZE], got[1000];
	size_t size = 0;

	pattern_fill(data, LONG_SIZE, 0);
	send_all(&t->tty.stream, data, LONG_SIZE);
	assert_in_range(rota_stream_queued(&t->tty.stream), 1, LONG_SIZE);
	while (size < LONG_SIZE) {
		ssize_t n = read(t->pty.master, got, sizeof(got));

		if (n > 0) {
			assert_true(pattern_is(got, (size_t)n, size));
			size += (size_t)n;
		} else {
			assert_int_equal(errno, EAGAIN);
		}
		turn(f);
	}
	assert_int_equal(rota_stream_queued(&t->tty.stream), 0);
}

static void input_passes_whole(struct fixture *f, struct terminal *t)
{
	char data[LONG_SIZE];
	size_t sent = 0;

	pattern_fill(data, LONG_SIZE, 0);
	terminal_read(t);
	while (t->size < LONG_SIZE) {
		ssize_t n = write(t->pty.master, data + sent, LONG_SIZE - sent);

		sent += n > 0 ? (size_t)n : 0;
		turn(f);
	}
	assert_int_equal(t->wrong, 0);
}

static void much_passes_in_both_directions(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_RAW), 0);
	output_passes_whole(f, &t);
	input_passes_whole(f, &t);
	terminal_end(&t);
}

/* The same where the description of the slave is blocking, and no write may
 * wait for the master, which does not read at first. */
static void much_passes_on_a_shared_description(void **state)
{
	struct fixture *f = *state;
	struct terminal t = { .f = f };

	pty_open(&t.pty);
	fault_fail("open", 1, EACCES);
	assert_int_equal(rota_tty_open(&t.tty, f->loop, t.pty.slave), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_RAW), 0);
	output_passes_whole(f, &t);
	input_passes_whole(f, &t);
	assert_int_equal(fcntl(t.pty.slave, F_GETFL) & O_NONBLOCK, 0);
	terminal_end(&t);
}

/* In both states of the flag. Nobody reads the slave: then the master refuses
 * more, and does not wait. */
static void a_master_writes_without_waiting(void **state)
{
	struct fixture *f = *state;
	char data[LONG_SIZE], got[1000];

	pattern_fill(data, LONG_SIZE, 0);
	for (int flag = 0; flag <= O_NONBLOCK; flag += O_NONBLOCK) {
		struct terminal t = { .f = f };
		struct termios raw;
		size_t size = 0;

		pty_open(&t.pty);
		assert_int_equal(tcgetattr(t.pty.slave, &raw), 0);
		cfmakeraw(&raw);
		assert_int_equal(tcsetattr(t.pty.slave, TCSANOW, &raw), 0);
		assert_int_equal(fcntl(t.pty.master, F_SETFL, O_RDWR | flag),
				 0);
		assert_int_equal(rota_tty_open(&t.tty, f->loop, t.pty.master),
				 0);
		send_all(&t.tty.stream, data, LONG_SIZE);
		assert_in_range(rota_stream_queued(&t.tty.stream), 1,
				LONG_SIZE);
		assert_int_equal(
			fcntl(t.pty.slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
		while (size < LONG_SIZE) {
			ssize_t n = read(t.pty.slave, got, sizeof(got));

			if (n > 0 && pattern_is(got, (size_t)n, size))
				size += (size_t)n;
			turn(f);
		}
		assert_int_equal(fcntl(t.pty.master, F_GETFL) & O_NONBLOCK,
				 flag);
		terminal_end(&t);
	}
}

/* ^S: the terminal takes nothing until ^Q. */
static void stopped_output_waits(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_CBREAK), 0);
	pty_type(&t.pty, "\023");
	assert_int_equal(tcflow(t.pty.slave, TCOOFF), 0); /* for certain */
	assert_int_equal(rota_stream_send(&t.tty.stream, "later\n", 6), 0);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	assert_int_equal(rota_stream_queued(&t.tty.stream), 6);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_COOKED), 0);
	pty_type(&t.pty, "\021");
	assert_int_equal(tcflow(t.pty.slave, TCOON), 0);
	RUN_UNTIL(f, rota_stream_queued(&t.tty.stream) == 0);
	pty_expect(&t.pty, "later", NULL, 0);
	terminal_end(&t);
}

/* --- the end -------------------------------------------------------------- */

static void a_hang_up_ends_the_input(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	terminal_read(&t);
	turn(f);
	close(t.pty.master);
	t.pty.master = -1;
	RUN_UNTIL(f, t.ends == 1);
	assert_int_equal(t.status, ROTA_EOF);
	assert_int_equal(rota_stream_send(&t.tty.stream, "x", 1), ROTA_EIO);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_RAW), ROTA_EIO);
	assert_int_equal(rota_tty_mode(&t.tty), ROTA_TTY_COOKED);
	terminal_end(&t);
}

static void a_terminal_that_is_hung_up_opens_at_its_end(void **state)
{
	struct fixture *f = *state;
	struct terminal t = { .f = f };

	pty_open(&t.pty);
	close(t.pty.master);
	t.pty.master = -1;
	assert_int_equal(rota_tty_open(&t.tty, f->loop, t.pty.slave), 0);
	terminal_read(&t);
	RUN_UNTIL(f, t.ends == 1);
	assert_int_equal(t.status, ROTA_EOF);
	terminal_end(&t);
}

/* A master reads everything that the last slave has written before it has
 * closed. */
static void a_master_reads_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct terminal t = { .f = f };
	char data[3000];

	pty_open(&t.pty);
	pattern_fill(data, sizeof(data), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		if (data[i] == '\n')
			data[i] = 'n'; /* not made two characters */
	assert_int_equal(rota_tty_open(&t.tty, f->loop, t.pty.master), 0);
	terminal_read(&t);
	turn(f);
	assert_int_equal(write(t.pty.slave, data, sizeof(data)), sizeof(data));
	close(t.pty.slave);
	t.pty.slave = -1;
	RUN_UNTIL(f, t.ends == 1);
	assert_int_equal(t.status, ROTA_EOF);
	assert_int_equal(t.size, sizeof(data));
	terminal_end(&t);
}

/* It does not wait for the end of the input, and does not take it away. */
static void an_end_leaves_the_input_alone(void **state)
{
	struct fixture *f = *state;
	struct terminal t;
	char got[16];

	terminal_open(&t, f);
	terminal_read(&t);
	turn(f);
	rota_stream_read_stop(&t.tty.stream);
	pty_type(&t.pty, "yours\n");
	pty_await_input(&t.pty, 6);
	turn(f);
	assert_int_equal(rota_stream_send(&t.tty.stream, "bye\n", 4), 0);
	assert_int_equal(rota_stream_end(&t.tty.stream, on_closed), 0);
	RUN_UNTIL(f, t.closes == 1);
	pty_expect(&t.pty, "bye", NULL, 0);
	assert_int_equal(read(t.pty.slave, got, sizeof(got)), 6);
	assert_memory_equal(got, "yours\n", 6);
	terminal_end(&t);
}

static void an_end_waits_for_output_that_is_stopped(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	assert_int_equal(tcflow(t.pty.slave, TCOOFF), 0);
	assert_int_equal(rota_stream_send(&t.tty.stream, "bye\n", 4), 0);
	assert_int_equal(rota_stream_end(&t.tty.stream, on_closed), 0);
	for (unsigned i = 0; i < 10; i++)
		turn(f);
	assert_int_equal(t.closes, 0);
	assert_int_equal(tcflow(t.pty.slave, TCOON), 0);
	RUN_UNTIL(f, t.closes == 1);
	pty_expect(&t.pty, "bye", NULL, 0);
	terminal_end(&t);
}

static void a_shutdown_ends_nothing_for_others(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	assert_int_equal(rota_stream_shutdown(NULL, &t.tty.stream, NULL), 0);
	assert_int_equal(rota_stream_send(&t.tty.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(write(t.pty.slave, "mine\n", 5), 5);
	pty_expect(&t.pty, "mine", NULL, 0);
	terminal_end(&t);
}

static void one_direction_is_open_if_the_descriptor_has_one(void **state)
{
	struct fixture *f = *state;
	struct terminal t = { .f = f };
	int fd;

	pty_open(&t.pty);
	fd = open(t.pty.name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(rota_tty_open(&t.tty, f->loop, fd), 0);
	assert_int_equal(rota_stream_send(&t.tty.stream, "x", 1), ROTA_EPIPE);
	terminal_read(&t);
	close(fd);
	assert_int_equal(rota_handle_close_now(&t.tty.handle), 0);
	fd = open(t.pty.name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(rota_tty_open(&t.tty, f->loop, fd), 0);
	assert_int_equal(rota_stream_read_start(&t.tty.stream, on_input),
			 ROTA_EOF);
	close(fd);
	terminal_end(&t);
}

static void after_its_close_everything_is_refused(void **state)
{
	struct fixture *f = *state;
	struct terminal t;
	unsigned columns = 7, rows = 8;

	terminal_open(&t, f);
	rota_handle_close(&t.tty.handle, on_closed);
	assert_int_equal(rota_tty_set_mode(&t.tty, ROTA_TTY_RAW), ROTA_EINVAL);
	assert_int_equal(rota_tty_get_size(&t.tty, &columns, &rows),
			 ROTA_EINVAL);
	assert_int_equal(rota_tty_on_resize(&t.tty, NULL), ROTA_EINVAL);
	assert_int_equal(rota_tty_on_continue(&t.tty, NULL), ROTA_EINVAL);
	assert_int_equal(columns, 7);
	turn(f);
	assert_int_equal(t.closes, 1);
	terminal_end(&t);
}

/* --- faults --------------------------------------------------------------- */

static void try_open(struct fixture *f, const char *call, int error,
		     int expected)
{
	struct terminal t = { .f = f };
	int before;

	pty_open(&t.pty);
	before = count_descriptors();
	for (unsigned nth = 1;; nth++) {
		int result;

		fault_fail(call, nth, error);
		result = rota_tty_open(&t.tty, f->loop, t.pty.slave);
		if (fault_clear() == 0) {
			assert_int_equal(result, 0);
			break;
		}
		if (result == 0) /* it does without that call */
			rota_handle_close_now(&t.tty.handle);
		else
			assert_int_equal(result, expected);
		assert_int_equal(count_descriptors(), before);
	}
	terminal_end(&t);
}

static void an_open_that_fails_leaves_nothing(void **state)
{
	try_open(*state, "tcgetattr", EBADF, ROTA_EBADF);
	try_open(*state, "fcntl", EMFILE, ROTA_EMFILE);
	try_open(*state, "fstat", EIO, ROTA_EIO);
	try_open(*state, "open", EMFILE, ROTA_EMFILE);
	try_open(*state, "ioctl", ENOTTY, ROTA_EIO);
}

static void errors_of_the_system_are_reported(void **state)
{
	struct fixture *f = *state;
	struct terminal t;

	terminal_open(&t, f);
	terminal_read(&t);
	pty_type(&t.pty, "x\n");
	fault_fail("read", 1, EINTR);
	RUN_UNTIL(f, t.size == 2);
	assert_int_equal(fault_clear(), 1);
	pty_type(&t.pty, "x\n");
	fault_fail("read", 1, EIO);
	RUN_UNTIL(f, t.ends == 1);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(t.status, ROTA_EIO);
	terminal_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(only_terminals_are_opened),
	REAL(the_slave_is_opened_anew_and_the_master_is_not),
	REAL(a_terminal_that_cannot_be_opened_anew_is_shared),
	REAL(it_does_not_become_the_controlling_terminal),
	REAL(the_terminal_of_the_process_can_be_opened),
	REAL(lines_are_read_and_written),
	REAL(control_d_ends_the_input),
	REAL(control_c_is_a_byte_in_raw_mode),
	REAL(input_that_waits_outlives_a_change_of_mode),
	REAL(much_passes_in_both_directions),
	REAL(much_passes_on_a_shared_description),
	REAL(a_master_writes_without_waiting),
	REAL(stopped_output_waits),
	REAL(a_hang_up_ends_the_input),
	REAL(a_terminal_that_is_hung_up_opens_at_its_end),
	REAL(a_master_reads_to_the_end),
	REAL(an_end_leaves_the_input_alone),
	REAL(an_end_waits_for_output_that_is_stopped),
	REAL(a_shutdown_ends_nothing_for_others),
	REAL(one_direction_is_open_if_the_descriptor_has_one),
	REAL(after_its_close_everything_is_refused),
	REAL(an_open_that_fails_leaves_nothing),
	REAL(errors_of_the_system_are_reported),
};
FIXTURE_MAIN(tests)

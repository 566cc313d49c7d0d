/*
 * Terminals and the signals of job control: the foreground and the background,
 * stop and continue, and the size of the window. The child of a test leads a
 * session on a pseudo-terminal, as a shell does.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "rota/tty.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"
#include "support/pty.h"

struct job {
	struct rota_tty tty;
	struct rota_timer alive; /* watchers of signals do not keep the loop */
	struct fixture *f;
	struct pty pty;
	unsigned resizes, continues;
	unsigned columns, rows;
	int to_shell[2]; /* the job says what it has done */
	int to_job[2];
};

static struct job job;

static void on_resize(struct rota_tty *tty, unsigned columns, unsigned rows)
{
	EXPECT(tty == &job.tty);
	job.resizes++;
	job.columns = columns;
	job.rows = rows;
}

static void on_continue(struct rota_tty *tty)
{
	EXPECT(tty == &job.tty);
	job.continues++;
}

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
}

static void keep_alive(void)
{
	rota_timer_init(&job.alive, job.f->loop);
	EXPECT(rota_timer_start(&job.alive, on_timer, ROTA_SEC(3600)) == 0);
}

static void close_job(void)
{
	rota_timer_stop(&job.alive);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
	EXPECT(rota_loop_close(job.f->loop) == 0);
}

static void turn_until(const unsigned *count, unsigned wanted)
{
	while (*count < wanted)
		rota_loop_run(job.f->loop, ROTA_RUN_NOWAIT);
}

static void some_turns(void)
{
	for (unsigned i = 0; i < 10; i++)
		rota_loop_run(job.f->loop, ROTA_RUN_NOWAIT);
}

static void begin(void **state)
{
	job = (struct job){ .f = *state };
	pty_open(&job.pty);
}

static void open_job(enum rota_tty_mode mode)
{
	EXPECT(rota_loop_fork(job.f->loop) == 0);
	EXPECT(rota_tty_open(&job.tty, job.f->loop, 0) == 0);
	EXPECT(rota_tty_set_mode(&job.tty, mode) == 0);
}

static unsigned long flags_now(void)
{
	struct termios mode;

	EXPECT(tcgetattr(0, &mode) == 0);
	return mode.c_lflag & (ICANON | ECHO | ISIG);
}

/* --- the size of the window ----------------------------------------------- */

static void the_size_is_that_of_the_window(void **state)
{
	struct fixture *f = *state;
	struct rota_tty tty;
	unsigned columns = 1, rows = 1;
	struct pty pty;

	pty_open(&pty);
	assert_int_equal(rota_tty_open(&tty, f->loop, pty.slave), 0);
	assert_int_equal(rota_tty_get_size(&tty, &columns, &rows), 0);
	assert_int_equal(columns, 80);
	assert_int_equal(rows, 24);
	pty_resize(&pty, 132, 43);
	assert_int_equal(rota_tty_get_size(&tty, &columns, &rows), 0);
	assert_int_equal(columns, 132);
	assert_int_equal(rows, 43);
	assert_int_equal(rota_tty_get_size(&tty, NULL, &rows), ROTA_EINVAL);
	assert_int_equal(rota_tty_get_size(&tty, &columns, NULL), ROTA_EINVAL);
	fault_fail("ioctl", 1, EIO);
	assert_int_equal(rota_tty_get_size(&tty, &columns, &rows), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(columns, 132);
	rota_handle_close_now(&tty.handle);
	pty_close(&pty);
}

static void watch_the_window(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_COOKED);
	EXPECT(rota_tty_on_resize(&job.tty, on_resize) == 0);
	EXPECT(rota_loop_run(job.f->loop, ROTA_RUN_DEFAULT) == 0); /* L1 */
	keep_alive();
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.resizes, 1);
	EXPECT(job.columns == 100);
	EXPECT(job.rows == 50);
	EXPECT(rota_tty_on_resize(&job.tty, NULL) == 0);
	raise(SIGWINCH); /* the default action is to ignore it */
	some_turns();
	EXPECT(job.resizes == 1);
	EXPECT(rota_tty_on_resize(&job.tty, on_resize) == 0);
	raise(SIGWINCH);
	raise(SIGWINCH);
	some_turns();
	EXPECT(job.resizes == 2); /* both at once */
	close_job();
}

static void a_change_of_the_size_is_reported(void **state)
{
	pid_t child;
	char byte;

	begin(state);
	assert_int_equal(pipe(job.to_shell), 0);
	child = pty_fork(&job.pty);
	if (child == 0) {
		watch_the_window();
		child_ends();
	}
	assert_int_equal(read(job.to_shell[0], &byte, 1), 1);
	pty_resize(&job.pty, 100, 50);
	expect_success(child);
	close(job.to_shell[0]);
	close(job.to_shell[1]);
	pty_close(&job.pty);
}

static void close_in_resize(struct rota_tty *tty, unsigned columns,
			    unsigned rows)
{
	(void)columns;
	(void)rows;
	job.resizes++;
	assert_int_equal(rota_handle_close_now(&tty->handle), 0);
	memset(tty, 0xa5, sizeof(*tty)); /* its memory is free to go (O3) */
}

static void the_callback_may_close_the_terminal(void **state)
{
	begin(state);
	assert_int_equal(rota_tty_open(&job.tty, job.f->loop, job.pty.slave),
			 0);
	assert_int_equal(rota_tty_on_resize(&job.tty, close_in_resize), 0);
	keep_alive();
	raise(SIGWINCH);
	turn_until(&job.resizes, 1);
	rota_timer_stop(&job.alive);
	pty_close(&job.pty);
}

static void a_watch_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;

	begin(state);
	assert_int_equal(rota_tty_open(&job.tty, f->loop, job.pty.slave), 0);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_tty_on_resize(&job.tty, on_resize), ROTA_ENOMEM);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	for (unsigned nth = 1; nth <= 4; nth++) {
		fault_fail("sigaction", nth, EINVAL);
		assert_int_equal(rota_tty_on_continue(&job.tty, on_continue),
				 ROTA_EINVAL);
		assert_int_equal(fault_clear(), 1);
	}
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	assert_int_equal(rota_handle_close_now(&job.tty.handle), 0);
	pty_close(&job.pty);
}

static void one_terminal_takes_care_of_stops(void **state)
{
	struct fixture *f = *state;
	struct rota_tty other;

	begin(state);
	assert_int_equal(rota_tty_open(&job.tty, f->loop, job.pty.slave), 0);
	assert_int_equal(rota_tty_open(&other, f->loop, job.pty.slave), 0);
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	assert_int_equal(rota_tty_on_continue(&other, on_continue),
			 ROTA_EALREADY);
	assert_int_equal(rota_tty_on_continue(&other, NULL), 0);
	assert_int_equal(rota_tty_on_continue(&other, on_continue),
			 ROTA_EALREADY);
	assert_int_equal(rota_tty_on_continue(&job.tty, NULL), 0);
	assert_int_equal(rota_tty_on_continue(&other, on_continue), 0);
	assert_int_equal(rota_handle_close_now(&other.handle), 0);
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	pty_close(&job.pty);
}

static void take_care_of_stops_in_a_child(void *arg)
{
	const struct pty *pty = arg;
	struct rota_loop *loop;
	struct rota_tty tty, other;

	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_tty_open(&tty, loop, pty->slave) == 0);
	EXPECT(rota_tty_open(&other, loop, pty->slave) == 0);
	EXPECT(rota_tty_on_continue(&tty, on_continue) == 0);
	EXPECT(rota_tty_on_continue(&tty, on_continue) == 0);
	EXPECT(rota_tty_on_continue(&other, on_continue) == ROTA_EALREADY);
	EXPECT(rota_handle_close_now(&tty.handle) == 0);
	EXPECT(rota_tty_on_continue(&other, on_continue) == 0);
	EXPECT(rota_handle_close_now(&other.handle) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static void take_care_of_stops_in_a_copy(void *arg)
{
	const struct pty *pty = arg;
	struct rota_tty other;

	EXPECT(setsid() >= 0); /* nobody could continue it: it does not stop */
	EXPECT(rota_loop_fork(job.f->loop) == 0);
	keep_alive();
	EXPECT(rota_tty_open(&other, job.f->loop, pty->slave) == 0);
	EXPECT(rota_tty_on_continue(&other, on_continue) == 0);
	raise(SIGTSTP);
	some_turns();
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == ROTA_EALREADY);
	EXPECT(rota_tty_on_continue(&other, NULL) == 0);
	raise(SIGTSTP);
	some_turns();
	EXPECT(rota_tty_on_continue(&other, on_continue) == ROTA_EALREADY);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
	EXPECT(rota_tty_on_continue(&other, on_continue) == 0);
	EXPECT(rota_handle_close_now(&other.handle) == 0);
}

static void a_copy_takes_care_of_stops_if_no_other_does(void **state)
{
	struct fixture *f = *state;

	begin(state);
	assert_int_equal(rota_tty_open(&job.tty, f->loop, job.pty.slave), 0);
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	in_a_child(take_care_of_stops_in_a_copy, &job.pty);
	assert_int_equal(rota_handle_close_now(&job.tty.handle), 0);
	pty_close(&job.pty);
}

/* The owner is the parent's. */
static void a_child_takes_care_of_its_own_stops(void **state)
{
	struct fixture *f = *state;
	struct rota_tty other;

	begin(state);
	assert_int_equal(rota_tty_open(&job.tty, f->loop, job.pty.slave), 0);
	assert_int_equal(rota_tty_on_continue(&job.tty, on_continue), 0);
	in_a_child(take_care_of_stops_in_a_child, &job.pty);
	assert_int_equal(rota_tty_open(&other, f->loop, job.pty.slave), 0);
	assert_int_equal(rota_tty_on_continue(&other, on_continue),
			 ROTA_EALREADY);
	assert_int_equal(rota_handle_close_now(&other.handle), 0);
	assert_int_equal(rota_handle_close_now(&job.tty.handle), 0);
	pty_close(&job.pty);
}

/* --- foreground and background -------------------------------------------- */

/* Run @in_job in a process group of its own, in the foreground or not. The
 * caller leads the session. Returns its process id. */
static pid_t start_job(void (*in_job)(void), int in_foreground)
{
	pid_t child = child_fork();

	if (child == 0) {
		EXPECT(setpgid(0, 0) == 0);
		if (in_foreground) {
			signal(SIGTTOU, SIG_IGN);
			EXPECT(tcsetpgrp(0, getpid()) == 0);
			signal(SIGTTOU, SIG_DFL);
		}
		in_job();
		child_ends();
	}
	EXPECT(setpgid(child, child) == 0 || errno == EACCES);
	return child;
}

static void foreground(pid_t group)
{
	signal(SIGTTOU, SIG_IGN);
	EXPECT(tcsetpgrp(0, group) == 0);
	signal(SIGTTOU, SIG_DFL);
}

static int wait_job(pid_t child)
{
	int status = 0;

	EXPECT(waitpid(child, &status, WUNTRACED) == child);
	return status;
}

static void change_in_the_background(void)
{
	EXPECT(rota_loop_fork(job.f->loop) == 0);
	EXPECT(rota_tty_open(&job.tty, job.f->loop, 0) == 0);
	EXPECT(rota_tty_set_mode(&job.tty, ROTA_TTY_RAW) == ROTA_EIO);
	EXPECT(rota_tty_set_mode(&job.tty, ROTA_TTY_COOKED) == ROTA_EIO);
	EXPECT(flags_now() == (ICANON | ECHO | ISIG));
	/* Output is allowed, as for every program. */
	EXPECT(rota_stream_send(&job.tty.stream, "bg\n", 3) == 0);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

static void be_a_shell_with_a_background_job(void)
{
	EXPECT(wait_job(start_job(change_in_the_background, 0)) == 0);
}

static void run_shell(void **state, void (*shell)(void))
{
	pid_t child;

	begin(state);
	assert_int_equal(pipe(job.to_shell), 0);
	assert_int_equal(pipe(job.to_job), 0);
	child = pty_fork(&job.pty);
	if (child == 0) {
		shell();
		child_ends();
	}
	expect_success(child);
	for (int i = 0; i < 2; i++) {
		close(job.to_shell[i]);
		close(job.to_job[i]);
	}
	pty_close(&job.pty);
}

static void the_background_changes_no_mode(void **state)
{
	run_shell(state, be_a_shell_with_a_background_job);
}

static void wait_raw_for_the_shell(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_RAW);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	EXPECT(read(job.to_job[0], &byte, 1) == 1);
	EXPECT(rota_tty_reset() == ROTA_EIO);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

/* It would be the mode of the job in the foreground that it changes. */
static void be_a_shell_whose_job_ends_in_the_background(void)
{
	pid_t child = start_job(wait_raw_for_the_shell, 1);
	char byte;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	foreground(getpgrp());
	EXPECT(write(job.to_job[1], &byte, 1) == 1);
	EXPECT(wait_job(child) == 0);
	EXPECT(flags_now() == 0);
}

static void the_background_restores_no_mode(void **state)
{
	run_shell(state, be_a_shell_whose_job_ends_in_the_background);
}

static unsigned input_ends;
static int input_status;
static size_t input_size;

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	(void)stream;
	input_size += buf->size;
	if (status < 0) {
		input_ends++;
		input_status = status;
	}
}

static void read_the_terminal(void)
{
	char byte = 'r';

	EXPECT(rota_loop_fork(job.f->loop) == 0);
	EXPECT(rota_tty_open(&job.tty, job.f->loop, 0) == 0);
	EXPECT(rota_stream_read_start(&job.tty.stream, on_input) == 0);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	while (input_size == 0 && input_ends == 0)
		rota_loop_run(job.f->loop, ROTA_RUN_NOWAIT);
}

static void read_in_the_background(void)
{
	read_the_terminal();
	EXPECT(input_size == 6); /* it was stopped, and went on */
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

/* The kernel stops it, as every program; fg continues it. */
static void be_a_shell_whose_job_reads(void)
{
	pid_t child = start_job(read_in_the_background, 0);
	char byte;
	int status;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(write(job.pty.master, "input\n", 6) == 6);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	foreground(child);
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(wait_job(child) == 0);
}

static void a_read_in_the_background_stops_the_job(void **state)
{
	run_shell(state, be_a_shell_whose_job_reads);
}

static void read_and_ignore_the_signal(void)
{
	signal(SIGTTIN, SIG_IGN);
	read_the_terminal();
	EXPECT(input_ends == 1);
	EXPECT(input_status == ROTA_EIO);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

static void be_a_shell_whose_job_ignores_the_signal(void)
{
	pid_t child = start_job(read_and_ignore_the_signal, 0);
	char byte;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(write(job.pty.master, "input\n", 6) == 6);
	EXPECT(wait_job(child) == 0);
}

static void a_read_in_the_background_may_be_an_error(void **state)
{
	run_shell(state, be_a_shell_whose_job_ignores_the_signal);
}

/* --- stop and continue ---------------------------------------------------- */

static void wait_for_stops(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_CBREAK);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	keep_alive();
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 1);
	EXPECT(flags_now() == ISIG);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 2);
	EXPECT(flags_now() == ISIG);
	close_job();
}

static void change_echo(int on)
{
	struct termios mode;

	EXPECT(tcgetattr(0, &mode) == 0);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	if (on)
		mode.c_lflag |= ECHO;
	EXPECT(tcsetattr(0, TCSANOW, &mode) == 0);
}

static void continue_job(pid_t child)
{
	foreground(child);
	EXPECT(kill(-child, SIGCONT) == 0);
}

/* ^Z, and then a stop that nobody can catch. */
static void be_a_shell_that_stops_its_job(void)
{
	pid_t child = start_job(wait_for_stops, 1);
	char byte;
	int status;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(flags_now() == ISIG);
	EXPECT(write(job.pty.master, "\032", 1) == 1);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	foreground(getpgrp());
	EXPECT(flags_now() == (ICANON | ECHO | ISIG));
	change_echo(0); /* the user changes it: that is to be restored */
	continue_job(child);

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(kill(child, SIGSTOP) == 0);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	foreground(getpgrp());
	change_echo(1); /* as a shell does, for itself */
	continue_job(child);
	EXPECT(wait_job(child) == 0);
	foreground(getpgrp());
	EXPECT(flags_now() == (ICANON | ISIG));
}

static void a_stop_restores_and_a_continue_sets_the_mode_again(void **state)
{
	run_shell(state, be_a_shell_that_stops_its_job);
}

static void wait_in_both_grounds(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_CBREAK);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	keep_alive();
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 1);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 2);
	EXPECT(flags_now() == ISIG);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

/* bg, and then fg. */
static void be_a_shell_that_continues_in_the_background(void)
{
	pid_t child = start_job(wait_in_both_grounds, 1);
	char byte;
	int status;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(write(job.pty.master, "\032", 1) == 1);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status));
	foreground(getpgrp());
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(flags_now() == (ICANON | ECHO | ISIG)); /* the shell's */
	continue_job(child);
	EXPECT(wait_job(child) == 0);
}

static void the_mode_waits_for_the_foreground(void **state)
{
	run_shell(state, be_a_shell_that_continues_in_the_background);
}

/* Some shells send no SIGCONT to a job that runs. */
static void be_a_shell_that_only_changes_the_foreground(void)
{
	pid_t child = start_job(wait_in_both_grounds, 1);
	char byte;
	int status;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(write(job.pty.master, "\032", 1) == 1);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status));
	foreground(getpgrp());
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(flags_now() == (ICANON | ECHO | ISIG));
	foreground(child);
	EXPECT(wait_job(child) == 0);
	foreground(getpgrp());
	EXPECT(flags_now() == (ICANON | ECHO | ISIG));
}

static void the_foreground_is_noticed_without_a_signal(void **state)
{
	run_shell(state, be_a_shell_that_only_changes_the_foreground);
}

/* In the background nothing waits any more. */
static void be_no_longer_called(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_CBREAK);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	keep_alive();
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 1);
	EXPECT(rota_timer_is_active(&job.tty.internal.foreground));
	EXPECT(rota_tty_on_continue(&job.tty, NULL) == 0);
	EXPECT(!rota_timer_is_active(&job.tty.internal.foreground));
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 2);
	EXPECT(rota_timer_is_active(&job.tty.internal.foreground));
	rota_timer_stop(&job.alive);
	EXPECT(rota_loop_run(job.f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

static void be_a_shell_that_leaves_its_job_in_the_background(void)
{
	pid_t child = start_job(be_no_longer_called, 1);
	char byte;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	foreground(getpgrp());
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(wait_job(child) == 0);
}

static void who_waits_for_the_foreground_can_stop(void **state)
{
	run_shell(state, be_a_shell_that_leaves_its_job_in_the_background);
}

static void set_the_mode_before_the_signal(void)
{
	char byte = 'r';

	open_job(ROTA_TTY_CBREAK);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	keep_alive();
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	turn_until(&job.continues, 1);
	EXPECT(write(job.to_shell[1], &byte, 1) == 1);
	EXPECT(read(job.to_job[0], &byte, 1) == 1);
	EXPECT(rota_tty_set_mode(&job.tty, ROTA_TTY_RAW) == 0);
	EXPECT(flags_now() == 0);
	raise(SIGCONT);
	turn_until(&job.continues, 2);
	EXPECT(flags_now() == 0);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

/* bg, and then the foreground without a SIGCONT, as some shells do it for a job
 * that runs. */
static void be_a_shell_that_sends_no_signal(void)
{
	pid_t child = start_job(set_the_mode_before_the_signal, 1);
	char byte;
	int status;

	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	EXPECT(write(job.pty.master, "\032", 1) == 1);
	status = wait_job(child);
	EXPECT(WIFSTOPPED(status));
	foreground(getpgrp());
	EXPECT(kill(-child, SIGCONT) == 0);
	EXPECT(read(job.to_shell[0], &byte, 1) == 1);
	foreground(child);
	EXPECT(write(job.to_job[1], &byte, 1) == 1);
	EXPECT(wait_job(child) == 0);
	foreground(getpgrp());
	EXPECT(flags_now() == (ICANON | ECHO | ISIG));
}

static void a_mode_set_before_the_signal_is_not_the_original(void **state)
{
	run_shell(state, be_a_shell_that_sends_no_signal);
}

/* The session leader is alone: nobody could continue it, so the kernel does not
 * stop it. */
static void stop_without_a_shell(void)
{
	open_job(ROTA_TTY_RAW);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == 0);
	keep_alive();
	raise(SIGTSTP);
	some_turns();
	EXPECT(flags_now() == 0);
	EXPECT(job.continues == 0);
	raise(SIGTSTP); /* the handler is still there */
	some_turns();
	EXPECT(rota_tty_on_continue(&job.tty, NULL) == 0);
	fault_fail("sigaction", 1, EINVAL);
	EXPECT(rota_tty_on_continue(&job.tty, on_continue) == ROTA_EINVAL);
	EXPECT(fault_clear() == 1);
	EXPECT(rota_handle_close_now(&job.tty.handle) == 0);
}

static void an_orphan_does_not_stop(void **state)
{
	run_shell(state, stop_without_a_shell);
}

static const struct CMUnitTest tests[] = {
	REAL(the_size_is_that_of_the_window),
	REAL(a_change_of_the_size_is_reported),
	REAL(the_callback_may_close_the_terminal),
	REAL(a_watch_that_fails_changes_nothing),
	REAL(one_terminal_takes_care_of_stops),
	REAL(a_child_takes_care_of_its_own_stops),
	REAL(a_copy_takes_care_of_stops_if_no_other_does),
	REAL(the_background_changes_no_mode),
	REAL(the_background_restores_no_mode),
	REAL(a_read_in_the_background_stops_the_job),
	REAL(a_read_in_the_background_may_be_an_error),
	REAL(a_stop_restores_and_a_continue_sets_the_mode_again),
	REAL(the_mode_waits_for_the_foreground),
	REAL(the_foreground_is_noticed_without_a_signal),
	REAL(who_waits_for_the_foreground_can_stop),
	REAL(a_mode_set_before_the_signal_is_not_the_original),
	REAL(an_orphan_does_not_stop),
};
FIXTURE_MAIN(tests)

/*
 * The modes of terminals, and when they are restored.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "rota/tty.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"
#include "support/pty.h"

static const unsigned long cooked_flags = ICANON | ECHO | ISIG;

static struct rota_loop *child_loop(struct fixture *f)
{
	EXPECT(rota_loop_fork(f->loop) == 0);
	return f->loop;
}

static void open_slave(struct rota_tty *tty, struct fixture *f, struct pty *pty)
{
	pty_open(pty);
	assert_int_equal(rota_tty_open(tty, f->loop, pty->slave), 0);
}

static void close_tty(struct rota_tty *tty)
{
	assert_int_equal(rota_handle_close_now(&tty->handle), 0);
}

static void get_mode(struct pty *pty, struct termios *mode)
{
	memset(mode, 0, sizeof(*mode));
	assert_int_equal(tcgetattr(pty->slave, mode), 0);
}

static int same_mode(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static void each_mode_is_as_termios_has_it(void **state)
{
	struct rota_tty tty;
	struct pty pty;
	struct termios before, raw, now;

	open_slave(&tty, *state, &pty);
	get_mode(&pty, &before);
	raw = before;
	cfmakeraw(&raw);
	raw.c_iflag &= ~(tcflag_t)INPCK;
	assert_int_equal(rota_tty_mode(&tty), ROTA_TTY_COOKED);

	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
	assert_int_equal(rota_tty_mode(&tty), ROTA_TTY_RAW);
	get_mode(&pty, &now);
	assert_true(same_mode(&now, &raw));

	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_CBREAK), 0);
	get_mode(&pty, &now);
	assert_int_equal(now.c_lflag & cooked_flags, ISIG);
	assert_int_equal(now.c_iflag, before.c_iflag);
	assert_int_equal(now.c_oflag, before.c_oflag);
	assert_int_equal(now.c_cc[VMIN], 1);

	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_COOKED), 0);
	get_mode(&pty, &now);
	assert_true(same_mode(&now, &before));
	assert_int_equal(rota_tty_set_mode(&tty, (enum rota_tty_mode)3),
			 ROTA_EINVAL);
	close_tty(&tty);
	pty_close(&pty);
}

/* What others change while the terminal is cooked is what it goes back to. */
static void the_first_change_saves_and_the_close_restores(void **state)
{
	struct rota_tty tty;
	struct pty pty;
	struct termios mode, now;

	open_slave(&tty, *state, &pty);
	get_mode(&pty, &mode);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(tcsetattr(pty.slave, TCSANOW, &mode), 0);
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_CBREAK), 0);
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
	close_tty(&tty);
	get_mode(&pty, &now);
	assert_true(same_mode(&now, &mode));

	/* One that has changed nothing restores nothing. */
	assert_int_equal(rota_tty_open(&tty, ((struct fixture *)*state)->loop,
				       pty.slave),
			 0);
	mode.c_lflag |= ECHO;
	assert_int_equal(tcsetattr(pty.slave, TCSANOW, &mode), 0);
	close_tty(&tty);
	get_mode(&pty, &now);
	assert_true(same_mode(&now, &mode));
	pty_close(&pty);
}

/* Also if they have opened it by other names. */
static void handles_of_one_terminal_share_what_was_saved(void **state)
{
	struct fixture *f = *state;
	struct rota_tty a, b;
	struct pty pty;
	struct termios before, now;

	open_slave(&a, f, &pty);
	get_mode(&pty, &before);
	assert_int_equal(rota_tty_open(&b, f->loop, pty.master), 0);
	assert_int_equal(rota_tty_set_mode(&a, ROTA_TTY_RAW), 0);
	assert_int_equal(rota_tty_set_mode(&b, ROTA_TTY_CBREAK), 0);
	close_tty(&a);
	assert_int_equal(pty_local_flags(&pty), ISIG); /* b has it so */
	close_tty(&b);
	get_mode(&pty, &now);
	assert_true(same_mode(&now, &before));
	pty_close(&pty);
}

static void handles_of_two_terminals_share_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_tty a, b;
	struct pty first, second;

	open_slave(&a, f, &first);
	open_slave(&b, f, &second);
	assert_int_equal(rota_tty_set_mode(&a, ROTA_TTY_RAW), 0);
	assert_int_equal(rota_tty_set_mode(&b, ROTA_TTY_CBREAK), 0);
	close_tty(&a);
	assert_int_equal(pty_local_flags(&first), cooked_flags);
	assert_int_equal(pty_local_flags(&second), ISIG);
	assert_int_equal(rota_tty_reset(), 0);
	assert_int_equal(pty_local_flags(&second), cooked_flags);
	close_tty(&b);
	pty_close(&first);
	pty_close(&second);
}

static void a_reset_restores_and_the_mode_can_be_set_again(void **state)
{
	struct rota_tty tty;
	struct pty pty;

	open_slave(&tty, *state, &pty);
	assert_int_equal(rota_tty_reset(), 0); /* there is nothing to do */
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
	errno = ERANGE;
	assert_int_equal(rota_tty_reset(), 0);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(pty_local_flags(&pty), cooked_flags);
	assert_int_equal(rota_tty_mode(&tty), ROTA_TTY_RAW);
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
	assert_int_equal(pty_local_flags(&pty), 0);
	assert_int_equal(rota_tty_reset(), 0);
	assert_int_equal(rota_tty_reset(), 0);
	assert_int_equal(pty_local_flags(&pty), cooked_flags);
	close_tty(&tty);
	pty_close(&pty);
}

static void sixty_four_terminals_can_be_changed(void **state)
{
	enum { MOST = 64 };
	struct fixture *f = *state;
	static struct rota_tty ttys[MOST + 1];
	static struct pty ptys[MOST + 1];

	for (unsigned i = 0; i <= MOST; i++) {
		open_slave(&ttys[i], f, &ptys[i]);
		assert_int_equal(rota_tty_set_mode(&ttys[i], ROTA_TTY_RAW),
				 i < MOST ? 0 : ROTA_ENOMEM);
	}
	close_tty(&ttys[5]);
	assert_int_equal(rota_tty_set_mode(&ttys[MOST], ROTA_TTY_RAW), 0);
	assert_int_equal(rota_tty_reset(), 0);
	for (unsigned i = 0; i <= MOST; i++) {
		assert_int_equal(pty_local_flags(&ptys[i]), cooked_flags);
		if (i != 5)
			close_tty(&ttys[i]);
		pty_close(&ptys[i]);
	}
}

static void a_change_that_fails_changes_nothing(void **state)
{
	static const struct {
		const char *call;
		int error;
	} faults[] = {
		{ "tcgetattr", EIO },
		{ "tcsetattr", EIO },
		{ "fcntl", EMFILE },
	};
	struct rota_tty tty;
	struct pty pty;

	open_slave(&tty, *state, &pty);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int before = count_descriptors();

		fault_fail(faults[i].call, 1, faults[i].error);
		assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW),
				 -faults[i].error);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(count_descriptors(), before);
		assert_int_equal(rota_tty_mode(&tty), ROTA_TTY_COOKED);
		assert_int_equal(pty_local_flags(&pty), cooked_flags);
	}
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
	fault_fail("tcsetattr", 1, EIO);
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_COOKED), ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_tty_mode(&tty), ROTA_TTY_RAW);
	fault_fail("tcsetattr", 1, EINTR);
	assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_COOKED), 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(pty_local_flags(&pty), cooked_flags);
	close_tty(&tty);
	pty_close(&pty);
}

static void *reset_many_times(void *arg)
{
	int *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		(void)rota_tty_reset();
	return NULL;
}

/* A reset in another thread uses no descriptor that is closed. */
static void resets_of_a_thread_meet_changes(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	int stop = 0;

	assert_int_equal(pthread_create(&thread, NULL, reset_many_times, &stop),
			 0);
	for (unsigned i = 0; i < 200; i++) {
		struct rota_tty tty;
		struct pty pty;

		open_slave(&tty, f, &pty);
		assert_int_equal(rota_tty_set_mode(&tty, ROTA_TTY_RAW), 0);
		close_tty(&tty);
		pty_close(&pty);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* --- the end of the process ----------------------------------------------- */

/* Run @in_child in a process whose controlling terminal is @pty. Returns what
 * waitpid(2) says. */
static int run_on(struct pty *pty, struct fixture *f,
		  void (*in_child)(struct fixture *f, struct pty *pty))
{
	pid_t child = pty_fork(pty);
	int status;

	if (child == 0) {
		in_child(f, pty);
		child_ends();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static struct rota_tty of_child;

static void make_raw_in_child(struct fixture *f)
{
	struct rota_loop *loop = child_loop(f);

	EXPECT(rota_tty_open(&of_child, loop, 0) == 0);
	EXPECT(rota_tty_set_mode(&of_child, ROTA_TTY_RAW) == 0);
}

static void exit_raw(struct fixture *f, struct pty *pty)
{
	(void)pty;
	make_raw_in_child(f);
	EXPECT(rota_tty_restore_on_exit() == 0);
	EXPECT(rota_tty_restore_on_exit() == 0);
	exit(7);
}

static void exit_raw_unasked(struct fixture *f, struct pty *pty)
{
	(void)pty;
	make_raw_in_child(f);
	exit(7);
}

static void the_exit_restores_if_it_is_asked_to(void **state)
{
	struct pty pty;
	int status;

	pty_open(&pty);
	status = run_on(&pty, *state, exit_raw);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(pty_local_flags(&pty), cooked_flags);
	status = run_on(&pty, *state, exit_raw_unasked);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(pty_local_flags(&pty), 0);
	pty_close(&pty);
}

static void ask_without_memory(struct fixture *f, struct pty *pty)
{
	(void)pty;
	make_raw_in_child(f);
	fault_fail("atexit", 1, ENOMEM);
	EXPECT(rota_tty_restore_on_exit() == ROTA_ENOMEM);
	EXPECT(fault_clear() == 1);
	EXPECT(rota_tty_restore_on_exit() == 0);
	exit(0);
}

static void a_request_that_failed_can_be_repeated(void **state)
{
	struct pty pty;

	pty_open(&pty);
	assert_int_equal(run_on(&pty, *state, ask_without_memory), 0);
	assert_int_equal(pty_local_flags(&pty), cooked_flags);
	pty_close(&pty);
}

static int fatal;

static void die_raw(struct fixture *f, struct pty *pty)
{
	(void)pty;
	make_raw_in_child(f);
	EXPECT(rota_tty_restore_on_signal(fatal) == 0);
	EXPECT(rota_tty_restore_on_signal(fatal) == ROTA_EBUSY);
	raise(fatal);
}

static void a_signal_restores_and_ends_the_process(void **state)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct pty pty;
	int status;

	pty_open(&pty);
	for (unsigned i = 0; i < 3; i++) {
		fatal = signals[i];
		status = run_on(&pty, *state, die_raw);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), fatal);
		assert_int_equal(pty_local_flags(&pty), cooked_flags);
	}
	pty_close(&pty);
}

static void only_fatal_signals_without_a_handler(void **state)
{
	(void)state;
	assert_int_equal(rota_tty_restore_on_signal(0), ROTA_EINVAL);
	assert_int_equal(rota_tty_restore_on_signal(9999), ROTA_EINVAL);
	assert_int_equal(rota_tty_restore_on_signal(SIGKILL), ROTA_EINVAL);
	assert_int_equal(rota_tty_restore_on_signal(SIGTSTP), ROTA_EINVAL);
	assert_int_equal(rota_tty_restore_on_signal(SIGCHLD), ROTA_EINVAL);
	signal(SIGUSR1, SIG_IGN);
	assert_int_equal(rota_tty_restore_on_signal(SIGUSR1), ROTA_EBUSY);
	signal(SIGUSR1, SIG_DFL);
	fault_fail("sigaction", 2, EINVAL);
	assert_int_equal(rota_tty_restore_on_signal(SIGUSR1), ROTA_EINVAL);
	assert_int_equal(fault_clear(), 1);
}

/* --- forks ---------------------------------------------------------------- */

struct forked {
	struct rota_tty tty;
	struct pty pty;
	struct fixture *f;
};

static void exit_in_a_child(void *arg)
{
	struct forked *p = arg;

	EXPECT(rota_tty_restore_on_exit() == 0);
	EXPECT(rota_tty_set_mode(&p->tty, ROTA_TTY_COOKED) == ROTA_ECHILD);
	EXPECT(rota_tty_reset() == 0);
	EXPECT(rota_handle_close(&p->tty.handle, NULL) == ROTA_ECHILD);
	exit(0);
}

static void close_in_a_child(void *arg)
{
	struct forked *p = arg;

	EXPECT(rota_loop_fork(p->f->loop) == 0);
	EXPECT(rota_handle_close_now(&p->tty.handle) == 0);
}

static void change_in_a_child(void *arg)
{
	struct forked *p = arg;

	EXPECT(rota_loop_fork(p->f->loop) == 0);
	EXPECT(rota_tty_set_mode(&p->tty, ROTA_TTY_CBREAK) == 0);
	EXPECT(pty_local_flags(&p->pty) == ISIG);
	EXPECT(rota_handle_close_now(&p->tty.handle) == 0);
}

static void a_child_restores_only_what_it_has_changed(void **state)
{
	struct forked p = { .f = *state };

	open_slave(&p.tty, p.f, &p.pty);
	assert_int_equal(rota_tty_set_mode(&p.tty, ROTA_TTY_RAW), 0);
	in_a_child(exit_in_a_child, &p);
	assert_int_equal(pty_local_flags(&p.pty), 0);
	in_a_child(close_in_a_child, &p);
	assert_int_equal(pty_local_flags(&p.pty), 0);
	in_a_child(change_in_a_child, &p);
	assert_int_equal(pty_local_flags(&p.pty), cooked_flags);
	close_tty(&p.tty);
	pty_close(&p.pty);
}

static const struct CMUnitTest tests[] = {
	REAL(each_mode_is_as_termios_has_it),
	REAL(the_first_change_saves_and_the_close_restores),
	REAL(handles_of_one_terminal_share_what_was_saved),
	REAL(handles_of_two_terminals_share_nothing),
	REAL(a_reset_restores_and_the_mode_can_be_set_again),
	REAL(sixty_four_terminals_can_be_changed),
	REAL(a_change_that_fails_changes_nothing),
	REAL(resets_of_a_thread_meet_changes),
	REAL(the_exit_restores_if_it_is_asked_to),
	REAL(a_request_that_failed_can_be_repeated),
	REAL(a_signal_restores_and_ends_the_process),
	REAL(only_fatal_signals_without_a_handler),
	REAL(a_child_restores_only_what_it_has_changed),
};
FIXTURE_MAIN(tests)

/* system: linux */
/* poller: none */
/*
 * The test double of kqueue(2): signals, processes, fork(2), and that nothing
 * is left open (semantics 14 and 15). See test_kqueue_double.c.
 */
#include "support/kqueue/checks.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int marker_a; /* an address to recognise */

static const struct timespec at_once = { 0, 0 };

static volatile sig_atomic_t handled;

/* Install a signal handler for the duration of a test. */
static void handle(int number, void (*handler)(int), struct sigaction *before)
{
	struct sigaction wanted = { .sa_handler = handler };

	handled = 0;
	sigemptyset(&wanted.sa_mask);
	assert_int_equal(sigaction(number, &wanted, before), 0);
}

static void count_handled(int number)
{
	(void)number;
	handled++;
}

/* 14: EVFILT_SIGNAL. */
static void signals_are_counted_beside_the_handler(void **state)
{
	struct fixture *f = *state;
	struct sigaction before, shown;
	struct kevent event;
	int i;

	handle(SIGUSR1, count_handled, &before);
	assert_int_equal(change(f->kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(sigaction(SIGUSR1, NULL, &shown), 0);
	assert_true(shown.sa_handler == count_handled);
	assert_int_equal(count_pending(f->kq), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(raise(SIGUSR1), 0);

	assert_true(polls_readable(f->kq));
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, SIGUSR1);
	assert_int_equal(event.data, 3);
	assert_int_equal(event.flags & EV_CLEAR, EV_CLEAR);
	assert_int_equal(handled, 3);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 1);

	assert_int_equal(change(f->kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(handled, 5);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* 14: EVFILT_SIGNAL: "has a lower precedence". */
static void a_watched_signal_does_what_the_program_asked_for(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		change(kqueue(), SIGTERM, EVFILT_SIGNAL, EV_ADD);
		raise(SIGTERM);
		_exit(0);
	}

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static siginfo_t last_information;

static void keep_information(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	last_information = *information;
	handled++;
}

/* 14: EVFILT_SIGNAL: the program's SA_SIGINFO and SA_RESETHAND are honoured. */
static void a_handler_is_called_as_it_was_installed(void **state)
{
	struct fixture *f = *state;
	struct sigaction before, shown;
	struct sigaction wanted = {
		.sa_sigaction = keep_information,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND,
	};

	handled = 0;
	sigemptyset(&wanted.sa_mask);
	assert_int_equal(change(f->kq, SIGURG, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(sigaction(SIGURG, &wanted, &before), 0);
	assert_int_equal(raise(SIGURG), 0);
	assert_int_equal(raise(SIGURG), 0);

	assert_int_equal(handled, 1);
	assert_int_equal(last_information.si_signo, SIGURG);
	assert_int_equal(last_information.si_pid, getpid());
	assert_int_equal(sigaction(SIGURG, &before, &shown), 0);
	assert_true(shown.sa_handler == SIG_DFL);
	assert_int_equal(count_pending(f->kq), 1);
}

/* 14: EVFILT_SIGNAL: "even if the signal has been marked as SIG_IGN". */
static void an_ignored_signal_is_counted(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	void (*before)(int) = signal(SIGUSR1, SIG_IGN);

	assert_int_equal(change(f->kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(raise(SIGUSR1), 0);

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 2);
	assert_true(signal(SIGUSR1, before) == SIG_IGN);
}

/* 14: EVFILT_SIGNAL: "except for the SIGCHLD signal". */
static void an_ignored_sigchld_is_not_counted(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);

	assert_int_equal(change(f->kq, SIGCHLD, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(raise(SIGCHLD), 0);
	assert_int_equal(count_pending(f->kq), 0);

	/* The default action discards the signal, which is not the same as
	 * SIG_IGN. */
	assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
	assert_int_equal(raise(SIGCHLD), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 1);
	signal(SIGCHLD, before);
}

/* 14: each kqueue has its own knote, and its own count. */
static void two_kqueues_both_see_a_signal(void **state)
{
	struct fixture *f = *state;
	int other = kqueue();
	void (*before)(int) = signal(SIGUSR1, SIG_IGN);

	assert_int_equal(change(f->kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(change(other, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(raise(SIGUSR1), 0);

	assert_int_equal(count_pending(f->kq), 1);
	assert_true(polls_readable(other));
	assert_int_equal(count_pending(other), 1);
	assert_false(polls_readable(other));
	close(other);
	signal(SIGUSR1, before);
}

/* 14: EVFILT_PROC. */
static void the_exit_of_a_process_is_told_once_with_its_status(void **state)
{
	struct fixture *f = *state;
	struct kevent c, event;
	int status, ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 42 : 1);
	}
	EV_SET(&c, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, &marker_a);
	assert_int_equal(kevent(f->kq, &c, 1, &event, 1, &at_once), 0);
	close(ends[1]);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, pid);
	assert_int_equal(event.fflags, NOTE_EXIT);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	assert_true(WIFEXITED((int)event.data));
	assert_int_equal(WEXITSTATUS((int)event.data), 42);
	assert_ptr_equal(event.udata, &marker_a);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(change(f->kq, pid, EVFILT_PROC, EV_DELETE), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, event.data);
	close(ends[0]);
}

/* 14: [src] filt_procattach(). */
static void a_zombie_at_registration_fires_at_once(void **state)
{
	struct fixture *f = *state;
	struct kevent c, event;
	siginfo_t info;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);

	EV_SET(&c, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	assert_int_equal(kevent(f->kq, &c, 1, &event, 1, &at_once), 1);

	assert_true(WIFSIGNALED((int)event.data));
	assert_int_equal(WTERMSIG((int)event.data), SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Start a child that only exits, with this status. */
static pid_t start_child(int status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(status);
	return pid;
}

/* 14: ERRORS, ESRCH. */
static void a_process_that_is_gone_is_ESRCH(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_child(0);

	assert_int_equal(waitpid(pid, NULL, 0), pid);

	assert_int_equal(
		change_notes(f->kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0),
		-1);
	assert_int_equal(errno, ESRCH);
}

/* Runs in the child. Returns 0 if all is as expected. */
static int look_at_kqueue_after_fork(int kq, int fd)
{
	struct kevent event;
	int fresh;

	if (kevent(kq, NULL, 0, &event, 1, &at_once) != -1 || errno != EBADF)
		return 1;
	if (fcntl(kq, F_GETFD) != -1)
		return 2;
	/* A new kqueue of the child works, and the child's close() closes
	 * it. */
	fresh = kqueue();
	if (fresh < 0 || change(fresh, fd, EVFILT_READ, EV_ADD) != 0)
		return 3;
	if (poll_events(fresh, &event, 1) != 1 || (int)event.ident != fd)
		return 4;
	close(fd);
	return poll_events(fresh, &event, 1) == 0 ? 0 : 5;
}

/* 15: "The queue is not inherited by a child created with fork." */
static void
a_forked_child_has_no_kqueue_and_the_parent_keeps_its_own(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int status;
	pid_t pid;

	put(f->pair[1], "x");
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(look_at_kqueue_after_fork(f->kq, f->pair[0]));

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, f->pair[0]);
}

/* 15: a vfork(2) child shares the memory, but what it closes is closed only in
 * the child. */
static void what_a_vforked_child_closes_stays_open_here(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int status;
	pid_t pid;

	put(f->pair[1], "x");
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	pid = vfork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(f->pair[1], f->pair[0]);
		close(f->pair[0]);
		close(f->kq);
		_exit(0);
	}

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, f->pair[0]);
}

/* 15: also after the parent has watched a signal. */
static void
a_forked_child_gets_back_the_program_s_own_dispositions(void **state)
{
	struct fixture *f = *state;
	struct sigaction shown;
	int status;
	pid_t pid;

	assert_int_equal(change(f->kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &shown);
		_exit(shown.sa_handler == SIG_DFL ? 0 : 1);
	}

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The child's changes have not reached the parent. */
	signal(SIGUSR1, SIG_IGN);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(count_pending(f->kq), 1);
	signal(SIGUSR1, SIG_DFL);
}

static int64_t cpu_time_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * NS_PER_SEC + used.tv_nsec;
}

/* A kqueue with thousands of descriptors answers as fast as for the few that
 * are ready, and takes little processor time. */
static void a_thousand_descriptors_are_found_quickly(void **state)
{
	enum { COUNT = 900 };
	struct fixture *f = *state;
	struct kevent event;
	int64_t start;
	int i, copies[COUNT];

	for (i = 0; i < COUNT; i++) {
		copies[i] = dup(f->pair[0]);
		assert_true(copies[i] >= 0);
	}
	start = cpu_time_ns();
	for (i = 0; i < COUNT; i++)
		assert_int_equal(change(f->kq, copies[i], EVFILT_READ,
					EV_ADD | EV_CLEAR),
				 0);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(
			change(f->kq, i, EVFILT_USER, EV_ADD | EV_ONESHOT), 0);
		assert_int_equal(trigger(f->kq, i), 0);
		assert_int_equal(poll_events(f->kq, &event, 1), 1);
		assert_int_equal(event.ident, i);
	}
	for (i = 0; i < COUNT; i++)
		close(copies[i]);
	print_message("%lld us of the processor\n",
		      (long long)(cpu_time_ns() - start) / 1000);
	assert_true(cpu_time_ns() - start < NS_PER_SEC);
	assert_int_equal(count_pending(f->kq), 0);
}

static int temporary_file(const char *text)
{
	char path[] = "/tmp/kqueue-double-XXXXXX";
	int fd;

	need_proc();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	put(fd, text);
	return fd;
}

static int count_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* ERRORS of kqueue(), EMFILE. */
static void without_free_descriptors_kqueue_fails_and_leaks_none(void **state)
{
	int before = count_descriptors();
	struct rlimit usual, tight;
	int spare[64];
	int kq, used, numbers;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	/* Leave one descriptor number free, then two, until there are
	 * enough. */
	for (numbers = 1; numbers < 10; numbers++) {
		for (used = 0; used < 64 - numbers; used++)
			spare[used] = dup(STDIN_FILENO);
		tight = usual;
		tight.rlim_cur = (rlim_t)spare[used - 1] + 1 + (rlim_t)numbers;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		kq = kqueue();
		assert_true(kq >= 0 || errno == EMFILE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
		while (used)
			close(spare[--used]);
		if (kq >= 0)
			break;
		assert_int_equal(count_descriptors(), before);
	}
	assert_true(kq >= 0);
	assert_true(numbers > 1);
	close(kq);
	assert_int_equal(count_descriptors(), before);
}

/* Descriptors that the double opens for a filter are closed with the kqueue. */
static void closing_a_kqueue_closes_all_that_it_opened(void **state)
{
	struct fixture *f = *state;
	int before = count_descriptors();
	int kq = kqueue();
	int file = temporary_file("x");
	pid_t pid = start_child(0);

	assert_int_equal(change(kq, f->pair[0], EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(change(kq, file, EVFILT_READ, EV_ADD), 0);
	assert_int_equal(
		change_notes(kq, file, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0), 0);
	assert_int_equal(change_notes(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1), 0);
	assert_int_equal(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(
		change_notes(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0), 0);
	assert_int_equal(close(kq), 0);
	assert_int_equal(close(kq), -1);
	assert_int_equal(errno, EBADF);
	close(file);

	assert_int_equal(count_descriptors(), before);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signals_are_counted_beside_the_handler),
		TEST(a_watched_signal_does_what_the_program_asked_for),
		TEST(a_handler_is_called_as_it_was_installed),
		TEST(an_ignored_signal_is_counted),
		TEST(an_ignored_sigchld_is_not_counted),
		TEST(two_kqueues_both_see_a_signal),
		TEST(the_exit_of_a_process_is_told_once_with_its_status),
		TEST(a_zombie_at_registration_fires_at_once),
		TEST(a_process_that_is_gone_is_ESRCH),
		TEST(a_forked_child_has_no_kqueue_and_the_parent_keeps_its_own),
		TEST(what_a_vforked_child_closes_stays_open_here),
		TEST(a_forked_child_gets_back_the_program_s_own_dispositions),
		TEST(a_thousand_descriptors_are_found_quickly),
		TEST(without_free_descriptors_kqueue_fails_and_leaks_none),
		TEST(closing_a_kqueue_closes_all_that_it_opened),
	};

	choose_tests();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

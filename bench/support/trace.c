/*
 * trace.c - count exactly what a piece of code does.
 *
 * The child tells its parent where to begin and to end by a signal to itself,
 * which the parent sees and does not pass on.
 *
 *  1. Sending the signal at the end is counted as well: the child's first
 *     on-and-off has nothing between, and what it counted is taken off all
 *     others.
 *  2. A step over a system call counts as the one instruction that it is.
 *  3. Both run on one processor, which is several times as fast as two.
 */
#include "support/trace.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t self;

static const struct {
	int number;
	const char *name;
} names[] = {
	{ SYS_read, "read" },
	{ SYS_write, "write" },
	{ SYS_readv, "readv" },
	{ SYS_writev, "writev" },
	{ SYS_recvfrom, "recvfrom" },
	{ SYS_sendto, "sendto" },
	{ SYS_recvmsg, "recvmsg" },
	{ SYS_sendmsg, "sendmsg" },
	{ SYS_epoll_ctl, "epoll_ctl" },
	{ SYS_epoll_pwait, "epoll_pwait" },
	{ SYS_epoll_pwait2, "epoll_pwait2" },
	{ SYS_clock_gettime, "clock_gettime" },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" },
#endif
};

/* Marks are system calls of the barest kind. */
void trace_on(void)
{
	syscall(SYS_kill, self, SIGUSR1);
}

void trace_off(void)
{
	syscall(SYS_kill, self, SIGUSR2);
}

static _Noreturn void child(void (*fn)(void *arg), void *arg)
{
	self = getpid();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	raise(SIGSTOP);
	trace_on();
	trace_off();
	fn(arg);
	_exit(0);
}

/* Which system call the child is about to make. */
static void count_call(pid_t pid, struct trace *window)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <
		    0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	window->total++;
	if (info.entry.nr < TRACE_NUMBERS)
		window->calls[info.entry.nr]++;
}

static void add(struct trace *sum, const struct trace *window, int sign)
{
	sum->total += (uint64_t)sign * window->total;
	for (size_t i = 0; i < TRACE_NUMBERS; i++)
		sum->calls[i] += (uint64_t)sign * window->calls[i];
}

/* Go on until the child's next stop; false if it has ended. */
static bool go_on(pid_t pid, enum __ptrace_request how, int *status)
{
	if (ptrace(how, pid, NULL, NULL))
		return false;
	while (waitpid(pid, status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFSTOPPED(*status);
}

static void follow(pid_t pid, enum trace_what what, struct trace *sum,
		   int *status)
{
	enum __ptrace_request fine =
		what == TRACE_CALLS ? PTRACE_SYSCALL : PTRACE_SINGLESTEP;
	struct trace empty = { 0 };
	struct trace window = { 0 };
	bool on = false;
	bool first = true;

	while (go_on(pid, on ? fine : PTRACE_CONT, status)) {
		int signal = WSTOPSIG(*status);

		if (signal == SIGUSR1) {
			on = true;
			window = (struct trace){ 0 };
		} else if (signal == SIGUSR2 && on) {
			on = false;
			if (first)
				empty = window;
			add(sum, &window, 1);
			add(sum, &empty, -1);
			first = false;
		} else if (on && signal == (SIGTRAP | 0x80)) {
			count_call(pid, &window);
		} else if (on && signal == SIGTRAP) {
			window.total++;
		}
	}
}

/* Stay on this processor; @before is where else we were allowed. */
static void pin(cpu_set_t *before)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	sched_getaffinity(0, sizeof(*before), before);
	sched_setaffinity(0, sizeof(here), &here);
}

int trace_run(struct trace *trace, enum trace_what what, void (*fn)(void *arg),
	      void *arg)
{
	int status = 0;
	cpu_set_t before;
	pid_t pid;

	fflush(NULL);
	*trace = (struct trace){ 0 };
	pin(&before);
	pid = fork();
	if (pid == 0)
		child(fn, arg);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		ptrace(PTRACE_SETOPTIONS, pid, NULL,
		       (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
		follow(pid, what, trace, &status);
	}
	sched_setaffinity(0, sizeof(before), &before);
	return pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

void trace_print_calls(FILE *file, const struct trace *trace, uint64_t count)
{
	uint64_t named = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t calls = trace->calls[names[i].number];

		named += calls;
		if (calls)
			fprintf(file, " %s %.3f", names[i].name,
				(double)calls / (double)count);
	}
	if (trace->total > named)
		fprintf(file, " others %.3f",
			(double)(trace->total - named) / (double)count);
}

/*
 * trace.c - count exactly what a piece of code does.
 *
 * The child marks the begin and the end by a signal to itself, which the parent
 * sees and does not pass on.
 *
 *   1. The signal at the end is counted as well. So the child's first
 *      on-and-off has nothing in between, and its count is subtracted from all
 *      others.
 *   2. A step over a system call counts as one instruction, which it is.
 *   3. Both run on one processor, which is several times as fast as two.
 *   4. An instruction counts by its own address, which is the program counter
 *      before the step. Those inside the vDSO do not count: see trace.h.
 *   5. Of several threads one runs until it sleeps, and then another one.
 *      Meanwhile other threads that are ready stay stopped. So they take turns
 *      as real-time threads on one processor do, in the same way in every run.
 */
#include "support/trace.h"

#include <errno.h>
#include <inttypes.h>
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
	{ SYS_recvmmsg, "recvmmsg" },
	{ SYS_sendmmsg, "sendmmsg" },
	{ SYS_epoll_ctl, "epoll_ctl" },
	{ SYS_epoll_pwait, "epoll_pwait" },
	{ SYS_epoll_pwait2, "epoll_pwait2" },
	{ SYS_clock_gettime, "clock_gettime" },
	{ SYS_futex, "futex" },
	{ SYS_openat, "openat" },
	{ SYS_newfstatat, "newfstatat" },
	{ SYS_fstat, "fstat" },
	{ SYS_statx, "statx" },
	{ SYS_pread64, "pread64" },
	{ SYS_close, "close" },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" },
#endif
};

/* The marks are system calls with as little else as possible. */
void trace_on(void)
{
	if (self == 0)
		self = getpid(); /* after exec(3) */
	syscall(SYS_kill, self, SIGUSR1);
}

void trace_off(void)
{
	syscall(SYS_kill, self, SIGUSR2);
}

static _Noreturn void child(void (*fn)(void *arg), void *arg)
{
	self = getpid();
	setpgid(0, 0);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	raise(SIGSTOP);
	trace_on();
	trace_off();
	fn(arg);
	_exit(0);
}

/* Count the system call that the child is about to make. */
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

/* Let the child run until its next stop. Returns false if it has ended. */
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

/* A range of addresses. */
struct range {
	uint64_t first;
	uint64_t end;
};

/* What is between two marks, and the sum of all such windows so far. */
struct window {
	struct trace *sum;
	bool stepped; /* counts instructions, not system calls */
	struct range vdso;
	uint64_t counter; /* the program counter of the next step */
	struct trace current;
	struct trace empty; /* (1) */
	bool on;
	bool first;
};

/* Where the vDSO of @pid is; an empty range if it has none. After exec(3) a
 * child has another one. */
static struct range find_vdso(pid_t pid)
{
	char path[64];
	char line[512];
	struct range vdso = { 0, 0 };
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "r");
	if (!file)
		return vdso;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "[vdso]") &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &vdso.first,
			   &vdso.end) == 2)
			break;
	fclose(file);
	return vdso;
}

static uint64_t program_counter(pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };

	ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
	return info.instruction_pointer;
}

static void count_instruction(pid_t pid, struct window *window)
{
	if (window->counter < window->vdso.first ||
	    window->counter >= window->vdso.end)
		window->current.total++;
	window->counter = program_counter(pid); /* (4) */
}

/* Handle a stop of the child or of one of its threads. */
static void see(struct window *window, pid_t pid, int signal)
{
	if (signal == SIGUSR1) {
		window->on = true;
		window->current = (struct trace){ 0 };
		if (window->stepped) {
			window->vdso = find_vdso(pid);
			window->counter = program_counter(pid);
		}
	} else if (signal == SIGUSR2 && window->on) {
		window->on = false;
		if (window->first)
			window->empty = window->current;
		add(window->sum, &window->current, 1);
		add(window->sum, &window->empty, -1);
		window->first = false;
	} else if (window->on && signal == (SIGTRAP | 0x80)) {
		count_call(pid, &window->current);
	} else if (window->on && signal == SIGTRAP) {
		count_instruction(pid, window);
	}
}

static void follow(pid_t pid, enum trace_what what, struct trace *sum,
		   int *status)
{
	const bool stepped = what == TRACE_INSTRUCTIONS;
	enum __ptrace_request fine =
		stepped ? PTRACE_SINGLESTEP : PTRACE_SYSCALL;
	struct window window = { .sum = sum,
				 .stepped = stepped,
				 .first = true };

	while (go_on(pid, window.on ? fine : PTRACE_CONT, status))
		see(&window, pid, WSTOPSIG(*status));
}

/* Whether it sleeps in the kernel or has ended. If we have stopped it, neither
 * is true. */
static bool sleeps(pid_t pid, pid_t thread)
{
	char path[64];
	char line[256] = "";
	const char *name_end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, thread);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	name_end = strrchr(line, ')');
	return name_end && name_end[1] == ' ' && strchr("SZX", name_end[2]);
}

/* Wait until @thread, which may run, has stopped or sleeps. If it sleeps, or is
 * 0, wait until any other thread has stopped. Returns the thread, or -1 if
 * there are no more. (5) */
static pid_t next_stop(pid_t pid, pid_t thread, int *status)
{
	while (thread) {
		pid_t stopped = waitpid(thread, status, __WALL | WNOHANG);

		if (stopped)
			return stopped;
		if (sleeps(pid, thread))
			break;
		sched_yield();
	}
	return waitpid(-pid, status, __WALL);
}

/* The same with its threads, which are all in the child's process group. They
 * always run from system call to system call, because a thread that sleeps when
 * counting begins could not be switched then. */
static void follow_threads(pid_t pid, struct trace *sum, int *status)
{
	struct window window = { .sum = sum, .first = true };
	pid_t thread = pid;

	while (thread >= 0 || errno == EINTR) {
		if (thread > 0)
			ptrace(PTRACE_SYSCALL, thread, NULL, NULL);
		thread = next_stop(pid, thread > 0 ? thread : 0, status);
		if (thread > 0 && !WIFSTOPPED(*status)) {
			if (thread == pid)
				return;
			thread = 0;
		} else if (thread > 0 && *status >> 16 == 0) {
			see(&window, thread, WSTOPSIG(*status));
		}
	}
}

/* Stay on this processor. @before gets the processors that were allowed. */
static void pin(cpu_set_t *before)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	sched_getaffinity(0, sizeof(*before), before);
	sched_setaffinity(0, sizeof(here), &here);
}

static int run_once(struct trace *trace, enum trace_what what,
		    void (*fn)(void *arg), void *arg)
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
		long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

		if (what == TRACE_THREAD_CALLS)
			options |= PTRACE_O_TRACECLONE;
		ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options);
		if (what == TRACE_THREAD_CALLS)
			follow_threads(pid, trace, &status);
		else
			follow(pid, what, trace, &status);
	}
	sched_setaffinity(0, sizeof(before), &before);
	return pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

int trace_run(struct trace *trace, enum trace_what what, void (*fn)(void *arg),
	      void *arg)
{
	uint64_t most = 0;
	unsigned runs = 0;
	bool twice = false;

	while (!twice && runs < TRACE_RUNS) {
		struct trace run;

		if (run_once(&run, what, fn, arg))
			return -1;
		twice = runs && run.total == trace->total;
		if (!runs++ || run.total < trace->total)
			*trace = run;
		if (run.total > most)
			most = run.total;
	}
	trace->most = most;
	trace->runs = runs;
	return 0;
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

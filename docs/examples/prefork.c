/*
 * prefork.c - a server of several processes that is replaced without a failed
 * request.
 *
 * The master opens the listening socket, or gets it from a service manager, and
 * forks workers, which all accept from it. It answers to signals:
 *
 *     SIGHUP            replace the workers, one by one
 *     SIGUSR2           run the program file anew: a new master with new
 *                       workers, which takes the socket over
 *     SIGTERM, SIGINT   end, after all requests are answered
 *
 * A worker that ends by itself is replaced, after a pause that doubles while
 * that goes on.
 *
 *     cc prefork.c prefork/worker.c $(pkg-config --cflags --libs rota)
 *     ./a.out -p 8080 -w 4
 *
 *  1. The socket is never closed while anybody may connect: the queue belongs
 *     to the socket, and not to a process. A new worker serves before the old
 *     one is told to stop, and so does a new master with all of its workers.
 *  2. Signals are blocked while a worker is forked, until it has watchers of
 *     its own. So none is lost in between.
 *  3. The master has a socket for each worker. The worker sends a byte when it
 *     serves. If the master is killed, the workers see the end of it.
 *  4. The new master is a child of the old one. Its environment is that of a
 *     program that a service manager has started with the socket. If it fails,
 *     the old one goes on. If it serves, it tells the old one to end, which
 *     tells the service manager who the main process is now.
 *  5. A child that the program has forked by itself is passed to
 *     rota_process_adopt(). So the library waits for it, for no other child,
 *     and a signal never reaches another process that has its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prefork/worker.h"

enum { BACKLOG = 1024, MOST_WORKERS = 64, LISTENER_OF_NEW_MASTER = 3 };

static const uint64_t FIRST_PAUSE_NS = ROTA_MSEC(50);
static const uint64_t LONGEST_PAUSE_NS = ROTA_SEC(10);
static const uint64_t LONG_LIFE_NS = ROTA_SEC(2);

struct worker {
	struct worker *next;         /* of the master's list */
	struct rota_pipe pipe;       /* (3) */
	struct rota_process process; /* (5) */
	uint64_t started_ns;
	int handles; /* that are open */
	unsigned slot;
	int is_ready, is_ending;
};

/* One of the workers that there should be. */
struct slot {
	struct rota_timer timer; /* of the pause */
	uint64_t pause_ns;       /* the last one */
};

static struct rota_loop *loop;
static struct rota_notifier notifier;
static struct rota_watchdog watchdog;
static struct rota_signal hangup, upgrade;
static struct rota_stop stop;
static struct worker *workers;
static struct slot slots[MOST_WORKERS];
static unsigned slot_count = 2;
static unsigned rolling; /* 1 more than the slot that is being replaced */
static int listener = -1;
static int is_stopping;
static struct rota_process new_master;
static pid_t old_master;
static char **arguments;

static void start_worker(unsigned slot);

/* --- workers -------------------------------------------------------------- */

static struct worker *find_in_slot(unsigned slot, int is_ready)
{
	for (struct worker *at = workers; at != NULL; at = at->next)
		if (at->slot == slot && !at->is_ending &&
		    at->is_ready == is_ready)
			return at;
	return NULL;
}

static void end_worker(struct worker *worker)
{
	worker->is_ending = 1;
	rota_process_kill(&worker->process, SIGTERM);
}

static void on_closed(struct rota_handle *handle)
{
	struct worker *worker = handle->data;

	if (--worker->handles == 0)
		free(worker);
}

static void free_worker(struct worker *worker)
{
	rota_handle_close(&worker->pipe.handle, on_closed);
	rota_handle_close(&worker->process.handle, on_closed);
}

/* The first time that everything serves: if there is an old master, this one
 * takes its place. (4) */
static void note_all_ready(void)
{
	static int is_noted;

	if (is_noted)
		return;
	for (unsigned i = 0; i < slot_count; i++)
		if (find_in_slot(i, 1) == NULL)
			return;
	is_noted = 1;
	rota_notifier_ready(&notifier);
	if (old_master > 0) {
		printf("prefork: master %ld has taken over\n", (long)getpid());
		kill(old_master, SIGTERM);
		old_master = 0;
	}
}

/* Replace the next worker, or be done with it. */
static void roll_on(void)
{
	if (rolling == 0)
		return;
	if (rolling++ == slot_count) {
		rolling = 0;
		printf("prefork: the workers are replaced\n");
		rota_notifier_ready(&notifier);
		return;
	}
	start_worker(rolling - 1);
}

/* The worker serves: the one that it replaces may stop. (1) */
static void on_ready(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	struct worker *worker =
		rota_container_of(stream, struct worker, pipe.stream);
	struct worker *before;

	(void)buf;
	rota_stream_read_stop(stream);
	if (status < 0 || is_stopping)
		return; /* it has ended: on_worker_exit() comes */
	before = find_in_slot(worker->slot, 1);
	worker->is_ready = 1;
	if (before != NULL)
		end_worker(before);
	note_all_ready();
	if (rolling == worker->slot + 1)
		roll_on();
}

/* In the child. If it kept a master's end, that worker would not see the end of
 * the master. (3) */
static _Noreturn void become_worker(const int fds[2])
{
	close(fds[0]);
	for (struct worker *at = workers; at != NULL; at = at->next)
		close(rota_stream_fd(&at->pipe.stream));
	_exit(worker_run(listener, fds[1]));
}

static void on_pause_over(struct rota_timer *timer)
{
	start_worker((unsigned)(rota_container_of(timer, struct slot, timer) -
				slots));
}

/* Start a worker for the slot after a pause. */
static void start_later(unsigned slot, int has_lived)
{
	struct slot *at = &slots[slot];

	at->pause_ns = has_lived ? FIRST_PAUSE_NS : at->pause_ns * 2;
	if (at->pause_ns < FIRST_PAUSE_NS)
		at->pause_ns = FIRST_PAUSE_NS;
	if (at->pause_ns > LONGEST_PAUSE_NS)
		at->pause_ns = LONGEST_PAUSE_NS;
	rota_timer_start(&at->timer, on_pause_over, at->pause_ns);
}

static pid_t fork_worker(const int fds[2])
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before); /* (2) */
	pid = fork();
	if (pid == 0)
		become_worker(fds);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void on_worker_exit(struct rota_process *process,
			   const struct rota_exit *exit);

/* Open the handles of a worker, and fork it: 0, or an error and there is
 * none. (5) */
static int fork_into(struct worker *worker, const int fds[2])
{
	pid_t pid;
	int error = rota_process_init(&worker->process, loop);

	if (error < 0)
		return error;
	error = rota_pipe_open(&worker->pipe, loop, fds[0]);
	if (error < 0) {
		rota_handle_close_now(&worker->process.handle);
		return error;
	}
	worker->pipe.handle.data = worker;
	worker->process.handle.data = worker;
	worker->handles = 2;
	pid = fork_worker(fds);
	error = pid < 0 ? -errno
			: rota_process_adopt(&worker->process, pid,
					     on_worker_exit);
	if (error < 0)
		free_worker(worker); /* it sees the end of its pipe */
	return error;
}

static void start_worker(unsigned slot)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int fds[2];
	int error = worker == NULL ? ROTA_ENOMEM : rota_pipe_socketpair(fds, 0);

	if (error == 0) {
		error = fork_into(worker, fds);
		close(fds[1]);
		if (error < 0 && worker->handles == 0)
			close(fds[0]);
	}
	if (error < 0) {
		fprintf(stderr, "prefork: worker: %s\n",
			rota_error_text(error));
		if (worker != NULL && worker->handles == 0)
			free(worker);
		start_later(slot, 0);
		return;
	}
	worker->slot = slot;
	worker->started_ns = rota_loop_now(loop);
	worker->next = workers;
	workers = worker;
	rota_stream_read_start(&worker->pipe.stream, on_ready);
}

/* --- children that end ---------------------------------------------------- */

static void take_worker(const struct worker *worker)
{
	struct worker **at = &workers;

	while (*at != worker)
		at = &(*at)->next;
	*at = worker->next;
}

static void close_watchers(void)
{
	rota_handle_close(&new_master.handle, NULL);
	rota_handle_close(&hangup.handle, NULL);
	rota_handle_close(&upgrade.handle, NULL);
	rota_stop_close(&stop);
}

static void replace_worker(const struct worker *worker)
{
	uint64_t life_ns = rota_loop_now(loop) - worker->started_ns;

	printf("prefork: worker %d has ended by itself\n",
	       rota_process_pid(&worker->process));
	if (!worker->is_ready && find_in_slot(worker->slot, 1) != NULL) {
		printf("prefork: the old workers stay\n");
		rolling = 0;
		rota_notifier_ready(&notifier);
		return;
	}
	start_later(worker->slot, worker->is_ready && life_ns >= LONG_LIFE_NS);
}

static void on_worker_exit(struct rota_process *process,
			   const struct rota_exit *exit)
{
	struct worker *worker = process->handle.data;

	(void)exit;
	take_worker(worker);
	if (!is_stopping && !worker->is_ending)
		replace_worker(worker);
	free_worker(worker);
	if (is_stopping && workers == NULL)
		close_watchers();
}

static void on_master_exit(struct rota_process *process,
			   const struct rota_exit *exit)
{
	(void)process;
	(void)exit;
	printf("prefork: the new master has failed\n");
}

/* --- signals -------------------------------------------------------------- */

static void on_hangup(struct rota_signal *signal, uint32_t count)
{
	(void)signal;
	(void)count;
	if (rolling > 0 || is_stopping)
		return;
	rota_notifier_reloading(&notifier);
	rolling = 1;
	start_worker(0);
}

/* In the child: (4) */
static _Noreturn void become_master(void)
{
	char text[32];
	sigset_t none;

	snprintf(text, sizeof(text), "%ld", (long)getppid());
	setenv("PREFORK_OLD_MASTER", text, 1);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "1", 1);
	unsetenv("LISTEN_FDNAMES");
	if (getenv("WATCHDOG_PID") != NULL)
		setenv("WATCHDOG_PID", text, 1);
	if (listener == LISTENER_OF_NEW_MASTER)
		fcntl(listener, F_SETFD, 0); /* no close-on-exec */
	else
		dup2(listener, LISTENER_OF_NEW_MASTER); /* the same */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(arguments[0], arguments);
	_exit(127);
}

static void on_upgrade(struct rota_signal *signal, uint32_t count)
{
	pid_t pid;

	(void)signal;
	(void)count;
	if (rota_handle_is_active(&new_master.handle) || is_stopping)
		return;
	pid = fork();
	if (pid == 0)
		become_master();
	if (pid < 0 || rota_process_adopt(&new_master, pid, on_master_exit) < 0)
		printf("prefork: the new master has failed\n");
}

static void on_stop(struct rota_stop *the_stop, int number, unsigned times)
{
	(void)the_stop;
	(void)number;
	if (times == 1 && rota_handle_is_active(&new_master.handle))
		rota_notifier_main_pid(&notifier, /* (4) */
				       rota_process_pid(&new_master));
	else if (times == 1)
		rota_notifier_stopping(&notifier);
	is_stopping = 1;
	for (unsigned i = 0; i < slot_count; i++)
		rota_timer_stop(&slots[i].timer);
	for (struct worker *at = workers; at != NULL; at = at->next)
		end_worker(at);
	if (workers == NULL)
		close_watchers();
}

static int watch(struct rota_signal *signal, int number, rota_signal_fn *fn)
{
	int error = rota_signal_init(signal, loop);

	return error < 0 ? error : rota_signal_start(signal, fn, number);
}

/* --- the start ------------------------------------------------------------ */

/* Take the socket that was passed to this program, or make one. */
static int open_listener(const char *ip, unsigned port)
{
	static struct rota_tcp tcp; /* it stays open, and accepts nothing */
	struct rota_listen_descriptors passed;
	struct rota_address address;
	ptrdiff_t count =
		rota_listen_descriptors_init(&passed, ROTA_SYSTEMD_UNSET);
	int error;

	if (count < 0)
		return (int)count;
	listener = rota_listen_descriptors_take(&passed, NULL);
	rota_listen_descriptors_close(&passed);
	error = rota_address_ip(&address, ip, port);
	if (error == 0 && listener >= 0)
		return rota_tcp_open(&tcp, loop, listener);
	if (error == 0)
		error = rota_tcp_init(&tcp, loop);
	if (error == 0)
		error = rota_tcp_bind(&tcp, &address, 0);
	if (error < 0)
		return error;
	listener = rota_stream_fd(&tcp.stream);
	return listen(listener, BACKLOG) < 0 ? ROTA_EADDRINUSE : 0;
}

static int print_address(void)
{
	struct rota_address address;
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	char text[ROTA_ADDRESS_TEXT_SIZE];
	int error;

	if (getsockname(listener, (struct sockaddr *)(void *)&own, &size) < 0)
		return ROTA_EINVAL;
	error = rota_address_from(&address, (struct sockaddr *)(void *)&own,
				  size);
	if (error == 0)
		error = rota_address_text(&address, text, sizeof(text));
	if (error == 0 && old_master == 0)
		printf("http://%s/\n", text);
	return error;
}

static int start(const char *ip, unsigned port)
{
	int error = rota_notifier_init(&notifier, 0);

	if (error >= 0)
		error = rota_watchdog_start(&watchdog, loop, &notifier, NULL);
	if (error >= 0)
		error = open_listener(ip, port);
	if (error == 0)
		error = print_address();
	if (error == 0)
		error = rota_stop_start(&stop, loop, on_stop, NULL);
	if (error == 0)
		error = rota_process_init(&new_master, loop);
	if (error == 0)
		error = watch(&hangup, SIGHUP, on_hangup);
	if (error == 0)
		error = watch(&upgrade, SIGUSR2, on_upgrade);
	for (unsigned i = 0; error == 0 && i < slot_count; i++) {
		rota_timer_init(&slots[i].timer, loop);
		start_worker(i);
	}
	return error;
}

static void usage(void)
{
	fprintf(stderr, "usage: prefork [-a address] [-p port] [-w workers]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const char *ip = "127.0.0.1", *old = getenv("PREFORK_OLD_MASTER");
	unsigned port = 0;
	int option, error;

	arguments = argv;
	setvbuf(stdout, NULL, _IOLBF, 0); /* a reader waits for lines */
	while ((option = getopt(argc, argv, "a:p:w:")) != -1) {
		if (option == 'a')
			ip = optarg;
		else if (option == 'p')
			port = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			slot_count = (unsigned)strtoul(optarg, NULL, 10);
		else
			usage();
	}
	if (slot_count < 1 || slot_count > MOST_WORKERS)
		usage();
	if (old != NULL && (pid_t)strtol(old, NULL, 10) == getppid())
		old_master = getppid();
	unsetenv("PREFORK_OLD_MASTER");
	error = rota_loop_new(&loop, NULL);
	if (error == 0)
		error = start(ip, port);
	if (error == 0)
		error = rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (error < 0)
		fprintf(stderr, "prefork: %s\n", rota_error_text(error));
	return rota_loop_shutdown(loop, UINT64_MAX) < 0 || error < 0;
}

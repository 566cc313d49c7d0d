/*
 * socat.c - a client that nobody here wrote.
 *
 * socat(1) copies its standard input to the server, and what comes back to its
 * standard output. Both are pipes; their other ends are watched by the loop.
 */
#include "demo.h"

#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../echo/socket.h"

enum {
	SOCAT_BYTES = 8 * 1024 * 1024,
	SOCAT_STALLED_SECONDS = 10,
	SOCAT_REAP_MS = 5,
};

extern char **environ;

/* A pipe that programs started from here do not inherit. */
static int open_pipe(int fds[2])
{
	if (pipe(fds) < 0)
		return -errno;
	if (fcntl(fds[0], F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fds[1], F_SETFD, FD_CLOEXEC) < 0) {
		int error = -errno;

		close(fds[0]);
		close(fds[1]);
		return error;
	}
	return 0;
}

/* Run socat with these descriptors as its standard input and output. */
static int spawn(pid_t *pid, uint16_t port, int input_fd, int output_fd)
{
	char address[32];
	char *const arguments[] = { "socat", "-t", "10", "-", address, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int error;

	snprintf(address, sizeof(address), "TCP:127.0.0.1:%u", port);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input_fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE); /* which we ignore: it should not */
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

	error = posix_spawnp(pid, "socat", &actions, &attributes, arguments,
			     environ);

	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

int socat_spawn(struct socat *socat, uint16_t port)
{
	int in[2], out[2];
	int error = open_pipe(in);

	if (error < 0)
		return error;
	error = open_pipe(out);
	if (error < 0)
		goto close_in;
	error = socket_set_flags(in[1]);
	if (error == 0)
		error = socket_set_flags(out[0]);
	if (error == 0)
		error = spawn(&socat->pid, port, in[0], out[1]);
	if (error < 0)
		goto close_out;
	close(in[0]);
	close(out[1]);
	socat->input_fd = in[1];
	socat->output_fd = out[0];
	return 0;
close_out:
	socat->pid = 0;
	close(out[0]);
	close(out[1]);
close_in:
	close(in[0]);
	close(in[1]);
	return error;
}

static void close_input(struct socat *s)
{
	if (s->input_fd < 0)
		return;
	if (s->clients != NULL)
		rota_watch_stop(&s->input);
	close(s->input_fd);
	s->input_fd = -1;
}

static void close_output(struct socat *s)
{
	if (s->output_fd < 0)
		return;
	if (s->clients != NULL)
		rota_watch_stop(&s->output);
	close(s->output_fd);
	s->output_fd = -1;
}

void socat_abandon(struct socat *socat)
{
	if (socat->pid == 0)
		return;
	close_input(socat);
	close_output(socat);
	kill(socat->pid, SIGKILL);
	waitpid(socat->pid, NULL, 0);
	socat->pid = 0;
}

/* It closed its output, so it is about to go. */
static void on_reap(struct rota_timer *timer)
{
	struct socat *s = rota_container_of(timer, struct socat, reap);
	struct clients *clients = s->clients;
	int status;

	if (waitpid(s->pid, &status, WNOHANG) == 0)
		return;
	s->pid = 0;
	rota_timer_stop(&s->reap);
	rota_timer_stop(&s->stalled);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		clients_check_end(clients);
	else
		clients_fail(clients, "socat ended badly (%#x)",
			     (unsigned)status);
}

static void on_stalled(struct rota_timer *timer)
{
	struct socat *s = rota_container_of(timer, struct socat, stalled);

	clients_fail(s->clients, "socat has been silent for too long");
}

static void on_writable(struct rota_watch *watch, unsigned events)
{
	struct socat *s = rota_container_of(watch, struct socat, input);
	const struct corpus *corpus = s->clients->corpus;

	(void)events;
	while (s->to_send > 0) {
		size_t size;
		const char *bytes = cursor_peek(corpus, &s->sent, &size);
		ssize_t n;

		if (size > s->to_send)
			size = (size_t)s->to_send;
		n = write(s->input_fd, bytes, size);

		if (n < 0 && socket_is_transient(errno))
			return;
		if (n < 0) {
			clients_fail(s->clients, "write to socat: %s",
				     rota_error_text(-errno));
			return;
		}
		s->to_send -= (uint64_t)n;
		cursor_advance(corpus, &s->sent, (size_t)n);
	}
	close_input(s); /* so that socat closes its writing half */
}

static void on_end(struct socat *s)
{
	close_output(s);
	if (s->to_receive > 0) {
		clients_fail(s->clients, "socat: %" PRIu64 " bytes were lost",
			     s->to_receive);
		return;
	}
	rota_timer_every(&s->reap, on_reap, ROTA_MSEC(SOCAT_REAP_MS),
			 ROTA_REPEAT_DELAY);
}

static void on_readable(struct rota_watch *watch, unsigned events)
{
	struct socat *s = rota_container_of(watch, struct socat, output);
	struct clients *all = s->clients;
	ssize_t n = read(s->output_fd, all->buffer, sizeof(all->buffer));
	uint64_t files = 0;
	size_t equal;

	(void)events;
	if (n < 0 && socket_is_transient(errno))
		return;
	if (n < 0) {
		clients_fail(all, "read from socat: %s",
			     rota_error_text(-errno));
		return;
	}
	if (n == 0) {
		on_end(s);
		return;
	}
	equal = cursor_compare(all->corpus, &s->received, all->buffer,
			       (size_t)n, &files);
	if (equal < (size_t)n || equal > s->to_receive) {
		clients_fail(all, "socat: mismatch in byte %zu of %s",
			     s->received.offset,
			     all->corpus->files[s->received.file].name);
		return;
	}
	s->to_receive -= equal;
	all->bytes += equal;
	all->files += files;
	meter_add(&all->meter, equal, files);
	rota_timer_again(&s->stalled);
}

int socat_start(struct socat *socat, struct clients *clients)
{
	struct rota_loop *loop = clients->loop;
	int error;

	socat->to_send = socat->to_receive = SOCAT_BYTES;
	rota_timer_init(&socat->reap, loop);
	rota_timer_init(&socat->stalled, loop);
	rota_watch_init(&socat->input, loop, socat->input_fd);
	rota_watch_init(&socat->output, loop, socat->output_fd);
	socat->clients = clients;
	error = rota_watch_start(&socat->input, on_writable, ROTA_WRITABLE);
	if (error == 0)
		error = rota_watch_start(&socat->output, on_readable,
					 ROTA_READABLE);
	if (error == 0)
		error = rota_timer_start(&socat->stalled, on_stalled,
					 ROTA_SEC(SOCAT_STALLED_SECONDS));
	return error;
}

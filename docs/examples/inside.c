/*
 * inside.c - a rota loop inside another event loop.
 *
 * Shows a host that has a loop of its own and sleeps by its own means, here
 * poll(2), as a toolkit or a game would. Rota is its guest: the host asks how
 * long it may sleep, sleeps on the guest's descriptor beside its own, and then
 * lets the guest take one turn, which never blocks.
 *
 *     cc inside.c $(pkg-config --cflags --libs rota) -o inside && ./inside
 *
 * The guest plays ping pong with its host through two pipes. The poller
 * poll(2) has no descriptor to sleep on (try ROTA_POLLER=poll): then the host
 * sleeps in short steps, and the guest's answers come that much later.
 */
#include <poll.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROUNDS = 5,
	STEP_MS = 10, /* the longest sleep if the guest cannot wake the host */
};

static int to_host[2], to_guest[2]; /* pipes */

static void say(const char *who, const char *what)
{
	printf("%-6s %s\n", who, what);
}

static void put_byte(int fd)
{
	if (write(fd, "!", 1) != 1)
		perror("inside: write");
}

static void take_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		perror("inside: read");
}

/* The guest. Nothing here knows that it is one. */

struct guest {
	struct rota_timer serve;
	struct rota_watch returned;
	unsigned rounds;
};

static void on_serve(struct rota_timer *timer)
{
	(void)timer;
	say("guest", "the timer of 20 ms is due: ping");
	put_byte(to_host[1]);
}

static void on_returned(struct rota_watch *watch, unsigned events)
{
	struct guest *g = rota_container_of(watch, struct guest, returned);

	(void)events;
	take_byte(rota_watch_fd(watch));
	say("guest", "a pong came back");
	if (++g->rounds < ROUNDS) {
		rota_timer_again(&g->serve);
		return;
	}
	say("guest", "enough");
	rota_watch_stop(watch); /* nothing keeps the loop alive now */
}

static int guest_start(struct guest *g, struct rota_loop *loop)
{
	int error;

	g->rounds = 0;
	rota_timer_init(&g->serve, loop);
	rota_watch_init(&g->returned, loop, to_guest[0]);
	error = rota_watch_start(&g->returned, on_returned, ROTA_READABLE);
	if (error == 0)
		error = rota_timer_start(&g->serve, on_serve, ROTA_MSEC(20));
	return error;
}

/* Milliseconds for poll(2): rounded up, or the host would wake a moment early
 * and turn for nothing; -1 stands for "no limit" in both. */
static int to_poll_timeout(int64_t timeout_ns, int guest_fd)
{
	int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;

	if (guest_fd < 0 && (ms < 0 || ms > STEP_MS))
		return STEP_MS;
	return ms > 60000 ? 60000 : (int)ms; /* an int: ask again in a minute */
}

/* Run the host's loop for as long as the guest is alive: 0, or an error. */
static int host_run(struct rota_loop *loop, int guest_fd)
{
	/* The host's own descriptor, and the guest's: poll() leaves out one
	 * that is negative. */
	struct pollfd fds[2] = {
		{ .fd = to_host[0], .events = POLLIN },
		{ .fd = guest_fd, .events = POLLIN },
	};

	while (rota_loop_alive(loop)) {
		int64_t timeout_ns;
		int status = rota_loop_next_timeout(loop, &timeout_ns);

		if (status < 0)
			return status;
		if (poll(fds, 2, to_poll_timeout(timeout_ns, guest_fd)) < 0)
			continue; /* a signal */
		if (fds[0].revents != 0) {
			take_byte(to_host[0]);
			say("host", "a ping: pong");
			put_byte(to_guest[1]);
		}
		status = rota_loop_run(loop, ROTA_RUN_NOWAIT);
		if (status < 0)
			return status;
	}
	return 0;
}

int main(void)
{
	struct rota_loop *loop;
	struct guest guest;
	int guest_fd;
	int error;

	if (pipe(to_host) < 0 || pipe(to_guest) < 0) {
		perror("inside: pipe");
		return EXIT_FAILURE;
	}
	error = rota_loop_new(&loop, NULL);
	if (error < 0) {
		fprintf(stderr, "inside: %s\n", rota_error_name(error));
		return EXIT_FAILURE;
	}
	guest_fd = rota_loop_backend_fd(loop);
	printf("host   the guest's poller is %s: %s\n",
	       rota_loop_backend_name(loop),
	       guest_fd >= 0 ? "I sleep on its descriptor"
			     : "no descriptor, so I look every 10 ms");

	error = guest_start(&guest, loop);
	if (error == 0)
		error = host_run(loop, guest_fd);
	if (error < 0) {
		fprintf(stderr, "inside: %s\n", rota_error_name(error));
		return EXIT_FAILURE;
	}
	say("host", "the guest has gone; so do I");
	return rota_loop_close(loop) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

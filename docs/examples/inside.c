/*
 * inside.c - a rota loop inside another event loop.
 *
 * This program shows a host that has its own loop and its own way to sleep, as
 * a toolkit or a game does; here that is poll(2). The rota loop is its guest.
 * The host asks how long it may sleep, sleeps on the guest's descriptor and its
 * own, and then runs one turn of the guest, which never blocks.
 *
 *     cc inside.c $(pkg-config --cflags --libs rota) -o inside && ./inside
 *
 * The guest exchanges pings and pongs with its host through two pipes. The
 * poller poll(2) has no descriptor to sleep on (try ROTA_POLLER=poll). Then the
 * host sleeps in short steps, and the guest answers later by up to one step.
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

/* The guest. This part does not depend on being a guest. */

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
	rota_watch_stop(watch); /* now nothing keeps the loop alive */
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

/* Milliseconds for poll(2). They are rounded up, or the host would wake a
 * moment early and run a turn for nothing. -1 means "no limit" in both. */
static int to_poll_timeout(int64_t timeout_ns, int guest_fd)
{
	int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;

	if (guest_fd < 0 && (ms < 0 || ms > STEP_MS))
		return STEP_MS;
	return ms > 60000 ? 60000 : (int)ms; /* an int: ask again in a minute */
}

/* Run the host's loop while the guest is alive. Returns 0 or an error. */
static int host_run(struct rota_loop *loop, int guest_fd)
{
	/* The host's own descriptor and the guest's. poll() ignores a negative
	 * one. */
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

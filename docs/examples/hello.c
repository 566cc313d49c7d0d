/*
 * hello.c - wait for a line of input, but not for longer than three seconds.
 *
 * Shows a timer, a watch, and that a loop ends when neither is left.
 *
 *     cc hello.c $(pkg-config --cflags --libs rota) -o hello && ./hello
 */
#include <rota.h>
#include <stdio.h>
#include <unistd.h>

static struct rota_watch input;
static struct rota_timer patience;

static void on_input(struct rota_watch *watch, unsigned events)
{
	char line[80];
	ssize_t size = read(rota_watch_fd(watch), line, sizeof(line));

	(void)events;
	printf("Hello, %.*s", size > 0 ? (int)size : 0, line);
	rota_watch_stop(watch);
	rota_timer_stop(&patience);
}

static void on_timeout(struct rota_timer *timer)
{
	(void)timer;
	puts("So be it.");
	rota_watch_stop(&input);
}

int main(void)
{
	struct rota_loop *loop;
	int status;

	if (rota_loop_new(&loop, NULL) < 0)
		return 1;
	puts("Who are you? You have three seconds.");
	rota_watch_init(&input, loop, STDIN_FILENO);
	status = rota_watch_start(&input, on_input, ROTA_READABLE);
	if (status < 0)
		printf("Nobody: %s.\n", rota_error_text(status));
	rota_timer_init(&patience, loop);
	rota_timer_start(&patience, on_timeout, ROTA_SEC(3));

	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	rota_loop_close(loop);
}

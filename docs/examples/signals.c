/*
 * signals.c - print a line for SIGUSR1, and end on SIGINT or SIGTERM.
 *
 * This program shows watchers of signals: one that is called for each delivery
 * of its signal, and two that are called once. The first SIGINT or SIGTERM ends
 * the program gracefully: the shutdown closes the watchers, and each signal has
 * its previous action again. So a second one usually ends the program at once.
 *
 *     cc signals.c $(pkg-config --cflags --libs rota) -o signals
 *     ./signals &
 *     kill -USR1 $!; kill $!
 */
#include <inttypes.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_user(struct rota_signal *signal, uint32_t count)
{
	struct rota_signal_info info = { .size = sizeof(info) };

	if (rota_signal_get_info(signal, &info) == 0)
		printf("SIGUSR1: %" PRIu32 ", the latest from process %d\n",
		       count, info.pid);
	fflush(stdout);
}

static void on_end(struct rota_signal *signal, uint32_t count)
{
	(void)count;
	puts("signals: the end");
	rota_loop_stop(rota_handle_loop(&signal->handle));
}

static int watch_end(struct rota_signal *signal, struct rota_loop *loop,
		     int number)
{
	int error = rota_signal_init(signal, loop);

	if (error == 0)
		error = rota_signal_start_once(signal, on_end, number);
	return error;
}

int main(void)
{
	struct rota_signal user, interrupt, terminate;
	struct rota_loop *loop;

	if (rota_loop_new(&loop, NULL) < 0 ||
	    rota_signal_init(&user, loop) < 0 ||
	    rota_signal_start(&user, on_user, SIGUSR1) < 0 ||
	    watch_end(&interrupt, loop, SIGINT) < 0 ||
	    watch_end(&terminate, loop, SIGTERM) < 0)
		return 1;
	printf("signals: %ld waits for SIGUSR1, SIGINT and SIGTERM\n",
	       (long)getpid());
	fflush(stdout); /* a reader at a pipe waits for this line */
	rota_loop_run(loop, ROTA_RUN_DEFAULT);

	/* Closes the watchers, and everything else that is open. */
	return rota_loop_shutdown(loop, UINT64_MAX) < 0;
}

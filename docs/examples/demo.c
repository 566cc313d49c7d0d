/*
 * demo.c - a hundred connections, two loops, and every byte compared.
 *
 * This program shows the loop under load, and that nothing is lost:
 *
 *     - an echo server runs on one loop;
 *     - 100 clients run on another loop in another thread, send it this
 *       project's own files and compare what comes back;
 *     - socat(1) is a client that this project did not write;
 *     - tasks are posted from loop to loop and back, and counted;
 *     - timers measure how late they are.
 *
 * Then both loops end, and the program prints what they did.
 *
 *     cc -pthread demo.c demo/[a-z]*.c echo/server.c \
 *         $(pkg-config --cflags --libs rota) -o rota-demo
 *     ./rota-demo [seconds [directory]]    # 3, and the current directory
 *
 * On success the last line is `demo: echo: ...` and the exit status is 0;
 * otherwise the line is `demo: FAILED: ...` with the reason. To see it fail,
 * make the server change one byte: DEMO_CORRUPT=1 ./rota-demo. `make demo` then
 * runs demo/fileserver.sh.
 *
 * The parts are in demo/: demo.h describes each of them.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "demo/demo.h"

enum {
	CORRUPT_BYTE = 1000000,
	GRACE_SECONDS = 60, /* for everything after the load */
};

static void on_alarm(int number)
{
	static const char text[] = "\ndemo: FAILED: time-out\n";
	ssize_t n = write(STDOUT_FILENO, text, sizeof(text) - 1);

	(void)number;
	_exit(n > 0 ? 1 : 2);
}

static void compare(struct verdict *verdict, const char *what, uint64_t a,
		    uint64_t b)
{
	if (a != b)
		verdict_fail(verdict, "%s: %" PRIu64 " and not %" PRIu64, what,
			     b, a);
}

/* Both threads have ended: compare what they counted. */
static void judge(struct verdict *verdict, struct server *server,
		  const struct clients *clients)
{
	if (clients->verdict.text[0] != '\0')
		verdict_fail(verdict, "%s", clients->verdict.text);
	if (server->verdict.text[0] != '\0')
		verdict_fail(verdict, "%s", server->verdict.text);

	compare(verdict, "bytes echoed and bytes compared", server->echo.bytes,
		clients->bytes);
	compare(verdict, "connections, and socat's", server->echo.accepted,
		clients->connections + 1);
	compare(verdict, "bytes that the server's immediates saw",
		server->echo.bytes, server->meter.bytes);
	compare(verdict, "bytes that the clients' immediates saw",
		clients->bytes, clients->meter.bytes);
	compare(verdict, "files that the clients' immediates saw",
		clients->files, clients->meter.files);
	compare(verdict, "microtasks after the server's ticks",
		server->meter.ticks, server->meter.microtasks);
	compare(verdict, "microtasks after the clients' ticks",
		clients->meter.ticks, clients->meter.microtasks);
	compare(verdict, "posts that reached the server", clients->receipts,
		server->receipts);
	compare(verdict, "bytes that they told of", clients->bytes,
		server->receipt_bytes);
	compare(verdict, "files that they told of", clients->files,
		server->receipt_files);
	compare(verdict, "posts that came back", server->receipts,
		clients->receipts_back);
	compare(verdict, "posts in the server loop's own figures",
		server->receipts + 1, server->stats.posts);
	if (clients->files == 0 || server->pulse.beats == 0 ||
	    clients->pulse.beats == 0)
		verdict_fail(verdict, "nothing happened");
}

/* A post to a loop that has ended returns an error; it is not lost. */
static void on_late(struct rota_task *task)
{
	(void)task;
}

static void post_late(struct verdict *verdict, struct server *server)
{
	struct rota_task late;

	rota_task_init(&late, server->loop);
	if (rota_task_post(&late, on_late) != ROTA_ESHUTDOWN)
		verdict_fail(verdict, "a post after the end was not refused");
}

static void run(struct verdict *verdict, const struct corpus *corpus,
		double seconds)
{
	static struct server server;
	static struct clients clients;

	if (getenv("DEMO_CORRUPT") != NULL)
		server.corrupt_at = CORRUPT_BYTE;
	if (server_start(&server) < 0) {
		verdict_fail(verdict, "%s", server.verdict.text);
		return;
	}
	printf("demo: %zu files of %zu bytes, %d connections, on %s\n",
	       corpus->count, corpus->size, CLIENTS,
	       rota_loop_backend_name(server.loop));
	fflush(stdout);

	clients.corpus = corpus;
	clients.server = &server;
	clients.duration_ns = (uint64_t)(seconds * 1e9);
	clients_run(&clients);
	server_join(&server);

	post_late(verdict, &server);
	judge(verdict, &server, &clients);
	if (verdict->text[0] == '\0') {
		report_loop("the server's loop", &server.stats, &server.pulse);
		report_loop("the clients' loop", &clients.stats,
			    &clients.pulse);
		report_totals(&server, &clients);
		printf("\ndemo: echo: %" PRIu64 " bytes of %" PRIu64
		       " connections, all as sent\n",
		       clients.bytes, server.echo.accepted);
	}
	clients_free(&clients);
	server_free(&server);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	const char *root = argc > 2 ? argv[2] : ".";
	struct verdict verdict = { "" };
	struct corpus corpus;
	int error;

	if (seconds <= 0 || seconds > 3600) {
		fprintf(stderr, "usage: demo [seconds [directory]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, on_alarm);
	alarm((unsigned)seconds + GRACE_SECONDS);

	error = corpus_load(&corpus, root);
	if (error < 0) {
		verdict_fail(&verdict, "the files below %s: %s", root,
			     rota_error_text(error));
	} else {
		run(&verdict, &corpus, seconds);
		corpus_free(&corpus);
	}
	if (verdict.text[0] != '\0')
		printf("demo: FAILED: %s\n", verdict.text);
	return verdict.text[0] != '\0';
}

/*
 * http.c - what does a request for a file cost a whole server?
 *
 * Load: wrk, with one thread and 100 keep-alive connections, requests the same
 * file again and again for a second: a small file of 1 KiB, or one of 100 KiB.
 * The servers have one processor, and wrk has another one if there are two. The
 * files are new, and in the page cache.
 *
 * Metric, per request:
 *
 *     cpu   ns that all threads of the server have run, including the kernel's
 *           share
 *
 * Other processes on the same processor disturb it a little. There is no
 * real-time priority here, because wrk and servers with threads would not run
 * in lock step with it.
 *
 * Subjects: rota's docs/examples/fileserver, a small and ordinary server. It
 * opens and reads files on its pool of threads, so a slow disk delays no other
 * client. nginx, with one worker, opens and reads files on the thread that
 * serves all clients; with sendfile(2) the bytes never enter it. By default it
 * opens the file for each request, as the file server does. With
 * open_file_cache it opens a file once, and may serve an old one while the
 * cache entry is valid. node has its http server with fs.readFile, or with
 * fs.createReadStream, piped into the response; it has a pool of threads, too.
 * A program that is not installed is left out. The environment variables
 * FILESERVER, NGINX, NODE, WRK and HTTP_NODE_JS say where the programs are.
 *
 * Bad news: there is no target. Close to nginx would be good for a server with
 * a pool; above node would be bad.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peers/http.h"
#include "support/bench.h"
#include "support/server.h"
#include "support/sockets.h"

static const struct http_peer *const peers[] = {
	&http_fileserver, &http_nginx_sendfile, &http_nginx_cache,
	&http_nginx_read, &http_node_whole,     &http_node_stream,
};

enum { PEERS = sizeof(peers) / sizeof(*peers), SERVERS_PROCESSOR = 0 };

static const struct {
	const char *name;
	size_t size;
} files[] = { { "small.txt", 1 << 10 }, { "large.txt", 100 << 10 } };

enum { FILES = sizeof(files) / sizeof(*files) };

struct service {
	struct bench_server server;
	struct http_command command;
	int stdout_fd;
	bool is_here;
};

/* The site. */

static struct http_site site;
static pid_t site_owner;

/* Runs at the end of the program, even after a failure. */
static void remove_site(void)
{
	char command[HTTP_PATH];

	if (getpid() != site_owner)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", site.directory);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", site.directory);
}

static void make_site(const char *own)
{
	site.own = own;
	snprintf(site.directory, sizeof(site.directory),
		 "/tmp/bench-http-XXXXXX");
	if (!mkdtemp(site.directory))
		bench_fail("mkdtemp");
	site_owner = getpid();
	atexit(remove_site);
	snprintf(site.root, sizeof(site.root), "%s/root", site.directory);
	if (mkdir(site.root, 0755) || chmod(site.directory, 0755))
		bench_fail("mkdir");
	for (size_t i = 0; i < FILES; i++) {
		char path[HTTP_PATH];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", site.root, files[i].name);
		file = fopen(path, "w");
		for (size_t k = 0; file && k < files[i].size; k++)
			putc(k % 64 == 63 ? '\n' : 'a' + (int)(k / 64 % 26),
			     file);
		if (!file || fclose(file))
			bench_fail("cannot write %s", path);
	}
}

/* Servers. */

static void serve(void *arg)
{
	struct service *service = arg;
	char *arguments[HTTP_ARGUMENTS + 1] = { service->command.program };

	for (size_t i = 1; i < HTTP_ARGUMENTS; i++)
		arguments[i] = (char *)service->command.arguments[i];
	bench_stay_on(SERVERS_PROCESSOR);
	dup2(service->stdout_fd, STDOUT_FILENO);
	close(service->stdout_fd);
	execv(service->command.program, arguments);
	_exit(1);
}

/* Read the port in the URL that a server prints. */
static unsigned read_port(int fd)
{
	FILE *printed = fdopen(fd, "r");
	char line[256];
	unsigned port = 0;

	if (!printed || !fgets(line, sizeof(line), printed) ||
	    sscanf(line, "http://127.0.0.1:%u/", &port) != 1)
		bench_fail("a server did not say where it is");
	fclose(printed);
	return port;
}

static void start_service(struct service *service, const struct http_peer *peer)
{
	int ends[2];

	service->is_here = peer->prepare(&service->command, &site);
	if (!service->is_here)
		return;
	if (pipe(ends))
		bench_fail("pipe");
	service->stdout_fd = ends[1];
	bench_server_start(&service->server, serve, service, ends[1], ends[1]);
	close(ends[1]);
	if (service->command.port)
		close(ends[0]);
	else
		service->command.port = read_port(ends[0]);
}

static int connect_soon(unsigned port)
{
	struct sockaddr_in name = { .sin_family = AF_INET };

	name.sin_port = htons((uint16_t)port);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int tries = 0; tries < 500; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
			return fd;
		close(fd);
		usleep(10000);
	}
	bench_fail("a server did not begin");
}

/* Check that the server sends the file. A chunked reply is somewhat longer. */
static void check_service(const struct service *service, const char *name,
			  size_t size)
{
	int fd = connect_soon(service->command.port);
	char text[65536];
	size_t total = 0;
	ssize_t n;

	n = snprintf(text, sizeof(text),
		     "GET /%s HTTP/1.1\r\nHost: localhost\r\n"
		     "Connection: close\r\n\r\n",
		     name);
	bench_write_all(fd, text, (size_t)n);
	while ((n = recv(fd, text, sizeof(text), 0)) > 0) {
		if (total == 0 && strncmp(text, "HTTP/1.1 200 ", 13))
			bench_fail("%s: no %s", service->command.program, name);
		total += (size_t)n;
	}
	close(fd);
	if (total < size || total > size + 1024)
		bench_fail("%s: %zu bytes for %s", service->command.program,
			   total, name);
}

/* wrk. */

/* Returns how many requests were answered. */
static double run_wrk(const char *wrk, unsigned port, const char *name)
{
	char command[2 * HTTP_PATH];
	char line[256];
	double requests = 0;
	FILE *printed;

	snprintf(command, sizeof(command),
		 "exec '%s' -t1 -c100 -d1s http://127.0.0.1:%u/%s", wrk, port,
		 name);
	printed = popen(command, "r");
	while (printed && fgets(line, sizeof(line), printed)) {
		sscanf(line, " %lf requests in", &requests);
		if (strstr(line, "Socket errors") || strstr(line, "Non-2xx"))
			bench_fail("wrk:%s", line);
	}
	if (!printed || pclose(printed) || requests <= 0)
		bench_fail("wrk has failed");
	return requests;
}

struct timing {
	struct bench *bench;
	const char *wrk;
	const char *file;
	struct service services[PEERS];
	struct bench_series cpu;
};

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	struct service *service = &timing->services[subject];
	uint64_t begin_ns;
	double requests;

	/* With --quick there is no warm-up. */
	if (!service->is_here ||
	    (timing->bench->quick && timing->bench->warming))
		return;
	begin_ns = bench_server_ns(&service->server);
	requests = run_wrk(timing->wrk, service->command.port, timing->file);
	bench_add(timing->bench, &timing->cpu, subject,
		  (double)(bench_server_ns(&service->server) - begin_ns) /
			  requests);
}

static void time_file(struct timing *timing, size_t index)
{
	struct bench *bench = timing->bench;

	timing->file = files[index].name;
	bench_series_init(&timing->cpu, "cpu", "ns/request", "%zu KiB",
			  files[index].size >> 10);
	for (size_t i = 0; i < PEERS; i++) {
		bench_series_name(&timing->cpu, peers[i]->name);
		if (timing->services[i].is_here)
			check_service(&timing->services[i], files[index].name,
				      files[index].size);
	}
	bench_interleave(bench, PEERS, bench->quick ? 1 : 4, time_one, timing);
	bench_print(bench, &timing->cpu);
}

int main(int argc, char **argv)
{
	static struct timing timing;
	char wrk[HTTP_PATH];
	struct bench bench;

	if (bench_begin(&bench, "http", argc, argv) > 1)
		bench_fail("http [--quick] [--check]");
	if (bench.check || !http_find(wrk, "WRK", "wrk", NULL))
		return bench_end(&bench); /* there are no exact counts */
	timing.bench = &bench;
	timing.wrk = wrk;
	bench_stay_on(SERVERS_PROCESSOR + 1);
	make_site(argv[0]);
	for (size_t i = 0; i < PEERS; i++)
		start_service(&timing.services[i], peers[i]);
	for (size_t i = 0; i < FILES; i++)
		time_file(&timing, i);
	for (size_t i = 0; i < PEERS; i++)
		if (timing.services[i].is_here)
			bench_server_end(&timing.services[i].server);
	return bench_end(&bench);
}

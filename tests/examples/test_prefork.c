/*
 * prefork.c under load: no request fails while its workers and its master are
 * replaced.
 */
#include "program.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "support/streams_more.h"

enum { CLIENTS = 2, WORKERS = 3 };

/* What the clients share with the test. */
static struct figures {
	atomic_uint requests, refused, failed;
	atomic_int is_over;
} * figures;

static unsigned port;
static pid_t clients[CLIENTS];
static int manager = -1; /* plays the service manager */
static FILE *stream;

/* --- clients -------------------------------------------------------------- */

/* Make one request. Returns the process that has answered, or 0. */
static long ask(void)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char text[512];
	size_t size = 0;
	ssize_t n;
	long pid = 0;
	char *body;
	int fd = try_connect(port, 0);

	if (fd < 0) {
		figures->refused++;
		return 0;
	}
	if (write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		goto fail;
	while ((n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	if (n < 0)
		goto fail;
	text[size] = '\0';
	body = strstr(text, "\r\n\r\n");
	if (strncmp(text, "HTTP/1.0 200 ", 13) != 0 || body == NULL)
		goto fail;
	pid = atol(body + 4);
fail:
	close(fd);
	if (pid == 0)
		figures->failed++;
	else
		figures->requests++;
	return pid;
}

static void begin_load(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = fork();
		assert_int_not_equal(clients[i], -1);
		if (clients[i] > 0)
			continue;
		alarm(120);
		while (!figures->is_over)
			ask();
		_exit(0);
	}
}

static void end_load(void)
{
	figures->is_over = 1;
	for (int i = 0; i < CLIENTS; i++) {
		if (clients[i] > 0)
			waitpid(clients[i], NULL, 0);
		clients[i] = 0;
	}
}

/* Wait until some more requests were answered, under the load. */
static void let_pass(unsigned count)
{
	unsigned goal = figures->requests + count;
	uint64_t end = real_now() + ROTA_SEC(60);

	while (figures->requests < goal && real_now() < end)
		usleep(1000);
	assert_true(figures->requests >= goal);
}

/* --- the service manager -------------------------------------------------- */

static void open_manager(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path_of("notify"));
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_not_equal(manager, -1);
	assert_int_equal(bind(manager, (struct sockaddr *)&un, sizeof(un)), 0);
}

/* Wait for the next message, which has to begin with @text. */
static void expect_told(const char *text)
{
	char message[512];
	struct timeval patience = { .tv_sec = 60 };
	ssize_t n;

	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	n = recv(manager, message, sizeof(message) - 1, 0);
	assert_true(n > 0);
	message[n] = '\0';
	if (strncmp(message, text, strlen(text)) != 0)
		fail_msg("\"%s\" instead of \"%s\"", message, text);
}

/* --- the test ------------------------------------------------------------- */

/* Wait for a line that has @text in it. Returns the number after it. */
static long wait_for_line(const char *text)
{
	char line[256];
	const char *at;

	while (fgets(line, sizeof(line), stream) != NULL) {
		at = strstr(line, text);
		if (at != NULL)
			return atol(at + strlen(text));
	}
	fail_msg("the program has ended before \"%s\"", text);
	return 0;
}

static void replace_workers(pid_t master)
{
	assert_int_equal(kill(master, SIGHUP), 0);
	wait_for_line("prefork: the workers are replaced");
	expect_told("RELOADING=1\nMONOTONIC_USEC=");
	expect_told("READY=1");
}

static void begin_server(void)
{
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(figures, MAP_FAILED);
	open_manager();
	setenv("NOTIFY_SOCKET", path_of("notify"), 1);
	setenv("WATCHDOG_USEC", "900000000", 1);
	port = start_server("", "prefork", "-w 3", &stream);
	expect_told("WATCHDOG=1");
	expect_told("READY=1");
}

static int end_all(void **state)
{
	if (figures != NULL) {
		end_load();
		munmap(figures, sizeof(*figures));
		figures = NULL;
	}
	if (manager >= 0)
		close(manager);
	manager = -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	return remove_directory(state);
}

static void no_request_fails_while_all_is_replaced(void **state)
{
	int rounds = test_is_full() ? 20 : 2;
	pid_t master;
	long worker;

	(void)state;
	need_one_poller_only();
	begin_server();
	master = server_pid;
	begin_load();
	for (int i = 0; i < rounds; i++) {
		let_pass(50);
		replace_workers(master);
		let_pass(50);
		kill(master, SIGUSR2);
		expect_told("WATCHDOG=1");
		expect_told("READY=1");
		expect_told("MAINPID=");
		master = (pid_t)wait_for_line("prefork: master ");
		assert_int_not_equal(master, server_pid);
		server_pid = master;
		let_pass(50);
		replace_workers(master);
	}
	let_pass(50);
	end_load();
	print_message("%u requests\n", figures->requests);
	assert_int_equal(figures->refused, 0);
	assert_int_equal(figures->failed, 0);

	/* A worker that ends by itself comes back. */
	worker = ask();
	assert_int_not_equal(worker, 0);
	assert_int_equal(kill((pid_t)worker, SIGKILL), 0);
	assert_int_equal(wait_for_line("prefork: worker "), worker);
	for (int i = 0; i < 2 * WORKERS; i++)
		assert_int_not_equal(ask(), 0);

	assert_int_equal(kill(master, SIGTERM), 0);
	expect_told("STOPPING=1");
	assert_ended_well(wait_for_server(stream));
	assert_int_equal(try_connect(port, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

/* The workers see that the master has gone, and the socket goes with them. */
static void without_a_master_the_workers_end(void **state)
{
	(void)state;
	need_one_poller_only();
	begin_server();
	assert_int_not_equal(ask(), 0);
	assert_int_equal(kill(server_pid, SIGKILL), 0);
	/* The end of its output: all processes have ended. */
	assert_int_equal(wait_for_server(stream), 128 + SIGKILL);
	assert_int_equal(try_connect(port, 0), -1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(no_request_fails_while_all_is_replaced,
					make_directory, end_all),
	cmocka_unit_test_setup_teardown(without_a_master_the_workers_end,
					make_directory, end_all),
};

FIXTURE_MAIN(tests)

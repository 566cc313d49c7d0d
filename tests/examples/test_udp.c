/*
 * The examples for datagrams, with foreign programs at the other end: socat,
 * dig and dnsmasq.
 */
#include "program.h"

#include <errno.h>

/* The output of a command of the shell. Its exit status is ignored. socat ends
 * when the command that it runs does, which takes the answer. */
static char answer[4096];

static void ask(const char *format, unsigned port)
{
	char command[512];
	FILE *stream;
	size_t size;

	snprintf(command, sizeof(command), format, port);
	stream = popen(command, "r");
	assert_non_null(stream);
	size = fread(answer, 1, sizeof(answer) - 1, stream);
	answer[size] = '\0';
	pclose(stream);
}

static void assert_answered(const char *text)
{
	if (strstr(answer, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, answer);
}

/* A port of UDP that is free now. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void socat_gets_its_datagrams_back(void **state)
{
	FILE *stream;
	unsigned port;

	(void)state;
	need("socat");
	port = start_server("", "udpecho", "0.0.0.0 0", &stream);
	ask("socat -t 0.1 UDP:127.0.0.1:%u "
	    "SYSTEM:'echo hello; head -n 1 >&2' 2>&1",
	    port);
	assert_answered("hello");
#ifdef __linux__
	/* Another address of this host: the answer must come from it, else
	 * socat, which is connected to it, does not get it. */
	ask("socat -t 0.1 UDP:127.7.7.7:%u "
	    "SYSTEM:'echo again; head -n 1 >&2' 2>&1",
	    port);
	assert_answered("again");
#endif
	end_server(stream, SIGINT);
	assert_printed("dropped 0");
}

/* An address of this host that only this test uses, so that no other server
 * takes its port in the meantime. */
static const char *own_address(void)
{
#ifdef __linux__
	static char text[32];
	unsigned number = (unsigned)getpid();

	snprintf(text, sizeof(text), "127.%u.%u.2", 1 + (number >> 8) % 250,
		 number % 256);
	return text;
#else
	return "127.0.0.1";
#endif
}

static pid_t start_dnsmasq(unsigned port)
{
	pid_t child;
	char number[32], listen[64];

	snprintf(number, sizeof(number), "--port=%u", port);
	snprintf(listen, sizeof(listen), "--listen-address=%s", own_address());
	fflush(NULL);
	child = fork();
	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		execlp("dnsmasq", "dnsmasq", "--keep-in-foreground",
		       "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
		       "--user=", "--group=", "--pid-file=", listen,
		       "--bind-interfaces", "--address=/name.test/192.0.2.7",
		       "--txt-record=text.test,some text", number,
		       (char *)NULL);
		_exit(127);
	}
	return child;
}

static void dig_is_answered_by_dnsmasq(void **state)
{
	unsigned behind = free_port();
	char arguments[64];
	FILE *stream;
	unsigned port;
	pid_t dnsmasq;
	int status;

	(void)state;
	need("dig");
	need("dnsmasq");
	snprintf(arguments, sizeof(arguments), "127.0.0.1 0 %s %u",
		 own_address(), behind);
	port = start_server("", "dns", arguments, &stream);

	/* Nobody is there yet: the network says so, and dig gets to know. */
	ask("dig +tries=1 +time=10 @127.0.0.1 -p %u name.test", port);
	assert_answered("SERVFAIL");

	dnsmasq = start_dnsmasq(behind);
	assert_true(dnsmasq > 0);
	for (int tries = 0; tries < 200 && strstr(answer, "192.0.2.7") == NULL;
	     tries++)
		ask("dig +tries=1 +time=1 +short @127.0.0.1 -p %u name.test",
		    port);
	assert_answered("192.0.2.7");
	ask("dig +tries=2 +time=10 +short @127.0.0.1 -p %u text.test TXT",
	    port);
	assert_answered("some text");
	ask("dig +tries=2 +time=10 @127.0.0.1 -p %u nothing.invalid", port);
	assert_answered("opcode: QUERY");
	kill(dnsmasq, SIGKILL);
	waitpid(dnsmasq, &status, 0);
	end_server(stream, SIGINT);
	assert_printed("forwarded");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(socat_gets_its_datagrams_back, kill_server),
	cmocka_unit_test_teardown(dig_is_answered_by_dnsmasq, kill_server),
};
FIXTURE_MAIN(tests)

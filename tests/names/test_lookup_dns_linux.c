/* poller: none */
/*
 * Lookups by the resolver of the system, with a server of DNS that answers late
 * or never: in a network of this test, with an /etc/resolv.conf that leads
 * there. See support/netns.h.
 *
 * The resolver waits 30 s for an answer, and asks five times. So what waits for
 * it does not end before the alarm of the child does.
 */
#include "names/looks.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rota/fs.h"
#include "support/child.h"
#include "support/netns.h"

enum { QUERY = 512, HEADER = 12 };

/* The server: it holds the queries for late.test back until answer_late() is
 * called. */
struct dns {
	int fd;
	int tells;
	pid_t process;
};

/* Write a query's answer over it: 192.0.2.7, for a name whose type is A, and
 * nothing for AAAA. Returns its size. */
static size_t make_answer(unsigned char *query, size_t size)
{
	static const unsigned char answer[] = { 0xc0, HEADER, 0, 1, 0, 1,
						0,    0,      0, 9, 0, 4,
						192,  0,      2, 7 };
	size_t end = HEADER + strlen((char *)query + HEADER) + 1;
	int is_a;

	if (size < end + 4)
		return 0;
	is_a = query[end + 1] == 1;
	query[2] = 0x81; /* an answer */
	query[3] = 0x80;
	memset(query + 6, 0, 6);
	query[7] = (unsigned char)is_a;
	if (!is_a)
		return end + 4;
	memcpy(query + end + 4, answer, sizeof(answer));
	return end + 4 + sizeof(answer);
}

static int is_about(const unsigned char *query, const char *label)
{
	return query[HEADER] == strlen(label) &&
	       memcmp(query + HEADER + 1, label, strlen(label)) == 0;
}

/* In the process of the server. A datagram of one byte is from the test. */
_Noreturn static void serve_dns(int fd, int tells)
{
	static unsigned char held[8][QUERY + 64];
	static struct sockaddr_in from[8];
	size_t sizes[8];
	socklen_t from_size = sizeof(from[0]);
	unsigned count = 0;
	int answers = 0; /* from the test's datagram on */

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t n = recvfrom(fd, held[count], QUERY, 0,
				     (struct sockaddr *)(void *)&from[count],
				     &from_size);

		if (n > HEADER && count < 7 && is_about(held[count], "late")) {
			sizes[count++] = (size_t)n;
			(void)!write(tells, "l", 1);
		} else if (n > HEADER && is_about(held[count], "never")) {
			(void)!write(tells, "n", 1);
		}
		answers |= n == 1;
		for (; answers && count > 0; count--)
			sendto(fd, held[count - 1],
			       make_answer(held[count - 1], sizes[count - 1]),
			       0, (struct sockaddr *)(void *)&from[count - 1],
			       sizeof(from[0]));
	}
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Have this process, and no other, find @text at @path. */
static void put_over(const char *path, const char *text)
{
	char name[] = "/tmp/rota-test-XXXXXX";
	int fd = mkstemp(name);

	EXPECT(fd >= 0);
	close(fd);
	EXPECT(write_text(name, text) == 0);
	if (mount(name, path, NULL, MS_BIND, NULL) < 0) {
		unlink(name);
		child_skips();
	}
	unlink(name);
}

/* Go to a network and to files of our own, and start the server. Where that is
 * impossible, the process ends. */
static void enter_dns(struct dns *dns)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(53) };
	int tells[2];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (enter_hosts(NULL) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		child_skips();
	put_over("/etc/resolv.conf", "nameserver 127.0.0.1\n"
				     "options timeout:30 attempts:5\n");
	put_over("/etc/nsswitch.conf", "hosts: files dns\n");
	dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(dns->fd, (struct sockaddr *)(void *)&address,
		 sizeof(address)) < 0)
		child_skips();
	EXPECT(pipe2(tells, O_CLOEXEC) == 0);
	dns->process = fork();
	if (dns->process == 0)
		serve_dns(dns->fd, tells[1]);
	close(tells[1]);
	dns->tells = tells[0];
}

/* Wait for a query about a name that begins with that letter. */
static void await_query(const struct dns *dns, char letter)
{
	char found = 0;

	while (found != letter && read(dns->tells, &found, 1) == 1)
		continue;
	EXPECT(found == letter);
}

static void answer_late(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(53) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT(sendto(fd, "!", 1, 0, (struct sockaddr *)(void *)&to,
		      sizeof(to)) == 1);
	close(fd);
}

struct seen {
	struct rota_lookup lookup;
	struct rota_deadline deadline;
	struct rota_fs fs;
	unsigned calls;
	int status;
	char first[ROTA_ADDRESS_TEXT_SIZE];
	struct seen *reader;
};

static void on_seen(struct rota_lookup *lookup, int status,
		    const struct rota_address_list *list)
{
	struct seen *seen = rota_container_of(lookup, struct seen, lookup);

	seen->calls++;
	seen->status = status;
	if (list != NULL)
		rota_address_text(&list->addresses[0], seen->first,
				  sizeof(seen->first));
}

static void on_seen_file(struct rota_fs *fs, int64_t result)
{
	struct seen *seen = rota_container_of(fs, struct seen, fs);

	seen->calls++;
	seen->status = result < 0 ? (int)result : 0;
	free(fs->data);
}

static void run_until_seen(struct rota_loop *loop, const struct seen *seen)
{
	while (seen->calls == 0)
		EXPECT(rota_loop_run(loop, ROTA_RUN_ONCE) >= 0);
}

static void stop_dns(const struct dns *dns)
{
	kill(dns->process, SIGKILL);
	waitpid(dns->process, NULL, 0);
}

/* The thread that is stuck delays neither the deadline of its lookup, nor
 * files, nor another lookup, nor the end of the loop. */
static void look_up_late_and_never(struct dns *dns)
{
	struct rota_loop *loop = NULL;
	struct seen never = { .calls = 0 }, late = never, file = never;

	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_lookup_begin(&never.lookup, loop, "never.test", "80", NULL,
				 on_seen) == 0);
	EXPECT(rota_lookup_begin(&late.lookup, loop, "late.test", "80", NULL,
				 on_seen) == 0);
	await_query(dns, 'n');
	await_query(dns, 'l');
	rota_fs_init(&file.fs, loop);
	EXPECT(rota_fs_read_file(&file.fs, on_seen_file, "/etc/resolv.conf",
				 4096) == 0);
	run_until_seen(loop, &file);
	EXPECT(file.status == 0 && never.calls == 0 && late.calls == 0);
	EXPECT(rota_request_set_deadline(&never.lookup.request, &never.deadline,
					 rota_loop_now(loop) + ROTA_MSEC(5)) ==
	       0);
	run_until_seen(loop, &never);
	EXPECT(never.status == ROTA_ETIMEDOUT && late.calls == 0);
	answer_late();
	run_until_seen(loop, &late);
	EXPECT(late.status == 0 && strcmp(late.first, "192.0.2.7:80") == 0);

	never.calls = 0;
	EXPECT(rota_lookup_begin(&never.lookup, loop, "never.test", "80", NULL,
				 on_seen) == 0);
	EXPECT(rota_loop_shutdown(loop, UINT64_MAX) == 0);
	EXPECT(never.calls == 1 && never.status == ROTA_ECANCELED);
}

/* The end of the program does not wait for the thread. */
static void leave_never_behind(struct dns *dns)
{
	struct rota_loop *loop = NULL;
	struct seen never = { .calls = 0 };

	if (rota_loop_new(&loop, NULL) < 0 ||
	    rota_lookup_begin(&never.lookup, loop, "never.test", "80", NULL,
			      on_seen) < 0)
		_exit(1);
	await_query(dns, 'n');
	stop_dns(dns);
	exit(0); /* this runs all handlers */
}

/* Run @test in a child with a server, or skip it. */
static void with_dns(void (*test)(struct dns *dns))
{
	pid_t child;
	struct dns dns;

	fflush(NULL); /* exit(3) would print it again */
	child = child_fork();
	if (child == 0) {
		enter_dns(&dns);
		test(&dns);
		stop_dns(&dns);
		child_ends();
	}
	if (!expect_success_or_skip(child))
		skip_test("no namespaces for a server of DNS");
}

static void a_server_that_is_late_delays_its_lookup_only(void **state)
{
	(void)state;
	with_dns(look_up_late_and_never);
}

static void a_server_that_never_answers_does_not_delay_the_end(void **state)
{
	(void)state;
	with_dns(leave_never_behind);
}

static const struct CMUnitTest tests[] = {
	REAL(a_server_that_is_late_delays_its_lookup_only),
	REAL(a_server_that_never_answers_does_not_delay_the_end),
};

FIXTURE_MAIN(tests)

/*
 * systemd's protocol: descriptors, messages and the watchdog, with a datagram
 * socket that plays the service manager.
 */
/* system: linux */
/* poller: none */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rota/systemd.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* --- the environment ------------------------------------------------------ */

static void set(const char *name, const char *value)
{
	if (value == NULL)
		assert_int_equal(unsetenv(name), 0);
	else
		assert_int_equal(setenv(name, value, 1), 0);
}

static void set_number(const char *name, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	set(name, text);
}

static void clear_environment(void)
{
	static const char *const names[] = {
		"LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES",
		"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* --- descriptors ---------------------------------------------------------- */

/* Whether a call with these variables returns @expected, and leaves the list
 * empty and the variables there. In a child. */
static void expect_refused(const char *count, const char *names, int expected)
{
	struct rota_listen_descriptors list;

	if (count != NULL)
		setenv("LISTEN_FDS", count, 1);
	else
		unsetenv("LISTEN_FDS");
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
	EXPECT(rota_listen_descriptors_init(&list, ROTA_SYSTEMD_UNSET) ==
	       expected);
	EXPECT(rota_listen_descriptors_count(&list) == 0);
	EXPECT(rota_listen_descriptors_name(&list, 0) == NULL);
	EXPECT(rota_listen_descriptors_take(&list, NULL) == ROTA_ENOENT);
	EXPECT((getenv("LISTEN_PID") != NULL) == (expected < 0));
	rota_listen_descriptors_close(&list);
	setenv("LISTEN_PID", "1", 1);
}

/* In a child: close everything from 3 on, and have @count descriptors there, as
 * a service manager would: the first one is a listener, the second a Unix
 * listener, the third a UDP socket, and all others are pipes' ends. */
static void prepare_descriptors(int count)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fds[2];

	for (int fd = 3; fd < 64; fd++)
		close(fd);
	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "rota-test-%ld",
		 (long)getpid());
	for (int i = 0; i < count; i++) {
		switch (i) {
		case 0:
			EXPECT(socket(AF_INET, SOCK_STREAM, 0) == 3 &&
			       listen(3, 8) == 0);
			break;
		case 1:
			EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) == 4 &&
			       bind(4, (struct sockaddr *)&un, sizeof(un)) ==
				       0 &&
			       listen(4, 8) == 0);
			break;
		case 2:
			EXPECT(socket(AF_INET, SOCK_DGRAM, 0) == 5);
			break;
		default:
			EXPECT(pipe(fds) == 0 && fds[0] == 3 + i);
			close(fds[1]);
		}
	}
	setenv("LISTEN_PID", "1", 1);
}

static void set_ours(const char *count, const char *names)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void take_descriptors(void *arg)
{
	struct rota_listen_descriptors list;
	struct stat stat;

	(void)arg;
	clear_environment();
	prepare_descriptors(5);
	set_ours("5", "web:unix:dns::web");
	EXPECT(rota_listen_descriptors_init(&list, 0) == 5);
	EXPECT(rota_listen_descriptors_count(&list) == 5);
	for (int fd = 3; fd < 8; fd++)
		EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(strcmp(rota_listen_descriptors_name(&list, 0), "web") == 0);
	EXPECT(strcmp(rota_listen_descriptors_name(&list, 2), "dns") == 0);
	EXPECT(strcmp(rota_listen_descriptors_name(&list, 3), "unknown") == 0);
	EXPECT(rota_listen_descriptors_name(&list, 5) == NULL);
	EXPECT(rota_listen_descriptors_fd(&list, 2) == 5);
	EXPECT(rota_listen_descriptors_fd(&list, 5) == ROTA_ENOENT);
	EXPECT(getenv("LISTEN_FDS") != NULL);

	EXPECT(rota_listen_descriptors_take(&list, "web") == 3);
	EXPECT(rota_listen_descriptors_take(&list, "web") == 7);
	EXPECT(rota_listen_descriptors_take(&list, "web") == ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_fd(&list, 0) == ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_take(&list, "no") == ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_take(&list, NULL) == 4);
	rota_listen_descriptors_close(&list);
	EXPECT(fstat(3, &stat) == 0 && fstat(4, &stat) == 0);
	EXPECT(fstat(5, &stat) < 0 && fstat(6, &stat) < 0);
	EXPECT(fstat(7, &stat) == 0);
	rota_listen_descriptors_close(&list);
}

static void passed_descriptors_are_taken_by_name(void **state)
{
	(void)state;
	in_a_child(take_descriptors, NULL);
}

static void refuse_descriptors(void *arg)
{
	static const char *const bad[] = {
		"",   "-1",         "+1",
		" 1", "1 ",         "0x1",
		"1a", "2147483645", "18446744073709551617"
	};

	(void)arg;
	clear_environment();
	prepare_descriptors(2);
	fcntl(3, F_SETFD, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_ours("1", NULL);
		expect_refused(bad[i], NULL, ROTA_EINVAL);
	}
	set_ours("3", NULL);
	expect_refused("3", "a:b:c", ROTA_EBADF);
	set_ours("1", NULL);
	expect_refused("2147483644", NULL, ROTA_EBADF);
	set_ours("1", NULL);
	expect_refused("2", "a:b:c", ROTA_EINVAL);
	set_ours("1", NULL);
	expect_refused("2", "::", ROTA_EINVAL);
	set_ours("1", NULL);
	expect_refused("0", "a", 0);
	set_ours("1", NULL);
	expect_refused(NULL, "a", 0);
	setenv("LISTEN_PID", "1", 1); /* another process */
	expect_refused("2", "a", 0);
	unsetenv("LISTEN_PID");
	expect_refused("2", "a", 0);
	EXPECT(fcntl(3, F_GETFD) == 0); /* none was touched */
}

static void bad_variables_are_refused(void **state)
{
	(void)state;
	in_a_child(refuse_descriptors, NULL);
}

static void refuse_pids(void *arg)
{
	static const char *const bad[] = { "", "0", "-1", "x", "4294967296" };
	struct rota_listen_descriptors list;

	(void)arg;
	clear_environment();
	prepare_descriptors(1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_PID", bad[i], 1);
		EXPECT(rota_listen_descriptors_init(&list, 0) == ROTA_EINVAL);
	}
	EXPECT(rota_listen_descriptors_init(NULL, 0) == ROTA_EINVAL);
	EXPECT(rota_listen_descriptors_init(&list, 2) == ROTA_EINVAL);
}

static void bad_processes_are_refused(void **state)
{
	(void)state;
	in_a_child(refuse_pids, NULL);
}

static void fail_to_take(void *arg)
{
	struct rota_listen_descriptors list;

	(void)arg;
	clear_environment();
	prepare_descriptors(3);
	set_ours("3", "a:b");
	fault_fail("realloc", 1, ENOMEM);
	EXPECT(rota_listen_descriptors_init(&list, 0) == ROTA_ENOMEM);
	EXPECT(fault_clear() == 1);
	/* 3 calls look, and each further pair changes one. */
	for (unsigned i = 4; i < 10; i++) {
		fault_fail("fcntl", i, EBADF);
		EXPECT(rota_listen_descriptors_init(&list, 0) == ROTA_EBADF);
		EXPECT(fault_clear() == 1);
		for (int fd = 3; fd < 6; fd++)
			EXPECT(fcntl(fd, F_GETFD) == 0);
	}
	EXPECT(rota_listen_descriptors_init(&list, ROTA_SYSTEMD_UNSET) == 3);
	EXPECT(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL &&
	       getenv("LISTEN_FDNAMES") == NULL);
	EXPECT(strcmp(rota_listen_descriptors_name(&list, 2), "unknown") == 0);
	rota_listen_descriptors_close(&list);
}

static void a_failure_changes_nothing(void **state)
{
	(void)state;
	in_a_child(fail_to_take, NULL);
}

static void ignore_connection(struct rota_stream *stream, int status, int fd)
{
	(void)stream;
	(void)status;
	(void)fd;
}

static void open_descriptors(void *arg)
{
	struct rota_loop_options options;
	struct rota_listen_descriptors list;
	struct rota_loop *loop;
	struct rota_tcp tcp;
	struct rota_pipe pipe;
	struct rota_udp udp;

	(void)arg;
	clear_environment();
	prepare_descriptors(3);
	set_ours("3", "web:unix:dns");
	EXPECT(rota_listen_descriptors_init(&list, 0) == 3);
	rota_loop_options_init(&options);
	EXPECT(rota_loop_new(&loop, &options) == 0);

	/* The wrong kind leaves it there. */
	EXPECT(rota_listen_descriptors_pipe(&list, "web", &pipe, loop) < 0);
	EXPECT(rota_listen_descriptors_udp(&list, "unix", &udp, loop) < 0);
	EXPECT(rota_listen_descriptors_tcp(&list, "dns", &tcp, loop) < 0);
	EXPECT(rota_listen_descriptors_tcp(&list, "no", &tcp, loop) ==
	       ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_pipe(&list, "no", &pipe, loop) ==
	       ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_udp(&list, "no", &udp, loop) ==
	       ROTA_ENOENT);
	EXPECT(rota_listen_descriptors_fd(&list, 0) == 3);

	EXPECT(rota_listen_descriptors_tcp(&list, "web", &tcp, loop) == 0);
	EXPECT(rota_listen_descriptors_pipe(&list, "unix", &pipe, loop) == 0);
	EXPECT(rota_listen_descriptors_udp(&list, "dns", &udp, loop) == 0);
	EXPECT(rota_stream_fd(&tcp.stream) == 3);
	EXPECT(rota_stream_fd(&pipe.stream) == 4);
	EXPECT(rota_stream_listen(&tcp.stream, 16, ignore_connection) == 0);
	EXPECT(rota_stream_listen(&pipe.stream, 16, ignore_connection) == 0);
	EXPECT(rota_listen_descriptors_take(&list, NULL) == ROTA_ENOENT);
	rota_listen_descriptors_close(&list);
	EXPECT(fcntl(3, F_GETFD) >= 0);
	EXPECT(rota_loop_shutdown(loop, UINT64_MAX) == 0);
	EXPECT(fcntl(3, F_GETFD) < 0);
}

static void passed_descriptors_are_opened(void **state)
{
	(void)state;
	in_a_child(open_descriptors, NULL);
}

/* --- a socket that plays the service manager ------------------------------ */

struct manager {
	int fd;
	char path[108];
	int received; /* a descriptor that came with the last message, or -1 */
	int has_more; /* it had something besides its text */
};

static void manager_bind(struct manager *m, const char *name, size_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	m->received = -1;
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_not_equal(m->fd, -1);
	memcpy(un.sun_path, name, size);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	assert_int_equal(
		bind(m->fd, (struct sockaddr *)&un,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 size)),
		0);
}

static void manager_open(struct manager *m, int is_abstract)
{
	clear_environment();
	snprintf(m->path, sizeof(m->path), "%srota-notify-%ld",
		 is_abstract ? "@" : "/tmp/", (long)getpid());
	if (!is_abstract)
		unlink(m->path);
	manager_bind(m, m->path, strlen(m->path));
	set("NOTIFY_SOCKET", m->path);
}

static void manager_close(struct manager *m)
{
	close(m->fd);
	if (m->path[0] == '/')
		unlink(m->path);
	clear_environment();
}

/* Receive a message. Returns NULL if there is none. */
static const char *manager_next(struct manager *m)
{
	static char text[8192];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control;
	struct iovec bytes = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *at;
	ssize_t n = recvmsg(m->fd, &message, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	at = CMSG_FIRSTHDR(&message);
	m->has_more = at != NULL;
	if (at != NULL && at->cmsg_type == SCM_RIGHTS)
		memcpy(&m->received, CMSG_DATA(at), sizeof(int));
	return text;
}

static void expect_message(struct manager *m, const char *text)
{
	const char *found = manager_next(m);

	assert_non_null(found);
	assert_string_equal(found, text);
	assert_int_equal(m->has_more, strncmp(text, "FDSTORE", 7) == 0);
	assert_null(manager_next(m));
}

static void all_messages(int is_abstract)
{
	struct rota_notifier notifier;
	unsigned long long before = real_now() / 1000, time_us = 0;
	struct manager m;
	const char *found;
	int end = 0;

	manager_open(&m, is_abstract);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_non_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(rota_notifier_ready(&notifier), 1);
	expect_message(&m, "READY=1");
	assert_int_equal(rota_notifier_stopping(&notifier), 1);
	expect_message(&m, "STOPPING=1");
	assert_int_equal(rota_notifier_main_pid(&notifier, 4711), 1);
	expect_message(&m, "MAINPID=4711");
	assert_int_equal(
		rota_notifier_status(&notifier, "3\tworkers: \xc3\xa4"), 1);
	expect_message(&m, "STATUS=3\tworkers: \xc3\xa4");
	assert_int_equal(rota_notifier_extend(&notifier, ROTA_SEC(2) + 1), 1);
	expect_message(&m, "EXTEND_TIMEOUT_USEC=2000001");
	assert_int_equal(rota_notifier_send(&notifier, "ERRNO=2\nX_A=b", 0), 1);
	expect_message(&m, "ERRNO=2\nX_A=b");

	assert_int_equal(rota_notifier_reloading(&notifier), 1);
	found = manager_next(&m);
	assert_non_null(found);
	assert_int_equal(sscanf(found, "RELOADING=1\nMONOTONIC_USEC=%llu%n",
				&time_us, &end),
			 1);
	assert_int_equal(found[end], '\0');
	assert_in_range(time_us, before, real_now() / 1000);
	manager_close(&m);
}

static void messages_go_to_a_path(void **state)
{
	(void)state;
	all_messages(0);
}

static void messages_go_to_an_abstract_name(void **state)
{
	(void)state;
	all_messages(1);
}

static void a_notifier_works_without_the_variable(void **state)
{
	struct rota_notifier notifier;
	struct manager m;

	(void)state;
	manager_open(&m, 0);
	assert_int_equal(rota_notifier_init(&notifier, ROTA_SYSTEMD_UNSET), 1);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(rota_notifier_ready(&notifier), 1);
	expect_message(&m, "READY=1");
	manager_close(&m);
}

static void without_a_service_manager_nothing_is_sent(void **state)
{
	struct rota_notifier notifier;
	int fd = 0;

	(void)state;
	clear_environment();
	assert_int_equal(rota_notifier_init(&notifier, ROTA_SYSTEMD_UNSET), 0);
	fault_count_reset();
	assert_int_equal(rota_notifier_ready(&notifier), 0);
	assert_int_equal(rota_notifier_status(&notifier, "x"), 0);
	assert_int_equal(rota_notifier_store(&notifier, &fd, 1, "x"), 0);
	assert_int_equal(fault_count("socket"), 0);
	/* What is wrong is wrong all the same. */
	assert_int_equal(rota_notifier_status(&notifier, "a\nb"), ROTA_EINVAL);
}

static void bad_addresses_are_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", ROTA_EINVAL },
		{ "@", ROTA_EINVAL },
		{ "/", ROTA_EINVAL },
		{ "run/notify", ROTA_EINVAL },
		{ "vsock:2:1234", ROTA_ENOTSUP },
		{ "vsock-stream:2:1234", ROTA_ENOTSUP },
	};
	struct rota_notifier notifier;
	char name[200];

	(void)state;
	clear_environment();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set("NOTIFY_SOCKET", bad[i].text);
		assert_int_equal(
			rota_notifier_init(&notifier, ROTA_SYSTEMD_UNSET),
			bad[i].error);
		assert_non_null(getenv("NOTIFY_SOCKET"));
		assert_int_equal(rota_notifier_ready(&notifier), 0);
	}
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	set("NOTIFY_SOCKET", name);
	assert_int_equal(rota_notifier_init(&notifier, 0), ROTA_ENAMETOOLONG);
	name[108] = '\0'; /* 108 bytes: a path needs its 0 as well */
	set("NOTIFY_SOCKET", name);
	assert_int_equal(rota_notifier_init(&notifier, 0), ROTA_ENAMETOOLONG);
	name[107] = '\0';
	set("NOTIFY_SOCKET", name);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(rota_notifier_ready(&notifier), ROTA_ENOENT);
	assert_int_equal(rota_notifier_init(NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_notifier_init(&notifier, 4), ROTA_EINVAL);
	clear_environment();
}

static void the_longest_abstract_name_fits(void **state)
{
	struct rota_notifier notifier;
	char name[109];
	struct manager m = { .path = "" };

	(void)state;
	clear_environment();
	memset(name, 'a', sizeof(name));
	name[0] = '@';
	snprintf(name + 1, 30, "rota-%ld-", (long)getpid());
	name[strlen(name)] = 'a';
	name[108] = '\0';
	assert_int_equal(strlen(name), 108);
	manager_bind(&m, name, 108);
	set("NOTIFY_SOCKET", name);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(rota_notifier_ready(&notifier), 1);
	expect_message(&m, "READY=1");
	manager_close(&m);
}

static void bad_messages_are_refused(void **state)
{
	struct rota_notifier notifier;
	char text[ROTA_NOTIFY_SIZE + 2];
	struct manager m;

	(void)state;
	manager_open(&m, 1);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(rota_notifier_send(&notifier, NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_notifier_send(&notifier, "", 0), ROTA_EINVAL);
	assert_int_equal(rota_notifier_main_pid(&notifier, 0), ROTA_EINVAL);
	assert_int_equal(rota_notifier_main_pid(&notifier, -1), ROTA_EINVAL);
	assert_int_equal(rota_notifier_status(&notifier, NULL), ROTA_EINVAL);
	assert_int_equal(rota_notifier_status(&notifier, "a\nMAINPID=1"),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_status(&notifier, "a\rb"), ROTA_EINVAL);
	memset(text, 'x', sizeof(text));
	text[ROTA_NOTIFY_SIZE + 1] = '\0';
	assert_int_equal(rota_notifier_send(&notifier, text, 0), ROTA_EMSGSIZE);
	text[ROTA_NOTIFY_SIZE - 6] = '\0';
	assert_int_equal(rota_notifier_status(&notifier, text), ROTA_EMSGSIZE);
	assert_null(manager_next(&m));
	text[ROTA_NOTIFY_SIZE - 7] = '\0';
	assert_int_equal(rota_notifier_status(&notifier, text), 1);
	assert_int_equal(strlen(manager_next(&m)), ROTA_NOTIFY_SIZE);
	manager_close(&m);
}

static void descriptors_are_stored(void **state)
{
	struct rota_notifier notifier;
	char name[ROTA_NOTIFY_NAME_SIZE + 2];
	struct manager m;
	int fds[2];

	(void)state;
	manager_open(&m, 0);
	make_pipe(fds);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, "web"), 1);
	expect_message(&m, "FDSTORE=1\nFDNAME=web");
	put_byte(fds[1]);
	take_byte(m.received);
	close(m.received);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, NULL), 1);
	expect_message(&m, "FDSTORE=1");
	close(m.received);

	memset(name, 'n', sizeof(name));
	name[ROTA_NOTIFY_NAME_SIZE + 1] = '\0';
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, name),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, "a:b"),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, "a\nb"),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, ""),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, NULL, 1, "a"),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, fds, 0, "a"),
			 ROTA_EINVAL);
	assert_int_equal(rota_notifier_store(&notifier, fds, 254, "a"),
			 ROTA_EINVAL);
	close(fds[0]);
	assert_int_equal(rota_notifier_store(&notifier, fds, 1, "a"),
			 ROTA_EBADF);
	close(fds[1]);
	assert_null(manager_next(&m));
	manager_close(&m);
}

/* Fill the queue of the service manager. */
static void fill(const struct rota_notifier *notifier)
{
	int error;

	do {
		error = rota_notifier_status(notifier, "again");
	} while (error == 1);
	assert_int_equal(error, ROTA_EAGAIN);
}

static struct manager *to_empty;

static void empty_queue(void *arg)
{
	(void)arg;
	while (manager_next(to_empty) != NULL)
		;
}

static void a_full_queue_blocks_for_a_short_time(void **state)
{
	struct rota_notifier notifier;
	uint64_t before;
	struct manager m;

	(void)state;
	manager_open(&m, 0);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	fill(&notifier);
	fault_count_reset();
	before = real_now();
	assert_int_equal(rota_notifier_send(&notifier, "X=1", ROTA_MSEC(2)),
			 ROTA_EAGAIN);
	assert_true(real_now() - before >= ROTA_MSEC(2));
	assert_true(fault_count("ppoll") >= 1);

	/* It goes on as soon as there is room. */
	to_empty = &m;
	fault_call_before("ppoll", 1, empty_queue, NULL);
	assert_int_equal(rota_notifier_send(&notifier, "X=2", ROTA_SEC(60)), 1);
	assert_int_equal(fault_clear(), 1);
	expect_message(&m, "X=2");
	manager_close(&m);
}

static void a_message_that_fails_leaves_nothing(void **state)
{
	static const struct {
		const char *call;
		int error;
	} faults[] = {
		{ "socket", EMFILE },
		{ "connect", ECONNREFUSED },
		{ "sendmsg", ENOBUFS },
	};
	struct rota_notifier notifier;
	struct manager m;

	(void)state;
	manager_open(&m, 0);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int before = count_descriptors();

		fault_fail(faults[i].call, 1, faults[i].error);
		assert_int_equal(rota_notifier_ready(&notifier),
				 -faults[i].error);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(count_descriptors(), before);
	}
	fault_fail("sendmsg", 1, EINTR);
	assert_int_equal(rota_notifier_ready(&notifier), 1);
	assert_int_equal(fault_clear(), 1);
	expect_message(&m, "READY=1");
	manager_close(&m);
	assert_int_equal(rota_notifier_ready(&notifier), ROTA_ENOENT);
}

/* --- the watchdog --------------------------------------------------------- */

static unsigned count_messages(struct manager *m)
{
	const char *text;
	unsigned count = 0;

	for (; (text = manager_next(m)) != NULL; count++)
		assert_string_equal(text, "WATCHDOG=1");
	return count;
}

static void on_end(struct rota_timer *timer)
{
	(void)timer;
}

/* Run for @ns of virtual time. */
static int run_for(struct rota_loop *loop, uint64_t ns)
{
	struct rota_timer timer;

	rota_timer_init(&timer, loop);
	(void)rota_timer_start(&timer, on_end, ns);
	return rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

/* Let @ns pass, and return how many messages came. */
static unsigned messages_in(struct fixture *f, struct manager *m, uint64_t ns)
{
	assert_int_equal(run_for(f->loop, ns), 0);
	return count_messages(m);
}

static void start_watchdog(struct rota_watchdog *w, struct fixture *f,
			   rota_watchdog_fn *fn)
{
	struct rota_notifier notifier;

	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	*w = (struct rota_watchdog){ .data = NULL };
	assert_int_equal(rota_watchdog_start(w, f->loop, &notifier, fn), 1);
	assert_int_equal(rota_watchdog_start(w, f->loop, &notifier, fn),
			 ROTA_EALREADY);
}

static void a_watchdog_sends_each_half_of_its_interval(void **state)
{
	struct fixture *f = *state;
	struct rota_watchdog w;
	struct manager m;

	manager_open(&m, 0);
	set("WATCHDOG_USEC", "2000000");
	set_number("WATCHDOG_PID", (long)getpid());
	start_watchdog(&w, f, NULL);
	assert_int_equal(count_messages(&m), 0);
	assert_int_equal(messages_in(f, &m, 1), 1);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(999)), 0);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(2)), 1);
	assert_int_equal(messages_in(f, &m, ROTA_SEC(7)), 7);

	/* It does not keep the loop alive. */
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	rota_watchdog_stop(&w);
	rota_watchdog_stop(&w);
	assert_int_equal(messages_in(f, &m, ROTA_SEC(10)), 0);
	manager_close(&m);
}

static void a_lost_message_is_sent_again_soon(void **state)
{
	struct fixture *f = *state;
	struct rota_watchdog w;
	struct manager m;

	manager_open(&m, 0);
	set("WATCHDOG_USEC", "1600000");
	start_watchdog(&w, f, NULL);
	assert_int_equal(messages_in(f, &m, 1), 1);
	fault_fail("sendmsg", 1, EAGAIN);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(800)), 0);
	assert_int_equal(fault_clear(), 1);
	/* 100 ms, and then 800 as always. */
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(99)), 0);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(2)), 1);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(797)), 0);
	assert_int_equal(messages_in(f, &m, ROTA_MSEC(3)), 1);
	rota_watchdog_stop(&w);
	manager_close(&m);
}

static int is_well;

static int ask(struct rota_watchdog *watchdog)
{
	if (is_well == 2)
		rota_watchdog_stop(watchdog);
	return is_well;
}

static void a_service_that_is_not_well_says_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_watchdog w;
	struct manager m;

	manager_open(&m, 0);
	set("WATCHDOG_USEC", "2000000");
	is_well = 1;
	start_watchdog(&w, f, ask);
	assert_int_equal(messages_in(f, &m, ROTA_SEC(4)), 5);
	is_well = 0;
	assert_int_equal(messages_in(f, &m, ROTA_SEC(10)), 0);
	is_well = 1;
	assert_int_equal(messages_in(f, &m, ROTA_SEC(4)), 4);
	is_well = 2;
	assert_int_equal(messages_in(f, &m, ROTA_SEC(10)), 0);
	manager_close(&m);
}

static void the_interval_is_read(void **state)
{
	static const char *const bad[] = { "", "0", "-1", "1s",
					   "18446744073709551615" };
	struct fixture *f = *state;
	struct rota_watchdog w = { .data = NULL };
	struct rota_notifier notifier;
	uint64_t ns = 1;
	struct manager m;

	manager_open(&m, 0);
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(rota_watchdog_interval(&ns, 0), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(rota_watchdog_start(&w, f->loop, &notifier, NULL), 0);
	rota_watchdog_stop(&w);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set("WATCHDOG_USEC", bad[i]);
		assert_int_equal(
			rota_watchdog_interval(&ns, ROTA_SYSTEMD_UNSET),
			ROTA_EINVAL);
		assert_int_equal(
			rota_watchdog_start(&w, f->loop, &notifier, NULL),
			ROTA_EINVAL);
	}
	set("WATCHDOG_USEC", "3000");
	assert_int_equal(rota_watchdog_interval(&ns, 0), 1);
	assert_int_equal(ns, ROTA_MSEC(3));
	set("WATCHDOG_PID", "1");
	assert_int_equal(rota_watchdog_interval(&ns, 0), 0);
	assert_int_equal(ns, 0);
	set("WATCHDOG_PID", "x");
	assert_int_equal(rota_watchdog_interval(&ns, 0), ROTA_EINVAL);
	set("WATCHDOG_PID", NULL);
	assert_int_equal(rota_watchdog_interval(&ns, ROTA_SYSTEMD_UNSET), 1);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_int_equal(rota_watchdog_interval(NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_watchdog_interval(&ns, 8), ROTA_EINVAL);
	assert_int_equal(rota_watchdog_start(&w, f->loop, NULL, NULL),
			 ROTA_EINVAL);
	manager_close(&m);
}

static void a_child_sends_no_messages(void **state)
{
	struct fixture *f = *state;
	struct rota_watchdog w;
	struct manager m;
	pid_t child;

	manager_open(&m, 0);
	set("WATCHDOG_USEC", "2000000");
	start_watchdog(&w, f, NULL);
	child = child_fork();
	if (child == 0) {
		struct rota_watchdog own = { .data = NULL };
		struct rota_notifier notifier;

		EXPECT(rota_notifier_init(&notifier, 0) == 1);
		EXPECT(rota_watchdog_start(&own, f->loop, &notifier, NULL) ==
		       ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(run_for(f->loop, ROTA_SEC(10)) == 0);
		rota_watchdog_stop(&w);
		child_ends();
	}
	expect_success(child);
	assert_int_equal(count_messages(&m), 0);
	assert_int_equal(messages_in(f, &m, 1), 1);
	rota_watchdog_stop(&w);
	manager_close(&m);
}

/* --- a real peer ---------------------------------------------------------- */

static int has(const char *program)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1",
		 program);
	return system(command) == 0;
}

/* What systemd-notify(1) sends is what we send. */
static void systemd_notify_sends_the_same(void **state)
{
	struct rota_notifier notifier;
	struct manager m;
	const char *found;

	(void)state;
	if (!has("systemd-notify"))
		skip_test("there is no systemd-notify");
	manager_open(&m, 0);
	assert_int_equal(
		system("systemd-notify --no-block --ready --status=here "
		       "2>/dev/null"),
		0);
	found = manager_next(&m);
	assert_non_null(found);
	assert_non_null(strstr(found, "READY=1"));
	assert_non_null(strstr(found, "STATUS=here"));
	while (manager_next(&m) != NULL)
		;
	assert_int_equal(rota_notifier_init(&notifier, 0), 1);
	assert_int_equal(
		rota_notifier_send(&notifier, "READY=1\nSTATUS=here", 0), 1);
	expect_message(&m, "READY=1\nSTATUS=here");
	manager_close(&m);
}

static void structs_keep_to_their_budgets(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct rota_listen_descriptors), 1, 32);
	assert_in_range(sizeof(struct rota_notifier), 1, 112);
	assert_in_range(sizeof(struct rota_watchdog), 1, 216);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(passed_descriptors_are_taken_by_name),
	VIRTUAL(bad_variables_are_refused),
	VIRTUAL(bad_processes_are_refused),
	VIRTUAL(a_failure_changes_nothing),
	VIRTUAL(passed_descriptors_are_opened),
	VIRTUAL(messages_go_to_a_path),
	VIRTUAL(messages_go_to_an_abstract_name),
	VIRTUAL(a_notifier_works_without_the_variable),
	VIRTUAL(without_a_service_manager_nothing_is_sent),
	VIRTUAL(bad_addresses_are_refused),
	VIRTUAL(the_longest_abstract_name_fits),
	VIRTUAL(bad_messages_are_refused),
	VIRTUAL(descriptors_are_stored),
	VIRTUAL(a_full_queue_blocks_for_a_short_time),
	VIRTUAL(a_message_that_fails_leaves_nothing),
	VIRTUAL(a_watchdog_sends_each_half_of_its_interval),
	VIRTUAL(a_lost_message_is_sent_again_soon),
	VIRTUAL(a_service_that_is_not_well_says_nothing),
	VIRTUAL(the_interval_is_read),
	VIRTUAL(a_child_sends_no_messages),
	VIRTUAL(systemd_notify_sends_the_same),
	VIRTUAL(structs_keep_to_their_budgets),
};

FIXTURE_MAIN(tests)

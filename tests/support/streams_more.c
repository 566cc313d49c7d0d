/*
 * tests/support/streams_more.c - see streams_more.h.
 */
#include "streams_more.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault_calls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

int test_is_full(void)
{
	const char *full = getenv("ROTA_TEST_FULL");

	if (full == NULL || *full != '1')
		return 0;
	alarm(600);
	return 1;
}

int test_is_sanitized(void)
{
	return SANITIZED;
}

/* --- raw sockets ---------------------------------------------------------- */

void loopback(struct rota_address *address, int family, unsigned port)
{
	assert_int_equal(
		rota_address_ip(address,
				family == AF_INET6 ? "::1" : "127.0.0.1", port),
		0);
}

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* Make a socket bound to loopback, or return -1. */
static int bound_socket(int family)
{
	struct rota_address address;
	int fd = new_socket(family);

	if (fd == -1)
		return -1;
	loopback(&address, family, 0);
	if (bind(fd, &address.is.any, (socklen_t)address.size) == 0)
		return fd;
	close(fd);
	return -1;
}

void need_ip6(void)
{
	int fd;

	fault_pass_begin();
	fd = bound_socket(AF_INET6);
	if (fd != -1)
		close(fd);
	fault_pass_end();
	if (fd == -1) {
		print_message("skip: there is no ::1\n");
		skip();
	}
}

int raw_begin_connect(const struct rota_address *address)
{
	int fd, error;

	fault_pass_begin();
	fd = new_socket(address->is.any.sa_family);
	assert_int_not_equal(fd, -1);
	error = connect(fd, &address->is.any, (socklen_t)address->size);
	assert_true(error == 0 || errno == EINPROGRESS);
	fault_pass_end();
	return fd;
}

int raw_client(const struct rota_address *address)
{
	int fd = raw_begin_connect(address);

	await_room(fd);
	assert_int_equal(raw_option(fd, SOL_SOCKET, SO_ERROR), 0);
	return fd;
}

void raw_clients(int *fds, unsigned count, const struct rota_address *address)
{
	for (unsigned i = 0; i < count; i++)
		fds[i] = raw_client(address);
}

void raw_close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		raw_close(fds[i]);
}

int raw_end(int fd)
{
	char bytes[4096];
	ptrdiff_t n;

	do {
		await_input(fd);
		n = raw_try_read(fd, bytes, sizeof(bytes));
	} while (n > 0);
	return (int)n;
}

int raw_unheard(struct rota_address *address)
{
	int fd;

	fault_pass_begin();
	fd = bound_socket(address->is.any.sa_family);
	fault_pass_end();
	assert_int_not_equal(fd, -1);
	raw_address(fd, address);
	return fd;
}

int raw_option(int fd, int level, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);
	int error;

	fault_pass_begin();
	error = getsockopt(fd, level, option, &value, &size);
	fault_pass_end();
	assert_int_equal(error, 0);
	return value;
}

void jam_open(struct jam *jam, int family)
{
	fault_pass_begin();
	jam->listener = bound_socket(family);
	assert_int_not_equal(jam->listener, -1);
	assert_int_equal(listen(jam->listener, 0), 0);
	fault_pass_end();
	raw_address(jam->listener, &jam->address);
	jam->filler = raw_client(&jam->address);
	await_input(jam->listener); /* now it is full */
}

void jam_close(struct jam *jam)
{
	raw_close(jam->filler);
	raw_close(jam->listener);
}

/* --- listeners ------------------------------------------------------------ */

void server_bind(struct server *s, struct fixture *f, int family)
{
	struct rota_address address;

	memset(s, 0, sizeof(*s));
	s->f = f;
	loopback(&address, family, 0);
	assert_int_equal(rota_tcp_init(&s->tcp, f->loop), 0);
	assert_int_equal(rota_tcp_bind(&s->tcp, &address, 0), 0);
	assert_int_equal(rota_tcp_own_address(&s->tcp, &s->address), 0);
}

void server_open_as(struct server *s, struct fixture *f, int family,
		    int backlog)
{
	server_bind(s, f, family);
	assert_int_equal(
		rota_stream_listen(&s->tcp.stream, backlog, server_called), 0);
}

void server_open(struct server *s, struct fixture *f, int backlog)
{
	server_open_as(s, f, AF_INET, backlog);
}

void server_keep(struct server *s, int fd)
{
	assert_true(s->kept < SERVER_KEEPS);
	s->fds[s->kept++] = fd;
}

void server_called(struct rota_stream *stream, int status, int fd)
{
	struct server *s = rota_container_of(stream, struct server, tcp.stream);

	assert_int_equal(rota_loop_phase(s->f->loop), ROTA_PHASE_POLL);
	if (status < 0) {
		assert_int_equal(fd, -1);
		s->failures++;
		s->status = status;
	} else {
		assert_int_equal(status, 0);
		assert_true(fd >= 0);
		s->accepted++;
	}
	if (s->act != NULL)
		s->act(s, status, fd);
	else if (status == 0)
		server_keep(s, fd);
}

void server_drop(struct server *s)
{
	while (s->kept > 0)
		raw_close(s->fds[--s->kept]);
}

void server_end(struct server *s)
{
	server_drop(s);
	if (!rota_handle_is_closing(&s->tcp.handle))
		assert_int_equal(rota_handle_close_now(&s->tcp.handle), 0);
}

/* --- handles -------------------------------------------------------------- */

void tcp_init(struct rota_tcp *tcp, struct fixture *f)
{
	assert_int_equal(rota_tcp_init(tcp, f->loop), 0);
}

void tcp_end(struct rota_tcp *tcp)
{
	assert_int_equal(rota_handle_close_now(&tcp->handle), 0);
}

void tcp_expect_fresh(struct rota_tcp *tcp)
{
	struct rota_stream *stream = &tcp->stream;
	struct rota_address address;

	assert_int_equal(rota_tcp_own_address(tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_tcp_peer_address(tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_stream_read_start(stream, collect),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_stream_send(stream, "x", 1), ROTA_ENOTCONN);
	assert_int_equal(rota_stream_queued(stream), 0);
	assert_false(rota_handle_is_active(&tcp->handle));
	assert_int_equal(handle_fd(&tcp->handle), -1);
}

void tcp_expect_talk(struct fixture *f, struct rota_tcp *tcp, struct server *s)
{
	char text[4];
	int fd;

	RUN_UNTIL(f, s->kept > 0);
	fd = s->fds[--s->kept];
	assert_int_equal(rota_stream_send(&tcp->stream, "ping", 4), 0);
	raw_read(fd, text, 4);
	assert_memory_equal(text, "ping", 4);
	raw_close(fd);
}

void connection_expect_talk(struct fixture *f, struct connection *c)
{
	char text[4];

	connection_read(c);
	raw_send(c->peer, "ping", 4);
	RUN_UNTIL(f, c->size == 4);
	assert_string_equal(c->text, "ping");
	assert_int_equal(rota_stream_send(&c->tcp.stream, "pong", 4), 0);
	raw_read(c->peer, text, 4);
	assert_memory_equal(text, "pong", 4);
}

/* --- connects ------------------------------------------------------------- */

void attempt_called(struct rota_connect *connect, int status)
{
	struct attempt *a = rota_container_of(connect, struct attempt, connect);

	a->calls++;
	a->status = status;
	a->phase = rota_loop_phase(rota_handle_loop(&a->tcp->handle));
	if (a->act != NULL)
		a->act(a, status);
}

int attempt_begin(struct attempt *a, struct rota_tcp *tcp,
		  const struct rota_address *address)
{
	int status;

	a->calls = 0;
	a->status = 1;
	a->tcp = tcp;
	status = rota_tcp_connect(&a->connect, tcp, address, attempt_called);
	assert_int_equal(a->calls, 0); /* O7 */
	return status;
}

int attempt_end(struct fixture *f, struct attempt *a)
{
	RUN_UNTIL(f, a->calls > 0);
	assert_int_equal(a->calls, 1);
	return a->status;
}

void attempt_note(struct attempt *a, int status)
{
	journal_note_status(rota_handle_loop(&a->tcp->handle), "connect",
			    status);
}

void waiting_begin(struct waiting *w, struct fixture *f)
{
	memset(w, 0, sizeof(*w));
	w->f = f;
	w->c.peer = -1;
	w->a.act = attempt_note;
	jam_open(&w->jam, AF_INET);
	tcp_init(&w->c.tcp, f);
	rota_handle_set_name(&w->c.tcp.handle, "tcp");
	assert_int_equal(attempt_begin(&w->a, &w->c.tcp, &w->jam.address), 0);
	for (unsigned i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(w->a.calls, 0);
}

void waiting_end(struct waiting *w)
{
	if (!rota_handle_is_closing(&w->c.tcp.handle))
		tcp_end(&w->c.tcp);
	jam_close(&w->jam);
	assert_string_equal(journal_take(), "");
}

struct rota_request *waiting_request(struct waiting *w)
{
	return &w->a.connect.request;
}

/* --- a shortage ----------------------------------------------------------- */

enum { MOST_COPIES = 512, TIGHT = 400 };

static struct rlimit limit_before;
static int copies[MOST_COPIES];
static unsigned copy_count;

static void set_limit(rlim_t count)
{
	struct rlimit limit = limit_before;

	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

void starve(void)
{
	int fd;

	set_limit(TIGHT);
	while ((fd = dup(STDIN_FILENO)) != -1) {
		assert_true(copy_count < MOST_COPIES);
		copies[copy_count++] = fd;
	}
	assert_int_equal(errno, EMFILE);
}

void starve_at(unsigned limit)
{
	set_limit(limit);
}

void starve_less(unsigned count)
{
	while (count-- > 0) {
		assert_true(copy_count > 0);
		raw_close(copies[--copy_count]);
	}
}

void starve_no_more(void)
{
	starve_less(copy_count);
	set_limit(limit_before.rlim_cur);
}

int shortage_begin_virtual(void **state)
{
	copy_count = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit_before) != 0)
		return -1;
	return fixture_begin_virtual(state);
}

int shortage_begin_real(void **state)
{
	copy_count = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit_before) != 0)
		return -1;
	return fixture_begin_real(state);
}

/* This runs after a test that failed as well. */
int shortage_end(void **state)
{
	while (copy_count > 0)
		close(copies[--copy_count]);
	(void)setrlimit(RLIMIT_NOFILE, &limit_before);
	return fixture_end(state);
}

void crowd_open(struct crowd *crowd)
{
	memset(crowd, 0, sizeof(*crowd));
	for (unsigned i = 0; i < CROWD; i++) {
		crowd->fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_not_equal(crowd->fds[i], -1);
		assert_int_not_equal(fcntl(crowd->fds[i], F_SETFL, O_NONBLOCK),
				     -1);
	}
}

void crowd_connect(struct crowd *crowd, unsigned count,
		   const struct rota_address *address)
{
	for (; count > 0; count--) {
		int fd = crowd->fds[crowd->connected++];
		int error =
			connect(fd, &address->is.any, (socklen_t)address->size);

		assert_true(error == 0 || errno == EINPROGRESS);
		await_room(fd);
	}
}

void crowd_expect_ends(struct crowd *crowd, unsigned count)
{
	for (; count > 0; count--) {
		int status = raw_end(crowd->fds[crowd->ended++]);

		assert_true(status == 0 || status == -ECONNRESET);
	}
}

void crowd_close(struct crowd *crowd)
{
	for (unsigned i = 0; i < CROWD; i++)
		raw_close(crowd->fds[i]);
}

void pass_a_moment(struct fixture *f, unsigned turns)
{
	assert_true(turns < 1000);
	assert_int_equal(rota_loop_advance(f->loop, ROTA_MSEC(20)), 0);
	turn(f);
}

void pass_seconds(struct fixture *f, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 50; i++)
		pass_a_moment(f, 0);
}

uint64_t shed_by(const struct server *s)
{
	return rota_stream_shed(&s->tcp.stream);
}

void need_few_open(void)
{
	if (count_descriptors() > 250) {
		print_message("skip: too many descriptors are open\n");
		skip();
	}
}

/* --- the rest ------------------------------------------------------------- */

struct search {
	const void *object;
	int fd;
};

static void find(void *arg, const struct rota_dump_entry *entry)
{
	struct search *search = arg;

	if (entry->object == search->object)
		search->fd = entry->fd;
}

int handle_fd(struct rota_handle *handle)
{
	struct search search = { handle, -1 };

	rota_loop_dump(rota_handle_loop(handle), find, &search);
	return search.fd;
}

void expect_same_address(const struct rota_address *a,
			 const struct rota_address *b)
{
	char text_a[ROTA_ADDRESS_TEXT_SIZE], text_b[ROTA_ADDRESS_TEXT_SIZE];

	assert_int_equal(rota_address_text(a, text_a, sizeof(text_a)), 0);
	assert_int_equal(rota_address_text(b, text_b, sizeof(text_b)), 0);
	assert_string_equal(text_a, text_b);
}

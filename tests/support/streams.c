/*
 * tests/support/streams.c - see streams.h.
 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "fault_calls.h"

/* The event with which poll(2) reports a FIN that has data before it. */
#ifdef POLLRDHUP
enum { FIN_EVENT = POLLRDHUP };
#else
enum { FIN_EVENT = POLLHUP };
#endif

enum { PATIENCE_MS = 40000, CHUNK = 65536 };

void out_of_time(uint64_t until_ns, const char *file, int line)
{
	if (real_now() < until_ns)
		return;
	print_error("%s:%d: did not come to pass in time\n", file, line);
	fail();
}

void small_loop_begin(struct fixture *own, size_t size)
{
	struct rota_loop_options options;

	*own = (struct fixture){ 0 };
	counting_allocator_init(&own->memory);
	fixture_options(own, ROTA_CLOCK_MONOTONIC, &options);
	options.buffer_size = size;
	assert_int_equal(rota_loop_new(&own->loop, &options), 0);
}

void small_loop_end(struct fixture *own)
{
	assert_int_equal(rota_loop_close(own->loop), 0);
	assert_int_equal(own->memory.bytes, 0);
}

unsigned count_writes(void)
{
	return fault_count("send") + fault_count("sendmsg");
}

unsigned count_reads(void)
{
	return fault_count("recv") + fault_count("read");
}

void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* --- the pattern ---------------------------------------------------------- */

/* The pattern repeats only after 251 * 256 bytes. */
char pattern_at(size_t offset)
{
	return (char)(offset % 251 + offset / 251 % 256 * 7);
}

/* One period. With it, sanitizers check the bytes of a piece together. */
enum { PERIOD = 251 * 256 };
static char period[PERIOD];

__attribute__((constructor)) static void make_period(void)
{
	for (size_t i = 0; i < PERIOD; i++)
		period[i] = pattern_at(i);
}

/* Return how many of the @size bytes at @offset are in one period. */
static size_t pattern_part(size_t size, size_t offset)
{
	size_t part = PERIOD - offset % PERIOD;

	return size < part ? size : part;
}

void pattern_fill(char *data, size_t size, size_t offset)
{
	for (size_t part; size > 0; size -= part) {
		part = pattern_part(size, offset);
		memcpy(data, period + offset % PERIOD, part);
		data += part;
		offset += part;
	}
}

int pattern_is(const char *data, size_t size, size_t offset)
{
	for (size_t part; size > 0; size -= part) {
		part = pattern_part(size, offset);
		if (memcmp(data, period + offset % PERIOD, part) != 0)
			return 0;
		data += part;
		offset += part;
	}
	return 1;
}

/* --- raw sockets ---------------------------------------------------------- */

static int is_ready(int fd, short events, short wanted)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, PATIENCE_MS) < 0)
		return 0;
	return (p.revents & wanted) != 0;
}

/* Wait for any of @wanted at @fd. */
static void await(int fd, short events, short wanted)
{
	int ready;

	fault_pass_begin();
	ready = is_ready(fd, events, wanted);
	fault_pass_end();
	assert_true(ready);
}

void await_input(int fd)
{
	await(fd, POLLIN, POLLIN);
}

void await_room(int fd)
{
	await(fd, POLLOUT, POLLOUT);
}

/* Waits only for a FIN or an RST, so that poll() sleeps although there is
 * data. */
void await_end(int fd)
{
	await(fd, FIN_EVENT & ~POLLHUP, FIN_EVENT | POLLHUP | POLLERR);
}

void await_bytes(int fd, size_t count)
{
	uint64_t until = real_now() + ROTA_SEC(40);
	int there = 0;

	await_input(fd);
	while (ioctl(fd, FIONREAD, &there) == 0 && (size_t)there < count) {
		/* No event reports more data. Let the system deliver it. */
		(void)poll(NULL, 0, 1);
		out_of_time(until, __FILE__, __LINE__);
	}
	assert_true((size_t)there >= count);
}

static void born_well(int fd)
{
	assert_true(fd >= 0);
	assert_int_not_equal(
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), -1);
	assert_int_not_equal(fcntl(fd, F_SETFD, FD_CLOEXEC), -1);
}

static int raw_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	born_well(fd);
	return fd;
}

void raw_address(int fd, struct rota_address *address)
{
	socklen_t size = sizeof(address->is);

	memset(address, 0, sizeof(*address));
	fault_pass_begin();
	assert_int_equal(getsockname(fd, &address->is.any, &size), 0);
	fault_pass_end();
	address->size = size;
}

int raw_listen(struct rota_address *address)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int on = 1;
	int fd;

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fault_pass_begin();
	fd = raw_socket();
	/* After thousands of connections, all ports may be in TIME_WAIT. */
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 128), 0);
	fault_pass_end();
	raw_address(fd, address);
	return fd;
}

int raw_connect(const struct rota_address *address)
{
	int fd, error;

	fault_pass_begin();
	fd = raw_socket();
	error = connect(fd, &address->is.any, (socklen_t)address->size);
	assert_true(error == 0 || errno == EINPROGRESS);
	fault_pass_end();
	return fd;
}

int raw_try_accept(int listener)
{
	int fd;

	fault_pass_begin();
	fd = accept(listener, NULL, NULL);
	if (fd >= 0)
		born_well(fd);
	fault_pass_end();
	return fd;
}

int raw_accept(int listener)
{
	int fd;

	await_input(listener);
	fd = raw_try_accept(listener);
	assert_true(fd >= 0);
	return fd;
}

void raw_buffers(int fd, int size)
{
	fault_pass_begin();
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	fault_pass_end();
}

static void raw_at_once(int fd)
{
	int on = 1;

	fault_pass_begin();
	assert_int_equal(
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	fault_pass_end();
}

/* Accept the connection of @client. Another program of the tests may connect by
 * chance to the same port, if it had that port just before. */
static int accept_from(int listener, int client)
{
	struct rota_address expected, peer;
	int fd;

	raw_address(client, &expected);
	for (;;) {
		socklen_t size = sizeof(peer.is);

		fd = raw_accept(listener);
		fault_pass_begin();
		if (getpeername(fd, &peer.is.any, &size) == 0 &&
		    size == expected.size &&
		    memcmp(&peer.is, &expected.is, size) == 0)
			break;
		(void)close(fd);
		fault_pass_end();
	}
	fault_pass_end();
	return fd;
}

/* The buffers have @size bytes, which must be set before there is a connection;
 * 0: the system's default. A single byte is sent at once. */
static void make_pair(int fds[2], int size)
{
	struct rota_address address;
	int listener = raw_listen(&address);
	int error;

	fault_pass_begin();
	fds[0] = raw_socket();
	if (size != 0) {
		raw_buffers(listener, size);
		raw_buffers(fds[0], size);
	}
	error = connect(fds[0], &address.is.any, (socklen_t)address.size);
	assert_true(error == 0 || errno == EINPROGRESS);
	fault_pass_end();
	fds[1] = accept_from(listener, fds[0]);
	raw_close(listener);
	await_room(fds[0]); /* it is connected */
	raw_at_once(fds[0]);
	raw_at_once(fds[1]);
}

void raw_pair(int fds[2])
{
	make_pair(fds, 0);
}

void raw_close(int fd)
{
	fault_pass_begin();
	assert_int_equal(close(fd), 0);
	fault_pass_end();
}

void raw_reset(int fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	fault_pass_begin();
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
				    sizeof(at_once)),
			 0);
	fault_pass_end();
	raw_close(fd);
}

void raw_shutdown(int fd)
{
	fault_pass_begin();
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	fault_pass_end();
}

ptrdiff_t raw_try_send(int fd, const void *data, size_t size)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)data,
			      .iov_len = size };
	ptrdiff_t n;

	fault_pass_begin();
	n = writev(fd, &part, 1);
	fault_pass_end();
	return n < 0 ? -errno : n;
}

void raw_send(int fd, const void *data, size_t size)
{
	assert_int_equal(raw_try_send(fd, data, size), size);
}

ptrdiff_t raw_try_read(int fd, void *data, size_t size)
{
	struct iovec part = { .iov_base = data, .iov_len = size };
	ptrdiff_t n;

	fault_pass_begin();
	n = readv(fd, &part, 1);
	fault_pass_end();
	return n < 0 ? -errno : n;
}

void raw_read(int fd, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ptrdiff_t n;

		await_input(fd);
		n = raw_try_read(fd, (char *)data + done, size - done);
		assert_true(n > 0);
		done += (size_t)n;
	}
}

/* --- connections ---------------------------------------------------------- */

void connection_adopt(struct connection *c, struct fixture *f, int fd, int peer,
		      const char *name)
{
	*c = (struct connection){ .fd = fd, .peer = peer };
	assert_int_equal(rota_tcp_open(&c->tcp, f->loop, fd), 0);
	rota_handle_set_name(&c->tcp.handle, name);
}

void connection_open(struct connection *c, struct fixture *f, const char *name)
{
	int fds[2];

	raw_pair(fds);
	connection_adopt(c, f, fds[0], fds[1], name);
}

void connection_open_small(struct connection *c, struct fixture *f,
			   const char *name)
{
	int fds[2];

	make_pair(fds, 8192);
	connection_adopt(c, f, fds[0], fds[1], name);
}

void connection_end(struct connection *c)
{
	if (!rota_handle_is_closing(&c->tcp.handle))
		assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
	peer_close(c);
}

void peer_close(struct connection *c)
{
	if (c->peer != -1)
		raw_close(c->peer);
	c->peer = -1;
}

void peer_reset(struct connection *c)
{
	raw_reset(c->peer);
	c->peer = -1;
}

size_t peer_tries_to_send(struct connection *c, size_t size)
{
	static char data[CHUNK];
	size_t done = 0;

	while (done < size) {
		size_t part = size - done < CHUNK ? size - done : CHUNK;
		ptrdiff_t n;

		pattern_fill(data, part, c->sent);
		n = raw_try_send(c->peer, data, part);
		if (n < 0)
			break;
		c->sent += (size_t)n;
		done += (size_t)n;
	}
	return done;
}

void peer_sends(struct connection *c, size_t size)
{
	assert_int_equal(peer_tries_to_send(c, size), size);
}

void peer_has_sent(struct connection *c, size_t size)
{
	peer_sends(c, size);
	await_bytes(c->fd, size);
}

void peer_says(struct connection *c, const char *text)
{
	raw_send(c->peer, text, strlen(text));
	await_bytes(c->fd, strlen(text));
}

ptrdiff_t peer_takes(struct connection *c)
{
	static char data[CHUNK];
	ptrdiff_t n;

	while ((n = raw_try_read(c->peer, data, sizeof(data))) > 0) {
		assert_true(pattern_is(data, (size_t)n, c->taken));
		c->taken += (size_t)n;
	}
	return n;
}

void peer_takes_until(struct fixture *f, struct connection *c, size_t taken)
{
	RUN_UNTIL(f, (peer_takes(c), c->taken >= taken));
	assert_int_equal(c->taken, taken);
}

void peer_takes_to_the_end(struct fixture *f, struct connection *c)
{
	ptrdiff_t n;

	RUN_UNTIL(f, (n = peer_takes(c)) != -EAGAIN);
	assert_int_equal(n, 0);
}

int connection_send(struct connection *c, size_t size)
{
	char *data = test_malloc(size > 0 ? size : 1);
	int status;

	pattern_fill(data, size, c->produced);
	status = rota_stream_send(&c->tcp.stream, data, size);
	if (status >= 0)
		c->produced += size;
	memset(data, '#', size); /* what is queued must be a copy */
	test_free(data);
	return status;
}

size_t connection_block(struct connection *c)
{
	assert_true(connection_send(c, (size_t)2 * CONNECTION_HOLDS) >= 0);
	assert_true(rota_stream_queued(&c->tcp.stream) > CONNECTION_HOLDS);
	return rota_stream_queued(&c->tcp.stream);
}

void connection_read(struct connection *c)
{
	assert_int_equal(rota_stream_read_start(&c->tcp.stream, collect), 0);
}

/* --- callbacks ------------------------------------------------------------ */

static struct connection *connection_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct connection, tcp.stream);
}

void collect(struct rota_stream *stream, int status, const struct rota_buf *buf)
{
	struct connection *c = connection_of(stream);
	struct rota_buf bytes = { NULL, 0 };

	if (status < 0) {
		c->ends++;
		c->status = status;
	} else {
		bytes = *buf;
		assert_int_equal(status, 0);
		assert_true(bytes.size > 0);
		c->reads++;
		if (!pattern_is(bytes.data, bytes.size, c->size))
			c->wrong++;
		for (size_t i = 0; i < bytes.size; i++)
			if (c->size + i < sizeof(c->text) - 1)
				c->text[c->size + i] = bytes.data[i];
		c->size += bytes.size;
	}
	if (c->act != NULL)
		c->act(c, status, bytes);
}

void count_drain(struct rota_stream *stream, int status)
{
	struct connection *c = connection_of(stream);

	c->drains++;
	c->drain_status = status;
	if (c->act_drain != NULL)
		c->act_drain(c, status);
}

static const char *name_of(struct rota_stream *stream)
{
	return rota_handle_name(&stream->handle);
}

void note_read(struct rota_stream *stream, int status,
	       const struct rota_buf *buf)
{
	if (status == 0)
		status = (int)buf->size;
	journal_note_status(rota_handle_loop(&stream->handle), name_of(stream),
			    status);
}

void note_drain(struct rota_stream *stream, int status)
{
	journal_note_status(rota_handle_loop(&stream->handle), "drain", status);
}

static void note_request(struct rota_request *request, int status)
{
	journal_note_status(request->internal.loop, request->data, status);
}

void note_read_done(struct rota_read *read, int status)
{
	note_request(&read->request, status < 0 ? status : (int)read->size);
}

void note_write(struct rota_write *write, int status)
{
	note_request(&write->request, status);
}

void note_shutdown(struct rota_shutdown *shutdown, int status)
{
	note_request(&shutdown->request, status);
}

void note_connect(struct rota_connect *connect, int status)
{
	note_request(&connect->request, status);
}

int begin_write(struct connection *c, struct rota_write *write,
		const char *name, const void *data, size_t size)
{
	struct rota_const_buf buf = { data, size };

	write->request.data = (void *)(uintptr_t)name;
	return rota_stream_write(write, &c->tcp.stream, &buf, 1, note_write);
}

int begin_read(struct connection *c, struct rota_read *read, const char *name,
	       void *data, size_t size, size_t least)
{
	struct rota_buf buf = { data, size };

	read->request.data = (void *)(uintptr_t)name;
	return rota_stream_read(read, &c->tcp.stream, buf, least,
				note_read_done);
}

int begin_shutdown(struct connection *c, struct rota_shutdown *shutdown,
		   const char *name)
{
	shutdown->request.data = (void *)(uintptr_t)name;
	return rota_stream_shutdown(shutdown, &c->tcp.stream, note_shutdown);
}

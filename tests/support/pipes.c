/*
 * tests/support/pipes.c - see pipes.h.
 */
#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault_calls.h"

enum { PATIENCE_MS = 40000, MOST_PASSED = 253 };

void pipe_end_adopt(struct pipe_end *e, struct fixture *f, int fd, int peer)
{
	*e = (struct pipe_end){ .fd = fd, .peer = peer };
	assert_int_equal(rota_pipe_open(&e->pipe, f->loop, fd), 0);
}

void pipe_end_open(struct pipe_end *e, struct fixture *f)
{
	int fds[2];

	make_socketpair(fds);
	pipe_end_adopt(e, f, fds[0], fds[1]);
}

void pipe_end_reader(struct pipe_end *e, struct fixture *f)
{
	int fds[2];

	make_pipe(fds);
	pipe_end_adopt(e, f, fds[0], fds[1]);
}

void pipe_end_writer(struct pipe_end *e, struct fixture *f)
{
	int fds[2];

	make_pipe(fds);
	pipe_end_adopt(e, f, fds[1], fds[0]);
}

void pipe_peer_close(struct pipe_end *e)
{
	if (e->peer != -1)
		raw_close(e->peer);
	e->peer = -1;
}

void pipe_end_close(struct pipe_end *e)
{
	if (!rota_handle_is_closing(&e->pipe.handle))
		assert_int_equal(rota_handle_close_now(&e->pipe.handle), 0);
	pipe_peer_close(e);
}

void pipe_collect(struct rota_stream *stream, int status,
		  const struct rota_buf *buf)
{
	struct pipe_end *e =
		rota_container_of(stream, struct pipe_end, pipe.stream);

	if (status < 0) {
		e->ends++;
		e->status = status;
	} else {
		assert_true(buf->size > 0);
		e->reads++;
		if (!pattern_is(buf->data, buf->size, e->size))
			e->wrong++;
		for (size_t i = 0; i < buf->size; i++)
			if (e->size + i < sizeof(e->text) - 1)
				e->text[e->size + i] = buf->data[i];
		e->size += buf->size;
	}
	if (e->act != NULL)
		e->act(e, status, buf);
}

void pipe_drained(struct rota_stream *stream, int status)
{
	struct pipe_end *e =
		rota_container_of(stream, struct pipe_end, pipe.stream);

	e->drains++;
	e->drain_status = status;
}

void pipe_read(struct pipe_end *e)
{
	assert_int_equal(rota_stream_read_start(&e->pipe.stream, pipe_collect),
			 0);
}

static void await_event(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

void raw_put(int fd, const char *text)
{
	size_t left = strlen(text);

	fault_pass_begin();
	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			await_event(fd, POLLOUT);
			continue;
		}
		text += n;
		left -= (size_t)n;
	}
	fault_pass_end();
}

void raw_get(int fd, char *text, size_t size)
{
	fault_pass_begin();
	while (size > 0) {
		ssize_t n = read(fd, text, size);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			await_event(fd, POLLIN);
			continue;
		}
		assert_int_not_equal(n, 0);
		text += n;
		size -= (size_t)n;
	}
	fault_pass_end();
}

size_t raw_drain(int fd)
{
	char data[4096];
	size_t total = 0;
	ssize_t n;

	fault_pass_begin();
	while ((n = read(fd, data, sizeof(data))) > 0)
		total += (size_t)n;
	fault_pass_end();
	return total;
}

void pipe_place_begin(struct pipe_place *place)
{
	snprintf(place->directory, sizeof(place->directory),
		 "/tmp/rota-pipe-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/socket",
		 place->directory);
}

void pipe_place_end(struct pipe_place *place)
{
	assert_int_equal(rmdir(place->directory), 0);
}

static int raw_unix_socket(const char *path, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_not_equal(
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), -1);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_true(strlen(path) < sizeof(address->sun_path));
	memcpy(address->sun_path, path, strlen(path) + 1);
	return fd;
}

int raw_unix_listen(const char *path, int backlog)
{
	struct sockaddr_un address;
	int fd;

	fault_pass_begin();
	fd = raw_unix_socket(path, &address);
	assert_int_equal(
		bind(fd, (struct sockaddr *)(void *)&address, sizeof(address)),
		0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	fault_pass_end();
	return fd;
}

int raw_unix_connect(const char *path)
{
	struct sockaddr_un address;
	int fd, error;

	fault_pass_begin();
	fd = raw_unix_socket(path, &address);
	error = connect(fd, (struct sockaddr *)(void *)&address,
			sizeof(address));
	if (error < 0) {
		error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	fault_pass_end();
	return fd;
}

union raw_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(MOST_PASSED * sizeof(int))];
};

ptrdiff_t raw_pass(int fd, const void *data, size_t size, const int *fds,
		   size_t count)
{
	struct iovec buf = { (void *)(uintptr_t)data, size };
	union raw_control control;
	struct msghdr message = { .msg_iov = &buf, .msg_iovlen = 1 };
	ptrdiff_t n;

	if (count > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen =
			(__typeof__(message.msg_controllen))CMSG_SPACE(
				count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len =
			(__typeof__(control.header.cmsg_len))CMSG_LEN(
				count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	fault_pass_begin();
	n = sendmsg(fd, &message, 0);
	fault_pass_end();
	return n;
}

ptrdiff_t raw_take(int fd, void *data, size_t size, int *fds, size_t *count)
{
	struct iovec buf = { data, size };
	union raw_control control;
	struct msghdr message = { .msg_iov = &buf,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	size_t room = *count;
	ptrdiff_t n;

	*count = 0;
	fault_pass_begin();
	n = recvmsg(fd, &message, 0);
	fault_pass_end();
	if (n < 0 || message.msg_controllen == 0)
		return n;
	header = CMSG_FIRSTHDR(&message);
	if (header == NULL)
		return n;
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	*count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	assert_true(*count <= room);
	memcpy(fds, CMSG_DATA(header), *count * sizeof(int));
	return n;
}

int is_same_file(int a, int b)
{
	struct stat one, other;
	int same;

	fault_pass_begin();
	assert_int_equal(fstat(a, &one), 0);
	assert_int_equal(fstat(b, &other), 0);
	same = one.st_dev == other.st_dev && one.st_ino == other.st_ino;
	fault_pass_end();
	return same;
}

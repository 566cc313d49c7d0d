/*
 * filter_fd.c - EVFILT_READ, EVFILT_WRITE and EVFILT_EXCEPT.
 *
 * (a) Each filter has its own epoll set. In a shared set, room to write would
 *     be reported as an edge in which EPOLLIN is still set, and an EV_CLEAR
 *     knote for reading would fire with nothing new to read.
 * (b) A set only reports that something has happened. The condition is what
 *     poll(2) and ioctl(2) return when the filter runs. On Linux, POLLRDHUP
 *     means that the read side is shut down, POLLRDHUP with POLLHUP that both
 *     sides are; POLLHUP alone is a stream socket that was never connected.
 *
 * Not modelled: bytes beyond the first datagram in `data`, and a local SHUT_WR
 * of a datagram or seqpacket socket. Linux reports neither.
 */
#include "double.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wraps.h"

static int socket_option(int fd, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);

	if (__real_getsockopt(fd, SOL_SOCKET, option, &value, &size))
		return 0;
	return value;
}

static int descriptor_of(const struct kqd_knote *knote)
{
	return (int)knote->kev.ident;
}

/* 0, or an errno. */
static int find_kind(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	struct stat status;

	if (fstat(fd, &status))
		return errno;

	if (kqd_queue_find(fd)) {
		knote->u.fd.kind = KQD_QUEUE;
	} else if (S_ISSOCK(status.st_mode)) {
		knote->u.fd.kind = KQD_SOCKET;
		knote->u.fd.domain = socket_option(fd, SO_DOMAIN);
		knote->u.fd.type = socket_option(fd, SO_TYPE);
	} else if (S_ISFIFO(status.st_mode)) {
		knote->u.fd.kind = KQD_PIPE;
	} else if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
		knote->u.fd.kind = KQD_FILE;
	} else if (isatty(fd)) {
		knote->u.fd.kind = KQD_TTY;
	} else {
		knote->u.fd.kind = KQD_OTHER;
	}
	return 0;
}

static int set_of(const struct kqd_knote *knote)
{
	switch (knote->kev.filter) {
	case EVFILT_WRITE:
		return knote->kq->write_set;
	case EVFILT_EXCEPT:
		return knote->kq->except_set;
	default:
		return knote->kq->fd;
	}
}

static int attach(struct kqd_knote *knote, uint32_t events,
		  enum kqd_source source)
{
	int fd = descriptor_of(knote);
	int error = kqd_epoll_add(set_of(knote), fd, events | EPOLLET, source,
				  (uint32_t)fd);

	/* [src] no_kqfilter() returns ENODEV for a device that cannot be waited
	 * for; a kqueue in itself is EINVAL. */
	if (error == EPERM)
		return ENODEV;
	return error == ELOOP ? EINVAL : error;
}

static int attach_read(struct kqd_knote *knote)
{
	int error = find_kind(knote);

	if (error)
		return error;
	if (knote->u.fd.kind == KQD_FILE)
		return kqd_file_watch(knote);
	return attach(knote, EPOLLIN | EPOLLRDHUP, KQD_FROM_READ);
}

static int attach_write(struct kqd_knote *knote)
{
	int error = find_kind(knote);

	if (error)
		return error;
	/* "This filter is not supported for vnodes" (EVFILT_WRITE). */
	if (knote->u.fd.kind == KQD_FILE || knote->u.fd.kind == KQD_QUEUE)
		return EINVAL;
	return attach(knote, EPOLLOUT | EPOLLRDHUP, KQD_FROM_WRITE);
}

static int attach_except(struct kqd_knote *knote)
{
	int error = find_kind(knote);

	if (error)
		return error;
	if (knote->u.fd.kind != KQD_SOCKET && knote->u.fd.kind != KQD_TTY)
		return EINVAL;
	return attach(knote, EPOLLPRI, KQD_FROM_EXCEPT);
}

static void detach(struct kqd_knote *knote)
{
	if (knote->inotify_watch >= 0)
		kqd_file_unwatch(knote);
	else
		epoll_ctl(set_of(knote), EPOLL_CTL_DEL, descriptor_of(knote),
			  NULL);
}

/* The result of poll(2) for these events, and for hang-ups and errors. */
static int ask(int fd, int events)
{
	struct pollfd answer = { .fd = fd, .events = (short)events };

	return poll(&answer, 1, 0) > 0 ? answer.revents : 0;
}

static int64_t ioctl_count(int fd, unsigned long request)
{
	int count = 0;

	return ioctl(fd, request, &count) ? 0 : count;
}

static void set_eof(struct kqd_knote *knote, int error)
{
	knote->kev.flags |= EV_EOF;
	knote->kev.fflags = (unsigned)error;
}

/* Return the error that came with a hang-up. An error of a datagram socket does
 * not end it: it makes the socket ready, and is not shown, [src]
 * filt_soread(). */
static int error_of(struct kqd_knote *knote)
{
	if (knote->u.fd.type != SOCK_STREAM &&
	    knote->u.fd.type != SOCK_SEQPACKET)
		return 0;
	return kqd_socket_error(descriptor_of(knote));
}

static int64_t backlog_of(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	struct tcp_info info;
	socklen_t size = sizeof(info);

	/* On a listening socket this is the length of the accept queue. */
	if (knote->u.fd.domain != AF_UNIX &&
	    !__real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) &&
	    info.tcpi_unacked > 0)
		return info.tcpi_unacked;
	return 1;
}

static bool socket_readable(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	int answer = ask(fd, POLLIN | POLLRDHUP);

	if (socket_option(fd, SO_ACCEPTCONN)) {
		knote->kev.data = answer & POLLIN ? backlog_of(knote) : 0;
		return (answer & POLLIN) != 0;
	}

	knote->kev.data = ioctl_count(fd, FIONREAD);
	if (answer & POLLRDHUP) {
		set_eof(knote, error_of(knote));
		return true;
	}
	if (answer & POLLERR)
		return true;
	if (knote->wanted & NOTE_LOWAT)
		return knote->kev.data >= knote->threshold;
	return (answer & POLLIN) != 0;
}

/* Return whether a byte written now would fail with EPIPE because this side
 * alone is shut down, which poll(2) does not report. */
static bool write_side_is_shut(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (knote->u.fd.type != SOCK_STREAM)
		return false;
	/* On a stream a send of no bytes sends nothing, but fails all the
	 * same. */
	if (knote->u.fd.domain == AF_UNIX)
		return __real_send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL) <
			       0 &&
		       errno == EPIPE;
	if (__real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return false;
	switch (info.tcpi_state) {
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return true;
	default:
		return false;
	}
}

static bool socket_writable(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	int answer = ask(fd, POLLOUT | POLLRDHUP);
	int64_t room;

	if (socket_option(fd, SO_ACCEPTCONN))
		return false;

	room = socket_option(fd, SO_SNDBUF) - ioctl_count(fd, SIOCOUTQ);
	knote->kev.data = room > 0 ? room : 0;
	if (answer & POLLHUP) {
		/* [src] filt_sowrite(): not before it is connected. */
		if (!(answer & POLLRDHUP))
			return false;
		set_eof(knote, error_of(knote));
		return true;
	}
	if (write_side_is_shut(knote)) {
		set_eof(knote, error_of(knote));
		return true;
	}
	if (answer & POLLERR)
		return true;
	if (knote->wanted & NOTE_LOWAT)
		return (answer & POLLOUT) && room >= knote->threshold;
	return (answer & POLLOUT) != 0;
}

static bool file_readable(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	struct stat status;
	off_t position = lseek(fd, 0, SEEK_CUR);

	if (position < 0 || fstat(fd, &status))
		return false;
	/* "May be negative"; and no event at the end (12). */
	knote->kev.data = status.st_size - position;
	return knote->kev.data != 0 || (knote->wanted & NOTE_FILE_POLL);
}

static bool queue_readable(struct kqd_knote *knote)
{
	struct kqd_queue *kq = kqd_queue_find(descriptor_of(knote));

	if (!kq)
		return false;
	kqd_harvest(kq);
	kqd_settle(kq);
	knote->kev.data = kq->active_count;
	return kq->active_count > 0;
}

static bool readable(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	int answer;

	knote->kev.flags &= (unsigned short)~EV_EOF;
	knote->kev.fflags = 0;

	switch (knote->u.fd.kind) {
	case KQD_SOCKET:
		return socket_readable(knote);
	case KQD_FILE:
		return file_readable(knote);
	case KQD_QUEUE:
		return queue_readable(knote);
	default:
		break;
	}

	/* A new writer of a fifo clears EV_EOF ("Fifos, Pipes"). */
	answer = ask(fd, POLLIN);
	knote->kev.data = ioctl_count(fd, FIONREAD);
	if (answer & (POLLHUP | POLLERR)) {
		set_eof(knote, 0);
		return true;
	}
	return (answer & POLLIN) != 0;
}

static bool writable(struct kqd_knote *knote)
{
	int fd = descriptor_of(knote);
	int answer;

	knote->kev.flags &= (unsigned short)~EV_EOF;
	knote->kev.fflags = 0;
	if (knote->u.fd.kind == KQD_SOCKET)
		return socket_writable(knote);

	answer = ask(fd, POLLOUT);
	if (knote->u.fd.kind == KQD_PIPE)
		knote->kev.data =
			fcntl(fd, F_GETPIPE_SZ) - ioctl_count(fd, FIONREAD);
	else
		knote->kev.data = 4096 - ioctl_count(fd, TIOCOUTQ);

	if (answer & (POLLHUP | POLLERR)) {
		knote->kev.data = 0;
		set_eof(knote, 0);
		return true;
	}
	return (answer & POLLOUT) != 0;
}

static bool exceptional(struct kqd_knote *knote)
{
	if (!(knote->wanted & NOTE_OOB) ||
	    !(ask(descriptor_of(knote), POLLPRI) & POLLPRI))
		return false;
	knote->kev.fflags = NOTE_OOB;
	return true;
}

const struct kqd_filter kqd_filter_read = {
	.is_fd = true,
	.attach = attach_read,
	.detach = detach,
	.event = readable,
};

const struct kqd_filter kqd_filter_write = {
	.is_fd = true,
	.attach = attach_write,
	.detach = detach,
	.event = writable,
};

const struct kqd_filter kqd_filter_except = {
	.is_fd = true,
	.attach = attach_except,
	.detach = detach,
	.event = exceptional,
};

/* system: linux */
/* poller: none */
/*
 * The test double of kqueue(2): what its filters report of sockets, pipes,
 * files and other kqueues (semantics 11 and 12). See test_kqueue_double.c.
 */
#include "support/kqueue/checks.h"

#include <netinet/in.h>
#include <sys/stat.h>

/* Open a TCP socket that listens on a port of the kernel's choice. */
static int listen_tcp(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_int_equal(bind(fd, (void *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (void *)address, &size), 0);
	return fd;
}

static int connect_tcp(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const void *)address, sizeof(*address)),
			 0);
	return fd;
}

/* Make a connection: pair[0] accepted it, pair[1] connected. */
static void tcp_pair(int pair[2])
{
	struct sockaddr_in address;
	int listener = listen_tcp(&address);

	pair[1] = connect_tcp(&address);
	pair[0] = accept(listener, NULL, NULL);
	assert_true(pair[0] >= 0);
	close(listener);
}

static int temporary_file(const char *text)
{
	char path[] = "/tmp/kqueue-double-XXXXXX";
	int fd;

	need_proc();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	put(fd, text);
	return fd;
}

/* Close the socket so that the peer gets a reset. */
static void reset_connection(int fd)
{
	struct linger at_close = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_close,
				    sizeof(at_close)),
			 0);
	close(fd);
}

static int pending_error(int fd)
{
	int error = -1;
	socklen_t size = sizeof(error);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size),
			 0);
	return error;
}

/* 11: EVFILT_READ, Sockets: EOF "while there is still data pending". */
static void an_end_of_file_comes_with_the_data_before_it(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	put(f->pair[1], "last");
	assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	assert_int_equal(event.data, 4);
	assert_int_equal(event.fflags, 0);
	take(f->pair[0], 4);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	assert_int_equal(event.data, 0);
}

/* 11: EVFILT_READ, Sockets. */
static void a_half_close_ends_reading_only(void **state)
{
	struct fixture *f = *state;
	struct kevent events[2];
	int tcp[2];

	tcp_pair(tcp);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(shutdown(tcp[1], SHUT_WR), 0);

	assert_int_equal(poll_events(f->kq, events, 2), 2);
	assert_int_equal(events[0].filter, EVFILT_WRITE);
	assert_int_equal(events[0].flags & EV_EOF, 0);
	assert_int_equal(events[1].filter, EVFILT_READ);
	assert_int_equal(events[1].flags & EV_EOF, EV_EOF);
	close(tcp[0]);
	close(tcp[1]);
}

/* 11: EVFILT_WRITE; [src] filt_sowrite(): the same if the socket's own end was
 * shut down. */
static void shutting_down_the_write_side_ends_writing_only(void **state)
{
	struct fixture *f = *state;
	struct kevent events[4];
	int tcp[2];

	tcp_pair(tcp);
	assert_int_equal(shutdown(tcp[0], SHUT_WR), 0);
	assert_int_equal(shutdown(f->pair[0], SHUT_WR), 0);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_WRITE, EV_ADD), 0);

	assert_int_equal(poll_events(f->kq, events, 4), 2);
	assert_int_equal(events[0].ident, tcp[0]);
	assert_int_equal(events[0].filter, EVFILT_WRITE);
	assert_int_equal(events[0].flags & EV_EOF, EV_EOF);
	assert_int_equal(events[1].ident, f->pair[0]);
	assert_int_equal(events[1].filter, EVFILT_WRITE);
	assert_int_equal(events[1].flags & EV_EOF, EV_EOF);
	close(tcp[0]);
	close(tcp[1]);
}

/* 11: EVFILT_WRITE: "The filter will set EV_EOF when the reader disconnects",
 * and "socket error handling is identical". */
static void a_refused_connect_shows_its_error_and_leaves_it(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	struct sockaddr_in address;
	int fd;

	close(listen_tcp(&address)); /* nothing listens on this port */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(change(f->kq, fd, EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(connect(fd, (void *)&address, sizeof(address)), -1);
	assert_int_equal(errno, EINPROGRESS);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.filter, EVFILT_WRITE);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	assert_int_equal(event.fflags, ECONNREFUSED);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, ECONNREFUSED);
	assert_int_equal(pending_error(fd), ECONNREFUSED);
	assert_int_equal(pending_error(fd), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	assert_int_equal(event.fflags, 0);
	close(fd);
}

/* 11: a report does not consume the error: the next read gets it. */
static void a_reset_is_shown_and_then_read(void **state)
{
	struct fixture *f = *state;
	struct kevent events[2];
	char byte;
	int tcp[2];

	tcp_pair(tcp);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_READ, EV_ADD), 0);
	reset_connection(tcp[1]);

	assert_int_equal(wait_events(f->kq, events, 2), 1);
	assert_int_equal(events[0].flags & EV_EOF, EV_EOF);
	assert_int_equal(events[0].fflags, ECONNRESET);
	assert_int_equal(read(tcp[0], &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(read(tcp[0], &byte, 1), 0);
	close(tcp[0]);
}

/* 11: a report does not consume the error: the next write gets it. */
static void a_reset_is_shown_and_then_refuses_a_write(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int tcp[2];

	tcp_pair(tcp);
	assert_int_equal(change(f->kq, tcp[0], EVFILT_WRITE, EV_ADD | EV_CLEAR),
			 0);
	assert_int_equal(count_pending(f->kq), 1);
	reset_connection(tcp[1]);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, ECONNRESET);
	assert_int_equal(send(tcp[0], "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(send(tcp[0], "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(tcp[0]);
}

/* 11: [src] filt_soread(): an error of a datagram socket is temporary and is no
 * end of file. */
static void an_error_of_a_datagram_socket_is_no_end_of_file(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	struct kevent event;
	int peer = socket(AF_INET, SOCK_DGRAM, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(peer, (void *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(peer, (void *)&address, &size), 0);
	close(peer);
	assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
	assert_int_equal(change(f->kq, fd, EVFILT_READ, EV_ADD), 0);
	put(fd, "x");

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_EOF, 0);
	assert_int_equal(pending_error(fd), ECONNREFUSED);
	assert_int_equal(count_pending(f->kq), 0);
	close(fd);
}

/* 11: EVFILT_READ, "Fifos, Pipes". */
static void a_pipe_ends_when_its_last_writer_leaves(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(change(f->kq, ends[0], EVFILT_READ, EV_ADD), 0);
	put(ends[1], "abc");
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 3);
	assert_int_equal(event.flags & EV_EOF, 0);
	close(ends[1]);

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 3);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	close(ends[0]);
}

/* 11: EVFILT_WRITE. */
static void a_pipe_without_a_reader_ends_writing(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(change(f->kq, ends[1], EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, fcntl(ends[1], F_GETPIPE_SZ));
	assert_int_equal(event.flags & EV_EOF, 0);
	close(ends[0]);

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
	close(ends[1]);
}

/* 12: EVFILT_READ, Sockets. */
static void a_listener_counts_the_connections_that_wait(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	struct sockaddr_in address;
	int i, clients[3];
	int listener = listen_tcp(&address);

	assert_int_equal(change(f->kq, listener, EVFILT_READ, EV_ADD), 0);
	assert_int_equal(count_pending(f->kq), 0);
	for (i = 0; i < 3; i++)
		clients[i] = connect_tcp(&address);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 3);
	close(accept(listener, NULL, NULL));
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 2);
	for (i = 0; i < 3; i++)
		close(clients[i]);
	close(listener);
}

/* 12: EVFILT_WRITE: "the amount of space remaining in the write buffer". */
static void the_room_to_write_shrinks_and_ends(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	char block[4096] = { 0 };
	int64_t room;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_WRITE, EV_ADD), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	room = event.data;
	assert_true(room > 0);
	assert_int_equal(send(f->pair[0], block, 1000, MSG_DONTWAIT), 1000);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_true(event.data <= room - 1000);

	while (send(f->pair[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(count_pending(f->kq), 0);
	assert_false(polls_readable(f->kq));
}

/* 12: EVFILT_READ, Vnodes. */
static void a_file_is_readable_until_its_end_and_when_it_grows(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int fd = temporary_file("0123456789");

	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_int_equal(change(f->kq, fd, EVFILT_READ, EV_ADD), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 6);
	assert_int_equal(event.flags & (EV_EOF | EV_ERROR), 0);
	take(fd, 6);
	assert_int_equal(count_pending(f->kq), 0);
	assert_false(polls_readable(f->kq));

	assert_int_equal(pwrite(fd, "more", 4, 10), 4);
	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 4);
	close(fd);
}

/* 12: EVFILT_WRITE: "this filter is not supported for vnodes". */
static void writing_to_a_file_is_not_watched(void **state)
{
	struct fixture *f = *state;
	int fd = temporary_file("x");

	assert_int_equal(change(f->kq, fd, EVFILT_WRITE, EV_ADD), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(change(f->kq, fd, EVFILT_READ, EV_ADD | EV_ONESHOT),
			 0);
	close(fd);
}

/* 12: EVFILT_READ, NOTE_LOWAT. */
static void a_low_water_mark_holds_an_event_back_but_not_its_end(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	assert_int_equal(change_notes(f->kq, f->pair[0], EVFILT_READ, EV_ADD,
				      NOTE_LOWAT, 4),
			 0);
	put(f->pair[1], "abc");
	assert_int_equal(count_pending(f->kq), 0);
	put(f->pair[1], "d");
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 4);
	take(f->pair[0], 2);
	assert_int_equal(count_pending(f->kq), 0);

	assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 2);
	assert_int_equal(event.flags & EV_EOF, EV_EOF);
}

/* 12: EVFILT_EXCEPT is Darwin's, not FreeBSD's: kqueue(2) of Darwin,
 * "NOTE_OOB". */
static void urgent_data_is_exceptional_while_it_is_there(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	char byte;
	int tcp[2];

	tcp_pair(tcp);
	assert_int_equal(
		change_notes(f->kq, tcp[0], EVFILT_EXCEPT, EV_ADD, NOTE_OOB, 0),
		0);
	put(tcp[1], "normal");
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(send(tcp[1], "!", 1, MSG_OOB), 1);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.filter, EVFILT_EXCEPT);
	assert_int_equal(event.fflags, NOTE_OOB);
	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(recv(tcp[0], &byte, 1, MSG_OOB), 1);
	assert_int_equal(byte, '!');
	assert_int_equal(count_pending(f->kq), 0);
	close(tcp[0]);
	close(tcp[1]);
}

/* A kqueue is a descriptor: it can be polled, and watched by another kqueue. */
static void a_kqueue_can_be_watched_by_another(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int outer = kqueue();

	assert_int_equal(change(f->kq, f->kq, EVFILT_READ, EV_ADD), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(change(outer, f->kq, EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(f->kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT),
		0);
	assert_int_equal(trigger(f->kq, 1), 0);

	assert_int_equal(poll_events(outer, &event, 1), 1);
	assert_int_equal(event.ident, f->kq);
	assert_int_equal(event.data, 2);
	assert_int_equal(count_pending(f->kq), 2);
	assert_int_equal(count_pending(outer), 0);
	assert_false(polls_readable(outer));
	close(outer);
}

/* EVFILT_VNODE. */
static void changes_to_a_file_are_told_apart(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/kqueue-double-XXXXXX";
	struct kevent event;
	int fd;

	need_proc();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(change_notes(f->kq, fd, EVFILT_VNODE,
				      EV_ADD | EV_CLEAR,
				      NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB |
					      NOTE_DELETE,
				      0),
			 0);
	assert_int_equal(count_pending(f->kq), 0);

	put(fd, "x");
	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, NOTE_WRITE | NOTE_EXTEND);
	assert_int_equal(pwrite(fd, "y", 1, 0), 1);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, NOTE_WRITE);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, NOTE_ATTRIB);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.fflags, NOTE_DELETE);
	assert_int_equal(count_pending(f->kq), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_end_of_file_comes_with_the_data_before_it),
		TEST(a_half_close_ends_reading_only),
		TEST(shutting_down_the_write_side_ends_writing_only),
		TEST(a_refused_connect_shows_its_error_and_leaves_it),
		TEST(a_reset_is_shown_and_then_read),
		TEST(a_reset_is_shown_and_then_refuses_a_write),
		TEST(an_error_of_a_datagram_socket_is_no_end_of_file),
		TEST(a_pipe_ends_when_its_last_writer_leaves),
		TEST(a_pipe_without_a_reader_ends_writing),
		TEST(a_listener_counts_the_connections_that_wait),
		TEST(the_room_to_write_shrinks_and_ends),
		TEST(a_file_is_readable_until_its_end_and_when_it_grows),
		TEST(writing_to_a_file_is_not_watched),
		TEST(a_low_water_mark_holds_an_event_back_but_not_its_end),
		TEST(urgent_data_is_exceptional_while_it_is_there),
		TEST(a_kqueue_can_be_watched_by_another),
		TEST(changes_to_a_file_are_told_apart),
	};

	choose_tests();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

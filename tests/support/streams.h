/*
 * tests/support/streams.h - TCP over loopback: a stream of the loop, and its
 * peer, which is a raw socket.
 *
 * Both directions carry a pattern, in which every byte is known by its offset.
 * So any amount of it can be checked without being stored.
 *
 * Nothing here sleeps: the functions wait until what was sent has arrived.
 * System calls that this file makes for raw sockets are neither counted nor
 * failed by support/fault.h.
 */
#ifndef TESTS_SUPPORT_STREAMS_H
#define TESTS_SUPPORT_STREAMS_H

#include "fixture.h"
#include "journal.h"
#include "pipe_reader.h" /* note_closed() */
#include "probe.h"       /* turn() */
#include "rota/tcp.h"

/* Make turns that do not sleep until @condition holds, for 40 seconds at
 * most. */
#define RUN_UNTIL(f, condition)                                                \
	for (uint64_t until_ = real_now() + ROTA_SEC(40); !(condition);        \
	     out_of_time(until_, __FILE__, __LINE__))                          \
	turn(f)

/* Begin a separate fixture, whose loop lends buffers of @size bytes; and end
 * it, after which no memory may be left. */
void small_loop_begin(struct fixture *own, size_t size);
void small_loop_end(struct fixture *own);

/* Return how many system calls wrote to a socket, or read from one, since the
 * last fault_count_reset(); see fault.h. */
unsigned count_writes(void);
unsigned count_reads(void);

/* Run until nothing keeps the loop alive. */
void run_to_the_end(struct fixture *f);

/* Fail the test, at @file and @line, if the clock has reached @until_ns. */
void out_of_time(uint64_t until_ns, const char *file, int line);

/* The pattern. */
char pattern_at(size_t offset);
void pattern_fill(char *data, size_t size, size_t offset);
int pattern_is(const char *data, size_t size, size_t offset);

/*
 * Raw sockets: on 127.0.0.1, non-blocking, close-on-exec. All of these
 * functions fail the test if they fail.
 */
int raw_listen(struct rota_address *address); /* stores its address */
int raw_connect(const struct rota_address *address);
int raw_accept(int listener);     /* waits for a connection */
int raw_try_accept(int listener); /* -1: there is no connection */
void raw_pair(int fds[2]);        /* connected to each other */
void raw_close(int fd);
void raw_reset(int fd); /* close it with a reset */
void raw_shutdown(int fd);
void raw_buffers(int fd, int size); /* SO_SNDBUF and SO_RCVBUF */

/* Send everything; there must be enough room. */
void raw_send(int fd, const void *data, size_t size);

/* Send as much as there is room for. Returns how many bytes, or -errno. */
ptrdiff_t raw_try_send(int fd, const void *data, size_t size);

/* Read exactly @size bytes, and wait for them. */
void raw_read(int fd, void *data, size_t size);

/* Read what is available, up to @size bytes. Returns how many; 0 at the end; or
 * -errno: -EAGAIN if there is nothing. */
ptrdiff_t raw_try_read(int fd, void *data, size_t size);

/* Wait for: something to read, or a connection at a listener; @count bytes; a
 * FIN or an RST; room to write. */
void await_input(int fd);
void await_bytes(int fd, size_t count);
void await_end(int fd);
void await_room(int fd);

/* The address of the raw socket @fd itself. */
void raw_address(int fd, struct rota_address *address);

/* A stream of the loop, and its peer. */
struct connection {
	struct rota_tcp tcp;
	int fd;   /* the stream's descriptor */
	int peer; /* the raw socket at the other end, or -1 */

	size_t sent;     /* bytes of the pattern: from the peer, */
	size_t produced; /* from the stream, */
	size_t taken;    /* and of these, read by the peer */

	/* What collect() was called with. */
	unsigned reads; /* calls with bytes */
	unsigned ends;  /* calls with an error */
	int status;     /* the last error */
	size_t size;    /* bytes in total */
	size_t wrong;   /* calls with bytes that break the pattern */
	char text[32];  /* the first bytes, and a 0 */

	/* What count_drain() was called with. */
	unsigned drains;
	int drain_status;

	/* What else to do in collect(), or NULL. The buffer is empty (NULL, 0)
	 * if there is an error. */
	void (*act)(struct connection *c, int status, struct rota_buf buf);
	void (*act_drain)(struct connection *c, int status);
	void *arg;
};

/* Open a connection on the fixture's loop. The name of its handle may be
 * NULL. */
void connection_open(struct connection *c, struct fixture *f, const char *name);

/* The same with the smallest buffers in the kernel, so that little is in
 * flight: less than CONNECTION_HOLDS bytes in each direction. */
void connection_open_small(struct connection *c, struct fixture *f,
			   const char *name);
enum { CONNECTION_HOLDS = 128 * 1024 };

/* Open @fd, a raw socket that is connected to @peer; if @peer is -1, @fd may be
 * any socket. */
void connection_adopt(struct connection *c, struct fixture *f, int fd, int peer,
		      const char *name);

/* Close both ends at once: with rota_handle_close_now(), unless the stream is
 * closing already. */
void connection_end(struct connection *c);

/* Close the raw socket, unless that was done. */
void peer_close(struct connection *c);
void peer_reset(struct connection *c);

/* The peer sends @size more bytes of the pattern; there must be enough room.
 * peer_has_sent() also waits until they have arrived at the stream's
 * descriptor, where nothing else may have arrived. */
void peer_sends(struct connection *c, size_t size);
void peer_has_sent(struct connection *c, size_t size);

/* The same with text that is not part of the pattern. */
void peer_says(struct connection *c, const char *text);

/* The peer sends as much of the pattern as there is room for, up to @size
 * bytes. */
size_t peer_tries_to_send(struct connection *c, size_t size);

/* The peer reads what has arrived of the stream's pattern, and checks it.
 * Returns the result of the last raw_try_read(): 0 at the end, -EAGAIN, or
 * another error. */
ptrdiff_t peer_takes(struct connection *c);

/* Run the loop and let the peer read until it has @taken bytes in total, or
 * until the end. */
void peer_takes_until(struct fixture *f, struct connection *c, size_t taken);
void peer_takes_to_the_end(struct fixture *f, struct connection *c);

/* Send @size more bytes of the pattern. Returns the result of
 * rota_stream_send(). If that is an error, the next call sends the same
 * bytes. */
int connection_send(struct connection *c, size_t size);

/* For a small connection: send until much is queued that the kernel does not
 * accept before the peer reads. Returns rota_stream_queued(). */
size_t connection_block(struct connection *c);

/* Start reading with collect(), or fail the test. */
void connection_read(struct connection *c);

/* Read callback: counts in the struct connection. */
void collect(struct rota_stream *stream, int status,
	     const struct rota_buf *buf);

/* Drain callback: the same. */
void count_drain(struct rota_stream *stream, int status);

/* Callbacks that record in the journal: the name of the handle, or the name in
 * request.data, and the status; or, if that is 0 and there are bytes, their
 * number. */
void note_read(struct rota_stream *stream, int status,
	       const struct rota_buf *buf);
void note_drain(struct rota_stream *stream, int status);
void note_read_done(struct rota_read *read, int status);
void note_write(struct rota_write *write, int status);
void note_shutdown(struct rota_shutdown *shutdown, int status);
void note_connect(struct rota_connect *connect, int status);

/* Begin a request that is recorded under @name, and return the result of the
 * call. The write writes @size bytes at @data. */
int begin_write(struct connection *c, struct rota_write *write,
		const char *name, const void *data, size_t size);
int begin_read(struct connection *c, struct rota_read *read, const char *name,
	       void *data, size_t size, size_t least);
int begin_shutdown(struct connection *c, struct rota_shutdown *shutdown,
		   const char *name);

#endif

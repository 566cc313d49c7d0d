/*
 * tests/support/streams.h - TCP over loopback: a stream of the loop, and its
 * peer, which is a raw socket.
 *
 * What goes either way is a pattern, of which every byte is known by its
 * offset, so that any amount of it can be checked without being stored.
 *
 * Nothing here sleeps: what has been sent is waited for where it is to arrive.
 * System calls made here for raw sockets are neither counted nor failed by
 * support/fault.h.
 */
#ifndef TESTS_SUPPORT_STREAMS_H
#define TESTS_SUPPORT_STREAMS_H

#include "fixture.h"
#include "journal.h"
#include "pipe_reader.h" /* note_closed() */
#include "probe.h"       /* turn() */
#include "rota/tcp.h"

/* Make turns that do not sleep until @condition holds, for seconds at most. */
#define RUN_UNTIL(f, condition)                                                \
	for (uint64_t until_ = real_now() + ROTA_SEC(40); !(condition);        \
	     out_of_time(until_, __FILE__, __LINE__))                          \
	turn(f)

/* A fixture of one's own, whose loop lends buffers of @size bytes; and its
 * end, after which no memory may be left. */
void small_loop_begin(struct fixture *own, size_t size);
void small_loop_end(struct fixture *own);

/* How many system calls wrote to a socket, or read from one, since the last
 * fault_count_reset(); see fault.h. */
unsigned count_writes(void);
unsigned count_reads(void);

/* Run until nothing keeps the loop alive. */
void run_to_the_end(struct fixture *f);

/* Fail the test, at that line, if the clock has reached @until_ns. */
void out_of_time(uint64_t until_ns, const char *file, int line);

/* The pattern. */
char pattern_at(size_t offset);
void pattern_fill(char *data, size_t size, size_t offset);
int pattern_is(const char *data, size_t size, size_t offset);

/*
 * Raw sockets: on 127.0.0.1, non-blocking, close-on-exec. All of these fail
 * the test if they cannot do what they say.
 */
int raw_listen(struct rota_address *address); /* stores where it is */
int raw_connect(const struct rota_address *address);
int raw_accept(int listener);     /* waits for one */
int raw_try_accept(int listener); /* -1: there is none */
void raw_pair(int fds[2]);        /* connected to each other */
void raw_close(int fd);
void raw_reset(int fd); /* close it by a reset */
void raw_shutdown(int fd);
void raw_buffers(int fd, int size); /* SO_SNDBUF and SO_RCVBUF */

/* Send all of it, into room that is there. */
void raw_send(int fd, const void *data, size_t size);

/* Send what there is room for. Returns how many bytes, or -errno. */
ptrdiff_t raw_try_send(int fd, const void *data, size_t size);

/* Read exactly @size bytes; wait for them. */
void raw_read(int fd, void *data, size_t size);

/* Read what is there, up to @size bytes. Returns how many; 0 at the end; or
 * -errno: -EAGAIN if there is nothing. */
ptrdiff_t raw_try_read(int fd, void *data, size_t size);

/* Wait until that has come: something to read; so many bytes; a FIN or an
 * RST; a connection at a listener; room to write. */
void await_input(int fd);
void await_bytes(int fd, size_t count);
void await_end(int fd);
void await_room(int fd);

/* Where the raw socket @fd itself is. */
void raw_address(int fd, struct rota_address *address);

/* A stream of the loop, and its peer. */
struct connection {
	struct rota_tcp tcp;
	int fd;   /* the stream's descriptor */
	int peer; /* the raw socket at the other end, or -1 */

	size_t sent;     /* bytes of the pattern: from the peer, */
	size_t produced; /* from the stream, */
	size_t taken;    /* and of these taken by the peer */

	/* What collect() was told. */
	unsigned reads; /* calls with bytes */
	unsigned ends;  /* calls with an error */
	int status;     /* the last error */
	size_t size;    /* bytes in all */
	size_t wrong;   /* calls with bytes out of the pattern */
	char text[32];  /* the first of them, and a 0 */

	/* What count_drain() was told. */
	unsigned drains;
	int drain_status;

	/* What else to do in collect(), or NULL. The buffer is empty (NULL, 0)
	 * if there is an error. */
	void (*act)(struct connection *c, int status, struct rota_buf buf);
	void (*act_drain)(struct connection *c, int status);
	void *arg;
};

/* Open one on the fixture's loop. Its handle's name may be NULL. */
void connection_open(struct connection *c, struct fixture *f, const char *name);

/* The same with the smallest buffers in the system, so that little is in
 * flight: less than CONNECTION_HOLDS bytes either way. */
void connection_open_small(struct connection *c, struct fixture *f,
			   const char *name);
enum { CONNECTION_HOLDS = 128 * 1024 };

/* Open @fd, a raw socket that is connected to @peer, or anything if -1. */
void connection_adopt(struct connection *c, struct fixture *f, int fd, int peer,
		      const char *name);

/* Close both ends at once: rota_handle_close_now(), unless it is closing. */
void connection_end(struct connection *c);

/* Close the raw socket, if that has not been done. */
void peer_close(struct connection *c);
void peer_reset(struct connection *c);

/* The peer sends @size bytes more of the pattern, into room that is there; the
 * same, and waits until they are at the stream's descriptor, to which nothing
 * else has come. */
void peer_sends(struct connection *c, size_t size);
void peer_has_sent(struct connection *c, size_t size);

/* The same with text that is not of the pattern. */
void peer_says(struct connection *c, const char *text);

/* The peer sends as much of the pattern as there is room for, up to @size. */
size_t peer_tries_to_send(struct connection *c, size_t size);

/* The peer takes what is there of the stream's pattern, and checks it. Returns
 * the last raw_try_read(): 0 at the end, -EAGAIN, or another error. */
ptrdiff_t peer_takes(struct connection *c);

/* Run the loop and take until so much of it has come in all, or the end. */
void peer_takes_until(struct fixture *f, struct connection *c, size_t taken);
void peer_takes_to_the_end(struct fixture *f, struct connection *c);

/* Send @size bytes more of the pattern. Returns what rota_stream_send() did;
 * if that is an error they are still to be sent. */
int connection_send(struct connection *c, size_t size);

/* For a small connection: send until much is queued that the system will not
 * take before the peer reads. Returns rota_stream_queued(). */
size_t connection_block(struct connection *c);

/* Start reading with collect(), or fail. */
void connection_read(struct connection *c);

/* Read callback: keeps account in the struct connection. */
void collect(struct rota_stream *stream, int status,
	     const struct rota_buf *buf);

/* Drain callback: likewise. */
void count_drain(struct rota_stream *stream, int status);

/* Callbacks that note in the journal: the handle's name, or that in
 * request.data, and the status; where it is 0 and bytes came, their number. */
void note_read(struct rota_stream *stream, int status,
	       const struct rota_buf *buf);
void note_drain(struct rota_stream *stream, int status);
void note_read_done(struct rota_read *read, int status);
void note_write(struct rota_write *write, int status);
void note_shutdown(struct rota_shutdown *shutdown, int status);
void note_connect(struct rota_connect *connect, int status);

/* Begin a request that is noted under @name, and return what the call did. The
 * memory that @data names is written. */
int begin_write(struct connection *c, struct rota_write *write,
		const char *name, const void *data, size_t size);
int begin_read(struct connection *c, struct rota_read *read, const char *name,
	       void *data, size_t size, size_t least);
int begin_shutdown(struct connection *c, struct rota_shutdown *shutdown,
		   const char *name);

#endif

/*
 * tests/support/pipes.h - a pipe of the loop, and its peer, which is a raw
 * descriptor. For Unix sockets, anonymous pipes and FIFOs. The pattern and the
 * raw sockets of streams.h are used for these as well.
 */
#ifndef TESTS_SUPPORT_PIPES_H
#define TESTS_SUPPORT_PIPES_H

#include "rota/pipe.h"
#include "streams.h"

enum { PIPE_END_TAKES = 64 };

struct pipe_end {
	struct rota_pipe pipe;
	int fd;   /* the stream's descriptor */
	int peer; /* a raw descriptor, or -1 */

	/* What pipe_collect() was called with. */
	unsigned reads; /* calls with bytes */
	unsigned ends;  /* calls with an error */
	int status;     /* the last error */
	size_t size;    /* bytes in total */
	size_t wrong;   /* calls with bytes that break the pattern */
	char text[64];  /* the first bytes, and a 0 */

	/* What pipe_drained() was called with. */
	unsigned drains;
	int drain_status;

	/* What else to do in pipe_collect(), or NULL. */
	void (*act)(struct pipe_end *e, int status, const struct rota_buf *buf);
	void *arg;
};

/* A pair of Unix sockets: one is opened on the loop, the other is raw. */
void pipe_end_open(struct pipe_end *e, struct fixture *f);

/* Open @fd, whose peer is @peer or -1. */
void pipe_end_adopt(struct pipe_end *e, struct fixture *f, int fd, int peer);

/* An anonymous pipe, of which the loop has the end to read, or to write. */
void pipe_end_reader(struct pipe_end *e, struct fixture *f);
void pipe_end_writer(struct pipe_end *e, struct fixture *f);

/* Close both ends at once, unless that was done. */
void pipe_end_close(struct pipe_end *e);
void pipe_peer_close(struct pipe_end *e);

void pipe_read(struct pipe_end *e);
void pipe_collect(struct rota_stream *stream, int status,
		  const struct rota_buf *buf);
void pipe_drained(struct rota_stream *stream, int status);

/* Write all of it, or read exactly as much, at a raw descriptor of any kind;
 * wait if necessary. */
void raw_put(int fd, const char *text);
void raw_get(int fd, char *text, size_t size);

/* Read and drop what is available. Returns how many bytes. */
size_t raw_drain(int fd);

/* A directory of its own for a test, and a path in it. pipe_place_end() fails
 * the test if a file is left. */
struct pipe_place {
	char directory[64];
	char path[80];
};

void pipe_place_begin(struct pipe_place *place);
void pipe_place_end(struct pipe_place *place);

/* Raw sockets of the family AF_UNIX, non-blocking: one that listens at @path,
 * and one that connects to it. The second returns -1 and sets errno if it
 * cannot. */
int raw_unix_listen(const char *path, int backlog);
int raw_unix_connect(const char *path);

/* Pass descriptors with @size bytes at @data. Returns what sendmsg(2) does. */
ptrdiff_t raw_pass(int fd, const void *data, size_t size, const int *fds,
		   size_t count);

/* Receive bytes and descriptors, up to @count: stores how many there were in
 * *@count. Returns what recvmsg(2) does. */
ptrdiff_t raw_take(int fd, void *data, size_t size, int *fds, size_t *count);

/* Return whether two descriptors are of the same file. */
int is_same_file(int a, int b);

#endif

/*
 * peers/stream.h - servers that move many bytes, over sockets that take some
 * of them at a time.
 *
 * What a server does with a connection:
 *
 *     STREAM_ECHO   sends back what comes. While what it has read does not go
 *                   out it reads no more: it buffers a bounded number of bytes.
 *     STREAM_SINK   throws away what comes, and sends one byte for every
 *                   STREAM_BLOCK bytes.
 *     STREAM_SOURCE sends STREAM_BLOCK bytes for every byte that comes, in
 *                   pieces of STREAM_PIECE, as fast as they are taken.
 *
 * Nobody reads more than STREAM_PIECE at a time: that is what rota lends and
 * what libuv asks for.
 */
#ifndef BENCH_PEERS_STREAM_H
#define BENCH_PEERS_STREAM_H

#include <stddef.h>

enum stream_load { STREAM_ECHO, STREAM_SINK, STREAM_SOURCE };

enum { STREAM_PIECE = 65536, STREAM_BLOCK = 16 * STREAM_PIECE };

struct stream_peer {
	const char *name;
	unsigned loads; /* 1 << STREAM_ECHO and so on: those that it is for */
	void *(*make)(const int *fds, size_t count, enum stream_load load);
	/* Wait until there are events, and handle them. */
	void (*turn)(void *server);
	/* The same for ever, the way the peer has it. */
	void (*run)(void *server);
};

enum { STREAM_ALL = 1 << STREAM_ECHO | 1 << STREAM_SINK | 1 << STREAM_SOURCE };

extern const struct stream_peer stream_rota;
extern const struct stream_peer stream_rota_lending;
extern const struct stream_peer stream_epoll;
extern const struct stream_peer stream_libev;
extern const struct stream_peer stream_libevent;
extern const struct stream_peer stream_bufferevent;
extern const struct stream_peer stream_libuv_try;
extern const struct stream_peer stream_libuv;

/* What comes in, and what a source sends. Aligned, so that the kernel copies
 * equally fast for all. */
extern char stream_buffer[STREAM_PIECE];

/* A sink has read @size bytes, and @left are left to the end of the block: how
 * many blocks have ended? */
size_t stream_blocks(size_t *left, size_t size);

#endif

/*
 * peers/stream.h - servers that move many bytes, over sockets that take only
 * some of them at a time.
 *
 * What a server does with a connection:
 *
 *     STREAM_ECHO   sends back what it receives. While its output is blocked it
 *                   reads nothing more, so it buffers a bounded number of
 *                   bytes.
 *     STREAM_SINK   discards what it receives, and sends one byte for every
 *                   STREAM_BLOCK bytes.
 *     STREAM_SOURCE sends STREAM_BLOCK bytes for every byte that it receives,
 *                   in pieces of STREAM_PIECE, as fast as they are taken.
 *
 * No server reads more than STREAM_PIECE at a time: that is the size that rota
 * lends and that libuv asks for.
 */
#ifndef BENCH_PEERS_STREAM_H
#define BENCH_PEERS_STREAM_H

#include <stddef.h>

enum stream_load { STREAM_ECHO, STREAM_SINK, STREAM_SOURCE };

enum { STREAM_PIECE = 65536, STREAM_BLOCK = 16 * STREAM_PIECE };

struct stream_peer {
	const char *name;
	unsigned loads; /* supported loads: 1 << STREAM_ECHO ... */
	void *(*make)(const int *fds, size_t count, enum stream_load load);
	/* Wait for events, and handle them. */
	void (*turn)(void *server);
	/* The same forever, in the library's own way. */
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

/* The input buffer, and what a source sends. Aligned, so that the kernel copies
 * at the same speed for all subjects. */
extern char stream_buffer[STREAM_PIECE];

/* A sink has read @size bytes, and @left bytes are left to the end of the
 * block. Returns how many blocks have ended. */
size_t stream_blocks(size_t *left, size_t size);

#endif

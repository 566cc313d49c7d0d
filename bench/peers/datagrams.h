/*
 * peers/datagrams.h - an echo server for datagrams on each of the peers.
 *
 * A server gets a bound, non-blocking socket when it is made, and does not own
 * it. It sends back what it receives, to the sender.
 */
#ifndef BENCH_PEERS_DATAGRAMS_H
#define BENCH_PEERS_DATAGRAMS_H

struct datagram_peer {
	const char *name;
	void *(*make)(int fd);
	/* Wait for events, and handle them. */
	void (*turn)(void *server);
	/* The same forever, in the library's own way. */
	void (*run)(void *server);
	void (*free)(void *server);
};

extern const struct datagram_peer datagram_bare;
extern const struct datagram_peer datagram_rota;
extern const struct datagram_peer datagram_rota_requests;
extern const struct datagram_peer datagram_libuv;
extern const struct datagram_peer datagram_libuv_plain;

#endif

/*
 * tests/support/streams_more.h - addresses, listeners and connects over
 * loopback, for the tests of TCP. See streams.h for streams and raw sockets.
 */
#ifndef TESTS_SUPPORT_STREAMS_MORE_H
#define TESTS_SUPPORT_STREAMS_MORE_H

#include "streams.h"

/* Skip the test if there is no ::1. */
void need_ip6(void);

/* 127.0.0.1 or ::1, for AF_INET or AF_INET6. */
void loopback(struct rota_address *address, int family, unsigned port);

/* A raw socket that connects to @address, which may be of version 6; the same,
 * and it has connected. */
int raw_begin_connect(const struct rota_address *address);
int raw_client(const struct rota_address *address);

/* Wait for the end, or a reset, of the raw socket @fd: 0, or -errno. */
int raw_end(int fd);

/* A raw socket that owns a port at which nobody listens, and where that is. */
int raw_unheard(struct rota_address *address);

/* The value of an option of @fd, which is an int. */
int raw_option(int fd, int level, int option);

/* A listener that has no room: who connects to it waits. */
struct jam {
	struct rota_address address;
	int listener;
	int filler;
};

void jam_open(struct jam *jam, int family);
void jam_close(struct jam *jam);

/* A listener of the loop. */
enum { SERVER_KEEPS = 512 };

struct server {
	struct rota_tcp tcp;
	struct rota_address address; /* where it is */
	struct fixture *f;

	/* What server_called() was told. */
	unsigned accepted; /* calls with a descriptor */
	unsigned failures; /* calls with an error */
	int status;        /* the last error */
	int fds[SERVER_KEEPS];
	unsigned kept; /* of them */

	/* What to do in a call; NULL: keep the descriptor. */
	void (*act)(struct server *s, int status, int fd);
	void *arg;
};

/* Only bound, to a port of loopback that the system chose; listening too. */
void server_bind(struct server *s, struct fixture *f, int family);
void server_open(struct server *s, struct fixture *f, int backlog);
void server_open_as(struct server *s, struct fixture *f, int family,
		    int backlog);

/* The listener's callback, and what it does with a descriptor by default. */
void server_called(struct rota_stream *stream, int status, int fd);
void server_keep(struct server *s, int fd);

/* Close the descriptors kept; these, and the listener too, unless that is
 * closing. */
void server_drop(struct server *s);
void server_end(struct server *s);

/* A connect that counts how often it calls back. */
struct attempt {
	struct rota_connect connect;
	struct rota_tcp *tcp;
	unsigned calls;
	int status;
	enum rota_phase phase;
	void (*act)(struct attempt *a, int status);
	void *arg;
};

/* Begin it, and return what the call did. It has not called back by then. */
int attempt_begin(struct attempt *a, struct rota_tcp *tcp,
		  const struct rota_address *address);
void attempt_called(struct rota_connect *connect, int status);

/* Run until it has called back, and return its status. */
int attempt_end(struct fixture *f, struct attempt *a);

/* The descriptor of @handle as a dump of its loop tells it, or -1. */
int handle_fd(struct rota_handle *handle);

void expect_same_address(const struct rota_address *a,
			 const struct rota_address *b);

/* Whether ROTA_TEST_FULL=1. Then the test may take ten minutes. */
int test_is_full(void);

/* Whether a sanitizer slows the tests down. */
int test_is_sanitized(void);

#endif

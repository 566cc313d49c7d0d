/*
 * tests/support/datagrams.h - UDP over loopback: sockets of the loop that
 * collect what they receive, and raw ones.
 */
#ifndef TESTS_SUPPORT_DATAGRAMS_H
#define TESTS_SUPPORT_DATAGRAMS_H

#include "fixture.h"
#include "rota/udp.h"
#include "streams.h" /* RUN_UNTIL(), raw_close() */

enum { POST_TEXT = 4096, POST_NOTES = 16 };

/* A socket of the loop, and what it has received. */
struct post {
	struct fixture *f;
	struct rota_udp udp;
	struct rota_address address;

	unsigned calls;       /* of the receiver, with datagrams */
	unsigned count;       /* datagrams */
	size_t bytes;         /* in all of them */
	char text[POST_TEXT]; /* those of up to 32 bytes, a space after each */
	struct rota_received last;
	unsigned errors; /* of the receiver, with a status */
	int error;       /* the last one */

	unsigned notes; /* of on_error */
	struct rota_datagram_error note[POST_NOTES];
	char noted[POST_NOTES][64]; /* the first bytes */

	/* What else to do with a batch, or NULL. It may close. */
	void (*act)(struct post *post, const struct rota_received *received,
		    size_t count);
	void *arg;
	unsigned closes;
};

/* Requests that count. */
struct letter {
	struct rota_send send;
	unsigned calls;
	int status;
	enum rota_phase phase;
};

/* Open a socket, bound to 127.0.0.1 or ::1 and a port that the system chooses;
 * it receives with post_receive(). */
void post_open(struct post *post, struct fixture *f, int family);
void post_receive(struct post *post);
void post_close(struct post *post); /* with a callback, and run to it */

/* The receiver and the error function of posts. */
void post_on_receive(struct rota_datagram *datagram, int status,
		     const struct rota_received *received, size_t count);
void post_on_error(struct rota_datagram *datagram,
		   const struct rota_datagram_error *error);

/* A datagram of that text to @to, which may be NULL. */
struct rota_outgoing to_post(const struct rota_address *to, const char *text);

/* Send a request; it must be accepted. Or send now: returns what try_send
 * does. */
void letter_send(struct letter *letter, struct post *from,
		 const struct rota_address *to, const char *text);
int letter_try(struct post *from, const struct rota_address *to,
	       const char *text);
void letter_called(struct rota_send *send, int status);

/* Raw sockets: bound like post_open(). raw_udp_unused() returns an address that
 * nobody has. raw_udp_take() receives one datagram, and waits for it. */
int raw_udp(int family, struct rota_address *address);
struct rota_address raw_udp_unused(int family);
void raw_udp_send(int fd, const struct rota_address *to, const char *text);
size_t raw_udp_take(int fd, char *data, size_t size, struct rota_address *from);

#endif

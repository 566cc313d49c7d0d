/*
 * support/echo.h - echo servers: what tcp_echo and unix_echo have in common,
 * which is everything but the sockets, the subjects and the targets.
 */
#ifndef BENCH_SUPPORT_ECHO_H
#define BENCH_SUPPORT_ECHO_H

#include "peers/echo.h"
#include "support/bench.h"

enum { ECHO_PEERS = 12 };

struct echo_question {
	const char *name;                     /* of the program */
	const struct echo_peer *const *peers; /* ours first */
	size_t peer_count;

	/* Make both ends of a connection: the client's, which blocks, and the
	 * server's, which does not. */
	void (*pair)(int *client, int *server);

	/* Check the targets. */
	void (*expect_time)(struct bench *bench, const struct bench_series *cpu,
			    size_t connections);
	void (*expect_calls)(struct bench *bench,
			     const struct bench_series *calls);
	void (*expect_instructions)(struct bench *bench,
				    const struct bench_series *instructions);
};

/* The program: measure, print, and return its exit status. */
int echo_main(const struct echo_question *asked, int argc, char **argv);

#endif

/*
 * peers/stream_hand.h - serving a connection by hand, for peers that only
 * report readiness.
 */
#ifndef BENCH_PEERS_STREAM_HAND_H
#define BENCH_PEERS_STREAM_HAND_H

#include "peers/stream.h"

struct hand {
	int fd;
	enum stream_load load;
	size_t left;  /* in the block that a sink reads or a source sends */
	size_t begin; /* of the bytes that wait to be sent back */
	size_t end;   /* if above begin, it waits to write */
	char *unsent; /* STREAM_PIECE bytes; NULL until needed */
};

enum { HAND_READS = 16 };

void hand_init(struct hand *hand, int fd, enum stream_load load);

/* Whether it waits to write, and so does not read. */
int hand_is_blocked(const struct hand *hand);

/* Send what waits. Then read and answer until a read is short or the socket
 * takes no more, but at most @reads times. Returns 1 if input may be left,
 * which only a level-triggered poller reports again, and 0 otherwise. */
int hand_go_on(struct hand *hand, unsigned reads);

#endif

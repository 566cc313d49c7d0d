/*
 * peers/stream_hand.h - the work of a connection by hand, for all who tell of
 * readiness and no more.
 */
#ifndef BENCH_PEERS_STREAM_HAND_H
#define BENCH_PEERS_STREAM_HAND_H

#include "peers/stream.h"

struct hand {
	int fd;
	enum stream_load load;
	size_t left;  /* of the block that a sink reads or a source sends */
	size_t begin; /* of what waits to be sent back */
	size_t end;   /* it waits for room if this is above begin */
	char *unsent; /* room for STREAM_PIECE; NULL until it is needed */
};

enum { HAND_READS = 16 };

void hand_init(struct hand *hand, int fd, enum stream_load load);

/* Whether it waits for room, and so not for input. */
int hand_is_blocked(const struct hand *hand);

/* Send what waits, then read and answer until the socket has come up short or
 * takes no more. At most @reads times: what is left is then reported again only
 * to whom is level triggered, and returns 1; else 0. */
int hand_go_on(struct hand *hand, unsigned reads);

#endif

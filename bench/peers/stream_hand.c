/*
 * stream_hand.c - serving a connection by hand.
 *
 * What a send does not take is copied once, and sent when the socket is
 * writable. Until then nothing is read. A source copies nothing, as all its
 * bytes are the same.
 */
#include "peers/stream_hand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/bench.h"

_Alignas(64) char stream_buffer[STREAM_PIECE];

size_t stream_blocks(size_t *left, size_t size)
{
	size_t blocks = 0;

	while (size >= *left) {
		size -= *left;
		*left = STREAM_BLOCK;
		blocks++;
	}
	*left -= size;
	return blocks;
}

void hand_init(struct hand *hand, int fd, enum stream_load load)
{
	*hand = (struct hand){
		.fd = fd,
		.load = load,
		.left = load == STREAM_SINK ? STREAM_BLOCK : 0,
	};
}

int hand_is_blocked(const struct hand *hand)
{
	return hand->begin < hand->end ||
	       (hand->load == STREAM_SOURCE && hand->left > 0);
}

/* Returns how many of the bytes the socket takes. */
static size_t send_some(int fd, const char *data, size_t size)
{
	ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		bench_fail("send: %s", strerror(errno));
	return sent < 0 ? 0 : (size_t)sent;
}

static void send_or_keep(struct hand *hand, const char *data, size_t size)
{
	size_t sent = send_some(hand->fd, data, size);

	if (sent == size)
		return;
	if (!hand->unsent)
		hand->unsent = malloc(STREAM_PIECE);
	hand->begin = 0;
	hand->end = size - sent;
	memcpy(hand->unsent, data + sent, hand->end);
}

static void send_blocks(struct hand *hand)
{
	while (hand->left > 0) {
		size_t size =
			hand->left < STREAM_PIECE ? hand->left : STREAM_PIECE;
		size_t sent = send_some(hand->fd, stream_buffer, size);

		hand->left -= sent;
		if (sent < size)
			return;
	}
}

static void answer(struct hand *hand, size_t size)
{
	switch (hand->load) {
	case STREAM_ECHO:
		send_or_keep(hand, stream_buffer, size);
		break;
	case STREAM_SINK:
		for (size_t n = stream_blocks(&hand->left, size); n > 0; n--)
			send_or_keep(hand, "", 1);
		break;
	case STREAM_SOURCE:
		hand->left += size * STREAM_BLOCK;
		send_blocks(hand);
		break;
	}
}

static void flush(struct hand *hand)
{
	if (hand->begin < hand->end)
		hand->begin += send_some(hand->fd, hand->unsent + hand->begin,
					 hand->end - hand->begin);
	if (hand->load == STREAM_SOURCE)
		send_blocks(hand);
}

int hand_go_on(struct hand *hand, unsigned reads)
{
	if (hand_is_blocked(hand))
		flush(hand);
	while (!hand_is_blocked(hand)) {
		ssize_t size;

		if (reads-- == 0)
			return 1;
		size = recv(hand->fd, stream_buffer, STREAM_PIECE, 0);
		if (size > 0)
			answer(hand, (size_t)size);
		if (size < STREAM_PIECE)
			return 0;
	}
	return 0;
}

/*
 * tests/support/part.h - files of the pattern of streams.h, and parts of them
 * that are sent to a stream.
 */
#ifndef TESTS_SUPPORT_PART_H
#define TESTS_SUPPORT_PART_H

#include "link.h"
#include "rota/sendfile.h"

/* How the bytes of files reach the stream. */
enum part_way {
	PART_WARM,    /* from the page cache */
	PART_COLD,    /* nothing is ever in the page cache */
	PART_UNSEEN,  /* nobody knows what is there */
	PART_REFUSED, /* sendfile(2) does not work */
	PART_WAYS,
};

/* From now on; until fault_clear(). */
void part_go(enum part_way way);

/* Make a file of @size bytes of the pattern, from its start, without a name.
 * Returns its descriptor. */
int make_file(size_t size);

/* A part of a file that is sent. */
struct part {
	struct rota_sendfile sendfile;
	unsigned calls;
	int status;
	enum rota_phase phase;
	struct rota_stream *stream;
};

/* Send it, and return the result of the call, which must not call back. */
int part_send(struct part *part, struct rota_stream *stream, int fd,
	      int64_t offset, uint64_t length);

/* Send the bytes of @fd that come next in the pattern of @end. */
void end_send_part(struct end *end, struct part *part, int fd, size_t size);

/* Run until @part has called back, and return its status. */
int part_end(struct fixture *f, struct part *part);

#endif

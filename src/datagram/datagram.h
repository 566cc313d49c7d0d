/*
 * datagram/datagram.h - what the datagram module keeps with a loop, and what
 * its files share about sockets of datagrams.
 */
#ifndef ROTAI_DATAGRAM_DATAGRAM_H
#define ROTAI_DATAGRAM_DATAGRAM_H

#include <sys/uio.h>

#include "base/datagram.h"
#include "loop/enter.h"
#include "loop/extension.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/watch.h"
#include "rota/datagram.h"
#include "rota/limits.h"

/* The state of a socket: the bits of its flags. */
enum {
	ROTAI_DG_CONNECTED = 1 << 0,
	ROTAI_DG_BOUND = 1 << 1, /* has a name that a caller has chosen */
	ROTAI_DG_RECEIVING = 1 << 2,
	ROTAI_DG_BLOCKED = 1 << 3,      /* the queue waits for room */
	ROTAI_DG_HELD = 1 << 4,         /* in the list of the extension */
	ROTAI_DG_KEEPS_ERRORS = 1 << 5, /* they have a queue of their own */
	ROTAI_DG_REPORTS = 1 << 6,      /* control data comes along */
	ROTAI_DG_IP6 = 1 << 7,
	ROTAI_DG_COALESCES = 1 << 8,
	ROTAI_DG_HAS_SEGMENTS = 1 << 9, /* the system has them */
	ROTAI_DG_RECORDS = 1 << 10,     /* of a connection, with an end */
	ROTAI_DG_ENDED = 1 << 11,       /* the end was received */
	ROTAI_DG_LOCAL = 1 << 12,       /* of the family AF_UNIX */
	ROTAI_DG_PAUSED = 1 << 13,      /* the queue waits for a timer */
};

/* Messages of a batch to send, and buffers for all of them. */
enum {
	ROTAI_SEND_BATCH = 64,
	ROTAI_SEND_PARTS = 128,
};

struct rotai_inbound;

struct rotai_outbound {
	struct rotai_message messages[ROTAI_SEND_BATCH];
	struct iovec parts[ROTAI_SEND_PARTS];
	union {
		struct cmsghdr align;
		char bytes[ROTAI_CONTROL_SIZE];
	} control[ROTAI_SEND_BATCH];
};

struct rotai_datagrams {
	struct rotai_extension extension;
	struct rota_loop *loop;
	rota_watch_fn *ready; /* of the watch of every socket */

	/* The socket whose callback runs, or ran last. The callback may close
	 * it. Then this is not that socket any more. */
	struct rota_datagram *current;

	struct rota_datagram *held; /* have requests to flush: send.c (1) */

	struct rotai_inbound *inbound; /* NULL: nobody has received yet */
	size_t handles;                /* open ones */
	size_t receivers;
	unsigned batch; /* the most datagrams that one call receives */
	int is_lent;    /* a callback has what was received */

	struct rotai_outbound out;
};

/* What differs between the kinds of sockets. */
struct rotai_datagram_class {
	struct rotai_handle_class handle;

	/* The socket has none of the errors of a send that was before. */
	uint8_t has_own_errors;

	/* Bytes of the largest datagram there can be. */
	uint32_t largest;

	/* Make the socket, for a datagram to *@to or, if @to is NULL, to its
	 * peer: 0 or an error. NULL: it is there from the beginning. */
	int (*create)(struct rota_datagram *datagram,
		      const struct rota_address *to);

	/* The queue has found no room after @done requests, or has completed
	 * ROTA_DATAGRAMS_PER_EVENT of them, and no event would say when to go
	 * on: flush it later, and return 1; or return 0. NULL: an event says
	 * it. */
	int (*pause)(struct rota_datagram *datagram, unsigned done);

	/* Remove what the handle has besides its descriptor, as it closes.
	 * NULL: there is nothing. */
	void (*release)(struct rota_datagram *datagram);
};

static inline const struct rotai_datagram_class *
rotai_datagram_class_of(const struct rota_datagram *datagram)
{
	return rota_container_of(datagram->handle.internal.class_,
				 const struct rotai_datagram_class, handle);
}

static inline struct rotai_datagrams *
rotai_datagrams_of(const struct rota_datagram *datagram)
{
	return (struct rotai_datagrams *)(void *)datagram->handle.internal.loop
		->extensions[ROTAI_EXTENSION_DATAGRAM];
}

static inline int rotai_datagram_has(const struct rota_datagram *datagram,
				     unsigned flags)
{
	return (datagram->internal.flags & flags) != 0;
}

static inline int rotai_datagram_fd(const struct rota_datagram *datagram)
{
	return datagram->internal.watch.internal.fd;
}

static inline int rotai_datagram_family(const struct rota_datagram *datagram)
{
	if (ROTAI_UNLIKELY(rotai_datagram_has(datagram, ROTAI_DG_LOCAL)))
		return AF_UNIX;
	return rotai_datagram_has(datagram, ROTAI_DG_IP6) ? AF_INET6 : AF_INET;
}

/* Return whether @datagram is still open and ours, after one of its callbacks
 * has returned. In a child that the callback has forked, it is the parent's
 * (F2). */
static inline int
rotai_datagram_is_current(const struct rotai_datagrams *datagrams,
			  const struct rota_datagram *datagram)
{
	return datagrams->current == datagram &&
	       rotai_loop_inherited(datagrams->loop) == 0;
}

/* --- slots.c -------------------------------------------------------------- */

/* Make sure that there is memory to receive into: 0 or ROTA_ENOMEM. */
int rotai_slots_prepare(struct rotai_datagrams *datagrams);

/* Receive one batch: how many datagrams, or an error. They are at *@received,
 * until the next batch. *@bytes is how many bytes they have. */
int rotai_slots_receive(struct rotai_datagrams *datagrams,
			const struct rota_datagram *datagram,
			const struct rota_received **received, size_t *bytes);

/* A receiver has stopped, a socket was closed, or a callback has returned: keep
 * no more memory than the others need. */
void rotai_slots_shrink(struct rotai_datagrams *datagrams);

void rotai_slots_free(struct rotai_datagrams *datagrams);

/* --- interest.c ----------------------------------------------------------- */

/* Return 0, or the error if @datagram has no socket to work with. */
int rotai_datagram_usable(const struct rota_datagram *datagram);

/* Make sure that the poller knows the socket: 0 or an error. */
int rotai_datagram_register(struct rota_datagram *datagram);

/* Ask the poller for what the socket, which it knows, now waits for, and set
 * whether the handle is active. */
void rotai_datagram_update(struct rota_datagram *datagram);

/* Set the socket of a handle that had none. */
void rotai_datagram_set_fd(struct rota_datagram *datagram, int fd);

/* Close the socket, which the poller does not know: the handle has none, as
 * before. */
void rotai_datagram_discard_fd(struct rota_datagram *datagram);

/* --- error.c -------------------------------------------------------------- */

/* Call the user for each error that the network has reported, and empty the
 * queue of errors. */
void rotai_errors_call(struct rotai_datagrams *datagrams,
		       struct rota_datagram *datagram);

/* Call the user for one error. */
void rotai_error_call(struct rota_datagram *datagram,
		      const struct rota_datagram_error *error);

/* A call has returned @error, which is about an earlier datagram: report it
 * soon. */
void rotai_error_note(struct rota_datagram *datagram, int error);

/* --- send.c --------------------------------------------------------------- */

/* Send what is queued, as far as the system takes it. Calls no callback. */
void rotai_datagram_flush(struct rota_datagram *datagram);

/* Send what is queued, because its destinations mean something else after a
 * connect or a disconnect: 0, or ROTA_EBUSY if some is left. */
int rotai_datagram_empty_queue(struct rota_datagram *datagram);

void rotai_datagrams_after(struct rotai_extension *extension,
			   struct rota_loop *loop);

/* As the socket closes: end everything that is queued. */
void rotai_sends_stop(struct rota_datagram *datagram);

/* --- receive.c ------------------------------------------------------------ */

/* Receive, and call the user. */
void rotai_datagram_receive(struct rotai_datagrams *datagrams,
			    struct rota_datagram *datagram);

/* Stop receiving. */
void rotai_receive_stop(struct rota_datagram *datagram);

/* --- open.c --------------------------------------------------------------- */

/* Return 0, or the error if no socket can be opened on @loop. This makes the
 * extension as well. */
int rotai_datagrams_admit(struct rota_loop *loop);

/* Make @datagram an open handle with the descriptor @fd, which may be -1. */
void rotai_datagram_open(struct rota_datagram *datagram, struct rota_loop *loop,
			 const struct rotai_datagram_class *class_, int fd,
			 unsigned flags);

/* The stop and fd functions of the handle class. */
void rotai_datagram_stop(struct rota_handle *handle);
int rotai_datagram_handle_fd(const struct rota_handle *handle);

#endif

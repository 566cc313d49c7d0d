/*
 * server/common_queue.h - all members of a group accept from one queue.
 */
#ifndef ROTAI_SERVER_COMMON_QUEUE_H
#define ROTAI_SERVER_COMMON_QUEUE_H

#include "server/group.h"
#include "server/listener.h"

extern const struct rotai_listener_class rotai_common_queue_class;

/* The function of their streams. */
void rotai_common_queue_accepted(struct rota_stream *stream, int status,
				 int fd);

/* @member listens, and is open. */
void rotai_common_queue_opened(struct rotai_member *member);

#endif

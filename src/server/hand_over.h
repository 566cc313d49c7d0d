/*
 * server/hand_over.h - one member of a group accepts, and hands the connections
 * to the others.
 */
#ifndef ROTAI_SERVER_HAND_OVER_H
#define ROTAI_SERVER_HAND_OVER_H

#include "server/group.h"
#include "server/listener.h"

/* For the listeners of the members. */
extern const struct rotai_listener_class rotai_hand_over_class;

/* The function of their streams. */
void rotai_hand_over_accepted(struct rota_stream *stream, int status, int fd);

/* @member listens, and is open. */
void rotai_hand_over_opened(struct rotai_member *member);

#endif

/*
 * base/control.h - control data of messages: see cmsg(3).
 */
#ifndef ROTAI_BASE_CONTROL_H
#define ROTAI_BASE_CONTROL_H

#include <stddef.h>
#include <sys/socket.h>

/* CMSG_NXTHDR(). The macro of musl converts between signed and unsigned. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static inline struct cmsghdr *rotai_control_next(struct msghdr *message,
						 struct cmsghdr *header)
{
	return CMSG_NXTHDR(message, header);
}
#pragma GCC diagnostic pop

#endif

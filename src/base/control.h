/*
 * base/control.h - control data of messages: see cmsg(3).
 */
#ifndef ROTAI_BASE_CONTROL_H
#define ROTAI_BASE_CONTROL_H

#include <stddef.h>
#include <string.h>
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

/* Append control data to that of @head, which has room for it. The type of the
 * lengths differs from system to system. */
static inline void rotai_control_put(struct msghdr *head, int level, int type,
				     const void *data, size_t size)
{
	struct cmsghdr *control =
		(struct cmsghdr *)(void *)((char *)head->msg_control +
					   head->msg_controllen);

	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = (__typeof__(control->cmsg_len))CMSG_LEN(size);
	memcpy(CMSG_DATA(control), data, size);
	head->msg_controllen +=
		(__typeof__(head->msg_controllen))CMSG_SPACE(size);
}

#endif

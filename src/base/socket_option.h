/*
 * base/socket_option.h - options of sockets that not all systems have, and
 * changes of several options that are made completely or not at all.
 */
#ifndef ROTAI_BASE_SOCKET_OPTION_H
#define ROTAI_BASE_SOCKET_OPTION_H

#include "rota/address.h"

/* Options whose name differs from system to system, or that only some systems
 * have. */
enum rotai_socket_option {
	ROTAI_OPTION_KEEP_IDLE,    /* seconds until keep-alive probes begin */
	ROTAI_OPTION_REUSE_PORT,   /* the system spreads the connections */
	ROTAI_OPTION_SHARE,        /* datagram sockets share an address */
	ROTAI_OPTION_FREE_BIND,    /* bind to addresses of nobody (yet) */
	ROTAI_OPTION_TRANSPARENT,  /* the same, and get packets for them */
	ROTAI_OPTION_USER_TIMEOUT, /* milliseconds */
	ROTAI_OPTION_FAST_OPEN,    /* of a listener: length of its queue */
	ROTAI_OPTION_MARK,
	ROTAI_OPTION_PRIORITY,
};

/* Set an option of @fd to @value. Returns 0, ROTA_ENOTSUP if the system has no
 * such option, or another error. */
int rotai_socket_option_set(int fd, enum rotai_socket_option option, int value);

/* Give the socket @to the options that the program has set for @from: those of
 * rota/tcp_options.h that are for connections, and the sizes of its buffers.
 * Returns 0 or an error. */
int rotai_socket_options_copy(int from, int to);

/* A change of several options of one socket. It begins as all zero. */
enum { ROTAI_CHANGES = 10 };

struct rotai_socket_change {
	struct {
		int level, name, value, before;
	} of[ROTAI_CHANGES];
	int wanted;
	int made;  /* how many, from the first, are made */
	int error; /* ROTA_ENOTSUP: the system has not all of them */
};

/* Add an option to the change. Nothing is set yet. */
void rotai_socket_change_add(struct rotai_socket_change *change, int level,
			     int name, int value);
void rotai_socket_change_option(struct rotai_socket_change *change,
				enum rotai_socket_option option, int value);

/* Set all options of the change. Returns 0; or an error, and no option of @fd
 * is changed. */
int rotai_socket_change_make(struct rotai_socket_change *change, int fd);

/* How to bind a socket of IPv4 or IPv6. */
struct rotai_bind {
	int reuses_port;
	int is_free; /* ROTAI_OPTION_FREE_BIND */
	int is_transparent;
	int ip6_only; /* 0, 1, or -1: leave it as it is */
};

/* Make @change and set the options of @how, and bind @fd: 0; or an error, and
 * no option of @fd is changed. */
int rotai_socket_bind_with(int fd, struct rotai_socket_change *change,
			   const struct rotai_bind *how,
			   const struct rota_address *address);

/* Give the options that were set their former values. */
void rotai_socket_change_undo(struct rotai_socket_change *change, int fd);

#endif

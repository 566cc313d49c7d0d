/*
 * base/unix.h - sockets of the family AF_UNIX: their names, the descriptors
 * that they pass, and who is at the other end. Unless noted, a function returns
 * 0 or an error.
 */
#ifndef ROTAI_BASE_UNIX_H
#define ROTAI_BASE_UNIX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct iovec;

/* Descriptors that one message can pass: SCM_MAX_FD of Linux. */
enum { ROTAI_UNIX_PASSED = 253 };

struct rotai_unix_address {
	size_t size; /* of the part of un that is used */
	struct sockaddr_un un;
};

/* Set *@address to the @size bytes of @name: a path; or, if it begins with a
 * byte 0, an abstract name; or, if it is empty, none, and bind(2) chooses an
 * abstract name. Errors: ROTA_EINVAL, a byte 0 in a path; ROTA_ENAMETOOLONG;
 * ROTA_ENOTSUP, the system has no abstract names. */
int rotai_unix_address_set(struct rotai_unix_address *address, const char *name,
			   size_t size);

/* Return the name in *@address, which the system has stored, and its size; 0 if
 * there is none. */
const char *rotai_unix_address_name(const struct rotai_unix_address *address,
				    size_t *size);

/* Check that @fd is a stream socket of this family: else ROTA_EINVAL. */
int rotai_unix_check(int fd);

/* Make two sockets that are connected to each other: non-blocking,
 * close-on-exec, and without SIGPIPE. */
int rotai_unix_pair(int fds[2]);

/* The same, of that type, such as SOCK_DGRAM. */
int rotai_unix_pair_of(int type, int fds[2]);

/* What came with the bytes of one call. */
struct rotai_unix_passed {
	size_t count;
	int fds[ROTAI_UNIX_PASSED]; /* close-on-exec */
	int is_cut; /* there were more, and this process may have no more */
};

/* Receive bytes, and take the descriptors that come with them. Returns the
 * number of bytes, 0 at the end, or an error. */
ssize_t rotai_unix_receive(int fd, void *data, size_t size,
			   struct rotai_unix_passed *passed);

/* Send bytes, at least one, with the @fd_count descriptors @fds. These have
 * gone if any byte has. Returns the number of bytes, or an error. */
ssize_t rotai_unix_send(int fd, struct iovec *bufs, size_t count,
			const int *fds, size_t fd_count);

/* Find out who had connected, or listened, at the other end. An id that the
 * system does not know is -1. */
struct rotai_unix_peer {
	int64_t pid;
	int64_t uid;
	int64_t gid;
};

int rotai_unix_peer(int fd, struct rotai_unix_peer *peer);

/* Return a new descriptor of the process at the other end, or an error:
 * ROTA_ENOTSUP, or ROTA_ESRCH, the process was waited for. See
 * pidfd_open(2). */
int rotai_unix_pidfd(int fd);

/* Whether the system has abstract names; and, for unix.c, the flag with which
 * received descriptors are close-on-exec, or 0. */
extern const int rotai_unix_has_abstract;
extern const int rotai_unix_cloexec_flag;

#endif

/*
 * service/notifier.c - messages to a service manager.
 *
 *  1. Each message has a socket of its own. A service sends few. So no
 *     descriptor is held meanwhile, none is left to a child process, and a
 *     service manager that was restarted is found again by its name.
 *  2. The socket is connected, because poll(2) waits for room only with a
 *     connected one. It does not block, whatever the flags of the send are.
 *  3. With a message that decides what becomes of the service, a short wait is
 *     better than a lost message: a service manager may be busy for some
 *     milliseconds while the machine starts.
 */
#include "rota/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/socket.h"
#include "base/unix.h"
#include "rota/error.h"

static const uint64_t SHORT_WAIT_NS = ROTA_MSEC(100); /* (3) */

/* Read an address as it is in the variable: 0 or an error. */
static int read_notify_socket(struct rota_notifier *notifier, const char *text)
{
	struct rotai_unix_address address;
	size_t size = strlen(text);
	char name[sizeof(notifier->internal.name)];
	int error;

	if (strncmp(text, "vsock", 5) == 0)
		return ROTA_ENOTSUP;
	if ((text[0] != '/' && text[0] != '@') || size < 2)
		return ROTA_EINVAL;
	if (size > sizeof(name))
		return ROTA_ENAMETOOLONG;
	memcpy(name, text, size);
	if (name[0] == '@')
		name[0] = '\0';
	error = rotai_unix_address_set(&address, name, size);
	if (error < 0)
		return error;
	memcpy(notifier->internal.name, name, size);
	notifier->internal.size = (uint32_t)size;
	return 0;
}

int rota_notifier_init(struct rota_notifier *notifier, unsigned flags)
{
	const char *text = getenv("NOTIFY_SOCKET");
	int error = 0;

	if (notifier == NULL)
		return ROTA_EINVAL;
	*notifier = (struct rota_notifier){ .internal.size = 0 };
	if (flags & ~(unsigned)ROTA_SYSTEMD_UNSET)
		return ROTA_EINVAL;
	if (text == NULL)
		return 0;
	error = read_notify_socket(notifier, text);
	if (error < 0)
		return error;
	if (flags & ROTA_SYSTEMD_UNSET)
		(void)unsetenv("NOTIFY_SOCKET");
	return 1;
}

/* Wait until @fd may have room, at most until @end_ns. Returns whether another
 * attempt is worth it. */
static int wait_for_place(int fd, uint64_t end_ns)
{
	uint64_t now_ns = rotai_clock_monotonic();
	struct pollfd poll = { .fd = fd, .events = POLLOUT };

	if (now_ns >= end_ns)
		return 0;
	if (end_ns - now_ns > INT64_MAX)
		end_ns = now_ns + INT64_MAX;
	return rotai_fd_poll(&poll, 1, (int64_t)(end_ns - now_ns)) != 0;
}

/* Send a message with descriptors: 1, 0 if there is nobody, or an error. */
static int send_notice(const struct rota_notifier *notifier, const char *state,
		       const int *fds, size_t fd_count, uint64_t wait_ns)
{
	struct iovec bytes = { .iov_base = (void *)(uintptr_t)state,
			       .iov_len = strlen(state) };
	struct rotai_unix_address address;
	uint64_t end_ns = 0;
	ssize_t sent;
	int fd, error;

	if (bytes.iov_len > ROTA_NOTIFY_SIZE)
		return ROTA_EMSGSIZE;
	if (notifier->internal.size == 0)
		return 0;
	error = rotai_unix_address_set(&address, notifier->internal.name,
				       notifier->internal.size);
	if (error < 0)
		return error;
	fd = rotai_socket_new_of(AF_UNIX, SOCK_DGRAM); /* (1) */
	if (fd < 0)
		return fd;
	error = rotai_socket_connect(
		fd, (const struct sockaddr *)(const void *)&address.un,
		address.size); /* (2) */
	if (wait_ns > 0)
		end_ns = rotai_add_saturated(rotai_clock_monotonic(), wait_ns);
	while (error == 0) {
		sent = fd_count > 0
			       ? rotai_unix_send(fd, &bytes, 1, fds, fd_count)
			       : rotai_socket_send_all(fd, &bytes, 1);
		error = sent < 0 ? (int)sent : 1;
		if (error == ROTA_EAGAIN && wait_ns > 0 &&
		    wait_for_place(fd, end_ns))
			error = 0;
	}
	rotai_fd_close(fd);
	return error;
}

int rota_notifier_send(const struct rota_notifier *notifier, const char *state,
		       uint64_t wait_ns)
{
	if (state == NULL || *state == '\0')
		return ROTA_EINVAL;
	return send_notice(notifier, state, NULL, 0, wait_ns);
}

int rota_notifier_ready(const struct rota_notifier *notifier)
{
	return rota_notifier_send(notifier, "READY=1", SHORT_WAIT_NS);
}

int rota_notifier_reloading(const struct rota_notifier *notifier)
{
	char state[64];

	(void)snprintf(state, sizeof(state),
		       "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       rotai_clock_monotonic() / 1000);
	return rota_notifier_send(notifier, state, SHORT_WAIT_NS);
}

int rota_notifier_stopping(const struct rota_notifier *notifier)
{
	return rota_notifier_send(notifier, "STOPPING=1", SHORT_WAIT_NS);
}

int rota_notifier_main_pid(const struct rota_notifier *notifier, int pid)
{
	char state[32];

	if (pid <= 0)
		return ROTA_EINVAL;
	(void)snprintf(state, sizeof(state), "MAINPID=%d", pid);
	return rota_notifier_send(notifier, state, SHORT_WAIT_NS);
}

static int is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

int rota_notifier_status(const struct rota_notifier *notifier, const char *text)
{
	static const char before[] = "STATUS=";
	char state[ROTA_NOTIFY_SIZE + 1];
	size_t size;

	if (text == NULL)
		return ROTA_EINVAL;
	for (const char *at = text; *at != '\0'; at++)
		if (is_control(*at) && *at != '\t')
			return ROTA_EINVAL;
	size = strlen(text) + 1;
	if (size > sizeof(state) - (sizeof(before) - 1))
		return ROTA_EMSGSIZE;
	memcpy(state, before, sizeof(before) - 1);
	memcpy(state + sizeof(before) - 1, text, size);
	return rota_notifier_send(notifier, state, 0);
}

int rota_notifier_extend(const struct rota_notifier *notifier, uint64_t time_ns)
{
	/* Rounded up, so that a short time is not the 0 that means nothing. */
	uint64_t time_us = time_ns / 1000 + (time_ns % 1000 > 0);
	char state[64];

	(void)snprintf(state, sizeof(state), "EXTEND_TIMEOUT_USEC=%" PRIu64,
		       time_us);
	return rota_notifier_send(notifier, state, 0);
}

/* Whether descriptors may have that name. */
static int is_descriptor_name(const char *name)
{
	size_t size = 0;

	for (; name[size] != '\0'; size++)
		if (is_control(name[size]) || (unsigned char)name[size] > 126 ||
		    name[size] == ':')
			return 0;
	return size > 0 && size <= ROTA_NOTIFY_NAME_SIZE;
}

int rota_notifier_store(const struct rota_notifier *notifier, const int *fds,
			size_t count, const char *name)
{
	char state[ROTA_NOTIFY_NAME_SIZE + 32];

	if (fds == NULL || count == 0 || count > ROTA_NOTIFY_DESCRIPTORS ||
	    (name != NULL && !is_descriptor_name(name)))
		return ROTA_EINVAL;
	for (size_t i = 0; i < count; i++)
		if (fcntl(fds[i], F_GETFD) < 0)
			return -errno;
	(void)snprintf(state, sizeof(state), "FDSTORE=1%s%s",
		       name != NULL ? "\nFDNAME=" : "",
		       name != NULL ? name : "");
	return send_notice(notifier, state, fds, count, SHORT_WAIT_NS);
}

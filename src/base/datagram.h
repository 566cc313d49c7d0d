/*
 * base/datagram.h - datagram sockets: messages in batches, what comes and goes
 * with them, and errors of the network. Unless noted, a function returns 0 or
 * an error as a negative code, and retries after EINTR.
 */
#ifndef ROTAI_BASE_DATAGRAM_H
#define ROTAI_BASE_DATAGRAM_H

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rota/udp.h"

/* A message of a batch. Linux and others call it struct mmsghdr. */
struct rotai_message {
	struct msghdr head;
	unsigned size; /* bytes received, or sent */
};

/* Room for the control data of one message, received or sent. */
enum { ROTAI_CONTROL_SIZE = 192 };

/* Receive up to @count messages, all that are there. Returns how many, or an
 * error: ROTA_EAGAIN if there are none. */
int rotai_messages_receive(int fd, struct rotai_message *messages,
			   unsigned count);

/* Send up to @count messages. Returns how many were sent, at least one; or the
 * error of the first, and none was sent. */
int rotai_messages_send(int fd, struct rotai_message *messages, unsigned count);

/* The same, with one system call for each message. */
int rotai_messages_receive_each(int fd, struct rotai_message *messages,
				unsigned count);
int rotai_messages_send_each(int fd, struct rotai_message *messages,
			     unsigned count);

/* Store in *@received what the control data of @head says. */
void rotai_control_read(struct msghdr *head, struct rota_received *received);

/* Whether a datagram to @ip, which has arrived at a socket of IPv6, can be
 * answered from there: it is no group, and no broadcast address that is known
 * without the interface. */
int rotai_ip6_is_own(const struct in6_addr *ip);

/* Append the interface and the address from which *@out is sent, for a socket
 * of IPv6. */
void rotai_control_put_address6(struct msghdr *head,
				const struct rota_outgoing *out);

/* Write the control data of *@out to @room, of ROTAI_CONTROL_SIZE bytes, and
 * set it in @head. @family is that of the socket. */
void rotai_control_write(struct msghdr *head, char *room,
			 const struct rota_outgoing *out, int family);

/* Whether the system sends segments: UDP_SEGMENT in udp(7). */
int rotai_datagram_has_segments(int fd);

/* Have the system put received datagrams together, or not: UDP_GRO.
 * ROTA_ENOTSUP if it cannot. */
int rotai_datagram_set_coalescing(int fd, int on);

/* Return 1 if the system can do so, 0 if not, or an error. This does not change
 * the socket @fd. */
int rotai_datagram_can_coalesce(int fd);

/* What is reported with each datagram. */
enum {
	ROTAI_REPORT_ADDRESS = 1 << 0,
	ROTAI_REPORT_ECN = 1 << 1,
	ROTAI_REPORT_HOP_LIMIT = 1 << 2,
	ROTAI_REPORT_TIME = 1 << 3,
	ROTAI_REPORT_COALESCED = 1 << 4,
	ROTAI_REPORTS = (1 << 5) - 1,
};

/* Have the system report exactly @wanted with each datagram. @family is that of
 * the socket. Errors: ROTA_ENOTSUP, the system cannot; and then, as after any
 * error, nothing has changed. */
int rotai_datagram_report(int fd, int family, unsigned wanted);

/* Keep the errors of the network in a queue of the socket, or do not.
 * ROTA_ENOTSUP if the system has none. */
int rotai_datagram_keep_errors(int fd, int family, int keep);

/* Room for the first bytes of a datagram that an error is about. */
enum { ROTAI_ERROR_BYTES = 576 };

/* Take the next error out of the queue. Its data is at @room, of
 * ROTAI_ERROR_BYTES bytes. Returns 1; or 0 if it is of no interest, as the call
 * that has caused it knows it already; or ROTA_EAGAIN if there is none. */
int rotai_datagram_take_error(int fd, struct rota_datagram_error *error,
			      char *room);

/* Store how many datagrams were dropped in *@count. ROTA_ENOTSUP: unknown. */
int rotai_datagram_dropped(int fd, uint64_t *count);

/* Send to groups of IPv4 by the interface of that index; 0: any. */
int rotai_datagram_multicast_from4(int fd, unsigned interface_index);

/* Set what becomes of datagrams that are too long for their path. @family is
 * that of the socket. Errors: ROTA_ENOTSUP, the system cannot; and then, as
 * after any error, nothing has changed. */
int rotai_datagram_set_fragments(int fd, int family,
				 enum rota_udp_fragments how);

/* Return the MTU of the path to the peer of a connected socket, or an error:
 * ROTA_ENOTSUP if the system does not tell. */
int rotai_datagram_path_mtu(int fd, int family);

/* End the connection of a socket of datagrams, of any family. */
int rotai_datagram_dissolve(int fd);

/* End the connection of a UDP socket, which keeps its port. If that fails with
 * ROTA_EADDRINUSE, the connection has ended, and the port is lost. */
int rotai_datagram_disconnect(int fd);

#endif

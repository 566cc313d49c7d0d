/*
 * support/sockets.h - a client's blocking sockets over loopback.
 *
 * The client closes connections with a reset, so that no port waits afterwards,
 * unless the function says otherwise.
 */
#ifndef BENCH_SUPPORT_SOCKETS_H
#define BENCH_SUPPORT_SOCKETS_H

#include <netinet/in.h>
#include <stddef.h>

/* Allow that many descriptors, or fail. */
void bench_allow_descriptors(size_t count);

/* Make a blocking, listening socket at a port of the system's choice: @name. */
int bench_listen(struct sockaddr_in *name, int backlog);

/* Connect to @name. The socket blocks, and does not wait to fill a packet. */
int bench_connect(const struct sockaddr_in *name);

/* The same from 127.0.0.1 + @source. It ends in the orderly way, so its port
 * waits for a minute (TIME_WAIT), but each source has its own ports. */
int bench_connect_from(unsigned source, const struct sockaddr_in *name);

/* Make both ends of a connection: the client's, which blocks, and the server's,
 * which does not. */
void bench_tcp_pair(int *client, int *server);

/* The same with buffers of @buffer_size, which the system doubles, for as long
 * as the connection lives. Otherwise the system chooses the sizes, perhaps
 * differently for each connection. */
void bench_tcp_pair_sized(int *client, int *server, int buffer_size);

/* The same with Unix sockets. */
void bench_unix_pair(int *client, int *server);

/* Write all bytes, or fail. */
void bench_write_all(int fd, const void *data, size_t size);
void bench_read_all(int fd, void *data, size_t size);

#endif

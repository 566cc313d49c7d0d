/*
 * support/sockets.h - a client's blocking sockets over loopback.
 *
 * Connections are reset when the client closes them, and so leave no port
 * behind that has to wait, unless their function says otherwise.
 */
#ifndef BENCH_SUPPORT_SOCKETS_H
#define BENCH_SUPPORT_SOCKETS_H

#include <netinet/in.h>
#include <stddef.h>

/* Have as many descriptors as that, or fail. */
void bench_allow_descriptors(size_t count);

/* A listening socket, blocking, at a port of the system's choice: @name. */
int bench_listen(struct sockaddr_in *name, int backlog);

/* A connection to @name, blocking, that does not wait to fill a packet. */
int bench_connect(const struct sockaddr_in *name);

/* The same from 127.0.0.1 + @source, and it ends in the orderly way: its port
 * waits for a minute (TIME_WAIT), but each source has ports of its own. */
int bench_connect_from(unsigned source, const struct sockaddr_in *name);

/* Two ends of a connection: the client's, which blocks, and the server's, which
 * does not. */
void bench_tcp_pair(int *client, int *server);

/* The same with buffers of @buffer_size, which the system doubles, as they are
 * for as long as the connection lives. Else the system sizes them as it thinks
 * best, and may think differently of each connection. */
void bench_tcp_pair_sized(int *client, int *server, int buffer_size);

/* All of it, or fail. */
void bench_write_all(int fd, const void *data, size_t size);
void bench_read_all(int fd, void *data, size_t size);

#endif

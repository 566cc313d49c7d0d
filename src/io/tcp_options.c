/*
 * io/tcp_options.c - the options of TCP sockets.
 *
 * They are options of the socket itself and are stored nowhere else. So they
 * need a socket: rota_tcp_create() makes it early.
 */
#include <limits.h>
#include <netinet/tcp.h>

#include "base/socket.h"
#include "base/socket_option.h"
#include "io/tcp.h"

static const uint64_t SECOND_NS = ROTA_SEC(1);
static const uint64_t MS_NS = ROTA_MSEC(1);

enum {
	/* What Linux allows: MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, which are
	 * equal, and MAX_TCP_KEEPCNT. */
	LONGEST_KEEP_SECONDS = 32767,
	MOST_PROBES = 127,

	USUAL_PROBES = 10, /* that rota_tcp_set_keepalive() sets */
};

static const uint64_t USUAL_INTERVAL_NS = ROTA_SEC(1);

static uint64_t round_up(uint64_t time_ns, uint64_t unit_ns)
{
	return time_ns / unit_ns + (time_ns % unit_ns != 0);
}

int rota_tcp_set_nodelay(struct rota_tcp *tcp, int on)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	return error < 0 ? error
			 : rotai_socket_set(rotai_tcp_fd(tcp), IPPROTO_TCP,
					    TCP_NODELAY, on != 0);
}

/* What systems allow. A time below the unit was meant in another one. */
static int is_keep_time(uint64_t time_ns)
{
	return time_ns >= SECOND_NS &&
	       round_up(time_ns, SECOND_NS) <= LONGEST_KEEP_SECONDS;
}

/* Probe the peer after @idle_ns, every @interval_ns, @count times. */
static int keep_alive(struct rota_tcp *tcp, uint64_t idle_ns,
		      uint64_t interval_ns, unsigned count)
{
	int idle, interval;
	struct rotai_socket_change change = { .wanted = 0 };
	int error = rotai_tcp_may_set(tcp);

	if (error < 0)
		return error;
	if (!is_keep_time(idle_ns) || !is_keep_time(interval_ns) || count < 1 ||
	    count > MOST_PROBES)
		return ROTA_EINVAL;
	idle = (int)round_up(idle_ns, SECOND_NS);
	interval = (int)round_up(interval_ns, SECOND_NS);
	/* The times have no effect until SO_KEEPALIVE is set. */
	rotai_socket_change_option(&change, ROTAI_OPTION_KEEP_IDLE, idle);
	rotai_socket_change_add(&change, IPPROTO_TCP, TCP_KEEPINTVL, interval);
	rotai_socket_change_add(&change, IPPROTO_TCP, TCP_KEEPCNT, (int)count);
	rotai_socket_change_add(&change, SOL_SOCKET, SO_KEEPALIVE, 1);
	return rotai_socket_change_make(&change, rotai_tcp_fd(tcp));
}

int rota_tcp_set_keepalive(struct rota_tcp *tcp, uint64_t idle_ns)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error;

	if (idle_ns != 0)
		return keep_alive(tcp, idle_ns, USUAL_INTERVAL_NS,
				  USUAL_PROBES);
	error = rotai_tcp_may_set(tcp);
	return error < 0 ? error
			 : rotai_socket_set(rotai_tcp_fd(tcp), SOL_SOCKET,
					    SO_KEEPALIVE, 0);
}

int rota_tcp_set_keepalive_with(struct rota_tcp *tcp, uint64_t idle_ns,
				uint64_t interval_ns, unsigned count)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	return keep_alive(tcp, idle_ns, interval_ns, count);
}

int rota_tcp_set_user_timeout(struct rota_tcp *tcp, uint64_t timeout_ns)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	uint64_t timeout_ms = round_up(timeout_ns, MS_NS);
	int error = rotai_tcp_may_set(tcp);

	if (error == 0 && timeout_ns != 0 &&
	    (timeout_ns < MS_NS || timeout_ms > INT_MAX))
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_socket_option_set(rotai_tcp_fd(tcp),
						   ROTAI_OPTION_USER_TIMEOUT,
						   (int)timeout_ms);
}

int rota_tcp_set_fast_open(struct rota_tcp *tcp, unsigned queue)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	if (error == 0 &&
	    (queue > INT_MAX ||
	     rotai_stream_has(&tcp->stream,
			      ROTAI_CONNECTED | ROTAI_CONNECTING)))
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_socket_option_set(rotai_tcp_fd(tcp),
						   ROTAI_OPTION_FAST_OPEN,
						   (int)queue);
}

int rota_tcp_set_device(struct rota_tcp *tcp, const char *device)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	return error < 0
		       ? error
		       : rotai_socket_set_device(rotai_tcp_fd(tcp),
						 device != NULL ? device : "");
}

int rota_tcp_set_mark(struct rota_tcp *tcp, uint32_t mark)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	return error < 0
		       ? error
		       : rotai_socket_option_set(rotai_tcp_fd(tcp),
						 ROTAI_OPTION_MARK, (int)mark);
}

int rota_tcp_set_priority(struct rota_tcp *tcp, int priority)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	if (error == 0 && priority < 0)
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_socket_option_set(rotai_tcp_fd(tcp),
						   ROTAI_OPTION_PRIORITY,
						   priority);
}

int rota_tcp_set_urgent_inline(struct rota_tcp *tcp, int on)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_may_set(tcp);

	return error < 0 ? error
			 : rotai_socket_set(rotai_tcp_fd(tcp), SOL_SOCKET,
					    SO_OOBINLINE, on != 0);
}

/*
 * datagram/open.c - opening and closing sockets of datagrams, what their events
 * lead to, and the extension in which the module keeps its state of a loop.
 *
 *  1. An error is reported as every event there is, and so also as
 *     ROTA_DISCONNECT, which nobody asks for: then the queue of errors is
 *     looked at first. Where a poller reports errors as if the socket were
 *     readable or writable, the queue is looked at if it turns out not to be:
 *     see receive.c (2).
 */
#include <limits.h>

#include "base/list.h"
#include "base/memory.h"
#include "base/socket.h"
#include "datagram/datagram.h"

static void datagram_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_datagram *datagram =
		rota_container_of(watch, struct rota_datagram, internal.watch);
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);

	datagrams->current = datagram;
	if (ROTAI_UNLIKELY(events & ROTA_DISCONNECT)) /* (1) */
		rotai_errors_call(datagrams, datagram);
	if (!rotai_datagram_is_current(datagrams, datagram))
		return;
	if (ROTAI_UNLIKELY(rotai_datagram_has(datagram, ROTAI_DG_BLOCKED) &&
			   (events & ROTA_WRITABLE))) {
		rotai_datagram_flush(datagram);
		if (rotai_datagram_has(datagram, ROTAI_DG_BLOCKED)) /* (1) */
			rotai_errors_call(datagrams, datagram);
		if (!rotai_datagram_is_current(datagrams, datagram))
			return;
	}
	if (rotai_datagram_has(datagram, ROTAI_DG_RECEIVING) &&
	    (events & ROTA_READABLE))
		rotai_datagram_receive(datagrams, datagram);
}

static void free_datagrams(struct rotai_extension *extension,
			   struct rota_loop *loop)
{
	struct rotai_datagrams *datagrams =
		rota_container_of(extension, struct rotai_datagrams, extension);

	rotai_slots_free(datagrams);
	rotai_memory_free(&loop->allocator, datagrams, sizeof(*datagrams));
}

int rotai_datagrams_admit(struct rota_loop *loop)
{
	int error = rotai_loop_admits(loop);
	struct rotai_datagrams *datagrams;

	if (error < 0 ||
	    rotai_extension_get(loop, ROTAI_EXTENSION_DATAGRAM) != NULL)
		return error;
	datagrams = rotai_memory_new(&loop->allocator, sizeof(*datagrams));
	if (datagrams == NULL)
		return ROTA_ENOMEM;
	*datagrams = (struct rotai_datagrams){
		.extension = { .free = free_datagrams,
			       .after = rotai_datagrams_after },
		.loop = loop,
		.ready = datagram_ready,
	};
	rotai_extension_set(loop, ROTAI_EXTENSION_DATAGRAM,
			    &datagrams->extension);
	return 0;
}

void rotai_datagram_open(struct rota_datagram *datagram, struct rota_loop *loop,
			 const struct rotai_datagram_class *class_, int fd,
			 unsigned flags)
{
	rotai_watch_init_own(&datagram->internal.watch, loop, fd, 0);
	datagram->internal.receive = NULL;
	datagram->internal.error = NULL;
	rotai_list_init(&datagram->internal.queue);
	datagram->internal.queue_size = 0;
	datagram->internal.queue_count = 0;
	datagram->internal.slot = 0;
	datagram->internal.held = NULL;
	datagram->internal.flags = flags;
	datagram->internal.error_left = 0;
	rotai_handle_open(&datagram->handle, loop, &class_->handle);
	rotai_datagrams_of(datagram)->handles++;
}

int rotai_datagram_handle_fd(const struct rota_handle *handle)
{
	return rotai_datagram_fd(
		rota_container_of(handle, const struct rota_datagram, handle));
}

void rotai_datagram_stop(struct rota_handle *handle)
{
	struct rota_datagram *datagram =
		rota_container_of(handle, struct rota_datagram, handle);
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);

	if (datagrams->current == datagram)
		datagrams->current = NULL;
	rotai_receive_stop(datagram);
	if (rotai_datagram_class_of(datagram)->release != NULL)
		rotai_datagram_class_of(datagram)->release(datagram);
	rotai_watch_close(&datagram->internal.watch);
	rotai_sends_stop(datagram);
	datagrams->handles--;
	rotai_slots_shrink(datagrams);
}

int rota_datagram_fd(const struct rota_datagram *datagram)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int fd = rotai_datagram_fd(datagram);

	/* A handle of zeroes was never open: descriptor 0 is not its own. */
	return fd >= 0 && rota_handle_loop(&datagram->handle) != NULL
		       ? fd
		       : ROTA_EBADF;
}

/* Return 0 if the socket can be asked something, also in a forked child. */
static int may_ask(const struct rota_datagram *datagram)
{
	if (!rotai_handle_has(&datagram->handle, ROTAI_HANDLE_OPEN))
		return ROTA_EINVAL;
	return rotai_datagram_fd(datagram) < 0 ? ROTA_EBADF : 0;
}

int rota_datagram_dropped(const struct rota_datagram *datagram, uint64_t *count)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int error = may_ask(datagram);

	if (error == 0 && count == NULL)
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_datagram_dropped(rotai_datagram_fd(datagram),
						  count);
}

static int set_buffer(struct rota_datagram *datagram, int option, size_t size)
{
	int error = rotai_handle_reachable(&datagram->handle);

	if (error == 0)
		error = may_ask(datagram);
	if (error == 0 && (size == 0 || size > INT_MAX))
		error = ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_socket_set(rotai_datagram_fd(datagram),
					    SOL_SOCKET, option, (int)size);
}

int rota_datagram_set_receive_buffer(struct rota_datagram *datagram,
				     size_t size)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	return set_buffer(datagram, SO_RCVBUF, size);
}

int rota_datagram_set_send_buffer(struct rota_datagram *datagram, size_t size)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	return set_buffer(datagram, SO_SNDBUF, size);
}

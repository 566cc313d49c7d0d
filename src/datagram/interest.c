/*
 * datagram/interest.c - which events the poller is asked for.
 *
 *  1. The watch is level-triggered, and asks only for what the socket waits
 *     for. An edge-triggered one, which asks for everything once, would be
 *     reported as writable after each datagram that was sent.
 *  2. A socket that only waits for errors asks for ROTA_PRIORITY, which does
 *     not occur by itself: with an empty mask, the poller would report an error
 *     once. kqueue has no such event for datagrams.
 *  3. The watch is started before something is queued, so that later changes
 *     cannot fail.
 */
#include "base/fd.h"
#include "datagram/datagram.h"

int rotai_datagram_usable(const struct rota_datagram *datagram)
{
	int error = rotai_handle_usable(&datagram->handle);

	if (error == 0 && rotai_datagram_fd(datagram) < 0)
		error = ROTA_EBADF;
	return error;
}

static unsigned asks_for(const struct rota_datagram *datagram)
{
	const struct rota_loop *loop = datagram->handle.internal.loop;
	unsigned events = 0;

	if (rotai_datagram_has(datagram, ROTAI_DG_RECEIVING))
		events |= ROTA_READABLE;
	if (rotai_datagram_has(datagram, ROTAI_DG_BLOCKED))
		events |= ROTA_WRITABLE;
	if (events == 0 && datagram->internal.error != NULL &&
	    !(loop->ops->lacks & ROTA_PRIORITY))
		events |= ROTA_PRIORITY; /* (2) */
	return events;
}

int rotai_datagram_register(struct rota_datagram *datagram)
{
	struct rota_watch *watch = &datagram->internal.watch;

	if (rota_watch_is_active(watch))
		return 0;
	return rota_watch_start(watch, rotai_datagrams_of(datagram)->ready,
				asks_for(datagram));
}

void rotai_datagram_update(struct rota_datagram *datagram)
{
	struct rota_watch *watch = &datagram->internal.watch;

	if (rota_handle_is_closing(&datagram->handle))
		return;
	if (rota_watch_is_active(watch))
		rotai_watch_ask(watch, rotai_datagrams_of(datagram)->ready,
				asks_for(datagram));
	rotai_handle_set_active(
		&datagram->handle,
		rotai_datagram_has(datagram, ROTAI_DG_RECEIVING));
}

void rotai_datagram_set_fd(struct rota_datagram *datagram, int fd)
{
	datagram->internal.watch.internal.fd = fd;
}

void rotai_datagram_discard_fd(struct rota_datagram *datagram)
{
	rotai_fd_close(rotai_datagram_fd(datagram));
	rotai_datagram_set_fd(datagram, -1);
}

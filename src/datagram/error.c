/*
 * datagram/error.c - errors that the network reports about datagrams which were
 * sent earlier.
 *
 *  1. The kernel keeps such an error twice: as the pending error of the socket,
 *     which the next call of any kind returns instead of doing its work; and in
 *     a queue, if there is one (IP_RECVERR), with the details. The queue is
 *     what is reported, and the pending error is only a hint to look there.
 *  2. Without a queue, the pending error of a connected socket is all there is.
 *     It goes to the receiver, or to on_error, where a system has no queue.
 *  3. The queue is emptied whenever there is an error, also if nobody wants to
 *     know: the program may have asked for a queue by itself, and what is left
 *     in it would be reported forever.
 *  4. A send that returns an error is repeated once: what the first attempt has
 *     returned may have been a pending error. See send.c.
 */
#include "base/socket.h"
#include "datagram/datagram.h"
#include "loop/callback.h"

enum { ERRORS_PER_EVENT = 64 };

void rotai_error_call(struct rota_datagram *datagram,
		      const struct rota_datagram_error *error)
{
	struct rota_loop *loop = datagram->handle.internal.loop;
	const char *type = datagram->handle.internal.class_->type;

	rotai_callback_begin(loop, type, datagram->handle.internal.name,
			     datagram);
	datagram->internal.error(datagram, error);
	rotai_callback_end(loop, type, datagram);
}

void rotai_errors_call(struct rotai_datagrams *datagrams,
		       struct rota_datagram *datagram)
{
	struct rota_datagram_error error;
	char room[ROTAI_ERROR_BYTES];
	int found;

	if (rotai_datagram_class_of(datagram)->has_own_errors)
		return;
	for (int i = 0; i < ERRORS_PER_EVENT; i++) {
		found = rotai_datagram_take_error(rotai_datagram_fd(datagram),
						  &error, room);
		if (found == ROTA_EAGAIN)
			break;
		if (found > 0 && datagram->internal.error != NULL)
			rotai_error_call(datagram, &error);
		if (!rotai_datagram_is_current(datagrams, datagram))
			return;
	}
	/* A receiver gets the pending error itself. */
	if (!rotai_datagram_has(datagram, ROTAI_DG_RECEIVING))
		(void)rotai_socket_error(rotai_datagram_fd(datagram));
}

void rotai_error_note(struct rota_datagram *datagram, int error)
{
	if (rotai_datagram_has(datagram, ROTAI_DG_KEEPS_ERRORS) ||
	    !rotai_datagram_has(datagram, ROTAI_DG_RECEIVING))
		return; /* the queue has it, or nobody wants it */
	datagram->internal.error_left = error;
	rotai_watch_report(&datagram->internal.watch, ROTA_READABLE);
}

int rota_datagram_on_error(struct rota_datagram *datagram,
			   rota_datagram_error_fn *fn)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int keeps = rotai_datagram_has(datagram, ROTAI_DG_KEEPS_ERRORS);
	int error = rotai_datagram_usable(datagram);

	if (error == 0 && rotai_datagram_class_of(datagram)->has_own_errors)
		error = ROTA_ENOTSUP;
	if (error == 0)
		error = rotai_datagram_register(datagram);
	if (error == 0 && keeps != (fn != NULL))
		error = rotai_datagram_keep_errors(
			rotai_datagram_fd(datagram),
			rotai_datagram_family(datagram), fn != NULL);
	if (error == 0) {
		datagram->internal.flags &= ~(unsigned)ROTAI_DG_KEEPS_ERRORS;
		datagram->internal.flags |=
			fn != NULL ? ROTAI_DG_KEEPS_ERRORS : 0;
	} else if (error != ROTA_ENOTSUP ||
		   rotai_datagram_class_of(datagram)->has_own_errors) {
		return error;
	}
	datagram->internal.error = fn;
	rotai_datagram_update(datagram);
	return 0;
}

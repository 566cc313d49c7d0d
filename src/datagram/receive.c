/*
 * datagram/receive.c - receiving.
 *
 *  1. One event receives batches until one comes up short, or a limit is
 *     reached. What is left is reported again, as the watch is level-triggered.
 *     So a batch that came up short needs no further call to find out that
 *     there is no more.
 *  2. An error of the socket is the pending error of an earlier datagram: see
 *     error.c (1). The call that returned it has cleared it, so the next one
 *     receives. One event reports so many in a row, and then leaves the rest to
 *     the next turn: an error callback that sends may cause the next error each
 *     time. But if the errors are not of the network, the socket is broken in a
 *     way that no repetition changes, and receiving stops. An event without a
 *     datagram or an error may be about the queue of errors.
 *  3. A connection of records (seqpacket) ends with a record of no bytes.
 */
#include "datagram/datagram.h"
#include "loop/callback.h"

enum { ERRORS_IN_A_ROW = 16 };

static void call_receiver(struct rota_datagram *datagram, int status,
			  const struct rota_received *received, size_t count)
{
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);
	struct rota_loop *loop = datagram->handle.internal.loop;
	const char *type = datagram->handle.internal.class_->type;

	datagrams->is_lent = 1;
	rotai_callback_begin(loop, type, datagram->handle.internal.name,
			     datagram);
	datagram->internal.receive(datagram, status, received, count);
	rotai_callback_end(loop, type, datagram);
	datagrams->is_lent = 0;
	if (ROTAI_UNLIKELY(datagrams->receivers == 0))
		rotai_slots_shrink(datagrams);
}

static int still_receives(const struct rotai_datagrams *datagrams,
			  const struct rota_datagram *datagram)
{
	return rotai_datagram_is_current(datagrams, datagram) &&
	       rotai_datagram_has(datagram, ROTAI_DG_RECEIVING);
}

void rotai_receive_stop(struct rota_datagram *datagram)
{
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);

	if (!rotai_datagram_has(datagram, ROTAI_DG_RECEIVING))
		return;
	datagram->internal.flags &= ~(unsigned)ROTAI_DG_RECEIVING;
	datagrams->receivers--;
	rotai_slots_shrink(datagrams);
	rotai_datagram_update(datagram);
}

/* Whether the network may have reported @error about a datagram. */
static int is_of_network(int error)
{
	switch (error) {
	case ROTA_ECONNREFUSED:
	case ROTA_ECONNRESET:
	case ROTA_EHOSTDOWN:
	case ROTA_EHOSTUNREACH:
	case ROTA_ENETUNREACH:
	case ROTA_ENETDOWN:
	case ROTA_ENOPROTOOPT:
	case ROTA_EMSGSIZE:
	case ROTA_EACCES:
	case ROTA_EPROTO:
		return 1;
	}
	return 0;
}

/* Report the @nth error in a row. (2) */
static void report_error(struct rotai_datagrams *datagrams,
			 struct rota_datagram *datagram, int error, int nth)
{
	struct rota_datagram_error none = { .status = error };
	int is_last = nth == ERRORS_IN_A_ROW && !is_of_network(error);

	if (is_last) {
		rotai_receive_stop(datagram);
	} else if (rotai_datagram_has(datagram, ROTAI_DG_KEEPS_ERRORS)) {
		rotai_errors_call(datagrams, datagram);
		return;
	} else if (datagram->internal.error != NULL) {
		rotai_error_call(datagram, &none);
		return;
	}
	call_receiver(datagram, error, NULL, 0);
}

/* (3) */
static int records_before_the_end(const struct rota_received *received, int n)
{
	int i = 0;

	while (i < n && received[i].size > 0)
		i++;
	return i;
}

/* The connection has ended after @n records. (3) */
static void finish_records(struct rotai_datagrams *datagrams,
			   struct rota_datagram *datagram,
			   const struct rota_received *received, int n)
{
	if (n > 0)
		call_receiver(datagram, 0, received, (size_t)n);
	if (!still_receives(datagrams, datagram))
		return;
	rotai_receive_stop(datagram);
	datagram->internal.flags |= ROTAI_DG_ENDED;
	call_receiver(datagram, ROTA_EOF, NULL, 0);
}

void rotai_datagram_receive(struct rotai_datagrams *datagrams,
			    struct rota_datagram *datagram)
{
	const struct rota_received *received;
	size_t bytes, all_bytes = 0;
	int all = 0, errors = 0;
	int n;

	if (ROTAI_UNLIKELY(datagram->internal.error_left != 0)) {
		int error = datagram->internal.error_left;

		datagram->internal.error_left = 0;
		report_error(datagrams, datagram, error, 1);
	}
	while (still_receives(datagrams, datagram)) {
		n = rotai_slots_receive(datagrams, datagram, &received, &bytes);
		if (n == ROTA_EAGAIN) {
			if (all == 0 && errors == 0) /* (2) */
				rotai_errors_call(datagrams, datagram);
			return;
		}
		if (ROTAI_UNLIKELY(n < 0)) {
			report_error(datagrams, datagram, n, ++errors);
			if (errors == ERRORS_IN_A_ROW)
				return; /* (2) */
			continue;
		}
		if (ROTAI_UNLIKELY(
			    rotai_datagram_has(datagram, ROTAI_DG_RECORDS))) {
			int records = records_before_the_end(received, n);

			if (records < n) {
				finish_records(datagrams, datagram, received,
					       records);
				return;
			}
		}
		call_receiver(datagram, 0, received, (size_t)n);
		errors = 0;
		all += n;
		all_bytes += bytes;
		if ((unsigned)n < datagrams->batch || /* (1) */
		    all >= ROTA_DATAGRAMS_PER_EVENT ||
		    all_bytes >= ROTA_BYTES_PER_EVENT)
			return;
	}
}

static int start_receiving(struct rota_datagram *datagram, size_t size,
			   rota_receive_fn *fn)
{
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);
	uint32_t largest = rotai_datagram_class_of(datagram)->largest;
	int error = rotai_slots_prepare(datagrams);

	if (error == 0)
		error = rotai_datagram_register(datagram);
	if (error < 0)
		return error;
	datagram->internal.receive = fn;
	datagram->internal.slot = size < largest ? (uint32_t)size : largest;
	if (!rotai_datagram_has(datagram, ROTAI_DG_RECEIVING)) {
		datagram->internal.flags |= ROTAI_DG_RECEIVING;
		datagrams->receivers++;
		rotai_datagram_update(datagram);
	}
	return 0;
}

static int may_receive(const struct rota_datagram *datagram,
		       rota_receive_fn *fn, size_t size)
{
	int error = rotai_datagram_usable(datagram);

	if (error < 0)
		return error;
	if (fn == NULL || size == 0)
		return ROTA_EINVAL;
	if (rotai_datagram_has(datagram, ROTAI_DG_RECORDS) &&
	    !rotai_datagram_has(datagram, ROTAI_DG_CONNECTED))
		return ROTA_ENOTCONN;
	return rotai_datagram_has(datagram, ROTAI_DG_ENDED) ? ROTA_EOF : 0;
}

int rota_datagram_receive_start(struct rota_datagram *datagram,
				rota_receive_fn *fn)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int error = may_receive(datagram, fn, SIZE_MAX);

	return error < 0 ? error : start_receiving(datagram, SIZE_MAX, fn);
}

int rota_datagram_receive_up_to(struct rota_datagram *datagram, size_t size,
				rota_receive_fn *fn)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int error = may_receive(datagram, fn, size);

	return error < 0 ? error : start_receiving(datagram, size, fn);
}

int rota_datagram_receive_stop(struct rota_datagram *datagram)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int error = rotai_handle_usable(&datagram->handle);

	if (error == 0)
		rotai_receive_stop(datagram);
	return error;
}

/*
 * datagram/send.c - sending.
 *
 *  1. A request waits in the queue of its socket until the callback that sends
 *     it has ended. Then all that are queued leave in batches. So a program
 *     that answers one by one makes no more system calls than one that collects
 *     answers by itself.
 *  2. If the system has no room, the rest of the queue waits until the socket
 *     is writable: ROTAI_DG_BLOCKED.
 *  3. A batch is sent from its start until the first message that fails. The
 *     error is that of this message only if a second attempt fails as well: the
 *     first may have returned, and cleared, an error that the network has
 *     reported about an earlier datagram. Nothing is sent by an attempt that
 *     returns an error, so nothing is sent twice.
 *  4. Each request ends with the error of its own datagram, and the queue goes
 *     on with the next.
 */
#include <string.h>

#include "base/list.h"
#include "datagram/datagram.h"

/* How often an error is taken for that of an earlier datagram. (3) */
enum { MOST_REPETITIONS = 4 };

/* A batch as it is built. */
struct batch {
	struct rotai_outbound *out;
	unsigned count;
	unsigned parts;
};

static int has_control(const struct rota_outgoing *out)
{
	return out->from != NULL || out->interface_index != 0 ||
	       out->segment_size != 0 || out->hop_limit != 0 || out->ecn != 0;
}

/* Find out whether the system has segments; once for a socket. */
static int has_segments(struct rota_datagram *datagram)
{
	if (!rotai_datagram_has(datagram, ROTAI_DG_HAS_SEGMENTS) &&
	    !rotai_datagram_class_of(datagram)->has_own_errors &&
	    rotai_datagram_has_segments(rotai_datagram_fd(datagram)))
		datagram->internal.flags |= ROTAI_DG_HAS_SEGMENTS;
	return rotai_datagram_has(datagram, ROTAI_DG_HAS_SEGMENTS);
}

/* Return how many bytes the datagram has; SIZE_MAX if that is too many. */
static size_t bytes_of(const struct rota_outgoing *out)
{
	size_t size = 0;

	if (out->bufs == NULL)
		return out->size;
	for (size_t i = 0; i < out->count; i++) {
		if (out->bufs[i].size > SIZE_MAX - size)
			return SIZE_MAX;
		size += out->bufs[i].size;
	}
	return size;
}

/* Check what is not of the common kind. */
static int check_control(struct rota_datagram *datagram,
			 const struct rota_outgoing *out)
{
	size_t size = bytes_of(out);

	if (rotai_datagram_has(datagram, ROTAI_DG_LOCAL))
		return ROTA_EINVAL; /* it has no such things */
	if (out->ecn > 3)
		return ROTA_EINVAL;
	if (out->from != NULL && out->from->size > 0 &&
	    out->from->is.any.sa_family != rotai_datagram_family(datagram))
		return ROTA_EAFNOSUPPORT;
	if (out->segment_size == 0)
		return 0;
	if (size / out->segment_size + (size % out->segment_size != 0) >
	    ROTA_DATAGRAM_SEGMENTS)
		return ROTA_EINVAL;
	return has_segments(datagram) ? 0 : ROTA_ENOTSUP;
}

/* Check the arguments: 0 or an error. */
static inline int check_outgoing(struct rota_datagram *datagram,
				 const struct rota_outgoing *out)
{
	const struct rota_address *to = out->to;

	if (ROTAI_UNLIKELY(out->bufs != NULL
				   ? out->count > ROTA_DATAGRAM_BUFS
				   : out->data == NULL && out->size > 0))
		return ROTA_EINVAL;
	if (rotai_datagram_has(datagram, ROTAI_DG_CONNECTED)) {
		if (ROTAI_UNLIKELY(to != NULL))
			return ROTA_EISCONN;
	} else if (ROTAI_UNLIKELY(
			   rotai_datagram_has(datagram, ROTAI_DG_RECORDS))) {
		return ROTA_ENOTCONN;
	} else if (ROTAI_UNLIKELY(to == NULL)) {
		return ROTA_EDESTADDRREQ;
	} else if (ROTAI_UNLIKELY(to->is.any.sa_family !=
				  rotai_datagram_family(datagram))) {
		return ROTA_EAFNOSUPPORT;
	} else if (ROTAI_UNLIKELY(to->size == 0 || to->size > sizeof(to->is))) {
		return ROTA_EINVAL;
	}
	if (ROTAI_UNLIKELY(rotai_datagram_has(datagram, ROTAI_DG_RECORDS)) &&
	    bytes_of(out) == 0)
		return ROTA_EINVAL; /* it would look like the end */
	return ROTAI_UNLIKELY(has_control(out)) ? check_control(datagram, out)
						: 0;
}

/* Append a datagram, whose arguments are right, to the batch. Returns 0 if
 * there is no room. */
static inline int put_message(struct batch *batch, int family,
			      const struct rota_outgoing *out)
{
	size_t parts = out->bufs != NULL ? out->count : 1;
	struct msghdr *head;
	struct iovec *part;

	if (batch->count == ROTAI_SEND_BATCH ||
	    batch->parts + parts > ROTAI_SEND_PARTS)
		return 0;
	head = &batch->out->messages[batch->count].head;
	part = &batch->out->parts[batch->parts];
	head->msg_name = NULL;
	head->msg_namelen = 0;
	if (out->to != NULL) {
		head->msg_name = (void *)(uintptr_t)&out->to->is;
		head->msg_namelen = (socklen_t)out->to->size;
	}
	head->msg_iov = part;
	head->msg_iovlen = (__typeof__(head->msg_iovlen))parts;
	if (ROTAI_LIKELY(out->bufs == NULL)) {
		part->iov_base = (void *)(uintptr_t)out->data;
		part->iov_len = out->size;
	}
	for (size_t i = 0; ROTAI_UNLIKELY(out->bufs != NULL) && i < parts;
	     i++) {
		part[i].iov_base = (void *)(uintptr_t)out->bufs[i].data;
		part[i].iov_len = out->bufs[i].size;
	}
	head->msg_control = NULL;
	head->msg_controllen = 0;
	if (ROTAI_UNLIKELY(has_control(out)))
		rotai_control_write(head,
				    batch->out->control[batch->count].bytes,
				    out, family);
	batch->count++;
	batch->parts += (unsigned)parts;
	return 1;
}

/* Whether @error, which a second attempt has not returned, may have been about
 * an earlier datagram: that has a connection, and the system has others. */
static int is_of_earlier(const struct rota_datagram *datagram, int error)
{
	return rotai_datagram_has(datagram, ROTAI_DG_CONNECTED) &&
	       error != ROTA_ENOBUFS && error != ROTA_ENOMEM &&
	       error != ROTA_EPERM;
}

/* A send has returned @n, an error: repeat it. Returns the result of this
 * datagram. (3) */
static int send_again(struct rota_datagram *datagram, const struct batch *batch,
		      int n)
{
	int fd = rotai_datagram_fd(datagram);
	int noted = 0;
	int was;

	for (int i = 0; n < 0 && n != ROTA_EAGAIN && i < MOST_REPETITIONS;
	     i++) {
		was = n;
		n = rotai_messages_send(fd, batch->out->messages, batch->count);
		if (n == was && n != ROTA_ECONNREFUSED)
			break;
		if (is_of_earlier(datagram, was))
			noted = was;
	}
	if (noted != 0)
		rotai_error_note(datagram, noted);
	/* A send of UDP is never refused itself. */
	return n == ROTA_ECONNREFUSED ? ROTA_EAGAIN : n;
}

/* Send the batch: how many of its messages were sent, at least one; or the
 * error of the first. */
static int send_batch(struct rota_datagram *datagram, const struct batch *batch)
{
	int n = rotai_messages_send(rotai_datagram_fd(datagram),
				    batch->out->messages, batch->count);

	if (ROTAI_LIKELY(n > 0) || n == ROTA_EAGAIN ||
	    rotai_datagram_class_of(datagram)->has_own_errors)
		return n;
	return send_again(datagram, batch, n);
}

/* --- requests ------------------------------------------------------------- */

static struct rota_send *send_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_send, request);
}

static struct rota_send *send_of_link(struct rota_link *link)
{
	return rota_container_of(link, struct rota_send, internal.link);
}

/* Take @send out of the queue, and finish it. */
static void finish_send(struct rota_datagram *datagram, struct rota_send *send,
			int status)
{
	rotai_list_remove(&send->internal.link);
	datagram->internal.queue_count--;
	datagram->internal.queue_size -= send->internal.size;
	rotai_request_finish(&send->request, status);
}

static void call_send(struct rota_request *request)
{
	struct rota_send *send = send_of(request);

	send->internal.fn(send, request->internal.status);
}

static int cancel_send(struct rota_request *request, int status)
{
	struct rota_datagram *datagram = rota_container_of(
		request->internal.handle, struct rota_datagram, handle);

	finish_send(datagram, send_of(request), status);
	return 0;
}

static const struct rotai_request_class send_class = {
	.type = "datagram_send",
	.call = call_send,
	.cancel = cancel_send,
};

/* A request stores of its sender only the IP address. */
static void store_from(struct rota_send *send, const struct rota_address *from)
{
	if (from->is.any.sa_family == AF_INET6)
		send->internal.from = from->is.ip6.sin6_addr;
	else
		memcpy(&send->internal.from, &from->is.ip4.sin_addr,
		       sizeof(from->is.ip4.sin_addr));
}

static void load_from(const struct rota_send *send, int family,
		      struct rota_address *from)
{
	from->size = sizeof(from->is);
	if (family == AF_INET6)
		from->is.ip6.sin6_addr = send->internal.from;
	else
		memcpy(&from->is.ip4.sin_addr, &send->internal.from,
		       sizeof(from->is.ip4.sin_addr));
}

/* Append the datagram of a request to the batch. Returns 0 if there is no
 * room. */
static int put_send(struct batch *batch, int family,
		    const struct rota_send *send)
{
	struct rota_outgoing out = send->internal.out;
	struct rota_address from;

	if (out.to != NULL)
		out.to = &send->internal.to;
	if (out.from != NULL) {
		load_from(send, family, &from);
		out.from = &from;
	}
	return put_message(batch, family, &out);
}

/* Put what is queued into a batch, from the start. */
static void batch_queue(struct rota_datagram *datagram, struct batch *batch)
{
	struct rota_link *queue = &datagram->internal.queue;
	int family = rotai_datagram_family(datagram);
	struct rota_link *at;

	batch->count = 0;
	batch->parts = 0;
	for (at = queue->next; at != queue; at = at->next)
		if (!put_send(batch, family, send_of_link(at)))
			break;
}

static void finish_first(struct rota_datagram *datagram, int status)
{
	finish_send(datagram, send_of_link(datagram->internal.queue.next),
		    status);
}

/* There is no room for the rest of the queue, after @done requests: continue
 * when there is. (2) */
static void wait_for_room(struct rota_datagram *datagram, unsigned done)
{
	const struct rotai_datagram_class *class_ =
		rotai_datagram_class_of(datagram);

	datagram->internal.flags |=
		class_->pause != NULL && class_->pause(datagram, done)
			? ROTAI_DG_PAUSED
			: ROTAI_DG_BLOCKED;
}

void rotai_datagram_flush(struct rota_datagram *datagram)
{
	enum { WAITS = ROTAI_DG_BLOCKED | ROTAI_DG_PAUSED };
	struct batch batch = { .out = &rotai_datagrams_of(datagram)->out };
	unsigned all = 0;
	int n = 0;

	datagram->internal.flags &= ~(unsigned)WAITS;
	while (datagram->internal.queue_count > 0) {
		if (all < ROTA_DATAGRAMS_PER_EVENT) {
			batch_queue(datagram, &batch);
			n = send_batch(datagram, &batch);
		} else {
			n = ROTA_EAGAIN; /* the rest is for the next event */
		}
		if (n == ROTA_EAGAIN) {
			wait_for_room(datagram, all);
			break;
		}
		all += n > 0 ? (unsigned)n : 1;
		if (n < 0)
			finish_first(datagram, n); /* (4) */
		for (; n > 0; n--)
			finish_first(datagram, 0);
	}
	rotai_datagram_update(datagram);
}

int rotai_datagram_empty_queue(struct rota_datagram *datagram)
{
	if (datagram->internal.queue_count > 0)
		rotai_datagram_flush(datagram);
	return datagram->internal.queue_count > 0 ? ROTA_EBUSY : 0;
}

static void take_out_of_held(struct rotai_datagrams *datagrams,
			     struct rota_datagram *datagram)
{
	struct rota_datagram **at = &datagrams->held;

	if (!rotai_datagram_has(datagram, ROTAI_DG_HELD))
		return;
	while (*at != datagram)
		at = &(*at)->internal.held;
	*at = datagram->internal.held;
	datagram->internal.flags &= ~(unsigned)ROTAI_DG_HELD;
}

void rotai_datagrams_after(struct rotai_extension *extension,
			   struct rota_loop *loop)
{
	struct rotai_datagrams *datagrams =
		rota_container_of(extension, struct rotai_datagrams, extension);
	struct rota_datagram *datagram;

	(void)loop;
	while ((datagram = datagrams->held) != NULL) {
		take_out_of_held(datagrams, datagram);
		rotai_datagram_flush(datagram);
	}
}

/* Have the queue flushed when the callback ends, if it does not wait for room.
 * (1) */
static void hold(struct rota_datagram *datagram)
{
	struct rotai_datagrams *datagrams = rotai_datagrams_of(datagram);

	if (rotai_datagram_has(datagram, ROTAI_DG_HELD | ROTAI_DG_BLOCKED |
						 ROTAI_DG_PAUSED))
		return;
	datagram->internal.flags |= ROTAI_DG_HELD;
	datagram->internal.held = datagrams->held;
	datagrams->held = datagram;
	rotai_extension_call_after(datagrams->loop, &datagrams->extension);
}

void rotai_sends_stop(struct rota_datagram *datagram)
{
	take_out_of_held(rotai_datagrams_of(datagram), datagram);
	while (datagram->internal.queue_count > 0)
		finish_first(datagram, ROTA_ECANCELED);
}

/* Return 0 if *@out can be sent, else the error. The first datagram makes the
 * socket. */
static int may_send(struct rota_datagram *datagram,
		    const struct rota_outgoing *out)
{
	int error = rotai_handle_usable(&datagram->handle);

	if (error < 0)
		return error;
	if (ROTAI_LIKELY(rotai_datagram_fd(datagram) >= 0))
		return check_outgoing(datagram, out);
	if (out->to == NULL)
		return ROTA_EDESTADDRREQ;
	error = rotai_datagram_class_of(datagram)->create(datagram, out->to);
	if (error < 0)
		return error;
	error = check_outgoing(datagram, out);
	if (error < 0)
		rotai_datagram_discard_fd(datagram);
	return error;
}

int rota_datagram_send(struct rota_send *send, struct rota_datagram *datagram,
		       const struct rota_outgoing *out, rota_send_fn *fn)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	int had_fd = rotai_datagram_fd(datagram) >= 0;
	int error = fn == NULL || out == NULL ? ROTA_EINVAL
					      : may_send(datagram, out);

	if (error < 0)
		return error;
	error = rotai_datagram_register(datagram);
	if (error < 0) {
		if (!had_fd)
			rotai_datagram_discard_fd(datagram);
		return error;
	}
	send->internal.fn = fn;
	send->internal.out = *out;
	send->internal.size = bytes_of(out);
	if (out->to != NULL)
		send->internal.to = *out->to;
	if (out->from != NULL && out->from->size > 0)
		store_from(send, out->from);
	else
		send->internal.out.from = NULL;
	rotai_request_begin(&send->request, datagram->handle.internal.loop,
			    &datagram->handle, &send_class);
	rotai_list_append(&datagram->internal.queue, &send->internal.link);
	datagram->internal.queue_count++;
	datagram->internal.queue_size += send->internal.size;
	hold(datagram);
	return 0;
}

/* Put datagrams of the caller's into a batch. Returns 0, or the error of the
 * one that ends the batch. */
static inline int batch_array(struct rota_datagram *datagram,
			      struct batch *batch,
			      const struct rota_outgoing *out, size_t count)
{
	int family = rotai_datagram_family(datagram);
	int error;

	batch->count = 0;
	batch->parts = 0;
	for (size_t i = 0; i < count; i++) {
		error = check_outgoing(datagram, &out[i]);
		if (ROTAI_UNLIKELY(error < 0))
			return error;
		if (!put_message(batch, family, &out[i]))
			break;
	}
	return 0;
}

int rota_datagram_try_send(struct rota_datagram *datagram,
			   const struct rota_outgoing *out, size_t count)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	struct batch batch;
	size_t done = 0;
	int n = out == NULL || count == 0 || count > INT32_MAX
			? ROTA_EINVAL
			: may_send(datagram, out);

	if (ROTAI_UNLIKELY(n < 0))
		return n;
	batch.out = &rotai_datagrams_of(datagram)->out;
	if (ROTAI_UNLIKELY(datagram->internal.queue_count > 0)) {
		take_out_of_held(rotai_datagrams_of(datagram), datagram);
		rotai_datagram_flush(datagram);
		if (datagram->internal.queue_count > 0)
			return ROTA_EAGAIN;
	}
	while (done < count) {
		n = batch_array(datagram, &batch, out + done, count - done);
		if (batch.count > 0)
			n = send_batch(datagram, &batch);
		if (ROTAI_UNLIKELY(n < 0))
			break;
		done += (size_t)n;
	}
	return done > 0 ? (int)done : n;
}

size_t rota_datagram_queue_count(const struct rota_datagram *datagram)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	return datagram->internal.queue_count;
}

size_t rota_datagram_queue_size(const struct rota_datagram *datagram)
{
	ROTAI_ENTER_HANDLE(&datagram->handle);
	return datagram->internal.queue_size;
}

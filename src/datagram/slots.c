/*
 * datagram/slots.c - the memory that datagrams are received into.
 *
 *  1. A loop has one area of memory, for all of its sockets. It has a slot for
 *     each datagram of a batch, which is large enough for any: no datagram is
 *     cut. Pages that no datagram reaches take no memory, so small ones take a
 *     page each.
 *  2. Slots of a multiple of 4 KiB would all have their first bytes in the same
 *     few sets of the processor's cache. So each begins SHIFT bytes further on
 *     than a multiple of its size.
 *  3. The messages are laid out once, for slots of one size. A batch only puts
 *     back what the kernel has changed of those that it has used. Another size
 *     needs a new layout.
 *  4. Large datagrams leave pages behind. They are given back when some batches
 *     in a row were small, and when the last receiver stops: before a batch is
 *     received, as the pages lose what they have. When the last socket of the
 *     loop closes, so is the whole.
 *  5. Only whole pages can be given back, and some systems have larger ones. So
 *     the front takes a multiple of the largest.
 */
#include <string.h>

#include "base/pages.h"
#include "datagram/datagram.h"

enum {
	LINE = 64,
	SHIFT = 2 * LINE, /* (2) */
	FULL_SLOT = 65536,
	PAGE = 4096,
	LARGEST_PAGE = 65536, /* of any system: (5) */
	QUIET_BATCHES = 64,   /* (4) */
	SLOTS = ROTA_DATAGRAMS_PER_CALL,
};

/* The front of the area; the slots follow. */
struct rotai_inbound {
	struct rotai_message messages[SLOTS];
	struct iovec parts[SLOTS];
	struct rota_received received[SLOTS];
	union {
		struct cmsghdr align;
		char bytes[ROTAI_CONTROL_SIZE];
	} control[SLOTS];
	size_t slot; /* the layout: bytes of a slot; 0: none yet (3) */
	int has_control;
	int is_large; /* a datagram had more bytes than a page (4) */
	unsigned quiet;
};

static const size_t FRONT_SIZE =
	(sizeof(struct rotai_inbound) + LARGEST_PAGE - 1) / LARGEST_PAGE *
	LARGEST_PAGE;
static const size_t SLOTS_SIZE = (size_t)SLOTS * (FULL_SLOT + SHIFT);

static char *slots_of(struct rotai_inbound *in)
{
	return (char *)in + FRONT_SIZE;
}

int rotai_slots_prepare(struct rotai_datagrams *datagrams)
{
	if (datagrams->inbound == NULL)
		datagrams->inbound = rotai_pages_new(FRONT_SIZE + SLOTS_SIZE);
	return datagrams->inbound == NULL ? ROTA_ENOMEM : 0;
}

static void clear_slots(struct rotai_inbound *in)
{
	rotai_pages_clear(slots_of(in), SLOTS_SIZE);
	in->is_large = 0;
	in->quiet = 0;
}

void rotai_slots_free(struct rotai_datagrams *datagrams)
{
	if (datagrams->inbound != NULL)
		rotai_pages_free(datagrams->inbound, FRONT_SIZE + SLOTS_SIZE);
	datagrams->inbound = NULL;
}

void rotai_slots_shrink(struct rotai_datagrams *datagrams)
{
	if (datagrams->inbound == NULL || datagrams->is_lent)
		return;
	if (datagrams->handles == 0)
		rotai_slots_free(datagrams);
	else if (datagrams->receivers == 0 && datagrams->inbound->is_large)
		clear_slots(datagrams->inbound);
}

/* Set the members that only control data changes. */
static void forget_reports(struct rota_received *received)
{
	received->to.size = 0;
	received->own.size = 0;
	received->time_ns = 0;
	received->interface_index = 0;
	received->segment_size = 0;
	received->hop_limit = -1;
	received->ecn = 0;
}

/* Put back what the kernel changes of a message that it uses. (3) */
static inline void renew(struct rotai_inbound *in, unsigned i)
{
	struct msghdr *head = &in->messages[i].head;

	head->msg_namelen = sizeof(in->received[i].from.is);
	if (in->has_control)
		head->msg_controllen = sizeof(in->control[i]);
}

/* Lay out messages for slots of @slot bytes. (3) */
static void lay_out(struct rotai_datagrams *datagrams, size_t slot,
		    int has_control)
{
	struct rotai_inbound *in = datagrams->inbound;
	size_t stride = (slot + LINE - 1) / LINE * LINE;
	size_t count;
	char *at = slots_of(in);

	if (stride % PAGE == 0)
		stride += SHIFT; /* (2) */
	count = SLOTS_SIZE / stride;
	in->slot = slot;
	datagrams->batch = count < SLOTS ? (unsigned)count : SLOTS;
	in->has_control = has_control;
	for (unsigned i = 0; i < datagrams->batch; i++, at += stride) {
		struct msghdr *head = &in->messages[i].head;

		in->parts[i].iov_base = at;
		in->parts[i].iov_len = slot;
		in->received[i].data = at;
		forget_reports(&in->received[i]);
		head->msg_name = &in->received[i].from.is;
		head->msg_iov = &in->parts[i];
		head->msg_iovlen = 1;
		head->msg_control = has_control ? &in->control[i] : NULL;
		head->msg_controllen = 0;
		renew(in, i);
	}
}

/* Return how many bytes the first @n messages have, after storing what was
 * received with them. The sizes are combined in *@sizes by a bitwise or. */
static size_t read_messages(struct rotai_inbound *in, unsigned n,
			    unsigned *sizes)
{
	unsigned all = 0;
	size_t bytes = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rotai_message *message = &in->messages[i];
		struct rota_received *received = &in->received[i];

		received->size = message->size;
		received->from.size = message->head.msg_namelen;
		received->is_truncated =
			(message->head.msg_flags & MSG_TRUNC) != 0;
		bytes += message->size;
		all |= message->size;
		if (ROTAI_UNLIKELY(in->has_control)) {
			forget_reports(received);
			rotai_control_read(&message->head, received);
		}
		renew(in, i);
	}
	*sizes = all;
	return bytes;
}

/* @sizes is at least PAGE if one of the sizes is. (4) */
static void note_use(struct rotai_inbound *in, unsigned sizes)
{
	if (ROTAI_UNLIKELY(sizes >= PAGE)) {
		in->is_large = 1;
		in->quiet = 0;
	} else if (ROTAI_UNLIKELY(in->is_large)) {
		in->quiet++;
	}
}

/* Return how many bytes a slot has for @datagram. What the kernel has put
 * together is not cut, as each part may be short enough. */
static size_t slot_for(const struct rota_datagram *datagram)
{
	if (ROTAI_UNLIKELY(rotai_datagram_has(datagram, ROTAI_DG_COALESCES)))
		return rotai_datagram_class_of(datagram)->largest;
	return datagram->internal.slot;
}

int rotai_slots_receive(struct rotai_datagrams *datagrams,
			const struct rota_datagram *datagram,
			const struct rota_received **received, size_t *bytes)
{
	struct rotai_inbound *in = datagrams->inbound;
	int has_control = rotai_datagram_has(datagram, ROTAI_DG_REPORTS);
	size_t slot = slot_for(datagram);
	unsigned sizes;
	int n;

	if (ROTAI_UNLIKELY(in->quiet >= QUIET_BATCHES))
		clear_slots(in); /* (4) */
	if (ROTAI_UNLIKELY(in->slot != slot || in->has_control != has_control))
		lay_out(datagrams, slot, has_control);
	n = rotai_messages_receive(rotai_datagram_fd(datagram), in->messages,
				   datagrams->batch);
	if (n <= 0)
		return n == 0 ? ROTA_EAGAIN : n;
	*bytes = read_messages(in, (unsigned)n, &sizes);
	*received = in->received;
	note_use(in, sizes);
	return n;
}

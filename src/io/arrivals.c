/*
 * io/arrivals.c - see arrivals.h.
 *
 *  1. They are in a ring of a fixed size: receiving one allocates nothing. An
 *     entry is a descriptor, or an error where some were lost.
 *  2. A loss behind another one is noted with that one. The ring has an entry
 *     more than descriptors may wait, so a loss always finds room: when all
 *     other entries are used, either the last one is an error, or there is one
 *     left.
 *  3. A pipe that is ending discards its input, descriptors included.
 */
#include "io/arrivals.h"

#include "base/fd.h"
#include "base/memory.h"
#include "base/unix.h"
#include "io/io.h"

struct rotai_arrivals {
	size_t max;   /* entries that may be descriptors; one more follows */
	size_t first; /* index of the oldest entry */
	size_t used;
	size_t errors; /* of these entries */
	int entries[];
};

static const struct rota_allocator *memory_of(const struct rota_pipe *pipe)
{
	return &pipe->handle.internal.loop->allocator;
}

static size_t size_of(size_t max)
{
	return sizeof(struct rotai_arrivals) + (max + 1) * sizeof(int);
}

static size_t index_at(const struct rotai_arrivals *a, size_t nth)
{
	return (a->first + nth) % (a->max + 1);
}

static int take_entry(struct rotai_arrivals *a)
{
	int entry = a->entries[a->first];

	a->first = index_at(a, 1);
	a->used--;
	a->errors -= entry < 0;
	return entry;
}

static void put_entry(struct rotai_arrivals *a, int entry)
{
	a->entries[index_at(a, a->used)] = entry;
	a->used++;
	a->errors += entry < 0;
}

/* (2) */
static void note_loss(struct rotai_arrivals *a, int error)
{
	if (a->used == 0 || a->entries[index_at(a, a->used - 1)] >= 0)
		put_entry(a, error);
}

int rotai_arrivals_keep(struct rota_pipe *pipe, size_t max)
{
	struct rotai_arrivals *old = pipe->internal.arrivals;
	struct rotai_arrivals *a;

	if (old != NULL && max < old->used)
		max = old->used; /* errors are among them */
	a = rotai_memory_new(memory_of(pipe), size_of(max));
	if (a == NULL)
		return ROTA_ENOMEM;
	*a = (struct rotai_arrivals){ .max = max };
	while (old != NULL && old->used > 0) {
		int entry = take_entry(old);

		if (entry < 0)
			note_loss(a, entry);
		else
			put_entry(a, entry);
	}
	rotai_arrivals_free(pipe);
	pipe->internal.arrivals = a;
	return 0;
}

void rotai_arrivals_free(struct rota_pipe *pipe)
{
	struct rotai_arrivals *a = pipe->internal.arrivals;

	if (a == NULL)
		return;
	while (a->used > 0) {
		int fd = take_entry(a);

		if (fd >= 0)
			rotai_fd_close(fd);
	}
	rotai_memory_free(memory_of(pipe), a, size_of(a->max));
	pipe->internal.arrivals = NULL;
}

size_t rotai_arrivals_count(const struct rota_pipe *pipe)
{
	const struct rotai_arrivals *a = pipe->internal.arrivals;

	return a == NULL ? 0 : a->used - a->errors;
}

int rotai_arrivals_wait(const struct rota_pipe *pipe)
{
	return pipe->internal.arrivals != NULL &&
	       pipe->internal.arrivals->used > 0;
}

ptrdiff_t rotai_arrivals_take(struct rota_pipe *pipe, int *fds, size_t count)
{
	struct rotai_arrivals *a = pipe->internal.arrivals;
	size_t taken = 0;

	if (a == NULL || a->used == 0)
		return 0;
	if (a->entries[a->first] < 0)
		return take_entry(a);
	while (taken < count && a->used > 0 && a->entries[a->first] >= 0)
		fds[taken++] = take_entry(a);
	return (ptrdiff_t)taken;
}

/* Keep what has come, or close it. */
static void put_passed(struct rotai_arrivals *a,
		       const struct rotai_unix_passed *passed, int discards)
{
	for (size_t i = 0; i < passed->count; i++) {
		if (!discards && a->used < a->max) {
			put_entry(a, passed->fds[i]);
			continue;
		}
		rotai_fd_close(passed->fds[i]);
		if (!discards)
			note_loss(a, ROTA_ENOBUFS);
	}
	if (passed->is_cut && !discards)
		note_loss(a, ROTA_EMFILE);
}

ssize_t rotai_arrivals_receive(struct rota_pipe *pipe, int fd,
			       const struct rota_buf *buf)
{
	struct rotai_unix_passed passed;
	ssize_t n = rotai_unix_receive(fd, buf->data, buf->size, &passed);

	if (n >= 0)
		put_passed(pipe->internal.arrivals, &passed,
			   rotai_stream_has(&pipe->stream, ROTAI_ENDING));
	return n;
}

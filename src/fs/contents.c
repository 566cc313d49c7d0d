/*
 * fs/contents.c - reading a file to its end into memory: see contents.h.
 *
 *  1. The size that stat(2) returns determines how much memory is allocated at
 *     first. The reads determine where the file ends: a read returns 0; or it
 *     comes up short, and a regular file has exactly the size that stat(2)
 *     returned. According to POSIX, read(2) of a regular file comes up short
 *     only at its end or because of a signal. So one call reads most files.
 *     preadv2(2) with RWF_NOWAIT comes up short as well if the next page is
 *     missing. Then the file has grown since stat(2), and what is returned are
 *     the bytes that it had at that moment.
 *  2. There is always room for one byte more than the expected size. Then a
 *     file of this size needs no more memory for the read that finds the end,
 *     and the byte is used for the 0 after the data.
 *  3. What is not a file is read in the blocking lane, without blocking:
 *     poll(2) waits for more, or for a cancel.
 *  4. Memory for a pool thread comes from the blocks that are used again. What
 *     the loop's thread reads does not need that: the same thread frees it.
 *  5. Memory that belongs to the caller has no byte more. When it is full, one
 *     more byte is read to find out whether that was all.
 */
#include "fs/contents.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/read_file.h"
#include "fs/wait.h"
#include "pool/blocks.h"
#include "rota/error.h"

/* Memory for @capacity bytes, or for a few more. (4) */
static char *new_data(struct rotai_contents *c, size_t *capacity)
{
	unsigned kind = c->plain ? 0 : rotai_block_kind(*capacity);

	c->block = kind;
	if (kind == 0)
		return malloc(*capacity);
	*capacity = rotai_block_size(kind);
	return rotai_block_take(kind);
}

static char *bigger_data(struct rotai_contents *c, size_t capacity)
{
	c->block = 0;
	return realloc(c->data, capacity);
}

/* Make room for @capacity bytes, or for the limit and one byte if that is less.
 * (2) */
static int contents_make_room(struct rotai_contents *c, size_t capacity)
{
	char *data;

	if (c->limit < SIZE_MAX && capacity > c->limit + 1)
		capacity = c->limit + 1;
	if (c->fixed || capacity <= c->capacity)
		return 0;
	data = c->data == NULL ? new_data(c, &capacity)
			       : bigger_data(c, capacity);
	if (data == NULL)
		return ROTA_ENOMEM;
	c->data = data;
	c->capacity = capacity;
	return 0;
}

static int grow(struct rotai_contents *c)
{
	if (c->capacity > SIZE_MAX / 2)
		return ROTA_ENOMEM;
	return contents_make_room(c, c->capacity < ROTAI_FS_FIRST
					     ? ROTAI_FS_FIRST
					     : c->capacity * 2);
}

/* Make room for the size that stat(2) returned. (1) */
int rotai_contents_begin(struct rotai_contents *c, uint32_t mode,
			 uint64_t bytes)
{
	if (!S_ISREG(mode) || bytes == 0)
		return contents_make_room(c, ROTAI_FS_FIRST);
	if (bytes > c->limit) {
		c->size = bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
		return ROTA_EFBIG;
	}
	if (bytes >= SIZE_MAX)
		return ROTA_ENOMEM;
	c->expected = (size_t)bytes;
	return contents_make_room(c, c->expected + 1);
}

/* Wait for more, if @fd is read in that way. (3) */
static int await_more(const struct rotai_contents *c, int fd)
{
	int found = c->waiter == NULL
			    ? 0
			    : rotai_fs_wait(c->waiter, fd, POLLIN, -1);

	return found < 0 ? found : 0;
}

/* poll(2) reported it as ready, and there was nothing to read: poll(2) does not
 * work with this descriptor. So wait for a time. */
static int await_a_while(const struct rotai_contents *c, int *pause_ms)
{
	int found = rotai_fs_pause(c->waiter, -1, 0, pause_ms);

	return found < 0 ? found : 0;
}

/* A read has returned @n: return 0 to go on, 1 at the end, or an error. */
static int take_part(struct rotai_contents *c, ssize_t n, size_t wanted,
		     int *pause_ms)
{
	if (n == 0)
		return 1;
	if (n < 0 && errno == EAGAIN && c->waiter != NULL)
		return await_a_while(c, pause_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	*pause_ms = ROTAI_FS_FIRST_PAUSE;
	c->size += (size_t)n;
	if (c->size > c->limit)
		return ROTA_EFBIG;
	if ((size_t)n < wanted && c->size == c->expected)
		return 1; /* (1) */
	return c->size >= c->capacity ? grow(c) : 0;
}

/* Where the next bytes go, and how many. (5) */
static char *next_part(struct rotai_contents *c, size_t *wanted)
{
	size_t room = c->capacity - c->size;

	*wanted = room < ROTAI_FS_CHUNK ? room : ROTAI_FS_CHUNK;
	if (room > 0)
		return c->data + c->size;
	*wanted = 1;
	return &c->more;
}

int rotai_contents_read(struct rotai_contents *c, int fd)
{
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	/* What read_now() has left may be full. */
	int done = c->size >= c->capacity ? grow(c) : 0;

	while (done == 0 && !rota_work_canceled()) {
		size_t wanted;
		char *to = next_part(c, &wanted);

		done = await_more(c, fd);
		if (done == 0)
			done = take_part(c, read(fd, to, wanted), wanted,
					 &pause_ms);
	}
	if (done == 0)
		return ROTA_ECANCELED;
	return done < 0 ? done : 0;
}

int rotai_contents_read_now(struct rotai_contents *c, int fd)
{
	for (;;) {
		size_t wanted;
		char *to = next_part(c, &wanted);
		ssize_t n = rotai_file_read_now(fd, to, wanted, -1);

		if (n <= 0)
			return n == 0 ? 1 : (int)n;
		c->size += (size_t)n;
		if (c->size > c->limit)
			return ROTA_EFBIG;
		if ((size_t)n < wanted && c->size == c->expected)
			return 1; /* (1) */
		if (c->size >= c->capacity && !c->fixed)
			return ROTA_EAGAIN; /* it grows: a thread goes on */
	}
}

void rotai_contents_free(struct rotai_contents *c)
{
	rotai_block_give(c->data, c->block);
	c->data = NULL;
	c->block = 0;
}

void rotai_contents_end(struct rotai_contents *c)
{
	char *data;

	if (c->fixed)
		return;
	c->data[c->size] = '\0';
	if (c->keeps || c->capacity - c->size <= ROTAI_FS_FIRST)
		return;
	data = realloc(c->data, c->size + 1);
	if (data == NULL)
		return;
	c->data = data;
	c->block = 0;
}

/*
 * fs/contents.h - reading a file to its end into memory: of malloc(3), of a
 * buffer that grows, or of the caller.
 */
#ifndef ROTAI_FS_CONTENTS_H
#define ROTAI_FS_CONTENTS_H

#include <stdint.h>

#include "rota/fs.h"

struct rotai_contents {
	char *data;
	size_t size;     /* bytes that were read */
	size_t capacity; /* bytes at data */
	size_t limit;
	size_t expected; /* the size of a regular file, or SIZE_MAX */
	unsigned
		block; /* the kind of the block at data (pool/blocks.h), or 0 */
	uint8_t plain; /* do not use blocks */
	uint8_t fixed; /* data is the caller's, and as it is */
	uint8_t keeps; /* do not give back what is too much */
	char more;     /* a byte that has no place: contents.c (5) */

	struct rota_fs *waiter; /* waits for more with this; or NULL */
};

/* Make room for a file of this status: 0 or an error. After ROTA_EFBIG size is
 * the size of the file. */
int rotai_contents_begin(struct rotai_contents *c, uint32_t mode,
			 uint64_t bytes);

/* Read from @fd to the end: 0 or an error. */
int rotai_contents_read(struct rotai_contents *c, int fd);

/* The same, with what the page cache has: 1 at the end. ROTA_EAGAIN and
 * ROTA_EOPNOTSUPP: rotai_contents_read() can go on. */
int rotai_contents_read_now(struct rotai_contents *c, int fd);

/* All is read: put a 0 behind the data, and free the memory that is not
 * needed. */
void rotai_contents_end(struct rotai_contents *c);

void rotai_contents_free(struct rotai_contents *c);

#endif

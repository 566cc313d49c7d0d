/*
 * base/file_linux.c - sendfile(2), and reading what the page cache has by
 * preadv2(2) with RWF_NOWAIT.
 *
 * preadv2(2) is called by its number: the C library may be older than the call,
 * and the kernel may be as well. Then nobody knows what is in the page cache.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sigpipe.h"
#include "rota/error.h"

enum {
	NO_WAIT = 0x00000008, /* RWF_NOWAIT, since Linux 4.14 */
	PIECE = 4096,
	PIECES = 64, /* in one call that reads ahead */
};

ssize_t rotai_file_read_now(int fd, void *data, size_t size, int64_t offset)
{
	struct iovec buf = { data, size };
	long n;

	/* The offset is passed in two halves; where a long has 64 bits the
	 * first one has them all, and the kernel shifts the second one out. */
	do {
		n = syscall(SYS_preadv2, fd, &buf, 1L, (long)offset,
			    (long)(offset >> 32), NO_WAIT);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == ENOSYS || errno == EINVAL ? ROTA_EOPNOTSUPP : -errno;
}

/* All pieces are read to the same place: only the page cache matters. */
static ssize_t read_pieces(int fd, size_t size, int64_t offset)
{
	char piece[PIECE];
	struct iovec bufs[PIECES];
	int count = 0;
	ssize_t n;

	for (; size > 0 && count < PIECES; count++) {
		size_t part = size < PIECE ? size : PIECE;

		bufs[count] = (struct iovec){ piece, part };
		size -= part;
	}
	do {
		n = preadv(fd, bufs, count, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int rotai_file_read_ahead(int fd, size_t size, int64_t offset,
			  int (*stop)(void))
{
	ssize_t n;

	/* The kernel begins to read what follows as well: when that is needed,
	 * it may be there. */
	(void)posix_fadvise(fd, (off_t)offset, (off_t)(size + size),
			    POSIX_FADV_WILLNEED);
	while (size > 0) {
		if (stop())
			return ROTA_ECANCELED;
		n = read_pieces(fd, size, offset);
		if (n <= 0)
			return (int)n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

size_t rotai_file_send(int fd, int file, size_t size, int64_t offset, int *why)
{
	struct rotai_sigpipe guard;
	off_t at = (off_t)offset;
	size_t sent = 0;
	ssize_t n = 0;

	rotai_sigpipe_block(&guard);
	/* A short count may have several reasons: another call returns it. */
	while (sent < size) {
		n = sendfile(fd, file, &at, size - sent);
		if (n > 0)
			sent += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (n < 0)
		n = -errno;
	*why = n == 0 ? ROTA_EOF : (int)n;
	rotai_sigpipe_restore(&guard, n);
	return sent;
}

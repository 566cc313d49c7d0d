/*
 * base/far_directory.c - see far_directory.h.
 *
 * The path is followed piece by piece, each from the directory that the last
 * one led to. Pieces end at a slash, so that a symbolic link at the end of one
 * is followed.
 */
#include "base/far_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

enum {
	PIECE_SIZE = 512,
/* A directory that may be searched need not be readable. */
#if defined O_PATH
	SEARCH_FAR = O_PATH,
#elif defined O_SEARCH
	SEARCH_FAR = O_SEARCH,
#else
	SEARCH_FAR = O_RDONLY,
#endif
};

_Static_assert(PIECE_SIZE < PATH_MAX, "a system call takes a piece");

/* Return how many bytes of @path are the next piece, its slashes included; 0:
 * a name in it is too long. */
static size_t piece_of(const char *path)
{
	size_t n = strnlen(path, PIECE_SIZE);

	if (n < PIECE_SIZE)
		return n;
	while (n > 0 && path[n - 1] != '/')
		n--;
	return n;
}

int rotai_far_directory_open(const char *path)
{
	int at = AT_FDCWD;

	while (*path != '\0') {
		char piece[PIECE_SIZE + 1];
		size_t n = piece_of(path);
		int next;

		memcpy(piece, path, n);
		piece[n] = '\0';
		next = n == 0 ? ROTA_ENAMETOOLONG
			      : openat(at, piece,
				       SEARCH_FAR | O_DIRECTORY | O_CLOEXEC);
		if (next < 0 && n > 0)
			next = -errno;
		if (at != AT_FDCWD)
			rotai_fd_close(at);
		if (next < 0)
			return next;
		at = next;
		path += n;
		path += strspn(path, "/"); /* of the pieces that follow */
	}
	return at;
}

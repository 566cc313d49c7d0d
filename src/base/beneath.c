/*
 * base/beneath.c - walk along a path, name by name.
 *
 *  1. Each name is looked up in the directory before it, which is open, and is
 *     never followed if it is a link: O_NOFOLLOW. So it does not matter what
 *     others rename or replace. A link is read, and its names are put in the
 *     place of the link.
 *  2. All directories from the first to the current one are open, on a stack.
 *     ".." returns to the one before, not to what the file system says. At the
 *     first one it leads out, and is refused.
 *  3. What the last name leads to is looked at before it is opened, because
 *     opening a FIFO or a device has effects; and again afterwards.
 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

enum {
	DEPTH = 64,
	LINKS = 40,
	LENGTH = 4096,
/* A directory that may be searched need not be readable. */
#if defined O_PATH
	SEARCH = O_PATH,
#elif defined O_SEARCH
	SEARCH = O_SEARCH,
#else
	SEARCH = O_RDONLY,
#endif
};

struct walk {
	int fds[DEPTH]; /* (2); fds[0] is the caller's */
	unsigned depth; /* of the current one */
	unsigned links;
	int no_symlinks;
	int to_directory;  /* the path ended with a slash */
	char rest[LENGTH]; /* of the path */
};

static int current(const struct walk *walk)
{
	return walk->fds[walk->depth];
}

static int go_up(struct walk *walk)
{
	if (walk->depth == 0)
		return ROTA_EXDEV;
	rotai_fd_close(walk->fds[walk->depth--]);
	return 0;
}

static int go_down(struct walk *walk, const char *name)
{
	int fd;

	if (walk->depth + 1 == DEPTH)
		return ROTA_ENAMETOOLONG;
	fd = openat(current(walk), name,
		    SEARCH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EMLINK ? ROTA_ELOOP : -errno; /* FreeBSD */
	walk->fds[++walk->depth] = fd;
	return 0;
}

/* Put what the link @name contains before the rest of the path. (1) */
static int follow(struct walk *walk, const char *name)
{
	char target[LENGTH];
	size_t rest = strlen(walk->rest);
	ssize_t n;

	if (walk->no_symlinks || ++walk->links > LINKS)
		return ROTA_ELOOP;
	n = readlinkat(current(walk), name, target, sizeof(target));
	if (n < 0)
		return -errno;
	if (n == 0)
		return ROTA_ENOENT;
	if (target[0] == '/')
		return ROTA_EXDEV;
	if ((size_t)n + 1 + rest + 1 > LENGTH)
		return ROTA_ENAMETOOLONG;
	/* An empty rest stays empty: a slash would ask for a directory. */
	memmove(walk->rest + n + (rest > 0), walk->rest, rest + 1);
	memcpy(walk->rest, target, (size_t)n);
	if (rest > 0)
		walk->rest[n] = '/';
	return 0;
}

/* Take the first name off the rest of the path. Returns whether more follows,
 * or at least a slash. */
static int next_name(struct walk *walk, char *name, int *error)
{
	size_t length = strcspn(walk->rest, "/");
	size_t slashes = strspn(walk->rest + length, "/");

	*error = length > NAME_MAX ? ROTA_ENAMETOOLONG : 0;
	if (*error < 0)
		return 0;
	memcpy(name, walk->rest, length);
	name[length] = '\0';
	memmove(walk->rest, walk->rest + length + slashes,
		strlen(walk->rest + length + slashes) + 1);
	return slashes > 0;
}

/* Open the last name, or the current directory: a descriptor or an error. */
static int open_last(struct walk *walk, const char *name)
{
	int fd = openat(current(walk), name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
	struct stat status;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		error = ROTA_EPERM; /* (3) */
	if (error == 0)
		return fd;
	rotai_fd_close(fd);
	return error;
}

/* Go on with @name, whose type @status has. Returns 1 if it is the file to
 * open; 0 if there is more to walk; or an error. */
static int step(struct walk *walk, const char *name, int more,
		const struct stat *status)
{
	/* "link/" must lead to a directory. */
	if (S_ISLNK(status->st_mode)) {
		walk->to_directory |= more && walk->rest[0] == '\0';
		return follow(walk, name);
	}
	if (S_ISDIR(status->st_mode))
		return go_down(walk, name);
	if (more || walk->to_directory)
		return ROTA_ENOTDIR;
	return S_ISREG(status->st_mode) ? 1 : ROTA_EPERM;
}

static int walk_along(struct walk *walk)
{
	char name[NAME_MAX + 1];

	while (walk->rest[0] != '\0') {
		struct stat status;
		int error;
		int more = next_name(walk, name, &error);

		if (error == 0 && strcmp(name, "..") == 0)
			error = go_up(walk);
		else if (error == 0 && strcmp(name, ".") != 0 &&
			 name[0] != '\0') {
			error = fstatat(current(walk), name, &status,
					AT_SYMLINK_NOFOLLOW) < 0
					? -errno
					: step(walk, name, more, &status);
			if (error == 1)
				return open_last(walk, name);
		}
		if (error < 0)
			return error;
	}
	return open_last(walk, ".");
}

int rotai_beneath_walk(int directory, const char *path, int no_symlinks)
{
	struct walk walk = { .no_symlinks = no_symlinks };
	size_t length = strlen(path);
	int fd;

	if (length == 0)
		return ROTA_ENOENT;
	if (path[0] == '/')
		return ROTA_EXDEV;
	if (length >= LENGTH)
		return ROTA_ENAMETOOLONG;
	memcpy(walk.rest, path, length + 1);
	walk.fds[0] = directory;
	fd = walk_along(&walk);
	while (walk.depth > 0)
		rotai_fd_close(walk.fds[walk.depth--]);
	return fd;
}

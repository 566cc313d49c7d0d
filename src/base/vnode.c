/*
 * base/vnode.c - see vnode.h.
 */
#include "base/vnode.h"

#include "rota/error.h"

#ifdef ROTAI_WITH_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "base/kevent.h"

/* A descriptor that only reports does not keep a volume mounted. */
#ifdef O_EVTONLY
enum { VNODE_OPEN_FLAGS = O_EVTONLY | O_CLOEXEC | O_NONBLOCK };
#else
enum { VNODE_OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK };
#endif

enum { VNODE_EVENTS = 64 };

int rotai_vnode_open(void)
{
	int fd = rotai_fd_raise(kqueue());

	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		int error = -errno;

		rotai_fd_close(fd);
		return error;
	}
	return fd;
}

int rotai_vnode_add(int queue, const char *path, unsigned allowed, void *object)
{
	int flags = VNODE_OPEN_FLAGS;
	struct kevent change;
	int error;
	int fd;

	if ((allowed & ROTAI_VNODE_LINK) == 0)
		flags |= O_NOFOLLOW;
	if ((allowed & ROTAI_VNODE_FILE) == 0)
		flags |= O_DIRECTORY;
	do {
		fd = open(path, flags);
	} while (fd < 0 && errno == EINTR);
	fd = rotai_fd_raise(fd);
	if (fd < 0)
		return fd;
	EV_SET(&change, (uintptr_t)fd, EVFILT_VNODE,
	       EV_ADD | EV_ENABLE | EV_CLEAR,
	       NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB |
		       NOTE_LINK | NOTE_RENAME | NOTE_REVOKE,
	       0, object);
	if (kevent(queue, &change, 1, NULL, 0, NULL) == 0)
		return fd;
	error = -errno;
	rotai_fd_close(fd);
	return error;
}

int rotai_vnode_take(int queue, void **objects, int max)
{
	const struct timespec now = { 0, 0 };
	struct kevent events[VNODE_EVENTS];
	int n;

	n = kevent(queue, NULL, 0, events,
		   max < VNODE_EVENTS ? max : VNODE_EVENTS, &now);
	for (int i = 0; i < n; i++)
		objects[i] = (void *)events[i].udata;
	return n < 0 ? 0 : n;
}

#else

int rotai_vnode_open(void)
{
	return ROTA_ENOTSUP;
}

int rotai_vnode_add(int queue, const char *path, unsigned allowed, void *object)
{
	(void)queue;
	(void)path;
	(void)allowed;
	(void)object;
	return ROTA_ENOTSUP;
}

int rotai_vnode_take(int queue, void **objects, int max)
{
	(void)queue;
	(void)objects;
	(void)max;
	return 0;
}

#endif

/*
 * base/inotify_linux.c - see inotify.h.
 */
#include "base/inotify.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

static const struct {
	uint32_t of_system;
	unsigned what;
} notices[] = {
	{ IN_CREATE, ROTAI_NOTICE_CREATED },
	{ IN_DELETE, ROTAI_NOTICE_REMOVED },
	{ IN_MOVED_FROM, ROTAI_NOTICE_FROM },
	{ IN_MOVED_TO, ROTAI_NOTICE_TO },
	{ IN_MODIFY, ROTAI_NOTICE_CHANGED },
	{ IN_ATTRIB, ROTAI_NOTICE_ATTRIBUTES },
	{ IN_CLOSE_WRITE, ROTAI_NOTICE_CLOSED },
	{ IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT, ROTAI_NOTICE_SELF },
	{ IN_IGNORED, ROTAI_NOTICE_ENDED },
	{ IN_Q_OVERFLOW, ROTAI_NOTICE_LOST },
	{ IN_ISDIR, ROTAI_NOTICE_DIRECTORY },
};

enum { NOTICES = sizeof(notices) / sizeof(notices[0]) };

int rotai_inotify_open(void)
{
	return rotai_fd_raise(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int rotai_inotify_add(int fd, const char *path, unsigned want)
{
	uint32_t mask = IN_DELETE_SELF | IN_MOVE_SELF | IN_MASK_ADD;
	int number;

	if (want & ROTAI_WANT_DIRECTORY)
		mask |= IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
			IN_ONLYDIR | IN_EXCL_UNLINK;
	if (want & ROTAI_WANT_CHANGED)
		mask |= IN_MODIFY;
	if (want & ROTAI_WANT_ATTRIBUTES)
		mask |= IN_ATTRIB;
	if (want & ROTAI_WANT_CLOSED)
		mask |= IN_CLOSE_WRITE;
	if (want & ROTAI_WANT_NO_LINK)
		mask |= IN_DONT_FOLLOW;
	number = inotify_add_watch(fd, path, mask);
	return number < 0 ? -errno : number;
}

void rotai_inotify_remove(int fd, int number)
{
	(void)inotify_rm_watch(fd, number);
}

int rotai_inotify_read(int fd, void *buffer, size_t size)
{
	ssize_t got;

	do {
		got = read(fd, buffer, size);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == 0 ? ROTA_EAGAIN : (int)got;
}

size_t rotai_inotify_left(int fd)
{
	int left = 0;

	return ioctl(fd, FIONREAD, &left) < 0 ? 0 : (size_t)left;
}

void rotai_inotify_parse(const char *data, struct rotai_notice *notice)
{
	struct inotify_event event;

	memcpy(&event, data, sizeof(event));
	notice->size = sizeof(event) + event.len;
	notice->name = data + sizeof(event);
	notice->length = event.len > 0 ? strlen(notice->name) : 0;
	notice->number = event.wd;
	notice->cookie = event.cookie;
	notice->what = 0;
	for (int i = 0; i < NOTICES; i++)
		if (event.mask & notices[i].of_system)
			notice->what |= notices[i].what;
}

void rotai_inotify_erase(char *data)
{
	struct inotify_event event;

	memcpy(&event, data, sizeof(event));
	event.mask = 0;
	memcpy(data, &event, sizeof(event));
}

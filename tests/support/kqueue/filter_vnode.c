/*
 * filter_vnode.c - EVFILT_VNODE, and for EVFILT_READ, when a file grows.
 *
 * One inotify(7) instance per kqueue. The kernel gives all watches of one file
 * the same number. So every event goes to each knote that has that number, and
 * a watch ends with the last of these knotes.
 */
#include "double.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wraps.h"

enum {
	CHANGES = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
		  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF,

	/* If the event has a name, these happened to a file in the
	 * directory. */
	OF_A_CHILD = IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_OPEN |
		     IN_CLOSE_WRITE | IN_CLOSE_NOWRITE,
};

static int open_inotify(struct kqd_queue *kq)
{
	int error;

	if (kq->inotify >= 0)
		return 0;
	kq->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (kq->inotify < 0)
		return ENOMEM;
	error = kqd_epoll_add(kq->fd, kq->inotify, EPOLLIN | EPOLLET,
			      KQD_FROM_FILES, 0);
	if (error) {
		__real_close(kq->inotify);
		kq->inotify = -1;
	}
	return error;
}

/* The bits that the knote uses; others would only wake the sleeping thread. */
static uint32_t mask_of(const struct kqd_knote *knote)
{
	uint32_t mask = CHANGES;

	if (knote->kev.filter != EVFILT_VNODE)
		return IN_MODIFY;
	if (knote->wanted & NOTE_READ)
		mask |= IN_ACCESS;
	if (knote->wanted & NOTE_OPEN)
		mask |= IN_OPEN;
	if (knote->wanted & NOTE_CLOSE)
		mask |= IN_CLOSE_NOWRITE;
	if (knote->wanted & NOTE_CLOSE_WRITE)
		mask |= IN_CLOSE_WRITE;
	return mask;
}

/* Return the watch's number, or a negative errno. The bits that other knotes
 * have asked of the same watch are kept. */
static int add_watch(const struct kqd_knote *knote)
{
	char path[64];
	int watch;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)knote->kev.ident);
	watch = inotify_add_watch(knote->kq->inotify, path,
				  mask_of(knote) | IN_MASK_ADD);
	if (watch < 0)
		return errno == ENOSPC ? -ENOMEM : -errno;
	return watch;
}

int kqd_file_watch(struct kqd_knote *knote)
{
	int watch;
	int error = open_inotify(knote->kq);

	if (error)
		return error;
	watch = add_watch(knote);
	if (watch < 0)
		return -watch;
	knote->inotify_watch = watch;
	kqd_list_append(&knote->kq->files, &knote->kin);
	return 0;
}

void kqd_file_unwatch(struct kqd_knote *knote)
{
	struct kqd_queue *kq = knote->kq;
	struct kqd_link *link;

	kqd_list_remove(&knote->kin);
	for (link = kq->files.next; link != &kq->files; link = link->next)
		if (kqd_container_of(link, struct kqd_knote, kin)
			    ->inotify_watch == knote->inotify_watch)
			return;
	inotify_rm_watch(kq->inotify, knote->inotify_watch);
}

static void add_pending(struct kqd_knote *knote,
			const struct inotify_event *event)
{
	uint32_t mask = event->mask;

	if (event->len)
		mask &= ~(uint32_t)OF_A_CHILD;

	/* A rename within the directory adds no entry to it (NOTE_EXTEND). */
	if (mask & IN_MOVED_FROM)
		knote->u.vnode.moved = event->cookie;
	if ((mask & IN_MOVED_TO) && event->cookie == knote->u.vnode.moved) {
		knote->u.vnode.pending &= ~(uint32_t)IN_MOVED_FROM;
		mask = (mask & ~(uint32_t)IN_MOVED_TO) | IN_MODIFY;
	}
	knote->u.vnode.pending |= mask;
}

static void file_changed(struct kqd_queue *kq,
			 const struct inotify_event *event)
{
	struct kqd_knote *knote;
	struct kqd_link *link;

	for (link = kq->files.next; link != &kq->files; link = link->next) {
		knote = kqd_container_of(link, struct kqd_knote, kin);
		if (knote->inotify_watch != event->wd)
			continue;
		if (knote->kev.filter == EVFILT_VNODE)
			add_pending(knote, event);
		kqd_knote_test(knote);
	}
}

void kqd_files_changed(struct kqd_queue *kq)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	ssize_t size;
	char *at;

	while ((size = __real_read(kq->inotify, buffer, sizeof(buffer))) > 0) {
		for (at = buffer; at < buffer + size;
		     at += sizeof(*event) + event->len) {
			event = (const void *)at;
			file_changed(kq, event);
		}
	}
}

static int attach_vnode(struct kqd_knote *knote)
{
	struct stat status;

	if (fstat((int)knote->kev.ident, &status))
		return errno;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return EINVAL;
	knote->u.vnode.links = status.st_nlink;
	knote->u.vnode.size = status.st_size;
	return kqd_file_watch(knote);
}

static int touch_vnode(struct kqd_knote *knote, const struct kevent *change)
{
	unsigned before = knote->wanted;
	int watch;

	knote->wanted = change->fflags;
	watch = add_watch(knote);
	if (watch >= 0)
		return 0;
	knote->wanted = before;
	return -watch;
}

/* Translate the bits of inotify into the NOTE_ flags of the page. */
static unsigned translate(uint32_t pending, bool is_directory)
{
	unsigned notes = 0;

	if (pending & IN_MODIFY)
		notes |= NOTE_WRITE;
	if (pending & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO))
		notes |= NOTE_WRITE;
	if ((pending & (IN_MOVED_FROM | IN_MOVED_TO)) && is_directory)
		notes |= NOTE_EXTEND;
	if (pending & IN_MOVE_SELF)
		notes |= NOTE_RENAME;
	if (pending & IN_DELETE_SELF)
		notes |= NOTE_DELETE;
	if (pending & IN_UNMOUNT)
		notes |= NOTE_REVOKE;
	if (pending & IN_ACCESS)
		notes |= NOTE_READ;
	if (pending & IN_OPEN)
		notes |= NOTE_OPEN;
	if (pending & IN_CLOSE_NOWRITE)
		notes |= NOTE_CLOSE;
	if (pending & IN_CLOSE_WRITE)
		notes |= NOTE_CLOSE_WRITE;
	return notes;
}

static bool vnode_changed(struct kqd_knote *knote)
{
	uint32_t pending = knote->u.vnode.pending;
	struct stat status;
	unsigned notes;

	if (!pending || fstat((int)knote->kev.ident, &status))
		return knote->kev.fflags != 0;

	notes = translate(pending, S_ISDIR(status.st_mode));
	if (S_ISREG(status.st_mode) && status.st_size > knote->u.vnode.size)
		notes |= NOTE_EXTEND | NOTE_WRITE;

	/* Linux reports a link that is made or removed as a changed
	 * attribute. */
	if (status.st_nlink != knote->u.vnode.links)
		notes |= NOTE_LINK;
	else if (pending & IN_ATTRIB)
		notes |= NOTE_ATTRIB;
	if (status.st_nlink < knote->u.vnode.links && S_ISREG(status.st_mode))
		notes |= NOTE_DELETE;
	if (status.st_nlink == 0)
		notes |= knote->u.vnode.links ? NOTE_DELETE : 0u;

	knote->u.vnode.pending = 0;
	knote->u.vnode.links = status.st_nlink;
	knote->u.vnode.size = status.st_size;
	knote->kev.fflags |= notes & knote->wanted;
	return knote->kev.fflags != 0;
}

const struct kqd_filter kqd_filter_vnode = {
	.is_fd = true,
	.attach = attach_vnode,
	.detach = kqd_file_unwatch,
	.event = vnode_changed,
	.touch = touch_vnode,
};

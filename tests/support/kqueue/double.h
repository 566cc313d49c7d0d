/*
 * double.h - the internal header of the test double of kqueue(2).
 *
 *     kqueue.c             kqueue(), kevent(), registration, retrieval
 *     lifetime.c           the lock, the table of kqueues, close, fork
 *     knotes.c             finding a knote, and the queue of active ones
 *     filter_fd.c          EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT
 *     filter_vnode.c       EVFILT_VNODE, and when a file grows
 *     filter_proc.c        EVFILT_PROC
 *     filter_signal.c      EVFILT_SIGNAL
 *     filter_timer_user.c  EVFILT_TIMER, EVFILT_USER
 *     socket_error.c       SO_ERROR, read without losing it
 *     wraps.c              what the linker puts in front of libc
 *
 * The structure is that of the kernel: a knote per (ident, filter); a first-in
 * first-out queue of active knotes; filters that run at registration, on an
 * event, and again at retrieval. epoll(7), edge-triggered, only reports that
 * something has happened to a descriptor. poll(2) then shows whether the
 * condition holds.
 *
 * "The page" is the manual page kqueue(2) of FreeBSD 12.2, cited by section;
 * [src] is FreeBSD's sys/kern/kern_event.c, which decides where the page says
 * nothing. A number in parentheses is one of the fifteen properties that the
 * tests are named after.
 */
#ifndef KQD_DOUBLE_H
#define KQD_DOUBLE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/event.h"

#define kqd_container_of(pointer, type, member)                                \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum {
	KQD_SIGNALS = 65, /* Linux numbers them from 1 to 64 */
};

/* A node of a circular list, or its head. */
struct kqd_link {
	struct kqd_link *next, *prev;
};

enum kqd_status {
	KQD_ACTIVE = 1 << 0,   /* the filter has returned true */
	KQD_QUEUED = 1 << 1,   /* in the queue of active knotes */
	KQD_DISABLED = 1 << 2, /* EV_DISABLE, or EV_DISPATCH after delivery */
};

enum kqd_kind {
	KQD_SOCKET,
	KQD_PIPE,
	KQD_TTY,
	KQD_FILE,
	KQD_QUEUE,
	KQD_OTHER,
};

struct kqd_knote {
	struct kqd_queue *kq;
	struct kqd_knote *next; /* the next in its bucket */
	struct kqd_link active;
	struct kqd_link kin; /* kq->signals, ->timers or ->files */
	struct kevent kev;   /* as the next retrieval will show it */
	unsigned wanted;     /* fflags as registered */
	int64_t threshold;   /* data as registered */
	unsigned status;     /* enum kqd_status */
	int inotify_watch;   /* files; -1: none */
	union {
		struct {
			enum kqd_kind kind;
			int domain, type; /* of a socket */
		} fd;
		struct {
			uint32_t
				pending; /* inotify's bits, not processed yet */
			uint32_t moved;  /* cookie of the last IN_MOVED_FROM */
			nlink_t links;
			off_t size;
		} vnode;
		struct {
			int pidfd;
		} proc;
		struct {
			uint64_t seen; /* the count at the last retrieval */
		} signal;
		struct {
			uint64_t due_ns;    /* 0: stopped */
			uint64_t period_ns; /* 0: fires once */
			int64_t expired;
		} timer;
		struct {
			bool triggered;
		} user;
	} u;
};

struct kqd_queue {
	struct kqd_link link;
	int fd;         /* an epoll set; the program uses this number */
	int write_set;  /* separate epoll sets, inside fd: see (a) */
	int except_set; /* in filter_fd.c */
	int wake;       /* an eventfd: readable while the queue is not empty */
	int timerfd;    /* these two are opened when first needed */
	int inotify;
	bool woken;   /* wake is readable */
	bool closing; /* close() waits for the last sleeper */
	unsigned sleepers;
	struct kqd_link active;
	unsigned active_count;
	struct kqd_link signals, timers, files;
	struct kqd_knote **buckets;
	size_t bucket_count; /* a power of two */
	size_t knote_count;
};

/* The functions of a filter. All run under the lock. */
struct kqd_filter {
	bool is_fd; /* ident is a descriptor, and closing it ends the knote */

	/* Start watching: 0; or an errno, and nothing is left behind. */
	int (*attach)(struct kqd_knote *knote);
	void (*detach)(struct kqd_knote *knote);

	/* Return whether the condition holds. Fills data, fflags and EV_EOF of
	 * kev. */
	bool (*event)(struct kqd_knote *knote);

	/* Change an existing knote: 0 or an errno. NULL: fflags and data are
	 * copied. */
	int (*touch)(struct kqd_knote *knote, const struct kevent *change);

	/* EV_CLEAR after retrieval, in addition to clearing data and fflags.
	 * May be NULL. */
	void (*clear)(struct kqd_knote *knote);
};

extern const struct kqd_filter kqd_filter_read, kqd_filter_write,
	kqd_filter_except, kqd_filter_vnode, kqd_filter_proc, kqd_filter_signal,
	kqd_filter_timer, kqd_filter_user;

/* The filter of that number, or NULL. */
const struct kqd_filter *kqd_filter_of(int filter);

/* The origin of an epoll entry: the upper half of its data. The lower half is
 * the ident of the knote. */
enum kqd_source {
	KQD_FROM_WAKE,
	KQD_FROM_READ,
	KQD_FROM_WRITE,
	KQD_FROM_EXCEPT,
	KQD_FROM_WRITE_SET,
	KQD_FROM_EXCEPT_SET,
	KQD_FROM_PROC,
	KQD_FROM_SIGNALS,
	KQD_FROM_TIMERS,
	KQD_FROM_FILES,
};

/* 0, or an errno. */
int kqd_epoll_add(int set, int fd, uint32_t events, enum kqd_source source,
		  uint32_t ident);

/* lifetime.c. One lock for everything; all signals are blocked while it is
 * held, so that kevent() and close() work in a signal handler. */
void kqd_lock(sigset_t *saved);
void kqd_unlock(const sigset_t *saved);

/* Return whether a wrapped call has anything to do: a kqueue is open, and this
 * is not a vfork(2) child, which runs in the memory of its parent. */
bool kqd_in_use(void);

struct kqd_queue *kqd_queue_find(int fd);
int kqd_queue_publish(struct kqd_queue *kq);

/* Sleep until the queue's descriptor is readable. Releases the lock. If
 * `left_ns` is UINT64_MAX, there is no limit. Returns 0 or an errno: EBADF if
 * the descriptor was closed meanwhile. */
int kqd_queue_sleep(struct kqd_queue *kq, uint64_t left_ns,
		    const sigset_t *mask);
void kqd_queue_close_descriptors(struct kqd_queue *kq);

/* knotes.c */
int kqd_index_init(struct kqd_queue *kq);
void kqd_index_insert(struct kqd_knote *knote);
void kqd_index_remove(struct kqd_knote *knote);
struct kqd_knote *kqd_index_find(const struct kqd_queue *kq, uintptr_t ident,
				 int filter);
void kqd_activate(struct kqd_knote *knote);
void kqd_enqueue(struct kqd_knote *knote);
void kqd_dequeue(struct kqd_knote *knote);

/* Make the kqueue's descriptor readable if its queue is not empty, else not. */
void kqd_settle(struct kqd_queue *kq);

/* An event has happened: run the filter, and activate the knote if it returns
 * true. */
void kqd_knote_test(struct kqd_knote *knote);
void kqd_knote_drop(struct kqd_knote *knote);

/* kqueue.c: process the events since the last call. */
void kqd_harvest(struct kqd_queue *kq);

/* filter_vnode.c: watch the file that the knote's ident has open for changes: 0
 * or an errno. */
int kqd_file_watch(struct kqd_knote *knote);
void kqd_file_unwatch(struct kqd_knote *knote);
void kqd_files_changed(struct kqd_queue *kq);

/* filter_timer_user.c */
uint64_t kqd_clock_ns(clockid_t clock);
void kqd_timers_due(struct kqd_queue *kq);

/* filter_signal.c */
void kqd_signals_after_fork(void);
bool kqd_signal_was_ignored(void);

/* socket_error.c: the pending error of a socket, which is kept for the program;
 * 0: none. */
int kqd_socket_error(int fd);
void kqd_socket_error_drop(int fd);
void kqd_socket_errors_drop_all(void);

static inline void kqd_list_init(struct kqd_link *head)
{
	head->next = head->prev = head;
}

static inline bool kqd_list_empty(const struct kqd_link *head)
{
	return head->next == head;
}

static inline void kqd_list_append(struct kqd_link *head, struct kqd_link *link)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

/* A link that is in no list is linked to itself, so it may be removed twice. */
static inline void kqd_list_remove(struct kqd_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	kqd_list_init(link);
}

#endif

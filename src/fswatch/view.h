/*
 * fswatch/view.h - what a started watcher knows, and what the files of this
 * module share.
 *
 * A *view* is a picture of what is watched: the names in each directory, as the
 * program has been told of them. Whatever says how the tree has changed, an
 * event of the kernel or a listing by a pool thread, is compared with the
 * picture. What differs changes the picture and is told; what does not is
 * dropped. So nothing is told twice, in whichever order events and listings
 * come.
 *
 * The files, each of which calls those above it:
 *
 *     look.c       the status of a file, and whether it has changed
 *     job.c        lists directories, in a thread of the pool
 *     picture.c    the entries of a view, by directory and name
 *     tell.c       what the program will be told
 *     release.c    the end of a view
 *     change.c     a name was created, removed, changed or moved
 *     root.c       what is at the watched path itself
 *     merge.c      compares a listing with the picture
 *     call.c       calls the program
 *     step.c       what a view does next: lists, waits, ends
 *     notices.c    inotify(7), as a notifier
 *     hints.c      kqueue(2), as a notifier
 *     fswatch.c    the handle
 */
#ifndef ROTAI_FSWATCH_VIEW_H
#define ROTAI_FSWATCH_VIEW_H

#include "base/list.h"
#include "fswatch/look.h"
#include "loop/extension.h"
#include "loop/loop.h"
#include "rota/fswatch.h"
#include "rota/timer.h"

struct rotai_job;
struct rotai_listing;
struct rotai_told;
struct rotai_view;

enum rotai_bound_kind {
	ROTAI_BOUND_ROOT,      /* the watched directory */
	ROTAI_BOUND_DIRECTORY, /* a directory in it */
	ROTAI_BOUND_FILE,      /* the watched file */
	ROTAI_BOUND_PARENT,    /* the directory with the watched path */
};

/* What a notifier watches for a view. */
struct rotai_bound {
	struct rota_link link; /* for the notifier */
	struct rotai_view *view;
	struct rotai_directory *directory; /* or NULL */
	int id; /* the notifier's number or descriptor; -1: not bound */
	uint8_t kind;
};

enum {
	ROTAI_ENTRY_DIRECTORY = 1 << 0,
	ROTAI_ENTRY_LEFT_OUT = 1 << 1, /* by the filter */
	ROTAI_ENTRY_TOUCHED = 1 << 2,  /* change.c (1) */
	ROTAI_ENTRY_DEAD = 1 << 3,     /* change.c (1) */
	ROTAI_ENTRY_FIRST = 1 << 4,    /* change.c (2) */
	ROTAI_ENTRY_SEEN = 1 << 5,     /* by the current merge */
};

/* A name in a directory. */
struct rotai_entry {
	struct rotai_directory *in;        /* NULL: the root */
	struct rota_link sibling;          /* in in->children */
	struct rotai_entry *next;          /* of the same hash */
	struct rotai_directory *directory; /* if it is one that is watched */
	struct rotai_look *look;           /* if contents are found by looks */
	uint64_t inode;                    /* 0: not known */
	uint32_t hash;
	uint16_t length; /* of the name */
	uint8_t flags;
	char name[];
};

/* A directory whose names are known, or will be. */
struct rotai_directory {
	struct rotai_entry *entry;
	struct rotai_bound bound;
	struct rota_link children;
	struct rota_link all;       /* in view->directories, parents first */
	struct rota_link to_scan;   /* in view->to_scan */
	struct rotai_listing *slot; /* of the job that lists it */
	uint64_t fence;             /* change.c (3) */
	uint8_t is_listed;
	uint8_t tells;      /* what the first listing finds is new */
	uint8_t unreadable; /* that was told */
};

/* How a view learns that something has changed. */
struct rotai_notifier {
	/* The kernel reports no contents: look at the interval. */
	int looks;

	/* Join the loop's others: 0 or an error. */
	int (*join)(struct rotai_view *view);
	void (*leave)(struct rotai_view *view);

	/* Watch the file at @path: 0 or an error. A bound one is bound anew. */
	int (*bind)(struct rotai_bound *bound, const char *path);
	void (*unbind)(struct rotai_bound *bound);

	/* The position in the kernel's events up to which they may be older
	 * than now. */
	uint64_t (*fence)(struct rotai_view *view);
};

/* What remains to be told that is in no queue. */
enum {
	ROTAI_TELL_OVERFLOW = 1 << 0,
	ROTAI_TELL_READY = 1 << 1,
	ROTAI_TELL_RESCAN = 1 << 2,
};

/* So many can come in between: other threads may rename at the same time. */
enum { ROTAI_RENAMES = 8 };

/* A rename. The outside has no directory and no name. The directories are
 * addresses to compare with, no more. */
struct rotai_renamed {
	struct rotai_directory *from;
	struct rotai_directory *to;
	char *names; /* one after the other; NULL: nothing is remembered */
	size_t from_length;
	size_t to_length;
	uint64_t position;
	uint8_t is_directory;
	uint8_t may_replace; /* something that was there */
};

struct rotai_view {
	struct rota_fswatch *watcher;
	struct rotai_views *views; /* of the loop */
	const struct rotai_notifier *notifier;
	struct rota_link in_loop; /* in views->all */
	struct rota_link due;     /* in views->due, if there is more to tell */
	struct rota_link touched; /* in views->touched, before a step */

	rota_fswatch_filter_fn *filter;
	uint64_t interval_ns;
	unsigned flags;
	unsigned events;

	char *path;        /* absolute */
	char *parent_path; /* if the path is followed */

	/* The picture: a hash table. */
	struct rotai_entry **places;
	size_t place_count; /* a power of 2, or 0 */
	size_t entry_count;
	struct rota_link directories;
	struct rotai_entry *root; /* NULL: there is nothing */
	struct rotai_look root_look;
	struct rotai_bound self;   /* of a file, */
	struct rotai_bound parent; /* and of a path that is followed */

	/* The last renames, for exchanges: change.c (5). */
	struct rotai_renamed renamed[ROTAI_RENAMES];
	unsigned renames;

	struct rota_link to_scan; /* directories */
	struct rotai_job *job;    /* at a thread, or NULL */
	struct rota_timer timer;

	struct rotai_told *first_told;
	struct rotai_told *last_told;
	unsigned tells; /* ROTAI_TELL_* to tell now */
	unsigned later; /* the same, when all is listed */

	int failed;            /* the status, or 0 */
	uint8_t is_gone;       /* so the view ends */
	uint8_t is_released;   /* nothing is bound, and there is no job */
	uint8_t look_at_root;  /* with the next job */
	uint8_t root_is_known; /* one has looked */
	uint8_t root_is_lost;  /* it is not the same file any more */
	uint8_t in_doubt;      /* change.c (7) */
	uint64_t fence;        /* of the last listing of a directory */
};

/* What a loop keeps for its watchers of files. */
struct rotai_views {
	struct rotai_extension extension;
	struct rota_loop *loop;
	struct rota_link all;
	struct rota_link due;
	struct rota_link touched;
	struct rota_link orphans; /* jobs of views that have ended */
	size_t queued;            /* events in all queues */
	uint64_t turn;            /* the last one that called, */
	unsigned left;            /* and how many more it may call */
	struct rotai_notices *notices;
	struct rotai_hints *hints;
};

static inline struct rota_loop *rotai_view_loop(const struct rotai_view *view)
{
	return view->views->loop;
}

/* Have the next rotai_views_step() step @view. */
static inline void rotai_view_touch(struct rotai_view *view)
{
	if (!rotai_link_is_linked(&view->touched))
		rotai_list_append(&view->views->touched, &view->touched);
}

/* Whether nothing more will be learned. */
static inline int rotai_view_is_over(const struct rotai_view *view)
{
	return view->failed < 0 || view->is_gone;
}

/* End the view, with the next step. The first reason counts. */
static inline void rotai_view_fail(struct rotai_view *view, int status)
{
	if (!rotai_view_is_over(view))
		view->failed = status;
}

static inline void rotai_view_is_gone(struct rotai_view *view)
{
	if (!rotai_view_is_over(view))
		view->is_gone = 1;
}

/* The picture may be wrong, and no event will show that: change.c (7). */
static inline void rotai_view_doubt(struct rotai_view *view)
{
	view->in_doubt = 1;
}

/* Have @directory listed. */
static inline void rotai_view_scan(struct rotai_view *view,
				   struct rotai_directory *directory)
{
	if (!rotai_link_is_linked(&directory->to_scan))
		rotai_list_append(&view->to_scan, &directory->to_scan);
}

/* Whether a listing of @directory is to come. */
static inline int rotai_directory_awaits(const struct rotai_directory *d)
{
	return !d->is_listed || d->slot != NULL ||
	       rotai_link_is_linked(&d->to_scan);
}

#endif

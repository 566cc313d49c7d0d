/*
 * rota/fswatch.h - changes of files and directories, as callbacks of a loop.
 *
 *     struct rota_fswatch_options options = { .size = sizeof(options) };
 *
 *     options.flags = ROTA_FSWATCH_RECURSIVE;
 *     rota_fswatch_init(&watcher, loop);
 *     rota_fswatch_start(&watcher, on_change, "src", &options);
 *
 * Linux reports changes by inotify(7), macOS and the BSDs report by kqueue(2)
 * which directories to read again, and everywhere a watcher can be told to look
 * for changes at an interval, as file systems of a network need it.
 */
#ifndef ROTA_FSWATCH_H
#define ROTA_FSWATCH_H

#include "rota/handle.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_fswatch;
struct rotai_view;

/** What an event reports, and which of the first six a watcher wants. The
 * others are always reported. */
enum rota_fswatch_type {
	ROTA_FSWATCH_CREATED = 1 << 0,
	ROTA_FSWATCH_REMOVED = 1 << 1,
	ROTA_FSWATCH_RENAMED = 1 << 2,    /* from old_path to path */
	ROTA_FSWATCH_CHANGED = 1 << 3,    /* its content */
	ROTA_FSWATCH_ATTRIBUTES = 1 << 4, /* mode, owner, times, links */
	ROTA_FSWATCH_CLOSED = 1 << 5,     /* by who could write; inotify */

	/** The watcher knows all that is there: from now on every change is
	 * reported. The first listing itself is not. */
	ROTA_FSWATCH_READY = 1 << 6,

	/** Changes were lost: the kernel's queue has overflowed. RESCAN
	 * follows. */
	ROTA_FSWATCH_OVERFLOW = 1 << 7,

	/** After an overflow or a fork: names that have come or gone have been
	 * reported by now, and every later change will be. Which contents and
	 * attributes have changed meanwhile is not known: read again. */
	ROTA_FSWATCH_RESCAN = 1 << 8,

	/** The directory @path cannot be read: @status says why. What is in it
	 * is not reported. */
	ROTA_FSWATCH_UNREADABLE = 1 << 9,

	/** What is watched was removed, renamed or unmounted, or something else
	 * is at its path. The watcher is stopped. */
	ROTA_FSWATCH_GONE = 1 << 10,

	/** The watcher is stopped, because of @status. */
	ROTA_FSWATCH_FAILED = 1 << 11,
};

/**
 * One change. The strings are valid during the callback. Paths are relative to
 * the watched directory; that itself, or the watched file, is "". They are the
 * bytes that the file system has, in no particular encoding.
 */
struct rota_fswatch_event {
	enum rota_fswatch_type type;
	int status;           /* of FAILED and UNREADABLE; else 0 */
	const char *path;     /* never NULL */
	const char *old_path; /* of RENAMED; else NULL */
	int is_directory;     /* as far as it is known */
};

/**
 * Called for each change, in the order in which the system reports them. A
 * change that equals the one before it may be left out.
 *
 * The callback may stop, close or free any object, @watcher included.
 *
 * Phase:   poll, or pending if there is more than one turn calls
 *          (ROTA_FSWATCH_EVENTS_PER_TURN).
 * Thread:  the loop's.
 */
typedef void rota_fswatch_fn(struct rota_fswatch *watcher,
			     const struct rota_fswatch_event *event);

/**
 * Return 1 to leave out what is at @path, a directory with all that is in it,
 * or 0. This is asked once for each name that the watcher learns. It must not
 * call functions of the library.
 *
 * Phase:   any.
 * Thread:  the loop's.
 */
typedef int rota_fswatch_filter_fn(struct rota_fswatch *watcher,
				   const char *path, int is_directory);

/** Flags of a watcher. */
enum rota_fswatch_flags {
	/** Watch a directory with all that is in it. Symbolic links in it are
	 * not followed. */
	ROTA_FSWATCH_RECURSIVE = 1 << 0,

	/** Watch a path, and not only what is there now. When it is removed,
	 * that is reported as REMOVED with the path "", and when something is
	 * there again, as CREATED. If another file takes its place, as when an
	 * editor saves, both are reported. The path may lead to nothing when
	 * the watcher starts. The directory that contains it must stay. */
	ROTA_FSWATCH_FOLLOW = 1 << 1,

	/** Look for changes at the interval, and use nothing else: for file
	 * systems of a network, which do not report what other machines do. */
	ROTA_FSWATCH_POLL = 1 << 2,
};

/** How to watch. Zero members mean the default. A later version may add members
 * at the end. */
struct rota_fswatch_options {
	size_t size; /* of this struct, set by the caller */

	rota_fswatch_filter_fn *filter; /* or NULL */

	/** How long to wait before looking again, where the system does not
	 * report: 1 s by default, and at least 1 ms. */
	uint64_t interval_ns;

	unsigned flags;  /* of enum rota_fswatch_flags */
	unsigned events; /* the wanted ones; 0: all except CLOSED */
};

/**
 * A watcher of a file or a directory. A started watcher is active, so it keeps
 * its loop alive unless it is unreferenced.
 *
 * Owner:   as struct rota_handle
 */
struct rota_fswatch {
	union {
		struct rota_handle handle;
	};
	struct {
		rota_fswatch_fn *fn;
		struct rotai_view *view; /* while it is started */
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @watcher as an open handle of @loop. It watches nothing yet.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @watcher is not open and need not be closed.
 */
int rota_fswatch_init(struct rota_fswatch *watcher, struct rota_loop *loop);

/**
 * Call @fn for each change of the file or directory @path from now on. Of a
 * directory that is what happens to the names in it and to their files, not
 * deeper unless it is recursive. A symbolic link at @path is followed. @options
 * NULL: all defaults. Returns 0.
 *
 * Directories are listed by pool threads. So in a recursive watcher, or where
 * the system does not report each change, a change may come before the first
 * listing, and is then a part of it. READY reports that the listing is
 * complete.
 *
 * On Linux all watchers of a loop share a descriptor, and each directory takes
 * one of the user's fs.inotify.max_user_watches. Where kqueue(2) is used, each
 * directory takes a descriptor, and changes of contents are found at the
 * interval. If the system allows no more, that is an error or, for a directory
 * that is found later, the event FAILED. A watcher that failed has released
 * all that it had.
 *
 * A directory renamed as a whole is one event, and later events use its new
 * name. Something that moves out of what is watched is removed, and what moves
 * in is created, in both cases with all that is in it. A watcher that looks at
 * an interval reports a rename as a removal and a creation.
 *
 * Phase:   @fn runs in the poll phase, or the pending phase.
 * Thread:  the loop's.
 * Owner:   @path and @options are copied.
 * Errors:  ROTA_EINVAL   @fn or @path is NULL, @path is "", or an option is
 *                        unknown; or @watcher is closing or was never
 *                        initialized
 *          ROTA_EALREADY @watcher is started
 *          ROTA_ENAMETOOLONG
 *          ROTA_ENOENT, ROTA_EACCES, ROTA_ENOTDIR, ROTA_ELOOP: @path; with
 *                        ROTA_FSWATCH_POLL by the event FAILED
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ENOSPC   max_user_watches is reached: see inotify(7)
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_fswatch_init()
 *          After any of them @watcher is unchanged.
 */
int rota_fswatch_start(struct rota_fswatch *watcher, rota_fswatch_fn *fn,
		       const char *path,
		       const struct rota_fswatch_options *options);

/**
 * Stop @watcher. What was not reported yet is dropped. Stopping a stopped
 * watcher does nothing.
 *
 * If a pool thread has just listed directories for @watcher, the loop stays
 * open until its next poll phase.
 *
 * Thread:  the loop's.
 */
void rota_fswatch_stop(struct rota_fswatch *watcher);

/**
 * Return the absolute path that @watcher is started for, or NULL.
 *
 * Thread:  the loop's.
 * Owner:   the string is valid until @watcher stops.
 */
const char *rota_fswatch_path(const struct rota_fswatch *watcher);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

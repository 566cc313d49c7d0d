/*
 * tests/fswatch/watching.h - a watched directory, and a program that keeps a
 * picture of the tree from nothing but the events that it gets.
 */
#ifndef TESTS_FSWATCH_WATCHING_H
#define TESTS_FSWATCH_WATCHING_H

#include "support/fault_calls.h"
#include "support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota/fswatch.h"

enum { MOST_NAMES = 4096, LOG_SIZE = 64 * 1024 };

struct watching {
	struct rota_fswatch watcher;
	struct fixture *f;
	struct rota_fswatch_options options;
	char root[512];
	char log[LOG_SIZE]; /* a line for each event */
	size_t logged;
	unsigned seen; /* types of events */
	unsigned events;
	int status;
	char *names[MOST_NAMES]; /* the picture */
	size_t count;
	unsigned wrong; /* events that the picture contradicts */
	void (*act)(struct watching *w, const struct rota_fswatch_event *event);
	void *arg;
};

static inline const char *letter_of(enum rota_fswatch_type type)
{
	static const char *const letters[] = {
		"created",    "removed",    "renamed", "changed",
		"attributes", "closed",     "ready",   "overflow",
		"rescan",     "unreadable", "gone",    "failed",
	};
	int at = 0;

	while (1 << at < (int)type)
		at++;
	return letters[at];
}

static inline size_t find_name(const struct watching *w, const char *path)
{
	size_t i = 0;

	while (i < w->count && strcmp(w->names[i], path) != 0)
		i++;
	return i;
}

static inline void add_name(struct watching *w, const char *path)
{
	assert_true(w->count < MOST_NAMES);
	w->names[w->count++] = strdup(path);
}

static inline void drop_name(struct watching *w, size_t at)
{
	free(w->names[at]);
	w->names[at] = w->names[--w->count];
}

static inline int is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* What is at the new path, and in it, is replaced by what is at the old one. */
static inline void rename_names(struct watching *w, const char *from,
				const char *to)
{
	char path[8192];

	if (find_name(w, from) == w->count)
		w->wrong++;
	for (size_t i = 0; i < w->count;)
		if (strcmp(w->names[i], to) == 0 || is_below(w->names[i], to))
			drop_name(w, i);
		else
			i++;
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->names[i], from) == 0 ||
		    is_below(w->names[i], from)) {
			snprintf(path, sizeof(path), "%s%s", to,
				 w->names[i] + strlen(from));
			free(w->names[i]);
			w->names[i] = strdup(path);
		}
}

static inline void note_in_picture(struct watching *w,
				   const struct rota_fswatch_event *event)
{
	size_t at = find_name(w, event->path);

	if (event->type == ROTA_FSWATCH_CREATED) {
		w->wrong += at < w->count;
		if (at == w->count)
			add_name(w, event->path);
	} else if (event->type == ROTA_FSWATCH_REMOVED) {
		w->wrong += at == w->count;
		if (at < w->count)
			drop_name(w, at);
	} else if (event->type == ROTA_FSWATCH_RENAMED) {
		rename_names(w, event->old_path, event->path);
	}
}

static inline void on_watched(struct rota_fswatch *watcher,
			      const struct rota_fswatch_event *event)
{
	struct watching *w =
		rota_container_of(watcher, struct watching, watcher);
	int more = snprintf(w->log + w->logged, LOG_SIZE - w->logged,
			    "%s %s%s%s%s\n", letter_of(event->type),
			    event->old_path != NULL ? event->old_path : "",
			    event->old_path != NULL ? " -> " : "", event->path,
			    event->is_directory ? "/" : "");

	if (w->logged + (size_t)more < LOG_SIZE)
		w->logged += (size_t)more;
	w->log[w->logged] = '\0';
	w->events++;
	w->seen |= (unsigned)event->type;
	if (event->status < 0)
		w->status = event->status;
	note_in_picture(w, event);
	if (w->act != NULL)
		w->act(w, event);
}

/* Paths below the root. */
static inline const char *below(const struct watching *w, const char *name)
{
	static char paths[4][8192];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", w->root, name);
	return path;
}

static inline void make_dir(const struct watching *w, const char *name)
{
	assert_int_equal(mkdir(below(w, name), 0700), 0);
}

static inline void put_text(const struct watching *w, const char *name,
			    const char *text)
{
	int fd;

	fault_pass_begin(); /* tests make the library's open(2) fail */
	fd = open(below(w, name), O_WRONLY | O_CREAT | O_APPEND, 0600);
	fault_pass_end();
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void move_to(const struct watching *w, const char *from,
			   const char *to)
{
	assert_int_equal(rename(below(w, from), below(w, to)), 0);
}

static inline int remove_one(const char *path, const struct stat *status,
			     int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Make an empty directory; nothing is watched. */
static inline void watching_begin(struct watching *w, struct fixture *f)
{
	const char *under = getenv("TMPDIR");
	char made[256];

	memset(w, 0, sizeof(*w));
	w->f = f;
	w->options.size = sizeof(w->options);
	w->options.interval_ns = ROTA_MSEC(5);
	snprintf(made, sizeof(made), "%s/rota-watch-XXXXXX",
		 under != NULL ? under : "/tmp");
	assert_non_null(mkdtemp(made));
	assert_non_null(realpath(made, w->root));
	assert_int_equal(rota_fswatch_init(&w->watcher, f->loop), 0);
}

/* Run the loop until an event of @type has come. */
static inline void until(struct watching *w, enum rota_fswatch_type type)
{
	while ((w->seen & (unsigned)type) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
}

/* Run the loop until the log has that line. */
static inline void until_log(struct watching *w, const char *line)
{
	while (strstr(w->log, line) == NULL)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
}

static inline void forget_log(struct watching *w)
{
	w->logged = 0;
	w->log[0] = '\0';
	w->seen = 0;
	w->events = 0;
}

static inline int watch_it(struct watching *w, const char *path)
{
	return rota_fswatch_start(&w->watcher, on_watched, path, &w->options);
}

/* Watch @name below the root, and wait until it is ready. */
static inline void watch_ready(struct watching *w, const char *name)
{
	assert_int_equal(watch_it(w, *name ? below(w, name) : w->root), 0);
	until(w, ROTA_FSWATCH_READY);
	forget_log(w);
}

/* Make a mark, and run until its event comes: all that was before it has been
 * reported then, if the kernel reports each change. */
static inline void settle(struct watching *w)
{
	static unsigned marks;
	char name[32], line[64];

	snprintf(name, sizeof(name), "mark-%u", marks++);
	snprintf(line, sizeof(line), "created %s\n", name);
	put_text(w, name, "");
	until_log(w, line);
	assert_int_equal(unlink(below(w, name)), 0);
	snprintf(line, sizeof(line), "removed %s\n", name);
	until_log(w, line);
}

static inline void close_watcher(struct watching *w)
{
	if (!rota_handle_is_closing(&w->watcher.handle))
		assert_int_equal(rota_handle_close(&w->watcher.handle, NULL),
				 0);
	/* A job that has just ended holds the loop until the poll phase. */
	for (int i = 0; i < 8 && rota_loop_alive(w->f->loop); i++)
		rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
}

static inline void watching_end(struct watching *w)
{
	close_watcher(w);
	while (w->count > 0)
		drop_name(w, 0);
	remove_tree(w->root);
}

static inline void assert_logged(const struct watching *w, const char *line)
{
	if (strstr(w->log, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, w->log);
}

static inline void assert_not_logged(const struct watching *w, const char *line)
{
	if (strstr(w->log, line) != NULL)
		fail_msg("\"%s\" in:\n%s", line, w->log);
}

/* Whether changes are found by looks, with this poller. */
static inline int has_looks(const struct watching *w)
{
	return poller_is(w->f, "kqueue") ||
	       (w->options.flags & ROTA_FSWATCH_POLL) != 0;
}

#endif

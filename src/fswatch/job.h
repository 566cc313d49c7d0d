/*
 * fswatch/job.h - one trip to the pool for a view: looks at the watched path,
 * lists some directories, or both.
 */
#ifndef ROTAI_FSWATCH_JOB_H
#define ROTAI_FSWATCH_JOB_H

#include <stddef.h>

#include "fswatch/look.h"
#include "pool/item.h"

struct rotai_directory;
struct rotai_view;

enum { ROTAI_LISTINGS = 16 };

/* A name in a listing. */
struct rotai_listed {
	size_t name; /* its offset in the slot's names */
	size_t length;
	uint64_t inode;
	int is_directory;
	struct rotai_look look; /* if the job has looks */
};

/* A directory to list. */
struct rotai_listing {
	struct rotai_directory *directory; /* NULL: it is gone, or is scanned
					      again; the loop's */
	char *path;
	int follow; /* a symbolic link */
	int error;
	struct rotai_listed *items;
	size_t count;
	size_t capacity;
	char *names;
	size_t names_size;
	size_t names_capacity;
};

struct rotai_job {
	struct rotai_item item;
	struct rotai_view *view; /* NULL: it has ended; the loop's */
	struct rota_loop *loop;
	struct rota_link orphan; /* in views->orphans, without a view */
	char *root;              /* the path to look at, or NULL */
	int root_error;
	struct rotai_look root_look;
	int has_looks; /* each file is looked at */
	size_t count;
	struct rotai_listing slots[ROTAI_LISTINGS];
};

/* Make a job that is not queued. NULL if there is no memory. */
struct rotai_job *rotai_job_new(struct rotai_view *view, const char *root);

/* Add a directory. @path is the job's from now on. */
void rotai_job_add(struct rotai_job *job, struct rotai_directory *directory,
		   char *path, int follow);

/* Queue the job; @ended is called as for an item. */
void rotai_job_queue(struct rotai_job *job, rotai_item_ended_fn *ended);

/* The view does not want the result. If the thread is done, the job is freed
 * when it comes back. */
void rotai_job_drop(struct rotai_job *job);

/* A job without a view has come back, or never will. */
void rotai_job_adopt(struct rotai_job *job);

/* In a forked child. */
void rotai_job_forked(struct rotai_job *job);

void rotai_job_free(struct rotai_job *job);

static inline struct rotai_job *rotai_job_of(struct rotai_item *item)
{
	return rota_container_of(item, struct rotai_job, item);
}

#endif

/*
 * fswatch/job.c - lists directories in a thread of the io lane.
 *
 *  1. A job is memory of the library's, so the loop can abandon it: then the
 *     thread frees it. Between rotai_job_queue() and its return only the thread
 *     uses the results, and only the loop uses `view` and the `directory` of
 *     each slot.
 *  2. A job that was done when its view ended comes back all the same. Until
 *     then it holds the loop.
 *  3. A directory that is not the root is opened without following a link: it
 *     was a directory when it was found, and what has taken its place is not
 *     listed in its name.
 */
#include "fswatch/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filesystem.h"
#include "fswatch/view.h"

static void free_slot_of_job(struct rotai_listing *slot)
{
	free(slot->path);
	free(slot->items);
	free(slot->names);
}

void rotai_job_free(struct rotai_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		free_slot_of_job(&job->slots[i]);
	free(job->root);
	free(job);
}

static char *copy_path(const char *path)
{
	size_t size = strlen(path) + 1;
	char *copy = malloc(size);

	if (copy != NULL)
		memcpy(copy, path, size);
	return copy;
}

struct rotai_job *rotai_job_new(struct rotai_view *view, const char *root)
{
	struct rotai_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	if (root != NULL) {
		job->root = copy_path(root);
		if (job->root == NULL) {
			free(job);
			return NULL;
		}
	}
	job->view = view;
	job->loop = rotai_view_loop(view);
	job->has_looks = view->notifier->looks;
	return job;
}

void rotai_job_add(struct rotai_job *job, struct rotai_directory *directory,
		   char *path, int follow)
{
	struct rotai_listing *slot = &job->slots[job->count++];

	slot->directory = directory;
	slot->path = path;
	slot->follow = follow;
	directory->slot = slot;
}

/* Double an array, so that it holds @needed: 0 or an error. */
static int grow_listing(void **array, size_t *capacity, size_t needed,
			size_t size)
{
	size_t more = *capacity == 0 ? 64 : *capacity;
	void *memory;

	if (needed <= *capacity)
		return 0;
	while (more < needed)
		more *= 2;
	memory = realloc(*array, more * size);
	if (memory == NULL)
		return ROTA_ENOMEM;
	*array = memory;
	*capacity = more;
	return 0;
}

static int list_name(struct rotai_listing *slot, const struct dirent *entry,
		     struct rotai_listed **listed)
{
	size_t length = strlen(entry->d_name);
	void *items = slot->items;
	void *names = slot->names;
	int error = grow_listing(&items, &slot->capacity, slot->count + 1,
				 sizeof(*slot->items));

	slot->items = items;
	if (error == 0)
		error = grow_listing(&names, &slot->names_capacity,
				     slot->names_size + length + 1, 1);
	slot->names = names;
	if (error < 0)
		return error;
	*listed = &slot->items[slot->count];
	**listed = (struct rotai_listed){
		.name = slot->names_size,
		.length = length,
		.inode = (uint64_t)entry->d_ino,
		.is_directory = entry->d_type == DT_DIR,
	};
	memcpy(slot->names + slot->names_size, entry->d_name, length + 1);
	return 0;
}

/* Add a name to the listing, unless it has gone meanwhile. */
static int list_one(struct rotai_listing *slot, int fd,
		    const struct dirent *entry, int has_looks)
{
	struct rotai_listed *listed;
	struct stat status;
	int error = list_name(slot, entry, &listed);

	if (error < 0)
		return error;
	if (has_looks || entry->d_type == DT_UNKNOWN) {
		if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) <
		    0)
			return errno == ENOENT ? 0 : -errno;
		rotai_look_fill(&listed->look, &status);
		listed->is_directory = (int)listed->look.is_directory;
		listed->inode = listed->look.inode;
	}
	slot->names_size += listed->length + 1;
	slot->count++;
	return 0;
}

static int list_all(struct rotai_listing *slot, DIR *directory, int has_looks)
{
	const struct dirent *entry;
	int more;

	while ((more = rotai_next_entry(directory, &entry)) > 0) {
		int error = rota_work_canceled()
				    ? ROTA_ECANCELED
				    : list_one(slot, dirfd(directory), entry,
					       has_looks);

		if (error < 0)
			return error;
	}
	return more;
}

/* (3) */
static int list(struct rotai_listing *slot, int has_looks)
{
	DIR *directory;
	int error;
	int fd;

	do {
		fd = open(slot->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					      (slot->follow ? 0 : O_NOFOLLOW));
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	directory = fdopendir(fd);
	if (directory == NULL) {
		error = -errno;
		close(fd);
		return error;
	}
	error = list_all(slot, directory, has_looks);
	closedir(directory);
	return error;
}

static void run_scan(struct rotai_item *item)
{
	struct rotai_job *job = rotai_job_of(item);
	struct stat status;

	if (job->root != NULL) {
		job->root_error = stat(job->root, &status) < 0 ? -errno : 0;
		if (job->root_error == 0)
			rotai_look_fill(&job->root_look, &status);
	}
	for (size_t i = 0; i < job->count && !rota_work_canceled(); i++)
		job->slots[i].error = list(&job->slots[i], job->has_looks);
}

void rotai_job_queue(struct rotai_job *job, rotai_item_ended_fn *ended)
{
	rotai_item_queue_detachable(&job->item, job->loop, 0, ROTA_LANE_IO,
				    run_scan, ended);
}

static void leave_directories(struct rotai_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		if (job->slots[i].directory != NULL)
			job->slots[i].directory->slot = NULL;
}

void rotai_job_drop(struct rotai_job *job)
{
	int error = rotai_item_cancel(&job->item);

	leave_directories(job);
	if (error == 0) {
		rotai_job_free(job);
		return;
	}
	if (error == ROTA_EBUSY)
		error = rotai_item_abandon(&job->item);
	if (error == 0)
		return; /* the thread frees it (1) */
	rotai_list_append(&job->view->views->orphans, &job->orphan);
	job->view = NULL;
	rotai_loop_hold(job->loop, 1); /* (2) */
}

void rotai_job_adopt(struct rotai_job *job)
{
	rotai_list_remove(&job->orphan);
	rotai_loop_release(job->loop, 1);
}

void rotai_job_forked(struct rotai_job *job)
{
	leave_directories(job);
	/* If a thread was working on it, nobody knows how far it got. */
	if (!rotai_item_was_taken(&job->item))
		rotai_job_free(job);
}

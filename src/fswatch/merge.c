/*
 * fswatch/merge.c - compares a listing with the picture.
 *
 * What the listing has and the picture does not was created; what only the
 * picture has was removed, except for names that events have touched: change.c
 * (1). If contents are found by looks, those are compared as well.
 */
#include "fswatch/merge.h"

#include "fswatch/change.h"
#include "fswatch/picture.h"
#include "fswatch/root.h"
#include "fswatch/tell.h"

static int is_shortage(int error)
{
	return error == ROTA_ENOSPC || error == ROTA_EMFILE ||
	       error == ROTA_ENFILE || error == ROTA_ENOMEM ||
	       error == ROTA_EAGAIN;
}

void rotai_merge_error(struct rotai_view *view,
		       struct rotai_directory *directory, int error)
{
	if (error == ROTA_ENOENT || error == ROTA_ENOTDIR ||
	    error == ROTA_ELOOP) {
		/* It has gone, and there will be an event of that, unless all
		 * that is watched has another path now. */
		if (!view->notifier->looks)
			view->look_at_root = 1;
		view->fence = view->notifier->fence(view);
		return;
	}
	if (is_shortage(error)) {
		rotai_view_fail(view, error);
		return;
	}
	directory->is_listed = 1;
	if (!directory->unreadable)
		rotai_tell(view, ROTA_FSWATCH_UNREADABLE, directory->entry,
			   error);
	directory->unreadable = 1;
}

static void set_looks(struct rotai_entry *entry,
		      const struct rotai_listed *listed)
{
	entry->inode = listed->inode;
	if (entry->look != NULL)
		*entry->look = listed->look;
}

/* Whether @entry, which is alive, is not what the listing has of its name. */
static int is_another(const struct rotai_entry *entry,
		      const struct rotai_listed *listed)
{
	if (entry->flags & ROTAI_ENTRY_TOUCHED)
		return 0;
	return ((entry->flags & ROTAI_ENTRY_DIRECTORY) != 0) !=
		       (listed->is_directory != 0) ||
	       (entry->inode != 0 && entry->inode != listed->inode);
}

static void compare(struct rotai_view *view, struct rotai_entry *entry,
		    const struct rotai_listed *listed)
{
	int change = 0;

	if (entry->look != NULL && entry->inode != 0)
		change = rotai_look_compare(entry->look, &listed->look);
	set_looks(entry, listed);
	if (change != 0)
		rotai_tell(view, (enum rota_fswatch_type)change, entry, 0);
}

static void merge_name(struct rotai_view *view,
		       struct rotai_directory *directory,
		       const struct rotai_listing *slot,
		       const struct rotai_listed *listed)
{
	int tells = directory->is_listed || directory->tells;
	const struct rotai_change_place place = {
		.in = directory,
		.name = slot->names + listed->name,
		.length = listed->length,
		.is_directory = listed->is_directory,
	};
	struct rotai_entry *entry =
		rotai_picture_find(view, directory, place.name, place.length);

	if (entry != NULL && (entry->flags & ROTAI_ENTRY_DEAD) != 0)
		return;
	if (entry != NULL && is_another(entry, listed)) {
		rotai_change_remove(view, entry);
		entry = NULL;
	}
	if (entry != NULL) {
		entry->flags |= ROTAI_ENTRY_SEEN;
		compare(view, entry, listed);
		return;
	}
	entry = rotai_change_add(
		view, &place,
		ROTAI_ENTRY_SEEN | (tells ? 0u : (unsigned)ROTAI_ENTRY_FIRST),
		tells);
	if (entry != NULL)
		set_looks(entry, listed);
}

static void remove_unseen(struct rotai_view *view,
			  struct rotai_directory *directory)
{
	struct rota_link *at = directory->children.next;

	while (at != &directory->children) {
		struct rotai_entry *entry =
			rota_container_of(at, struct rotai_entry, sibling);
		unsigned flags = entry->flags;

		at = at->next;
		entry->flags &=
			(uint8_t) ~(ROTAI_ENTRY_SEEN | ROTAI_ENTRY_TOUCHED);
		if (flags & ROTAI_ENTRY_DEAD)
			rotai_picture_remove(view, entry);
		else if ((flags & (ROTAI_ENTRY_SEEN | ROTAI_ENTRY_TOUCHED)) ==
			 0)
			rotai_change_remove(view, entry);
	}
}

static void merge_slot(struct rotai_view *view,
		       const struct rotai_listing *slot)
{
	struct rotai_directory *directory = slot->directory;

	directory->slot = NULL;
	if (slot->error < 0) {
		rotai_merge_error(view, directory, slot->error);
		return;
	}
	for (size_t i = 0; i < slot->count; i++) {
		merge_name(view, directory, slot, &slot->items[i]);
		if (rotai_view_is_over(view))
			return;
	}
	remove_unseen(view, directory);
	directory->is_listed = 1;
	directory->unreadable = 0;
	directory->fence = view->notifier->fence(view);
	view->fence = directory->fence;
}

void rotai_merge(struct rotai_view *view, struct rotai_job *job)
{
	if (job->root != NULL)
		rotai_root_looked(view, job->root_error, &job->root_look);
	for (size_t i = 0; i < job->count; i++)
		if (job->slots[i].directory != NULL) {
			if (rotai_view_is_over(view))
				job->slots[i].directory->slot = NULL;
			else
				merge_slot(view, &job->slots[i]);
		}
	rotai_job_free(job);
}

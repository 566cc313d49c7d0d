/*
 * fswatch/change.c - changes of the picture, and what is told of them.
 *
 *  1. A listing is older than the moment at which it is merged, and the kernel
 *     may have reported newer changes by then. So while a directory awaits a
 *     listing, a name that an event creates or changes is marked TOUCHED, and
 *     one that an event removes stays as a DEAD entry. The merge trusts the
 *     events about these names, and the listing about the others.
 *  2. What the very first listing finds is not told. If the kernel reports
 *     later that such an entry, which is marked FIRST, was created, then it was
 *     created after the start, and that is told.
 *  3. Paths are looked up when a directory is bound and listed, but events tell
 *     of an earlier time. If a directory was renamed in between, and another
 *     one has its old name, then the wrong one was bound or listed. An event
 *     shows this: it was queued before the listing was merged, so it has a
 *     position below the directory's fence. Then the directory is bound and
 *     listed again under its new name.
 *  4. The kernel may report what a listing has shown already, and also moves to
 *     a name that has been overwritten. Which of the two it is shows in the
 *     fence of the directory, too.
 *  5. The kernel reports an exchange of two names as two renames, there and
 *     back. The first one seems to replace a file. So a rename that may have
 *     replaced one is remembered; if one back follows it closely, both names
 *     are told as removed and created, and their directories are listed again.
 *     That is right for an exchange, and also for two renames. If one of the
 *     names is outside, there is one that moves in and one that moves out. What
 *     is there now may be of another type than what was moved.
 *  6. The kernel drops a notice that equals the last one in its queue, and does
 *     not compare cookies. If an exchange with the outside follows another move
 *     to, or from, the same name, its first notice may be missing. So a name
 *     that moves out closely after any move to it may be there all the same,
 *     and what moves in after such a move may have come from that name.
 *  7. An event tells of an inode, and the picture says which directory that is.
 *     That is right if no directory has another path than when it was bound. So
 *     the view is in doubt if a directory was renamed before a listing was
 *     merged, or while one is to come; if two directories have one inode; if a
 *     directory has another inode than before; and if an event that is newer
 *     than the listing contradicts the picture. When nothing else is to be
 *     listed, a view in doubt binds and lists everything. Its picture is right
 *     if nothing has raised a doubt until the end. Otherwise that is done
 *     again.
 */
#include "fswatch/change.h"

#include <stdlib.h>
#include <string.h>

#include "fswatch/job.h"
#include "fswatch/picture.h"
#include "fswatch/tell.h"

/* How many bytes of notices may be between the two renames of an exchange. */
enum { CLOSELY = 16 * 1024 };

static int is_alive(const struct rotai_entry *entry)
{
	return entry != NULL && (entry->flags & ROTAI_ENTRY_DEAD) == 0;
}

static struct rotai_entry *entry_at(const struct rotai_view *view,
				    const struct rotai_change_place *place)
{
	return rotai_picture_find(view, place->in, place->name, place->length);
}

/* Whether the event at @place is newer than the last listing. */
static int is_newer(const struct rotai_change_place *place)
{
	return !rotai_directory_awaits(place->in) &&
	       place->position >= place->in->fence;
}

/* Whether @entry, which is alive, cannot be what an event is about: (5). */
static int is_other(const struct rotai_entry *entry,
		    const struct rotai_change_place *place)
{
	return ((entry->flags & ROTAI_ENTRY_DIRECTORY) != 0) !=
	       (place->is_directory != 0);
}

/* (1) */
static unsigned touched_in(const struct rotai_directory *in)
{
	return rotai_directory_awaits(in) ? ROTAI_ENTRY_TOUCHED : 0;
}

/* The event at @place says something else than the picture: (7). */
static void note_contradiction(struct rotai_view *view,
			       const struct rotai_change_place *place)
{
	if (is_newer(place))
		rotai_view_doubt(view);
}

/* A name moves. (7) */
static void note_move(struct rotai_view *view,
		      const struct rotai_change_place *place)
{
	if (place->is_directory &&
	    (view->job != NULL || !rotai_list_is_empty(&view->to_scan) ||
	     place->position < view->fence))
		rotai_view_doubt(view);
}

/* Ask the filter: 1 or 0. */
static int is_left_out(struct rotai_view *view,
		       const struct rotai_change_place *place)
{
	const struct rotai_entry *in = place->in->entry;
	size_t before = rotai_picture_length(in);
	char *path, *at;
	int left_out;

	if (view->filter == NULL)
		return 0;
	path = malloc(before + 1 + place->length + 1);
	if (path == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return 1;
	}
	rotai_picture_path(in, path);
	at = path + before;
	if (before > 0)
		*at++ = '/';
	memcpy(at, place->name, place->length);
	at[place->length] = '\0';
	left_out = view->filter(view->watcher, path, place->is_directory) != 0;
	free(path);
	return left_out;
}

/* Watch the directory @entry as well, if the view does that. */
static void open_level(struct rotai_view *view, struct rotai_entry *entry,
		       int tells)
{
	if ((entry->flags & ROTAI_ENTRY_DIRECTORY) == 0 ||
	    (entry->flags & ROTAI_ENTRY_LEFT_OUT) != 0 ||
	    (view->flags & ROTA_FSWATCH_RECURSIVE) == 0)
		return;
	if (rotai_picture_open(view, entry, ROTAI_BOUND_DIRECTORY) < 0) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return;
	}
	entry->directory->tells = (uint8_t)tells;
	rotai_view_scan(view, entry->directory);
}

struct rotai_entry *rotai_change_add(struct rotai_view *view,
				     const struct rotai_change_place *place,
				     unsigned flags, int tells)
{
	struct rotai_entry *entry;

	if (place->is_directory)
		flags |= ROTAI_ENTRY_DIRECTORY;
	if (is_left_out(view, place))
		flags |= ROTAI_ENTRY_LEFT_OUT;
	entry = rotai_picture_add(view, place->in, place->name, place->length,
				  flags);
	if (entry == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return NULL;
	}
	if (flags & ROTAI_ENTRY_DEAD)
		return entry;
	if (tells)
		rotai_tell(view, ROTA_FSWATCH_CREATED, entry, 0);
	open_level(view, entry, tells);
	return entry;
}

static void remove_below(struct rotai_view *view, struct rotai_entry *entry,
			 int tells)
{
	struct rotai_entry *leaf;

	do {
		leaf = rotai_picture_leaf(entry);
		if (tells && is_alive(leaf))
			rotai_tell(view, ROTA_FSWATCH_REMOVED, leaf, 0);
		rotai_picture_remove(view, leaf);
	} while (leaf != entry);
}

void rotai_change_remove(struct rotai_view *view, struct rotai_entry *entry)
{
	remove_below(view, entry, 1);
}

/* An entry that was added in doubt may have led to nothing so far: (5). */
static void scan_failed(struct rotai_view *view,
			const struct rotai_entry *entry)
{
	struct rotai_directory *directory = entry->directory;

	if (directory != NULL && !directory->is_listed &&
	    directory->slot == NULL)
		rotai_view_scan(view, directory);
}

void rotai_change_created(struct rotai_view *view,
			  const struct rotai_change_place *place)
{
	struct rotai_entry *entry = entry_at(view, place);

	if (entry != NULL && (!is_alive(entry) || is_other(entry, place))) {
		note_contradiction(view, place);
		remove_below(view, entry, 1);
		entry = NULL;
	}
	if (entry == NULL) {
		(void)rotai_change_add(view, place, touched_in(place->in), 1);
		return;
	}
	note_contradiction(view, place);
	entry->flags |= (uint8_t)touched_in(place->in);
	scan_failed(view, entry);
	if ((entry->flags & ROTAI_ENTRY_FIRST) == 0)
		return;
	entry->flags &= (uint8_t)~ROTAI_ENTRY_FIRST; /* (2) */
	rotai_tell(view, ROTA_FSWATCH_CREATED, entry, 0);
	if (entry->directory != NULL && !entry->directory->is_listed)
		entry->directory->tells = 1;
}

/* Leave a mark that the name was removed. (1) */
static void bury(struct rotai_view *view,
		 const struct rotai_change_place *place)
{
	if (rotai_directory_awaits(place->in))
		(void)rotai_change_add(view, place, ROTAI_ENTRY_DEAD, 0);
}

void rotai_change_removed(struct rotai_view *view,
			  const struct rotai_change_place *place)
{
	struct rotai_entry *entry = entry_at(view, place);

	if (entry != NULL && !is_alive(entry))
		return;
	if (entry != NULL) {
		remove_below(view, entry, 1);
		bury(view, place);
		return;
	}
	note_contradiction(view, place);
	bury(view, place);
	entry = entry_at(view, place);
	if (entry != NULL && !place->in->is_listed && !place->in->tells)
		rotai_tell(view, ROTA_FSWATCH_REMOVED, entry, 0); /* (2) */
}

void rotai_change_content(struct rotai_view *view,
			  const struct rotai_change_place *place,
			  enum rota_fswatch_type type)
{
	struct rotai_entry *entry = entry_at(view, place);

	if (entry == NULL && !place->in->is_listed)
		entry = rotai_change_add(view, place, ROTAI_ENTRY_TOUCHED,
					 place->in->tells);
	if (is_alive(entry))
		rotai_tell(view, type, entry, 0);
}

static void forget_listing(struct rotai_directory *directory)
{
	if (directory->slot != NULL)
		directory->slot->directory = NULL;
	directory->slot = NULL;
}

/* --- exchanges: (5) --- */

static int is_named(const struct rotai_change_place *place,
		    const struct rotai_directory *in, const char *name,
		    size_t length)
{
	return place->in == in && place->length == length &&
	       (length == 0 || memcmp(place->name, name, length) == 0);
}

/* Whether a move there may have replaced something. */
static int may_replace(const struct rotai_view *view,
		       const struct rotai_change_place *place)
{
	return is_alive(entry_at(view, place)) || !is_newer(place);
}

/* Remember a rename. The directories are never looked at: they may be gone. */
static void note_rename(struct rotai_view *view,
			const struct rotai_change_place *from,
			const struct rotai_change_place *to, int replaces)
{
	struct rotai_renamed *renamed =
		&view->renamed[view->renames++ % ROTAI_RENAMES];

	free(renamed->names);
	renamed->names = malloc(from->length + to->length);
	if (renamed->names == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return;
	}
	if (from->length > 0)
		memcpy(renamed->names, from->name, from->length);
	if (to->length > 0)
		memcpy(renamed->names + from->length, to->name, to->length);
	renamed->from = from->in;
	renamed->to = to->in;
	renamed->from_length = from->length;
	renamed->to_length = to->length;
	renamed->position = from->position;
	renamed->is_directory = from->is_directory != 0;
	renamed->may_replace = replaces != 0;
}

/* Whether the event at @place follows @renamed closely. */
static int follows_closely(const struct rotai_renamed *renamed,
			   const struct rotai_change_place *place)
{
	return renamed->names != NULL &&
	       place->position - renamed->position < CLOSELY;
}

/* Whether this is the way back of a rename, which is then forgotten; the way
 * out is that of any: (6). *@was_directory says what that one moved. */
static int is_way_back(struct rotai_view *view,
		       const struct rotai_change_place *from,
		       const struct rotai_change_place *to, int *was_directory)
{
	for (size_t i = 0; i < ROTAI_RENAMES; i++) {
		struct rotai_renamed *r = &view->renamed[i];

		if (follows_closely(r, from) &&
		    is_named(from, r->to, r->names + r->from_length,
			     r->to_length) &&
		    (to->length == 0 ||
		     (r->may_replace &&
		      is_named(to, r->from, r->names, r->from_length)))) {
			free(r->names);
			r->names = NULL;
			*was_directory = r->is_directory;
			if (r->is_directory || from->is_directory)
				rotai_view_doubt(view);
			return 1;
		}
	}
	return 0;
}

/* Remember a move from the outside; or from the name that has just moved out,
 * if there should be another notice of that: (6). */
static void note_move_in(struct rotai_view *view,
			 const struct rotai_change_place *place)
{
	const struct rotai_renamed *last =
		&view->renamed[(view->renames - 1) % ROTAI_RENAMES];
	struct rotai_change_place from = { .is_directory = place->is_directory,
					   .position = place->position };

	note_rename(view, &from, place, 1);
	if (!follows_closely(last, place) || last->to_length > 0)
		return;
	from.in = last->from;
	from.name = last->names;
	from.length = last->from_length;
	note_rename(view, &from, place, 1);
}

static void begin_anew(struct rotai_view *view,
		       const struct rotai_change_place *place)
{
	struct rotai_entry *entry = entry_at(view, place);

	if (entry != NULL)
		remove_below(view, entry, 1);
	(void)rotai_change_add(view, place, 0, 1);
	forget_listing(place->in);
	rotai_view_scan(view, place->in);
}

/* --- */

/* (4) */
void rotai_change_moved_in(struct rotai_view *view,
			   const struct rotai_change_place *place)
{
	struct rotai_entry *entry = entry_at(view, place);

	note_move(view, place);
	note_move_in(view, place);
	if (!is_alive(entry)) {
		rotai_change_created(view, place);
		return;
	}
	if (is_newer(place)) {
		remove_below(view, entry, 1);
		(void)rotai_change_add(view, place, 0, 1);
		return;
	}
	if (entry->directory != NULL)
		rotai_view_scan(view, entry->directory);
	rotai_change_created(view, place);
}

/* (5), (6) */
void rotai_change_moved_out(struct rotai_view *view,
			    const struct rotai_change_place *place)
{
	const struct rotai_change_place outside = { .length = 0 };
	struct rotai_change_place other = *place;

	note_move(view, place);
	if (!is_way_back(view, place, &outside, &other.is_directory)) {
		rotai_change_removed(view, place);
		return;
	}
	note_rename(view, place, &outside, 0);
	begin_anew(view, &other);
}

/* The next entry of the tree of @top, parents first, or NULL. */
static struct rotai_entry *next_in_tree(struct rotai_entry *at,
					const struct rotai_entry *top)
{
	if (at->directory != NULL &&
	    !rotai_list_is_empty(&at->directory->children))
		return rota_container_of(at->directory->children.next,
					 struct rotai_entry, sibling);
	while (at != top) {
		if (at->sibling.next != &at->in->children)
			return rota_container_of(at->sibling.next,
						 struct rotai_entry, sibling);
		at = at->in->entry;
	}
	return NULL;
}

/* (3) */
static void scan_doubtful(struct rotai_view *view, struct rotai_entry *top,
			  uint64_t position)
{
	struct rotai_entry *at;

	for (at = top; at != NULL; at = next_in_tree(at, top)) {
		struct rotai_directory *directory = at->directory;

		if (directory == NULL || (!rotai_directory_awaits(directory) &&
					  position >= directory->fence))
			continue;
		forget_listing(directory);
		rotai_view_scan(view, directory);
	}
}

/* @entry moves to a place with nothing but what it replaces. */
static void move_entry(struct rotai_view *view, struct rotai_entry *entry,
		       const struct rotai_change_place *from,
		       const struct rotai_change_place *to)
{
	struct rotai_entry *there = entry_at(view, to);
	char *old_path = malloc(rotai_picture_length(entry) + 1);

	if (old_path == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return;
	}
	rotai_picture_path(entry, old_path);
	if (there != NULL)
		remove_below(view, there, 0);
	entry = rotai_picture_move(view, entry, to->in, to->name, to->length);
	if (entry == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
	} else {
		entry->flags &=
			(uint8_t) ~(ROTAI_ENTRY_FIRST | ROTAI_ENTRY_TOUCHED);
		entry->flags |= (uint8_t)touched_in(to->in);
		bury(view, from);
		rotai_tell_renamed(view, old_path, entry);
		scan_doubtful(view, entry, from->position);
	}
	free(old_path);
}

void rotai_change_moved(struct rotai_view *view,
			const struct rotai_change_place *from,
			const struct rotai_change_place *to)
{
	struct rotai_entry *entry = entry_at(view, from);
	struct rotai_entry *there = entry_at(view, to);
	struct rotai_change_place other = *from;
	int is_back = is_way_back(view, from, to, &other.is_directory);
	int was_left_out;

	note_move(view, from);
	/* The way back may be the first part of the next exchange. */
	note_rename(view, from, to,
		    may_replace(view, to) || !is_newer(from) || is_back);
	if (is_alive(entry) && rotai_picture_is_in(to->in, entry)) {
		rotai_change_lost(view); /* the picture cannot be right */
		view->tells |= ROTAI_TELL_OVERFLOW;
		return;
	}
	if (is_back &&
	    (there == NULL || !rotai_picture_is_in(from->in, there))) {
		begin_anew(view, &other);
		begin_anew(view, to);
		return;
	}
	if (!is_alive(entry))
		note_contradiction(view, from);
	was_left_out =
		is_alive(entry) && (entry->flags & ROTAI_ENTRY_LEFT_OUT) != 0;
	if (!is_alive(entry) || entry == there || is_other(entry, from) ||
	    (there != NULL && rotai_picture_is_in(from->in, there)) ||
	    was_left_out != is_left_out(view, to)) {
		rotai_change_removed(view, from);
		rotai_change_moved_in(view, to);
		return;
	}
	move_entry(view, entry, from, to);
}

static void forget_touched(struct rotai_view *view,
			   struct rotai_directory *directory)
{
	struct rota_link *at = directory->children.next;

	while (at != &directory->children) {
		struct rotai_entry *entry =
			rota_container_of(at, struct rotai_entry, sibling);

		at = at->next;
		entry->flags &= (uint8_t)~ROTAI_ENTRY_TOUCHED;
		if (!is_alive(entry))
			rotai_picture_remove(view, entry);
	}
}

static void list_all_again(struct rotai_view *view, int tells)
{
	struct rota_link *at;

	for (at = view->directories.next; at != &view->directories;
	     at = at->next) {
		struct rotai_directory *directory =
			rota_container_of(at, struct rotai_directory, all);

		forget_touched(view, directory);
		forget_listing(directory);
		rotai_view_scan(view, directory);
		if (tells)
			directory->tells = 1;
	}
	view->look_at_root = 1;
}

void rotai_change_verify(struct rotai_view *view)
{
	list_all_again(view, 1);
}

void rotai_change_lost(struct rotai_view *view)
{
	list_all_again(view, 0);
	view->later |= ROTAI_TELL_RESCAN;
}

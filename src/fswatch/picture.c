/*
 * fswatch/picture.c - the entries of a view.
 *
 *  1. They are in one hash table, by directory and name. The key contains the
 *     address of the struct rotai_directory, which a directory keeps when it
 *     is renamed. So a rename moves one entry, whatever is in its tree.
 *  2. If the table cannot grow, it is only slower.
 */
#include "fswatch/picture.h"

#include <stdlib.h>
#include <string.h>

#include "fswatch/job.h"

static uint32_t hash_of(const struct rotai_directory *in, const char *name,
			size_t length)
{
	uint64_t hash = (uintptr_t)in * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) *
		       UINT64_C(0x100000001b3);
	return (uint32_t)(hash >> 32 ^ hash);
}

static struct rotai_entry *child_of(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_entry, sibling);
}

struct rotai_entry *rotai_picture_find(const struct rotai_view *view,
				       const struct rotai_directory *in,
				       const char *name, size_t length)
{
	uint32_t hash = hash_of(in, name, length);
	struct rotai_entry *at;

	if (view->place_count == 0)
		return NULL;
	at = view->places[hash & (view->place_count - 1)];
	while (at != NULL &&
	       (at->hash != hash || at->in != in || at->length != length ||
		memcmp(at->name, name, length) != 0))
		at = at->next;
	return at;
}

static void put_in_place(struct rotai_view *view, struct rotai_entry *entry)
{
	struct rotai_entry **place =
		&view->places[entry->hash & (view->place_count - 1)];

	entry->next = *place;
	*place = entry;
}

static void take_from_place(struct rotai_view *view, struct rotai_entry *entry)
{
	struct rotai_entry **at =
		&view->places[entry->hash & (view->place_count - 1)];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
}

/* Make room for one more: 0, or ROTA_ENOMEM if there is no table. (2) */
static int grow_table(struct rotai_view *view)
{
	struct rotai_entry **old = view->places;
	size_t count = view->place_count;
	struct rotai_entry **places;

	if (view->entry_count < count)
		return 0;
	places = calloc(count == 0 ? 16 : 2 * count, sizeof(*places));
	if (places == NULL)
		return count == 0 ? ROTA_ENOMEM : 0;
	view->places = places;
	view->place_count = count == 0 ? 16 : 2 * count;
	for (size_t i = 0; i < count; i++) {
		struct rotai_entry *at = old[i];

		while (at != NULL) {
			struct rotai_entry *next = at->next;

			put_in_place(view, at);
			at = next;
		}
	}
	free(old);
	return 0;
}

struct rotai_entry *rotai_picture_add(struct rotai_view *view,
				      struct rotai_directory *in,
				      const char *name, size_t length,
				      unsigned flags)
{
	size_t size = offsetof(struct rotai_entry, name) + length + 1;
	size_t look_at = (size + 7) / 8 * 8;
	struct rotai_entry *entry;

	if (grow_table(view) < 0)
		return NULL;
	/* The look is after the name, aligned. */
	if (view->notifier->looks)
		size = look_at + sizeof(struct rotai_look);
	if (size < sizeof(*entry))
		size = sizeof(*entry);
	entry = calloc(1, size);
	if (entry == NULL)
		return NULL;
	memcpy(entry->name, name, length);
	entry->length = (uint16_t)length;
	entry->flags = (uint8_t)flags;
	if (view->notifier->looks)
		entry->look = (void *)((char *)entry + look_at);
	entry->in = in;
	entry->hash = hash_of(in, name, length);
	if (in != NULL)
		rotai_list_append(&in->children, &entry->sibling);
	put_in_place(view, entry);
	view->entry_count++;
	return entry;
}

int rotai_picture_open(struct rotai_view *view, struct rotai_entry *entry,
		       enum rotai_bound_kind kind)
{
	struct rotai_directory *directory = calloc(1, sizeof(*directory));

	if (directory == NULL)
		return ROTA_ENOMEM;
	directory->entry = entry;
	directory->bound.view = view;
	directory->bound.directory = directory;
	directory->bound.kind = (uint8_t)kind;
	directory->bound.id = -1;
	rotai_list_init(&directory->children);
	rotai_list_append(&view->directories, &directory->all);
	entry->directory = directory;
	return 0;
}

void rotai_picture_shut(struct rotai_view *view, struct rotai_entry *entry)
{
	struct rotai_directory *directory = entry->directory;

	if (directory == NULL)
		return;
	ROTA_ASSERT(rotai_list_is_empty(&directory->children));
	if (directory->bound.id >= 0)
		view->notifier->unbind(&directory->bound);
	if (directory->slot != NULL)
		directory->slot->directory = NULL;
	if (rotai_link_is_linked(&directory->to_scan))
		rotai_list_remove(&directory->to_scan);
	rotai_list_remove(&directory->all);
	free(directory);
	entry->directory = NULL;
}

void rotai_picture_remove(struct rotai_view *view, struct rotai_entry *entry)
{
	rotai_picture_shut(view, entry);
	take_from_place(view, entry);
	if (entry->in != NULL)
		rotai_list_remove(&entry->sibling);
	view->entry_count--;
	if (view->root == entry)
		view->root = NULL;
	free(entry);
}

struct rotai_entry *rotai_picture_move(struct rotai_view *view,
				       struct rotai_entry *entry,
				       struct rotai_directory *in,
				       const char *name, size_t length)
{
	struct rotai_entry *moved =
		rotai_picture_add(view, in, name, length, entry->flags);

	if (moved == NULL)
		return NULL;
	moved->inode = entry->inode;
	moved->directory = entry->directory;
	entry->directory = NULL;
	if (moved->directory != NULL)
		moved->directory->entry = moved;
	rotai_picture_remove(view, entry);
	return moved;
}

struct rotai_entry *rotai_picture_leaf(struct rotai_entry *entry)
{
	while (entry->directory != NULL &&
	       !rotai_list_is_empty(&entry->directory->children))
		entry = child_of(entry->directory->children.next);
	return entry;
}

int rotai_picture_is_in(const struct rotai_directory *directory,
			const struct rotai_entry *entry)
{
	while (directory != NULL && directory->entry != entry)
		directory = directory->entry->in;
	return directory != NULL;
}

size_t rotai_picture_length(const struct rotai_entry *entry)
{
	size_t length = 0;

	for (; entry->in != NULL; entry = entry->in->entry)
		length += entry->length + 1u;
	return length > 0 ? length - 1 : 0;
}

void rotai_picture_path(const struct rotai_entry *entry, char *path)
{
	char *at = path + rotai_picture_length(entry);

	*at = '\0';
	while (entry->in != NULL) {
		at -= entry->length;
		memcpy(at, entry->name, entry->length);
		entry = entry->in->entry;
		if (entry->in != NULL)
			*--at = '/';
	}
}

char *rotai_picture_full_path(const struct rotai_view *view,
			      const struct rotai_entry *entry)
{
	size_t length = strlen(view->path);
	size_t rest = rotai_picture_length(entry);
	char *path = malloc(length + 1 + rest + 1);

	if (path == NULL)
		return NULL;
	memcpy(path, view->path, length + 1);
	if (rest > 0) {
		path[length] = '/';
		rotai_picture_path(entry, path + length + 1);
	}
	return path;
}

void rotai_picture_clear(struct rotai_view *view)
{
	while (view->root != NULL)
		rotai_picture_remove(view, rotai_picture_leaf(view->root));
	free(view->places);
	view->places = NULL;
	view->place_count = 0;
}

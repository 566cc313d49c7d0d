/*
 * http/file_cache.c - files by their paths.
 *
 *  1. A file is looked at by up to three jobs: one opens it, one reads it as a
 *     whole if it is small, and one looks whether it has changed meanwhile. If
 *     it has, the last two are repeated, and at last it is sent from its
 *     descriptor.
 *  2. What was found does not change. When its time is over, a new entry takes
 *     its place in the table, looks at the file, and either has the old one
 *     take its place back, if the metadata are the same, or drops it. So
 *     responses that are being sent use what they began with.
 *  3. Entries that are being used or looked at are never freed. Entries that
 *     are not in the table are freed with their last use.
 *  4. Entries beyond a limit leave the table, the one that was not requested
 *     for the longest time first. Paths without a file have a list of their
 *     own, so that requests for any number of those do not displace files.
 *  5. Errors that say nothing about the path, such as a lack of descriptors,
 *     are not kept.
 */
#include "http/file_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/memory.h"
#include "rota/clock.h"
#include "rota/error.h"

enum {
	MOST_ATTEMPTS = 3,
	MISSING_PART = 4, /* of the entries may be paths without a file */
};

static uint32_t hash_path(const char *path, size_t size)
{
	uint32_t hash = rotai_http_hash(path, size);

	return hash ^ hash >> 15; /* a table takes the low bits */
}

static struct rotai_http_file_list *list_of(struct rotai_http_file *file)
{
	return file->error < 0 ? &file->cache->missing : &file->cache->files;
}

/* Make @file the newest one of its list. */
static void push_file(struct rotai_http_file *file)
{
	struct rotai_http_file_list *list = list_of(file);

	file->newer = NULL;
	file->older = list->newest;
	if (list->newest != NULL)
		list->newest->newer = file;
	else
		list->oldest = file;
	list->newest = file;
	list->count++;
}

static void pull_file(struct rotai_http_file *file)
{
	struct rotai_http_file_list *list = list_of(file);

	if (file->newer != NULL)
		file->newer->older = file->older;
	else
		list->newest = file->older;
	if (file->older != NULL)
		file->older->newer = file->newer;
	else
		list->oldest = file->newer;
	list->count--;
}

static struct rotai_http_file **place_in_cache(struct rotai_http_file *file)
{
	struct rotai_http_file_cache *cache = file->cache;
	struct rotai_http_file **place =
		&cache->table[file->hash & cache->mask];

	while (*place != file)
		place = &(*place)->chain;
	return place;
}

static void list_file(struct rotai_http_file *file)
{
	struct rotai_http_file_cache *cache = file->cache;
	struct rotai_http_file **place =
		&cache->table[file->hash & cache->mask];

	file->chain = *place;
	*place = file;
	push_file(file);
	file->is_listed = 1;
	cache->stats.entries++;
}

static void close_descriptor(struct rotai_http_file *file)
{
	if (file->fd < 0)
		return;
	close(file->fd);
	file->fd = -1;
	file->cache->stats.descriptors--;
}

static void forget_body(struct rotai_http_file *file)
{
	if (file->body == NULL)
		return;
	file->cache->stats.memory -= file->info.bytes;
	free(file->body);
	file->body = NULL;
}

static void free_file(struct rotai_http_file *file)
{
	close_descriptor(file);
	forget_body(file);
	free(file);
}

/* Remove @file from the table. It is freed now or with its last use. (3) */
static void unlist_file(struct rotai_http_file *file)
{
	if (!file->is_listed)
		return;
	*place_in_cache(file) = file->chain;
	pull_file(file);
	file->is_listed = 0;
	file->cache->stats.entries--;
	if (file->uses == 0)
		free_file(file);
}

void rotai_http_file_use(struct rotai_http_file *file)
{
	file->uses++;
	file->cache->in_use++;
}

void rotai_http_file_release(struct rotai_http_file *file)
{
	file->cache->in_use--;
	if (--file->uses == 0 && !file->is_listed)
		free_file(file);
}

static struct rotai_http_file *find_file(struct rotai_http_file_cache *cache,
					 const char *path, size_t size,
					 uint32_t hash)
{
	struct rotai_http_file *file = cache->table[hash & cache->mask];

	while (file != NULL && (file->hash != hash || file->path_size != size ||
				memcmp(file->path, path, size) != 0))
		file = file->chain;
	return file;
}

/* The limits that a file counts for, as bits. */
enum { OF_COUNT = 1, OF_DESCRIPTORS = 2, OF_MEMORY = 4 };

static int what_is_over(const struct rotai_http_file_cache *cache)
{
	const struct rota_http_files_options *options = cache->options;
	int over = 0;

	if (cache->files.count > options->entries)
		over |= OF_COUNT;
	if (cache->stats.descriptors > options->descriptors)
		over |= OF_DESCRIPTORS;
	if (cache->stats.memory > options->memory)
		over |= OF_MEMORY;
	return over;
}

static int is_of(const struct rotai_http_file *file, int limits)
{
	return (limits & OF_COUNT) ||
	       ((limits & OF_DESCRIPTORS) && file->fd >= 0) ||
	       ((limits & OF_MEMORY) && file->body != NULL);
}

/* Remove the oldest file that counts for one of @limits and is not used.
 * Returns 0 if there is none. */
static int evict_one(struct rotai_http_file_cache *cache, int limits)
{
	struct rotai_http_file *file = cache->files.oldest;

	while (file != NULL && (file->uses > 0 || !is_of(file, limits)))
		file = file->newer;
	if (file == NULL)
		return 0;
	cache->stats.evicted++;
	unlist_file(file);
	return 1;
}

/* Keep the limits, and if that is not possible otherwise, by keeping @file
 * alone out of the table. (4) */
static void keep_limits(struct rotai_http_file *file)
{
	struct rotai_http_file_cache *cache = file->cache;
	int over;

	while ((over = what_is_over(cache)) != 0 && evict_one(cache, over))
		;
	if (over != 0 && is_of(file, over))
		unlist_file(file);
	while (cache->missing.count > 0 &&
	       cache->missing.count * MISSING_PART > cache->options->entries) {
		cache->stats.evicted++;
		unlist_file(cache->missing.oldest);
	}
}

/* Remove up to two files that nobody has requested for long: there is one new
 * entry, at most, for each call. */
static void drop_unused(struct rotai_http_file_list *list, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		struct rotai_http_file *file = list->oldest;

		if (file == NULL || file->uses > 0 ||
		    now_ns - file->used_ns <= file->cache->options->unused_ns)
			return;
		unlist_file(file);
	}
}

static int is_unchanged(const struct rota_file_info *a,
			const struct rota_file_info *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->bytes == b->bytes && a->modified_ns == b->modified_ns &&
	       a->changed_ns == b->changed_ns && a->mode == b->mode;
}

/* Whether the error says that the path leads to no file. (5) */
static int has_path(int error)
{
	return error == ROTA_ENOENT || error == ROTA_ENOTDIR ||
	       error == ROTA_EACCES || error == ROTA_EPERM ||
	       error == ROTA_ELOOP || error == ROTA_EXDEV ||
	       error == ROTA_ENAMETOOLONG;
}

static void set_validators(struct rotai_http_file *file)
{
	file->etag_size = (uint8_t)rota_http_etag_write(file->etag, &file->info,
							rota_clock_wall());
	rota_http_date_write(file->modified, rotai_http_file_seconds(file));
}

/* Tell those that wait. The callbacks may ask for other files. */
static void tell(struct rotai_http_file *file, struct rotai_http_file *result)
{
	struct rotai_http_file_wait *wait = file->first;

	while (wait != NULL) {
		struct rotai_http_file_wait *next = wait->next;

		if (result != NULL)
			rotai_http_file_use(result);
		wait->fn(wait, result, result == NULL ? file->error : 0);
		wait = next;
	}
}

/* @file is known: those that wait get @result, which is @file or what was known
 * before; or its error. */
static void end_look(struct rotai_http_file *file,
		     struct rotai_http_file *result)
{
	file->is_loading = 0;
	if (file->known != NULL)
		rotai_http_file_release(file->known);
	file->known = NULL;
	if (result != NULL || file->error < 0)
		keep_limits(result != NULL ? result : file);
	tell(file, result);
	file->first = NULL;
	file->last = &file->first;
	rotai_http_file_release(file);
}

static void fail_look(struct rotai_http_file *file, int error)
{
	int was_listed = file->is_listed;

	if (was_listed)
		pull_file(file);
	file->error = error;
	if (was_listed)
		push_file(file);
	if (!has_path(error))
		unlist_file(file);
	file->cache->stats.changes += file->known != NULL;
	end_look(file, NULL);
}

/* The file is as it was: what was known takes its place back. (2) */
static void return_known(struct rotai_http_file *file)
{
	struct rotai_http_file *known = file->known;

	close_descriptor(file);
	set_validators(known);
	known->valid_ns = file->valid_ns;
	known->used_ns = file->used_ns;
	rotai_http_file_use(known);
	if (file->is_listed) {
		unlist_file(file);
		list_file(known);
	}
	end_look(file, known);
	rotai_http_file_release(known);
}

static void finish_look(struct rotai_http_file *file)
{
	set_validators(file);
	file->cache->stats.changes += file->known != NULL;
	end_look(file, file);
}

static void on_read_whole(struct rota_fs *fs, int64_t result);

/* Read the file if it is small enough, one byte more than it should have. */
static void begin_read(struct rotai_http_file *file)
{
	size_t size = (size_t)file->info.bytes;

	file->attempts++;
	if (!S_ISREG((mode_t)file->info.mode) ||
	    file->info.bytes > file->cache->options->body_size ||
	    file->info.bytes > file->cache->options->memory ||
	    file->attempts > MOST_ATTEMPTS ||
	    (file->body = malloc(size + 1)) == NULL) {
		finish_look(file);
		return;
	}
	file->cache->stats.memory += size;
	if (rota_fs_read(&file->fs, on_read_whole, file->fd,
			 (struct rota_buf){ file->body, size + 1 }, 0) < 0) {
		forget_body(file);
		finish_look(file);
	}
}

/* Whether it is what was read: then its descriptor is not needed. (1) */
static void on_seen_again(struct rota_fs *fs, int64_t result)
{
	struct rotai_http_file *file =
		rota_container_of(fs, struct rotai_http_file, fs);

	if (result == 0 && file->is_whole &&
	    is_unchanged(&file->seen, &file->info)) {
		close_descriptor(file);
		finish_look(file);
		return;
	}
	forget_body(file);
	if (result == 0) {
		file->info = file->seen;
		begin_read(file);
	} else {
		finish_look(file);
	}
}

static void on_read_whole(struct rota_fs *fs, int64_t result)
{
	struct rotai_http_file *file =
		rota_container_of(fs, struct rotai_http_file, fs);

	file->is_whole = result >= 0 && (uint64_t)result == file->info.bytes;
	if (file->is_whole || file->attempts < MOST_ATTEMPTS) {
		file->seen.size = sizeof(file->seen);
		if (rota_fs_fstat(&file->fs, on_seen_again, file->fd,
				  &file->seen) == 0)
			return;
	}
	forget_body(file);
	finish_look(file);
}

static void on_opened_file(struct rota_fs *fs, int64_t result);

static int begin_look(struct rotai_http_file *file)
{
	const struct rotai_http_file_cache *cache = file->cache;
	unsigned options = ROTA_BENEATH_DIRECTORIES;

	if (cache->options->flags & ROTA_HTTP_FILES_NO_SYMLINKS)
		options |= ROTA_BENEATH_NO_SYMLINKS;
	file->info.size = sizeof(file->info);
	return rota_fs_open_beneath(&file->fs, on_opened_file, cache->root,
				    file->path_size > 0 ? file->path : ".",
				    options, &file->info);
}

static void on_opened_file(struct rota_fs *fs, int64_t result)
{
	struct rotai_http_file *file =
		rota_container_of(fs, struct rotai_http_file, fs);
	struct rotai_http_file_cache *cache = file->cache;

	if ((result == ROTA_EMFILE || result == ROTA_ENFILE) &&
	    evict_one(cache, OF_DESCRIPTORS)) {
		while (evict_one(cache, OF_DESCRIPTORS))
			;
		if (begin_look(file) == 0)
			return;
	}
	if (result < 0) {
		fail_look(file, (int)result);
		return;
	}
	if (S_ISDIR((mode_t)file->info.mode)) {
		close((int)result);
		file->is_directory = 1;
	} else {
		file->fd = (int)result;
		cache->stats.descriptors++;
	}
	if (file->known != NULL && file->known->error == 0 &&
	    is_unchanged(&file->info, &file->known->info))
		return_known(file);
	else
		begin_read(file);
}

static struct rotai_http_file *new_look(struct rotai_http_file_cache *cache,
					struct rota_loop *loop,
					const char *path, size_t size,
					uint32_t hash)
{
	struct rotai_http_file *file = malloc(sizeof(*file) + size + 1);

	if (file == NULL)
		return NULL;
	memset(file, 0, sizeof(*file));
	memcpy(file->path, path, size);
	file->path[size] = '\0';
	file->path_size = size;
	file->fd = -1;
	file->hash = hash;
	file->cache = cache;
	file->last = &file->first;
	rota_fs_init(&file->fs, loop);
	return file;
}

static void wait_for_look(struct rotai_http_file *file,
			  struct rotai_http_file_wait *wait)
{
	wait->next = NULL;
	*file->last = wait;
	file->last = &wait->next;
}

/* Look at the file for the first time, or again if it is @known. */
static int look_at(struct rotai_http_file *file, struct rotai_http_file *known,
		   uint64_t now_ns, struct rotai_http_file_wait *wait)
{
	struct rotai_http_file_cache *cache = file->cache;
	int error = begin_look(file);

	if (error < 0) {
		free_file(file);
		return error;
	}
	file->is_loading = 1;
	file->used_ns = now_ns;
	file->valid_ns = cache->options->valid_ns < UINT64_MAX - now_ns
				 ? now_ns + cache->options->valid_ns
				 : UINT64_MAX;
	wait_for_look(file, wait);
	rotai_http_file_use(file); /* until end_look() */
	if (known != NULL) {
		rotai_http_file_use(known);
		file->known = known;
		unlist_file(known);
		cache->stats.checks++;
	} else {
		cache->stats.misses++;
	}
	list_file(file);
	keep_limits(file);
	return 0;
}

int rotai_http_file_get(struct rotai_http_file_cache *cache,
			struct rota_loop *loop, const char *path, size_t size,
			int is_fresh, struct rotai_http_file **file,
			struct rotai_http_file_wait *wait)
{
	uint64_t now_ns = rota_loop_now(loop);
	uint32_t hash = hash_path(path, size);
	struct rotai_http_file *known, *look;

	drop_unused(&cache->files, now_ns);
	drop_unused(&cache->missing, now_ns);
	known = find_file(cache, path, size, hash);
	if (known != NULL && known->is_loading) {
		wait_for_look(known, wait);
		return 0;
	}
	if (known != NULL && !is_fresh && now_ns < known->valid_ns) {
		cache->stats.hits++;
		known->used_ns = now_ns;
		pull_file(known);
		push_file(known);
		if (known->error < 0)
			return known->error;
		rotai_http_file_use(known);
		*file = known;
		return 1;
	}
	look = new_look(cache, loop, path, size, hash);
	if (look == NULL)
		return ROTA_ENOMEM;
	return look_at(look, known, now_ns, wait);
}

int rotai_http_file_cache_init(struct rotai_http_file_cache *cache, int root,
			       const struct rota_http_files_options *options)
{
	size_t size = 16;

	while (size < options->entries && size < SIZE_MAX / 16)
		size *= 2;
	memset(cache, 0, sizeof(*cache));
	cache->table = calloc(size, sizeof(struct rotai_http_file *));
	if (cache->table == NULL)
		return ROTA_ENOMEM;
	cache->mask = size - 1;
	cache->root = root;
	cache->options = options;
	return 0;
}

void rotai_http_file_cache_free(struct rotai_http_file_cache *cache)
{
	while (cache->files.newest != NULL)
		unlist_file(cache->files.newest);
	while (cache->missing.newest != NULL)
		unlist_file(cache->missing.newest);
	free(cache->table);
	cache->table = NULL;
}

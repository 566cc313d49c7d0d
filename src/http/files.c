/*
 * http/files.c - from a path to what answers it.
 *
 *  1. The cleaned path is looked for first. If it leads to a file, encoded
 *     neighbours that the client wants are looked for next, and the first one
 *     that is not older is sent. If it is a directory, its index is looked for,
 *     and then it is listed, or not found. Each of these is a search in the
 *     cache, which mostly ends at once.
 *  2. A request waits in the arena of its exchange. It does not end before the
 *     cache has called back, also if the peer has gone: then all calls fail,
 *     and the exchange is given up.
 *  3. A shard's cache is used on its loop's thread alone. So there is no lock.
 *
 * file_cache.c finds files, file_answer.c sends them, listing.c lists
 * directories.
 */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/file_answer.h"
#include "http/listing.h"
#include "http/sized.h"
#include "rota/error.h"
#include "rota_http/coding.h"
#include "rota_http/path.h"
#include "rota_http/request.h"
#include "rota_http/response.h"
#include "rota_http/target.h"

enum { MOST_RANGES = 64, EXTENSION_SIZE = 4, CODINGS = 2 };

/* In the order of our preference. */
static const char *const neighbour_codings[CODINGS] = { "br", "gzip" };
static const char *const neighbour_extensions[CODINGS] = { ".br", ".gz" };

static int files_have(const struct rotai_http_file_request *request,
		      unsigned flag)
{
	return (request->files->options.flags & flag) != 0;
}

static int names_directory(const struct rotai_http_file_request *request)
{
	size_t size = request->path_size;

	return size == 0 || request->path[size - 1] == '/';
}

/* Look for the path with @extra behind it. Returns as rotai_http_file_get(). */
static int look_for(struct rotai_http_file_request *request, const char *extra,
		    rotai_http_file_fn *fn, struct rotai_http_file **file)
{
	size_t size = strlen(extra);
	const struct rota_http_head *head =
		rota_http_request_head(request->exchange);

	memcpy(request->path + request->path_size, extra, size + 1);
	request->wait.fn = fn;
	return rotai_http_file_get(
		request->cache, rota_http_exchange_loop(request->exchange),
		request->path, request->path_size + size,
		rota_http_head_find(head, ROTA_HTTP_NAME_IF_RANGE, 0) >= 0,
		file, &request->wait);
}

static struct rotai_http_file_request *
file_request_of(struct rotai_http_file_wait *wait)
{
	return rota_container_of(wait, struct rotai_http_file_request, wait);
}

static void on_neighbour(struct rotai_http_file_wait *wait,
			 struct rotai_http_file *file, int error);

/* Whether @file may be sent in the place of the original. */
static int may_replace_file(const struct rotai_http_file *file,
			    const struct rotai_http_file *original)
{
	return !file->is_directory &&
	       file->info.modified_ns >= original->info.modified_ns;
}

/* A neighbour was found, or not. Returns 1 if the request is answered. */
static int take_neighbour(struct rotai_http_file_request *request,
			  struct rotai_http_file *file)
{
	struct rotai_http_file *original = request->file;

	if (file == NULL)
		return 0;
	if (!may_replace_file(file, original)) {
		rotai_http_file_release(file);
		return 0;
	}
	rotai_http_file_release(original);
	rotai_http_file_answer(
		request, file,
		neighbour_codings[request->order[request->tried - 1]]);
	return 1;
}

/* Look for the next neighbour, or send the file itself. */
static void try_neighbours(struct rotai_http_file_request *request)
{
	while (request->tried < request->wanted) {
		struct rotai_http_file *file = NULL;
		int index = request->order[request->tried++];
		int found = look_for(request, neighbour_extensions[index],
				     on_neighbour, &file);

		if (found == 0 || take_neighbour(request, file))
			return;
	}
	rotai_http_file_answer(request, request->file, NULL);
}

static void on_neighbour(struct rotai_http_file_wait *wait,
			 struct rotai_http_file *file, int error)
{
	struct rotai_http_file_request *request = file_request_of(wait);

	(void)error; /* the file itself is there */
	if (!take_neighbour(request, file))
		try_neighbours(request);
}

static void answer_file(struct rotai_http_file_request *request,
			struct rotai_http_file *file)
{
	request->file = file;
	request->wanted = 0;
	request->tried = 0;
	if (files_have(request, ROTA_HTTP_FILES_PRECOMPRESSED))
		request->wanted = (int)rota_http_codings_wanted(
			request->order,
			rota_http_request_head(request->exchange),
			neighbour_codings, CODINGS);
	try_neighbours(request);
}

static void answer_without_index(struct rotai_http_file_request *request)
{
	request->path[request->path_size] = '\0';
	if (files_have(request, ROTA_HTTP_FILES_LISTS))
		rotai_http_list_directory(request);
	else
		rotai_http_file_refuse(request->exchange, 404);
}

/* An index was looked for: @error, or @file. */
static void take_index(struct rotai_http_file_request *request,
		       struct rotai_http_file *file, int error)
{
	int status = error < 0 ? rotai_http_file_status(error) : 0;

	if (status != 0 && status != 404) {
		rotai_http_file_refuse(request->exchange, status);
	} else if (file == NULL || file->is_directory) {
		if (file != NULL)
			rotai_http_file_release(file);
		answer_without_index(request);
	} else {
		request->path_size += strlen(request->files->options.index);
		answer_file(request, file);
	}
}

static void on_index(struct rotai_http_file_wait *wait,
		     struct rotai_http_file *file, int error)
{
	take_index(file_request_of(wait), file, error);
}

static void look_for_index(struct rotai_http_file_request *request)
{
	struct rotai_http_file *file = NULL;
	int found;

	if (request->files->options.index == NULL) {
		answer_without_index(request);
		return;
	}
	found = look_for(request, request->files->options.index, on_index,
			 &file);
	if (found != 0)
		take_index(request, file, found);
}

/* The last name of the path and a slash, then the query. The name is encoded,
 * and "./" is before it: a colon in it separates no scheme. */
static ptrdiff_t write_location(char *to, size_t size,
				const struct rotai_http_file_request *request,
				struct rota_const_buf query)
{
	const char *name = strrchr(request->path, '/');
	size_t used = 2;
	ptrdiff_t encoded;

	name = name != NULL ? name + 1 : request->path;
	encoded = rota_http_encode(to + used, size - used - 2,
				   rota_bytes(name, strlen(name)));
	if (encoded < 0)
		return encoded;
	memcpy(to, "./", 2);
	used += (size_t)encoded;
	to[used++] = '/';
	if (query.data != NULL) {
		to[used++] = '?';
		if (query.size > size - used)
			return ROTA_EMSGSIZE;
		memcpy(to + used, query.data, query.size);
		used += query.size;
	}
	return (ptrdiff_t)used;
}

/* 308 would tell more, but only GET and HEAD come here. */
static void redirect_to_directory(struct rotai_http_file_request *request)
{
	struct rota_http_exchange *exchange = request->exchange;
	const struct rota_http_head *head = rota_http_request_head(exchange);
	struct rota_http_target target = { .query = { NULL, 0 } };
	size_t size = 3 * request->path_size + head->target_size + 4;
	char *to = rota_http_exchange_allocate(exchange, size);
	ptrdiff_t used = ROTA_ENOMEM;

	if (to != NULL && rota_http_head_read_target(&target, head) == 0)
		used = write_location(to, size, request, target.query);
	if (used < 0 ||
	    rota_http_response_set(exchange, "Location",
				   rota_bytes(to, (size_t)used)) < 0)
		rotai_http_file_refuse(exchange, 503);
	else
		rotai_http_file_refuse(exchange, 301);
}

static void take_file(struct rotai_http_file_request *request,
		      struct rotai_http_file *file, int error)
{
	if (file == NULL) {
		rotai_http_file_refuse(request->exchange,
				       rotai_http_file_status(error));
	} else if (file->is_directory) {
		rotai_http_file_release(file);
		redirect_to_directory(request);
	} else {
		answer_file(request, file);
	}
}

static void on_file(struct rotai_http_file_wait *wait,
		    struct rotai_http_file *file, int error)
{
	take_file(file_request_of(wait), file, error);
}

/* Prepare a request for @path. NULL: it was answered with an error. */
static struct rotai_http_file_request *
begin_request(struct rota_http_files *files,
	      struct rota_http_exchange *exchange, struct rota_const_buf path)
{
	const struct rota_http_files_options *options = &files->options;
	size_t more = EXTENSION_SIZE +
		      (options->index != NULL ? strlen(options->index) : 0);
	size_t space = path.size + 1 + more;
	struct rotai_http_file_request *request =
		rota_http_exchange_allocate(exchange, sizeof(*request) + space);
	unsigned how = 0;
	ptrdiff_t size;

	if (request == NULL) {
		rotai_http_file_refuse(exchange, 503);
		return NULL;
	}
	if (options->flags & ROTA_HTTP_FILES_DOT_FILES)
		how |= ROTA_HTTP_PATH_DOT_FILES;
	if (options->flags & ROTA_HTTP_FILES_WELL_KNOWN)
		how |= ROTA_HTTP_PATH_WELL_KNOWN;
	size = rota_http_path_clean(request->path, space - more, path, how);
	if (size < 0) {
		rotai_http_file_refuse(exchange,
				       size == ROTA_EINVAL ? 400 : 404);
		return NULL;
	}
	request->exchange = exchange;
	request->files = files;
	request->cache = &files->shards[rota_http_exchange_shard(exchange)];
	request->path_size = (size_t)size;
	return request;
}

void rota_http_files_serve(struct rota_http_files *files,
			   struct rota_http_exchange *exchange,
			   struct rota_const_buf path)
{
	static const char allowed[] = "GET, HEAD";
	uint8_t method = rota_http_request_head(exchange)->method;
	struct rotai_http_file_request *request;
	struct rotai_http_file *file = NULL;
	int found;

	if (method != ROTA_HTTP_GET && method != ROTA_HTTP_HEAD) {
		(void)rota_http_response_set(
			exchange, "Allow",
			rota_bytes(allowed, sizeof(allowed) - 1));
		rotai_http_file_refuse(exchange, 405);
		return;
	}
	request = begin_request(files, exchange, path);
	if (request == NULL)
		return;
	if (names_directory(request)) {
		look_for_index(request);
		return;
	}
	found = look_for(request, "", on_file, &file);
	if (found != 0)
		take_file(request, file, found);
}

void rota_http_files_handler(struct rota_http_exchange *exchange, void *arg)
{
	struct rota_http_target target;
	struct rota_const_buf path;

	if (rota_http_head_read_target(&target,
				       rota_http_request_head(exchange)) < 0 ||
	    target.form == ROTA_HTTP_AUTHORITY_FORM) {
		rotai_http_file_refuse(exchange, 400);
		return;
	}
	path = target.path;
	if (path.size == 0)
		path = rota_bytes("/", 1);
	rota_http_files_serve(arg, exchange, path);
}

void rota_http_files_options_init_size(struct rota_http_files_options *options,
				       size_t size)
{
	const struct rota_http_files_options defaults = {
		.size = sizeof(defaults),
		.index = "index.html",
		.default_type = "application/octet-stream",
		.entries = 1024,
		.descriptors = 256,
		.body_size = 65536,
		.memory = 16 * 1024 * 1024,
		.valid_ns = UINT64_C(1000000000),
		.unused_ns = UINT64_C(60000000000),
		.listed = 10000,
		.ranges = 16,
	};

	options->size = size;
	(void)rotai_http_sized_give(options, sizeof(size), &defaults,
				    sizeof(defaults));
}

/* Copy the caller's options, which may be of another version. */
static int take_file_options(struct rota_http_files_options *to,
			     const struct rota_http_files_options *options)
{
	rota_http_files_options_init(to);
	if (options == NULL ||
	    rotai_http_sized_take(
		    to, sizeof(*to), options,
		    ROTAI_HTTP_SIZE_UP_TO(struct rota_http_files_options,
					  flags)) < 0)
		return ROTA_EINVAL;
	if (to->root == NULL || to->ranges > MOST_RANGES || to->listed == 0 ||
	    (to->types == NULL && to->type_count > 0) ||
	    to->body_size >= SIZE_MAX / 2 || (to->flags & ~31U) != 0)
		return ROTA_EINVAL;
	return 0;
}

static void free_shards(struct rota_http_files *files)
{
	while (files->count > 0)
		rotai_http_file_cache_free(&files->shards[--files->count]);
	close(files->root);
	free(files);
}

static int open_root(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd >= 0 ? fd : -errno;
}

int rota_http_files_new(struct rota_http_files **files, size_t shards,
			const struct rota_http_files_options *options)
{
	struct rota_http_files_options taken;
	struct rota_http_files *made;
	int error = take_file_options(&taken, options);

	if (error < 0 || files == NULL || shards == 0 ||
	    shards > (SIZE_MAX - sizeof(*made)) / sizeof(made->shards[0]))
		return ROTA_EINVAL;
	made = malloc(sizeof(*made) + shards * sizeof(made->shards[0]));
	if (made == NULL)
		return ROTA_ENOMEM;
	made->options = taken;
	made->options.root = NULL; /* it is not used after the call */
	made->count = 0;
	made->root = open_root(taken.root);
	if (made->root < 0) {
		error = made->root;
		free(made);
		return error;
	}
	while (made->count < shards) {
		error = rotai_http_file_cache_init(&made->shards[made->count],
						   made->root, &made->options);
		if (error < 0) {
			free_shards(made);
			return error;
		}
		made->count++;
	}
	*files = made;
	return 0;
}

int rota_http_files_free(struct rota_http_files *files)
{
	if (files == NULL)
		return 0;
	for (size_t i = 0; i < files->count; i++)
		if (files->shards[i].in_use > 0)
			return ROTA_EBUSY;
	free_shards(files);
	return 0;
}

int rota_http_files_get_stats(const struct rota_http_files *files, size_t index,
			      struct rota_http_files_stats *stats)
{
	if (index >= files->count)
		return ROTA_EINVAL;
	return rotai_http_sized_give(
		stats,
		ROTAI_HTTP_SIZE_UP_TO(struct rota_http_files_stats, evicted),
		&files->shards[index].stats, sizeof(*stats));
}

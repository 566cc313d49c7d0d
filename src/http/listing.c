/*
 * http/listing.c - see listing.h.
 *
 *  1. The directory is opened beneath the root, and read by its descriptor: no
 *     rename leads elsewhere in between.
 *  2. Names are percent-encoded and then escaped in links, and escaped in
 *     texts. A link begins with "./", so that a colon in a name separates no
 *     scheme.
 *  3. The exchange is kept until the directory has been read, also if its peer
 *     has gone.
 */
#include "http/listing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rota/error.h"
#include "rota/fs_directory.h"
#include "rota_http/request.h"
#include "rota_http/response.h"
#include "rota_http/target.h"

enum {
	LISTED_NAME_SIZE = 256, /* longer ones are left out */
	LEAST_PAGE = 4096,
};

/* A page that grows. */
struct listing {
	struct rotai_http_file_request *request;
	struct rota_fs fs;
	struct rota_file_info info;
	struct rota_dir_entries entries;
	int fd;
	char *page;
	size_t used;
	size_t size;
	int error; /* the first one */
};

static void list_bytes(struct listing *listing, const char *bytes, size_t size)
{
	if (listing->error < 0)
		return;
	if (size > listing->size - listing->used) {
		size_t more = listing->size + size > LEAST_PAGE / 2
				      ? 2 * (listing->size + size)
				      : LEAST_PAGE;
		char *page = realloc(listing->page, more);

		if (page == NULL) {
			listing->error = ROTA_ENOMEM;
			return;
		}
		listing->page = page;
		listing->size = more;
	}
	memcpy(listing->page + listing->used, bytes, size);
	listing->used += size;
}

static void list_text(struct listing *listing, const char *text)
{
	list_bytes(listing, text, strlen(text));
}

static const char *escape_of(char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void add_escaped(struct listing *listing, struct rota_const_buf text)
{
	for (size_t i = 0; i < text.size; i++) {
		const char *escape = escape_of(text.data[i]);

		if (escape != NULL)
			list_text(listing, escape);
		else
			list_bytes(listing, text.data + i, 1);
	}
}

static void list_entry(struct listing *listing,
		       const struct rota_dir_entry *entry)
{
	struct rota_const_buf name = rota_bytes(entry->name, entry->length);
	const char *end = entry->type == ROTA_ENTRY_DIRECTORY ? "/" : "";
	char encoded[3 * LISTED_NAME_SIZE];
	ptrdiff_t size = rota_http_encode(encoded, sizeof(encoded), name);

	if (size < 0 || (entry->type != ROTA_ENTRY_FILE &&
			 entry->type != ROTA_ENTRY_DIRECTORY &&
			 entry->type != ROTA_ENTRY_LINK))
		return;
	list_text(listing, "<li><a href=\"./");
	add_escaped(listing, rota_bytes(encoded, (size_t)size));
	list_text(listing, end);
	list_text(listing, "\">");
	add_escaped(listing, name);
	list_text(listing, end);
	list_text(listing, "</a></li>\n");
}

static void make_page(struct listing *listing)
{
	const struct rotai_http_file_request *request = listing->request;
	struct rota_const_buf path =
		rota_bytes(request->path, request->path_size);
	int hides = (request->files->options.flags &
		     ROTA_HTTP_FILES_DOT_FILES) == 0;

	list_text(listing, "<!DOCTYPE html>\n<html>\n<head>\n"
			   "<meta charset=\"utf-8\">\n<title>/");
	add_escaped(listing, path);
	list_text(listing, "</title>\n</head>\n<body>\n<h1>/");
	add_escaped(listing, path);
	list_text(listing, "</h1>\n<ul>\n");
	if (path.size > 0)
		list_text(listing, "<li><a href=\"../\">../</a></li>\n");
	for (size_t i = 0; i < listing->entries.count; i++)
		if (!hides || listing->entries.items[i].name[0] != '.')
			list_entry(listing, &listing->entries.items[i]);
	list_text(listing, "</ul>\n</body>\n</html>\n");
}

static void on_page_sent(void *arg, int status)
{
	(void)status;
	free(arg);
}

/* Send the page, which is freed in any case. */
static int send_page(struct listing *listing)
{
	struct rota_http_exchange *exchange = listing->request->exchange;
	static const char type[] = "text/html; charset=utf-8";
	struct rota_const_buf page = rota_bytes(listing->page, listing->used);
	int is_head =
		rota_http_request_head(exchange)->method == ROTA_HTTP_HEAD;
	int error = rota_http_response_set(exchange, "Content-Type",
					   rota_bytes(type, sizeof(type) - 1));

	if (error == 0)
		error = rota_http_response_begin(exchange, 200, page.size);
	if (error == 0 && !is_head)
		error = rota_http_response_lend(exchange, page, on_page_sent,
						listing->page);
	if (error < 0 || is_head)
		free(listing->page);
	return error;
}

/* Answer with the page, or with an error. */
static void answer_listing(struct listing *listing, int64_t result)
{
	struct rota_http_exchange *exchange = listing->request->exchange;

	if (result >= 0)
		make_page(listing);
	rota_dir_entries_free(&listing->entries);
	if (listing->fd >= 0)
		close(listing->fd);
	if (result < 0 || listing->error < 0) {
		free(listing->page);
		rotai_http_file_refuse(
			exchange,
			result == ROTA_EFBIG
				? 403
				: rotai_http_file_status(
					  result < 0 ? (int)result
						     : listing->error));
	} else if (send_page(listing) < 0) {
		rota_http_exchange_abort(exchange);
	} else {
		(void)rota_http_response_end(exchange);
	}
}

static void on_listed(struct rota_fs *fs, int64_t result)
{
	answer_listing(rota_container_of(fs, struct listing, fs), result);
}

static void on_directory_open(struct rota_fs *fs, int64_t result)
{
	struct listing *listing = rota_container_of(fs, struct listing, fs);
	int error = result < 0 ? (int)result : 0;

	if (error == 0) {
		listing->fd = (int)result;
		rota_fs_set_directory(fs, listing->fd);
		error = rota_fs_scandir(fs, on_listed, ".", &listing->entries,
					ROTA_FS_SORTED);
	}
	if (error < 0)
		answer_listing(listing, error);
}

void rotai_http_list_directory(struct rotai_http_file_request *request)
{
	const struct rota_http_files_options *options =
		&request->files->options;
	unsigned how = ROTA_BENEATH_DIRECTORIES;
	struct listing *listing = rota_http_exchange_allocate(request->exchange,
							      sizeof(*listing));
	int error;

	if (listing == NULL) {
		rotai_http_file_refuse(request->exchange, 503);
		return;
	}
	if (options->flags & ROTA_HTTP_FILES_NO_SYMLINKS)
		how |= ROTA_BENEATH_NO_SYMLINKS;
	memset(listing, 0, sizeof(*listing));
	listing->request = request;
	listing->fd = -1;
	listing->info.size = sizeof(listing->info);
	rota_dir_entries_init(&listing->entries, options->listed);
	rota_fs_init(&listing->fs, rota_http_exchange_loop(request->exchange));
	error = rota_fs_open_beneath(
		&listing->fs, on_directory_open, request->files->root,
		request->path_size > 0 ? request->path : ".", how,
		&listing->info);
	if (error < 0)
		answer_listing(listing, error);
}

/*
 * http.h - what a server of files has to know of HTTP/1.1 (RFC 9112).
 *
 * Neither input nor output, and no memory of its own: a request is read where
 * it lies. What is not beyond doubt is refused, as two programs that read one
 * request in two ways are how requests are smuggled past one of them.
 */
#ifndef FILESERVER_HTTP_H
#define FILESERVER_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct http_request {
	char *path;  /* decoded: '/' and what follows, without a query */
	size_t size; /* of the head, with the empty line at its end */
	int is_head; /* HEAD, not GET */
	int keep_alive;
};

/*
 * Read the request that begins at @bytes, of which @size have come of at most
 * @limit. Returns 200, and @bytes are changed: the path is in them. Or 0: it is
 * not complete, and nothing has changed. Or the status to refuse it with, and
 * then nothing that follows can be read: 400; 405 if it is not GET or HEAD;
 * 413 if it has a body; 414 or 431 if it is longer than @limit; 505.
 */
int http_parse(struct http_request *request, char *bytes, size_t size,
	       size_t limit);

/* Bytes that http_reply() writes at most. */
enum { HTTP_REPLY_SIZE = 512 };

/*
 * Write what comes before the content of a reply to @request: its status, and
 * the type and @size of the file @name. If @status is not 200 that counts for
 * nothing, and the reply is whole: it says in a few words what is wrong.
 * Returns the number of bytes.
 */
size_t http_reply(char *to, const struct http_request *request, int status,
		  const char *name, int64_t size);

/* The status of a reply for a file that could be opened, or could not because
 * of @error, as in errno: whatever that is, it is not found; but for a lack of
 * descriptors or memory, which says nothing about the file. */
int http_status(int error);

#endif

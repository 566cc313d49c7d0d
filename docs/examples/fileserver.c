/*
 * fileserver.c - static files over HTTP/1.1: all connections on one thread,
 * and a pool of threads for the disk.
 *
 *     cc fileserver.c demo/turns.c $(pkg-config --cflags --libs rota)
 *     ./a.out -p 8080 docs
 *
 *  1. A client is at one thing at a time: a request comes in, or the pool is at
 *     work for it, or there is no room to send. So requests in a row wait in
 *     the system, and a slow reader costs one chunk and what its stream holds
 *     at the high watermark. step() begins the next thing.
 *  2. A client that is dropped while the pool is at work for it is closed when
 *     that has ended; and it is freed when it is closed.
 *  3. A request that is not beyond doubt is refused, and the connection ends:
 *     what two programs read in two ways is how requests are smuggled.
 *  4. Each name of a path is opened in the directory before it, and neither
 *     ".." nor a symbolic link is followed: so nothing leads out of the root.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo/turns.h"

enum {
	HEAD_SIZE = 4096,       /* of the longest request */
	REPLY_SIZE = 512,       /* of the longest reply, less the file */
	CHUNK_SIZE = 64 * 1024, /* of a file, in one trip to the pool */
};

struct client {
	struct rota_tcp tcp;
	struct rota_timer idle; /* for a request to come, a chunk to leave */
	struct rota_read read;
	struct rota_work opening;
	struct rota_fs reading;
	struct client *next, **link;
	int in_pool, dropped; /* (2) */
	int is_head;          /* HEAD, not GET */
	int is_last;          /* of its requests */
	char *path;           /* decoded, in head */
	const char *name;     /* the last of the path */
	int fd;
	int64_t offset, left; /* of the file's bytes that are to be sent */
	size_t begun;         /* bytes of the reply in chunk, before those */
	size_t size;          /* of the request in head; 0: it is not read */
	size_t received;      /* bytes in head */
	char head[HEAD_SIZE];
	char chunk[REPLY_SIZE + CHUNK_SIZE];
};

static const char *const reasons[] = {
	[200] = "OK",
	[400] = "Bad Request",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[413] = "Content Too Large",
	[431] = "Request Header Fields Too Large",
	[503] = "Service Unavailable",
};

static const char *const types[][2] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".svg", "image/svg+xml" },
	{ "", "application/octet-stream" },
};

static struct rota_loop *loop;
static struct rota_tcp listener;
static struct rota_async interrupted;
static struct rota_timer grace;
static struct client *clients;
static uint64_t idle_ns, connections, requests, bytes;
static int ending;

static void step(struct client *c);

/* The size of the head at @text; 0 if it has no end yet; -1 if it has what no
 * head has: a control character, or a CR or LF without the other. */
static int measure(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((text[i] == '\n') != (i > 0 && text[i - 1] == '\r') ||
		    (iscntrl((unsigned char)text[i]) &&
		     memchr("\t\r\n", text[i], 3) == NULL))
			return -1;
		if (i >= 3 && memcmp(text + i - 3, "\r\n\r\n", 4) == 0)
			return (int)i + 1;
	}
	return 0;
}

/* Decode @path in place: %41 is an A. Returns 200, or 400. */
static int decode(char *path)
{
	char *to = path;

	for (; *path != '\0'; path++, to++) {
		if (!isgraph((unsigned char)*path) || *path == '#')
			return 400;
		*to = *path;
		if (*path == '%') {
			if (!isxdigit((unsigned char)path[1]) ||
			    !isxdigit((unsigned char)path[2]))
				return 400;
			char digits[] = { path[1], path[2], '\0' };
			*to = (char)strtoul(digits, NULL, 16);
			path += 2;
		}
		if (iscntrl((unsigned char)*to))
			return 400;
	}
	*to = '\0';
	return 200;
}

static int parse_line(struct client *c, char *version)
{
	char *method = strsep(&version, " ");
	char *path = strsep(&version, " ");

	if (version == NULL || strncmp(version, "HTTP/1.", 7) != 0 ||
	    !isdigit((unsigned char)version[7]) || version[8] != '\0')
		return 400;
	c->is_last = version[7] == '0';
	c->is_head = strcmp(method, "HEAD") == 0;
	if (!c->is_head && strcmp(method, "GET") != 0)
		return 405;
	if (strncasecmp(path, "http://", 7) == 0) /* as a proxy is sent */
		path += 7 + strcspn(path + 7, "/?");
	c->path = strsep(&path, "?");
	return c->path[0] == '/' ? decode(c->path) : 400;
}

/* Read the fields, each in a line that ends with CR LF, from the LF before. */
static int parse_fields(struct client *c, char *text)
{
	int hosts = 0, hosts_needed = !c->is_last; /* none by HTTP/1.0 */
	char *name, *value, *word;

	while (*++text != '\0') {
		value = strsep(&text, "\r");
		name = strsep(&value, ":");
		if (value == NULL || *name == '\0')
			return 400;
		for (word = name; *word != '\0'; word++)
			if (!isalnum((unsigned char)*word) &&
			    strchr("!#$%&'*+-.^_`|~", *word) == NULL)
				return 400;
		value += strspn(value, " \t");
		hosts += strcasecmp(name, "Host") == 0;
		if (strcasecmp(name, "Transfer-Encoding") == 0 ||
		    (strcasecmp(name, "Content-Length") == 0 &&
		     strcmp(value, "0") != 0))
			return 413;
		if (strcasecmp(name, "Connection") == 0)
			while ((word = strsep(&value, ", \t")) != NULL)
				c->is_last |= strcasecmp(word, "close") == 0;
	}
	return hosts >= hosts_needed && hosts <= 1 ? 200 : 400;
}

/*
 * fileserver.c - static files over HTTP/1.1: all connections on one thread,
 * and a pool of threads for the disk. Compiled with demo/turns.c.
 *
 *  1. A client is at one thing at a time: a request comes in, the pool is at
 *     work for it, or there is no room to send. step() begins the next one.
 *  2. Who is dropped while the pool is at work for it is closed after that.
 *  3. What is not beyond doubt is refused, and the connection ends: requests
 *     that two programs read in two ways are smuggled past one of them.
 *  4. Each name of a path is opened in the directory before it, and neither
 *     ".." nor a symbolic link is followed: nothing leads out of the root.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo/turns.h"

enum { HEAD_SIZE = 4096, CHUNK_SIZE = 64 * 1024 };

struct client {
	LIST_ENTRY(client) link;
	struct rota_tcp tcp;
	struct rota_timer idle; /* for a request to come, or a chunk to leave */
	struct rota_read read;
	struct rota_work work;
	struct rota_fs fs;
	int in_pool, dropped, is_last, size; /* of the request in head */
	int fd;
	int64_t offset, end;    /* of what is to be sent of the file */
	size_t received, begun; /* bytes in head, and in chunk */
	char head[HEAD_SIZE], chunk[CHUNK_SIZE];
};

static LIST_HEAD(, client) clients;
static struct rota_loop *loop;
static struct rota_tcp listener;
static struct rota_async interrupted;
static unsigned long idle_ms, connections, requests;
static int ending;
static const char bad[] = "400 Bad Request", not_found[] = "404 Not Found";
static const char *const types[] = {
	"html", "text/html",       "css", "text/css",
	"js",   "text/javascript", "txt", "text/plain",
	"md",   "text/plain",      "png", "image/png",
	"svg",  "image/svg+xml",   "",    "application/octet-stream"
};

static void step(struct client *c);

/* The size of the head at @text; 0: its end is to come; -1: no head has a CR or
 * LF without the other, a control character, or what is not ASCII. */
static int measure(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((text[i] == '\n') != (i > 0 && text[i - 1] == '\r') ||
		    ((text[i] < ' ' || text[i] > '~') &&
		     memchr("\t\r\n", text[i], 3) == NULL))
			return -1;
		if (i >= 3 && memcmp(text + i - 3, "\r\n\r\n", 4) == 0)
			return (int)i + 1;
	}
	return 0;
}

/* Decode @path in place, %41 is an A: 1, or 0 if it is malformed. */
static int decode(char *path)
{
	for (char *to = path; (*to = *path) != '\0'; path++, to++) {
		if (*path == '%') {
			char hex[3] = { path[1], path[1] ? path[2] : '\0' };

			if (!isxdigit(hex[0]) || !isxdigit(hex[1]))
				return 0;
			*to = (char)strtol(hex, NULL, 16);
			path += 2;
		}
		if (iscntrl((unsigned char)*to))
			return 0;
	}
	return 1;
}

/* Cut up the request in head: NULL, or why it is refused. (3) */
static const char *parse(struct client *c, char **method, char **path)
{
	char *rest = c->head, *version, *name, *value, *word;
	int hosts = 0, keep_alive;

	c->head[c->size - 2] = '\0'; /* after the last field */
	*method = strsep(&rest, " ");
	value = strsep(&rest, " ");
	version = strsep(&rest, "\r");
	if (version == NULL || (strcmp(version, "HTTP/1.1") != 0 &&
				strcmp(version, "HTTP/1.0") != 0))
		return bad;
	if (strcmp(*method, "HEAD") != 0 && strcmp(*method, "GET") != 0)
		return "405 Method Not Allowed";
	*path = strsep(&value, "?");
	if (**path != '/' || !decode(*path))
		return bad;
	keep_alive = version[7] == '1';
	for (hosts = keep_alive ? 1 : 0; *++rest != '\0';) {
		value = strsep(&rest, "\r");
		name = strsep(&value, ":");
		if (value == NULL || *name == '\0' ||
		    strpbrk(name, " \t\"(),/;<=>?@[\\]{}") != NULL)
			return bad;
		value += strspn(value, " \t");
		hosts += strcasecmp(name, "Host") == 0;
		if (strcasecmp(name, "Transfer-Encoding") == 0 ||
		    (strcasecmp(name, "Content-Length") == 0 &&
		     strcmp(value, "0") != 0))
			return bad;
		if (strcasecmp(name, "Connection") == 0)
			while ((word = strsep(&value, ", \t")) != NULL)
				keep_alive &= strcasecmp(word, "close") != 0;
	}
	c->is_last = !keep_alive;
	return hosts == 1 ? NULL : bad;
}

static const char *open_file(struct client *c, char *path, const char **name)
{
	struct stat info = { .st_mode = S_IFDIR };

	while (S_ISDIR(info.st_mode)) {
		int directory_fd = c->fd;

		*name = strtok_r(path, "/", &path);
		if (*name == NULL)
			*name = "index.html";
		if (strcmp(*name, "..") == 0)
			return not_found;
		c->fd = openat(directory_fd, *name,
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (directory_fd >= 0)
			close(directory_fd);
		if (c->fd < 0 || fstat(c->fd, &info) < 0)
			return not_found;
	}
	if (!S_ISREG(info.st_mode) || strtok_r(path, "/", &path) != NULL)
		return not_found;
	c->end = info.st_size;
	return "200 OK";
}

/* On a thread of the pool: open what is asked for, and begin the reply. */
static int answer(struct rota_work *work)
{
	struct client *c = rota_container_of(work, struct client, work);
	const char *status =
		c->size < 0 ? bad : "431 Request Header Fields Too Large";
	const char *const *type = types, *name = ".txt";
	char *method = "", *path;
	int64_t size;

	c->fd = AT_FDCWD;
	c->offset = c->end = 0;
	c->is_last = 1;
	if (c->size > 0)
		status = parse(c, &method, &path);
	if (status == NULL)
		status = open_file(c, path, &name);
	...
}

/*
 * base/inotify.h - the calls of inotify(7). Where there is none, opening it
 * fails with ROTA_ENOTSUP. Functions that return an error return it as a
 * negative code.
 */
#ifndef ROTAI_BASE_INOTIFY_H
#define ROTAI_BASE_INOTIFY_H

#include <stddef.h>
#include <stdint.h>

/* What happened. */
enum {
	ROTAI_NOTICE_CREATED = 1 << 0,
	ROTAI_NOTICE_REMOVED = 1 << 1,
	ROTAI_NOTICE_FROM = 1 << 2, /* moved away from this name, */
	ROTAI_NOTICE_TO = 1 << 3,   /* and to this one */
	ROTAI_NOTICE_CHANGED = 1 << 4,
	ROTAI_NOTICE_ATTRIBUTES = 1 << 5,
	ROTAI_NOTICE_CLOSED = 1 << 6,
	ROTAI_NOTICE_SELF = 1 << 7,  /* what is watched was removed or moved */
	ROTAI_NOTICE_ENDED = 1 << 8, /* the number is not used any more */
	ROTAI_NOTICE_LOST = 1 << 9,  /* the queue has overflowed */
	ROTAI_NOTICE_DIRECTORY = 1 << 10,
};

/* What to watch, in addition to names and to what is watched itself. */
enum {
	ROTAI_WANT_CHANGED = 1 << 0,
	ROTAI_WANT_ATTRIBUTES = 1 << 1,
	ROTAI_WANT_CLOSED = 1 << 2,
	ROTAI_WANT_DIRECTORY = 1 << 3, /* else ROTA_ENOTDIR */
	ROTAI_WANT_NO_LINK = 1 << 4,   /* do not follow one */
};

struct rotai_notice {
	size_t size;   /* in the buffer */
	size_t length; /* of the name; 0: there is none */
	const char *name;
	int number;
	unsigned what;
	uint32_t cookie;
};

/* Returns a descriptor: non-blocking, close-on-exec. */
int rotai_inotify_open(void);

/* Watch @path. If its file is watched already, both are wanted. Returns its
 * number. */
int rotai_inotify_add(int fd, const char *path, unsigned want);
void rotai_inotify_remove(int fd, int number);

/* Read notices. Returns how many bytes, or ROTA_EAGAIN, or another error. */
int rotai_inotify_read(int fd, void *buffer, size_t size);

/* Return how many bytes can be read now. */
size_t rotai_inotify_left(int fd);

/* Take apart the notice at @data. */
void rotai_inotify_parse(const char *data, struct rotai_notice *notice);

/* Make the notice at @data one that reports nothing. */
void rotai_inotify_erase(char *data);

#endif

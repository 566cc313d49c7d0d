/*
 * base/lines_linux.c - see lines.h.
 *
 *  1. The lines are in lines->bytes from `at` to `end`. If there is no end of a
 *     line among them, they move to the begin of the buffer, and more is read.
 *  2. If the buffer is full then, the line is too long. What is there is its
 *     begin, and what follows up to its end is dropped.
 */
#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

enum { LINES_PATH_SIZE = 3 * ROTAI_LINE_MOST };

int rotai_lines_open(struct rotai_lines *lines, const char *root,
		     const char *path)
{
	char whole[LINES_PATH_SIZE];
	int n = snprintf(whole, sizeof(whole), "%s%s", root, path);

	lines->fd = -1;
	lines->error = 0;
	lines->at_end = lines->skips = 0;
	lines->at = lines->end = 0;
	if (n < 0 || n >= (int)sizeof(whole)) {
		lines->error = ROTA_ENAMETOOLONG;
		return lines->error;
	}
	do {
		lines->fd = open(whole, O_RDONLY | O_CLOEXEC);
	} while (lines->fd < 0 && errno == EINTR);
	lines->fd = rotai_fd_raise(lines->fd);
	if (lines->fd < 0)
		lines->error = lines->fd;
	return lines->error;
}

/* Read more behind what is there. */
static void fill_lines(struct rotai_lines *lines)
{
	ssize_t n;

	do {
		n = read(lines->fd, lines->bytes + lines->end,
			 ROTAI_LINE_MOST - lines->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		lines->error = -errno;
	if (n <= 0)
		lines->at_end = 1;
	else
		lines->end += (size_t)n;
}

/* Make a string of the bytes up to @end, which follow @at. */
static char *take_line(struct rotai_lines *lines, size_t end)
{
	char *line = lines->bytes + lines->at;

	lines->bytes[end] = '\0';
	lines->at = end < lines->end ? end + 1 : end;
	return line;
}

/* There is no end of a line. Return what is a line all the same, or NULL after
 * making space for more. */
static char *unended_line(struct rotai_lines *lines)
{
	if (lines->skips)
		lines->at = lines->end;
	else if (lines->at == 0 && lines->end == ROTAI_LINE_MOST) {
		lines->skips = 1; /* (2) */
		return take_line(lines, lines->end);
	} else if (lines->at_end && lines->at < lines->end)
		return take_line(lines, lines->end);
	memmove(lines->bytes, lines->bytes + lines->at,
		lines->end - lines->at); /* (1) */
	lines->end -= lines->at;
	lines->at = 0;
	return NULL;
}

char *rotai_lines_next(struct rotai_lines *lines)
{
	if (lines->fd < 0 || lines->error < 0)
		return NULL;
	for (;;) {
		char *end = memchr(lines->bytes + lines->at, '\n',
				   lines->end - lines->at);
		char *line;
		int skips = lines->skips;

		if (end != NULL) {
			line = take_line(lines, (size_t)(end - lines->bytes));
			lines->skips = 0;
			if (!skips)
				return line;
			continue;
		}
		line = unended_line(lines);
		if (line != NULL)
			return line;
		if (lines->at_end)
			return NULL;
		if (lines->end < ROTAI_LINE_MOST)
			fill_lines(lines);
		if (lines->error < 0)
			return NULL;
	}
}

int rotai_lines_close(struct rotai_lines *lines)
{
	if (lines->fd >= 0)
		rotai_fd_close(lines->fd);
	lines->fd = -1;
	return lines->error;
}

static int is_line_digit(char c)
{
	return c >= '0' && c <= '9';
}

int rotai_lines_number(const char **at, uint64_t *number)
{
	const char *digits = *at + strspn(*at, " \t"), *end = digits;
	uint64_t value = 0;

	for (; is_line_digit(*end); end++) {
		unsigned digit = (unsigned)(*end - '0');

		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX
							  : value * 10 + digit;
	}
	if (end == digits || (*end != '\0' && *end != ' ' && *end != '\t'))
		return 0;
	*number = value;
	*at = end;
	return 1;
}

const char *rotai_lines_after(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 ? line + n : NULL;
}

int rotai_lines_first(const char *root, const char *path, char *line,
		      size_t size)
{
	struct rotai_lines lines;
	const char *first;
	int error;

	(void)rotai_lines_open(&lines, root, path);
	first = rotai_lines_next(&lines);
	if (first != NULL)
		(void)snprintf(line, size, "%s", first);
	error = rotai_lines_close(&lines);
	return error < 0 || first != NULL ? error : ROTA_ENODATA;
}

int rotai_lines_one_number(const char *root, const char *path, uint64_t *number)
{
	char line[64];
	const char *at = line;
	int error = rotai_lines_first(root, path, line, sizeof(line));

	if (error < 0)
		return error;
	return rotai_lines_number(&at, number) && *at == '\0' ? 0
							      : ROTA_EBADMSG;
}

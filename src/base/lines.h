/*
 * base/lines.h - the lines of a file of /proc, /sys or a file system of control
 * groups. Only on Linux.
 *
 *     struct rotai_lines lines;
 *
 *     error = rotai_lines_open(&lines, root, "/proc/meminfo");
 *     while (error == 0 && (line = rotai_lines_next(&lines)) != NULL)
 *             ...
 *     error = rotai_lines_close(&lines);
 *
 * Such files have no length, and other processes may write what is in them: a
 * line may be long, or have any bytes.
 */
#ifndef ROTAI_BASE_LINES_H
#define ROTAI_BASE_LINES_H

#include <stddef.h>
#include <stdint.h>

/* Of a longer line, the rest is left out. */
enum { ROTAI_LINE_MOST = 4096 };

struct rotai_lines {
	int fd; /* -1: not open */
	int error;
	int at_end;
	int skips; /* the rest of a line that is too long */
	size_t at, end;
	char bytes[ROTAI_LINE_MOST + 1];
};

/* Open the file @path, below the directory @root: "" for that of the system.
 * Returns 0 or an error. */
int rotai_lines_open(struct rotai_lines *lines, const char *root,
		     const char *path);

/* Return the next line, as a string without its end, which is valid until the
 * next call, and may be changed. NULL: there is none, or an error. */
char *rotai_lines_next(struct rotai_lines *lines);

/* Close the file. Returns 0, or the error that the file could not be opened or
 * read with. */
int rotai_lines_close(struct rotai_lines *lines);

/* If *@at has a number after blanks, and then a blank or the end of the string,
 * store it in *@number, and in *@at where it ends. One that is too large
 * becomes UINT64_MAX. Returns whether there is one. */
int rotai_lines_number(const char **at, uint64_t *number);

/* Return what comes after @word at the begin of @line; or NULL. */
const char *rotai_lines_after(const char *line, const char *word);

/* Read the first line of a file into @line, of @size bytes; a longer one is
 * cut. Returns 0 or an error: ROTA_ENODATA if there is no line. */
int rotai_lines_first(const char *root, const char *path, char *line,
		      size_t size);

/* Read a file with one number. Returns 0; or an error, which is ROTA_EBADMSG if
 * its first line has something else. */
int rotai_lines_one_number(const char *root, const char *path,
			   uint64_t *number);

#endif

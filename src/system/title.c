/*
 * system/title.c - see rota/title.h.
 *
 *  1. The kernel puts the strings of the arguments behind each other, and those
 *     of the environment behind them. Together they are the place. A string
 *     that is elsewhere, because somebody has replaced it, ends the place:
 *     nothing is written behind it.
 *  2. One block has two copies of the place. One is what argv and environ refer
 *     to from now on, and the program may change it, as strtok(3) does. The
 *     other stays as it is.
 *  3. What shows a title reads the arguments. Linux reads on behind them if
 *     their last byte is not 0. So a title that is shorter is followed by
 *     zeroes up to the end of the arguments, and one that is longer by a 0 and
 *     by what was there.
 *  4. A title and what reads it are in different processes: while a title is
 *     written, others may see a mixture. Inside this process there is a lock.
 *  5. A forked child has the titles of its parent, in its own copy of the
 *     place. If another thread was writing one at the fork, it may be a
 *     mixture.
 */
#include "rota/title.h"

#include <stdlib.h>
#include <string.h>

#include "base/environ.h"
#include "base/fork.h"
#include "base/lock.h"
#include "rota/error.h"
#include "system/text.h"
#include "system/title_place.h"

static struct {
	struct rotai_lock lock;
	char *place; /* NULL: there was no begin */
	size_t size;
	size_t arguments;                 /* the part of it that they have */
	const char *original;             /* the copy of the place */
	char name[ROTAI_TITLE_NAME_SIZE]; /* of the main thread */
	int is_set;
} title;

/* Return the end of the arguments, or NULL if they are not behind each other.
 * (1) */
static char *end_of_arguments(int argc, char **argv)
{
	char *end = argv[0];

	for (int i = 0; i < argc; i++) {
		if (argv[i] != end)
			return NULL;
		end += strlen(end) + 1;
	}
	return end;
}

/* Return the end of the strings of the environment that follow @end. */
static char *end_of_environment(char *end)
{
	char **at = rotai_environ();

	for (; at != NULL && *at != NULL && *at == end; at++)
		end += strlen(end) + 1;
	return end;
}

/* Have argv and environ refer to the copy of the place at @copy. */
static void move_strings(int argc, char **argv, char *place, size_t size,
			 char *copy)
{
	char **at = rotai_environ();

	rotai_title_move_name(place, size, copy);
	for (; at != NULL && *at != NULL && *at >= place && *at < place + size;
	     at++)
		*at = copy + (*at - place);
	for (int i = 0; i < argc; i++)
		argv[i] = copy + (argv[i] - place);
}

int rota_title_begin(int argc, char **argv)
{
	char *arguments_end, *end, *copies;
	size_t size;
	int error;

	if (argc < 1 || argv == NULL || argv[0] == NULL)
		return ROTA_EINVAL;
	if (title.place != NULL)
		return 0;
	if (!rotai_title_is_shown(argv[0]))
		return ROTA_ENOTSUP;
	arguments_end = end_of_arguments(argc, argv);
	if (arguments_end == NULL)
		return ROTA_ENOTSUP;
	error = rotai_fork_observe();
	if (error < 0)
		return error;
	end = end_of_environment(arguments_end);
	size = (size_t)(end - argv[0]);
	copies = malloc(2 * size);
	if (copies == NULL)
		return ROTA_ENOMEM;
	memcpy(copies, argv[0], size); /* (2) */
	memcpy(copies + size, argv[0], size);
	title.size = size;
	title.arguments = (size_t)(arguments_end - argv[0]);
	title.original = copies + size;
	rotai_title_get_name(title.name);
	title.place = argv[0];
	move_strings(argc, argv, title.place, size, copies);
	return 0;
}

/* How many bytes of @text, up to @most, are whole characters of UTF-8. */
static size_t whole_characters(const char *text, size_t most)
{
	size_t n = strnlen(text, most + 1), cut = most;

	if (n <= most)
		return n;
	/* At most three bytes of a character follow its first one. */
	while (cut > 0 && most - cut < 3 &&
	       ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return ((unsigned char)text[cut] & 0xc0) == 0x80 ? most : cut;
}

/* Write @size bytes of @text to the place. (3) */
static void show_title(const char *text, size_t size)
{
	size_t end = size + 1 > title.arguments ? size + 1 : title.arguments;

	memmove(title.place, text, size);
	memset(title.place + size, 0, end - size);
	memcpy(title.place + end, title.original + end, title.size - end);
}

int rota_title_set(const char *text)
{
	char name[ROTAI_TITLE_NAME_SIZE];
	size_t n;

	if (text == NULL || title.place == NULL)
		return ROTA_EINVAL;
	n = whole_characters(text, sizeof(name) - 1);
	memcpy(name, text, n);
	name[n] = '\0';
	rotai_lock_take(&title.lock);
	show_title(text, whole_characters(text, title.size - 1));
	title.is_set = 1;
	rotai_title_set_name(name);
	rotai_lock_release(&title.lock);
	return 0;
}

/* Write the arguments with spaces between them. */
static int give_arguments(char *to, size_t size)
{
	if (title.arguments > size)
		return ROTA_ENOBUFS;
	memcpy(to, title.original, title.arguments);
	for (size_t i = 0; i + 1 < title.arguments; i++)
		if (to[i] == '\0')
			to[i] = ' ';
	return 0;
}

int rota_title_get(char *to, size_t size)
{
	int error;

	if (to == NULL || title.place == NULL)
		return ROTA_EINVAL;
	rotai_lock_take(&title.lock);
	error = title.is_set ? rotai_text_give(to, size, title.place)
			     : give_arguments(to, size);
	rotai_lock_release(&title.lock);
	return error;
}

int rota_title_restore(void)
{
	if (title.place == NULL)
		return ROTA_EINVAL;
	rotai_lock_take(&title.lock);
	memcpy(title.place, title.original, title.size);
	title.is_set = 0;
	rotai_title_set_name(title.name);
	rotai_lock_release(&title.lock);
	return 0;
}

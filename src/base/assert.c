/*
 * base/assert.c - how a checked build ends. A release build has none of it.
 */
#include "base/assert.h"

#ifdef ROTA_CHECKED

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text)
{
	ssize_t written = write(STDERR_FILENO, text, strlen(text));

	(void)written; /* there is nobody left to tell */
}

void rotai_assert_failed(const char *file, int line, const char *condition)
{
	char digits[16];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + line % 10);
	while ((line /= 10) > 0);

	say(file);
	say(":");
	say(digits + at);
	say(": does not hold: ");
	say(condition);
	say("\n");
	abort();
}

#else

/* C wants at least one declaration in a file. */
typedef int rotai_assert_is_empty;

#endif

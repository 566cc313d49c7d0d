/*
 * base/assert.c - prints a failed check of a checked build, and ends the
 * process. A release build contains none of this.
 */
#include "base/assert.h"

#ifdef ROTA_CHECKED

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rotai_fail(const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ssize_t written =
			write(STDERR_FILENO, parts[i], strlen(parts[i]));

		(void)written; /* nothing can report this error */
	}
	abort();
}

const char *rotai_address_text(const void *address, char *text, size_t size)
{
	uintptr_t left = (uintptr_t)address;
	size_t at = size;

	text[--at] = '\0';
	do
		text[--at] = "0123456789abcdef"[left % 16];
	while ((left /= 16) > 0);
	text[--at] = 'x';
	text[--at] = '0';
	return text + at;
}

void rotai_assert_failed(const char *file, int line, const char *condition)
{
	char digits[16];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + line % 10);
	while ((line /= 10) > 0);

	rotai_fail((const char *const[]){ file, ":", digits + at,
					  ": does not hold: ", condition,
					  "\n" },
		   6);
}

#else

/* C requires at least one declaration in a file. */
typedef int rotai_assert_is_empty;

#endif

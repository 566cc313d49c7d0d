/*
 * system/text.h - results that are text, in memory of the caller's.
 */
#ifndef ROTAI_SYSTEM_TEXT_H
#define ROTAI_SYSTEM_TEXT_H

#include <stddef.h>
#include <string.h>

#include "rota/error.h"

/* Copy @text to @to, which has space for @size bytes. Returns 0, or
 * ROTA_ENOBUFS with nothing copied. */
static inline int rotai_text_give(char *to, size_t size, const char *text)
{
	size_t n = strlen(text) + 1;

	if (n > size)
		return ROTA_ENOBUFS;
	memcpy(to, text, n);
	return 0;
}

#endif

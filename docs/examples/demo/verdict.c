/*
 * verdict.c - the first thing that went wrong: what follows from it would only
 * hide it.
 */
#include "demo.h"

#include <stdarg.h>
#include <stdio.h>

void verdict_fail(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	if (verdict->text[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(verdict->text, sizeof(verdict->text), format, arguments);
	va_end(arguments);
}

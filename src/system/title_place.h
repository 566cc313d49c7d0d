/*
 * system/title_place.h - where a system shows a title.
 */
#ifndef ROTAI_SYSTEM_TITLE_PLACE_H
#define ROTAI_SYSTEM_TITLE_PLACE_H

#include <stddef.h>

/* Enough bytes for the name of a thread on Linux, and a 0. */
enum { ROTAI_TITLE_NAME_SIZE = 16 };

/* Whether the system shows the string @first, argv[0] of main(), and what
 * follows it. */
int rotai_title_is_shown(const char *first);

/* The name of the main thread. An empty one is not known, and not set. */
void rotai_title_get_name(char name[ROTAI_TITLE_NAME_SIZE]);
void rotai_title_set_name(const char *name);

/* The C library may have pointers into the @size bytes at @place, to print the
 * name of the program. Have them refer to @copy. */
void rotai_title_move_name(const char *place, size_t size, char *copy);

#endif

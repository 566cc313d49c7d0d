/*
 * rota/title.h - the title of this process, which ps(1) and top(1) show.
 *
 *     int main(int argc, char **argv)
 *     {
 *             rota_title_begin(argc, argv);
 *             ...
 *             rota_title_set("server: 17 connections");
 *
 * Linux and macOS have no call for a title: they show the memory in which the
 * kernel has passed the arguments to the program, and behind which it has
 * passed the environment. rota_title_begin() copies both, and the title then
 * overwrites that memory, and no other.
 */
#ifndef ROTA_TITLE_H
#define ROTA_TITLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Prepare for rota_title_set(), with the arguments of main(). The strings of
 * the arguments and of the environment are copied, and @argv and environ have
 * pointers to the copies afterwards. The array @argv stays where it is. Other
 * pointers into the old strings, such as the result of an earlier getenv(3),
 * show the title once there is one. Returns 0. A second call does nothing.
 *
 * Call this at the start of main(), before there are other threads.
 *
 * Thread:  the only one.
 * Owner:   the library has the copies until the process ends, because anybody
 *          may have pointers to them. That is one block of memory.
 * Errors:  ROTA_EINVAL   @argv is NULL, or there are no arguments
 *          ROTA_ENOTSUP  the strings are not where the kernel has put them:
 *                        somebody has changed @argv
 *          ROTA_ENOMEM
 *          After any of them nothing has changed.
 */
int rota_title_begin(int argc, char **argv);

/**
 * Show @title as the title of this process. What is longer than the arguments
 * and the environment were together is cut, at the begin of a character of
 * UTF-8. On Linux the name of the main thread, which top(1) shows, is set to
 * the first 15 bytes of it. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @title is NULL, or rota_title_begin() has not succeeded
 *          After any of them the title is unchanged.
 */
int rota_title_set(const char *title);

/**
 * Write the title to @title, which has space for @size bytes, with a
 * terminating 0: what rota_title_set() shows, or the arguments with spaces
 * between them. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @title is NULL, or rota_title_begin() has not
 *                        succeeded
 *          ROTA_ENOBUFS  it does not fit
 *          After any of them the memory at @title is unchanged.
 */
int rota_title_get(char *title, size_t size);

/**
 * Show the original arguments again, and on Linux the original name of the main
 * thread. rota_title_set() may be called afterwards. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  rota_title_begin() has not succeeded
 */
int rota_title_restore(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

/*
 * base/far_directory.h - directories with a path that is too long for a system
 * call.
 */
#ifndef ROTAI_BASE_FAR_DIRECTORY_H
#define ROTAI_BASE_FAR_DIRECTORY_H

/* Open the directory at @path, which may have any length and is not empty, to
 * make it the current one or to name files in it. Returns a descriptor or an
 * error. */
int rotai_far_directory_open(const char *path);

#endif

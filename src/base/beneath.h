/*
 * base/beneath.h - open a file for reading by a path that must not lead out of
 * a directory, even if others rename directories or replace links meanwhile.
 */
#ifndef ROTAI_BASE_BENEATH_H
#define ROTAI_BASE_BENEATH_H

/* Open the regular file or the directory @path beneath the open directory
 * @directory, close-on-exec and O_NONBLOCK. If @no_symlinks, no symbolic link
 * is followed. Returns a descriptor or an error: ROTA_EXDEV if the path leads
 * out; ROTA_ELOOP if there are too many links, or one that must not be
 * followed; ROTA_EPERM for what is neither a file nor a directory, which is not
 * opened. */
int rotai_beneath_open(int directory, const char *path, int no_symlinks);

/* The same, name by name. */
int rotai_beneath_walk(int directory, const char *path, int no_symlinks);

#endif

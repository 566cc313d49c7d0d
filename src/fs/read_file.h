/*
 * fs/read_file.h - how a whole file is read.
 */
#ifndef ROTAI_FS_READ_FILE_H
#define ROTAI_FS_READ_FILE_H

enum {
	/* Bytes for one read, between which it may be cancelled. */
	ROTAI_FS_CHUNK = 1 << 20,

	/* Bytes to begin with, where the system does not tell the size. */
	ROTAI_FS_FIRST = 16384,
};

#endif

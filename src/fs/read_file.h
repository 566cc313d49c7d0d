/*
 * fs/read_file.h - the sizes with which a whole file is read, which tests use.
 */
#ifndef ROTAI_FS_READ_FILE_H
#define ROTAI_FS_READ_FILE_H

enum {
	/* Bytes for one read; a cancel takes effect between reads. */
	ROTAI_FS_CHUNK = 1 << 20,

	/* Bytes to allocate at first, if the size is not known. */
	ROTAI_FS_FIRST = 16384,
};

#endif

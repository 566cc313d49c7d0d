/*
 * fs/write_file.h - the size of a step, which tests use; and what a write and a
 * copy of a whole file share.
 */
#ifndef ROTAI_FS_WRITE_FILE_H
#define ROTAI_FS_WRITE_FILE_H

/* Bytes for one system call; a cancel takes effect between two of them. */
enum { ROTAI_FS_STEP = 1 << 20 };

#endif

/*
 * fs/attempt.h - operations that the loop's thread makes by itself, because the
 * kernel has in memory all that they need. See attempt.c.
 */
#ifndef ROTAI_FS_ATTEMPT_H
#define ROTAI_FS_ATTEMPT_H

#include "base/cached.h"
#include "rota/fs.h"

enum {
	/* What the loop's thread does in one turn. The rest goes to the pool.
	 * Few of the attempts may be at files that have to be found first. */
	ROTAI_ATTEMPTS_PER_TURN = 16,
	ROTAI_FINDS_PER_TURN = 4,
	ROTAI_ATTEMPT_BYTES_PER_TURN = 1 << 20,

	/* The largest read, and the largest file. */
	ROTAI_ATTEMPT_MOST = 256 * 1024,

	/* How many operations at most go to the pool without an attempt, after
	 * several in a row could not be completed. */
	ROTAI_ATTEMPT_LONGEST_BREAK = 64,
};

/* Whether an attempt at the operation of @fs, which begins, pays. If so, it
 * must be queued for the next pending phase. */
int rotai_attempt_is_due(const struct rota_fs *fs);

/* The attempt begins: whether there is some of the turn's budget left. */
int rotai_attempt_begin(const struct rota_fs *fs);

/* The attempt has ended, and has @completed the operation or not. */
void rotai_attempt_end(const struct rota_fs *fs, int completed);

/* Take @size bytes from the turn's budget: 1, or 0 if there are not so many. */
int rotai_attempt_take(const struct rota_fs *fs, size_t size);

/* Whether the path of @fs, which no attempt has opened, has led to a regular
 * file a short while ago. A thread need not look at it before it opens it. */
int rotai_attempt_is_recent(const struct rota_fs *fs);

/* Find the file at the path of @fs, in a file system that is entirely on this
 * machine. Returns 0; or ROTA_ENOENT or ROTA_ENOTDIR, which is the result; or
 * ROTA_EAGAIN: a thread must look. */
int rotai_attempt_find(const struct rota_fs *fs, struct rotai_known *known);

/* The same for a path whose last name is not followed, if it is a symbolic
 * link. */
int rotai_attempt_find_link(const struct rota_fs *fs,
			    struct rotai_known *known);

/* Look at the open file fs->internal.fd: 0 or ROTA_EAGAIN, as above. */
int rotai_attempt_look(const struct rota_fs *fs, struct rotai_known *known);

/* Find it and open it with @flags, which contain O_RDONLY and O_NONBLOCK, if it
 * is a regular file that can be read without waiting. Returns the descriptor,
 * or as above. */
int rotai_attempt_open(const struct rota_fs *fs, int flags,
		       struct rotai_known *known);

/* Note that the files of that file system cannot be read without waiting. */
void rotai_attempt_note_no_reads(const struct rota_fs *fs,
				 const struct rotai_known *known);

#endif

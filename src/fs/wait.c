/*
 * fs/wait.c - see wait.h.
 *
 *  1. The thread changes `waits` between ROTAI_FS_GOES_ON and ROTAI_FS_WAITS.
 *     The loop changes ROTAI_FS_GOES_ON to ROTAI_FS_TOLD, and ROTAI_FS_WAITS to
 *     ROTAI_FS_CUT. So one of the two comes first: an operation that the loop
 *     ends while it waits does nothing more, and its status is known at once.
 *  2. The thread makes the pipe before it first sets ROTAI_FS_WAITS, which
 *     releases the pipe to the loop. The loop closes the pipe when the thread
 *     is done. If there are no descriptors for the pipe, the thread wakes at
 *     intervals and checks `waits`.
 */
#include "fs/wait.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

enum { LOOK_EVERY_MS = 20 };

void rotai_fs_wait_init(struct rota_fs *fs)
{
	fs->internal.waits = ROTAI_FS_GOES_ON;
	fs->internal.wake[0] = -1;
	fs->internal.wake[1] = -1;
}

void rotai_fs_wait_end(struct rota_fs *fs)
{
	for (int i = 0; i < 2; i++) {
		if (fs->internal.wake[i] >= 0)
			rotai_fd_close(fs->internal.wake[i]);
		fs->internal.wake[i] = -1;
	}
}

void rotai_fs_wait_forget(struct rota_fs *fs)
{
	fs->internal.wake[0] = -1;
	fs->internal.wake[1] = -1;
}

static int change_state(struct rota_fs *fs, uint8_t from, uint8_t to)
{
	return __atomic_compare_exchange_n(&fs->internal.waits, &from, to, 0,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* poll(2) of @fd and of the pipe: 1 if @fd is ready, 0 if not, or an error. */
static int wait_or_cancel(struct rota_fs *fs, int fd, short events,
			  int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = events },
		{ .fd = fs->internal.wake[0], .events = POLLIN },
	};
	int n = rotai_fd_poll(
		fds, 2, timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return fds[0].revents != 0;
}

/* The same, with `waits` at ROTAI_FS_WAITS meanwhile. (1) */
static int look_and_tell(struct rota_fs *fs, int fd, short events,
			 int timeout_ms)
{
	int found;

	if (!change_state(fs, ROTAI_FS_GOES_ON, ROTAI_FS_WAITS))
		return ROTA_ECANCELED;
	found = wait_or_cancel(fs, fd, events, timeout_ms);
	return change_state(fs, ROTAI_FS_WAITS, ROTAI_FS_GOES_ON)
		       ? found
		       : ROTA_ECANCELED;
}

int rotai_fs_wait(struct rota_fs *fs, int fd, short events, int timeout_ms)
{
	int left_ms = timeout_ms;
	int found = fd < 0 ? 0 : wait_or_cancel(fs, fd, events, 0);

	if (found != 0)
		return found;
	if (fs->internal.wake[0] < 0)
		(void)rotai_fd_pipe(fs->internal.wake); /* (2) */
	do {
		int step_ms = left_ms;

		if (fs->internal.wake[0] < 0 &&
		    (step_ms < 0 || step_ms > LOOK_EVERY_MS))
			step_ms = LOOK_EVERY_MS; /* (2) */
		found = look_and_tell(fs, fd, events, step_ms);
		if (left_ms > 0)
			left_ms -= step_ms;
	} while (found == 0 && left_ms != 0);
	return found;
}

int rotai_fs_pause(struct rota_fs *fs, int fd, short events, int *pause_ms)
{
	int found = rotai_fs_wait(fs, fd, events, *pause_ms);

	*pause_ms *= 2;
	if (*pause_ms > ROTAI_FS_LONGEST_PAUSE)
		*pause_ms = ROTAI_FS_LONGEST_PAUSE;
	return found;
}

int rotai_fs_wait_cut(struct rota_fs *fs)
{
	/* The thread may begin or end its wait in between. */
	while (!rotai_fs_wait_is_over(fs)) {
		if (change_state(fs, ROTAI_FS_GOES_ON, ROTAI_FS_TOLD))
			return 0;
		if (change_state(fs, ROTAI_FS_WAITS, ROTAI_FS_CUT)) {
			if (fs->internal.wake[1] >= 0)
				(void)!write(fs->internal.wake[1], "", 1);
			return 1;
		}
	}
	return 0;
}

static uint8_t wait_state_of(const struct rota_fs *fs)
{
	/* Relaxed: only the loop's thread stores the values that this is
	 * compared to. */
	return __atomic_load_n(&fs->internal.waits, __ATOMIC_RELAXED);
}

int rotai_fs_wait_was_cut(const struct rota_fs *fs)
{
	return wait_state_of(fs) == ROTAI_FS_CUT;
}

int rotai_fs_wait_is_over(const struct rota_fs *fs)
{
	return wait_state_of(fs) >= ROTAI_FS_TOLD;
}

void rotai_fs_wait_is_cut(struct rota_fs *fs)
{
	fs->internal.waits = ROTAI_FS_CUT;
}

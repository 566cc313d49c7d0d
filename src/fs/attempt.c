/*
 * fs/attempt.c - whether the loop's thread makes an operation by itself.
 *
 *  1. An attempt is made in the pending phase, by the operation's attempt
 *     function, and only with calls that do not wait. If one of them would have
 *     to wait, the operation goes to the pool with what it has so far: see
 *     ROTAI_FS_PARTLY in operation.h.
 *  2. Each turn has a budget, so that the loop stays responsive, and the
 *     threads of the pool work at the same time if there is much to do. What is
 *     more than the budget goes to the pool at once. Files that have to be
 *     found first (7) cost more here than there if many are in flight, so few
 *     of them are attempted. `make bench B=files`, 10,000 files.
 *  3. An attempt that does not succeed costs 3 us. After n of them in a row the
 *     next 2^n operations, but at most ROTAI_ATTEMPT_LONGEST_BREAK, go to the
 *     pool without one. So a program whose files are not in memory loses
 *     little.
 *  4. Only regular files are opened, in file systems that are entirely on this
 *     machine. A FIFO or a device notices being opened, and a server is asked:
 *     these are the pool's. close(2) of such a file, which was opened for
 *     reading only, does not wait: it has nothing to write. If somebody has
 *     removed the file meanwhile, it frees the blocks of the file, as unlink(2)
 *     does.
 *  5. What is known of a file system is kept for its mount, whose number is
 *     never used again. Older kernels than 6.8 have no such number. There the
 *     kernel is asked each time, as the number of a device may belong to
 *     another file system meanwhile.
 *  6. tmpfs has no reads that do not wait. This is noted at the first one.
 *  7. To find a file before it is opened costs as much as opening it. So paths
 *     that have led to a regular file within the last second are remembered by
 *     their hash. Such a file is opened first, and checked afterwards. If a
 *     FIFO or a device has taken its place in this second, it is opened and
 *     closed again, as when it does so just before a thread opens it; not if
 *     the request accepts files only. Paths that begin at a directory of the
 *     request are not remembered. The status of such a file is asked for by
 *     its path: it was in memory a second ago.
 *  8. A path has WAYS places where it may be remembered. The one that was not
 *     used for the longest time is used again. If paths of the last second have
 *     lost their places to others, as many as half of all places, there are
 *     four times as many from then on. A thread that has to open a path that is
 *     remembered need not look at it before.
 *  9. What is more than the turn's budget goes to the pool as soon as it is
 *     known: when the operation begins. If it waited for the pending phase, the
 *     threads would stand still while the loop's thread makes its attempts.
 *     Those that are queued for a pending phase are counted until it comes; or,
 *     as all of them may be cancelled, until the turn after the next.
 * 10. The file system of an open file is not asked what it is: that may be a
 *     question to a server. So the status of an open file is attempted only in
 *     a file system in which a path has been found before. To ask for a status
 *     without NOT_SYNCED would be such a question, too.
 */
#include "fs/attempt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "loop/extension.h"
#include "loop/loop.h"
#include "rota/error.h"

enum {
	MOUNTS = 8,
	PATHS = 4096,           /* at first, */
	MORE_PATHS = 4 * PATHS, /* and then (8) */
	WAYS = 4,
	RECENT_MS = 1000,
};

/* A path that has led to a regular file. (7) */
struct path {
	uint32_t mark; /* of the path; 0: none */
	uint32_t time_ms;
};

/* What is known of a file system. (5) */
struct mount {
	struct rotai_mount key; /* key.id is 0: unused */
	uint8_t local;
	uint8_t no_reads;
};

struct attempts {
	struct rotai_extension extension;
	uint64_t turn;  /* the last one with an attempt, */
	unsigned left;  /* and how many more it may have, */
	unsigned finds; /* and how many files it may find, */
	size_t bytes;   /* and how many bytes */
	uint64_t
		queued_in; /* the turn in which the first of these was queued */
	unsigned queued;   /* for the next pending phase (9) */
	unsigned misses;   /* the latest attempts, without success (3) */
	unsigned skip;     /* how many operations are not attempted (3) */
	unsigned next;     /* of mounts[], to use */
	uint8_t absent;    /* the kernel cannot do it */
	uint8_t spent;     /* the attempt ends because of the budget */
	struct mount mounts[MOUNTS];
	struct mount unnamed; /* (5) */
	uint64_t seed;
	struct path *paths;
	size_t paths_count; /* PATHS or MORE_PATHS */
	unsigned lost;      /* paths that have lost their places (8) */
	uint32_t lost_ms;   /* since then */
	struct path first_paths[PATHS];
};

/* Where a path may be remembered: the first of WAYS places. */
struct places {
	struct path *first;
	uint32_t mark; /* of the path */
};

static struct attempts *attempts_of(const struct rota_fs *fs)
{
	struct rotai_extension *extension = rotai_extension_get(
		fs->request.internal.loop, ROTAI_EXTENSION_FS);

	return extension == NULL ? NULL
				 : rota_container_of(extension, struct attempts,
						     extension);
}

static void free_attempts(struct rotai_extension *extension,
			  struct rota_loop *loop)
{
	struct attempts *a =
		rota_container_of(extension, struct attempts, extension);

	if (a->paths != a->first_paths)
		rotai_memory_free(&loop->allocator, a->paths,
				  a->paths_count * sizeof(*a->paths));
	rotai_memory_free(&loop->allocator, a, sizeof(*a));
}

/* NULL if there is no memory for it. */
static struct attempts *make_attempts(const struct rota_fs *fs)
{
	struct rota_loop *loop = fs->request.internal.loop;
	struct attempts *a = rotai_memory_new(&loop->allocator, sizeof(*a));

	if (a == NULL)
		return NULL;
	memset(a, 0, sizeof(*a));
	a->extension.free = free_attempts;
	a->turn = UINT64_MAX;
	a->paths = a->first_paths;
	a->paths_count = PATHS;
	a->seed = rotai_clock_monotonic() ^ (uint64_t)(uintptr_t)a;
	rotai_extension_set(loop, ROTAI_EXTENSION_FS, &a->extension);
	return a;
}

/* Whether another attempt fits into the next pending phase. (9) */
static int queue_attempt(struct attempts *a, uint64_t turn)
{
	if (turn - a->queued_in > 1)
		a->queued = 0;
	if (a->queued == 0)
		a->queued_in = turn;
	if (a->queued == ROTAI_ATTEMPTS_PER_TURN)
		return 0;
	a->queued++;
	return 1;
}

int rotai_attempt_is_due(const struct rota_fs *fs)
{
	struct attempts *a = attempts_of(fs);

	if (a == NULL)
		a = make_attempts(fs);
	if (a == NULL || a->absent)
		return 0;
	if (a->skip > 0) {
		a->skip--; /* (3) */
		return 0;
	}
	return queue_attempt(a, fs->request.internal.loop->stats.turns);
}

int rotai_attempt_begin(const struct rota_fs *fs)
{
	struct attempts *a = attempts_of(fs);
	uint64_t turn = fs->request.internal.loop->stats.turns;

	if (a->turn != turn) {
		a->turn = turn;
		a->queued = 0;
		a->left = ROTAI_ATTEMPTS_PER_TURN;
		a->finds = ROTAI_FINDS_PER_TURN;
		a->bytes = ROTAI_ATTEMPT_BYTES_PER_TURN;
	}
	/* Others may just have failed: (3). */
	if (a->absent || a->left == 0 || a->skip > 0)
		return 0;
	a->left--;
	a->spent = 0;
	return 1;
}

void rotai_attempt_end(const struct rota_fs *fs, int completed)
{
	struct attempts *a = attempts_of(fs);

	if (completed) {
		a->misses = 0;
		return;
	}
	if (a->spent)
		return;
	if (1U << a->misses < ROTAI_ATTEMPT_LONGEST_BREAK)
		a->misses++;
	a->skip = 1U << a->misses;
}

int rotai_attempt_take(const struct rota_fs *fs, size_t size)
{
	struct attempts *a = attempts_of(fs);

	a->spent = size > a->bytes;
	if (size > ROTAI_ATTEMPT_MOST || size > a->bytes)
		return 0;
	a->bytes -= size;
	return 1;
}

/* The entry of the file system of @known, or NULL. (5) */
static struct mount *find_mount(struct attempts *a,
				const struct rotai_known *known)
{
	for (unsigned i = 0; known->mount.id != 0 && i < MOUNTS; i++)
		if (a->mounts[i].key.id == known->mount.id &&
		    a->mounts[i].key.device == known->mount.device)
			return &a->mounts[i];
	return NULL;
}

/* @fd is the file, or names it. */
static const struct mount *mount_of(struct attempts *a,
				    const struct rotai_known *known, int fd)
{
	struct mount *mount = find_mount(a, known);

	if (mount != NULL)
		return mount;
	mount = known->mount.id != 0 ? &a->mounts[a->next++ % MOUNTS]
				     : &a->unnamed;
	*mount = (struct mount){
		.key = known->mount,
		.local = (uint8_t)rotai_cached_is_local(fd),
	};
	return mount;
}

/* Where the path of @fs may be remembered. (7), (8) */
static struct places places_of(struct attempts *a, const struct rota_fs *fs)
{
	uint64_t hash = a->seed;

	for (const char *at = fs->internal.path; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9;
	return (struct places){
		&a->paths[hash % a->paths_count / WAYS * WAYS],
		(uint32_t)(hash >> 32) | 1, /* 0: unused */
	};
}

static struct path *find_path(const struct places *places)
{
	for (int i = 0; i < WAYS; i++)
		if (places->first[i].mark == places->mark)
			return &places->first[i];
	return NULL;
}

static uint32_t now_ms(const struct rota_fs *fs)
{
	return (uint32_t)(fs->request.internal.loop->now_ns / 1000000);
}

/* The number of a directory may belong to another one meanwhile. (7) */
static int may_remember(const struct rota_fs *fs)
{
	return !fs->internal.files_only && fs->internal.directory == AT_FDCWD;
}

static int is_recent(const struct rota_fs *fs, const struct places *places)
{
	const struct path *path = find_path(places);

	return path != NULL && may_remember(fs) &&
	       now_ms(fs) - path->time_ms < RECENT_MS;
}

int rotai_attempt_is_recent(const struct rota_fs *fs)
{
	struct attempts *a = attempts_of(fs);
	struct places places;

	if (a == NULL)
		return 0;
	places = places_of(a, fs);
	return is_recent(fs, &places);
}

/* Forget all paths, and remember more from now on, if there is memory. (8) */
static void remember_more(struct attempts *a, const struct rota_fs *fs)
{
	const size_t size = MORE_PATHS * sizeof(*a->paths);
	struct path *paths =
		rotai_memory_new(&fs->request.internal.loop->allocator, size);

	if (paths == NULL)
		return;
	memset(paths, 0, size);
	a->paths = paths;
	a->paths_count = MORE_PATHS;
}

/* A path of the last second has lost its place. */
static void note_lost(struct attempts *a, const struct rota_fs *fs)
{
	uint32_t now = now_ms(fs);

	if (now - a->lost_ms >= RECENT_MS) {
		a->lost = 0;
		a->lost_ms = now;
	}
	if (++a->lost < PATHS / 2)
		return;
	a->lost = 0;
	if (a->paths_count == PATHS)
		remember_more(a, fs);
}

/* The place that was not used for the longest time. */
static struct path *oldest_place(const struct places *places, uint32_t now)
{
	struct path *oldest = places->first;

	for (int i = 0; i < WAYS; i++) {
		struct path *path = &places->first[i];

		if (path->mark == 0)
			return path;
		if (now - path->time_ms > now - oldest->time_ms)
			oldest = path;
	}
	return oldest;
}

/* Remember that the path leads to a regular file; or forget the path. */
static void remember(struct attempts *a, const struct rota_fs *fs,
		     const struct places *places, int regular)
{
	struct path *path = find_path(places);
	uint32_t now = now_ms(fs);
	int lost = 0;

	if (fs->internal.directory != AT_FDCWD)
		return;
	if (!regular) {
		if (path != NULL)
			path->mark = 0;
		return;
	}
	if (path == NULL) {
		path = oldest_place(places, now);
		lost = path->mark != 0 && now - path->time_ms < RECENT_MS;
	}
	path->mark = places->mark;
	path->time_ms = now;
	if (lost)
		note_lost(a, fs);
}

/* Whether the file system of @fd is on this machine. */
static int is_local_file(struct attempts *a, struct rotai_known *known, int fd)
{
	const struct mount *mount = mount_of(a, known, fd);

	known->reads = !mount->no_reads;
	return mount->local;
}

/* A descriptor that names the file, or an error. */
static int find_cached(struct attempts *a, const struct rota_fs *fs,
		       int follows, struct rotai_known *known)
{
	int name;

	a->spent = a->finds == 0;
	if (a->spent)
		return ROTA_EAGAIN;
	a->finds--;
	name = rotai_cached_find(fs->internal.directory, fs->internal.path,
				 follows, known);
	if (name == ROTA_ENOSYS)
		a->absent = 1;
	if (name < 0)
		return name == ROTA_ENOSYS ? ROTA_EAGAIN : name;
	if (is_local_file(a, known, name))
		return name;
	rotai_fd_close(name);
	return ROTA_EAGAIN;
}

static int open_cached_file(const struct rota_fs *fs, int flags)
{
	int fd = rotai_cached_open(fs->internal.directory, fs->internal.path,
				   flags);

	return fd == ROTA_ENOSYS ? ROTA_EAGAIN : fd;
}

/* Open a file that was found, in vain or not, a short while ago. */
static int open_recent(struct attempts *a, const struct rota_fs *fs, int flags,
		       struct rotai_known *known)
{
	int fd = open_cached_file(fs, flags);

	if (fd < 0)
		return fd;
	if (rotai_cached_look(fd, known) == 0 && is_local_file(a, known, fd) &&
	    known->reads && S_ISREG(known->info.mode))
		return fd;
	rotai_fd_close(fd);
	return ROTA_EAGAIN;
}

static int open_found(struct attempts *a, const struct rota_fs *fs, int flags,
		      struct rotai_known *known)
{
	int name = find_cached(a, fs, 1, known);
	int fd = ROTA_EAGAIN;

	if (name < 0)
		return name;
	if (S_ISREG(known->info.mode) && known->reads)
		fd = open_cached_file(fs, flags); /* (4) */
	rotai_fd_close(name);
	return fd;
}

/* Whether its status is known. (7) */
static int look_up_recent(struct attempts *a, const struct rota_fs *fs,
			  struct rotai_known *known)
{
	const struct mount *mount;

	if (rotai_cached_look_up(fs->internal.directory, fs->internal.path,
				 known) < 0)
		return 0;
	mount = find_mount(a, known);
	return mount != NULL && mount->local;
}

int rotai_attempt_find(const struct rota_fs *fs, struct rotai_known *known)
{
	struct attempts *a = attempts_of(fs);
	const struct places places = places_of(a, fs);
	int name;

	if (is_recent(fs, &places) && look_up_recent(a, fs, known)) {
		remember(a, fs, &places, S_ISREG(known->info.mode));
		return 0;
	}
	name = find_cached(a, fs, 1, known);
	remember(a, fs, &places, name >= 0 && S_ISREG(known->info.mode));
	if (name < 0)
		return name;
	rotai_fd_close(name);
	return 0;
}

int rotai_attempt_find_link(const struct rota_fs *fs, struct rotai_known *known)
{
	int name = find_cached(attempts_of(fs), fs, 0, known);

	if (name < 0)
		return name;
	rotai_fd_close(name);
	return 0;
}

int rotai_attempt_look(const struct rota_fs *fs, struct rotai_known *known)
{
	struct attempts *a = attempts_of(fs);
	int error = rotai_cached_look(fs->internal.fd, known);
	const struct mount *mount;

	if (error == ROTA_ENOSYS)
		a->absent = 1;
	if (error < 0)
		return ROTA_EAGAIN;
	mount = find_mount(a, known); /* (10) */
	return mount != NULL && mount->local ? 0 : ROTA_EAGAIN;
}

int rotai_attempt_open(const struct rota_fs *fs, int flags,
		       struct rotai_known *known)
{
	struct attempts *a = attempts_of(fs);
	const struct places places = places_of(a, fs);
	int fd = is_recent(fs, &places) ? open_recent(a, fs, flags, known)
					: open_found(a, fs, flags, known);

	if (fd >= 0 || !a->spent)
		remember(a, fs, &places, fd >= 0);
	return fd;
}

void rotai_attempt_note_no_reads(const struct rota_fs *fs,
				 const struct rotai_known *known)
{
	struct mount *mount = find_mount(attempts_of(fs), known);

	if (mount != NULL)
		mount->no_reads = 1; /* (6) */
}

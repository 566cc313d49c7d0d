/*
 * fs/vector_call.c - reads and writes of several buffers.
 *
 *  1. A system takes IOV_MAX buffers with one call, at least 1024 wherever rota
 *     runs, and not more than 2 GiB. So there is one call for each part of the
 *     vector. A read goes on only if the part before was filled.
 *  2. struct rota_buf and struct rota_const_buf have the same members, except
 *     that the memory of the second is not written to: see file.c.
 *  3. A pipe is read into the first buffer only, and written buffer by buffer:
 *     see slow.c.
 */
#include "fs/call.h"

#include <sys/uio.h>

#include "fs/operation.h"
#include "fs/quiet.h"
#include "fs/slow.h"
#include "rota/error.h"

enum { VECTOR_PARTS = 1024, VECTOR_BYTES = 1 << 30 };

_Static_assert(sizeof(struct rota_buf) == sizeof(struct rota_const_buf) &&
		       offsetof(struct rota_buf, size) ==
			       offsetof(struct rota_const_buf, size),
	       "(2)");

/* The part of a vector that is still to be done. */
struct rest {
	const struct rota_buf *bufs;
	size_t count;
	size_t done; /* bytes of the first */
};

static struct rest whole_vector(const struct rota_fs *fs)
{
	return (struct rest){ .bufs = fs->internal.target,
			      .count = fs->internal.size };
}

static int64_t offset_after(const struct rota_fs *fs, size_t done)
{
	return fs->internal.offset + (int64_t)done;
}

/* The next part of the vector: fills @parts. Returns how many, and how many
 * bytes that are in *@bytes. (1) */
static int next_parts(const struct rest *rest, struct iovec *parts,
		      size_t *bytes)
{
	size_t left = VECTOR_BYTES;
	size_t skip = rest->done;
	int n = 0;

	for (size_t i = 0; i < rest->count && n < VECTOR_PARTS && left > 0;
	     i++) {
		size_t size = rest->bufs[i].size - skip;

		if (size > left)
			size = left;
		if (size > 0)
			parts[n++] = (struct iovec){ rest->bufs[i].data + skip,
						     size };
		left -= size;
		skip = 0;
	}
	*bytes = VECTOR_BYTES - left;
	return n;
}

static void pass_over(struct rest *rest, size_t bytes)
{
	while (rest->count > 0 && bytes >= rest->bufs->size - rest->done) {
		bytes -= rest->bufs->size - rest->done;
		rest->done = 0;
		rest->bufs++;
		rest->count--;
	}
	rest->done += bytes;
}

static ssize_t read_parts(const struct rota_fs *fs, const struct iovec *parts,
			  int count, size_t done)
{
	ssize_t n;

	do {
		n = fs->internal.offset < 0
			    ? readv(fs->internal.fd, parts, count)
			    : preadv(fs->internal.fd, parts, count,
				     (off_t)offset_after(fs, done));
	} while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t write_parts(const struct rota_fs *fs, const struct iovec *parts,
			   int count, size_t done)
{
	return fs->internal.offset < 0 ? writev(fs->internal.fd, parts, count)
				       : pwritev(fs->internal.fd, parts, count,
						 (off_t)offset_after(fs, done));
}

static int offset_is_none(const struct rota_fs *fs)
{
	return fs->internal.offset < 0;
}

int64_t rotai_call_readv(struct rota_fs *fs)
{
	struct iovec parts[VECTOR_PARTS];
	struct rest rest = whole_vector(fs);
	size_t done = 0;
	size_t wanted;
	int count;

	if (offset_is_none(fs) && rotai_read_may_wait(fs->internal.fd))
		return ROTAI_FS_MOVES;
	while ((count = next_parts(&rest, parts, &wanted)) > 0) {
		ssize_t n = read_parts(fs, parts, count, done);

		if (n < 0)
			return done > 0 ? (int64_t)done : -errno;
		done += (size_t)n;
		if ((size_t)n < wanted)
			break;
		pass_over(&rest, wanted);
	}
	return (int64_t)done;
}

/* (3) */
int64_t rotai_call_readv_slowly(struct rota_fs *fs)
{
	struct rest rest = whole_vector(fs);

	while (rest.count > 0 && rest.bufs->size == 0)
		pass_over(&rest, 0);
	if (rest.count == 0)
		return 0;
	return rotai_read_slowly(fs, fs->internal.fd, rest.bufs->data,
				 rest.bufs->size);
}

static size_t write_vector(struct rota_fs *fs, int *error)
{
	struct iovec parts[VECTOR_PARTS];
	struct rest rest = whole_vector(fs);
	size_t done = 0;
	size_t wanted;
	int count;

	while (*error == 0 && (count = next_parts(&rest, parts, &wanted)) > 0) {
		ssize_t n = write_parts(fs, parts, count, done);

		if (n > 0) {
			done += (size_t)n;
			pass_over(&rest, (size_t)n);
		} else if (n == 0) {
			*error = ROTA_EIO; /* a device that accepts nothing */
		} else if (errno != EINTR) {
			*error = -errno;
		}
	}
	return done;
}

/* (3) */
static size_t write_vector_slowly(struct rota_fs *fs, int *error)
{
	struct rest rest = whole_vector(fs);
	size_t done = 0;

	for (; rest.count > 0 && *error == 0; rest.count--, rest.bufs++)
		done += rotai_write_slowly(fs, fs->internal.fd, rest.bufs->data,
					   rest.bufs->size, error);
	return done;
}

int64_t rotai_call_writev(struct rota_fs *fs)
{
	if (offset_is_none(fs) && rotai_may_wait(fs->internal.fd))
		return ROTAI_FS_MOVES;
	return rotai_fs_write_quietly(fs, write_vector);
}

int64_t rotai_call_writev_slowly(struct rota_fs *fs)
{
	return rotai_fs_write_quietly(fs, write_vector_slowly);
}

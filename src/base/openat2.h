/*
 * base/openat2.h - openat2(2), called by its number, as the C library may be
 * older than the call. Linux only.
 */
#ifndef ROTAI_BASE_OPENAT2_H
#define ROTAI_BASE_OPENAT2_H

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* The same number on every processor but Alpha. */
enum { ROTAI_CALL_OPENAT2 = 437 };

/* The kernel's names are RESOLVE_NO_MAGICLINKS and so on. */
enum {
	ROTAI_NO_OTHER_MOUNT = 0x01, /* RESOLVE_NO_XDEV */
	ROTAI_NO_MAGIC_LINKS = 0x02,
	ROTAI_NO_SYMLINKS = 0x04,
	ROTAI_BENEATH = 0x08,
	ROTAI_CACHED = 0x20, /* since Linux 5.12 */
};

/* The kernel's struct open_how. */
struct rotai_open_how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

/* Returns a descriptor, close-on-exec; or -1, and sets errno. */
static inline int rotai_openat2(int directory, const char *path, int flags,
				unsigned resolve)
{
	struct rotai_open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = resolve,
	};

	return (int)syscall(ROTAI_CALL_OPENAT2, (long)directory, path, &how,
			    sizeof(how));
}

#endif

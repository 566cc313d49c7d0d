/*
 * base/entropy_linux.c - getrandom(2).
 *
 *  1. A read of more than 256 bytes may be interrupted by a signal, and returns
 *     what it has so far. No call takes more than 32 MiB.
 *  2. Linux before 3.17 has no such call, and filters of system calls refuse
 *     it with ENOSYS or EPERM.
 */
#include "base/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "rota/error.h"

int rotai_entropy_read(void *bytes, size_t size, int waits)
{
	size_t done = 0;

	while (done < size) { /* (1) */
		ssize_t n = getrandom((char *)bytes + done, size - done,
				      waits ? 0 : GRND_NONBLOCK);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && (errno == ENOSYS || errno == EPERM))
			return rotai_entropy_from_device((char *)bytes + done,
							 size - done); /* (2) */
		else if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

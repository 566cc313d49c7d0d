/*
 * base/entropy_posix.c - for all systems except Linux: getentropy(3), which
 * takes up to 256 bytes. It does not wait on a machine that has started.
 */
#include "base/entropy.h"

#include <errno.h>
#include <stdlib.h> /* macOS needs it for the next one */
#include <sys/random.h>
#include <unistd.h>

enum { ENTROPY_MOST = 256 };

int rotai_entropy_read(void *bytes, size_t size, int waits)
{
	(void)waits;
	for (size_t done = 0, n; done < size; done += n) {
		n = size - done < ENTROPY_MOST ? size - done : ENTROPY_MOST;
		if (getentropy((char *)bytes + done, n) < 0)
			return rotai_entropy_from_device((char *)bytes + done,
							 size - done);
	}
	return 0;
}

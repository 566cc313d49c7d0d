/*
 * base/entropy.c - the device of the kernel for random bytes: random(4).
 */
#include "base/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

int rotai_entropy_from_device(void *bytes, size_t size)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size && error == 0;) {
		ssize_t n = read(fd, (char *)bytes + done, size - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			error = ROTA_EIO;
		else if (errno != EINTR)
			error = -errno;
	}
	rotai_fd_close(fd);
	return error;
}

/*
 * base/tty.c - operations on terminals that are the same on all systems.
 */
#include "base/tty.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "rota/error.h"

/* What is no terminal refuses this with ENOTTY or, in some drivers, with
 * another error. */
int rotai_tty_check(int fd)
{
	struct termios found;

	if (tcgetattr(fd, &found) == 0)
		return 0;
	if (errno == EIO) /* a terminal that was hung up */
		return 0;
	return errno == EBADF ? ROTA_EBADF : ROTA_ENOTTY;
}

int rotai_tty_window(int fd, unsigned *columns, unsigned *rows)
{
	struct winsize found;

	if (ioctl(fd, TIOCGWINSZ, &found) < 0)
		return -errno;
	*columns = found.ws_col;
	*rows = found.ws_row;
	return 0;
}

int rotai_tty_set_window(int fd, unsigned columns, unsigned rows)
{
	struct winsize wanted = {
		.ws_col = (unsigned short)columns,
		.ws_row = (unsigned short)rows,
	};

	return ioctl(fd, TIOCSWINSZ, &wanted) < 0 ? -errno : 0;
}

int rotai_tty_is_controlling(int fd)
{
	pid_t session = tcgetsid(fd);

	return session >= 0 && session == getsid(0);
}

/*
 * tests/support/pty.c - see pty.h.
 */
#include "pty.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"

enum { PATIENCE_MS = 40000 };

void pty_open(struct pty *pty)
{
	const char *name;

	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pty->master >= 0);
	assert_int_equal(grantpt(pty->master), 0);
	assert_int_equal(unlockpt(pty->master), 0);
	name = ptsname(pty->master);
	assert_non_null(name);
	assert_in_range(strlen(name), 1, sizeof(pty->name) - 1);
	strcpy(pty->name, name);
	pty->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pty->slave >= 0);
	assert_int_equal(fcntl(pty->master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	pty_resize(pty, 80, 24);
}

void pty_close(struct pty *pty)
{
	if (pty->master >= 0)
		close(pty->master);
	if (pty->slave >= 0)
		close(pty->slave);
	pty->master = -1;
	pty->slave = -1;
}

pid_t pty_fork(struct pty *pty)
{
	pid_t child = child_fork();

	if (child != 0)
		return child;
	EXPECT(setsid() >= 0);
	EXPECT(ioctl(pty->slave, TIOCSCTTY, 0) == 0);
	for (int fd = 0; fd <= 2; fd++)
		EXPECT(dup2(pty->slave, fd) == fd);
	return 0;
}

void pty_resize(struct pty *pty, unsigned short columns, unsigned short rows)
{
	struct winsize size = { .ws_col = columns, .ws_row = rows };

	assert_int_equal(ioctl(pty->master, TIOCSWINSZ, &size), 0);
}

void pty_type(struct pty *pty, const char *text)
{
	size_t size = strlen(text);

	assert_int_equal(write(pty->master, text, size), size);
}

void pty_await_input(struct pty *pty, int size)
{
	uint64_t until = real_now() + ROTA_MSEC(PATIENCE_MS);
	int found = 0;

	while (found < size) {
		assert_int_equal(ioctl(pty->slave, FIONREAD, &found), 0);
		assert_true(real_now() < until);
	}
}

void pty_expect(struct pty *pty, const char *text, char *seen, size_t size)
{
	char buffer[8192];
	size_t n = 0;

	if (seen == NULL) {
		seen = buffer;
		size = sizeof(buffer);
	}
	seen[0] = '\0';
	while (strstr(seen, text) == NULL) {
		struct pollfd ready = { .fd = pty->master, .events = POLLIN };
		ssize_t got;

		assert_true(n < size - 1);
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		got = read(pty->master, seen + n, size - 1 - n);
		if (got <= 0)
			fail_msg("no \"%s\" in \"%s\"", text, seen);
		n += (size_t)got;
		seen[n] = '\0';
	}
}

unsigned long pty_local_flags(struct pty *pty)
{
	struct termios mode;

	assert_int_equal(tcgetattr(pty->master, &mode), 0);
	return mode.c_lflag & (ICANON | ECHO | ISIG);
}

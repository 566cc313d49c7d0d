/*
 * tests/support/pty.h - pseudo-terminals for tests: pty(7).
 */
#ifndef TESTS_SUPPORT_PTY_H
#define TESTS_SUPPORT_PTY_H

#include <stddef.h>
#include <sys/types.h>

struct pty {
	int master; /* non-blocking */
	int slave;  /* blocking, as a shell has it */
	char name[64];
};

/* Make a pseudo-terminal of 80 columns and 24 rows. Neither becomes the
 * controlling terminal. Fails the test if that is not possible. */
void pty_open(struct pty *pty);
void pty_close(struct pty *pty);

/* Fork a child that leads a session whose controlling terminal is the slave,
 * and that has it as its standard streams. Returns as fork(2). */
pid_t pty_fork(struct pty *pty);

/* Set the size of the window. */
void pty_resize(struct pty *pty, unsigned short columns, unsigned short rows);

/* Write text to the master, as if it was typed. */
void pty_type(struct pty *pty, const char *text);

/* Wait until the slave has @size bytes or more to read. */
void pty_await_input(struct pty *pty, int size);

/* Read from the master until @text was printed. Fails the test if the end comes
 * before that. @seen, if it is not NULL, gets what came, and a 0. */
void pty_expect(struct pty *pty, const char *text, char *seen, size_t size);

/* Which flags of termios(3) the terminal has: ICANON, ECHO and ISIG. */
unsigned long pty_local_flags(struct pty *pty);

#endif

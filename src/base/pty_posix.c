/*
 * base/pty_posix.c - the slave of a master, by its name.
 */
#include "base/pty.h"

#include "base/pty_name.h"

int rotai_pty_slave(int fd)
{
	return rotai_pty_slave_named(fd);
}

/*
 * tests/support/fault_file_darwin.c - catches calls for files on macOS, as
 * fault_darwin.c catches others; see fault.h. The sweep of all calls is a test
 * for Linux.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "fault_calls.h"

int unlinkat(int directory, const char *path, int flags)
{
	void *found = dlsym(RTLD_NEXT, "unlinkat");
	int (*real)(int directory, const char *path, int flags);
	int error = fault_strike(FAULT_UNLINKAT);

	if (error != 0) {
		errno = error;
		return -1;
	}
	memcpy(&real, &found, sizeof(real));
	return real(directory, path, flags);
}

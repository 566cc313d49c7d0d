/*
 * tests/support/fault_system_wrap.c - catches calls that ask the system about
 * the machine, the process and its users, with the options in
 * fault_system.flags, as fault_wrap.c catches others; see fault.h.
 * getrandom() is weak: a BSD may have none.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "fault.h"
#include "fault_calls.h"

#define WEAK __attribute__((weak))

int __real_getpwnam_r(const char *name, struct passwd *to, char *memory,
		      size_t size, struct passwd **found);
int __real_getpwuid_r(uid_t id, struct passwd *to, char *memory, size_t size,
		      struct passwd **found);
int __real_getgrnam_r(const char *name, struct group *to, char *memory,
		      size_t size, struct group **found);
int __real_getgrgid_r(gid_t id, struct group *to, char *memory, size_t size,
		      struct group **found);
int __real_getgrouplist(const char *name, gid_t group, gid_t *groups, int *n);
WEAK ssize_t __real_getrandom(void *bytes, size_t size, unsigned flags);
char *__real_getcwd(char *path, size_t size);
int __real_uname(struct utsname *names);
int __real_gethostname(char *name, size_t size);
ssize_t __real_readlink(const char *path, char *to, size_t size);
int __real_getrusage(int who, struct rusage *usage);

int __wrap_getpwnam_r(const char *name, struct passwd *to, char *memory,
		      size_t size, struct passwd **found);
int __wrap_getpwuid_r(uid_t id, struct passwd *to, char *memory, size_t size,
		      struct passwd **found);
int __wrap_getgrnam_r(const char *name, struct group *to, char *memory,
		      size_t size, struct group **found);
int __wrap_getgrgid_r(gid_t id, struct group *to, char *memory, size_t size,
		      struct group **found);
int __wrap_getgrouplist(const char *name, gid_t group, gid_t *groups, int *n);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
char *__wrap_getcwd(char *path, size_t size);
int __wrap_uname(struct utsname *names);
int __wrap_gethostname(char *name, size_t size);
ssize_t __wrap_readlink(const char *path, char *to, size_t size);
int __wrap_getrusage(int who, struct rusage *usage);

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

int __wrap_getpwnam_r(const char *name, struct passwd *to, char *memory,
		      size_t size, struct passwd **found)
{
	int error = fault_strike(FAULT_GETPWNAM_R);

	*found = NULL;
	return error != 0 ? error
			  : __real_getpwnam_r(name, to, memory, size, found);
}

int __wrap_getpwuid_r(uid_t id, struct passwd *to, char *memory, size_t size,
		      struct passwd **found)
{
	int error = fault_strike(FAULT_GETPWUID_R);

	*found = NULL;
	return error != 0 ? error
			  : __real_getpwuid_r(id, to, memory, size, found);
}

int __wrap_getgrnam_r(const char *name, struct group *to, char *memory,
		      size_t size, struct group **found)
{
	int error = fault_strike(FAULT_GETGRNAM_R);

	*found = NULL;
	return error != 0 ? error
			  : __real_getgrnam_r(name, to, memory, size, found);
}

int __wrap_getgrgid_r(gid_t id, struct group *to, char *memory, size_t size,
		      struct group **found)
{
	int error = fault_strike(FAULT_GETGRGID_R);

	*found = NULL;
	return error != 0 ? error
			  : __real_getgrgid_r(id, to, memory, size, found);
}

int __wrap_getgrouplist(const char *name, gid_t group, gid_t *groups, int *n)
{
	return struck(FAULT_GETGROUPLIST)
		       ? -1
		       : __real_getgrouplist(name, group, groups, n);
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
	return struck(FAULT_GETRANDOM) ? -1
				       : __real_getrandom(bytes, size, flags);
}

char *__wrap_getcwd(char *path, size_t size)
{
	return struck(FAULT_GETCWD) ? NULL : __real_getcwd(path, size);
}

int __wrap_uname(struct utsname *names)
{
	return struck(FAULT_UNAME) ? -1 : __real_uname(names);
}

int __wrap_gethostname(char *name, size_t size)
{
	return struck(FAULT_GETHOSTNAME) ? -1 : __real_gethostname(name, size);
}

ssize_t __wrap_readlink(const char *path, char *to, size_t size)
{
	return struck(FAULT_READLINK) ? -1 : __real_readlink(path, to, size);
}

int __wrap_getrusage(int who, struct rusage *usage)
{
	return struck(FAULT_GETRUSAGE) ? -1 : __real_getrusage(who, usage);
}

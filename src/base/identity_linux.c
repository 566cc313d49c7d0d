/*
 * base/identity_linux.c - see identity.h.
 *
 * In the kernel, ids belong to a thread. The C library changes those of all
 * threads that it has made. A thread that was made by clone(2) keeps its ids.
 * /proc shows the ids of all.
 */
#include "base/identity.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "rota/error.h"

int rotai_identity_get(struct rotai_ids *ids)
{
	if (getresuid(&ids->users[0], &ids->users[1], &ids->users[2]) < 0 ||
	    getresgid(&ids->groups[0], &ids->groups[1], &ids->groups[2]) < 0)
		return -errno;
	return 0;
}

int rotai_identity_set_groups(const gid_t groups[3])
{
	return setresgid(groups[0], groups[1], groups[2]) < 0 ? -errno : 0;
}

int rotai_identity_set_users(const uid_t users[3])
{
	return setresuid(users[0], users[1], users[2]) < 0 ? -errno : 0;
}

int rotai_identity_set_supplementary(const gid_t *groups, size_t count)
{
	return setgroups(count, groups) < 0 ? -errno : 0;
}

/* Whether a line such as "Uid:\t1\t1\t1\t1" has that id four times; or it is
 * another line. */
static int has_only(const char *line, const char *key, unsigned long id)
{
	char *at;

	if (strncmp(line, key, strlen(key)) != 0)
		return 1;
	at = (char *)(size_t)(line + strlen(key));
	for (int i = 0; i < 4; i++)
		if (strtoul(at, &at, 10) != id)
			return 0;
	return 1;
}

static int thread_has(const char *thread, uid_t user, gid_t group)
{
	char line[256];
	FILE *stream;
	int has = 1;

	(void)snprintf(line, sizeof(line), "/proc/self/task/%.32s/status",
		       thread);
	stream = fopen(line, "re");
	if (stream == NULL)
		return 1; /* it has ended */
	while (has && fgets(line, sizeof(line), stream) != NULL)
		has = has_only(line, "Uid:", user) &&
		      has_only(line, "Gid:", group);
	(void)fclose(stream);
	return has;
}

int rotai_identity_is_everywhere(uid_t user, gid_t group)
{
	DIR *threads = opendir("/proc/self/task");
	const struct dirent *entry;
	int is_so = 1;

	if (threads == NULL)
		return 1;
	while (is_so && (entry = readdir(threads)) != NULL)
		if (entry->d_name[0] != '.')
			is_so = thread_has(entry->d_name, user, group);
	(void)closedir(threads);
	return is_so;
}

int rotai_identity_threads(void)
{
	DIR *threads = opendir("/proc/self/task");
	const struct dirent *entry;
	int count = 0;

	if (threads == NULL)
		return -errno;
	while ((entry = readdir(threads)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(threads);
	return count;
}

int rotai_identity_no_new(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int rotai_identity_set_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}

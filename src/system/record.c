/*
 * system/record.c - see record.h.
 *
 *  1. The system writes the strings of a record to memory of the caller's, and
 *     reports ERANGE if that is too small. Nothing says how much a record
 *     needs: that of a group with many members may have megabytes. So the
 *     memory doubles.
 *  2. What says that there is no such record differs between systems and
 *     services: see "RETURN VALUE" in getpwnam(3).
 *  3. A record is one block: the public struct, the arrays, the strings. Any
 *     thread may use it, and nobody changes it.
 */
#include "system/record.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/counted.h"
#include "base/group_list.h"
#include "rota/error.h"

enum { FIRST_RECORD = 1024, MOST_RECORD = 16 * 1024 * 1024 };

struct user_record {
	struct rotai_counted counted; /* must be first */
	struct rota_user user;
	unsigned groups[];
};

struct group_record {
	struct rotai_counted counted; /* must be first */
	struct rota_group group;
	const char *members[];
};

/* What is asked for. */
struct record_key {
	const char *name; /* or NULL: by id */
	unsigned id;
};

/* The system's record, in memory that is freed by the caller. */
struct system_record {
	union {
		struct passwd user;
		struct group group;
	} is;
	char *memory;
};

/* Ask the system once, with @size bytes for the strings. Returns 0 or an
 * error. */
typedef int ask_system_fn(const struct record_key *key,
			  struct system_record *record, size_t size);

static int ask_for_user(const struct record_key *key,
			struct system_record *record, size_t size)
{
	struct passwd *found = NULL;
	int failed = key->name != NULL
			     ? getpwnam_r(key->name, &record->is.user,
					  record->memory, size, &found)
			     : getpwuid_r(key->id, &record->is.user,
					  record->memory, size, &found);

	return failed != 0 || found != NULL ? -failed : ROTA_ENOENT;
}

static int ask_for_group(const struct record_key *key,
			 struct system_record *record, size_t size)
{
	struct group *found = NULL;
	int failed = key->name != NULL
			     ? getgrnam_r(key->name, &record->is.group,
					  record->memory, size, &found)
			     : getgrgid_r(key->id, &record->is.group,
					  record->memory, size, &found);

	return failed != 0 || found != NULL ? -failed : ROTA_ENOENT;
}

/* (2) */
static int record_error(int error)
{
	return error == ROTA_ESRCH || error == ROTA_EBADF || error == ROTA_EPERM
		       ? ROTA_ENOENT
		       : error;
}

/* Ask until the memory is large enough. (1) */
static int ask_for_record(const struct record_key *key, ask_system_fn *ask,
			  struct system_record *record)
{
	for (size_t size = FIRST_RECORD; size <= MOST_RECORD; size *= 2) {
		int error;

		record->memory = malloc(size);
		if (record->memory == NULL)
			return ROTA_ENOMEM;
		do {
			error = ask(key, record, size);
		} while (error == ROTA_EINTR);
		if (error == 0)
			return 0;
		free(record->memory);
		if (error != ROTA_ERANGE)
			return record_error(error);
	}
	return ROTA_ERANGE;
}

/* Copy a string, or an empty one for NULL, to *@at, which moves on. */
static const char *keep_string(char **at, const char *text)
{
	const char *kept = *at;
	size_t n = text != NULL ? strlen(text) : 0;

	if (n > 0)
		memcpy(*at, text, n);
	(*at)[n] = '\0';
	*at += n + 1;
	return kept;
}

static size_t size_of_string(const char *text)
{
	return (text != NULL ? strlen(text) : 0) + 1;
}

/* --- users ---------------------------------------------------------------- */

static struct user_record *user_record_of(const struct rota_user *user)
{
	/* All of it but the count is constant. */
	return (struct user_record *)((uintptr_t)user -
				      offsetof(struct user_record, user));
}

static void free_user_record(struct rotai_counted *counted)
{
	free(counted);
}

static const struct rota_user *make_user_record(const struct passwd *from,
						const unsigned *groups,
						size_t count)
{
	size_t size =
		size_of_string(from->pw_name) + size_of_string(from->pw_gecos) +
		size_of_string(from->pw_dir) + size_of_string(from->pw_shell);
	struct user_record *made =
		malloc(sizeof(*made) + count * sizeof(made->groups[0]) + size);
	char *at;

	if (made == NULL)
		return NULL;
	at = (char *)(made->groups + count);
	made->counted = (struct rotai_counted){ .references = 1,
						.free = free_user_record };
	made->user = (struct rota_user){
		.name = keep_string(&at, from->pw_name),
		.full_name = keep_string(&at, from->pw_gecos),
		.directory = keep_string(&at, from->pw_dir),
		.shell = keep_string(&at, from->pw_shell),
		.id = from->pw_uid,
		.group = from->pw_gid,
		.group_count = count,
		.groups = count > 0 ? made->groups : NULL,
	};
	if (count > 0)
		memcpy(made->groups, groups, count * sizeof(groups[0]));
	return &made->user;
}

int rotai_record_find_user(const char *name, unsigned id, unsigned flags,
			   const struct rota_user **user)
{
	const struct record_key key = { .name = name, .id = id };
	const struct rota_user *made;
	struct system_record record;
	unsigned *groups = NULL;
	size_t count = 0;
	int error = ask_for_record(&key, ask_for_user, &record);

	if (error < 0)
		return error;
	if (flags & ROTA_USER_GROUPS)
		error = rotai_group_list_find(record.is.user.pw_name,
					      record.is.user.pw_gid, &groups,
					      &count);
	if (error == 0) {
		made = make_user_record(&record.is.user, groups, count);
		if (made != NULL)
			*user = made;
		else
			error = ROTA_ENOMEM;
	}
	free(groups);
	free(record.memory);
	return error;
}

const struct rota_user *rota_user_ref(const struct rota_user *user)
{
	rotai_counted_ref(&user_record_of(user)->counted);
	return user;
}

void rota_user_unref(const struct rota_user *user)
{
	if (user != NULL)
		rotai_counted_unref(&user_record_of(user)->counted);
}

/* --- groups --------------------------------------------------------------- */

static struct group_record *group_record_of(const struct rota_group *group)
{
	return (struct group_record *)((uintptr_t)group -
				       offsetof(struct group_record, group));
}

static void free_group_record(struct rotai_counted *counted)
{
	free(counted);
}

static const struct rota_group *make_group_record(const struct group *from)
{
	size_t size = size_of_string(from->gr_name), count = 0;
	struct group_record *made;
	char *at;

	for (char **member = from->gr_mem; member != NULL && *member != NULL;
	     member++) {
		size += size_of_string(*member);
		count++;
	}
	made = malloc(sizeof(*made) + count * sizeof(made->members[0]) + size);
	if (made == NULL)
		return NULL;
	at = (char *)(made->members + count);
	made->counted = (struct rotai_counted){ .references = 1,
						.free = free_group_record };
	made->group = (struct rota_group){
		.name = keep_string(&at, from->gr_name),
		.id = from->gr_gid,
		.member_count = count,
		.members = made->members,
	};
	for (size_t i = 0; i < count; i++)
		made->members[i] = keep_string(&at, from->gr_mem[i]);
	return &made->group;
}

int rotai_record_find_group(const char *name, unsigned id,
			    const struct rota_group **group)
{
	const struct record_key key = { .name = name, .id = id };
	const struct rota_group *made;
	struct system_record record;
	int error = ask_for_record(&key, ask_for_group, &record);

	if (error < 0)
		return error;
	made = make_group_record(&record.is.group);
	if (made != NULL)
		*group = made;
	else
		error = ROTA_ENOMEM;
	free(record.memory);
	return error;
}

const struct rota_group *rota_group_ref(const struct rota_group *group)
{
	rotai_counted_ref(&group_record_of(group)->counted);
	return group;
}

void rota_group_unref(const struct rota_group *group)
{
	if (group != NULL)
		rotai_counted_unref(&group_record_of(group)->counted);
}

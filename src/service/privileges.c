/*
 * service/privileges.c - giving up the rights of root.
 *
 *  1. Names are looked up first, because a lookup may need the old root
 *     directory and the old rights. What can fail for another reason than the
 *     rights of the process is checked before anything is changed.
 *  2. The user comes last: without root's rights nothing else can be changed,
 *     and nothing can be taken back. Until then each step that fails takes back
 *     those before it.
 *  3. After the user has changed there is no way back. What is found wrong then
 *     is not recoverable.
 *  4. An attempt to become root again is the only proof that it fails: it does
 *     not depend on what we know of capabilities and of other rules.
 */
#include "rota/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/group_list.h"
#include "base/identity.h"
#include "base/memory.h"
#include "base/sized.h"
#include "rota/error.h"
#include "rota/user.h"

/* The first version of the struct ended with this member. */
enum {
	LEAST_PRIVILEGES_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_privileges_options, flags),
	PRIVILEGES_FLAGS = ROTA_PRIVILEGES_NO_NEW | ROTA_PRIVILEGES_DUMPABLE,
	MOST_GIVEN_GROUPS = 65536, /* NGROUPS_MAX of Linux; others have fewer */
};

ROTAI_SIZED(struct rota_privileges_options, flags);

/* Groups, in memory of their own. */
struct group_list {
	gid_t *ids;
	size_t count;
	size_t capacity;
};

/* What the process becomes, and what it was. */
struct privilege_change {
	uid_t user;
	gid_t group;
	struct group_list groups;

	struct rotai_ids old_ids;
	struct group_list old_groups;
	int old_root;      /* a descriptor, or -1 */
	int old_directory; /* the same */

	enum rota_privileges_step *step; /* that is made */
};

void rota_privileges_options_init_size(struct rota_privileges_options *options,
				       size_t size)
{
	const struct rota_privileges_options defaults = { .user_id = -1,
							  .group_id = -1 };

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* --- lookups (1) ---------------------------------------------------------- */

static int make_group_list(struct group_list *list, size_t capacity)
{
	/* An empty list has memory as well. */
	list->capacity = capacity > 0 ? capacity : 1;
	list->count = 0;
	list->ids = rotai_memory_new(&rotai_memory_default,
				     list->capacity * sizeof(gid_t));
	return list->ids == NULL ? ROTA_ENOMEM : 0;
}

static void free_group_list(struct group_list *list)
{
	if (list->ids != NULL)
		rotai_memory_free(&rotai_memory_default, list->ids,
				  list->capacity * sizeof(gid_t));
	list->ids = NULL;
}

static int look_up_user(const char *name, struct privilege_change *change)
{
	const struct rota_user *user;
	int error = rota_user_by_name(name, 0, &user);

	if (error < 0)
		return error;
	change->user = user->id;
	change->group = user->group;
	rota_user_unref(user);
	return 0;
}

static int look_up_group(const char *name, struct privilege_change *change)
{
	const struct rota_group *group;
	int error = rota_group_by_name(name, &group);

	if (error < 0)
		return error;
	change->group = group->id;
	rota_group_unref(group);
	return 0;
}

/* Whether @id is an id. The greatest one means "none" to the system. */
static int is_id(int64_t id)
{
	return id >= 0 && id < (int64_t)UINT32_MAX;
}

/* Find the user and the group: 0 or an error. */
static int find_ids(struct privilege_change *change,
		    const struct rota_privileges_options *options)
{
	int error = 0;

	if ((options->user != NULL) == (options->user_id != -1) ||
	    (options->group != NULL && options->group_id != -1) ||
	    (options->user == NULL && !is_id(options->user_id)) ||
	    (options->group_id != -1 && !is_id(options->group_id)) ||
	    (options->user == NULL && options->group == NULL &&
	     options->group_id == -1))
		return ROTA_EINVAL;
	if (options->user != NULL)
		error = look_up_user(options->user, change);
	else
		change->user = (uid_t)options->user_id;
	if (error == 0 && options->group != NULL)
		error = look_up_group(options->group, change);
	if (options->group_id != -1)
		change->group = (gid_t)options->group_id;
	if (error == 0 && change->user == 0)
		error = ROTA_EINVAL;
	return error;
}

static int copy_groups(struct privilege_change *change,
		       const struct rota_privileges_options *options)
{
	int error = make_group_list(&change->groups, options->group_count);

	if (error < 0)
		return error;
	for (size_t i = 0; i < options->group_count; i++) {
		if (!is_id(options->groups[i]))
			return ROTA_EINVAL;
		change->groups.ids[i] = options->groups[i];
	}
	change->groups.count = options->group_count;
	return 0;
}

static int find_groups_of_user(struct privilege_change *change,
			       const char *user)
{
	unsigned *found;
	size_t count;
	int error = rotai_group_list_find(user, change->group, &found, &count);

	if (error < 0)
		return error;
	error = make_group_list(&change->groups, count);
	if (error == 0) {
		memcpy(change->groups.ids, found, count * sizeof(*found));
		change->groups.count = count;
	}
	free(found);
	return error;
}

static int find_groups(struct privilege_change *change,
		       const struct rota_privileges_options *options)
{
	if (options->group_count > MOST_GIVEN_GROUPS)
		return ROTA_EINVAL;
	if (options->groups != NULL || options->user == NULL)
		return copy_groups(change, options);
	return find_groups_of_user(change, options->user);
}

/* --- what may be taken back (2) ------------------------------------------- */

static int save_groups(struct privilege_change *change)
{
	int count = getgroups(0, NULL);
	int error;

	if (count < 0)
		return -errno;
	error = make_group_list(&change->old_groups, (size_t)count);
	if (error < 0)
		return error;
	count = getgroups(count, change->old_groups.ids);
	if (count < 0)
		return -errno;
	change->old_groups.count = (size_t)count;
	return 0;
}

static int open_to_return(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Store what the process is now: 0 or an error. */
static int save_identity(struct privilege_change *change,
			 const struct rota_privileges_options *options)
{
	int error = rotai_identity_get(&change->old_ids);

	if (error == 0)
		error = save_groups(change);
	if (error < 0 || options->root == NULL)
		return error;
	change->old_root = open_to_return("/");
	if (change->old_root < 0)
		return change->old_root;
	change->old_directory = open_to_return(".");
	return change->old_directory < 0 ? change->old_directory : 0;
}

static int leave_root(const struct privilege_change *change)
{
	if (fchdir(change->old_root) < 0 || chroot(".") < 0 ||
	    fchdir(change->old_directory) < 0)
		return ROTA_ENOTRECOVERABLE;
	return 0;
}

static int enter_root(const struct privilege_change *change, const char *root)
{
	int error = 0;

	if (chroot(root) < 0)
		return -errno;
	if (chdir("/") < 0)
		error = -errno;
	if (error < 0 && leave_root(change) < 0)
		error = ROTA_ENOTRECOVERABLE;
	return error;
}

/* --- the change ----------------------------------------------------------- */

static int become(uid_t user)
{
	const uid_t users[3] = { user, user, user };

	return rotai_identity_set_users(users);
}

static int become_group(gid_t group)
{
	const gid_t groups[3] = { group, group, group };

	return rotai_identity_set_groups(groups);
}

/* Whether the process can get that user or that group. If so, it has the new
 * ones again. (4) */
static int comes_back(const struct privilege_change *change, uid_t user,
		      gid_t group)
{
	if (user != change->user && become(user) == 0) {
		(void)become_group(change->group);
		(void)become(change->user);
		return 1;
	}
	if (group != change->group && become_group(group) == 0) {
		(void)become_group(change->group);
		return 1;
	}
	return 0;
}

/* (3) */
static int verify(const struct privilege_change *change)
{
	struct rotai_ids now;

	if (rotai_identity_get(&now) < 0)
		return ROTA_ENOTRECOVERABLE;
	for (int i = 0; i < 3; i++)
		if (now.users[i] != change->user ||
		    now.groups[i] != change->group)
			return ROTA_ENOTRECOVERABLE;
	for (int i = 0; i < 3; i++)
		if (comes_back(change, change->old_ids.users[i],
			       change->old_ids.groups[i]))
			return ROTA_ENOTRECOVERABLE;
	if (comes_back(change, 0, change->group))
		return ROTA_ENOTRECOVERABLE;
	return rotai_identity_is_everywhere(change->user, change->group)
		       ? 0
		       : ROTA_ENOTRECOVERABLE;
}

/* Change the ids: 0; or an error, and they are as before, or it is
 * ROTA_ENOTRECOVERABLE. */
static int change_ids(const struct privilege_change *change)
{
	int error;

	*change->step = ROTA_PRIVILEGES_STEP_GROUPS;
	error = rotai_identity_set_supplementary(change->groups.ids,
						 change->groups.count);
	if (error < 0)
		return error;
	*change->step = ROTA_PRIVILEGES_STEP_GROUP;
	error = become_group(change->group);
	if (error == 0) {
		*change->step = ROTA_PRIVILEGES_STEP_USER;
		error = become(change->user);
	}
	if (error == 0) {
		*change->step = ROTA_PRIVILEGES_STEP_VERIFY;
		return verify(change);
	}
	if (rotai_identity_set_groups(change->old_ids.groups) < 0 ||
	    rotai_identity_set_supplementary(change->old_groups.ids,
					     change->old_groups.count) < 0)
		error = ROTA_ENOTRECOVERABLE;
	return error;
}

static int make_change(const struct privilege_change *change,
		       const struct rota_privileges_options *options)
{
	int error = 0;

	*change->step = ROTA_PRIVILEGES_STEP_ROOT;
	if (options->root != NULL)
		error = enter_root(change, options->root);
	if (error < 0)
		return error;
	error = change_ids(change);
	if (error < 0 && error != ROTA_ENOTRECOVERABLE &&
	    options->root != NULL && leave_root(change) < 0)
		error = ROTA_ENOTRECOVERABLE;
	if (error < 0)
		return error;
	*change->step = ROTA_PRIVILEGES_STEP_NO_NEW;
	if ((options->flags & ROTA_PRIVILEGES_NO_NEW) &&
	    rotai_identity_no_new() < 0)
		return ROTA_ENOTRECOVERABLE;
	*change->step = ROTA_PRIVILEGES_STEP_DUMPABLE;
	if ((options->flags & ROTA_PRIVILEGES_DUMPABLE) &&
	    rotai_identity_set_dumpable() < 0)
		return ROTA_ENOTRECOVERABLE;
	return 0;
}

static int check_threads(const struct rota_privileges_options *options)
{
	int threads;

	if (!(options->flags & ROTA_PRIVILEGES_NO_NEW))
		return 0;
	threads = rotai_identity_threads();
	if (threads < 0)
		return threads;
	return threads > 1 ? ROTA_EBUSY : 0;
}

static int take_privileges_options(struct rota_privileges_options *ours,
				   const struct rota_privileges_options *given)
{
	rota_privileges_options_init(ours);
	if (given == NULL ||
	    rotai_sized_take(ours, sizeof(*ours), given,
			     LEAST_PRIVILEGES_OPTIONS) < 0 ||
	    (ours->flags & ~(uint64_t)PRIVILEGES_FLAGS) ||
	    (ours->groups == NULL && ours->group_count > 0))
		return ROTA_EINVAL;
	return 0;
}

/* Find out what the process becomes, and what it is: 0 or an error. */
static int prepare_change(struct privilege_change *change,
			  const struct rota_privileges_options *options)
{
	int error;

	*change->step = ROTA_PRIVILEGES_STEP_THREADS;
	error = check_threads(options);
	if (error < 0)
		return error;
	*change->step = ROTA_PRIVILEGES_STEP_LOOKUP;
	error = find_ids(change, options);
	if (error == 0)
		error = find_groups(change, options);
	if (error < 0)
		return error;
	*change->step = ROTA_PRIVILEGES_STEP_PREPARE;
	return save_identity(change, options);
}

int rota_privileges_drop(const struct rota_privileges_options *options)
{
	enum rota_privileges_step step = ROTA_PRIVILEGES_STEP_OPTIONS;
	struct privilege_change change = { .step = &step,
					   .old_root = -1,
					   .old_directory = -1 };
	struct rota_privileges_options ours;
	int error = take_privileges_options(&ours, options);

	if (error == 0)
		error = prepare_change(&change, &ours);
	if (error == 0)
		error = make_change(&change, &ours);
	free_group_list(&change.groups);
	free_group_list(&change.old_groups);
	if (change.old_root >= 0)
		rotai_fd_close(change.old_root);
	if (change.old_directory >= 0)
		rotai_fd_close(change.old_directory);
	if (ours.failed != NULL)
		*ours.failed = error < 0 ? step : ROTA_PRIVILEGES_STEP_NONE;
	return error;
}

const char *rota_privileges_step_name(enum rota_privileges_step step)
{
	static const char *const names[] = {
		[ROTA_PRIVILEGES_STEP_NONE] = "none",
		[ROTA_PRIVILEGES_STEP_OPTIONS] = "options",
		[ROTA_PRIVILEGES_STEP_THREADS] = "threads",
		[ROTA_PRIVILEGES_STEP_LOOKUP] = "lookup",
		[ROTA_PRIVILEGES_STEP_PREPARE] = "prepare",
		[ROTA_PRIVILEGES_STEP_ROOT] = "chroot",
		[ROTA_PRIVILEGES_STEP_GROUPS] = "setgroups",
		[ROTA_PRIVILEGES_STEP_GROUP] = "setgid",
		[ROTA_PRIVILEGES_STEP_USER] = "setuid",
		[ROTA_PRIVILEGES_STEP_VERIFY] = "verify",
		[ROTA_PRIVILEGES_STEP_NO_NEW] = "no-new-privileges",
		[ROTA_PRIVILEGES_STEP_DUMPABLE] = "dumpable",
	};

	return (unsigned)step < sizeof(names) / sizeof(names[0]) ? names[step]
								 : "unknown";
}

/*
 * base/cgroup_linux.c - see cgroup.h and cgroups(7).
 *
 *  1. A process is in one group of each hierarchy. /proc/self/cgroup has a line
 *     for each: "0::/a/b" for version 2, "5:cpu,cpuacct:/a/b" for one of
 *     version 1 with the controllers that it has. A system may have both, and
 *     then version 2 often has no controllers, and its groups no such files.
 *  2. /proc/self/mountinfo says where each hierarchy is mounted, and which of
 *     its groups is the root of that mount: a container may see the part below
 *     its own group alone. If the group of this process is not below it, the
 *     paths have different origins, and what is mounted is the best that is
 *     known.
 *  3. The limits of all groups from that of this process up to the root of the
 *     mount apply. A group has no files of a controller that is not enabled
 *     for it.
 *  4. No limit is "max" in version 2; in version 1 a quota of -1, and the
 *     largest number of pages for memory.
 */
#include "base/cgroup.h"

#include <stdio.h>
#include <string.h>

#include "base/lines.h"

enum {
	GROUP_SIZE = ROTAI_LINE_MOST,
	GROUP_PATH_SIZE = 2 * ROTAI_LINE_MOST,
	GROUP_FILE_SIZE = GROUP_PATH_SIZE + 64,
	SMALL_LINE = 128,
};

/* A version 2 limit of memory above this is none, as one of version 1. (4) */
#define MOST_MEMORY (UINT64_C(1) << 62)

/* A hierarchy, and the group of this process in it. */
struct hierarchy {
	const char *root;       /* of all paths */
	const char *controller; /* of version 1; NULL: version 2 */
	char group[GROUP_SIZE];

	/* The path of the group, and how much of it is the mount. */
	char path[GROUP_PATH_SIZE];
	size_t mount;
};

/* What a walk up the groups of a hierarchy looks for. */
typedef void look_at_group(const struct hierarchy *at,
			   struct rotai_cgroup *limits);

/* Whether @word is in @list, whose items have commas between them. */
static int list_has(const char *list, const char *end, const char *word)
{
	size_t n = strlen(word);

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		const char *stop = comma != NULL ? comma : end;

		if ((size_t)(stop - list) == n && memcmp(list, word, n) == 0)
			return 1;
		list = stop + 1;
	}
	return 0;
}

/* If @line of /proc/self/cgroup is about this hierarchy, return the path of the
 * group, else NULL. (1) */
static const char *group_in_line(const struct hierarchy *of, const char *line)
{
	const char *controllers = strchr(line, ':'), *path;

	path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
	if (path == NULL || path[1] != '/')
		return NULL;
	if (of->controller == NULL)
		return strncmp(line, "0::", 3) == 0 ? path + 1 : NULL;
	return list_has(controllers + 1, path, of->controller) ? path + 1
							       : NULL;
}

/* Store the group of this process. Returns whether there is one. */
static int find_group(struct hierarchy *of)
{
	struct rotai_lines lines;
	const char *line, *group = NULL;

	(void)rotai_lines_open(&lines, of->root, "/proc/self/cgroup");
	while (group == NULL && (line = rotai_lines_next(&lines)) != NULL)
		group = group_in_line(of, line);
	if (group != NULL)
		(void)snprintf(of->group, sizeof(of->group), "%s", group);
	(void)rotai_lines_close(&lines);
	return group != NULL;
}

/* Undo the \040 of mountinfo: proc_pid_mountinfo(5). */
static void decode_octal(char *text)
{
	char *to = text;

	for (; *text != '\0'; to++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to = (char)((text[1] - '0') << 6 |
				     (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

/* Cut the next field off *@line; NULL: there is none. */
static char *next_field(char **line)
{
	char *field = *line, *end;

	if (field == NULL || *field == '\0')
		return NULL;
	end = strchr(field, ' ');
	if (end != NULL)
		*end++ = '\0';
	*line = end;
	return field;
}

/* Whether the fields @what, behind the hyphen in a line of mountinfo, are of
 * this hierarchy. */
static int is_mount_of(const struct hierarchy *of, char *what)
{
	const char *type = next_field(&what), *options;

	if (type == NULL)
		return 0;
	if (of->controller == NULL)
		return strcmp(type, "cgroup2") == 0;
	if (strcmp(type, "cgroup") != 0 || next_field(&what) == NULL)
		return 0;
	options = next_field(&what);
	return options != NULL &&
	       list_has(options, options + strlen(options), of->controller);
}

/* Return what of the group's path is below @top, the group that is the root of
 * the mount; NULL: it is not below it. (2) */
static const char *below_top(const struct hierarchy *of, const char *top)
{
	size_t n = strlen(top);

	if (n == 1)
		n = 0; /* "/" */
	if (strncmp(of->group, top, n) != 0 ||
	    (of->group[n] != '/' && of->group[n] != '\0'))
		return NULL;
	return of->group[n + 1] == '\0' && of->group[n] == '/' ? ""
							       : of->group + n;
}

/* The hierarchy is mounted at @mount, with the group @below there. */
static void set_group_path(struct hierarchy *of, const char *mount,
			   const char *below)
{
	of->mount = strlen(mount);
	(void)snprintf(of->path, sizeof(of->path), "%s%s", mount, below);
}

/* Look at a line of mountinfo. Returns whether the group was found in it. */
static int take_mount(struct hierarchy *of, char *line)
{
	char *what = strstr(line, " - "), *top, *mount;
	const char *below;

	if (what == NULL || !is_mount_of(of, what + 3))
		return 0;
	*what = '\0';
	for (int i = 0; i < 3; i++)
		(void)next_field(&line);
	top = next_field(&line);
	mount = next_field(&line);
	if (mount == NULL)
		return 0;
	decode_octal(top);
	decode_octal(mount);
	below = below_top(of, top);
	if (below != NULL || of->mount == 0)
		set_group_path(of, mount, below != NULL ? below : "");
	return below != NULL;
}

/* Store the path of the group. Without mountinfo, it is where it usually is. */
static void find_group_path(struct hierarchy *of)
{
	struct rotai_lines lines;
	char usual[64], *line;
	int found = 0;

	of->mount = 0;
	of->path[0] = '\0';
	(void)rotai_lines_open(&lines, of->root, "/proc/self/mountinfo");
	while (!found && (line = rotai_lines_next(&lines)) != NULL)
		found = take_mount(of, line);
	if (rotai_lines_close(&lines) == 0 || of->mount > 0)
		return;
	(void)snprintf(usual, sizeof(usual), "/sys/fs/cgroup%s%s",
		       of->controller != NULL ? "/" : "",
		       of->controller != NULL ? of->controller : "");
	set_group_path(of, usual, of->group[1] == '\0' ? "" : of->group);
}

/* Look at the group, and at all those above it. (3) */
static void walk_up(const char *root, const char *controller,
		    look_at_group *look, struct rotai_cgroup *limits)
{
	struct hierarchy at = { .root = root, .controller = controller };

	if (!find_group(&at))
		return;
	find_group_path(&at);
	while (at.mount > 0) {
		char *slash;

		look(&at, limits);
		slash = strrchr(at.path, '/');
		if (slash == NULL || (size_t)(slash - at.path) < at.mount)
			return;
		*slash = '\0';
	}
}

/* Read a number from a file of the group. Returns whether there is one. */
static int group_number(const struct hierarchy *at, const char *name,
			uint64_t *number)
{
	char file[GROUP_FILE_SIZE];

	(void)snprintf(file, sizeof(file), "%s/%s", at->path, name);
	return rotai_lines_one_number(at->root, file, number) == 0;
}

static void limit_processors(struct rotai_cgroup *limits, uint64_t quota,
			     uint64_t period)
{
	uint64_t most;

	if (quota == 0 || period == 0 || quota / period >= 1 << 20)
		return;
	most = quota / period + (quota % period > 0);
	if (limits->processors == 0 || most < limits->processors)
		limits->processors = (unsigned)most;
}

/* How many bytes of the files that the group has in the page cache it has not
 * used lately. */
static uint64_t unused_files(const struct hierarchy *at, const char *label)
{
	char file[GROUP_FILE_SIZE];
	struct rotai_lines lines;
	const char *line, *rest = NULL;
	uint64_t bytes = 0;

	(void)snprintf(file, sizeof(file), "%s/memory.stat", at->path);
	(void)rotai_lines_open(&lines, at->root, file);
	while (rest == NULL && (line = rotai_lines_next(&lines)) != NULL)
		rest = rotai_lines_after(line, label);
	if (rest != NULL)
		(void)rotai_lines_number(&rest, &bytes);
	(void)rotai_lines_close(&lines);
	return bytes;
}

static void limit_memory(struct rotai_cgroup *limits, uint64_t limit,
			 uint64_t used, uint64_t unused)
{
	uint64_t left;

	used = used > unused ? used - unused : 0;
	left = limit > used ? limit - used : 0;
	if (left < limits->left)
		limits->left = left;
	if (limit == 0)
		limit = 1; /* 0 is no limit */
	if (limits->memory == 0 || limit < limits->memory)
		limits->memory = limit;
}

static void look_at_processors_2(const struct hierarchy *at,
				 struct rotai_cgroup *limits)
{
	char file[GROUP_FILE_SIZE], line[SMALL_LINE];
	const char *rest = line;
	uint64_t quota, period;

	(void)snprintf(file, sizeof(file), "%s/cpu.max", at->path);
	if (rotai_lines_first(at->root, file, line, sizeof(line)) == 0 &&
	    rotai_lines_number(&rest, &quota) &&
	    rotai_lines_number(&rest, &period))
		limit_processors(limits, quota, period);
}

static void look_at_processors_1(const struct hierarchy *at,
				 struct rotai_cgroup *limits)
{
	uint64_t quota, period;

	if (group_number(at, "cpu.cfs_quota_us", &quota) &&
	    group_number(at, "cpu.cfs_period_us", &period))
		limit_processors(limits, quota, period);
}

static void look_at_memory_2(const struct hierarchy *at,
			     struct rotai_cgroup *limits)
{
	uint64_t limit, used;

	if (!group_number(at, "memory.max", &limit) || limit >= MOST_MEMORY)
		return;
	if (!group_number(at, "memory.current", &used))
		used = 0;
	limit_memory(limits, limit, used, unused_files(at, "inactive_file "));
}

static void look_at_memory_1(const struct hierarchy *at,
			     struct rotai_cgroup *limits)
{
	uint64_t limit, used;

	if (!group_number(at, "memory.limit_in_bytes", &limit) ||
	    limit >= MOST_MEMORY)
		return;
	if (!group_number(at, "memory.usage_in_bytes", &used))
		used = 0;
	limit_memory(limits, limit, used,
		     unused_files(at, "total_inactive_file "));
}

void rotai_cgroup_find(const char *root, int wanted,
		       struct rotai_cgroup *limits)
{
	*limits = (struct rotai_cgroup){ .left = UINT64_MAX };
	if (wanted & ROTAI_CGROUP_PROCESSORS) {
		walk_up(root, NULL, look_at_processors_2, limits);
		walk_up(root, "cpu", look_at_processors_1, limits);
	}
	if (wanted & ROTAI_CGROUP_MEMORY) {
		walk_up(root, NULL, look_at_memory_2, limits);
		walk_up(root, "memory", look_at_memory_1, limits);
	}
}

/*
 * system/environment.c - see rota/environment.h.
 */
#include "rota/environment.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environ.h"
#include "rota/error.h"
#include "rota/user.h"
#include "system/machine.h"
#include "system/text.h"

static int is_variable_name(const char *name)
{
	return name != NULL && *name != '\0' && strchr(name, '=') == NULL;
}

int rota_environment_get(const char *name, char *value, size_t size)
{
	const char *found;

	if (!is_variable_name(name) || value == NULL)
		return ROTA_EINVAL;
	found = getenv(name);
	return found == NULL ? ROTA_ENOENT
			     : rotai_text_give(value, size, found);
}

int rota_environment_set(const char *name, const char *value)
{
	if (!is_variable_name(name) || value == NULL)
		return ROTA_EINVAL;
	return setenv(name, value, 1) < 0 ? -errno : 0;
}

int rota_environment_unset(const char *name)
{
	if (!is_variable_name(name))
		return ROTA_EINVAL;
	return unsetenv(name) < 0 ? -errno : 0;
}

/* Return the '=' behind the name in @text; or NULL, if it is no variable. */
static const char *end_of_name(const char *text)
{
	return *text == '\0' ? NULL : strchr(text + 1, '=');
}

/* Copy the variables behind *@made, which has space for them. */
static void copy_variables(struct rota_environment *made, char *const *from)
{
	struct rota_variable *at = (struct rota_variable *)(made + 1);
	char *texts = (char *)(at + made->count);

	made->variables = at;
	for (; *from != NULL; from++) {
		const char *equals = end_of_name(*from);
		size_t n = strlen(*from) + 1;

		if (equals == NULL)
			continue;
		memcpy(texts, *from, n);
		texts[equals - *from] = '\0';
		at->name = texts;
		at->value = texts + (equals - *from) + 1;
		at++;
		texts += n;
	}
}

int rota_environment_list(const struct rota_environment **list)
{
	static char *const none[] = { NULL };
	char *const *from = rotai_environ();
	struct rota_environment *made;
	size_t count = 0, texts = 0;

	if (list == NULL)
		return ROTA_EINVAL;
	if (from == NULL)
		from = none; /* after clearenv(3) */
	for (char *const *at = from; *at != NULL; at++)
		if (end_of_name(*at) != NULL) {
			count++;
			texts += strlen(*at) + 1;
		}
	made = malloc(sizeof(*made) + count * sizeof(struct rota_variable) +
		      texts);
	if (made == NULL)
		return ROTA_ENOMEM;
	made->count = count;
	copy_variables(made, from);
	*list = made;
	return 0;
}

void rota_environment_free(const struct rota_environment *list)
{
	free((void *)(uintptr_t)list);
}

int rota_home_directory(char *path, size_t size)
{
	const char *home = getenv("HOME");
	const struct rota_user *user;
	int error;

	if (path == NULL)
		return ROTA_EINVAL;
	if (home != NULL && *home != '\0')
		return rotai_text_give(path, size, home);
	error = rota_user_by_id(getuid(), 0, &user);
	if (error < 0)
		return error;
	error = rotai_text_give(path, size, user->directory);
	rota_user_unref(user);
	return error;
}

int rota_temporary_directory(char *path, size_t size)
{
	const char *found = getenv("TMPDIR");
	size_t n;

	if (path == NULL)
		return ROTA_EINVAL;
	if (found == NULL || *found == '\0' || rotai_machine_is_privileged())
		found = "/tmp";
	n = strlen(found);
	while (n > 1 && found[n - 1] == '/')
		n--;
	if (n + 1 > size)
		return ROTA_ENOBUFS;
	memcpy(path, found, n);
	path[n] = '\0';
	return 0;
}

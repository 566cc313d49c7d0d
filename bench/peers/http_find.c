/*
 * http_find.c - find the programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/http.h"

static bool find_in_path(char path[HTTP_PATH], const char *name)
{
	const char *directory = getenv("PATH");

	while (directory && *directory) {
		int size = (int)strcspn(directory, ":");

		snprintf(path, HTTP_PATH, "%.*s/%s", size, directory, name);
		if (access(path, X_OK) == 0)
			return true;
		directory += size;
		directory += *directory == ':';
	}
	return false;
}

bool http_find(char path[HTTP_PATH], const char *variable, const char *name,
	       const char *other)
{
	const char *given = getenv(variable);

	if (given) {
		snprintf(path, HTTP_PATH, "%s", given);
		if (access(path, X_OK) == 0)
			return true;
	} else if (find_in_path(path, name)) {
		return true;
	} else if (other && access(other, X_OK) == 0) {
		snprintf(path, HTTP_PATH, "%s", other);
		return true;
	}
	printf("note: there is no %s here: left out\n", name);
	return false;
}

void http_beside(char path[HTTP_PATH], const struct http_site *site,
		 const char *name)
{
	const char *slash = strrchr(site->own, '/');
	int size = slash ? (int)(slash - site->own) : 1;

	snprintf(path, HTTP_PATH, "%.*s/%s", size, slash ? site->own : ".",
		 name);
}

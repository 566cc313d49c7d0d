/*
 * http_fileserver.c - the file server of docs/examples: it uses rota's streams,
 * and rota's pool of threads to open and read files.
 */
#include <stdlib.h>

#include "peers/http.h"

static bool prepare(struct http_command *command, const struct http_site *site)
{
	char own[HTTP_PATH];

	http_beside(own, site, "../hardened/examples/fileserver");
	if (!http_find(command->program, "FILESERVER", "fileserver", own))
		return false;
	command->arguments[1] = "-q";
	command->arguments[2] = "-p";
	command->arguments[3] = "0";
	command->arguments[4] = site->root;
	return true;
}

const struct http_peer http_fileserver = { "rota fileserver", prepare };

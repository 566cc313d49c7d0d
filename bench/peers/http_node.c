/*
 * http_node.c - node's own server, which is http_node.js in this directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers/http.h"

static bool prepare(struct http_command *command, const struct http_site *site,
		    const char *way)
{
	static const char script[] = "bench/peers/http_node.js";
	char *found = command->configuration;
	const char *given = getenv("HTTP_NODE_JS");

	if (!http_find(command->program, "NODE", "node", NULL))
		return false;
	snprintf(found, sizeof(command->configuration), "%s",
		 given ? given : script);
	if (access(found, R_OK))
		http_beside(found, site, "../../bench/peers/http_node.js");
	if (access(found, R_OK)) {
		printf("note: there is no http_node.js here: left out\n");
		return false;
	}
	command->arguments[1] = found;
	command->arguments[2] = way;
	command->arguments[3] = site->root;
	return true;
}

static bool prepare_whole(struct http_command *command,
			  const struct http_site *site)
{
	return prepare(command, site, "readFile");
}

static bool prepare_stream(struct http_command *command,
			   const struct http_site *site)
{
	return prepare(command, site, "createReadStream");
}

const struct http_peer http_node_whole = {
	"node http, readFile",
	prepare_whole,
};

const struct http_peer http_node_stream = {
	"node http, createReadStream",
	prepare_stream,
};

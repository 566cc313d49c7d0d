/*
 * peers/http.h - programs that serve files over HTTP.
 */
#ifndef BENCH_PEERS_HTTP_H
#define BENCH_PEERS_HTTP_H

#include <stdbool.h>

enum { HTTP_ARGUMENTS = 8, HTTP_PATH = 512 };

/* The paths of a run. */
struct http_site {
	const char *own;    /* argv[0] of the benchmark */
	char directory[64]; /* for files that a server must write */
	char root[80];      /* the served files are below it */
};

/* How to start a server. It stays in the foreground, in one process. */
struct http_command {
	char program[HTTP_PATH];
	char configuration[HTTP_PATH]; /* the file's name, if it needs one */
	const char *arguments[HTTP_ARGUMENTS];
	unsigned port; /* 0: it prints a line with its URL */
};

struct http_peer {
	const char *name;
	/* Returns false after a message if the program is not installed. */
	bool (*prepare)(struct http_command *command,
			const struct http_site *site);
};

extern const struct http_peer http_fileserver;
extern const struct http_peer http_nginx_sendfile;
extern const struct http_peer http_nginx_cache;
extern const struct http_peer http_nginx_read;
extern const struct http_peer http_node_whole;
extern const struct http_peer http_node_stream;

/* Find the program that the environment variable @variable names, or @name in
 * PATH, or else at @other, if that is not NULL. */
bool http_find(char path[HTTP_PATH], const char *variable, const char *name,
	       const char *other);

/* Make the path of @name, which is relative to the directory of this
 * program. */
void http_beside(char path[HTTP_PATH], const struct http_site *site,
		 const char *name);

#endif

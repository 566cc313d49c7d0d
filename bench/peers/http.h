/*
 * peers/http.h - programs that serve files over HTTP.
 */
#ifndef BENCH_PEERS_HTTP_H
#define BENCH_PEERS_HTTP_H

#include <stdbool.h>

enum { HTTP_ARGUMENTS = 8, HTTP_PATH = 512 };

/* Where things are. */
struct http_site {
	const char *own;    /* the benchmark's own program: its argv[0] */
	char directory[64]; /* for whatever a server has to write */
	char root[80];      /* what is served lies below it */
};

/* How to start a server: it stays in the foreground, in one process. */
struct http_command {
	char program[HTTP_PATH];
	char configuration[HTTP_PATH]; /* if it needs one, the file's name */
	const char *arguments[HTTP_ARGUMENTS];
	unsigned port; /* 0: it prints a line with its URL */
};

struct http_peer {
	const char *name;
	/* Returns false, having said why, if there is no such program here. */
	bool (*prepare)(struct http_command *command,
			const struct http_site *site);
};

extern const struct http_peer http_fileserver;
extern const struct http_peer http_nginx_sendfile;
extern const struct http_peer http_nginx_cache;
extern const struct http_peer http_nginx_read;
extern const struct http_peer http_node_whole;
extern const struct http_peer http_node_stream;

/* Find the program that @variable of the environment names, or @name in PATH,
 * or else at @other, if that is not NULL. */
bool http_find(char path[HTTP_PATH], const char *variable, const char *name,
	       const char *other);

/* The path of @name, which is relative to the directory of the own program. */
void http_beside(char path[HTTP_PATH], const struct http_site *site,
		 const char *name);

#endif

/*
 * http_nginx.c - nginx: with sendfile, as Debian configures it; without it, as
 * is its own default; and with sendfile and a cache of open files.
 *
 * It is one process, which is master and worker, so that nothing survives it.
 * It serves as a single worker would. It does not log. A connection may make
 * any number of requests; by default nginx would end it after 1000.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "peers/http.h"
#include "support/bench.h"
#include "support/sockets.h"

static const char text[] =
	"daemon off; master_process off;\n"
	"pid %1$s/nginx-%2$u.pid; error_log %1$s/nginx.log;\n"
	"events { worker_connections 768; }\n"
	"http {\n"
	"  types { text/plain txt; }\n"
	"  sendfile %3$s; tcp_nopush %3$s; access_log off;\n"
	"  keepalive_requests 1000000000; %5$s\n"
	"  client_body_temp_path %1$s/body; proxy_temp_path %1$s/proxy;\n"
	"  fastcgi_temp_path %1$s/fastcgi; uwsgi_temp_path %1$s/uwsgi;\n"
	"  scgi_temp_path %1$s/scgi;\n"
	"  server { listen 127.0.0.1:%2$u; root %4$s; }\n"
	"}\n";

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
	struct sockaddr_in name;

	close(bench_listen(&name, 1));
	return ntohs(name.sin_port);
}

static bool prepare(struct http_command *command, const struct http_site *site,
		    const char *sendfile, const char *more)
{
	FILE *file;

	if (!http_find(command->program, "NGINX", "nginx", "/usr/sbin/nginx"))
		return false;
	command->port = free_port();
	snprintf(command->configuration, sizeof(command->configuration),
		 "%s/nginx-%u.conf", site->directory, command->port);
	file = fopen(command->configuration, "w");
	if (!file)
		bench_fail("cannot write %s", command->configuration);
	fprintf(file, text, site->directory, command->port, sendfile,
		site->root, more);
	fclose(file);
	command->arguments[1] = "-c";
	command->arguments[2] = command->configuration;
	command->arguments[3] = "-e";
	command->arguments[4] = "stderr";
	return true;
}

static bool prepare_sendfile(struct http_command *command,
			     const struct http_site *site)
{
	return prepare(command, site, "on", "");
}

/* Descriptors and sizes of files are cached, and checked again every minute. */
static bool prepare_cache(struct http_command *command,
			  const struct http_site *site)
{
	return prepare(command, site, "on",
		       "open_file_cache max=1000 inactive=60s; "
		       "open_file_cache_valid 60s;");
}

static bool prepare_read(struct http_command *command,
			 const struct http_site *site)
{
	return prepare(command, site, "off", "");
}

const struct http_peer http_nginx_sendfile = {
	"nginx, sendfile on",
	prepare_sendfile,
};

const struct http_peer http_nginx_cache = {
	"nginx, sendfile, open_file_cache",
	prepare_cache,
};

const struct http_peer http_nginx_read = {
	"nginx, sendfile off",
	prepare_read,
};

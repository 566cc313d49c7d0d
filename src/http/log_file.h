/*
 * http/log_file.h - the file of a log, as a thread of the pool uses it.
 */
#ifndef ROTAI_HTTP_LOG_FILE_H
#define ROTAI_HTTP_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

/* What calls have come to, since it was last set to zero. */
struct rotai_http_log_result {
	uint64_t errors;
	int error; /* the last one */
	uint64_t opened;
	uint64_t lost; /* lines */
};

struct rotai_http_log_file {
	char *path;
	unsigned mode;
	int fd;         /* -1: none is open */
	int is_regular; /* writes do not wait for a reader */
	int is_cut;     /* the last line was not written whole */
	struct rotai_http_log_result result;
};

/* Open the file, in place of the one that is open. Returns 0, or an error,
 * after which the old one is still open. */
int rotai_http_log_file_open(struct rotai_http_log_file *file);

/* Append lines. The result says how many were lost. */
void rotai_http_log_file_append(struct rotai_http_log_file *file,
				const char *lines, size_t size);

void rotai_http_log_file_close(struct rotai_http_log_file *file);

#endif

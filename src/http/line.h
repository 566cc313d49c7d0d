/*
 * http/line.h - reads single lines of a head.
 *
 * A line begins at @bytes + @at, where @bytes is the begin of the section whose
 * lines the offsets count from, and ends at @stop, before CR LF. It contains no
 * control character but tabs. Bytes up to @end may be read.
 */
#ifndef ROTAI_HTTP_LINE_H
#define ROTAI_HTTP_LINE_H

#include "http/refusal.h"

struct rotai_http_line {
	const char *bytes;
	uint32_t at;
	const char *stop;
	const char *end;
};

enum rotai_http_refusal
rotai_http_read_request_line(struct rota_http_head *head,
			     const struct rotai_http_line *line,
			     uint32_t target_limit);

enum rotai_http_refusal
rotai_http_read_status_line(struct rota_http_head *head,
			    const struct rotai_http_line *line);

/* Store the field in *@field, but do not look at what its value says. */
enum rotai_http_refusal
rotai_http_read_field(struct rota_http_field *field,
		      const struct rotai_http_line *line);

#endif

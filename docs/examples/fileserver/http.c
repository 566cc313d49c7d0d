/*
 * http.c - reads requests, strictly, and words replies.
 */
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The size of the head at @bytes; 0 if it has no end yet; -1 if it has bytes
 * that no head has: a control character, or a CR or LF without the other. */
static ptrdiff_t measure(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int after_cr = i > 0 && bytes[i - 1] == '\r';

		if ((bytes[i] == '\n') != after_cr)
			return -1;
		if (iscntrl((unsigned char)bytes[i]) &&
		    memchr("\t\r\n", bytes[i], 3) == NULL)
			return -1;
		if (i >= 3 && memcmp(bytes + i - 3, "\r\n\r\n", 4) == 0)
			return (ptrdiff_t)i + 1;
	}
	return 0;
}

/* End the string at the first @byte. Returns what follows it, or NULL. */
static char *cut(char *text, char byte)
{
	char *at = strchr(text, byte);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* Methods and names of fields: no spaces, so no folded lines either. */
static int is_token(const char *text)
{
	size_t size = strspn(text, "!#$%&'*+-.^_`|~0123456789"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz");

	return size > 0 && text[size] == '\0';
}

static int hex_value(char digit)
{
	if (isdigit((unsigned char)digit))
		return digit - '0';
	return tolower((unsigned char)digit) - 'a' + 10;
}

/* Decode @path in place: %41 is an A. Returns 0 if it is not well formed, or
 * has a byte 0 in it, after which a system would read no further. */
static int decode(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0'; from++, to++) {
		if (!isgraph((unsigned char)*from) || *from == '#')
			return 0;
		*to = *from;
		if (*from != '%')
			continue;
		if (!isxdigit((unsigned char)from[1]) ||
		    !isxdigit((unsigned char)from[2]))
			return 0;
		*to = (char)(hex_value(from[1]) << 4 | hex_value(from[2]));
		if (*to == '\0')
			return 0;
		from += 2;
	}
	*to = '\0';
	return 1;
}

/* The path in "/path?query", or in "http://host/path?query", which a proxy is
 * sent; NULL if it is neither. */
static char *read_target(char *target)
{
	if (strncasecmp(target, "http://", 7) == 0)
		target = strchr(target + 7, '/');
	if (target == NULL || *target != '/')
		return NULL;
	cut(target, '?');
	return decode(target) ? target : NULL;
}

static int read_request_line(struct http_request *request, char *line)
{
	char *target = cut(line, ' ');
	char *version = target != NULL ? cut(target, ' ') : NULL;

	if (version == NULL || strlen(version) != 8 ||
	    strncmp(version, "HTTP/", 5) != 0 ||
	    !isdigit((unsigned char)version[5]) || version[6] != '.' ||
	    !isdigit((unsigned char)version[7]) || !is_token(line))
		return 400;
	if (version[5] != '1')
		return 505;
	request->keep_alive = version[7] != '0';
	request->is_head = strcmp(line, "HEAD") == 0;
	if (!request->is_head && strcmp(line, "GET") != 0)
		return 405;
	request->path = read_target(target);
	return request->path != NULL ? 200 : 400;
}

/* Look at one field, and count it if it is the host's name. */
static int read_field(struct http_request *request, char *line, int *hosts)
{
	char *value = cut(line, ':');
	char *word;

	if (value == NULL || !is_token(line))
		return 400;
	if (strcasecmp(line, "Host") == 0)
		++*hosts;
	if (strcasecmp(line, "Transfer-Encoding") == 0)
		return 413;
	if (strcasecmp(line, "Content-Length") == 0) {
		word = strtok_r(value, " \t", &value);
		if (word == NULL || strcmp(word, "0") != 0 ||
		    strtok_r(NULL, " \t", &value) != NULL)
			return 413;
	}
	if (strcasecmp(line, "Connection") == 0)
		while ((word = strtok_r(value, ", \t", &value)) != NULL)
			if (strcasecmp(word, "close") == 0)
				request->keep_alive = 0;
	return 200;
}

/* The size of the empty lines before a request, as some clients send one after
 * the one before: RFC 9112, 2.2. */
static size_t measure_empty_lines(const char *bytes, size_t size)
{
	size_t empty = 0;

	while (size - empty >= 2 && memcmp(bytes + empty, "\r\n", 2) == 0)
		empty += 2;
	return empty;
}

int http_parse(struct http_request *request, char *bytes, size_t size,
	       size_t limit)
{
	size_t empty = measure_empty_lines(bytes, size);
	ptrdiff_t head = measure(bytes + empty, size - empty);
	int hosts = 0, hosts_needed, status;
	char *line, *next;

	if (head == 0 && size < limit)
		return 0;
	*request = (struct http_request){ 0 };
	if (head < 0)
		return 400;
	if (head == 0)
		return memchr(bytes, '\n', size) != NULL ? 431 : 414;

	request->size = empty + (size_t)head;
	bytes += empty;
	bytes[head - 1] = '\0'; /* in the place of the last LF */
	next = cut(bytes, '\r') + 1;
	status = read_request_line(request, bytes);
	hosts_needed = request->keep_alive; /* not by HTTP/1.0 */
	while (status == 200 && *(line = next) != '\r') {
		next = cut(line, '\r') + 1;
		status = read_field(request, line, &hosts);
	}
	if (status == 200 && (hosts > 1 || hosts < hosts_needed))
		status = 400;
	if (status != 200)
		request->keep_alive = 0;
	return status;
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* The type of what is in a file called @name. */
static const char *type_of(const char *name)
{
	static const struct {
		const char *extension;
		const char *type;
	} types[] = {
		{ ".c", "text/plain; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".gif", "image/gif" },
		{ ".h", "text/plain; charset=utf-8" },
		{ ".html", "text/html; charset=utf-8" },
		{ ".ico", "image/x-icon" },
		{ ".jpg", "image/jpeg" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".md", "text/plain; charset=utf-8" },
		{ ".pdf", "application/pdf" },
		{ ".png", "image/png" },
		{ ".sh", "text/plain; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".wasm", "application/wasm" },
	};
	const char *extension = strrchr(name, '.');

	if (extension != NULL)
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (strcasecmp(types[i].extension, extension) == 0)
				return types[i].type;
	return "application/octet-stream";
}

size_t http_reply(char *to, const struct http_request *request, int status,
		  const char *name, int64_t size)
{
	const char *reason = reason_of(status);
	const char *type, *text = "";

	if (status == 200) {
		type = type_of(name);
	} else {
		type = "text/plain; charset=utf-8";
		size = (int64_t)strlen(reason);
		text = request->is_head ? "" : reason;
	}
	return (size_t)snprintf(
		to, HTTP_REPLY_SIZE,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
		"Content-Length: %" PRId64 "\r\n%s%s\r\n%s",
		status, reason, type, size,
		status == 405 ? "Allow: GET, HEAD\r\n" : "",
		request->keep_alive ? "" : "Connection: close\r\n", text);
}

int http_status(int error)
{
	switch (error) {
	case 0:
		return 200;
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	default:
		return 404;
	}
}

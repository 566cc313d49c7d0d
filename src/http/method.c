/*
 * http/method.c - see rota_http/method.h.
 */
#include "rota_http/method.h"

#include <stdint.h>
#include <string.h>

static const struct {
	char text[8];
	size_t size;
} methods[ROTA_HTTP_METHOD_COUNT] = {
	[ROTA_HTTP_OTHER] = { "", 0 },
	[ROTA_HTTP_GET] = { "GET", 3 },
	[ROTA_HTTP_HEAD] = { "HEAD", 4 },
	[ROTA_HTTP_POST] = { "POST", 4 },
	[ROTA_HTTP_PUT] = { "PUT", 3 },
	[ROTA_HTTP_DELETE] = { "DELETE", 6 },
	[ROTA_HTTP_CONNECT] = { "CONNECT", 7 },
	[ROTA_HTTP_OPTIONS] = { "OPTIONS", 7 },
	[ROTA_HTTP_TRACE] = { "TRACE", 5 },
	[ROTA_HTTP_PATCH] = { "PATCH", 5 },
};

enum rota_http_method rota_http_method_find(const char *text, size_t size)
{
	for (int i = 1; i < ROTA_HTTP_METHOD_COUNT; i++)
		if (methods[i].size == size &&
		    memcmp(methods[i].text, text, size) == 0)
			return (enum rota_http_method)i;
	return ROTA_HTTP_OTHER;
}

const char *rota_http_method_text(enum rota_http_method method)
{
	return (unsigned)method < ROTA_HTTP_METHOD_COUNT ? methods[method].text
							 : "";
}

/*
 * http/conditional.c - see rota_http/conditional.h.
 *
 *  1. An entity tag is a hash: equal metadata have equal tags, and no inode or
 *     time is told to strangers. The time at which the inode changed is in it,
 *     because programs can set the time of the content back, but not this one.
 *  2. A field that may be there several times, If-Match and If-None-Match, is
 *     one list over all of them: RFC 9110, 5.3. The others are ignored if they
 *     are there twice.
 */
#include "rota_http/conditional.h"

#include <string.h>

#include "rota/error.h"
#include "rota_http/date.h"

#define STEP_NS UINT64_C(2000000000) /* of a time in FAT, the coarsest */

/* Mix @value into @hash: every bit of both changes about half of the result. */
static uint64_t mix_in(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 29;
}

/* Whether a change at @time_ns is so old that another one would have another
 * time. */
static int is_second_past(int64_t time_ns, uint64_t now_ns)
{
	return time_ns < 0 || ((uint64_t)time_ns < now_ns &&
			       now_ns - (uint64_t)time_ns >= STEP_NS);
}

size_t rota_http_etag_write(char to[ROTA_HTTP_ETAG_SIZE],
			    const struct rota_file_info *info, uint64_t now_ns)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t hash = mix_in(mix_in(0, info->device), info->inode);
	char *at = to;

	hash = mix_in(mix_in(hash, info->bytes), (uint64_t)info->modified_ns);
	hash = mix_in(hash, (uint64_t)info->changed_ns);
	if (!is_second_past(info->modified_ns, now_ns) ||
	    !is_second_past(info->changed_ns, now_ns)) {
		*at++ = 'W';
		*at++ = '/';
	}
	*at++ = '"';
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = digits[hash >> shift & 15];
	*at++ = '"';
	return (size_t)(at - to);
}

/* Whether one of the fields @name has a tag that matches, or is "*". */
static int has_match(const struct rota_http_head *head,
		     enum rota_http_name name,
		     const struct rota_http_validators *validators,
		     int is_strong)
{
	static const struct rota_http_etag no_tag = { { "", 0 }, 1 };
	const struct rota_http_etag *etag = &validators->etag;

	if (!validators->exists)
		return 0;
	if (etag->tag.data == NULL)
		etag = &no_tag; /* "*" matches it */
	for (int i = -1;
	     (i = rota_http_head_find(head, name, (uint32_t)(i + 1))) >= 0;)
		if (rota_http_etag_list_has(
			    rota_http_head_value(head, (uint32_t)i), etag,
			    is_strong))
			return 1;
	return 0;
}

/* Read the date in the field @name. Returns 0 if there is none, two, or none
 * that is valid. */
static int read_stored_date(const struct rota_http_head *head,
			    enum rota_http_name name, int64_t now_seconds,
			    int64_t *seconds)
{
	int at = rota_http_head_find(head, name, 0);

	return at >= 0 &&
	       rota_http_head_find(head, name, (uint32_t)at + 1) < 0 &&
	       rota_http_date_parse(seconds,
				    rota_http_head_value(head, (uint32_t)at),
				    now_seconds) == 0;
}

static int has_field(const struct rota_http_head *head,
		     enum rota_http_name name)
{
	return rota_http_head_find(head, name, 0) >= 0;
}

/* Steps 1 and 2: whether the resource is as the client believes. */
static int is_as_expected(const struct rota_http_head *head,
			  const struct rota_http_validators *validators,
			  int64_t now_seconds)
{
	int64_t date;

	if (has_field(head, ROTA_HTTP_NAME_IF_MATCH))
		return has_match(head, ROTA_HTTP_NAME_IF_MATCH, validators, 1);
	if (validators->modified_seconds == ROTA_HTTP_NEVER ||
	    !read_stored_date(head, ROTA_HTTP_NAME_IF_UNMODIFIED_SINCE,
			      now_seconds, &date))
		return 1;
	return validators->modified_seconds <= date;
}

int rota_http_evaluate(const struct rota_http_head *head,
		       const struct rota_http_validators *validators,
		       int64_t now_seconds)
{
	int is_read =
		head->method == ROTA_HTTP_GET || head->method == ROTA_HTTP_HEAD;
	int64_t date;

	if (!is_as_expected(head, validators, now_seconds))
		return 412;
	if (has_field(head, ROTA_HTTP_NAME_IF_NONE_MATCH)) {
		if (!has_match(head, ROTA_HTTP_NAME_IF_NONE_MATCH, validators,
			       0))
			return 0;
		return is_read ? 304 : 412;
	}
	if (is_read && validators->modified_seconds != ROTA_HTTP_NEVER &&
	    read_stored_date(head, ROTA_HTTP_NAME_IF_MODIFIED_SINCE,
			     now_seconds, &date) &&
	    validators->modified_seconds <= date)
		return 304;
	return 0;
}

/* Whether If-Range, which is there, names this very representation. */
static int is_same_range(const struct rota_http_head *head,
			 const struct rota_http_validators *validators,
			 int64_t now_seconds)
{
	int at = rota_http_head_find(head, ROTA_HTTP_NAME_IF_RANGE, 0);
	struct rota_http_etag etag;
	int64_t date;

	if (rota_http_head_find(head, ROTA_HTTP_NAME_IF_RANGE,
				(uint32_t)at + 1) >= 0)
		return 0;
	if (rota_http_etag_parse(&etag,
				 rota_http_head_value(head, (uint32_t)at)) == 0)
		return validators->etag.tag.data != NULL &&
		       rota_http_etag_match(&etag, &validators->etag, 1);
	return validators->modified_seconds != ROTA_HTTP_NEVER &&
	       validators->modified_seconds < now_seconds &&
	       read_stored_date(head, ROTA_HTTP_NAME_IF_RANGE, now_seconds,
				&date) &&
	       validators->modified_seconds == date;
}

int rota_http_range_wanted(const struct rota_http_head *head,
			   const struct rota_http_validators *validators,
			   int64_t now_seconds)
{
	int at = rota_http_head_find(head, ROTA_HTTP_NAME_RANGE, 0);

	if (head->method != ROTA_HTTP_GET || at < 0 ||
	    rota_http_head_find(head, ROTA_HTTP_NAME_RANGE, (uint32_t)at + 1) >=
		    0)
		return 0;
	return !has_field(head, ROTA_HTTP_NAME_IF_RANGE) ||
	       is_same_range(head, validators, now_seconds);
}

/*
 * http/framing.c - see framing.h. RFC 9112, 6.
 *
 *  1. A bit for each known name says which fields there are. So a head without
 *     the fields that matter here costs one test.
 *  2. Two lengths, or a length and a coding, are how requests are smuggled past
 *     a proxy: both are refused, even if they agree.
 *  3. A coding that the library does not know is 501, wherever it is in the
 *     list, unless chunked comes before it: that is 400, as is chunked twice.
 */
#include "http/framing.h"

#include "http/text.h"
#include "rota_http/list.h"
#include "rota_http/target.h"

enum { HTTP_1_0 = 0, SWITCHING = 101, NO_CONTENT = 204, NOT_MODIFIED = 304 };

static uint64_t bit_of(enum rota_http_name name)
{
	return UINT64_C(1) << (unsigned)name;
}

static int has(const struct rota_http_head *head, enum rota_http_name name)
{
	return (head->known & bit_of(name)) != 0;
}

static enum rotai_http_refusal read_length(struct rota_http_head *head)
{
	struct rota_const_buf text =
		rota_http_head_get(head, ROTA_HTTP_NAME_CONTENT_LENGTH);
	uint64_t length = 0;

	if (!rotai_http_is_all(text.data, text.size, ROTAI_HTTP_DIGIT))
		return ROTAI_HTTP_BAD_LENGTH;
	for (size_t i = 0; i < text.size; i++) {
		if (length > INT64_MAX / 10)
			return ROTAI_HTTP_HUGE_LENGTH;
		length = 10 * length + (uint64_t)(text.data[i] - '0');
	}
	if (length > INT64_MAX)
		return ROTAI_HTTP_HUGE_LENGTH;
	head->content_length = length;
	head->body = ROTA_HTTP_BODY_LENGTH;
	return ROTAI_HTTP_FINE;
}

/* Whether the coding is chunked with a parameter, as in "chunked;a=b". */
static int has_parameter(struct rota_const_buf coding)
{
	size_t size = sizeof("chunked") - 1;

	return coding.size > size &&
	       rotai_http_is_same(coding.data, "chunked", size) &&
	       (coding.data[size] == ';' ||
		rotai_http_is_blank(coding.data[size]));
}

/* Read the codings of one field. What was found is added to the flags. */
static enum rotai_http_refusal read_codings(struct rota_const_buf value,
					    int *is_chunked, int *is_other)
{
	struct rota_http_list list = { value };
	struct rota_const_buf coding;
	int found;

	while ((found = rota_http_list_next(&list, &coding)) == 1) {
		if (*is_chunked)
			return ROTAI_HTTP_CHUNKED_NOT_LAST;
		if (has_parameter(coding))
			return ROTAI_HTTP_CHUNKED_PARAMETER;
		if (!rotai_http_is(coding.data[0], ROTAI_HTTP_TCHAR))
			return ROTAI_HTTP_NO_CODING;
		if (rotai_http_is_word(coding.data, coding.size, "chunked"))
			*is_chunked = 1;
		else
			*is_other = 1;
	}
	return found < 0 ? ROTAI_HTTP_NO_CODING : ROTAI_HTTP_FINE;
}

static enum rotai_http_refusal read_coding(struct rota_http_head *head)
{
	int is_chunked = 0, is_other = 0;
	int index = -1;

	if (has(head, ROTA_HTTP_NAME_CONTENT_LENGTH))
		return ROTAI_HTTP_LENGTH_AND_CODING;
	if (head->minor == HTTP_1_0)
		return ROTAI_HTTP_CODING_BY_1_0;
	while ((index = rota_http_head_find(head,
					    ROTA_HTTP_NAME_TRANSFER_ENCODING,
					    (uint32_t)(index + 1))) >= 0) {
		enum rotai_http_refusal refusal = read_codings(
			rota_http_head_value(head, (uint32_t)index),
			&is_chunked, &is_other);

		if (refusal != ROTAI_HTTP_FINE)
			return refusal;
	}
	if (is_other)
		return ROTAI_HTTP_OTHER_CODING;
	if (!is_chunked)
		return ROTAI_HTTP_NO_CODING;
	head->body = ROTA_HTTP_BODY_CHUNKED;
	return ROTAI_HTTP_FINE;
}

/* What the fields Connection and Upgrade say, of which there is one. */
static void read_connection(struct rota_http_head *head)
{
	int keep = head->minor != HTTP_1_0;
	int close = 0, upgrade = 0;
	int index = -1;

	while ((index = rota_http_head_find(head, ROTA_HTTP_NAME_CONNECTION,
					    (uint32_t)(index + 1))) >= 0) {
		struct rota_http_list list = { rota_http_head_value(
			head, (uint32_t)index) };
		struct rota_const_buf option;

		while (rota_http_list_next(&list, &option) == 1) {
			close |= rotai_http_is_word(option.data, option.size,
						    "close");
			keep |= rotai_http_is_word(option.data, option.size,
						   "keep-alive");
			upgrade |= rotai_http_is_word(option.data, option.size,
						      "upgrade");
		}
	}
	if (keep && !close)
		head->flags |= ROTA_HTTP_KEEP_ALIVE;
	if (upgrade && has(head, ROTA_HTTP_NAME_UPGRADE) &&
	    head->minor != HTTP_1_0)
		head->flags |= ROTA_HTTP_UPGRADES;
}

/* RFC 9110, 10.1.1: HTTP/1.0 has no expectations. */
static enum rotai_http_refusal read_expectation(struct rota_http_head *head)
{
	int index = -1;

	if (head->minor == HTTP_1_0)
		return ROTAI_HTTP_FINE;
	while ((index = rota_http_head_find(head, ROTA_HTTP_NAME_EXPECT,
					    (uint32_t)(index + 1))) >= 0) {
		struct rota_const_buf value =
			rota_http_head_value(head, (uint32_t)index);

		if (!rotai_http_is_word(value.data, value.size, "100-continue"))
			return ROTAI_HTTP_OTHER_EXPECT;
	}
	if (head->body == ROTA_HTTP_BODY_CHUNKED || head->content_length > 0)
		head->flags |= ROTA_HTTP_EXPECTS_CONTINUE;
	return ROTAI_HTTP_FINE;
}

static enum rotai_http_refusal check_form(const struct rota_http_head *head)
{
	struct rota_const_buf text = rota_http_head_target(head);
	struct rota_http_target target;

	if (*text.data == '/' && head->method != ROTA_HTTP_CONNECT)
		return ROTAI_HTTP_FINE;
	if (rota_http_target_parse(&target, text,
				   (enum rota_http_method)head->method) == 0)
		return ROTAI_HTTP_FINE;
	switch (target.form) {
	case ROTA_HTTP_AUTHORITY_FORM:
		return ROTAI_HTTP_BAD_AUTHORITY_FORM;
	case ROTA_HTTP_ASTERISK_FORM:
		return ROTAI_HTTP_BAD_ASTERISK_FORM;
	default:
		return target.host.name.data != NULL ||
				       target.authority.data != NULL
			       ? ROTAI_HTTP_BAD_ABSOLUTE_FORM
			       : ROTAI_HTTP_BAD_ORIGIN_FORM;
	}
}

static enum rotai_http_refusal check_host(const struct rota_http_head *head)
{
	struct rota_http_host host;

	if (!has(head, ROTA_HTTP_NAME_HOST))
		return head->minor != HTTP_1_0 ? ROTAI_HTTP_NO_HOST
					       : ROTAI_HTTP_FINE;
	return rota_http_host_parse(
		       &host, rota_http_head_get(head, ROTA_HTTP_NAME_HOST)) < 0
		       ? ROTAI_HTTP_BAD_HOST
		       : ROTAI_HTTP_FINE;
}

/* Read the fields that say whether there is a body, and how long it is. */
static enum rotai_http_refusal read_body(struct rota_http_head *head)
{
	if (has(head, ROTA_HTTP_NAME_TRANSFER_ENCODING))
		return read_coding(head);
	if (has(head, ROTA_HTTP_NAME_CONTENT_LENGTH))
		return read_length(head);
	return ROTAI_HTTP_FINE;
}

enum rotai_http_refusal rotai_http_frame_request(struct rota_http_head *head)
{
	const uint64_t special = bit_of(ROTA_HTTP_NAME_CONNECTION) |
				 bit_of(ROTA_HTTP_NAME_CONTENT_LENGTH) |
				 bit_of(ROTA_HTTP_NAME_TRANSFER_ENCODING) |
				 bit_of(ROTA_HTTP_NAME_EXPECT);
	enum rotai_http_refusal refusal = check_form(head);

	if (refusal == ROTAI_HTTP_FINE)
		refusal = check_host(head);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	if ((head->known & special) == 0) { /* (1) */
		if (head->minor != HTTP_1_0)
			head->flags |= ROTA_HTTP_KEEP_ALIVE;
		return ROTAI_HTTP_FINE;
	}
	refusal = read_body(head);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	if (head->method == ROTA_HTTP_CONNECT &&
	    (head->body == ROTA_HTTP_BODY_CHUNKED || head->content_length > 0))
		return ROTAI_HTTP_CONNECT_BODY;
	read_connection(head);
	return has(head, ROTA_HTTP_NAME_EXPECT) ? read_expectation(head)
						: ROTAI_HTTP_FINE;
}

enum rotai_http_refusal rotai_http_frame_response(struct rota_http_head *head,
						  enum rota_http_method answers)
{
	enum rotai_http_refusal refusal = read_body(head);
	int status = head->status;

	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	read_connection(head);
	if (status < 200 && status != SWITCHING)
		head->flags |= ROTA_HTTP_INTERIM;
	if (status < 200 || status == NO_CONTENT || status == NOT_MODIFIED ||
	    answers == ROTA_HTTP_HEAD ||
	    (answers == ROTA_HTTP_CONNECT && status < 300)) {
		head->body = ROTA_HTTP_BODY_NONE;
		head->content_length = 0;
	} else if (head->body == ROTA_HTTP_BODY_NONE) {
		head->body = ROTA_HTTP_BODY_CLOSE;
		head->flags &= (uint8_t)~ROTA_HTTP_KEEP_ALIVE;
	}
	return ROTAI_HTTP_FINE;
}

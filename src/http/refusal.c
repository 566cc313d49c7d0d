/*
 * http/refusal.c - see refusal.h.
 */
#include "http/refusal.h"

enum { BAD_GATEWAY = 502 };

static const struct rota_http_refusal refusals[ROTAI_HTTP_REFUSALS] = {
	[ROTAI_HTTP_NUL] = { 400, "a line contains a byte 0" },
	[ROTAI_HTTP_CONTROL] = { 400, "a line contains a control character" },
	[ROTAI_HTTP_BARE_CR] = { 400, "a CR is not followed by LF" },
	[ROTAI_HTTP_BARE_LF] = { 400, "a line ends with LF instead of CR LF" },
	[ROTAI_HTTP_EMPTY_LINES] = { 400, "there is an empty line instead of "
					  "the first line" },

	[ROTAI_HTTP_BAD_METHOD] = { 400, "the method is not a token" },
	[ROTAI_HTTP_BAD_REQUEST_LINE] = { 400, "the request line is not a "
					       "method, a target and a "
					       "version" },
	[ROTAI_HTTP_BAD_VERSION] = { 400, "the version is malformed" },
	[ROTAI_HTTP_OTHER_VERSION] = { 505, "the version is not 1.0 or 1.1" },
	[ROTAI_HTTP_BAD_TARGET] = { 400, "the target contains a character "
					 "that must be encoded" },
	[ROTAI_HTTP_BAD_ORIGIN_FORM] = { 400, "the target is neither a path "
					      "nor a URL" },
	[ROTAI_HTTP_BAD_ABSOLUTE_FORM] = { 400, "the URL in the target is "
						"malformed" },
	[ROTAI_HTTP_BAD_AUTHORITY_FORM] = { 400, "the target of CONNECT is not "
						 "a host and a port" },
	[ROTAI_HTTP_BAD_ASTERISK_FORM] = { 400, "the target * is for OPTIONS "
						"alone" },
	[ROTAI_HTTP_LONG_TARGET] = { 414, "the target is too long" },
	[ROTAI_HTTP_LONG_FIRST_LINE] = { 414, "the first line is too long" },
	[ROTAI_HTTP_BAD_STATUS_LINE] = { 400, "the status line is malformed" },

	[ROTAI_HTTP_FOLD] = { 400, "a field is folded over several lines" },
	[ROTAI_HTTP_NO_COLON] = { 400, "a field has no colon" },
	[ROTAI_HTTP_NO_NAME] = { 400, "a field has no name" },
	[ROTAI_HTTP_BLANK_BEFORE_COLON] = { 400, "there is white space between "
						 "the name of a field and the "
						 "colon" },
	[ROTAI_HTTP_BAD_NAME] = { 400, "the name of a field is not a token" },
	[ROTAI_HTTP_LONG_NAME] = { 431, "the name of a field is too long" },
	[ROTAI_HTTP_MANY_FIELDS] = { 431, "there are too many fields" },
	[ROTAI_HTTP_LONG_HEAD] = { 431, "the fields are too long" },

	[ROTAI_HTTP_NO_HOST] = { 400, "the field Host is missing" },
	[ROTAI_HTTP_TWO_HOSTS] = { 400, "the field Host is repeated" },
	[ROTAI_HTTP_BAD_HOST] = { 400, "the field Host is malformed" },
	[ROTAI_HTTP_TWO_LENGTHS] = { 400, "the field Content-Length is "
					  "repeated" },
	[ROTAI_HTTP_BAD_LENGTH] = { 400, "the field Content-Length is not a "
					 "number" },
	[ROTAI_HTTP_HUGE_LENGTH] = { 400, "the field Content-Length is beyond "
					  "2^63 - 1" },
	[ROTAI_HTTP_LENGTH_AND_CODING] = { 400, "there are both Content-Length "
						"and Transfer-Encoding" },
	[ROTAI_HTTP_CODING_BY_1_0] = { 400, "HTTP/1.0 has no "
					    "Transfer-Encoding" },
	[ROTAI_HTTP_NO_CODING] = { 400, "the field Transfer-Encoding is "
					"malformed" },
	[ROTAI_HTTP_CHUNKED_NOT_LAST] = { 400, "chunked is not the last "
					       "transfer coding" },
	[ROTAI_HTTP_CHUNKED_PARAMETER] = { 400, "the transfer coding chunked "
						"has a parameter" },
	[ROTAI_HTTP_OTHER_CODING] = { 501, "the only known transfer coding is "
					   "chunked" },
	[ROTAI_HTTP_CONNECT_BODY] = { 400, "CONNECT has no body" },
	[ROTAI_HTTP_OTHER_EXPECT] = { 417, "the only known expectation is "
					   "100-continue" },
	[ROTAI_HTTP_LONG_BODY] = { 413, "the body is too long" },

	[ROTAI_HTTP_BAD_CHUNK_SIZE] = { 400, "the size of a chunk is not a "
					     "hexadecimal number" },
	[ROTAI_HTTP_HUGE_CHUNK] = { 400, "the size of a chunk is beyond "
					 "2^63 - 1, or has more than 16 "
					 "digits" },
	[ROTAI_HTTP_BAD_CHUNK_LINE] = { 400, "the line of a chunk's size is "
					     "malformed" },
	[ROTAI_HTTP_BAD_CHUNK_END] = { 400, "a chunk does not end with "
					    "CR LF" },
	[ROTAI_HTTP_LONG_EXTENSIONS] = { 413, "the chunk extensions are too "
					      "long" },
	[ROTAI_HTTP_LONG_TRAILERS] = { 431, "the trailers are too long" },
	[ROTAI_HTTP_BAD_TRAILER] = { 400, "Host, Content-Length or "
					  "Transfer-Encoding is a trailer" },

	[ROTAI_HTTP_CUT_HEAD] = { 400, "the connection ended within a head" },
	[ROTAI_HTTP_CUT_BODY] = { 400, "the connection ended within a body" },
};

struct rota_http_refusal rotai_http_refusal(enum rotai_http_refusal refusal,
					    enum rota_http_kind kind)
{
	struct rota_http_refusal found = refusals[refusal];

	if (refusal != ROTAI_HTTP_FINE && kind == ROTA_HTTP_RESPONSES)
		found.status = BAD_GATEWAY;
	return found;
}

/*
 * http/scan.h - look for bytes, 16 at a time.
 *
 *  1. The blocks are vectors of the compiler: instructions of SSE2 or NEON
 *     where there are such, and words elsewhere. So there is one code for all
 *     processors.
 *     Vectors are passed by pointers: without SSE2 no ABI says how else.
 *  2. Nothing is read behind the end that the caller gives. The last bytes are
 *     looked at one by one.
 */
#ifndef ROTAI_HTTP_SCAN_H
#define ROTAI_HTTP_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ROTAI_HTTP_BLOCK = 16 };

typedef unsigned char rotai_http_block
	__attribute__((vector_size(ROTAI_HTTP_BLOCK)));

/* A comparison of blocks: all bits of a byte are set, or none. */
typedef signed char rotai_http_mask
	__attribute__((vector_size(ROTAI_HTTP_BLOCK)));

/* The index of the first byte of @mask that is set; ROTAI_HTTP_BLOCK if there
 * is none. */
static inline size_t rotai_http_mask_first(const rotai_http_mask *mask)
{
	uint64_t words[2];
	int little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	memcpy(words, mask, sizeof(words));
	for (size_t i = 0; i < 2; i++)
		if (words[i] != 0)
			return 8 * i +
			       (size_t)(little ? __builtin_ctzll(words[i])
					       : __builtin_clzll(words[i])) /
				       8;
	return ROTAI_HTTP_BLOCK;
}

/* A byte that no line contains: a control character, but for the tab. */
static inline int rotai_http_is_control(char byte)
{
	return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* Find the first control character; @end if there is none. */
static inline const char *rotai_http_scan_line(const char *at, const char *end)
{
	while (end - at >= ROTAI_HTTP_BLOCK) {
		rotai_http_block block;
		rotai_http_mask mask;
		size_t first;

		memcpy(&block, at, sizeof(block));
		mask = ((block < 0x20) & (block != '\t')) | (block == 0x7f);
		first = rotai_http_mask_first(&mask);
		at += first;
		if (first < ROTAI_HTTP_BLOCK)
			return at;
	}
	while (at < end && !rotai_http_is_control(*at))
		at++;
	return at;
}

/* A byte that ends a target, or is not allowed in it. */
static inline int rotai_http_ends_target(char byte)
{
	return (unsigned char)byte <= 0x20 || (unsigned char)byte >= 0x7f ||
	       byte == '#';
}

/* Find the first byte that no target contains; @end if there is none. */
static inline const char *rotai_http_scan_target(const char *at,
						 const char *end)
{
	while (end - at >= ROTAI_HTTP_BLOCK) {
		rotai_http_block block;
		rotai_http_mask mask;
		size_t first;

		memcpy(&block, at, sizeof(block));
		mask = (block < 0x21) | (block >= 0x7f) | (block == '#');
		first = rotai_http_mask_first(&mask);
		at += first;
		if (first < ROTAI_HTTP_BLOCK)
			return at;
	}
	while (at < end && !rotai_http_ends_target(*at))
		at++;
	return at;
}

/* Find @byte before @stop, or @stop. Bytes up to @end may be read. */
static inline const char *rotai_http_scan_byte(const char *at, char byte,
					       const char *stop,
					       const char *end)
{
	const unsigned char wanted = (unsigned char)byte;

	while (end - at >= ROTAI_HTTP_BLOCK) {
		rotai_http_block block;
		rotai_http_mask mask;
		size_t first;

		memcpy(&block, at, sizeof(block));
		mask = block == wanted;
		first = rotai_http_mask_first(&mask);
		at += first;
		if (at >= stop)
			return stop;
		if (first < ROTAI_HTTP_BLOCK)
			return at;
	}
	while (at < stop && *at != byte)
		at++;
	return at < stop ? at : stop;
}

#endif

/*
 * http/text.h - classes of characters, and comparing without regard to case.
 */
#ifndef ROTAI_HTTP_TEXT_H
#define ROTAI_HTTP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Classes of a byte in rotai_http_classes. */
enum {
	ROTAI_HTTP_TCHAR = 1 << 0,  /* of a token: RFC 9110, 5.6.2 */
	ROTAI_HTTP_DIGIT = 1 << 1,  /* 0 to 9 */
	ROTAI_HTTP_HEX = 1 << 2,    /* 0 to 9, A to F, a to f */
	ROTAI_HTTP_ALPHA = 1 << 3,  /* A to Z, a to z */
	ROTAI_HTTP_HOST = 1 << 4,   /* of a reg-name: RFC 3986, 3.2.2 */
	ROTAI_HTTP_SCHEME = 1 << 5, /* of a scheme, behind its first letter */
	ROTAI_HTTP_PLAIN = 1 << 6,  /* unreserved: RFC 3986, 2.3 */
};

extern const uint8_t rotai_http_classes[256];

static inline int rotai_http_is(char byte, int classes)
{
	return (rotai_http_classes[(unsigned char)byte] & classes) != 0;
}

/* Whether the @size bytes are at least one, and all are of the classes. */
int rotai_http_is_all(const char *text, size_t size, int classes);

/* The value of a hexadecimal digit. */
static inline unsigned rotai_http_hex(char digit)
{
	unsigned value = (unsigned char)digit;

	return value <= '9' ? value - '0' : (value | 0x20U) - 'a' + 10;
}

/* Whether two texts of @size bytes are equal but for the case of letters. */
int rotai_http_is_same(const char *a, const char *b, size_t size);

/* Whether @size bytes at @text are the string @word, but for the case. Words
 * are constants mostly, whose length the compiler knows. */
static inline int rotai_http_is_word(const char *text, size_t size,
				     const char *word)
{
	return strlen(word) == size && rotai_http_is_same(text, word, size);
}

static inline int rotai_http_is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

#endif

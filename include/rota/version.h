/*
 * rota/version.h - the version of the headers and of the library.
 */
#ifndef ROTA_VERSION_H
#define ROTA_VERSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The version of these headers. While the major version is 0, a new minor
 * version may change the size of a struct, so the soname contains both. */
#define ROTA_VERSION_MAJOR 0
#define ROTA_VERSION_MINOR 1
#define ROTA_VERSION_PATCH 0

/** The version of these headers as one number: 0xMMmmpp. */
#define ROTA_VERSION                                                           \
	((ROTA_VERSION_MAJOR + UINT32_C(0)) << 16 |                            \
	 (ROTA_VERSION_MINOR + UINT32_C(0)) << 8 |                             \
	 (ROTA_VERSION_PATCH + UINT32_C(0)))

/**
 * Return the version of the library that the program runs with, in the form of
 * ROTA_VERSION.
 *
 * Thread:  any, and signal handlers.
 */
uint32_t rota_version(void);

/**
 * Return the version of the library that the program runs with, such as
 * "0.1.0".
 *
 * Thread:  any, and signal handlers.
 * Owner:   the string is static.
 */
const char *rota_version_string(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

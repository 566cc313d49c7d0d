/*
 * base/assert.h - what must be true, said where it must be.
 *
 * ROTA_ASSERT states our own invariants; ROTA_CHECK what a caller owes us and
 * no error code can report. Both are on in checked builds, which the tests run
 * on, and gone from release builds.
 */
#ifndef ROTAI_BASE_ASSERT_H
#define ROTAI_BASE_ASSERT_H

#include <stddef.h>

/* Checked builds watch their callers, too: see registry.h. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROTAI_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define ROTAI_THREAD_SANITIZER
#endif
#if defined(ROTA_CHECKED) && !defined(ROTAI_THREAD_SANITIZER)
#define ROTAI_WATCHFUL
#endif

#ifdef ROTA_CHECKED

/* Print @count strings, and end the process. */
_Noreturn void rotai_fail(const char *const *parts, size_t count);

/* Write @address to @text, which has room, as 0x5a. Returns it. */
const char *rotai_address_text(const void *address, char *text, size_t size);

/* Say what does not hold, and end the process. */
_Noreturn void rotai_assert_failed(const char *file, int line,
				   const char *condition);

#define ROTA_ASSERT(condition)                                                 \
	((condition) ? (void)0                                                 \
		     : rotai_assert_failed(__FILE__, __LINE__, #condition))
#define ROTA_CHECK(condition) ROTA_ASSERT(condition)

#else

#define ROTA_ASSERT(condition) ((void)sizeof(condition))
#define ROTA_CHECK(condition)  ((void)sizeof(condition))

#endif

/* Tell the compiler which way a branch of a hot path goes. */
#define ROTAI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define ROTAI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Make no call of it, however long it is. */
#define ROTAI_INLINE static inline __attribute__((always_inline))

#endif

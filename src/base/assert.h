/*
 * base/assert.h - assertions.
 *
 * ROTA_ASSERT states an invariant of our own. ROTA_CHECK states an obligation
 * of the caller that no error code can report. Both are active in checked
 * builds, which the tests run on. In release builds they evaluate nothing.
 */
#ifndef ROTAI_BASE_ASSERT_H
#define ROTAI_BASE_ASSERT_H

#include <stddef.h>

/* Checked builds also check their callers, except under the thread sanitizer:
 * see registry.h (3). */
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

/* Print @count strings to stderr and abort. */
_Noreturn void rotai_fail(const char *const *parts, size_t count);

/* Write @address, as 0x5a for example, to the end of @text, of @size bytes,
 * which must be large enough. Returns where it begins. */
const char *rotai_address_text(const void *address, char *text, size_t size);

/* Print the position and the text of a condition that does not hold, and
 * abort. */
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

/* Tell the compiler which way a branch of a hot path usually goes. */
#define ROTAI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define ROTAI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Always inlined, however long the function is. */
#define ROTAI_INLINE static inline __attribute__((always_inline))

#endif

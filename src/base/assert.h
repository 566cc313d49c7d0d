/*
 * base/assert.h - what must be true, said where it must be.
 *
 * ROTA_ASSERT states our own invariants; ROTA_CHECK what a caller owes us and
 * no error code can report. Both are on in checked builds, which the tests run
 * on, and gone from release builds.
 */
#ifndef ROTAI_BASE_ASSERT_H
#define ROTAI_BASE_ASSERT_H

#ifdef ROTA_CHECKED

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

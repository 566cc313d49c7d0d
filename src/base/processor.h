/*
 * base/processor.h - hints to the processor. They change its speed, and nothing
 * else.
 */
#ifndef ROTAI_BASE_PROCESSOR_H
#define ROTAI_BASE_PROCESSOR_H

/* This thread busy-waits. */
static inline void rotai_processor_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#else
	__asm__ __volatile__("");
#endif
}

/* This thread will soon read and write the cache line at @address. The memory
 * may have been freed meanwhile. */
static inline void rotai_processor_fetch(const void *address)
{
#if defined(__x86_64__)
	/* Unless compilers are told to require a newer processor than the first
	 * x86-64, they turn __builtin_prefetch() into a prefetch for reading,
	 * and then the write waits again. A processor that does not know
	 * prefetchw ignores it. */
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)address));
#else
	__builtin_prefetch(address, 1);
#endif
}

#endif

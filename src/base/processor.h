/*
 * base/processor.h - hints to the processor, which change nothing but how fast
 * it is.
 */
#ifndef ROTAI_BASE_PROCESSOR_H
#define ROTAI_BASE_PROCESSOR_H

/* This thread polls. */
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

/* The cache line at @address, which need not be memory of ours any more, is
 * going to be read and written. */
static inline void rotai_processor_fetch(const void *address)
{
#if defined(__x86_64__)
	/* Without options for a newer processor than the first, compilers make
	 * no prefetchw of __builtin_prefetch(), but what fetches the line to be
	 * read, and so the write waits again. A processor that does not
	 * know it skips it. */
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)address));
#else
	__builtin_prefetch(address, 1);
#endif
}

#endif

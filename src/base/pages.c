/*
 * base/pages.c - see pages.h.
 */
#include "base/pages.h"

#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* Linux gives the pages back at once with MADV_DONTNEED. Elsewhere that is only
 * a hint, and MADV_FREE does it. */
#if defined(MADV_FREE) && !defined(__linux__)
enum { GIVE_BACK = MADV_FREE };
#else
enum { GIVE_BACK = MADV_DONTNEED };
#endif

void *rotai_pages_new(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
#ifdef MADV_NOHUGEPAGE
	/* A huge page would take all of its memory with the first byte. */
	(void)madvise(pages, size, MADV_NOHUGEPAGE);
#endif
	return pages;
}

void rotai_pages_free(void *pages, size_t size)
{
	(void)munmap(pages, size);
}

void rotai_pages_clear(void *pages, size_t size)
{
	(void)madvise(pages, size, GIVE_BACK);
}

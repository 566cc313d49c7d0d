/*
 * tests/support/edge.c - see edge.h.
 */
#include "edge.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

static char *pages;
static size_t page_size;

void *edge_new(size_t size)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	assert_null(pages);
	assert_true(size <= page_size);
	pages = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 0xaa, page_size);
	assert_int_equal(mprotect(pages + page_size, page_size, PROT_NONE), 0);
	return pages + page_size - size;
}

void edge_free(void)
{
	assert_int_equal(munmap(pages, 2 * page_size), 0);
	pages = NULL;
}

/*
 * libevent.c - check that libevent is used and not libev.
 */
#include "peers/libevent.h"

#include <event2/event.h>
#include <string.h>

#include "support/bench.h"

void libevent_check(void)
{
	if (strcmp(event_get_version(), LIBEVENT_VERSION))
		bench_fail("libev's event_*() hide libevent's: put -levent "
			   "before -lev");
}

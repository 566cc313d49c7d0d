/*
 * backend/pick.c - the list of the pollers that were built, the best first.
 */
#include "backend/poller.h"

#include <stdlib.h>
#include <string.h>

static const struct rotai_poller_ops *const built[] = {
#ifdef ROTAI_WITH_EPOLL
	&rotai_epoll_ops,
#endif
#ifdef ROTAI_WITH_KQUEUE
	&rotai_kqueue_ops,
#endif
#ifdef ROTAI_WITH_POLL
	&rotai_poll_ops,
#endif
};

enum { BUILT = sizeof(built) / sizeof(built[0]) };

const struct rotai_poller_ops *rotai_poller_pick(const char *name)
{
	if (name == NULL) {
		name = getenv("ROTA_POLLER");
		if (name == NULL || *name == '\0')
			return built[0];
	}
	for (size_t i = 0; i < BUILT; i++)
		if (strcmp(built[i]->name, name) == 0)
			return built[i];
	return NULL;
}

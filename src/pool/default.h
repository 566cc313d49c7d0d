/*
 * pool/default.h - the default pool of the process.
 */
#ifndef ROTAI_POOL_DEFAULT_H
#define ROTAI_POOL_DEFAULT_H

#include "rota/pool.h"

/* As rota_pool_default(), with a reference that is taken before rota_pool_end()
 * can end the pool. NULL on failure. */
struct rota_pool *rotai_pool_use_default(void);

#endif

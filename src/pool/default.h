/*
 * pool/default.h - the pool of the process.
 */
#ifndef ROTAI_POOL_DEFAULT_H
#define ROTAI_POOL_DEFAULT_H

#include "rota/pool.h"

/* rota_pool_default() with a reference, which rota_pool_end() cannot come
 * before: or NULL. */
struct rota_pool *rotai_pool_use_default(void);

#endif

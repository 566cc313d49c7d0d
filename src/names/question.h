/*
 * names/question.h - one question to the system's resolver, for the addresses
 * of a host: what lookups and connects by name are built on.
 *
 *     error = rotai_question_make(&question, &list, host, service, options);
 *     if (error == 0)              it was a number: *@list is the answer
 *     ...
 *     error = rotai_question_ask(question, &waiter, loop, ended);
 *
 * and in ended()
 *
 *     status = rotai_question_answer(&waiter, error, &list);
 *
 * A waiter stops waiting by rotai_shared_leave().
 */
#ifndef ROTAI_NAMES_QUESTION_H
#define ROTAI_NAMES_QUESTION_H

#include "pool/shared_job.h"
#include "rota/dns.h"

struct rotai_question;

/* Check the arguments, which are those of rota_lookup_begin(). Returns 0 and
 * stores the answer in *@list, with a reference; or returns 1 and stores a
 * question in *@question; or returns an error. */
int rotai_question_make(struct rotai_question **question,
			const struct rota_address_list **list, const char *host,
			const char *service,
			const struct rota_lookup_options *options);

/* Ask @question, and have ended() called. Returns 0; or an error, and nothing
 * was asked. Frees the question in any case. */
int rotai_question_ask(struct rotai_question *question,
		       struct rotai_waiter *waiter, struct rota_loop *loop,
		       rotai_item_ended_fn *ended);

/* In ended(), which was called with @error: return the status. If it is 0,
 * store the answer in *@list, with a reference. */
int rotai_question_answer(struct rotai_waiter *waiter, int error,
			  const struct rota_address_list **list);

#endif

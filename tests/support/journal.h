/*
 * tests/support/journal.h - a record of which callbacks ran, in which phase,
 * and with which status: "pending: a=120 closing: b=ECANCELED handle".
 */
#ifndef TESTS_SUPPORT_JOURNAL_H
#define TESTS_SUPPORT_JOURNAL_H

struct rota_loop;

void journal_note(struct rota_loop *loop, const char *name);
void journal_note_status(struct rota_loop *loop, const char *name, int status);

/* Return the record since the last time. Valid until the next entry. */
const char *journal_take(void);

#endif

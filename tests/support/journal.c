/*
 * tests/support/journal.c - see journal.h.
 */
#include "journal.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"

static char text[2048];
static size_t size;
static enum rota_phase last_phase;

static void append(const char *space, const char *what, const char *after)
{
	size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s%s",
				 size > 0 ? space : "", what, after);
	assert_true(size < sizeof(text));
}

void journal_note(struct rota_loop *loop, const char *name)
{
	static const char *const phases[ROTA_PHASE_COUNT] = {
		"none", "timers", "pending", "prepare",
		"poll", "check",  "closing",
	};
	enum rota_phase phase = rota_loop_phase(loop);

	if (size == 0 || phase != last_phase)
		append(" ", phases[phase], ":");
	append(" ", name, "");
	last_phase = phase;
}

void journal_note_status(struct rota_loop *loop, const char *name, int status)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", status);
	journal_note(loop, name);
	append("=", status < 0 ? rota_error_name(status) : number, "");
}

const char *journal_take(void)
{
	text[size] = '\0';
	size = 0;
	return text;
}

/*
 * fswatch/numbers.c - see numbers.h.
 */
#include "fswatch/numbers.h"

#include <stdlib.h>

#include "rota/error.h"

enum { FIRST_PLACES = 16 };

static struct rotai_numbered **
place_of_number(const struct rotai_numbers *numbers, int number)
{
	struct rotai_numbered **at =
		&numbers->places[(unsigned)number &
				 (unsigned)(numbers->place_count - 1)];

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static void grow_numbers(struct rotai_numbers *numbers)
{
	size_t count = numbers->place_count;
	struct rotai_numbered **old = numbers->places;
	struct rotai_numbered **places;

	if (numbers->count < count)
		return;
	places = calloc(2 * count, sizeof(*places));
	if (places == NULL)
		return; /* it is only slower */
	numbers->places = places;
	numbers->place_count = 2 * count;
	for (size_t i = 0; i < count; i++)
		while (old[i] != NULL) {
			struct rotai_numbered *numbered = old[i];

			old[i] = numbered->next;
			numbered->next = NULL;
			*place_of_number(numbers, numbered->number) = numbered;
		}
	free(old);
}

int rotai_numbers_init(struct rotai_numbers *numbers)
{
	numbers->places = calloc(FIRST_PLACES, sizeof(*numbers->places));
	numbers->place_count = FIRST_PLACES;
	numbers->count = 0;
	return numbers->places != NULL ? 0 : ROTA_ENOMEM;
}

void rotai_numbers_free(struct rotai_numbers *numbers)
{
	free(numbers->places);
}

struct rotai_numbered *rotai_numbers_find(const struct rotai_numbers *numbers,
					  int number)
{
	return *place_of_number(numbers, number);
}

struct rotai_numbered *rotai_numbers_get(struct rotai_numbers *numbers,
					 int number)
{
	struct rotai_numbered **place = place_of_number(numbers, number);
	struct rotai_numbered *numbered = *place;

	if (numbered != NULL)
		return numbered;
	numbered = calloc(1, sizeof(*numbered));
	if (numbered == NULL)
		return NULL;
	numbered->number = number;
	rotai_list_init(&numbered->bounds);
	*place = numbered;
	numbers->count++;
	grow_numbers(numbers);
	return numbered;
}

void rotai_numbers_drop(struct rotai_numbers *numbers, int number)
{
	struct rotai_numbered **place = place_of_number(numbers, number);
	struct rotai_numbered *numbered = *place;

	*place = numbered->next;
	free(numbered);
	numbers->count--;
}

struct rotai_numbered *rotai_numbers_any(const struct rotai_numbers *numbers)
{
	for (size_t i = 0; i < numbers->place_count; i++)
		if (numbers->places[i] != NULL)
			return numbers->places[i];
	return NULL;
}

/*
 * system/found_processors.c - see found_processors.h.
 */
#include "system/found_processors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rota/error.h"

static const char UNKNOWN[] = "unknown";

/* Where the processor @number is, or would be. */
static size_t found_place_of(const struct rotai_found_processors *found,
			     unsigned number)
{
	size_t low = 0, high = found->count;

	/* They nearly always come in order. */
	if (high > 0 && found->all[high - 1].is.number < number)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (found->all[middle].is.number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct rotai_found_processor *
find_processor(const struct rotai_found_processors *found, unsigned number)
{
	size_t at = found_place_of(found, number);

	return at < found->count && found->all[at].is.number == number
		       ? &found->all[at]
		       : NULL;
}

int rotai_found_add(struct rotai_found_processors *found, unsigned number,
		    struct rota_processor **added)
{
	size_t at = found_place_of(found, number);
	int error;

	if (find_processor(found, number) != NULL)
		return ROTA_EEXIST;
	error = rotai_memory_reserve(&rotai_memory_default, &found->all,
				     &found->capacity, found->count + 1,
				     sizeof(*found->all));
	if (error < 0)
		return error;
	memmove(&found->all[at + 1], &found->all[at],
		(found->count - at) * sizeof(*found->all));
	found->count++;
	memset(&found->all[at], 0, sizeof(*found->all));
	found->all[at].is.number = number;
	*added = &found->all[at].is;
	return 0;
}

struct rota_processor *rotai_found_get(struct rotai_found_processors *found,
				       unsigned number)
{
	struct rotai_found_processor *at = find_processor(found, number);

	return at != NULL ? &at->is : NULL;
}

/* Store in *@at where @model is in the texts, to which it is added if it is not
 * there. Returns 0 or ROTA_ENOMEM. */
static int keep_text(struct rotai_found_processors *found, const char *model,
		     size_t *at)
{
	size_t n = strlen(model) + 1;
	int error;

	if (found->texts_size == 0)
		found->texts_size = 1;
	for (*at = 1; *at < found->texts_size;
	     *at += strlen(found->texts + *at) + 1)
		if (strcmp(found->texts + *at, model) == 0)
			return 0;
	error = rotai_memory_reserve(&rotai_memory_default, &found->texts,
				     &found->texts_capacity,
				     found->texts_size + n, 1);
	if (error < 0)
		return error;
	memcpy(found->texts + *at, model, n);
	found->texts_size += n;
	return 0;
}

int rotai_found_set_model(struct rotai_found_processors *found, unsigned number,
			  const char *model)
{
	struct rotai_found_processor *of = find_processor(found, number);

	return keep_text(found, model, &of->model);
}

int rotai_found_set_other_models(struct rotai_found_processors *found,
				 const char *model)
{
	size_t at;
	int error = keep_text(found, model, &at);

	for (size_t i = 0; i < found->count && error == 0; i++)
		if (found->all[i].model == 0)
			found->all[i].model = at;
	return error;
}

const struct rota_processors *
rotai_found_list(const struct rotai_found_processors *found)
{
	struct rota_processors *made;
	struct rota_processor *all;
	char *texts;

	made = malloc(sizeof(*made) + found->count * sizeof(*all) +
		      found->texts_size);
	if (made == NULL)
		return NULL;
	all = (struct rota_processor *)(made + 1);
	texts = (char *)(all + found->count);
	if (found->texts_size > 1)
		memcpy(texts, found->texts, found->texts_size);
	for (size_t i = 0; i < found->count; i++) {
		size_t model = found->all[i].model;

		all[i] = found->all[i].is;
		all[i].model = model > 0 ? texts + model : UNKNOWN;
	}
	*made = (struct rota_processors){ .count = found->count,
					  .processors = all };
	return made;
}

void rotai_found_free(struct rotai_found_processors *found)
{
	free(found->all);
	free(found->texts);
	memset(found, 0, sizeof(*found));
}

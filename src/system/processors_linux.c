/*
 * system/processors_linux.c - the processors in /proc/stat, /proc/cpuinfo and
 * /sys: see proc_stat(5) and proc_cpuinfo(5).
 *
 *  1. /proc/stat has a line "cpu3 ..." for each processor that is online. The
 *     time of guests is included in that of programs.
 *  2. /proc/cpuinfo has one block for each processor, or on some architectures
 *     lines for all of them before or behind the blocks. The labels differ.
 *     arm64 has no model there at all.
 *  3. A processor that cpuinfo names and stat does not has gone meanwhile.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/lines.h"
#include "rota/error.h"
#include "system/found_processors.h"
#include "system/machine.h"

/* More processors than this are a mistake. Linux can be built for 8192. */
enum { MOST_PROCESSORS = 1 << 16, MODEL_SIZE = 256 };

/* The times of a processor, in the order in which /proc/stat has them. */
enum { USER, NICE, SYSTEM, IDLE, DISK, IRQ, SOFT_IRQ, STOLEN, TIMES };

static uint64_t ticks_to_ns(uint64_t ticks, uint64_t per_second)
{
	uint64_t tick_ns = 1000000000 / per_second;

	return ticks > UINT64_MAX / tick_ns ? UINT64_MAX : ticks * tick_ns;
}

/* Read the times behind the name of a processor. Those that are not there are
 * 0: old kernels have fewer. */
static void take_times(struct rota_processor *to, const char *at)
{
	long clock = sysconf(_SC_CLK_TCK);
	uint64_t per_second = clock > 0 ? (uint64_t)clock : 100;
	uint64_t times[TIMES] = { 0 };

	for (int i = 0; i < TIMES && rotai_lines_number(&at, &times[i]); i++)
		times[i] = ticks_to_ns(times[i], per_second);
	to->user_ns = times[USER];
	to->nice_ns = times[NICE];
	to->system_ns = times[SYSTEM];
	to->idle_ns = times[IDLE];
	to->disk_ns = times[DISK];
	to->irq_ns = times[IRQ] > UINT64_MAX - times[SOFT_IRQ]
			     ? UINT64_MAX
			     : times[IRQ] + times[SOFT_IRQ];
	to->stolen_ns = times[STOLEN];
}

/* Take a line of /proc/stat, if it is of a processor. Returns 0 or
 * ROTA_ENOMEM. */
static int take_stat_line(struct rotai_found_processors *found,
			  const char *line)
{
	const char *at = rotai_lines_after(line, "cpu");
	struct rota_processor *added;
	uint64_t number;
	int error;

	/* "cpu " is the sum. */
	if (at == NULL || *at == ' ' || !rotai_lines_number(&at, &number) ||
	    number >= MOST_PROCESSORS)
		return 0;
	error = rotai_found_add(found, (unsigned)number, &added);
	if (error == 0)
		take_times(added, at);
	return error == ROTA_EEXIST ? 0 : error;
}

static int read_stat(const char *root, struct rotai_found_processors *found)
{
	struct rotai_lines lines;
	const char *line;
	int error = 0, end;

	(void)rotai_lines_open(&lines, root, "/proc/stat");
	while (error == 0 && (line = rotai_lines_next(&lines)) != NULL)
		error = take_stat_line(found, line);
	end = rotai_lines_close(&lines);
	return error < 0 ? error : end;
}

/* --- models and speeds ---------------------------------------------------- */

/* Where the reader of /proc/cpuinfo is. */
struct cpuinfo_reader {
	struct rotai_found_processors *found;
	struct rota_processor *at; /* of this block; or NULL */
	char common[MODEL_SIZE];   /* the model that stands outside blocks */
};

/* If @line is "label : value", return the value, else NULL. */
static const char *value_of(const char *line, const char *label)
{
	const char *rest = rotai_lines_after(line, label);

	if (rest == NULL)
		return NULL;
	rest += strspn(rest, " \t");
	return *rest == ':' ? rest + 1 + strspn(rest + 1, " \t") : NULL;
}

/* If the line has a model, return that, else NULL. (2) */
static const char *model_in(const char *line)
{
	static const char *const labels[] = { "model name", "Model Name",
					      "cpu model",  "cpu",
					      "Processor",  "uarch" };
	const char *model = NULL;

	for (size_t i = 0;
	     i < sizeof(labels) / sizeof(labels[0]) && model == NULL; i++)
		model = value_of(line, labels[i]);
	return model != NULL && *model != '\0' ? model : NULL;
}

/* "2400.123" MHz, in Hz; 0: it is no number. */
static uint64_t mhz_to_hz(const char *text)
{
	uint64_t hz = 0, unit = 1000000;

	for (; *text >= '0' && *text <= '9' && hz < UINT32_MAX; text++)
		hz = hz * 10 + (uint64_t)(*text - '0');
	hz *= unit;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9' && unit > 1; text++)
			hz += (uint64_t)(*text - '0') * (unit /= 10);
	return hz;
}

static int take_cpuinfo_line(struct cpuinfo_reader *reader, const char *line)
{
	const char *value = value_of(line, "processor");
	uint64_t number;

	if (value != NULL && rotai_lines_number(&value, &number)) {
		reader->at = number < MOST_PROCESSORS
				     ? rotai_found_get(reader->found,
						       (unsigned)number)
				     : NULL; /* (3) */
		return 0;
	}
	if (*line == '\0')
		reader->at = NULL;
	value = value_of(line, "cpu MHz");
	if (value != NULL && reader->at != NULL)
		reader->at->speed_hz = mhz_to_hz(value);
	value = model_in(line);
	if (value != NULL && reader->at != NULL)
		return rotai_found_set_model(reader->found, reader->at->number,
					     value);
	if (value == NULL)
		value = value_of(line, "Model");
	if (value != NULL && reader->common[0] == '\0')
		(void)snprintf(reader->common, sizeof(reader->common), "%s",
			       value);
	return 0;
}

/* A file that is not there means that the models are not known. */
static int read_cpuinfo(const char *root, struct rotai_found_processors *found)
{
	struct cpuinfo_reader reader = { .found = found };
	struct rotai_lines lines;
	const char *line;
	int error = 0;

	(void)rotai_lines_open(&lines, root, "/proc/cpuinfo");
	while (error == 0 && (line = rotai_lines_next(&lines)) != NULL)
		error = take_cpuinfo_line(&reader, line);
	(void)rotai_lines_close(&lines);
	if (error == 0 && reader.common[0] != '\0')
		error = rotai_found_set_other_models(found, reader.common);
	return error;
}

/* The speed at this moment, where the kernel controls it. */
static void read_speed(const char *root, struct rota_processor *of)
{
	char path[128];
	uint64_t khz;

	(void)snprintf(path, sizeof(path),
		       "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq",
		       of->number);
	if (rotai_lines_one_number(root, path, &khz) == 0 &&
	    khz < UINT64_MAX / 1000)
		of->speed_hz = khz * 1000;
}

int rotai_machine_processors(const char *root,
			     struct rotai_found_processors *found)
{
	int error = read_stat(root, found);

	if (error < 0)
		return error;
	if (found->count == 0)
		return ROTA_EBADMSG;
	error = read_cpuinfo(root, found);
	for (size_t i = 0; i < found->count && error == 0; i++)
		read_speed(root, &found->all[i].is);
	return error;
}

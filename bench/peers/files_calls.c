/*
 * files_calls.c - plain calls on the caller's thread: the work that is needed
 * in any case.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peers/files.h"
#include "support/bench.h"

struct set {
	struct files_load load;
	size_t next;
	int fd; /* of the first file */
};

long files_read_plainly(const char *path, char **data)
{
	struct stat status;
	long size = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 &&
	    (*data = malloc((size_t)status.st_size + 1))) {
		size = read(fd, *data, (size_t)status.st_size);
		if (size >= 0)
			(*data)[size] = '\0';
	}
	close(fd);
	return size;
}

long files_read_into(const char *path, char *data, size_t size)
{
	struct stat status;
	long n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && (size_t)status.st_size <= size)
		n = read(fd, data, (size_t)status.st_size);
	close(fd);
	return n;
}

static void *set_make(const struct files_load *load)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	set->fd = open(load->paths[0], O_RDONLY | O_CLOEXEC);
	return set;
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	for (size_t i = 0; i < count; i++) {
		size_t index = set->next++ % set->load.paths_count;
		const char *path = set->load.paths[index];
		struct stat status;
		char *data;
		long size;

		if (set->load.task == FILES_PART) {
			char part[FILES_MEMORY];

			size = pread(set->fd, part, set->load.file_size, 0);
		} else if (set->load.task == FILES_STAT) {
			size = stat(path, &status) ? -1 : (long)status.st_size;
		} else {
			size = files_read_plainly(path, &data);
			free(data);
		}
		if (size != (long)set->load.file_size)
			bench_fail("%s: %ld bytes", path, size);
	}
}

static void set_free(void *arg)
{
	struct set *set = arg;

	close(set->fd);
	free(set);
}

const struct files_peer files_calls = {
	"limit: plain calls",
	set_make,
	set_run,
	set_free,
};

/*
 * cksum.c - the checksums of all files in a tree, several at a time.
 *
 *     cksum TREE
 *
 * For each regular file it prints what cksum(1) of POSIX prints, in the order
 * in which they are done. If the standard error is a terminal, there is a
 * progress bar; for that the tree is walked once before.
 *
 * Threads of the io lane walk the tree and read; those of the cpu lane compute.
 * The walk is paused while all slots are busy, so memory stays bounded however
 * large the tree is.
 *
 *     cc cksum.c $(pkg-config --cflags --libs rota) -o cksum && ./cksum .
 */
#include <fcntl.h>
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 8, PART = 256 * 1024, BAR = 40 };

/* A file that is read. */
struct slot {
	struct rota_fs fs;
	struct rota_work work;
	char *path; /* allocated; NULL: the slot is free */
	int fd;
	int64_t error; /* of the read, or 0 */
	uint32_t crc;
	uint64_t bytes;
	size_t size; /* of the part in data */
	unsigned char data[PART];
};

static const char *root;
static struct rota_tree_walk walk;
static struct slot slots[SLOTS];
static const struct rota_tree_entry *entries; /* that wait for a slot */
static size_t entry_count;
static struct rota_timer tick; /* draws the bar */
static uint64_t bytes_in_all, bytes_done;
static uint32_t table[256];
static int status; /* exit status of the program */

static void read_part(struct slot *s);
static void fill_slots(void);

static void complain(const char *path, int64_t error)
{
	fprintf(stderr, "cksum: %s: %s\n", path, rota_error_text((int)error));
	status = EXIT_FAILURE;
}

/* End the program if @error is negative. */
static void must(int error)
{
	if (error < 0) {
		complain(root, error);
		exit(status);
	}
}

/* --- the checksum, as POSIX describes it for cksum --- */

static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
		table[i] = crc;
	}
}

static uint32_t add_byte(uint32_t crc, unsigned char byte)
{
	return crc << 8 ^ table[crc >> 24 ^ byte];
}

/* In a thread of the cpu lane. */
static int add_part(struct rota_work *work)
{
	struct slot *s = rota_container_of(work, struct slot, work);

	for (size_t i = 0; i < s->size; i++)
		s->crc = add_byte(s->crc, s->data[i]);
	return 0;
}

static uint32_t finish_crc(uint32_t crc, uint64_t bytes)
{
	for (; bytes > 0; bytes >>= 8)
		crc = add_byte(crc, (unsigned char)bytes);
	return ~crc;
}

/* --- the bar --- */

static void draw_bar(struct rota_timer *timer)
{
	unsigned done = bytes_in_all == 0 || bytes_done > bytes_in_all
				? 100
				: (unsigned)(bytes_done * 100 / bytes_in_all);
	char bar[BAR + 1] = "";

	(void)timer;
	memset(bar, '#', done * BAR / 100);
	fprintf(stderr, "\r[%-*s] %u %%", BAR, bar, done);
}

static void erase_bar(void)
{
	if (!rota_timer_is_active(&tick))
		return;
	rota_timer_stop(&tick);
	fprintf(stderr, "\r%*s\r", BAR + 8, "");
}

/* --- one file --- */

static void on_closed(struct rota_fs *fs, int64_t result)
{
	struct slot *s = rota_container_of(fs, struct slot, fs);

	(void)result; /* it was only read */
	if (s->error < 0)
		complain(s->path, s->error);
	else
		printf("%" PRIu32 " %" PRIu64 " %s\n",
		       finish_crc(s->crc, s->bytes), s->bytes, s->path);
	free(s->path);
	s->path = NULL;
	fill_slots();
}

static void on_added(struct rota_work *work, int result)
{
	must(result);
	read_part(rota_container_of(work, struct slot, work));
}

static void on_read(struct rota_fs *fs, int64_t result)
{
	struct slot *s = rota_container_of(fs, struct slot, fs);

	if (result <= 0) {
		s->error = result;
		must(rota_fs_close(fs, on_closed, s->fd));
		return;
	}
	s->size = (size_t)result;
	s->bytes += s->size;
	bytes_done += s->size;
	must(rota_work_queue(&s->work, ROTA_LANE_CPU, add_part, on_added));
}

static void read_part(struct slot *s)
{
	struct rota_buf buf = { (char *)s->data, PART };

	must(rota_fs_read(&s->fs, on_read, s->fd, buf, -1));
}

static void on_opened(struct rota_fs *fs, int64_t result)
{
	struct slot *s = rota_container_of(fs, struct slot, fs);

	if (result >= 0) {
		s->fd = (int)result;
		read_part(s);
		return;
	}
	complain(s->path, result);
	free(s->path);
	s->path = NULL;
	fill_slots();
}

static void begin_file(struct slot *s, const struct rota_tree_entry *entry)
{
	size_t size = strlen(root) + strlen(entry->path) + 2;

	s->path = malloc(size);
	if (s->path == NULL)
		must(ROTA_ENOMEM);
	if (strcmp(entry->path, ".") == 0)
		snprintf(s->path, size, "%s", root);
	else
		snprintf(s->path, size, "%s/%s", root, entry->path);
	s->crc = 0;
	s->bytes = 0;
	s->error = 0;
	must(rota_fs_open(&s->fs, on_opened, s->path, O_RDONLY, 0));
}

/* --- the tree --- */

static struct slot *free_slot(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].path == NULL)
			return &slots[i];
	return NULL;
}

/* Begin as many files as there are slots. When all entries of the batch are
 * begun, the walk may go on. */
static void fill_slots(void)
{
	struct slot *slot;

	while (entry_count > 0 && (slot = free_slot()) != NULL) {
		const struct rota_tree_entry *entry = entries++;

		entry_count--;
		if (entry->error < 0)
			complain(entry->path, entry->error);
		else if (entry->type == S_IFREG)
			begin_file(slot, entry);
	}
	if (entry_count == 0)
		rota_tree_walk_resume(&walk);
}

static void on_batch(struct rota_tree_walk *w,
		     const struct rota_tree_entry *batch, size_t count)
{
	must(rota_tree_walk_pause(w));
	entries = batch;
	entry_count = count;
	fill_slots();
}

static void on_end(struct rota_tree_walk *w, int result)
{
	(void)w;
	if (result < 0)
		complain(root, result);
}

static void begin_sums(void)
{
	must(rota_tree_walk_start(&walk, on_batch, on_end, root, 0));
}

static void on_count(struct rota_tree_walk *w,
		     const struct rota_tree_entry *batch, size_t count)
{
	(void)w;
	for (size_t i = 0; i < count; i++)
		if (batch[i].info != NULL && batch[i].type == S_IFREG)
			bytes_in_all += batch[i].info->bytes;
}

static void on_counted(struct rota_tree_walk *w, int result)
{
	(void)w;
	(void)result; /* the second walk will report it */
	must(rota_timer_every(&tick, draw_bar, ROTA_MSEC(100),
			      ROTA_REPEAT_DELAY));
	rota_timer_unref(&tick);
	draw_bar(&tick);
	begin_sums();
}

int main(int argc, char **argv)
{
	struct rota_loop *loop;

	root = argc > 1 ? argv[1] : ".";
	make_table();
	must(rota_loop_new(&loop, NULL));
	for (int i = 0; i < SLOTS; i++) {
		rota_fs_init(&slots[i].fs, loop);
		rota_work_init(&slots[i].work, loop);
	}
	rota_timer_init(&tick, loop);
	rota_tree_walk_init(&walk, loop);
	if (isatty(STDERR_FILENO))
		must(rota_tree_walk_start(&walk, on_count, on_counted, root,
					  ROTA_WALK_INFO));
	else
		begin_sums();
	must(rota_loop_run(loop, ROTA_RUN_DEFAULT));
	erase_bar();
	must(rota_loop_close(loop));
	return status;
}

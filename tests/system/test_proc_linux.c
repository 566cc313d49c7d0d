/* poller: none */
/*
 * What is read from /proc, /sys and control groups: trees of files as several
 * kernels and containers have them, and files that are damaged.
 */
#include "system/tree.h"

#include "base/cgroup.h"
#include "base/lines.h"
#include "rota/error.h"
#include "support/fault.h"
#include "system/found_processors.h"
#include "system/machine.h"

static const char MOUNT_2[] =
	"24 1 8:1 / / rw - ext4 /dev/root rw\n"
	"30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

static const char MOUNTS_1[] =
	"24 1 8:1 / / rw - ext4 /dev/root rw\n"
	"31 24 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
	"rw,name=systemd\n"
	"32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"33 24 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	"34 24 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

static struct rotai_cgroup find_all(void)
{
	struct rotai_cgroup limits;

	rotai_cgroup_find(tree, ROTAI_CGROUP_PROCESSORS | ROTAI_CGROUP_MEMORY,
			  &limits);
	return limits;
}

static void expect_limits(unsigned processors, uint64_t memory, uint64_t left)
{
	struct rotai_cgroup limits = find_all();

	assert_int_equal(limits.processors, processors);
	assert_int_equal(limits.memory, memory);
	assert_true(limits.left == left);
}

static void expect_no_limits(void)
{
	expect_limits(0, 0, UINT64_MAX);
}

static void without_files_there_are_no_limits(void **state)
{
	(void)state;
	expect_no_limits();
	tree_put("/proc/self/cgroup", "");
	expect_no_limits();
	tree_put("/proc/self/cgroup", "0::/a\n");
	expect_no_limits();
	tree_put("/proc/self/mountinfo", MOUNT_2);
	expect_no_limits();
}

static void version_2_has_the_least_limit_of_all_groups(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup", "0::/a/b/c\n");
	tree_put("/proc/self/mountinfo", MOUNT_2);
	tree_put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
	tree_put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
	tree_put("/sys/fs/cgroup/a/b/memory.max", "1000000\n");
	tree_put("/sys/fs/cgroup/a/b/memory.current", "400000\n");
	tree_put("/sys/fs/cgroup/a/b/memory.stat",
		 "anon 5\ninactive_file 100000\nactive_file 7\n");
	tree_put("/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "2000000\n");
	tree_put("/sys/fs/cgroup/a/memory.current", "1900000\n");

	expect_limits(3, 1000000, 100000);

	tree_put("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
	tree_put("/sys/fs/cgroup/a/memory.current", "2000001\n");
	expect_limits(1, 1000000, 0);
}

/* With a namespace for control groups, or in the root group. */
static void the_root_group_may_have_a_limit(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup", "0::/\n");
	tree_put("/proc/self/mountinfo", MOUNT_2);
	tree_put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	tree_put("/sys/fs/cgroup/memory.max", "0\n");

	expect_limits(2, 1, 0);
}

static void version_1_has_a_hierarchy_for_each_controller(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup",
		 "12:cpuset:/wrong\n5:memory:/m/n\n3:cpu,cpuacct:/c\n"
		 "1:name=systemd:/s\n");
	tree_put("/proc/self/mountinfo", MOUNTS_1);
	tree_put("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "150000\n");
	tree_put("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
	tree_put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	tree_put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	tree_put("/sys/fs/cgroup/memory/m/n/memory.limit_in_bytes",
		 "9223372036854771712\n");
	tree_put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "8192\n");
	tree_put("/sys/fs/cgroup/memory/m/memory.usage_in_bytes", "4096\n");
	tree_put("/sys/fs/cgroup/memory/m/memory.stat",
		 "inactive_file 1\ntotal_inactive_file 4096\n");

	expect_limits(2, 8192, 8192);

	tree_remove("/sys/fs/cgroup/memory/m/memory.limit_in_bytes");
	tree_remove("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us");
	expect_no_limits();
}

/* Version 2 beside, without controllers. */
static void a_hybrid_system_has_limits_in_both(void **state)
{
	char mounts[2048];

	(void)state;
	(void)snprintf(mounts, sizeof(mounts),
		       "%s40 24 0:31 / /sys/fs/cgroup/unified rw - cgroup2 "
		       "cgroup2 rw\n",
		       MOUNTS_1);
	tree_put("/proc/self/mountinfo", mounts);
	tree_put("/proc/self/cgroup", "5:memory:/m\n0::/u\n");
	tree_put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "8192\n");
	tree_put("/sys/fs/cgroup/unified/u/cgroup.procs", "1\n");
	expect_limits(0, 8192, 8192);

	tree_put("/sys/fs/cgroup/unified/u/memory.max", "4096\n");
	tree_put("/sys/fs/cgroup/unified/u/cpu.max", "100001 100000\n");
	expect_limits(2, 4096, 4096);
}

static void a_container_sees_the_part_below_its_own_group(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup", "5:memory:/docker/abc/inner\n");
	tree_put("/proc/self/mountinfo",
		 "34 24 0:30 /docker/ab /elsewhere rw - cgroup cgroup memory\n"
		 "34 24 0:30 /docker/abc /sys/fs/cg\\040roup rw master:9 - "
		 "cgroup cgroup rw,memory\n");
	tree_put("/sys/fs/cg roup/inner/memory.limit_in_bytes", "5000\n");
	tree_put("/sys/fs/cg roup/memory.limit_in_bytes", "4000\n");
	tree_put("/elsewhere/memory.limit_in_bytes", "1\n");
	expect_limits(0, 4000, 4000);

	/* The group is not below what is mounted: that is what is known. */
	tree_put("/proc/self/cgroup", "5:memory:/other\n");
	expect_limits(0, 1, 1);
}

static void without_mountinfo_the_usual_place_is_tried(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup", "3:cpu:/c\n0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "4096\n");
	tree_put("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "100000\n");
	tree_put("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");

	expect_limits(1, 4096, 4096);
}

static void garbage_is_no_limit(void **state)
{
	static const char *const maxima[] = {
		"",
		"\n",
		"max",
		"-5",
		"12x",
		"0x10",
		"1e9\n",
		"12 13\n",
		"\xff\xfe",
		"4096max",
		"9223372036854775807\n",
		"99999999999999999999999999\n",
	};
	static const char *const quotas[] = {
		"",
		"max",
		"max 100000",
		"100000",
		"0 100000",
		"100000 0",
		"-1 100000",
		"x y",
		"100000 max",
		"100000,100000",
		"18446744073709551615 1",
	};

	(void)state;
	tree_put("/proc/self/cgroup", "0::/a\n");
	tree_put("/proc/self/mountinfo", MOUNT_2);
	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		tree_put("/sys/fs/cgroup/a/memory.max", maxima[i]);
		expect_no_limits();
	}
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		tree_put("/sys/fs/cgroup/a/cpu.max", quotas[i]);
		expect_no_limits();
	}
}

static void lines_of_groups_may_be_strange(void **state)
{
	static const char *const groups[] = {
		"0::\n", "0:/a\n",   "::::\n",      "0::a\n",          "\n\n\n",
		":",     "5:memory", "5:memory:\n", "0::/../../etc\n",
	};
	static char deep[8192];

	(void)state;
	tree_put("/proc/self/mountinfo", MOUNT_2);
	tree_put("/sys/fs/cgroup/a/memory.max", "4096\n");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		tree_put("/proc/self/cgroup", groups[i]);
		expect_no_limits();
	}
	/* A path that is longer than a line that is kept. */
	strcpy(deep, "0::/a");
	while (strlen(deep) < sizeof(deep) - 8)
		strcat(deep, "/name");
	strcat(deep, "\n");
	tree_put("/proc/self/cgroup", deep);
	expect_limits(0, 4096, 4096);
	/* A colon in the name of a group. */
	tree_put("/proc/self/cgroup", "0::/a:b\n");
	tree_put("/sys/fs/cgroup/a:b/memory.max", "77\n");
	expect_limits(0, 77, 77);
}

/* A long line before it, as overlay file systems have. */
static void a_mount_behind_a_long_line_is_found(void **state)
{
	static char mounts[32768];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(mounts, sizeof(mounts),
			      "1 1 0:1 / / rw - overlay overlay lowerdir=");
	while (n < 20000)
		mounts[n++] = 'x';
	(void)snprintf(mounts + n, sizeof(mounts) - n, "\n%s", MOUNT_2);
	tree_put("/proc/self/mountinfo", mounts);
	tree_put("/proc/self/cgroup", "0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "4096\n");

	expect_limits(0, 4096, 4096);
}

static void files_that_cannot_be_read_are_no_limit(void **state)
{
	(void)state;
	tree_put("/proc/self/cgroup", "0::/a\n");
	tree_put("/proc/self/mountinfo", MOUNT_2);
	tree_put("/sys/fs/cgroup/a/memory.max", "4096\n");
	for (unsigned nth = 1;; nth++) {
		fault_fail("open", nth, EACCES);
		(void)find_all();
		if (fault_clear() == 0)
			break;
	}
	for (unsigned nth = 1;; nth++) {
		fault_fail("read", nth, EIO);
		(void)find_all();
		if (fault_clear() == 0)
			break;
	}
	fault_fail("read", 1, EINTR);
	expect_limits(0, 4096, 4096);
	assert_int_equal(fault_clear(), 1);
	/* A directory can be opened, and not read. */
	tree_put("/sys/fs/cgroup/b/memory.max/file", "");
	tree_put("/proc/self/cgroup", "0::/b\n");
	expect_no_limits();
}

/* --- memory --------------------------------------------------------------- */

static int memory_error(struct rota_memory *memory)
{
	memset(memory, 0, sizeof(*memory));
	return rotai_machine_memory(tree, memory);
}

static void memory_is_in_bytes_and_below_the_limit(void **state)
{
	struct rota_memory memory;

	(void)state;
	tree_put("/proc/meminfo",
		 "MemTotal:       1000 kB\nMemFree:         200 kB\n"
		 "MemAvailable:    700 kB\nBuffers:  1 kB\nCached: 2 kB\n"
		 "SwapTotal: 30 kB\nSwapFree: 10 kB\n");
	assert_int_equal(memory_error(&memory), 0);
	assert_int_equal(memory.total, 1024000);
	assert_int_equal(memory.free, 204800);
	assert_int_equal(memory.available, 716800);
	assert_int_equal(memory.swap_total, 30720);
	assert_int_equal(memory.swap_free, 10240);
	assert_int_equal(memory.limit, 0);
	assert_int_equal(memory.available_here, 716800);

	tree_put("/proc/self/cgroup", "0::/a\n");
	tree_put("/proc/self/mountinfo", MOUNT_2);
	tree_put("/sys/fs/cgroup/a/memory.max", "409600\n");
	tree_put("/sys/fs/cgroup/a/memory.current", "9600\n");
	assert_int_equal(memory_error(&memory), 0);
	assert_int_equal(memory.limit, 409600);
	assert_int_equal(memory.available, 716800);
	assert_int_equal(memory.available_here, 400000);
}

static void old_kernels_do_not_say_what_is_available(void **state)
{
	struct rota_memory memory;

	(void)state;
	tree_put("/proc/meminfo",
		 "MemTotal: 1000 kB\nMemFree: 200 kB\nBuffers: 30 kB\n"
		 "Cached: 4 kB\n");
	assert_int_equal(memory_error(&memory), 0);
	assert_int_equal(memory.available, 234 * 1024);
}

static void memory_without_a_total_is_an_error(void **state)
{
	static const char *const texts[] = { "", "MemTotal:\n",
					     "MemTotal: x kB\n",
					     "MemFree: 5 kB\n", "\xff" };
	struct rota_memory memory;
	uint64_t resident;

	(void)state;
	assert_int_equal(memory_error(&memory), ROTA_ENOENT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_put("/proc/meminfo", texts[i]);
		assert_int_equal(memory_error(&memory), ROTA_EBADMSG);
	}
	assert_int_equal(rotai_machine_resident(tree, &resident), ROTA_ENOENT);
	tree_put("/proc/self/statm", "");
	assert_int_equal(rotai_machine_resident(tree, &resident), ROTA_ENODATA);
	tree_put("/proc/self/statm", "5 x\n");
	assert_int_equal(rotai_machine_resident(tree, &resident), ROTA_EBADMSG);
	tree_put("/proc/self/statm", "5 18446744073709551615\n");
	assert_int_equal(rotai_machine_resident(tree, &resident), ROTA_EBADMSG);
	tree_put("/proc/self/statm", "5 3 1 1 0 1 0\n");
	assert_int_equal(rotai_machine_resident(tree, &resident), 0);
	assert_int_equal(resident, 3 * sysconf(_SC_PAGESIZE));
}

/* --- processors ----------------------------------------------------------- */

static int find_processors(const struct rota_processors **list)
{
	struct rotai_found_processors found = { .count = 0 };
	int error = rotai_machine_processors(tree, &found);

	*list = error == 0 ? rotai_found_list(&found) : NULL;
	rotai_found_free(&found);
	return error;
}

static void processors_have_times_models_and_speeds(void **state)
{
	const struct rota_processors *list;
	const struct rota_processor *at;
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)state;
	tree_put("/proc/stat", "cpu  9 9 9 9\ncpu3 1 2 3 4 5 6 7 8 9 10\n"
			       "cpu0 100\nintr 5\ncpu3 99\ncpux 1\n");
	tree_put("/proc/cpuinfo",
		 "processor\t: 0\nmodel\t\t: 85\nmodel name\t: One\n"
		 "cpu MHz\t\t: 2400.125\n\nprocessor\t: 3\nmodel name\t: Two\n"
		 "\nprocessor\t: 9\nmodel name\t: Gone\n");
	tree_put("/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq",
		 "1800000\n");
	assert_int_equal(find_processors(&list), 0);
	assert_int_equal(list->count, 2);
	at = list->processors;
	assert_int_equal(at->number, 0);
	assert_string_equal(at->model, "One");
	assert_true(at->speed_hz == UINT64_C(2400125000));
	assert_true(at->user_ns == 100 * tick_ns && at->irq_ns == 0);
	at++;
	assert_int_equal(at->number, 3);
	assert_string_equal(at->model, "Two");
	assert_true(at->speed_hz == UINT64_C(1800000000));
	assert_true(at->user_ns == tick_ns && at->nice_ns == 2 * tick_ns);
	assert_true(at->system_ns == 3 * tick_ns && at->idle_ns == 4 * tick_ns);
	assert_true(at->disk_ns == 5 * tick_ns && at->irq_ns == 13 * tick_ns);
	assert_true(at->stolen_ns == 8 * tick_ns);
	rota_system_processors_free(list);
}

static void models_of_other_architectures(void **state)
{
	static const struct {
		const char *cpuinfo;
		const char *first, *second;
	} cases[] = {
		{ "", "unknown", "unknown" },
		{ "processor : 0\nBogoMIPS : 50\n", "unknown", "unknown" },
		{ "processor : 0\ncpu : POWER9\n\nprocessor : 1\ncpu : "
		  "POWER8\n",
		  "POWER9", "POWER8" },
		{ "Processor : ARMv7\nprocessor : 0\n\nprocessor : 1\n",
		  "ARMv7", "ARMv7" },
		{ "processor : 0\n\nprocessor : 1\n\nHardware : x\n"
		  "Model : Raspberry Pi\n",
		  "Raspberry Pi", "Raspberry Pi" },
		{ "processor : 0\nmodel name :\n", "unknown", "unknown" },
		{ "processor : 99999999999\nmodel name : X\n", "X", "X" },
	};
	const struct rota_processors *list;

	(void)state;
	tree_put("/proc/stat", "cpu0 1\ncpu1 1\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_put("/proc/cpuinfo", cases[i].cpuinfo);
		assert_int_equal(find_processors(&list), 0);
		assert_string_equal(list->processors[0].model, cases[i].first);
		assert_string_equal(list->processors[1].model, cases[i].second);
		rota_system_processors_free(list);
	}
}

static void without_a_processor_there_is_an_error(void **state)
{
	static const char *const texts[] = { "", "cpu 1 2 3\n",
					     "cpu99999999 1\n", "cpu-1 5\n",
					     "cpu0x 1\n" };
	const struct rota_processors *list;

	(void)state;
	assert_int_equal(find_processors(&list), ROTA_ENOENT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_put("/proc/stat", texts[i]);
		assert_int_equal(find_processors(&list), ROTA_EBADMSG);
	}
	tree_put("/proc/stat", "cpu0 1\n");
	assert_int_equal(find_processors(&list), 0);
	assert_int_equal(list->processors[0].speed_hz, 0);
	rota_system_processors_free(list);
}

/* --- what lines are ------------------------------------------------------- */

static void lines_are_cut_and_joined_as_they_come(void **state)
{
	static char text[3 * ROTAI_LINE_MOST + 64];
	struct rotai_lines lines;
	size_t size = 0;

	(void)state;
	memcpy(text, "one\n\n", 5);
	size = 5;
	memset(text + size, 'l', 2 * ROTAI_LINE_MOST + 5);
	size += 2 * ROTAI_LINE_MOST + 5;
	memcpy(text + size, "\ntwo\nend", 8);
	size += 8;
	tree_put_bytes("/lines", text, size);

	assert_int_equal(rotai_lines_open(&lines, tree, "/lines"), 0);
	assert_string_equal(rotai_lines_next(&lines), "one");
	assert_string_equal(rotai_lines_next(&lines), "");
	assert_int_equal(strlen(rotai_lines_next(&lines)), ROTAI_LINE_MOST);
	assert_string_equal(rotai_lines_next(&lines), "two");
	assert_string_equal(rotai_lines_next(&lines), "end");
	assert_null(rotai_lines_next(&lines));
	assert_null(rotai_lines_next(&lines));
	assert_int_equal(rotai_lines_close(&lines), 0);

	assert_int_equal(rotai_lines_open(&lines, tree, "/none"), ROTA_ENOENT);
	assert_null(rotai_lines_next(&lines));
	assert_int_equal(rotai_lines_close(&lines), ROTA_ENOENT);
}

/* --- damaged files -------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text;
} samples[] = {
	{ "/proc/self/cgroup", "5:memory:/m/n\n3:cpu,cpuacct:/c\n0::/a/b\n" },
	{ "/proc/self/mountinfo",
	  "30 24 0:26 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cg rw\n"
	  "34 24 0:30 / /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup "
	  "memory\n" },
	{ "/proc/meminfo",
	  "MemTotal: 1000 kB\nMemFree: 20 kB\nCached: 4 kB\n" },
	{ "/proc/stat", "cpu  1 2 3\ncpu0 1 2 3 4 5\ncpu1 6 7 8 9 10 11 12\n" },
	{ "/proc/cpuinfo", "processor : 0\nmodel name : One\ncpu MHz : 24.5\n\n"
			   "processor : 1\nmodel name : Two\n" },
	{ "/proc/self/statm", "100 50 20 1 0 30 0\n" },
	{ "/sys/fs/cgroup/unified/a/memory.max", "4096\n" },
	{ "/sys/fs/cgroup/unified/a/cpu.max", "100000 100000\n" },
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

/* Write the sample with some bytes changed, and perhaps cut or repeated. */
static void damage(uint64_t *seed, size_t which)
{
	static const char likely[] = "0123456789 :/-,\n\\\t";
	static char bytes[64 * 1024];
	size_t n = strlen(samples[which].text);
	size_t copies = random_below(seed, 50) == 0 ? 300 : 1;

	for (size_t i = 0; i < copies; i++)
		memcpy(bytes + i * n, samples[which].text, n);
	n *= copies;
	for (uint64_t i = random_below(seed, 12); i > 0; i--)
		bytes[random_below(seed, n)] =
			random_below(seed, 2)
				? likely[random_below(seed, sizeof(likely))]
				: (char)random_below(seed, 256);
	if (random_below(seed, 3) == 0)
		n = (size_t)random_below(seed, n);
	tree_put_bytes(samples[which].name, bytes, n);
}

/* Either there is an error, or what is found is sound. */
static void read_everything(void)
{
	const struct rota_processors *list;
	struct rota_memory memory;
	struct rotai_cgroup limits = find_all();
	uint64_t resident;
	int error = memory_error(&memory);

	assert_true(limits.processors <= 1 << 20);
	assert_true(limits.memory <= UINT64_C(1) << 62);
	assert_true(error == 0 || error == ROTA_EBADMSG);
	assert_true(error < 0 ||
		    (memory.total > 0 && memory.available <= memory.total &&
		     memory.available_here <= memory.available));
	error = find_processors(&list);
	assert_true(error == 0 || error == ROTA_EBADMSG);
	if (error == 0)
		assert_in_range(list->count, 1, 65536);
	for (size_t i = 0; error == 0 && i < list->count; i++)
		assert_true(strlen(list->processors[i].model) < 4096);
	rota_system_processors_free(list);
	error = rotai_machine_resident(tree, &resident);
	assert_true(error == 0 || error == ROTA_EBADMSG ||
		    error == ROTA_ENODATA);
}

static void damaged_files_are_an_error_or_a_part(void **state)
{
	uint64_t seed = random_seed();
	const char *full = getenv("ROTA_TEST_FULL");
	unsigned rounds = full != NULL ? 20000 : 150;

	(void)state;
	for (size_t i = 0; i < SAMPLES; i++)
		tree_put(samples[i].name, samples[i].text);
	for (unsigned i = 0; i < rounds; i++) {
		size_t which = (size_t)random_below(&seed, SAMPLES);

		damage(&seed, which);
		read_everything();
		tree_put(samples[which].name, samples[which].text);
	}
}

static void each_allocation_of_processors_may_fail(void **state)
{
	static const char *const names[] = { "malloc", "realloc" };
	const struct rota_processors *list = NULL;
	unsigned failed = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		for (unsigned nth = 1, hit = 1; hit > 0; nth++) {
			int error;

			fault_fail(names[i], nth, ENOMEM);
			error = rota_system_processors(&list);
			hit = fault_clear();
			failed += hit;
			assert_int_equal(error, hit > 0 ? ROTA_ENOMEM : 0);
			if (error == 0)
				rota_system_processors_free(list);
			list = NULL;
		}
	assert_true(failed >= 3);
}

static const struct CMUnitTest tests[] = {
	IN_TREE(without_files_there_are_no_limits),
	IN_TREE(version_2_has_the_least_limit_of_all_groups),
	IN_TREE(the_root_group_may_have_a_limit),
	IN_TREE(version_1_has_a_hierarchy_for_each_controller),
	IN_TREE(a_hybrid_system_has_limits_in_both),
	IN_TREE(a_container_sees_the_part_below_its_own_group),
	IN_TREE(without_mountinfo_the_usual_place_is_tried),
	IN_TREE(garbage_is_no_limit),
	IN_TREE(lines_of_groups_may_be_strange),
	IN_TREE(a_mount_behind_a_long_line_is_found),
	IN_TREE(files_that_cannot_be_read_are_no_limit),
	IN_TREE(memory_is_in_bytes_and_below_the_limit),
	IN_TREE(old_kernels_do_not_say_what_is_available),
	IN_TREE(memory_without_a_total_is_an_error),
	IN_TREE(processors_have_times_models_and_speeds),
	IN_TREE(models_of_other_architectures),
	IN_TREE(without_a_processor_there_is_an_error),
	IN_TREE(lines_are_cut_and_joined_as_they_come),
	IN_TREE(damaged_files_are_an_error_or_a_part),
	cmocka_unit_test(each_allocation_of_processors_may_fail),
};
FIXTURE_MAIN(tests)

/*
 * sysinfo.c - print what the library knows of the machine, of this process and
 * of its user.
 *
 *     cc sysinfo.c $(pkg-config --cflags --libs rota) -o sysinfo
 *     ./sysinfo
 *     ./sysinfo root nobody     also these users, looked up at the same time
 *
 *  1. What the system does not report is left out. Nothing here is needed for
 *     the rest.
 *  2. Users may come from a network. So they are looked up as requests, with a
 *     deadline.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SPACE = 8192, SECONDS = 5 };

struct asked {
	struct rota_user_lookup lookup;
	struct rota_deadline deadline;
	const char *name;
};

static int exit_status;

static void print_machine(void)
{
	struct rota_uname names = { .size = sizeof(names) };
	char host[ROTA_SYSTEM_HOST_NAME_SIZE];
	uint64_t uptime_ns;
	double load[3];

	if (rota_system_host_name(host, sizeof(host)) == 0)
		printf("host        %s\n", host);
	if (rota_system_uname(&names) == 0)
		printf("system      %s %s %s\n", names.system, names.release,
		       names.machine);
	if (rota_system_uptime(&uptime_ns) == 0)
		printf("uptime      %" PRIu64 " s\n", uptime_ns / ROTA_SEC(1));
	if (rota_system_load(load) == 0)
		printf("load        %.2f %.2f %.2f\n", load[0], load[1],
		       load[2]);
}

static void print_size(const char *label, uint64_t bytes)
{
	printf("%-11s %" PRIu64 " MiB\n", label, bytes >> 20);
}

static void print_memory(void)
{
	struct rota_memory memory = { .size = sizeof(memory) };

	if (rota_system_memory(&memory) < 0)
		return; /* (1) */
	print_size("memory", memory.total);
	print_size("free", memory.free);
	print_size("available", memory.available);
	if (memory.limit > 0)
		print_size("limit", memory.limit);
	else
		printf("limit       none\n");
	print_size("for us", memory.available_here);
}

static void print_processors(void)
{
	const struct rota_processors *list;

	printf("processors  %u for us\n", rota_self_processors());
	if (rota_system_processors(&list) < 0)
		return;
	for (size_t i = 0; i < list->count; i++) {
		const struct rota_processor *at = &list->processors[i];

		printf("  %-9u %s, %" PRIu64 " MHz, user %" PRIu64
		       " s, system %" PRIu64 " s, idle %" PRIu64 " s\n",
		       at->number, at->model, at->speed_hz / 1000000,
		       at->user_ns / ROTA_SEC(1), at->system_ns / ROTA_SEC(1),
		       at->idle_ns / ROTA_SEC(1));
	}
	rota_system_processors_free(list);
}

/* Print a path, or why there is none. */
static void print_path(const char *label, int (*find)(char *path, size_t size))
{
	char path[PATH_SPACE];
	int error = find(path, sizeof(path));

	printf("%-11s %s\n", label, error < 0 ? rota_error_text(error) : path);
}

static void print_self(void)
{
	struct rota_usage usage = { .size = sizeof(usage) };
	uint64_t resident;
	int priority;

	printf("process     %d, child of %d\n", rota_self_id(),
	       rota_self_parent());
	print_path("program", rota_self_executable);
	print_path("directory", rota_self_directory);
	print_path("home", rota_home_directory);
	print_path("temporary", rota_temporary_directory);
	print_path("title", rota_title_get);
	if (rota_priority_get(0, &priority) == 0)
		printf("priority    %d\n", priority);
	if (rota_self_resident(&resident) == 0)
		print_size("resident", resident);
	if (rota_self_usage(ROTA_USAGE_PROCESS, &usage) == 0)
		printf("used        %" PRIu64 " us in programs, %" PRIu64
		       " us in the kernel\n",
		       usage.user_ns / 1000, usage.system_ns / 1000);
}

static void print_environment(void)
{
	const struct rota_environment *list;

	if (rota_environment_list(&list) < 0)
		return;
	printf("variables   %zu\n", list->count);
	rota_environment_free(list);
}

static void print_random(void)
{
	unsigned char bytes[8];

	if (rota_random_bytes(bytes, sizeof(bytes)) < 0)
		return;
	printf("random      ");
	for (size_t i = 0; i < sizeof(bytes); i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

static void on_user(struct rota_user_lookup *lookup, int status,
		    const struct rota_user *user)
{
	struct asked *asked = rota_container_of(lookup, struct asked, lookup);

	if (status < 0) {
		fprintf(stderr, "sysinfo: %s: %s\n", asked->name,
			rota_error_text(status));
		exit_status = EXIT_FAILURE;
		return;
	}
	printf("user        %s, id %u, home %s, groups", user->name, user->id,
	       user->directory);
	for (size_t i = 0; i < user->group_count; i++)
		printf(" %u", user->groups[i]);
	printf("\n");
}

/* (2) */
static void ask(struct asked *asked, struct rota_loop *loop)
{
	int error = rota_user_lookup_begin(&asked->lookup, loop, asked->name, 0,
					   ROTA_USER_GROUPS, on_user);

	if (error < 0) {
		on_user(&asked->lookup, error, NULL);
		return;
	}
	rota_request_set_deadline(&asked->lookup.request, &asked->deadline,
				  rota_loop_now(loop) + ROTA_SEC(SECONDS));
}

static int ask_for_users(int count, char **names)
{
	struct asked *all = calloc((size_t)count, sizeof(*all));
	struct rota_loop *loop;

	if (all == NULL)
		return ROTA_ENOMEM;
	if (rota_loop_new(&loop, NULL) < 0) {
		free(all);
		return ROTA_ENOMEM;
	}
	for (int i = 0; i < count; i++) {
		all[i].name = names[i];
		ask(&all[i], loop);
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	rota_loop_close(loop);
	free(all);
	return 0;
}

int main(int argc, char **argv)
{
	int error = rota_title_begin(argc, argv);

	if (error == 0)
		rota_title_set("sysinfo: at work");
	print_machine();
	print_memory();
	print_processors();
	print_self();
	print_environment();
	print_random();
	if (argc > 1)
		error = ask_for_users(argc - 1, argv + 1);
	return argc > 1 && error < 0 ? EXIT_FAILURE : exit_status;
}

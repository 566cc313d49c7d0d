/*
 * lookup.c - print the addresses of hosts, and the names of these addresses.
 *
 *     cc lookup.c $(pkg-config --cflags --libs rota) -o lookup
 *     ./lookup localhost 127.0.0.1 example.org
 *     ./lookup -t 1 example.org     wait for one second at most
 *
 *  1. All hosts are looked up at one time, and printed as the answers come.
 *  2. Each lookup has a deadline, which holds even if the system is stuck.
 *     Nothing waits for the thread then, not even the end of the program.
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct host {
	const char *name;
	struct rota_lookup lookup;
	struct rota_name_lookup reverse;
	struct rota_deadline deadline;
};

static struct rota_loop *loop;
static unsigned seconds = 5;
static int exit_status;

static void complain(const struct host *host, int error)
{
	fprintf(stderr, "lookup: %s: %s\n", host->name, rota_error_text(error));
	exit_status = EXIT_FAILURE;
}

static void limit(struct rota_request *request, struct rota_deadline *deadline)
{
	rota_request_set_deadline(request, deadline,
				  rota_loop_now(loop) + ROTA_SEC(seconds));
}

static void on_name(struct rota_name_lookup *lookup, int status,
		    const char *name, const char *service)
{
	struct host *host = rota_container_of(lookup, struct host, reverse);

	(void)service;
	if (status == 0)
		printf("%s: is also %s\n", host->name, name);
	else if (status != ROTA_EAI_NONAME)
		complain(host, status);
}

static void on_found(struct rota_lookup *lookup, int status,
		     const struct rota_address_list *list)
{
	struct host *host = rota_container_of(lookup, struct host, lookup);
	char text[ROTA_ADDRESS_TEXT_SIZE];

	if (status < 0) {
		complain(host, status);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		rota_address_text(&list->addresses[i], text, sizeof(text));
		printf("%s: %s\n", host->name, text);
	}
	status = rota_name_lookup_begin(&host->reverse, loop,
					&list->addresses[0], ROTA_NAME_REQUIRED,
					on_name);
	if (status < 0)
		complain(host, status);
	else
		limit(&host->reverse.request, &host->deadline); /* (2) */
}

static void begin(struct host *host)
{
	int error = rota_lookup_begin(&host->lookup, loop, host->name, "80",
				      NULL, on_found);

	if (error < 0)
		complain(host, error);
	else
		limit(&host->lookup.request, &host->deadline); /* (2) */
}

int main(int argc, char **argv)
{
	struct host *hosts;
	int option;

	while ((option = getopt(argc, argv, "t:")) == 't')
		seconds = (unsigned)atoi(optarg);
	if (option != -1 || optind == argc) {
		fprintf(stderr, "usage: lookup [-t seconds] host...\n");
		return 2;
	}
	hosts = calloc((size_t)argc, sizeof(*hosts));
	if (hosts == NULL || rota_loop_new(&loop, NULL) < 0)
		return EXIT_FAILURE;
	for (int i = optind; i < argc; i++) { /* (1) */
		hosts[i].name = argv[i];
		begin(&hosts[i]);
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	rota_loop_close(loop);
	free(hosts);
	return exit_status;
}

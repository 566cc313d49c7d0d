/* poller: none */
/*
 * Error codes: their numbers, names and texts.
 */
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* All error codes, in the order of the header. */
static const struct {
	int error;
	const char *name;
} codes[] = {
	{ ROTA_E2BIG, "E2BIG" },
	{ ROTA_EACCES, "EACCES" },
	{ ROTA_EADDRINUSE, "EADDRINUSE" },
	{ ROTA_EADDRNOTAVAIL, "EADDRNOTAVAIL" },
	{ ROTA_EAFNOSUPPORT, "EAFNOSUPPORT" },
	{ ROTA_EAGAIN, "EAGAIN" },
	{ ROTA_EALREADY, "EALREADY" },
	{ ROTA_EBADF, "EBADF" },
	{ ROTA_EBADMSG, "EBADMSG" },
	{ ROTA_EBUSY, "EBUSY" },
	{ ROTA_ECANCELED, "ECANCELED" },
	{ ROTA_ECHILD, "ECHILD" },
	{ ROTA_ECONNABORTED, "ECONNABORTED" },
	{ ROTA_ECONNREFUSED, "ECONNREFUSED" },
	{ ROTA_ECONNRESET, "ECONNRESET" },
	{ ROTA_EDEADLK, "EDEADLK" },
	{ ROTA_EDESTADDRREQ, "EDESTADDRREQ" },
	{ ROTA_EDOM, "EDOM" },
	{ ROTA_EDQUOT, "EDQUOT" },
	{ ROTA_EEXIST, "EEXIST" },
	{ ROTA_EFAULT, "EFAULT" },
	{ ROTA_EFBIG, "EFBIG" },
	{ ROTA_EHOSTUNREACH, "EHOSTUNREACH" },
	{ ROTA_EIDRM, "EIDRM" },
	{ ROTA_EILSEQ, "EILSEQ" },
	{ ROTA_EINPROGRESS, "EINPROGRESS" },
	{ ROTA_EINTR, "EINTR" },
	{ ROTA_EINVAL, "EINVAL" },
	{ ROTA_EIO, "EIO" },
	{ ROTA_EISCONN, "EISCONN" },
	{ ROTA_EISDIR, "EISDIR" },
	{ ROTA_ELOOP, "ELOOP" },
	{ ROTA_EMFILE, "EMFILE" },
	{ ROTA_EMLINK, "EMLINK" },
	{ ROTA_EMSGSIZE, "EMSGSIZE" },
	{ ROTA_ENAMETOOLONG, "ENAMETOOLONG" },
	{ ROTA_ENETDOWN, "ENETDOWN" },
	{ ROTA_ENETRESET, "ENETRESET" },
	{ ROTA_ENETUNREACH, "ENETUNREACH" },
	{ ROTA_ENFILE, "ENFILE" },
	{ ROTA_ENOBUFS, "ENOBUFS" },
	{ ROTA_ENODEV, "ENODEV" },
	{ ROTA_ENOENT, "ENOENT" },
	{ ROTA_ENOEXEC, "ENOEXEC" },
	{ ROTA_ENOLCK, "ENOLCK" },
	{ ROTA_ENOMEM, "ENOMEM" },
	{ ROTA_ENOMSG, "ENOMSG" },
	{ ROTA_ENOPROTOOPT, "ENOPROTOOPT" },
	{ ROTA_ENOSPC, "ENOSPC" },
	{ ROTA_ENOSYS, "ENOSYS" },
	{ ROTA_ENOTCONN, "ENOTCONN" },
	{ ROTA_ENOTDIR, "ENOTDIR" },
	{ ROTA_ENOTEMPTY, "ENOTEMPTY" },
	{ ROTA_ENOTSOCK, "ENOTSOCK" },
	{ ROTA_ENOTSUP, "ENOTSUP" },
	{ ROTA_ENOTTY, "ENOTTY" },
	{ ROTA_ENXIO, "ENXIO" },
	{ ROTA_EOPNOTSUPP, "EOPNOTSUPP" },
	{ ROTA_EOVERFLOW, "EOVERFLOW" },
	{ ROTA_EPERM, "EPERM" },
	{ ROTA_EPIPE, "EPIPE" },
	{ ROTA_EPROTO, "EPROTO" },
	{ ROTA_EPROTONOSUPPORT, "EPROTONOSUPPORT" },
	{ ROTA_EPROTOTYPE, "EPROTOTYPE" },
	{ ROTA_ERANGE, "ERANGE" },
	{ ROTA_EROFS, "EROFS" },
	{ ROTA_ESHUTDOWN, "ESHUTDOWN" },
	{ ROTA_ESPIPE, "ESPIPE" },
	{ ROTA_ESRCH, "ESRCH" },
	{ ROTA_ESTALE, "ESTALE" },
	{ ROTA_ETIMEDOUT, "ETIMEDOUT" },
	{ ROTA_ETXTBSY, "ETXTBSY" },
	{ ROTA_EXDEV, "EXDEV" },
	{ ROTA_EOF, "EOF" },
	{ ROTA_ENOTNUMERIC, "ENOTNUMERIC" },
	{ ROTA_EFTYPE, "EFTYPE" },
	{ ROTA_EHOSTDOWN, "EHOSTDOWN" },
	{ ROTA_EMEDIUMTYPE, "EMEDIUMTYPE" },
	{ ROTA_EMULTIHOP, "EMULTIHOP" },
	{ ROTA_ENOATTR, "ENOATTR" },
	{ ROTA_ENODATA, "ENODATA" },
	{ ROTA_ENOLINK, "ENOLINK" },
	{ ROTA_ENOMEDIUM, "ENOMEDIUM" },
	{ ROTA_ENONET, "ENONET" },
	{ ROTA_ENOTBLK, "ENOTBLK" },
	{ ROTA_ENOTRECOVERABLE, "ENOTRECOVERABLE" },
	{ ROTA_EOWNERDEAD, "EOWNERDEAD" },
	{ ROTA_EPFNOSUPPORT, "EPFNOSUPPORT" },
	{ ROTA_EREMOTE, "EREMOTE" },
	{ ROTA_EREMOTEIO, "EREMOTEIO" },
	{ ROTA_ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT" },
	{ ROTA_ETIME, "ETIME" },
	{ ROTA_ETOOMANYREFS, "ETOOMANYREFS" },
	{ ROTA_EUCLEAN, "EUCLEAN" },
	{ ROTA_EUSERS, "EUSERS" },
	{ ROTA_EAI_ADDRFAMILY, "EAI_ADDRFAMILY" },
	{ ROTA_EAI_AGAIN, "EAI_AGAIN" },
	{ ROTA_EAI_BADFLAGS, "EAI_BADFLAGS" },
	{ ROTA_EAI_BADHINTS, "EAI_BADHINTS" },
	{ ROTA_EAI_FAIL, "EAI_FAIL" },
	{ ROTA_EAI_FAMILY, "EAI_FAMILY" },
	{ ROTA_EAI_NODATA, "EAI_NODATA" },
	{ ROTA_EAI_NONAME, "EAI_NONAME" },
	{ ROTA_EAI_OVERFLOW, "EAI_OVERFLOW" },
	{ ROTA_EAI_PROTOCOL, "EAI_PROTOCOL" },
	{ ROTA_EAI_SERVICE, "EAI_SERVICE" },
	{ ROTA_EAI_SOCKTYPE, "EAI_SOCKTYPE" },
};

enum { COUNT = sizeof(codes) / sizeof(codes[0]) };

static void a_system_error_is_minus_its_errno(void **state)
{
	(void)state;

	assert_int_equal(ROTA_ENOENT, -ENOENT);
	assert_int_equal(ROTA_EBUSY, -EBUSY);
	assert_int_equal(ROTA_ETIMEDOUT, -ETIMEDOUT);
	for (size_t i = 0; i < COUNT; i++)
		assert_true(codes[i].error < 0);
}

/* A code that the system does not have cannot be mistaken for one of the
 * system's. */
static void what_is_not_the_systems_lies_at_4000_and_below(void **state)
{
	(void)state;

	assert_true(ROTA_EOF <= -4000);
	for (int number = 1; number < 4000; number++)
		assert_true(-number > ROTA_EOF);
	for (size_t i = 0; i < COUNT; i++)
		assert_in_range(-codes[i].error, 1, 4000 + 99);
}

static void every_code_has_its_name(void **state)
{
	(void)state;

	for (size_t i = 0; i < COUNT; i++) {
		if (codes[i].error == ROTA_ENOTSUP)
			continue; /* it may have two names: see below */
		assert_string_equal(rota_error_name(codes[i].error),
				    codes[i].name);
	}
}

/* Some systems have two names for one number. */
static void of_two_names_the_usual_one_is_given(void **state)
{
	(void)state;

	assert_string_equal(rota_error_name(ROTA_ENOTSUP), "ENOTSUP");
	assert_string_equal(rota_error_name(-EWOULDBLOCK),
			    EWOULDBLOCK == EAGAIN ? "EAGAIN" : "EWOULDBLOCK");
	assert_string_equal(rota_error_name(-EOPNOTSUPP),
			    EOPNOTSUPP == ENOTSUP ? "ENOTSUP" : "EOPNOTSUPP");
	assert_string_equal(rota_error_name(ROTA_EDEADLK), "EDEADLK");
}

/* Whether the system has an error of that number. */
static int is_known(int number)
{
	const char *text = strerror(number);

	return strstr(text, "nknown error") == NULL &&
	       strstr(text, "No error information") == NULL;
}

/* An error of the system is passed on as -errno, whatever it is. */
static void every_error_of_the_system_has_a_name_and_a_text(void **state)
{
	unsigned known = 0;

	(void)state;
	for (int number = 1; number < 512; number++) {
		if (!is_known(number))
			continue;
		known++;
		assert_string_not_equal(rota_error_name(-number), "UNKNOWN");
		assert_int_equal(rota_error_name(-number)[0], 'E');
		assert_string_not_equal(rota_error_text(-number),
					"unknown error");
	}
	assert_in_range(known, 80, 511);
}

enum { NUMBERS = 5000 };

static const char *names_seen[NUMBERS];
static const char *texts_seen[NUMBERS];

static void look_all_up(int signal_number)
{
	(void)signal_number;
	for (int i = 0; i < NUMBERS; i++) {
		names_seen[i] = rota_error_name(-i);
		texts_seen[i] = rota_error_text(-i);
	}
}

/* The handler may have interrupted any function: here standard output is
 * locked. */
static void a_signal_handler_may_look_errors_up(void **state)
{
	struct sigaction action = { .sa_handler = look_all_up };
	struct sigaction before;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	flockfile(stdout);
	errno = EDOM;
	raise(SIGUSR1);
	assert_int_equal(errno, EDOM);
	funlockfile(stdout);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);

	for (int i = 0; i < NUMBERS; i++) {
		assert_ptr_equal(names_seen[i], rota_error_name(-i));
		assert_ptr_equal(texts_seen[i], rota_error_text(-i));
	}
}

static void every_code_has_a_text_of_its_own(void **state)
{
	(void)state;

	for (size_t i = 0; i < COUNT; i++) {
		const char *text = rota_error_text(codes[i].error);
		size_t length = strlen(text);

		assert_in_range(length, 3, 70);
		assert_true(text[length - 1] != '.');
		assert_string_not_equal(text, "unknown error");
		for (size_t j = 0; j < i; j++)
			assert_true(
				strcmp(text, rota_error_text(codes[j].error)) ||
				codes[i].error == codes[j].error);
	}
}

static void a_number_that_is_no_code_is_unknown(void **state)
{
	static const int numbers[] = { 1, ENOENT, -3999, -4999, -100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_string_equal(rota_error_name(numbers[i]), "UNKNOWN");
		assert_true(strlen(rota_error_text(numbers[i])) > 0);
	}
}

/* The strings are static: a second call does not change the string that the
 * first one returned. */
static void a_name_stays_as_it_is(void **state)
{
	const char *first = rota_error_name(ROTA_EINVAL);
	const char *unknown = rota_error_name(4711);

	(void)state;
	rota_error_name(ROTA_EPIPE);
	rota_error_name(4712);

	assert_string_equal(first, "EINVAL");
	assert_string_equal(unknown, "UNKNOWN");
	assert_ptr_equal(rota_error_name(ROTA_EINVAL), first);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_system_error_is_minus_its_errno),
	cmocka_unit_test(what_is_not_the_systems_lies_at_4000_and_below),
	cmocka_unit_test(every_code_has_its_name),
	cmocka_unit_test(of_two_names_the_usual_one_is_given),
	cmocka_unit_test(every_error_of_the_system_has_a_name_and_a_text),
	cmocka_unit_test(a_signal_handler_may_look_errors_up),
	cmocka_unit_test(every_code_has_a_text_of_its_own),
	cmocka_unit_test(a_number_that_is_no_code_is_unknown),
	cmocka_unit_test(a_name_stays_as_it_is),
};
FIXTURE_MAIN(tests)

/*
 * rota/error.h - the codes that calls return and callbacks are told.
 *
 * Every code is negative. A system error is -errno under a name of ours; what
 * the system has no number for lies at -4000 and below.
 */
#ifndef ROTA_ERROR_H
#define ROTA_ERROR_H

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What went wrong. 0 is success. */
enum rota_error {
	ROTA_E2BIG = -E2BIG,
	ROTA_EACCES = -EACCES,
	ROTA_EADDRINUSE = -EADDRINUSE,
	ROTA_EADDRNOTAVAIL = -EADDRNOTAVAIL,
	ROTA_EAFNOSUPPORT = -EAFNOSUPPORT,
	ROTA_EAGAIN = -EAGAIN,
	ROTA_EALREADY = -EALREADY,
	ROTA_EBADF = -EBADF,
	ROTA_EBUSY = -EBUSY,
	ROTA_ECANCELED = -ECANCELED,
	ROTA_ECHILD = -ECHILD,
	ROTA_ECONNABORTED = -ECONNABORTED,
	ROTA_ECONNREFUSED = -ECONNREFUSED,
	ROTA_ECONNRESET = -ECONNRESET,
	ROTA_EDESTADDRREQ = -EDESTADDRREQ,
	ROTA_EDOM = -EDOM,
	ROTA_EEXIST = -EEXIST,
	ROTA_EFAULT = -EFAULT,
	ROTA_EFBIG = -EFBIG,
	ROTA_EHOSTUNREACH = -EHOSTUNREACH,
	ROTA_EILSEQ = -EILSEQ,
	ROTA_EINPROGRESS = -EINPROGRESS,
	ROTA_EINTR = -EINTR,
	ROTA_EINVAL = -EINVAL,
	ROTA_EIO = -EIO,
	ROTA_EISCONN = -EISCONN,
	ROTA_EISDIR = -EISDIR,
	ROTA_ELOOP = -ELOOP,
	ROTA_EMFILE = -EMFILE,
	ROTA_EMLINK = -EMLINK,
	ROTA_EMSGSIZE = -EMSGSIZE,
	ROTA_ENAMETOOLONG = -ENAMETOOLONG,
	ROTA_ENETDOWN = -ENETDOWN,
	ROTA_ENETUNREACH = -ENETUNREACH,
	ROTA_ENFILE = -ENFILE,
	ROTA_ENOBUFS = -ENOBUFS,
	ROTA_ENODEV = -ENODEV,
	ROTA_ENOENT = -ENOENT,
	ROTA_ENOEXEC = -ENOEXEC,
	ROTA_ENOLCK = -ENOLCK,
	ROTA_ENOMEM = -ENOMEM,
	ROTA_ENOPROTOOPT = -ENOPROTOOPT,
	ROTA_ENOSPC = -ENOSPC,
	ROTA_ENOSYS = -ENOSYS,
	ROTA_ENOTCONN = -ENOTCONN,
	ROTA_ENOTDIR = -ENOTDIR,
	ROTA_ENOTEMPTY = -ENOTEMPTY,
	ROTA_ENOTSOCK = -ENOTSOCK,
	ROTA_ENOTSUP = -ENOTSUP,
	ROTA_ENOTTY = -ENOTTY,
	ROTA_ENXIO = -ENXIO,
	ROTA_EOVERFLOW = -EOVERFLOW,
	ROTA_EPERM = -EPERM,
	ROTA_EPIPE = -EPIPE,
	ROTA_EPROTO = -EPROTO,
	ROTA_EPROTONOSUPPORT = -EPROTONOSUPPORT,
	ROTA_EPROTOTYPE = -EPROTOTYPE,
	ROTA_ERANGE = -ERANGE,
	ROTA_EROFS = -EROFS,
	ROTA_ESHUTDOWN = -ESHUTDOWN,
	ROTA_ESPIPE = -ESPIPE,
	ROTA_ESRCH = -ESRCH,
	ROTA_ETIMEDOUT = -ETIMEDOUT,
	ROTA_ETXTBSY = -ETXTBSY,
	ROTA_EXDEV = -EXDEV,

	ROTA_EOF = -4000, /* the end of the input */
};

/**
 * Give the name of @error: "EINVAL", "EOF". For a number that is no code of
 * ours it is "UNKNOWN".
 *
 * Thread:  any, and signal handlers.
 * Owner:   the string is static.
 */
const char *rota_error_name(int error);

/**
 * Say what @error means, in English, without a full stop. For a number that is
 * no code of ours it is "unknown error".
 *
 * Thread:  any, and signal handlers.
 * Owner:   the string is static.
 */
const char *rota_error_text(int error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

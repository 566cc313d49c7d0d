/*
 * rota/error.h - the error codes that functions return and callbacks get.
 *
 * Every code is negative. An error of the system is -errno, under a name of
 * rota's. Errors that the system has no number for are -4000 and below. A
 * system can also report errors that have no constant here. These are -errno as
 * well, and rota_error_name() knows all those of Linux, macOS and the BSDs.
 *
 * On some systems ROTA_ENOTSUP and ROTA_EOPNOTSUPP are the same number, so one
 * switch cannot have a case for each.
 */
#ifndef ROTA_ERROR_H
#define ROTA_ERROR_H

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The errors; 0 is success. Not every system has the errors listed after
 * ROTA_ENOTNUMERIC. Where <errno.h> lacks one, its constant has a number of
 * rota's own that no call returns. So a program that tests for it compiles
 * everywhere. */
enum rota_error {
	ROTA_E2BIG = -E2BIG,
	ROTA_EACCES = -EACCES,
	ROTA_EADDRINUSE = -EADDRINUSE,
	ROTA_EADDRNOTAVAIL = -EADDRNOTAVAIL,
	ROTA_EAFNOSUPPORT = -EAFNOSUPPORT,
	ROTA_EAGAIN = -EAGAIN,
	ROTA_EALREADY = -EALREADY,
	ROTA_EBADF = -EBADF,
	ROTA_EBADMSG = -EBADMSG,
	ROTA_EBUSY = -EBUSY,
	ROTA_ECANCELED = -ECANCELED,
	ROTA_ECHILD = -ECHILD,
	ROTA_ECONNABORTED = -ECONNABORTED,
	ROTA_ECONNREFUSED = -ECONNREFUSED,
	ROTA_ECONNRESET = -ECONNRESET,
	ROTA_EDEADLK = -EDEADLK,
	ROTA_EDESTADDRREQ = -EDESTADDRREQ,
	ROTA_EDOM = -EDOM,
	ROTA_EDQUOT = -EDQUOT,
	ROTA_EEXIST = -EEXIST,
	ROTA_EFAULT = -EFAULT,
	ROTA_EFBIG = -EFBIG,
	ROTA_EHOSTUNREACH = -EHOSTUNREACH,
	ROTA_EIDRM = -EIDRM,
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
	ROTA_ENETRESET = -ENETRESET,
	ROTA_ENETUNREACH = -ENETUNREACH,
	ROTA_ENFILE = -ENFILE,
	ROTA_ENOBUFS = -ENOBUFS,
	ROTA_ENODEV = -ENODEV,
	ROTA_ENOENT = -ENOENT,
	ROTA_ENOEXEC = -ENOEXEC,
	ROTA_ENOLCK = -ENOLCK,
	ROTA_ENOMEM = -ENOMEM,
	ROTA_ENOMSG = -ENOMSG,
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
	ROTA_EOPNOTSUPP = -EOPNOTSUPP,
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
	ROTA_ESTALE = -ESTALE,
	ROTA_ETIMEDOUT = -ETIMEDOUT,
	ROTA_ETXTBSY = -ETXTBSY,
	ROTA_EXDEV = -EXDEV,

	ROTA_EOF = -4000,         /* end of the input */
	ROTA_ENOTNUMERIC = -4050, /* a host name instead of an IP address */

#ifdef EFTYPE
	ROTA_EFTYPE = -EFTYPE,
#else
	ROTA_EFTYPE = -4001,
#endif
#ifdef EHOSTDOWN
	ROTA_EHOSTDOWN = -EHOSTDOWN,
#else
	ROTA_EHOSTDOWN = -4002,
#endif
#ifdef EMEDIUMTYPE
	ROTA_EMEDIUMTYPE = -EMEDIUMTYPE,
#else
	ROTA_EMEDIUMTYPE = -4003,
#endif
#ifdef EMULTIHOP
	ROTA_EMULTIHOP = -EMULTIHOP,
#else
	ROTA_EMULTIHOP = -4004,
#endif
#ifdef ENOATTR
	ROTA_ENOATTR = -ENOATTR,
#else
	ROTA_ENOATTR = -4005,
#endif
#ifdef ENODATA
	ROTA_ENODATA = -ENODATA,
#else
	ROTA_ENODATA = -4006,
#endif
#ifdef ENOLINK
	ROTA_ENOLINK = -ENOLINK,
#else
	ROTA_ENOLINK = -4007,
#endif
#ifdef ENOMEDIUM
	ROTA_ENOMEDIUM = -ENOMEDIUM,
#else
	ROTA_ENOMEDIUM = -4008,
#endif
#ifdef ENONET
	ROTA_ENONET = -ENONET,
#else
	ROTA_ENONET = -4009,
#endif
#ifdef ENOTBLK
	ROTA_ENOTBLK = -ENOTBLK,
#else
	ROTA_ENOTBLK = -4010,
#endif
#ifdef ENOTRECOVERABLE
	ROTA_ENOTRECOVERABLE = -ENOTRECOVERABLE,
#else
	ROTA_ENOTRECOVERABLE = -4011,
#endif
#ifdef EOWNERDEAD
	ROTA_EOWNERDEAD = -EOWNERDEAD,
#else
	ROTA_EOWNERDEAD = -4012,
#endif
#ifdef EPFNOSUPPORT
	ROTA_EPFNOSUPPORT = -EPFNOSUPPORT,
#else
	ROTA_EPFNOSUPPORT = -4013,
#endif
#ifdef EREMOTE
	ROTA_EREMOTE = -EREMOTE,
#else
	ROTA_EREMOTE = -4014,
#endif
#ifdef EREMOTEIO
	ROTA_EREMOTEIO = -EREMOTEIO,
#else
	ROTA_EREMOTEIO = -4015,
#endif
#ifdef ESOCKTNOSUPPORT
	ROTA_ESOCKTNOSUPPORT = -ESOCKTNOSUPPORT,
#else
	ROTA_ESOCKTNOSUPPORT = -4016,
#endif
#ifdef ETIME
	ROTA_ETIME = -ETIME,
#else
	ROTA_ETIME = -4017,
#endif
#ifdef ETOOMANYREFS
	ROTA_ETOOMANYREFS = -ETOOMANYREFS,
#else
	ROTA_ETOOMANYREFS = -4018,
#endif
#ifdef EUCLEAN
	ROTA_EUCLEAN = -EUCLEAN,
#else
	ROTA_EUCLEAN = -4019,
#endif
#ifdef EUSERS
	ROTA_EUSERS = -EUSERS,
#else
	ROTA_EUSERS = -4020,
#endif

	/* Results of name lookups: EAI_... of getaddrinfo(3), which has numbers
	 * of its own in each system. EAI_MEMORY is ROTA_ENOMEM, and EAI_SYSTEM
	 * is the error in errno. */
	ROTA_EAI_ADDRFAMILY = -4051,
	ROTA_EAI_AGAIN = -4052,
	ROTA_EAI_BADFLAGS = -4053,
	ROTA_EAI_BADHINTS = -4054,
	ROTA_EAI_FAIL = -4055,
	ROTA_EAI_FAMILY = -4056,
	ROTA_EAI_NODATA = -4057,
	ROTA_EAI_NONAME = -4058,
	ROTA_EAI_OVERFLOW = -4059,
	ROTA_EAI_PROTOCOL = -4060,
	ROTA_EAI_SERVICE = -4061,
	ROTA_EAI_SOCKTYPE = -4062,
};

/**
 * Return the name of @error, such as "EINVAL" or "EOF". If the number has two
 * names, return the usual one: "EAGAIN", "EDEADLK", "ENOTSUP". Return "OK" for
 * 0, and "UNKNOWN" for a number that is no error code.
 *
 * Thread:  any, and signal handlers.
 * Owner:   the string is static.
 */
const char *rota_error_name(int error);

/**
 * Return a short description of @error in English, without a full stop. Return
 * "success" for 0, and "unknown error" for a number that is no error code.
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

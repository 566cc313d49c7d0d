/*
 * rota.h - includes every public header of rota, a phased event loop.
 */
#ifndef ROTA_H
#define ROTA_H

#include "rota/address.h"
#include "rota/async.h"
#include "rota/buf.h"
#include "rota/detached.h"
#include "rota/dns.h"
#include "rota/error.h"
#include "rota/frame.h"
#include "rota/fs.h"
#include "rota/handle.h"
#include "rota/hook.h"
#include "rota/interface.h"
#include "rota/host_connect.h"
#include "rota/limits.h"
#include "rota/loop.h"
#include "rota/memory_stream.h"
#include "rota/object.h"
#include "rota/observe.h"
#include "rota/pipe.h"
#include "rota/pool.h"
#include "rota/pump.h"
#include "rota/request.h"
#include "rota/sendfile.h"
#include "rota/server.h"
#include "rota/signal.h"
#include "rota/stdio.h"
#include "rota/stream.h"
#include "rota/stream_class.h"
#include "rota/task.h"
#include "rota/tcp.h"
#include "rota/tcp_options.h"
#include "rota/timer.h"
#include "rota/tty.h"
#include "rota/version.h"
#include "rota/wall_timer.h"
#include "rota/watch.h"

#endif

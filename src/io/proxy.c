/*
 * io/proxy.c - rota/pump.h: rota_proxy. It is made of two pumps.
 *
 *  1. A stream that closes ends both pumps, each before the close callback of
 *     its sink. So when the close callbacks of both have begun, nothing uses
 *     the proxy any more.
 */
#include "io/pump.h"

#include "loop/enter.h"
#include "loop/handle.h"
#include "rota/error.h"

/* Close both streams. One that the program has closed stays as it is. */
static void proxy_close(const struct rota_proxy *proxy)
{
	struct rota_stream *a = proxy->internal.a;
	struct rota_stream *b = proxy->internal.b;

	if (proxy->status < 0) {
		(void)rota_stream_close_reset(a, proxy->internal.fn);
		(void)rota_stream_close_reset(b, proxy->internal.fn);
	} else {
		(void)rota_handle_close(&a->handle, proxy->internal.fn);
		(void)rota_handle_close(&b->handle, proxy->internal.fn);
	}
}

static void direction_ended(struct rota_proxy *proxy, int status)
{
	int is_first = proxy->status == 0 && status < 0;

	proxy->internal.running--;
	if (is_first)
		proxy->status = status;
	/* The close ends the other pump, which then is not the first. */
	if (is_first || (proxy->status == 0 && proxy->internal.running == 0))
		proxy_close(proxy);
}

static void there_ended(struct rota_pump *pump, int status)
{
	direction_ended(rota_container_of(pump, struct rota_proxy, there),
			status);
}

static void back_ended(struct rota_pump *pump, int status)
{
	direction_ended(rota_container_of(pump, struct rota_proxy, back),
			status);
}

int rota_proxy_start(struct rota_proxy *proxy, struct rota_stream *a,
		     struct rota_stream *b, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(&a->handle);
	int error;

	if (a == b)
		return ROTA_EINVAL;
	proxy->status = 0;
	proxy->internal.a = a;
	proxy->internal.b = b;
	proxy->internal.fn = fn;
	proxy->internal.running = 2;
	error = rota_pump_start(&proxy->there, a, b, 0, there_ended);
	if (error < 0)
		return error;
	error = rota_pump_start(&proxy->back, b, a, 0, back_ended);
	if (error < 0)
		rotai_pump_drop(&proxy->there);
	return error;
}

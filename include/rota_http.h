/*
 * rota_http.h - includes every public header of librota-http.
 */
#ifndef ROTA_HTTP_H
#define ROTA_HTTP_H

#include "rota_http/access.h"
#include "rota_http/byteranges.h"
#include "rota_http/coding.h"
#include "rota_http/conditional.h"
#include "rota_http/date.h"
#include "rota_http/exchange.h"
#include "rota_http/files.h"
#include "rota_http/forwarded.h"
#include "rota_http/head.h"
#include "rota_http/histogram.h"
#include "rota_http/list.h"
#include "rota_http/log.h"
#include "rota_http/media_type.h"
#include "rota_http/method.h"
#include "rota_http/metrics.h"
#include "rota_http/name.h"
#include "rota_http/network.h"
#include "rota_http/parser.h"
#include "rota_http/path.h"
#include "rota_http/proxy_header.h"
#include "rota_http/range.h"
#include "rota_http/request.h"
#include "rota_http/response.h"
#include "rota_http/server.h"
#include "rota_http/target.h"
#include "rota_http/writer.h"

#endif

/*
 * http/media_type.c - see rota_http/media_type.h.
 *
 * The types are those that the IANA has registered, where there is one, and
 * else those that browsers expect. Programs' texts are text/plain, so that
 * browsers show them.
 */
#include "rota_http/media_type.h"

#include <string.h>

#include "http/text.h"

enum { LONGEST_EXTENSION = 15 };

/* In the order of strcmp(3). tests/http/test_http_helpers.c looks. */
static const struct rota_http_media_type known_types[] = {
	{ "7z", "application/x-7z-compressed" },
	{ "aac", "audio/aac" },
	{ "apk", "application/vnd.android.package-archive" },
	{ "apng", "image/apng" },
	{ "asc", "text/plain; charset=utf-8" },
	{ "atom", "application/atom+xml" },
	{ "avi", "video/x-msvideo" },
	{ "avif", "image/avif" },
	{ "bin", "application/octet-stream" },
	{ "bmp", "image/bmp" },
	{ "br", "application/octet-stream" },
	{ "bz2", "application/x-bzip2" },
	{ "c", "text/plain; charset=utf-8" },
	{ "cc", "text/plain; charset=utf-8" },
	{ "conf", "text/plain; charset=utf-8" },
	{ "cpp", "text/plain; charset=utf-8" },
	{ "css", "text/css; charset=utf-8" },
	{ "csv", "text/csv; charset=utf-8" },
	{ "deb", "application/vnd.debian.binary-package" },
	{ "diff", "text/plain; charset=utf-8" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument."
		  "wordprocessingml.document" },
	{ "eot", "application/vnd.ms-fontobject" },
	{ "epub", "application/epub+zip" },
	{ "exe", "application/octet-stream" },
	{ "flac", "audio/flac" },
	{ "gif", "image/gif" },
	{ "go", "text/plain; charset=utf-8" },
	{ "gz", "application/gzip" },
	{ "h", "text/plain; charset=utf-8" },
	{ "heic", "image/heic" },
	{ "hpp", "text/plain; charset=utf-8" },
	{ "htm", "text/html; charset=utf-8" },
	{ "html", "text/html; charset=utf-8" },
	{ "ico", "image/x-icon" },
	{ "ics", "text/calendar; charset=utf-8" },
	{ "ini", "text/plain; charset=utf-8" },
	{ "iso", "application/octet-stream" },
	{ "jar", "application/java-archive" },
	{ "java", "text/plain; charset=utf-8" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript; charset=utf-8" },
	{ "json", "application/json" },
	{ "jsonld", "application/ld+json" },
	{ "jxl", "image/jxl" },
	{ "log", "text/plain; charset=utf-8" },
	{ "m3u8", "application/vnd.apple.mpegurl" },
	{ "m4a", "audio/mp4" },
	{ "m4v", "video/mp4" },
	{ "map", "application/json" },
	{ "md", "text/markdown; charset=utf-8" },
	{ "mid", "audio/midi" },
	{ "mjs", "text/javascript; charset=utf-8" },
	{ "mkv", "video/matroska" },
	{ "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "mpeg", "video/mpeg" },
	{ "mpg", "video/mpeg" },
	{ "odp", "application/vnd.oasis.opendocument.presentation" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "ogv", "video/ogg" },
	{ "opus", "audio/ogg" },
	{ "otf", "font/otf" },
	{ "patch", "text/plain; charset=utf-8" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx", "application/vnd.openxmlformats-officedocument."
		  "presentationml.presentation" },
	{ "ps", "application/postscript" },
	{ "py", "text/plain; charset=utf-8" },
	{ "rar", "application/vnd.rar" },
	{ "rs", "text/plain; charset=utf-8" },
	{ "rss", "application/rss+xml" },
	{ "rtf", "application/rtf" },
	{ "sh", "text/plain; charset=utf-8" },
	{ "sql", "application/sql" },
	{ "svg", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "tgz", "application/gzip" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "toml", "application/toml" },
	{ "ts", "video/mp2t" },
	{ "ttf", "font/ttf" },
	{ "txt", "text/plain; charset=utf-8" },
	{ "vtt", "text/vtt; charset=utf-8" },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/wav" },
	{ "weba", "audio/webm" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xhtml", "application/xhtml+xml" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx",
	  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "xml", "text/xml; charset=utf-8" },
	{ "xz", "application/x-xz" },
	{ "yaml", "application/yaml" },
	{ "yml", "application/yaml" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

/* Copy @text as a string in lower case. */
static void lower_extension(char to[LONGEST_EXTENSION + 1],
			    struct rota_const_buf text)
{
	for (size_t i = 0; i < text.size; i++) {
		char byte = text.data[i];

		to[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
	}
	to[text.size] = '\0';
}

static const char *find_known_type(struct rota_const_buf text)
{
	char extension[LONGEST_EXTENSION + 1];
	size_t least = 0;
	size_t end = sizeof(known_types) / sizeof(known_types[0]);

	if (text.size > LONGEST_EXTENSION)
		return NULL;
	lower_extension(extension, text);
	while (least < end) {
		size_t middle = (least + end) / 2;
		int order = strcmp(extension, known_types[middle].extension);

		if (order == 0)
			return known_types[middle].type;
		if (order > 0)
			least = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

const char *rota_http_media_type_find(struct rota_const_buf name,
				      const struct rota_http_media_type *own,
				      size_t count)
{
	size_t at = name.size;

	while (at > 0 && name.data[at - 1] != '.' && name.data[at - 1] != '/')
		at--;
	if (at < 2 || name.data[at - 1] != '.' || name.data[at - 2] == '/')
		return NULL;
	name = rota_bytes(name.data + at, name.size - at);
	for (size_t i = 0; i < count; i++)
		if (rotai_http_is_word(name.data, name.size, own[i].extension))
			return own[i].type;
	return find_known_type(name);
}

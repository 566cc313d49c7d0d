/*
 * http/forwarded.c - see rota_http/forwarded.h.
 *
 *  1. A proxy appends to what it has received, so the last element of the last
 *     field is that of the peer. The walk goes from there to the front, and
 *     ends at the first address that is not trusted: what is before it may be
 *     the client's invention, and is not looked at.
 *  2. A field is split from its front, because quoted strings can be found in
 *     no other way. A client that leaves a string open makes its own field, or
 *     one to which a proxy has appended, malformed: then the client is not
 *     known.
 *  3. Scheme and host are those of the element with the client's address. Of
 *     X-Forwarded-Proto and -Host that is the element at the same place, if
 *     they have as many as X-Forwarded-For; or the only one.
 */
#include "rota_http/forwarded.h"

#include <string.h>

#include "http/address.h"
#include "http/text.h"
#include "rota/error.h"
#include "rota_http/list.h"
#include "rota_http/target.h"

enum { MOST_PORT = 65535 };

/* The last elements of a field: the one number i is at[i % the size]. */
struct elements {
	struct rota_const_buf at[ROTA_HTTP_MOST_HOPS + 1];
	size_t count;
};

static int gather(struct elements *elements, struct rota_const_buf value)
{
	struct rota_http_list list = { value };
	struct rota_const_buf element;
	int found;

	elements->count = 0;
	while ((found = rota_http_list_next(&list, &element)) == 1)
		elements->at[elements->count++ % (ROTA_HTTP_MOST_HOPS + 1)] =
			element;
	return found;
}

static struct rota_const_buf rest_from(struct rota_const_buf text,
				       const char *at)
{
	return rota_bytes(at, (size_t)(text.data + text.size - at));
}

static int is_obfuscated(struct rota_const_buf text)
{
	if (text.size < 2 || text.data[0] != '_')
		return 0;
	for (size_t i = 1; i < text.size; i++)
		if (!rotai_http_is(text.data[i],
				   ROTAI_HTTP_ALPHA | ROTAI_HTTP_DIGIT) &&
		    strchr("._-", text.data[i]) == NULL)
			return 0;
	return 1;
}

/* Read ":80" or ":_name", or nothing. Returns the port, 0 if it is not known,
 * or -1. */
static int read_node_port(struct rota_const_buf text)
{
	if (text.size == 0)
		return 0;
	if (text.data[0] != ':')
		return -1;
	text = rota_bytes(text.data + 1, text.size - 1);
	return is_obfuscated(text) ? 0
				   : rotai_http_read_decimal(text, MOST_PORT);
}

/* Read "[address]" with a port, or "address" with a port. */
static int read_node_ip(struct rota_address *address,
			struct rota_const_buf text)
{
	int is_ip6 = text.data[0] == '[';
	const char *end = memchr(text.data, is_ip6 ? ']' : ':', text.size);
	struct rota_const_buf ip = text;
	struct rota_address read;
	int port = 0;

	if (is_ip6) {
		if (end == NULL)
			return ROTA_EINVAL;
		ip = rota_bytes(text.data + 1, (size_t)(end - text.data) - 1);
		end++;
	} else if (end != NULL) {
		ip.size = (size_t)(end - text.data);
	}
	if (end != NULL)
		port = read_node_port(rest_from(text, end));
	if (port < 0 || (is_ip6 ? rotai_http_read_ip6(&read, ip)
				: rotai_http_read_ip4(&read, ip)) < 0)
		return ROTA_EINVAL;
	(void)rota_address_set_port(&read, (unsigned)port);
	*address = read;
	return 0;
}

/* Whether the node, without its port, is "unknown" or a made-up name. */
static int is_hidden(struct rota_const_buf text)
{
	const char *colon = memchr(text.data, ':', text.size);
	struct rota_const_buf name = text;

	if (colon != NULL)
		name.size = (size_t)(colon - text.data);
	return (rotai_http_is_word(name.data, name.size, "unknown") ||
		is_obfuscated(name)) &&
	       (colon == NULL || read_node_port(rest_from(text, colon)) >= 0);
}

/* Read a node. The address is of size 0 if it is hidden. */
static int read_node(struct rota_address *address, struct rota_const_buf text)
{
	if (text.size == 0)
		return ROTA_EINVAL;
	if (is_hidden(text)) {
		address->size = 0;
		return 0;
	}
	return read_node_ip(address, text);
}

static int is_scheme(struct rota_const_buf text)
{
	return rotai_http_is_all(text.data, text.size, ROTAI_HTTP_SCHEME) &&
	       rotai_http_is(text.data[0], ROTAI_HTTP_ALPHA);
}

static int is_host(struct rota_const_buf text)
{
	struct rota_http_host host;

	return text.size > 0 && rota_http_host_parse(&host, text) == 0 &&
	       host.name.size > 0;
}

enum parameter { FOR, PROTO, HOST, BY, OTHER };

struct pair {
	enum parameter name;
	struct rota_const_buf value; /* without quotes */
	int is_escaped;              /* it has backslashes */
};

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && rotai_http_is_blank(*at))
		at++;
	return at;
}

static enum parameter find_parameter(struct rota_const_buf name)
{
	static const char *const names[] = { "for", "proto", "host", "by" };
	enum parameter parameter = FOR;

	while (parameter < OTHER &&
	       !rotai_http_is_word(name.data, name.size, names[parameter]))
		parameter++;
	return parameter;
}

static const char *skip_token(const char *at, const char *end)
{
	while (at < end && rotai_http_is(*at, ROTAI_HTTP_TCHAR))
		at++;
	return at;
}

/* Read the quoted string at @at. Returns its end, or NULL. */
static const char *read_quoted(struct pair *pair, const char *at,
			       const char *end)
{
	const char *begin = ++at;

	while (at < end && *at != '"') {
		if (*at == '\\') {
			pair->is_escaped = 1;
			at++;
		}
		at++;
	}
	if (at >= end)
		return NULL;
	pair->value = rota_bytes(begin, (size_t)(at - begin));
	return at + 1;
}

/* Read "name=value". Returns its end, or NULL. */
static const char *read_pair(struct pair *pair, const char *at, const char *end)
{
	const char *equals = skip_token(at, end);

	if (equals == at || equals == end || *equals != '=')
		return NULL;
	pair->name = find_parameter(rota_bytes(at, (size_t)(equals - at)));
	pair->is_escaped = 0;
	at = equals + 1;
	if (at < end && *at == '"')
		return read_quoted(pair, at, end);
	end = skip_token(at, end);
	pair->value = rota_bytes(at, (size_t)(end - at));
	return end > at ? end : NULL;
}

/* Take what a pair says. *@seen has a bit for each parameter. */
static int take_pair(struct rota_http_client *client, const struct pair *pair,
		     unsigned *seen)
{
	if (pair->name == OTHER)
		return 0;
	if (*seen & 1U << pair->name || pair->is_escaped)
		return ROTA_EINVAL;
	*seen |= 1U << pair->name;
	switch (pair->name) {
	case FOR:
		return read_node(&client->address, pair->value);
	case PROTO:
		client->scheme = pair->value;
		return is_scheme(pair->value) ? 0 : ROTA_EINVAL;
	case HOST:
		client->host = pair->value;
		return is_host(pair->value) ? 0 : ROTA_EINVAL;
	default:
		return 0;
	}
}

/* Read an element: pairs with semicolons between them. */
static int read_element(struct rota_http_client *client,
			struct rota_const_buf element)
{
	const char *at = element.data;
	const char *end = at + element.size;
	unsigned seen = 0;
	struct pair pair;

	client->address.size = 0;
	client->scheme = client->host = rota_bytes(NULL, 0);
	while ((at = skip_blanks(at, end)) < end) {
		if (*at == ';') {
			at++;
			continue;
		}
		at = read_pair(&pair, at, end);
		if (at == NULL || take_pair(client, &pair, &seen) < 0)
			return ROTA_EINVAL;
		at = skip_blanks(at, end);
		if (at < end && *at != ';')
			return ROTA_EINVAL;
	}
	return 0;
}

static int read_x_element(struct rota_http_client *client,
			  struct rota_const_buf element)
{
	struct rota_address address;

	if (rotai_http_read_ip6(&address, element) == 0) {
		client->address = address;
		return 0;
	}
	return read_node(&client->address, element);
}

/* Count the elements of all fields called @name. *@found is the one that has
 * @behind others behind it, if there are so many. */
static size_t count_elements(const struct rota_http_head *head,
			     enum rota_http_name name, size_t behind,
			     struct rota_const_buf *found)
{
	struct elements elements;
	size_t count = 0;

	for (uint32_t i = head->count; i-- > 0;) {
		if (head->fields[i].name != name)
			continue;
		if (gather(&elements, rota_http_head_value(head, i)) < 0)
			return 0;
		if (behind >= count && behind - count < elements.count)
			*found = elements.at[(elements.count - 1 -
					      (behind - count)) %
					     (ROTA_HTTP_MOST_HOPS + 1)];
		count += elements.count;
	}
	return count;
}

/* (3) */
static struct rota_const_buf pick(const struct rota_http_head *head,
				  enum rota_http_name name, uint8_t hops,
				  size_t count)
{
	struct rota_const_buf found = { NULL, 0 };
	size_t own =
		count_elements(head, name, hops > 0 ? hops - 1U : 0, &found);

	if (own == 1 && hops > 1)
		(void)count_elements(head, name, 0, &found);
	return own == 1 || (own == count && hops > 0) ? found
						      : rota_bytes(NULL, 0);
}

static void read_x_others(struct rota_http_client *client,
			  const struct rota_http_head *head)
{
	struct rota_const_buf unused;
	size_t count = count_elements(head, ROTA_HTTP_NAME_X_FORWARDED_FOR, 0,
				      &unused);

	client->scheme = pick(head, ROTA_HTTP_NAME_X_FORWARDED_PROTO,
			      client->hops, count);
	if (!is_scheme(client->scheme))
		client->scheme = rota_bytes(NULL, 0);
	client->host = pick(head, ROTA_HTTP_NAME_X_FORWARDED_HOST, client->hops,
			    count);
	if (!is_host(client->host))
		client->host = rota_bytes(NULL, 0);
}

static int walk_field(struct rota_http_client *client,
		      const struct rota_http_trust *trust,
		      struct rota_const_buf value)
{
	int is_x = trust->forwarding == ROTA_HTTP_X_FORWARDED;
	struct elements elements;

	if (gather(&elements, value) < 0)
		return ROTA_EINVAL;
	for (size_t i = elements.count; i-- > 0;) {
		struct rota_const_buf element =
			elements.at[i % (ROTA_HTTP_MOST_HOPS + 1)];
		int error;

		if (!rota_http_networks_have(&trust->hops, &client->address))
			return 0; /* (1) */
		if (client->hops == ROTA_HTTP_MOST_HOPS)
			return ROTA_EINVAL;
		client->hops++;
		error = is_x ? read_x_element(client, element)
			     : read_element(client, element);
		if (error < 0)
			return error;
	}
	return 0;
}

int rota_http_client_find(struct rota_http_client *client,
			  const struct rota_http_head *head,
			  const struct rota_address *peer,
			  const struct rota_http_trust *trust)
{
	static const struct rota_http_client nobody;
	int is_x = trust->forwarding == ROTA_HTTP_X_FORWARDED;
	enum rota_http_name name = is_x ? ROTA_HTTP_NAME_X_FORWARDED_FOR
					: ROTA_HTTP_NAME_FORWARDED;

	*client = nobody;
	client->address = *peer;
	if (trust->forwarding == ROTA_HTTP_NOT_FORWARDED ||
	    !rota_http_networks_have(&trust->hops, peer))
		return 0;
	for (uint32_t i = head->count; i-- > 0;) {
		if (head->fields[i].name != name)
			continue;
		if (!rota_http_networks_have(&trust->hops, &client->address))
			break;
		if (walk_field(client, trust, rota_http_head_value(head, i)) <
		    0) {
			*client = nobody;
			return ROTA_EINVAL;
		}
	}
	if (is_x)
		read_x_others(client, head);
	return 0;
}

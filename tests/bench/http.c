/*
 * http.c
 *		Writes requests, reads answers that have a Content-Length.
 *
 * What a server under measure sends is known: a status line, headers, and a
 * body with its length.  Anything else (chunked, a body until the end of the
 * connection) is HTTP_BAD, so that a wrong peer is noticed and not measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

#define IN_SIZE_FIRST 16384

bool
http_connect(Http *http, int port)
{
	struct sockaddr_in to = {0};
	int			on = 1;

	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t) port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	http->in_len = 0;
	http->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (http->fd < 0)
		die("cannot make a socket: %s", strerror(errno));
	/* connected before it is non-blocking: on loopback that is at once */
	if (connect(http->fd, (struct sockaddr *) &to, sizeof(to)) != 0 ||
		fcntl(http->fd, F_SETFL, O_NONBLOCK) != 0 ||
		setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
	{
		http_close(http);
		return false;
	}
	return true;
}

void
http_close(Http *http)
{
	if (http->fd >= 0)
		close(http->fd);
	http->fd = -1;
}

void
http_start(Http *http)
{
	http->out_len = 0;
	http->out_sent = 0;
}

void
http_append(Http *http, const char *text, size_t len)
{
	if (len > REQUEST_MAX - http->out_len)
		die("a request longer than %d bytes", REQUEST_MAX);
	memcpy(http->out + http->out_len, text, len);
	http->out_len += len;
}

void
http_append_text(Http *http, const char *text)
{
	http_append(http, text, strlen(text));
}

HttpResult
http_send(Http *http)
{
	while (http->out_sent < http->out_len)
	{
		ssize_t		sent = send(http->fd, http->out + http->out_sent,
								http->out_len - http->out_sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? HTTP_MORE : HTTP_LOST;
		http->out_sent += (size_t) sent;
	}
	return HTTP_DONE;
}

/* Value of a header if the line is that header, else NULL. "name" is lower case with its colon. */
static const char *
header_value(const char *line, const char *end, const char *name)
{
	size_t		len = strlen(name);

	if ((size_t) (end - line) < len || strncasecmp(line, name, len) != 0)
		return NULL;
	for (line += len; line < end && *line == ' ';)
		line++;
	return line;
}

static void
header_read(const char *line, const char *end, Answer *answer, int64_t *length)
{
	const char *value;

	switch (*line | 0x20)
	{
		case 'c':
			if ((value = header_value(line, end, "content-length:")) != NULL)
				*length = atoll(value);
			else if ((value = header_value(line, end, "connection:")) != NULL)
				answer->closes = (*value | 0x20) == 'c';
			break;
		case 'r':
			if ((value = header_value(line, end, "retry-after:")) != NULL)
				answer->retry_after_s = atoi(value);
			break;
		default:
			break;
	}
}

/* Reads the head; HTTP_DONE leaves the body's place and length in the answer. */
static HttpResult
head_read(const Http *http, Answer *answer)
{
	const char *head_end = memmem(http->in, http->in_len, "\r\n\r\n", 4);
	const char *line;
	int64_t		length = -1;

	if (head_end == NULL)
		return http->in_len < IN_SIZE_FIRST ? HTTP_MORE : HTTP_BAD;
	if (head_end - http->in < 12 || memcmp(http->in, "HTTP/1.1 ", 9) != 0)
		return HTTP_BAD;
	answer->status = atoi(http->in + 9);
	answer->retry_after_s = -1;
	answer->closes = false;
	line = memchr(http->in, '\n', (size_t) (head_end + 2 - http->in)) + 1;
	while (line < head_end)
	{
		const char *line_end = memchr(line, '\r', (size_t) (head_end + 1 - line));

		header_read(line, line_end, answer, &length);
		line = line_end + 2;
	}
	if (length < 0 && answer->status == 204)
		length = 0;
	if (length < 0 || length > ANSWER_MAX)
		return HTTP_BAD;
	answer->body = head_end + 4;
	answer->body_len = (size_t) length;
	return HTTP_DONE;
}

static void
grow(Http *http)
{
	http->in_size = http->in_size == 0 ? IN_SIZE_FIRST : http->in_size * 2;
	http->in = realloc(http->in, http->in_size);
	if (http->in == NULL)
		die("out of memory");
}

HttpResult
http_receive(Http *http, Answer *answer)
{
	ssize_t		got;
	HttpResult	result;

	if (http->in_len == http->in_size)
	{
		if (http->in_size > ANSWER_MAX)
			return HTTP_BAD;
		grow(http);
	}
	got = recv(http->fd, http->in + http->in_len, http->in_size - http->in_len, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? HTTP_MORE : HTTP_LOST;
	if (got == 0)
		return HTTP_LOST;
	http->in_len += (size_t) got;
	result = head_read(http, answer);
	if (result != HTTP_DONE)
		return result;
	if ((size_t) (answer->body - http->in) + answer->body_len > http->in_len)
		return HTTP_MORE;
	http->in_len = 0;			/* one request at a time: nothing may follow the answer */
	return HTTP_DONE;
}

/*
 * http.h
 *		One keep-alive HTTP/1.1 connection to 127.0.0.1, without waiting.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include "bench.h"

#define REQUEST_MAX 4096
#define ANSWER_MAX (4 * 1024 * 1024)

typedef struct Http
{
	int			fd;				/* -1: not connected */
	size_t		out_len;
	size_t		out_sent;
	size_t		in_len;
	size_t		in_size;
	char	   *in;
	char		out[REQUEST_MAX];
} Http;

typedef struct Answer
{
	int			status;
	int			retry_after_s;	/* -1: none */
	bool		closes;			/* the server closes the connection after it */
	const char *body;
	size_t		body_len;
} Answer;

typedef enum HttpResult
{
	HTTP_DONE,
	HTTP_MORE,					/* call again when the socket is ready */
	HTTP_LOST,					/* closed or reset; errno is of no more use */
	HTTP_BAD					/* not an answer that this client reads */
} HttpResult;

extern bool http_connect(Http *http, int port);
extern void http_close(Http *http);

/* The request is made up in place: start, append, send. */
extern void http_start(Http *http);
extern void http_append(Http *http, const char *text, size_t len);
extern void http_append_text(Http *http, const char *text);
extern HttpResult http_send(Http *http);

/* Reads what has come. After HTTP_DONE the answer points into the buffer until the next call. */
extern HttpResult http_receive(Http *http, Answer *answer);

#endif							/* BENCH_HTTP_H */

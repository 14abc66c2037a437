/*
 * ngx_shim.h
 *		For unit tests of the nginx module's pure files: TAP, and pools without an nginx.
 */
#ifndef TESTS_NGX_SHIM_H
#define TESTS_NGX_SHIM_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

extern void check(int good, const char *what);

/* Frees what stands behind cleanups, prints the plan; the program's exit status. */
extern int	finish(void);

extern void set_time(time_t sec);
extern ngx_str_t str(const char *text);

#endif							/* TESTS_NGX_SHIM_H */

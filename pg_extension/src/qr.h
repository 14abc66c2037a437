/*
 * qr.h
 *		A QR code as an SVG document, drawn in memory.
 *
 * Pure C beside libzint: no PostgreSQL, no file.
 */
#ifndef BOXOFFICE_QR_H
#define BOXOFFICE_QR_H

#include <stddef.h>

#define QR_QUIET 4					/* light modules around the symbol, as ISO 18004 asks */
#define QR_TEXT_MAX 64				/* longest text that is drawn */
#define QR_SVG_MAX 16384			/* enough for any symbol of QR_TEXT_MAX characters */
#define QR_SIZE_MIN 64
#define QR_SIZE_MAX 4096

extern size_t qr_svg(const char *text, int size_px, char out[QR_SVG_MAX]);

#endif							/* BOXOFFICE_QR_H */

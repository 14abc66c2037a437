/*
 * qr.c
 *		A QR code as an SVG document, drawn in memory.
 *
 * libzint lays out the modules; its own SVG writer makes a rectangle for each
 * run and a file on disk, so the drawing is ours: one path, a run of dark
 * modules a stroke.
 */
#include "qr.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zint.h>

#define QR_LEVEL_Q 3				/* a quarter of the symbol may be unreadable */

typedef struct SvgWriter
{
	char	   *out;
	size_t		used;
	bool		full;
} SvgWriter;

static void
svg_append(SvgWriter *svg, const char *text)
{
	size_t		length = strlen(text);

	if (svg->used + length >= QR_SVG_MAX)
		svg->full = true;
	else
	{
		memcpy(svg->out + svg->used, text, length + 1);
		svg->used += length;
	}
}

static bool
module_is_dark(const struct zint_symbol *symbol, int row, int column)
{
	return column < symbol->width &&
		(symbol->encoded_data[row][column >> 3] >> (column & 7) & 1) != 0;
}

/* Appends the runs of one row: a move for the first, relative moves after it. */
static void
svg_append_row(SvgWriter *svg, const struct zint_symbol *symbol, int row)
{
	int			pen = -1;		/* column the pen stands at, -1 before the row */
	char		stroke[48];

	for (int column = 0; column < symbol->width; column++)
	{
		int			start = column;

		while (module_is_dark(symbol, row, column))
			column++;
		if (column == start)
			continue;
		if (pen < 0)
			snprintf(stroke, sizeof(stroke), "M%d %d.5h%d", start + QR_QUIET, row + QR_QUIET,
					 column - start);
		else
			snprintf(stroke, sizeof(stroke), "m%d 0h%d", start - pen, column - start);
		svg_append(svg, stroke);
		pen = column;
	}
}

static void
svg_append_symbol(SvgWriter *svg, const struct zint_symbol *symbol, int size_px)
{
	int			side = symbol->width + 2 * QR_QUIET;
	char		head[256];

	snprintf(head, sizeof(head),
			 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
			 " viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
			 "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path stroke=\"#000\" d=\"",
			 size_px, size_px, side, side, side, side);
	svg_append(svg, head);
	for (int row = 0; row < symbol->rows; row++)
		svg_append_row(svg, symbol, row);
	svg_append(svg, "\"/></svg>\n");
}

/*
 * Draws text as a QR code of error correction level Q, size_px wide and high.
 * Returns the document's length, or 0 if it could not be drawn.
 */
size_t
qr_svg(const char *text, int size_px, char out[QR_SVG_MAX])
{
	struct zint_symbol *symbol;
	SvgWriter	svg = {.out = out};
	size_t		length = strlen(text);
	bool		drawn = false;

	if (length == 0 || length > QR_TEXT_MAX || size_px < QR_SIZE_MIN || size_px > QR_SIZE_MAX)
		return 0;
	symbol = ZBarcode_Create();
	if (symbol == NULL)
		return 0;
	symbol->symbology = BARCODE_QRCODE;
	symbol->option_1 = QR_LEVEL_Q;
	if (ZBarcode_Encode(symbol, (const unsigned char *) text, (int) length) < ZINT_ERROR)
	{
		svg_append_symbol(&svg, symbol, size_px);
		drawn = !svg.full;
	}
	ZBarcode_Delete(symbol);
	return drawn ? svg.used : 0;
}

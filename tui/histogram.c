/* SPDX-License-Identifier: MIT */
#include "tui/histogram.h"

#include <stdio.h>
#include <sys/param.h>

#include "tui/columns.h"
#include "tui/spark.h"

enum { GAP = 1, SHARE_COLUMNS = 4, BAR_COLUMNS_MAX = 64 };

static void draw_class(struct cells *cells, int row, int column, int bar_columns, double share,
		       const char *label)
{
	char bar[SPARK_SIZE(BAR_COLUMNS_MAX)];
	char figure[COLUMN_TEXT_SIZE];
	spark_print_bar(share, (size_t)MIN(bar_columns, BAR_COLUMNS_MAX), bar, sizeof(bar));
	snprintf(figure, sizeof(figure), "%.0f%%", 100 * share);
	cells_text_right(cells, row, column, HISTOGRAM_LABEL_COLUMNS, STYLE_DIM, label);
	column += HISTOGRAM_LABEL_COLUMNS + GAP;
	cells_text_right(cells, row, column, SHARE_COLUMNS, STYLE_NORMAL, figure);
	column += SHARE_COLUMNS + GAP;
	cells_text(cells, row, column, bar_columns, STYLE_ACCENT, bar);
}

int histogram_draw(struct cells *cells, int row, int column, int bar_columns, const float *value,
		   size_t len, char label[][HISTOGRAM_LABEL_SIZE])
{
	double sum = 0;
	size_t first = len;
	size_t last = 0;
	for (size_t i = 0; i < len; i++) {
		sum += (double)value[i];
		if (value[i] > 0) {
			first = MIN(first, i);
			last = i;
		}
	}
	for (size_t i = first; i <= last && sum > 0; i++)
		draw_class(cells, row++, column, bar_columns, (double)value[i] / sum, label[i]);
	return row;
}

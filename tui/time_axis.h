/* SPDX-License-Identifier: MIT */
#ifndef TUI_TIME_AXIS_H
#define TUI_TIME_AXIS_H

/**
 * @file
 * Where one is in the time of a capture, as one line: live bytes over time with a cursor.
 */

#include "profile/timeline.h"
#include "tui/cells.h"

/** All zero: there is none, a target is being watched. */
struct time_axis {
	const struct timeline *timeline; /* borrowed */
	size_t cursor;			 /* the instant that is shown */
	size_t baseline;		 /* that changes and growth count from; TIMELINE_ATTACH:
					  * none */
};

/** Room for a time: "01:02:03". */
enum { TIME_TEXT_SIZE = 24 };

bool time_axis_is_open(const struct time_axis *axis);

/** Tell whether there is any way to walk. */
bool time_axis_is_long(const struct time_axis *axis);

/** Write how long after the attach an instant is; that of the end if it is beyond. */
void time_axis_print(const struct time_axis *axis, size_t instant, char ret[TIME_TEXT_SIZE]);

/** Draw it over a whole row. */
void time_axis_draw(const struct time_axis *axis, struct cells *cells, int row);

/** Which instant stands in a column of a screen that is so wide. */
size_t time_axis_find(const struct time_axis *axis, int width, int column);

#endif

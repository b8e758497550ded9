/* SPDX-License-Identifier: MIT */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

/**
 * @file
 * Whether, and in which colours, there is a terminal for the view.
 */

#include "cli/options.h"

/** Tell whether input and output are a terminal that can move its cursor, and no format was asked
 *  for. */
bool terminal_is_usable(const struct options *options);

/** Let the view have the colours that --color says. */
void terminal_choose_color(const struct options *options);

#endif

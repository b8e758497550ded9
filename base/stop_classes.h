/* SPDX-License-Identifier: MIT */
#ifndef BASE_STOP_CLASSES_H
#define BASE_STOP_CLASSES_H

/**
 * @file
 * How stops are counted by the time they took, from whoever measures them to whoever shows them.
 */

/** Each class begins where the one before ends; the last one has no end. */
enum { STOP_CLASSES = 16 };
extern const double stop_class_seconds[STOP_CLASSES];

#endif

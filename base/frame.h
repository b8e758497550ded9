/* SPDX-License-Identifier: MIT */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

/**
 * @file
 * One line of a Python stack, as a person reads it.
 */

/** Function, file and line of one frame. Whoever makes one interns it: equal frames are one
 *  pointer, immutable, and live as long as the interner. Text is UTF-8 as the target has it, and
 *  may hold anything: make it printable before it reaches a terminal or a document. */
struct frame {
	const char *function; /* qualified name where the version has one, else the name */
	const char *file;
	int line; /* 0 where there is none: a native frame, or an unknown line */
};

/** The most frames a stack has; deeper ones are cut at their outer end. */
enum { FRAME_DEPTH_MAX = 1024 };

#endif

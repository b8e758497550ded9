/* SPDX-License-Identifier: MIT */
#ifndef BASE_HASH_H
#define BASE_HASH_H

/**
 * @file
 * uthash, set up so that a failed insertion is reported and does not end the program: after
 * HASH_ADD, the `hh.tbl` of an element that could not be added is NULL.
 */

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif

/* SPDX-License-Identifier: MIT */
#ifndef BASE_RADDR_H
#define BASE_RADDR_H

/**
 * @file
 * An address in the target. A number, never a pointer: it cannot be dereferenced by accident.
 */

#include <inttypes.h>
#include <stdint.h>

typedef uint64_t raddr;

#define PRIraddr "#" PRIx64

#endif

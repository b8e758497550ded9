/* SPDX-License-Identifier: MIT */
#include "base/gate_spec.h"

const char *memory_kind_name(enum memory_kind kind)
{
	static const char *const names[MEMORY_KIND_COUNT] = {
		[MEMORY_PYMALLOC] = "pymalloc",
		[MEMORY_MALLOC] = "malloc",
	};
	return names[kind];
}

/* SPDX-License-Identifier: MIT */
#include "report/rest.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void write_rest(const struct snapshot_rest *rest, const char *how, char *ret, size_t size)
{
	char bytes[32], stacks[32];
	snprintf(ret, size, "%s in %s %s %s", text_bytes(rest->live_bytes, bytes, sizeof(bytes)),
		 text_count((double)rest->stacks, stacks, sizeof(stacks)),
		 rest->stacks == 1 ? "stack" : "stacks", how);
}

char *rest_filtered(const struct snapshot *snapshot, char ret[REST_BYTES])
{
	ret[0] = '\0';
	if (snapshot->filtered.stacks)
		write_rest(&snapshot->filtered, "left out by filters", ret, REST_BYTES);
	return ret;
}

char *rest_text(const struct snapshot *snapshot, char ret[REST_BYTES])
{
	int len = (int)strlen(rest_filtered(snapshot, ret));
	if (len && snapshot->beyond_top.stacks)
		len += snprintf(ret + len, REST_BYTES - (size_t)len, ", ");
	if (snapshot->beyond_top.stacks)
		write_rest(&snapshot->beyond_top, "beyond the top", ret + len,
			   REST_BYTES - (size_t)len);
	return ret;
}

/* SPDX-License-Identifier: MIT */
#include "profile/capture_schema.h"

#include "base/cleanup.h"
#include "profile/snapshot.h"

_Static_assert(MEMORY_KIND_COUNT == 2, "table figures has a column for each kind of memory");

const struct capture_table capture_tables[] = {
	/* The target and the capture as a whole: see capture_fields. */
	{ "meta", "CREATE TABLE meta (\n"
		  "  key TEXT PRIMARY KEY NOT NULL,\n"
		  "  value NOT NULL\n"
		  ") WITHOUT ROWID" },

	/* The target's command line. */
	{ "argument", "CREATE TABLE argument (\n"
		      "  position INTEGER PRIMARY KEY,\n"
		      "  text TEXT NOT NULL\n"
		      ")" },

	{ "frame", "CREATE TABLE frame (\n"
		   "  frame_id INTEGER PRIMARY KEY,\n"
		   "  function TEXT NOT NULL,\n"
		   "  file TEXT NOT NULL,\n"
		   "  line INTEGER NOT NULL\n"
		   ")" },

	/* One distinct call path and kind of memory, ever seen with live bytes. */
	{ "stack", "CREATE TABLE stack (\n"
		   "  stack_id INTEGER PRIMARY KEY,\n"
		   "  kind TEXT NOT NULL,\n"
		   "  thread TEXT NOT NULL,\n"
		   "  is_truncated INTEGER NOT NULL\n"
		   ")" },

	/* The path of a stack; depth 0 is the innermost frame. */
	{ "stack_frame", "CREATE TABLE stack_frame (\n"
			 "  stack_id INTEGER NOT NULL,\n"
			 "  depth INTEGER NOT NULL,\n"
			 "  frame_id INTEGER NOT NULL,\n"
			 "  PRIMARY KEY (stack_id, depth)\n"
			 ") WITHOUT ROWID" },

	/* The present figures of the whole process (scope 'total', id 0), of each site ('site', id:
	 * frame_id) and of each stack ('stack', id: stack_id) with live bytes. Low and high are the
	 * ends of a 95% interval; seconds count from attach. */
	{ "figures", "CREATE TABLE figures (\n"
		     "  scope TEXT NOT NULL,\n"
		     "  id INTEGER NOT NULL,\n"
		     "  live_bytes REAL NOT NULL,\n"
		     "  live_bytes_low REAL NOT NULL,\n"
		     "  live_bytes_high REAL NOT NULL,\n"
		     "  growth_bytes_per_second REAL NOT NULL,\n"
		     "  growth_bytes_per_second_low REAL NOT NULL,\n"
		     "  growth_bytes_per_second_high REAL NOT NULL,\n"
		     "  live_blocks REAL NOT NULL,\n"
		     "  oldest_start_seconds REAL NOT NULL,\n"
		     "  live_samples INTEGER NOT NULL,\n"
		     "  pymalloc_bytes REAL NOT NULL,\n"
		     "  malloc_bytes REAL NOT NULL,\n"
		     "  PRIMARY KEY (scope, id)\n"
		     ") WITHOUT ROWID" },

	/* How a stack's live bytes went: a row for each bucket of time (as long as meta's
	 * bucket_seconds says) in which they changed. risen and fallen sum up the differences
	 * between snapshots about a second apart; live is what there was at the end. */
	{ "bucket", "CREATE TABLE bucket (\n"
		    "  stack_id INTEGER NOT NULL,\n"
		    "  start_seconds INTEGER NOT NULL,\n"
		    "  risen_bytes REAL NOT NULL,\n"
		    "  fallen_bytes REAL NOT NULL,\n"
		    "  risen_blocks REAL NOT NULL,\n"
		    "  fallen_blocks REAL NOT NULL,\n"
		    "  live_bytes REAL NOT NULL,\n"
		    "  live_blocks REAL NOT NULL,\n"
		    "  PRIMARY KEY (stack_id, start_seconds)\n"
		    ") WITHOUT ROWID" },

	/* The whole process at the end of each bucket. */
	{ "timeline", "CREATE TABLE timeline (\n"
		      "  start_seconds INTEGER PRIMARY KEY,\n"
		      "  live_bytes REAL NOT NULL,\n"
		      "  live_blocks REAL NOT NULL,\n"
		      "  rss_bytes INTEGER NOT NULL,\n"
		      "  samples INTEGER NOT NULL\n"
		      ")" },
};

const size_t capture_table_count = ARRAY_LEN(capture_tables);

#define FIGURES_OF_VIEW                                                              \
	"live_bytes, max(live_bytes_high - live_bytes, live_bytes - live_bytes_low)" \
	" AS live_bytes_error, live_blocks, growth_bytes_per_second,"                \
	" max(growth_bytes_per_second_high - growth_bytes_per_second,"               \
	" growth_bytes_per_second - growth_bytes_per_second_low) AS growth_error,"   \
	" (SELECT value FROM meta WHERE key = 'seconds') - oldest_start_seconds"     \
	" AS oldest_seconds, live_samples"

const char capture_views[] =
	/* Which lines keep the memory? */
	"CREATE VIEW sites AS"
	" SELECT file, line, function, " FIGURES_OF_VIEW ", pymalloc_bytes, malloc_bytes"
	" FROM figures JOIN frame ON frame_id = id WHERE scope = 'site'"
	" ORDER BY live_bytes DESC;"

	/* By which call paths? */
	"CREATE VIEW stacks AS"
	" SELECT stack_id, kind, thread, " FIGURES_OF_VIEW ","
	" (SELECT group_concat(line, char(10)) FROM"
	" (SELECT file || ':' || frame.line || ' ' || function AS line"
	" FROM stack_frame JOIN frame USING (frame_id)"
	" WHERE stack_frame.stack_id = stack.stack_id ORDER BY depth)) AS frames"
	" FROM figures JOIN stack ON stack_id = id WHERE scope = 'stack'"
	" ORDER BY live_bytes DESC;"

	/* How did each line's live bytes go? */
	"CREATE VIEW growth AS"
	" SELECT file, line, function, start_seconds,"
	" sum(risen_bytes) AS risen_bytes, sum(fallen_bytes) AS fallen_bytes,"
	" sum(sum(risen_bytes - fallen_bytes)) OVER"
	" (PARTITION BY frame_id ORDER BY start_seconds) AS live_bytes"
	" FROM bucket JOIN stack_frame USING (stack_id) JOIN frame USING (frame_id)"
	" WHERE depth = 0 GROUP BY frame_id, start_seconds;";

#define FIELD(type, member)                                              \
	{                                                                \
#member, type, offsetof(struct snapshot, capture.member) \
	}

const struct capture_field capture_fields[] = {
	{ "pid", FIELD_INT, offsetof(struct snapshot, target.pid) },
	{ "python", FIELD_TEXT, offsetof(struct snapshot, target.python) },
	{ "has_exited", FIELD_BOOL, offsetof(struct snapshot, target.has_exited) },
	FIELD(FIELD_UINT64, start_realtime_ns),
	FIELD(FIELD_DOUBLE, seconds),
	FIELD(FIELD_UINT64, samples),
	FIELD(FIELD_UINT64, dropped),
	FIELD(FIELD_UINT64, sample_bytes),
	FIELD(FIELD_DOUBLE, stops_per_second),
	FIELD(FIELD_DOUBLE, stopped_seconds),
	FIELD(FIELD_DOUBLE, longest_stop_seconds),
	FIELD(FIELD_UINT64, rss_bytes),
	FIELD(FIELD_DOUBLE, rss_growth_bytes_per_second),
	FIELD(FIELD_BOOL, is_unfinished),
};

const size_t capture_field_count = ARRAY_LEN(capture_fields);

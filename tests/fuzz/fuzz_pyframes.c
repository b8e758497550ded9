/* SPDX-License-Identifier: MIT */
/* A CPython of a known version whose memory is then spoilt: {u8 version, u8 bit 0: memory without
 * end, steps of {u8 kind, u16 where, u32 what}}. Each step spoils a word or a byte, or reads all
 * there is to read. */
#include "pyframes/pyframes.h"

#include <string.h>

#include "pyframes/pool.h"
#include "pyframes/witness.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pyframes/fake_python.h"

enum {

	WORDS_MAX = 4096,
	THREAD = 0x7f001700,
	OTHER_THREAD = 0x7f002700,
	NO_THREAD = 0x7f003700,
	STEPS_MAX = 64,
	READS_MAX = 3, /* a list without end takes its time */
	DEEP = 40,
	REACH = 1 << 30,
	/* The lists may have 65,536 entries and are walked three times, two reads an interpreter;
	 * then come the frames and, for each code object, what it refers to. */
	STACK_SPANS_MAX = 3 * 2 * 65536 + 16 * FRAME_DEPTH_MAX,
	STACK_BYTES_MAX = 1 << 30,
	/* An interpreter is opened by trying that up to thirty times. */
	OPEN_SPANS_MAX = 30 * STACK_SPANS_MAX,
};

/* A fake as it was made, and where in it something is. */
struct pattern {
	struct fake_python fake;
	raddr pool;
	size_t words[WORDS_MAX]; /* offsets of words that are not zero */
	size_t word_count;
};

enum step_kind {
	STEP_POINTER,  /* an address in the target */
	STEP_SMALL,    /* a small number */
	STEP_LARGE,    /* an absurd one */
	STEP_BYTE,     /* one byte */
	STEP_COPY,     /* what stands elsewhere: cycles, and wrong types */
	STEP_ANYWHERE, /* a number where there was none */
	STEP_SELF,     /* what is referred to refers to itself */
	STEP_READ,     /* read the stacks: what is remembered meets what has changed */
	STEP_REOPEN,   /* forget, and begin anew */
	STEP_KINDS,
};

static struct pattern *patterns[sizeof(fake_builds) / sizeof(fake_builds[0])];
static size_t pattern_count;

/* -- the target -- */

/* Every fourth frame is a shim of the interpreter, where the version has such. */
static raddr make_stack(struct fake_python *fake, raddr thread_pointer, const raddr *codes,
			size_t code_count, size_t depth)
{
	raddr thread = fake_thread(fake, fake->interpreter, thread_pointer);
	unsigned foreign = fake->py.frame.foreign_owner & 0xff;
	for (size_t i = 0; i < depth; i++)
		fake_push_at(fake, thread, fake_frame_room(fake, thread), codes[i % code_count],
			     (int)(i % 5) * 4, i % 4 == 3 ? foreign : 0);
	return thread;
}

/* The tables of three domains and what loads them; that of objects is wrapped, as tracemalloc does.
 */
static void make_allocators(struct fake_python *fake)
{
	static const char *const names[] = {
		"PyMem_RawMalloc", "PyMem_RawCalloc", "PyMem_RawRealloc", "PyMem_RawFree",
		"PyMem_Malloc",	   "PyMem_Calloc",    "PyMem_Realloc",	  "PyMem_Free",
		"PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc", "PyObject_Free",
	};
	enum { TABLE_BYTES = 40, WRAPPED = 2 };
	struct fake_target *target = &fake->target;
	uint32_t standard = fake->py.runtime.allocator_tables;
	raddr tables = standard == OFFSET_NONE
			       ? fake_alloc(target, ARRAY_LEN(names) / 4 * TABLE_BYTES)
			       : fake->runtime + standard;
	raddr inner = fake_alloc(target, TABLE_BYTES);
	fake_put_word(target, tables + WRAPPED * TABLE_BYTES, inner);
	for (size_t i = 1; i <= 4; i++)
		fake_put_word(target, inner + 8 * i, FAKE_CODE + 8 * i);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		raddr function = FAKE_CODE + 64 * i;
		raddr table = tables + i / 4 * TABLE_BYTES;
		raddr slot = table + 8 * (1 + i % 4);
		fake_put_word(target, slot, function + 16);
		fake_export(target, names[i], function, FAKE_IMAGE);
		target->function_list[target->function_count++] =
			(struct fake_loads){ .function = function, .loads = { slot, table } };
	}
}

/* A function whose code leads to the text that it prints. */
static void make_version_text(struct fake_target *target, unsigned minor)
{
	enum { CODE_BYTES = 64, TEXT_AT = 48 };
	char text[CODE_BYTES - TEXT_AT] = "";
	raddr code = fake_alloc(target, CODE_BYTES);
	snprintf(text, sizeof(text), "3.%u.7 (main", minor);
	fake_put_int(target, code + 3, TEXT_AT - 3 - sizeof(uint32_t));
	fake_put(target, code + TEXT_AT, text, sizeof(text));
	fake_export(target, "Py_GetVersion", code, FAKE_IMAGE);
}

/* A pymalloc pool of blocks of 32 bytes, five of them in use. */
static raddr make_pool(struct fake_target *target, uint32_t pool_bytes)
{
	enum { SIZE = 32, BEGUN = 6, IN_USE = 5 };
	fake_alloc(target, -target->used % pool_bytes);
	raddr pool = fake_alloc(target, sizeof(struct pool_header) + BEGUN * SIZE);
	const struct pool_header header = {
		.count = IN_USE,
		.free_block = pool + sizeof(header),
		.arena_index = 1,
		.size_index = SIZE / 16 - 1,
		.next_offset = sizeof(header) + BEGUN * SIZE,
		.max_next_offset = pool_bytes - SIZE,
	};
	fake_put(target, pool, &header, sizeof(header));
	return pool;
}

static struct pattern *make_pattern(const struct fake_build *build)
{
	static const uint16_t wide[] = { 0x65e5, 0x672c, 0xd800 };
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	FUZZ_CHECK(pattern);
	struct fake_python *fake = &pattern->fake;
	fake_build_init(fake, build);
	char long_name[2 * WITNESS_BYTES_MAX] = "";
	memset(long_name, 'n', sizeof(long_name) - 1);
	raddr wide_name = fake_str(fake, 2, false, wide, ARRAY_LEN(wide));
	raddr codes[] = {
		fake_code(fake, "/srv/app.py", "<module>", "<module>", 1),
		fake_code(fake, long_name, "run", long_name, 20),
		fake_alloc(&fake->target, FAKE_OBJECT_BYTES),
	};
	fake_put_code(fake, codes[2], wide_name, wide_name, fake_ascii(fake, "put"),
		      fake_linetable(fake), 70);
	fake_set_running(fake, make_stack(fake, THREAD, codes, ARRAY_LEN(codes), 3));
	make_stack(fake, OTHER_THREAD, codes, ARRAY_LEN(codes), DEEP);
	make_allocators(fake);
	make_version_text(&fake->target, build->minor);
	pattern->pool = make_pool(&fake->target, fake->py.pool_bytes);

	for (size_t at = 0; at < fake->target.used; at += sizeof(uint64_t))
		if (fake_word(&fake->target, FAKE_BASE + at) != 0 &&
		    pattern->word_count < WORDS_MAX)
			pattern->words[pattern->word_count++] = at;
	return pattern;
}

/* Before it is spoilt, all of it can be read: else there would be little to fuzz. */
static void check_pattern(struct pattern *pattern)
{
	struct fake_target *target = &pattern->fake.target;
	const struct frame *frames[FRAME_DEPTH_MAX];
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct pyframes *py = NULL;
	size_t len = 0;
	bool is_truncated;
	struct error err;
	FUZZ_CHECK(pyframes_open(&target->memory, &target->symbols, &target->loads, &py, &err));
	FUZZ_CHECK(pyframes_stack(py, &(struct pyframes_thread){ .thread_pointer = THREAD }, frames,
				  &len, &is_truncated, &err) &&
		   len > 0);
	FUZZ_CHECK(pyframes_stack(py, &(struct pyframes_thread){ .thread_pointer = OTHER_THREAD },
				  frames, &len, &is_truncated, &err) &&
		   len > 3);
	FUZZ_CHECK(pyframes_gate_specs(py, specs, &len, &err) && len > 0);
	FUZZ_CHECK(pyframes_is_pymalloc_block(py, pattern->pool + sizeof(struct pool_header)));
	pyframes_close(py);
}

static void make_patterns(void)
{
	FOR_EACH_BUILD(build) {
		patterns[pattern_count] = make_pattern(build);
		check_pattern(patterns[pattern_count++]);
	}
}

/* -- the walk -- */

/* A spoilt copy of a pattern, and who reads it. */
struct walk {
	const struct pattern *pattern;
	struct fuzz_memory fuzz;
	struct fake_target *target;
	struct pyframes *py;
	bool is_unchanged; /* the target, since `py` was opened */
	unsigned read_count;
};

static void check_frames(const struct frame **frames, size_t len)
{
	FUZZ_CHECK(len <= FRAME_DEPTH_MAX);
	for (size_t i = 0; i < len; i++) {
		FUZZ_CHECK(fuzz_is_utf8(frames[i]->function, strlen(frames[i]->function)));
		FUZZ_CHECK(fuzz_is_utf8(frames[i]->file, strlen(frames[i]->file)));
		FUZZ_CHECK(frames[i]->line >= 0);
	}
}

/* Returns how many frames there are; SIZE_MAX if they cannot be read. */
static size_t read_stack(struct walk *walk, raddr thread_pointer, const struct frame **ret)
{
	size_t len = SIZE_MAX;
	bool is_truncated;
	struct error err;
	walk->fuzz.span_count = 0;
	walk->fuzz.byte_count = 0;
	const struct pyframes_thread thread = { .thread_pointer = thread_pointer,
						.stack_pointer = walk->pattern->pool };
	if (pyframes_stack(walk->py, &thread, ret, &len, &is_truncated, &err))
		check_frames(ret, len);
	else
		FUZZ_CHECK(len == SIZE_MAX && (err.kind == ERROR_READ || err.kind == ERROR_FORMAT));
	FUZZ_CHECK(walk->fuzz.span_count <= STACK_SPANS_MAX);
	FUZZ_CHECK(walk->fuzz.byte_count <= STACK_BYTES_MAX);
	return len;
}

/* What is remembered of a stack speeds up the next time, and must change nothing. */
static void check_stack(struct walk *walk, raddr thread_pointer)
{
	static const struct frame *frames[FRAME_DEPTH_MAX];
	static const struct frame *again[FRAME_DEPTH_MAX];
	size_t len = read_stack(walk, thread_pointer, frames);
	if (!walk->is_unchanged)
		return;
	FUZZ_CHECK(read_stack(walk, thread_pointer, again) == len);
	FUZZ_CHECK(len == SIZE_MAX || !memcmp(frames, again, len * sizeof(frames[0])));
}

static void check_gates(struct walk *walk)
{
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	size_t len = SIZE_MAX;
	struct error err;
	if (!pyframes_gate_specs(walk->py, specs, &len, &err)) {
		FUZZ_CHECK(len == SIZE_MAX);
		return;
	}
	FUZZ_CHECK(len <= PYFRAMES_SPECS_MAX);
	bool is_checked;
	raddr block = walk->pattern->pool + sizeof(struct pool_header);
	const struct pyframes_thread thread = { .thread_pointer = THREAD, .gate = &specs[0] };
	if (len > 0 && !pyframes_check_stop(walk->py, &thread, block, &is_checked, &err))
		FUZZ_CHECK(err.kind == ERROR_UNSUPPORTED);
	(void)pyframes_note(walk->py);
}

static void open_python(struct walk *walk)
{
	struct error err;
	if (walk->py)
		return;
	walk->fuzz.span_count = 0;
	walk->is_unchanged = true;
	if (!pyframes_open(&walk->fuzz.memory, &walk->target->symbols, &walk->target->loads,
			   &walk->py, &err))
		FUZZ_CHECK(!walk->py && memchr(err.context, '\0', sizeof(err.context)));
	FUZZ_CHECK(walk->fuzz.span_count <= OPEN_SPANS_MAX);
}

static void close_python(struct walk *walk)
{
	pyframes_close(MOVE_PTR(walk->py));
}

static void read_all(struct walk *walk)
{
	if (walk->read_count++ >= READS_MAX)
		return;
	open_python(walk);
	if (!walk->py)
		return;
	check_stack(walk, THREAD);
	check_stack(walk, OTHER_THREAD);
	check_stack(walk, NO_THREAD);
	check_gates(walk);
	(void)pyframes_is_pymalloc_block(walk->py,
					 walk->pattern->pool + sizeof(struct pool_header));
	(void)pyframes_is_pymalloc_block(walk->py, FAKE_BASE + walk->target->used / 2);
	(void)pyframes_is_finalizing(walk->py);
}

static void take_step(struct walk *walk, struct fuzz_input *input)
{
	struct fake_target *target = walk->target;
	unsigned kind = (unsigned)fuzz_take(input, 1) % STEP_KINDS;
	size_t where = (size_t)fuzz_take(input, 2);
	uint32_t what = (uint32_t)fuzz_take(input, 4);
	const struct pattern *pattern = walk->pattern;
	raddr word = FAKE_BASE + pattern->words[where % pattern->word_count];
	raddr other = FAKE_BASE + pattern->words[what % pattern->word_count];
	raddr pointed = FAKE_BASE + (fake_word(target, word) - FAKE_BASE) % target->used;
	walk->is_unchanged = walk->is_unchanged && kind == STEP_READ;

	switch (kind) {
	case STEP_POINTER:
		fake_put_word(target, word, FAKE_BASE + what % target->used);
		break;
	case STEP_SMALL:
		fake_put_word(target, word, what);
		break;
	case STEP_LARGE:
		fake_put_word(target, word, (uint64_t)what << 32 | what);
		break;
	case STEP_BYTE:
		*((uint8_t *)fake_at(target, word) + what % 8) = (uint8_t)(what >> 8);
		break;
	case STEP_COPY:
		fake_put_word(target, word, fake_word(target, other));
		break;
	case STEP_ANYWHERE:
		fake_put_int(target, FAKE_BASE + where * 8 % target->used + what % 8, what >> 3);
		break;
	case STEP_SELF:
		fake_put_word(target, pointed + what % 16 * sizeof(raddr), pointed);
		break;
	case STEP_REOPEN:
		close_python(walk);
		break;
	default:
		read_all(walk);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_target target;
	if (pattern_count == 0)
		make_patterns();

	struct fuzz_input input = { data, size };
	struct walk walk = { .pattern = patterns[fuzz_take(&input, 1) % pattern_count],
			     .target = &target };
	const struct fake_target *original = &walk.pattern->fake.target;
	memcpy(&target, original, offsetof(struct fake_target, bytes) + original->used);
	fuzz_memory_init(&walk.fuzz, FAKE_BASE, target.bytes, target.used);
	if (fuzz_take(&input, 1) & 1)
		walk.fuzz.reach = REACH;

	for (unsigned step = 0; input.len > 0 && step < STEPS_MAX; step++)
		take_step(&walk, &input);
	read_all(&walk);
	close_python(&walk);
	return 0;
}

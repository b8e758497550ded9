/* SPDX-License-Identifier: MIT */
/* What the tracer counts in a real process (fixtures/alloc_target.c), and how often it samples. */
#include "tracer/tracer.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/tracer/traced_target.h"
#include "tracer/live_table.h"
#include "tracer/region.h"

static void test_every_block_counts_once(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_exact_count(&target, "keep 500 777", 777, 2000);
	check_exact_count(&target, "keep 500 24", 24, 2000); /* attached again: as exact */
	check_exact_count(&target, "keep 500 300000", 300000, 2000);
	end_target(&target);
}

struct crowd {
	size_t stops, frees, drops, doublings;
};

static bool crowd_stop(void *context, const struct stop *stop)
{
	struct crowd *crowd = context;
	bool is_member = stop->size_bytes == 24;
	crowd->stops += is_member;
	return is_member;
}

static void crowd_free(void *context, raddr block, uint64_t time_ns)
{
	(void)block;
	(void)time_ns;
	((struct crowd *)context)->frees++;
}

static void crowd_drop(void *context, raddr block)
{
	(void)block;
	((struct crowd *)context)->drops++;
}

static void crowd_double(void *context)
{
	((struct crowd *)context)->doublings++;
}

/* So many blocks that the table of those that are followed grows seven times while it is in use,
 * and is thinned at last: half of the blocks are forgotten, and of all others the free is seen. */
static void test_all_frees_are_seen_of_a_table_that_grows_and_is_thinned(void **state)
{
	enum { KEPT = 66000 };
	(void)state;
	struct target target;
	struct crowd crowd = { 0 };
	struct tracer_listener listener = { &crowd, crowd_stop, crowd_free, crowd_drop,
					    crowd_double };
	start_target(&target, NULL, "0");
	struct tracer *tracer = plant(target.pid, &listener, 1);
	send_command(&target, "keep 66000 24");
	serve_until_answer(tracer, &target);
	assert_int_equal(crowd.stops, 4 * KEPT);
	assert_int_equal(crowd.doublings, 1);
	/* Six standard deviations, which are 256 blocks. */
	assert_in_range(crowd.drops, LIVE_BLOCKS_MAX / 2 - 1536, LIVE_BLOCKS_MAX / 2 + 1536);

	send_command(&target, "drop");
	serve_until_answer(tracer, &target);
	assert_int_equal(crowd.frees, crowd.stops - crowd.drops);
	lift(tracer);
	end_target(&target);
}

/* What a sample stands for, summed up. */
struct sum {
	uint64_t size_bytes;
	size_t stops;
};

static bool sum_up(void *context, const struct stop *stop)
{
	struct sum *sum = context;
	sum->stops += stop->size_bytes == sum->size_bytes;
	return false;
}

/* Draws are gone in legs of T/16, shorter than a block and longer; of at least 16 bytes. Each of n
 * blocks is sampled with p = 1 - exp(-s/T), so n p are, with a standard deviation of at most sqrt(n
 * p): six of those are missed once in 5e8 runs. */
static void check_share_of_samples(struct target *target, size_t size, double mean, int rounds)
{
	enum { BLOCKS = 4 * 4000 };
	struct sum sum = { .size_bytes = size };
	struct tracer_listener listener = { &sum, sum_up, note_free, note_drop, note_double };
	struct tracer *tracer = plant(target->pid, &listener, (uint64_t)mean);
	char command[64];
	snprintf(command, sizeof(command), "keep 4000 %zu", size);
	for (int i = 0; i < rounds; i++) {
		send_command(target, command);
		serve_until_answer(tracer, target);
		send_command(target, "drop");
		serve_until_answer(tracer, target);
	}
	lift(tracer);
	double expected = rounds * BLOCKS * -expm1(-(double)size / mean);
	if (fabs((double)sum.stops - expected) > 6 * sqrt(expected))
		fail_msg("%zu samples of blocks of %zu bytes at %g, expected %.0f", sum.stops, size,
			 mean, expected);
}

static void test_blocks_are_sampled_as_often_as_their_size_says(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_share_of_samples(&target, 200, 8192, 12);
	check_share_of_samples(&target, 1000, 8192, 12);
	check_share_of_samples(&target, 17, 256, 24);
	end_target(&target);
}

/* ---- allocators behind pointers -------------------------------------------------------------- */

static const struct {
	const char *name;
	enum gate_operation operation;
} slot_functions[] = {
	{ "malloc", GATE_MALLOC },
	{ "calloc", GATE_CALLOC },
	{ "realloc", GATE_REALLOC },
	{ "free", GATE_FREE },
};

enum { SLOTS = ARRAY_LEN(slot_functions), SLOTS_BYTES = 8 * (1 + SLOTS) };

static struct tracer *plant_slots(const struct target *target, enum gate_guard guard,
				  size_t table_count, const struct tracer_listener *listener,
				  uint64_t sample_bytes)
{
	struct gate_spec specs[3 * SLOTS];
	struct tracer_options options = { .sample_bytes = sample_bytes };
	struct error err = { 0 };
	struct tracer *tracer;
	assert_true(tracer_open(target->pid, &tracer, &err));
	for (size_t i = 0; i < table_count * SLOTS; i++) {
		specs[i] = (struct gate_spec){
			.name = slot_functions[i % SLOTS].name,
			.place = GATE_SLOT,
			.operation = slot_functions[i % SLOTS].operation,
			.kind = MEMORY_PYMALLOC,
			.guard = guard,
			.address = target->tables + i / SLOTS * SLOTS_BYTES + 8 * (1 + i % SLOTS),
			.max_counted_bytes = UINT64_MAX,
		};
		assert_true(memory_read(tracer_memory(tracer), specs[i].address, &specs[i].original,
					sizeof(specs[i].original), &err));
	}
	if (!tracer_plant(tracer, specs, table_count * SLOTS, &options, listener, &err))
		fail_msg("%s", err.context);
	return tracer;
}

static void check_slots(struct target *target, enum gate_guard guard, size_t table_count)
{
	static struct tally tally;
	tally = (struct tally){ .size_bytes = 5000 };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant_slots(target, guard, table_count, &listener, 1);
	send_command(target, "slots 100 5000");
	size_t made = serve_until_answer(tracer, target);
	assert_int_equal(made, 3 * 100 * 4);
	assert_int_equal(tally.stops, table_count * 100 * 4);
	assert_int_equal(tally.live, table_count * 100 * 4);
	send_command(target, "drop");
	serve_until_answer(tracer, target);
	assert_int_equal(tally.live, 0);
	lift(tracer);
}

static void test_tables_of_functions_count_each_block_once(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_slots(&target, GATE_SERIALISED, 2);
	check_slots(&target, GATE_UNGUARDED, 3);
	check_slots(&target, GATE_UNGUARDED, 1);
	end_target(&target);
}

/* ---- an allocator that hands large blocks on ------------------------------------------------- */

enum { POOL_TABLE = 0, HANDING_ON_TABLE = 3, HANDING_ON_MAX = 512, HANDING_ON_SLOTS = 3 };

static void describe_handing_on(const struct target *target, struct tracer *tracer, size_t table,
				enum gate_guard guard, struct gate_spec *ret)
{
	static const enum gate_operation operations[HANDING_ON_SLOTS] = { GATE_MALLOC_HANDED_ON,
									  GATE_CALLOC_HANDED_ON,
									  GATE_REALLOC_HANDED_ON };
	struct error err;
	for (size_t i = 0; i < HANDING_ON_SLOTS; i++) {
		ret[i] = (struct gate_spec){
			.name = slot_functions[i].name,
			.place = GATE_SLOT,
			.operation = operations[i],
			.kind = MEMORY_PYMALLOC,
			.guard = guard,
			.address = target->tables + table * SLOTS_BYTES + 8 * (1 + i),
			.max_counted_bytes = HANDING_ON_MAX,
		};
		assert_true(memory_read(tracer_memory(tracer), ret[i].address, &ret[i].original,
					sizeof(ret[i].original), &err));
	}
}

/* Gates of a table and, as always, those of the C allocator. */
static struct tracer *plant_handing_on(const struct target *target, size_t table,
				       enum gate_guard guard,
				       const struct tracer_listener *listener,
				       uint64_t sample_bytes)
{
	struct gate_spec specs[HANDING_ON_SLOTS + TRACER_LIBC_SPECS_MAX];
	struct tracer_options options = { .sample_bytes = sample_bytes };
	struct tracer *tracer;
	struct error err = { 0 };
	size_t libc_count;
	assert_true(tracer_open(target->pid, &tracer, &err));
	describe_handing_on(target, tracer, table, guard, specs);
	if (!tracer_libc_specs(tracer, specs + HANDING_ON_SLOTS, &libc_count, &err) ||
	    !tracer_plant(tracer, specs, HANDING_ON_SLOTS + libc_count, &options, listener, &err))
		fail_msg("%s", err.context);
	return tracer;
}

/* Every block is sampled, and so handed on. The target looks at the contents of each. */
static void check_handed_on(struct target *target, enum gate_guard guard, size_t size)
{
	static struct tally tally;
	tally = (struct tally){ .size_bytes = size };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant_handing_on(target, HANDING_ON_TABLE, guard, &listener, 1);
	char command[64];
	snprintf(command, sizeof(command), "hand 500 %zu", size);
	send_command(target, command);
	assert_int_equal(serve_until_answer(tracer, target), 4 * 500);
	assert_int_equal(tally.live, 4 * 500);
	/* What has grown was the C allocator's by then, whose gates have seen it, too, and seen it
	 * freed. */
	assert_in_range(tally.stops, 4 * 500, 5 * 500);
	send_command(target, "drop");
	serve_until_answer(tracer, target);
	assert_int_equal(tally.live, 0);

	struct tracer_stats stats;
	tracer_stats(tracer, &stats);
	assert_int_equal(stats.lost, 0);
	lift(tracer);
}

static void test_sampled_blocks_are_handed_on_whole_and_seen_freed(void **state)
{
	static const size_t sizes[] = { 2, 48, 512 };
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		check_handed_on(&target, GATE_SERIALISED, sizes[i]);
		check_handed_on(&target, GATE_UNGUARDED, sizes[i]);
	}
	end_target(&target);
}

/* Larger ones pass this allocator's gates uncounted, and count at the other's. */
static void test_blocks_beyond_the_limit_count_once(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_handed_on(&target, GATE_SERIALISED, 1024); /* begins as 512 */
	end_target(&target);
}

/* As test_blocks_are_sampled_as_often_as_their_size_says. */
static void check_share_of_handed_on(struct target *target, enum gate_guard guard)
{
	enum { ROUNDS = 6, BLOCKS = 4 * 8000, SIZE = 100 };
	const double mean = 8192;
	struct sum sum = { .size_bytes = SIZE };
	struct tracer_listener listener = { &sum, sum_up, note_free, note_drop, note_double };
	struct tracer *tracer =
		plant_handing_on(target, HANDING_ON_TABLE, guard, &listener, (uint64_t)mean);
	for (int i = 0; i < ROUNDS; i++) {
		send_command(target, "hand 8000 100");
		serve_until_answer(tracer, target);
		send_command(target, "drop");
		serve_until_answer(tracer, target);
	}
	lift(tracer);
	double expected = ROUNDS * BLOCKS * -expm1(-SIZE / mean);
	if (fabs((double)sum.stops - expected) > 6 * sqrt(expected))
		fail_msg("%zu samples of blocks that are handed on, expected %.0f", sum.stops,
			 expected);
}

static void test_handed_on_blocks_are_sampled_as_often_as_their_size_says(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_share_of_handed_on(&target, GATE_SERIALISED);
	check_share_of_handed_on(&target, GATE_UNGUARDED);
	end_target(&target);
}

/* Who keeps large blocks in a pool, too, would free them unseen: that is noticed, and no sample. */
static void test_what_is_not_handed_on_after_all_is_lost_and_not_followed(void **state)
{
	(void)state;
	struct target target;
	static struct tally tally;
	tally = (struct tally){ .size_bytes = 48 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "0");
	struct tracer *tracer =
		plant_handing_on(&target, POOL_TABLE, GATE_SERIALISED, &listener, 1);
	send_command(&target, "slots 100 48");
	serve_until_answer(tracer, &target);
	assert_int_equal(tally.stops, 0);

	struct tracer_stats stats;
	tracer_stats(tracer, &stats);
	assert_int_equal(stats.lost, 5 * 100); /* with the one that is grown */
	send_command(&target, "drop");
	serve_until_answer(tracer, &target);
	lift(tracer);
	end_target(&target);
}

/* A countdown that such a size had moved would be at zero in some centuries. */
static void check_absurd_sizes(struct target *target, enum gate_guard guard, size_t table_count)
{
	static struct tally tally;
	tally = (struct tally){ .size_bytes = 0 };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant_slots(target, guard, table_count, &listener, 8192);
	send_command(target, "absurd");
	serve_until_answer(tracer, target);
	assert_true(tally.others <= 1); /* all are refused, or of no bytes */

	send_command(target, "slots 50 100000"); /* sampled with p = 1 - exp(-12) */
	serve_until_answer(tracer, target);
	assert_in_range(tally.others, table_count * 50 * 4 - 20, table_count * 50 * 4 + 20);
	send_command(target, "drop");
	serve_until_answer(tracer, target);
	lift(tracer);
}

struct laggard {
	size_t stops, drops;
	raddr told, dropped;
};

/* The first time, as long as if the tracer had been stopped meanwhile. */
static bool laggard_stop(void *context, const struct stop *stop)
{
	struct laggard *laggard = context;
	if (stop->size_bytes != 777)
		return false;
	if (laggard->stops++ == 0) {
		laggard->told = stop->block;
		clock_sleep(5500 * NS_PER_MS);
	}
	return true;
}

static void laggard_drop(void *context, raddr block)
{
	struct laggard *laggard = context;
	laggard->drops++;
	laggard->dropped = block;
}

static void note_no_free(void *context, raddr block, uint64_t time_ns)
{
	(void)context;
	(void)block;
	(void)time_ns;
}

static size_t count_states(int pid, uint32_t state)
{
	uint32_t states[MAILBOX_COUNT];
	size_t count = 0;
	struct error err = { 0 };
	raddr base;
	struct target_memory tm;
	OWNED_MAPS struct maps maps = { 0 };
	assert_true(target_memory_init(&tm, pid, &err) && maps_read(pid, &maps, &err));
	assert_int_equal(regions_find(&tm.memory, &maps, &base, 1), 1);
	assert_true(memory_read(&tm.memory, base + SHARED_OFFSET + SHARED_STATES, states,
				sizeof(states), &err));
	for (size_t i = 0; i < MAILBOX_COUNT; i++)
		count += states[i] == state;
	target_memory_deinit(&tm);
	return count;
}

/* A thread that has gone on was read while it ran: what was told of its block is taken back, and
 * its mailbox is free. */
static void test_thread_that_waited_for_too_long_is_no_sample(void **state)
{
	(void)state;
	struct target target;
	struct laggard laggard = { 0 };
	const struct tracer_listener listener = { &laggard, laggard_stop, note_no_free,
						  laggard_drop, note_double };
	start_target(&target, NULL, "0");
	struct tracer *tracer = plant(target.pid, &listener, 1);
	send_command(&target, "keep 1 777");
	serve_until_answer(tracer, &target);
	assert_int_equal(laggard.stops, 1);
	assert_int_equal(laggard.drops, 1);
	assert_int_equal(laggard.dropped, laggard.told);
	assert_int_equal(count_states(target.pid, MAILBOX_FREE), MAILBOX_COUNT);

	/* Who has passed a gate while nobody listened asks again after DISARMED_BYTES. */
	send_command(&target, "keep 500 777");
	serve_until_answer(tracer, &target);
	assert_in_range(laggard.stops, 1 + 500, 1 + 2000);
	lift(tracer);
	end_target(&target);
}

static void test_absurd_sizes_move_no_countdown(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_absurd_sizes(&target, GATE_SERIALISED, 2);
	check_absurd_sizes(&target, GATE_UNGUARDED, 3);
	end_target(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_block_counts_once),
		cmocka_unit_test(test_all_frees_are_seen_of_a_table_that_grows_and_is_thinned),
		cmocka_unit_test(test_blocks_are_sampled_as_often_as_their_size_says),
		cmocka_unit_test(test_tables_of_functions_count_each_block_once),
		cmocka_unit_test(test_sampled_blocks_are_handed_on_whole_and_seen_freed),
		cmocka_unit_test(test_blocks_beyond_the_limit_count_once),
		cmocka_unit_test(test_handed_on_blocks_are_sampled_as_often_as_their_size_says),
		cmocka_unit_test(test_what_is_not_handed_on_after_all_is_lost_and_not_followed),
		cmocka_unit_test(test_thread_that_waited_for_too_long_is_no_sample),
		cmocka_unit_test(test_absurd_sizes_move_no_countdown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

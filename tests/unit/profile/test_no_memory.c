/* SPDX-License-Identifier: MIT */
/* A program that has no memory left says so, and ends in its own way: it has a target to let go of.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "profile/frame_set.h"
#include "tests/unit/profile/population.h"

/* Hash tables ask malloc(), all else here calloc(). A sanitizer has its own, which does not fail.
 */
static bool has_memory = true;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool can_fail = false;
#else
static const bool can_fail = true;

void *__libc_malloc(size_t size);

void *malloc(size_t size)
{
	return has_memory ? __libc_malloc(size) : NULL;
}
#endif

static const struct frame leaf = { "leaf", "app.py", 11 };
static const struct frame *const path[] = { &leaf };

static bool intern_frame(struct error *err)
{
	struct frame_set set = { 0 };
	const struct frame *known;
	return frame_set_intern(&set, &leaf, &known, err);
}

static bool add_sample(struct error *err)
{
	const struct sample sample = { .block = 0x1000,
				       .size_bytes = 100,
				       .interval_bytes = 1,
				       .kind = MEMORY_MALLOC,
				       .thread = "MainThread",
				       .frames = path,
				       .frame_count = 1 };
	OWNED_PROFILE struct profile *profile = new_profile();
	return profile_add(profile, &sample, err);
}

/* In a child, for it may be the program's end. */
static void check_failure(bool (*ask)(struct error *err))
{
	int status;
	if (!can_fail)
		skip();
	int pid = fork();
	if (pid == 0) {
		struct error err = { 0 };
		has_memory = false;
		_exit(!ask(&err) && err.kind == ERROR_NO_MEMORY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_frame_without_room_is_an_error(void **state)
{
	(void)state;
	check_failure(intern_frame);
}

static void test_a_sample_without_room_is_an_error(void **state)
{
	(void)state;
	check_failure(add_sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_frame_without_room_is_an_error),
		cmocka_unit_test(test_a_sample_without_room_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tracer/shared_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tracer/region_layout.h"

static const char LINK[] = "/memfd:filtrace (deleted)";

static int make_memfd(const char *name, off_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static bool try_to_open(int fd, int *ret, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return shared_file_open(path, LINK, true, ret, err);
}

static void assert_refused(int fd, enum error_kind kind)
{
	int opened;
	struct error err = { 0 };
	assert_false(try_to_open(fd, &opened, &err));
	assert_int_equal(err.kind, kind);
	assert_true(*err.context);
	close(fd);
}

static void test_what_the_stub_made_is_opened_and_stays_as_long(void **state)
{
	(void)state;
	int opened;
	struct error err = { 0 };
	int fd = make_memfd("filtrace", SHARED_BYTES);
	assert_true(try_to_open(fd, &opened, &err));
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	char byte;
	assert_int_equal(pread(opened, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	close(opened);
	close(fd);
}

static void test_anything_else_is_refused(void **state)
{
	(void)state;
	assert_refused(make_memfd("other", SHARED_BYTES), ERROR_UNSAFE);
	assert_refused(make_memfd("filtrace", SHARED_BYTES - 4096), ERROR_UNSAFE);
	assert_refused(make_memfd("filtrace", (off_t)1 << 40), ERROR_UNSAFE);
	assert_refused(open("/dev/zero", O_RDWR | O_CLOEXEC), ERROR_UNSAFE);
	assert_refused(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), ERROR_UNSAFE);
	assert_refused(open("/", O_RDONLY | O_CLOEXEC), ERROR_UNSAFE);

	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_refused(pipes[1], ERROR_UNSAFE);
	close(pipes[0]);

	int sealed = make_memfd("filtrace", SHARED_BYTES);
	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_refused(sealed, ERROR_UNSAFE);

	int closed = make_memfd("filtrace", SHARED_BYTES);
	close(closed);
	assert_refused(closed, ERROR_TIMEOUT);
}

struct flicker {
	atomic_int fd;
	atomic_bool is_over;
};

static void *flicker(void *argument)
{
	struct flicker *flicker = argument;
	while (!atomic_load(&flicker->is_over)) {
		int fd = atomic_load(&flicker->fd);
		if (ftruncate(fd, 0) == 0)
			(void)!ftruncate(fd, SHARED_BYTES);
	}
	return NULL;
}

/* Cut short between any two steps: what is opened has its whole length, for good. */
static void test_size_is_that_of_the_sealed_file(void **state)
{
	(void)state;
	enum { TRIES = 100000 };
	struct flicker shared = { .fd = make_memfd("filtrace", SHARED_BYTES) };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, flicker, &shared), 0);
	for (int i = 0; i < TRIES; i++) {
		int opened;
		struct stat status;
		struct error err = { 0 };
		int fd = atomic_load(&shared.fd);
		bool is_open = try_to_open(fd, &opened, &err);
		if (is_open) {
			assert_int_equal(fstat(opened, &status), 0);
			assert_int_equal(status.st_size, SHARED_BYTES);
			close(opened);
		}
		/* Once sealed, it flickers no more. */
		if (fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) {
			atomic_store(&shared.fd, make_memfd("filtrace", SHARED_BYTES));
			close(fd);
		}
	}
	atomic_store(&shared.is_over, true);
	pthread_join(thread, NULL);
	close(atomic_load(&shared.fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_stub_made_is_opened_and_stays_as_long),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_size_is_that_of_the_sealed_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

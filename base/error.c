/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	*err = (struct error){ .kind = kind };

	va_list args;
	va_start(args, format);
	vsnprintf(err->context, sizeof(err->context), format, args);
	va_end(args);
	return false;
}

static enum error_kind kind_of_errno(int os_errno, enum error_kind otherwise)
{
	switch (os_errno) {
	case EPERM:
	case EACCES:
		return ERROR_NOT_PERMITTED;
	case ESRCH:
		return ERROR_NO_PROCESS;
	case ENOMEM:
		return ERROR_NO_MEMORY;
	default:
		return otherwise;
	}
}

bool error_set_errno(struct error *err, enum error_kind otherwise, const char *format, ...)
{
	int os_errno = errno;
	*err = (struct error){ .kind = kind_of_errno(os_errno, otherwise), .os_errno = os_errno };

	va_list args;
	va_start(args, format);
	vsnprintf(err->context, sizeof(err->context), format, args);
	va_end(args);

	size_t len = strlen(err->context);
	snprintf(err->context + len, sizeof(err->context) - len, ": %s", strerror(os_errno));
	return false;
}

bool error_set_read(struct error *err, raddr address, int os_errno)
{
	err->kind = ERROR_READ;
	err->os_errno = os_errno;
	err->address = address;
	err->context[0] = '\0';
	return false;
}

bool error_context(struct error *err, const char *format, ...)
{
	char below[sizeof(err->context)];
	if (err->context[0])
		memcpy(below, err->context, sizeof(below));
	else
		snprintf(below, sizeof(below), "cannot read target memory at %" PRIraddr,
			 err->address);

	va_list args;
	va_start(args, format);
	vsnprintf(err->context, sizeof(err->context), format, args);
	va_end(args);

	size_t len = strlen(err->context);
	snprintf(err->context + len, sizeof(err->context) - len, ": %s", below);
	return false;
}

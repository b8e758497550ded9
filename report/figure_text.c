/* SPDX-License-Identifier: MIT */
#include "report/figure_text.h"

#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"

int figure_decimals(double error, int decimals_max)
{
	if (error <= 0)
		return decimals_max < 1 ? decimals_max : 1;
	double exponent = floor(log10(error));
	if (error / pow(10, exponent) < 1.95)
		exponent--;
	return exponent < -decimals_max ? decimals_max : -(int)exponent;
}

double figure_round(double number, int decimals)
{
	double scale = pow(10, decimals);
	return round(number * scale) / scale + 0.0;
}

/* Make both small enough for a unit, whose name is returned; NULL if there is none so large. */
static const char *choose_unit(double *value, double *error)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	while (fmax(fabs(*value), *error) >= 1023.5 && unit + 1 < ARRAY_LEN(units)) {
		*value /= 1024;
		*error /= 1024;
		unit++;
	}
	return fmax(fabs(*value), *error) < 1e6 ? units[unit] : NULL;
}

static char *write_both(double value, double error, const char *sign, int byte_decimals, char *ret,
			size_t size)
{
	const char *unit = choose_unit(&value, &error);
	if (!unit) {
		snprintf(ret, size, "?");
		return ret;
	}
	int decimals = figure_decimals(error, *unit == 'B' ? byte_decimals : 2);
	int shown = decimals > 0 ? decimals : 0;
	double rounded = figure_round(value, decimals);
	snprintf(ret, size, "%s%.*f \u00b1%.*f %s", rounded >= 0 ? sign : "", shown, rounded,
		 error > 0 ? shown : 0, figure_round(error, decimals), unit);
	return ret;
}

char *figure_text(double value, double error, const char *sign, char *ret, size_t size)
{
	return write_both(value, error, sign, 0, ret, size);
}

char *figure_text_fine(double value, double error, const char *sign, char *ret, size_t size)
{
	return write_both(value, error, sign, 2, ret, size);
}

char *figure_text_alone(double value, double error, const char *sign, char *ret, size_t size)
{
	const char *unit = choose_unit(&value, &error);
	if (!unit) {
		snprintf(ret, size, "?");
		return ret;
	}
	int decimals = figure_decimals(error, 2);
	double rounded = figure_round(value, decimals);
	snprintf(ret, size, "%s%.*f %s", rounded >= 0 ? sign : "", decimals > 0 ? decimals : 0,
		 rounded, unit);
	return ret;
}

/* SPDX-License-Identifier: MIT */
#include "base/stop_classes.h"

const double stop_class_seconds[STOP_CLASSES] = {
	0,    5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6,
	1e-3, 2e-3, 5e-3,  10e-3, 20e-3, 50e-3,	 100e-3, 500e-3,
};

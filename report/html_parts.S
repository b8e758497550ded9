/* SPDX-License-Identifier: MIT */
/* The fixed parts of the pages, as they stand in report/html; each ends with a zero. */

	.section .rodata

	.macro part name, path
	.globl \name
	.type \name, @object
\name:
	.incbin "\path"
	.byte 0
	.size \name, . - \name
	.endm

	part html_begin, report/html/begin.html
	part html_app, report/html/app.js
	part html_timeline, report/html/timeline.js
	part html_report, report/html/report.js
	part html_diff, report/html/diff.js

	.section .note.GNU-stack, "", @progbits

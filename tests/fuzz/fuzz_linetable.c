/* SPDX-License-Identifier: MIT */
/* Any bytes as a line table: {i32 first line, i32 instruction, table}. */
#include "pyframes/linetable.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	int first_line = (int)(uint32_t)fuzz_take(&input, 4);
	int instruction = (int)(uint32_t)fuzz_take(&input, 4);

	for (enum line_format format = LINE_LNOTAB; format <= LINE_LOCATIONS; format++) {
		int line = linetable_line(format, input.bytes, input.len, first_line, instruction);
		FUZZ_CHECK(line >= 0);
		FUZZ_CHECK(line > 0 || first_line <= 0);
		if (first_line > 0 && (instruction < 0 || input.len == 0))
			FUZZ_CHECK(line == first_line);
		uint64_t bytecode_bytes = (uint32_t)first_line;
		if (linetable_fits(format, input.bytes, input.len, bytecode_bytes))
			FUZZ_CHECK(bytecode_bytes <= 255 * input.len + 1 || format == LINE_LNOTAB);
	}
	/* Both bytes of a code unit are of one instruction. */
	if (instruction >= 0)
		FUZZ_CHECK(linetable_line(LINE_LOCATIONS, input.bytes, input.len, first_line,
					  instruction & ~1) ==
			   linetable_line(LINE_LOCATIONS, input.bytes, input.len, first_line,
					  instruction | 1));
	return 0;
}

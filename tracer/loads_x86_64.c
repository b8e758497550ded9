/* SPDX-License-Identifier: MIT */
#include "tracer/code_x86_64.h"

#include <string.h>

enum {
	WALK_INSTRUCTIONS_MAX = 400,
	WALK_QUEUE_MAX = 1 + 2 * WALK_INSTRUCTIONS_MAX,
	CODE_PAGES = 8,
	REGISTER_COUNT = 16,
	CALL_CLOBBERED = 0x0fc7, /* rax rcx rdx rsi rdi r8-r11 (psABI 3.2.1), by number */
};

/* An instruction to be decoded, and which registers hold known constants when it is reached. */
struct walk_point {
	raddr address;
	unsigned known; /* set of register numbers */
	uint64_t values[REGISTER_COUNT];
};

struct code_page {
	raddr address;
	bool is_read;
	uint8_t bytes[PAGE_BYTES];
};

struct walk {
	const struct code_loads *target;
	struct code_page pages[CODE_PAGES]; /* the last ones read */
	size_t next_page;
	struct walk_point queue[WALK_QUEUE_MAX]; /* each address once */
	size_t queue_len;
	raddr *loads;
	size_t load_count;
	size_t load_max;
};

static const struct code_page *find_page(struct walk *walk, raddr address, struct error *err)
{
	for (size_t i = 0; i < CODE_PAGES; i++) {
		if (walk->pages[i].is_read && walk->pages[i].address == address)
			return &walk->pages[i];
	}

	struct code_page *page = &walk->pages[walk->next_page];
	page->address = address;
	page->is_read = memory_read(walk->target->memory, address, page->bytes, PAGE_BYTES, err);
	if (!page->is_read)
		return NULL;
	walk->next_page = (walk->next_page + 1) % CODE_PAGES;
	return page;
}

/* Read up to one instruction's longest length. Returns the bytes read: none on an error. */
static size_t fetch(struct walk *walk, raddr address, uint8_t *ret, struct error *err)
{
	size_t done = 0;
	while (done < ZYDIS_MAX_INSTRUCTION_LENGTH) {
		size_t offset = (address + done) % PAGE_BYTES;
		const struct code_page *page = find_page(walk, address + done - offset, err);
		if (!page)
			break;
		size_t step = PAGE_BYTES - offset;
		if (step > ZYDIS_MAX_INSTRUCTION_LENGTH - done)
			step = ZYDIS_MAX_INSTRUCTION_LENGTH - done;
		memcpy(ret + done, page->bytes + offset, step);
		done += step;
	}
	return done;
}

static void enqueue(struct walk *walk, raddr address, const struct walk_point *registers)
{
	for (size_t i = 0; i < walk->queue_len; i++) {
		if (walk->queue[i].address == address)
			return;
	}
	struct walk_point *point = &walk->queue[walk->queue_len++];
	*point = *registers;
	point->address = address;
}

static void add_load(struct walk *walk, raddr address)
{
	for (size_t i = 0; i < walk->load_count; i++) {
		if (walk->loads[i] == address)
			return;
	}
	if (walk->load_count < walk->load_max)
		walk->loads[walk->load_count++] = address;
}

/* The set of the one general register of which this is a part; empty for all others. */
static unsigned register_bit(ZydisRegister part)
{
	ZydisRegister reg = whole_register(part);
	return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR64 ? 1u << ZydisRegisterGetId(reg)
								  : 0;
}

static bool find_value(const struct walk_point *point, ZydisRegister reg, uint64_t *ret)
{
	unsigned bit = register_bit(reg);
	if (!(point->known & bit))
		return false;
	*ret = point->values[__builtin_ctz(bit)];
	return true;
}

/* The address of a memory operand, if it is the same in every run. */
static bool find_address(const struct walk_point *point, const struct instruction *in,
			 const ZydisDecodedOperand *operand, raddr *ret)
{
	if (operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS)
		return false;
	if (operand->mem.index != ZYDIS_REGISTER_NONE)
		return false;
	if (operand->mem.base == ZYDIS_REGISTER_RIP || operand->mem.base == ZYDIS_REGISTER_NONE)
		return ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->head, operand, in->address, ret));

	uint64_t base;
	if (!find_value(point, operand->mem.base, &base))
		return false;
	*ret = base + (uint64_t)operand->mem.disp.value;
	return true;
}

/* The word at an address that the target cannot write, such as the global offset table that the
 * dynamic linker has filled in and closed (ld(1) "-z relro"): a constant too. */
static bool find_constant_word(const struct walk *walk, raddr address, uint64_t *ret)
{
	struct error unused;
	const struct mapping *mapping = maps_find(walk->target->maps, address);
	return mapping && mapping->inode && !mapping->is_writable && !mapping->is_shared &&
	       memory_read(walk->target->memory, address, ret, sizeof(*ret), &unused);
}

/* The constant that the instruction puts into its first operand, a register. */
static bool find_constant(const struct walk *walk, const struct walk_point *point,
			  const struct instruction *in, uint64_t *ret)
{
	const ZydisDecodedOperand *source = &in->operands[1];
	raddr address;
	if (in->operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER || in->operands[0].size < 32)
		return false;
	if (in->head.mnemonic == ZYDIS_MNEMONIC_LEA)
		return find_address(point, in, source, ret);
	if (in->head.mnemonic != ZYDIS_MNEMONIC_MOV)
		return false;

	switch (source->type) {
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*ret = source->imm.value.u;
		return true;
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return find_value(point, source->reg.value, ret);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return source->size == 64 && find_address(point, in, source, &address) &&
		       find_constant_word(walk, address, ret);
	default:
		return false;
	}
}

static void track_registers(const struct walk *walk, struct walk_point *point,
			    const struct instruction *in)
{
	uint64_t value;
	bool is_constant = find_constant(walk, point, in, &value);

	for (size_t i = 0; i < in->head.operand_count; i++) {
		const ZydisDecodedOperand *operand = &in->operands[i];
		if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			point->known &= ~register_bit(operand->reg.value);
	}
	if (instruction_is_call(in))
		point->known &= ~(unsigned)CALL_CLOBBERED;

	const ZydisDecodedOperand *target = &in->operands[0];
	unsigned bit = is_constant ? register_bit(target->reg.value) : 0;
	if (!bit)
		return;
	point->known |= bit;
	point->values[__builtin_ctz(bit)] = target->size == 32 ? (uint32_t)value : value;
}

static void note_loads(struct walk *walk, const struct walk_point *point,
		       const struct instruction *in)
{
	for (size_t i = 0; i < in->head.operand_count; i++) {
		const ZydisDecodedOperand *operand = &in->operands[i];
		raddr address;
		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    operand->mem.type == ZYDIS_MEMOP_TYPE_MEM && operand->size == 64 &&
		    (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) &&
		    find_address(point, in, operand, &address))
			add_load(walk, address);
	}
}

/* Decode one instruction and enqueue what may run next. */
static bool visit(struct walk *walk, struct walk_point point, struct error *err)
{
	uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
	struct instruction in;
	size_t len = fetch(walk, point.address, code, err);
	if (len == 0)
		return false;
	if (!ZYAN_SUCCESS(instruction_decode(point.address, code, len, &in)))
		return error_set(err, ERROR_FORMAT, "no instruction at %" PRIraddr, point.address);

	note_loads(walk, &point, &in);
	track_registers(walk, &point, &in);
	raddr target;
	bool is_call = instruction_is_call(&in);
	if (!instruction_is_last(&in))
		enqueue(walk, point.address + in.head.length, &point);
	if (!is_call && instruction_target(&in, &target))
		enqueue(walk, target, &point);
	return true;
}

static bool decode_loads(struct loads *loads, raddr function, raddr *ret, size_t max,
			 size_t *len_ret, struct error *err)
{
	OWNED_FREE struct walk *walk = calloc(1, sizeof(*walk));
	if (!walk)
		return error_set(err, ERROR_NO_MEMORY, "decoding of a function");
	walk->target = (const struct code_loads *)loads;
	walk->loads = ret;
	walk->load_max = max;

	enqueue(walk, function, &(struct walk_point){ 0 });
	if (!visit(walk, walk->queue[0], err))
		return false;
	for (size_t i = 1; i < walk->queue_len && i < WALK_INSTRUCTIONS_MAX; i++) {
		struct error ends_this_path;
		visit(walk, walk->queue[i], &ends_this_path);
	}
	*len_ret = walk->load_count;
	return true;
}

static bool is_code(struct loads *loads, raddr address)
{
	const struct mapping *mapping = maps_find(((struct code_loads *)loads)->maps, address);
	return mapping && mapping->is_executable;
}

void x86_64_init_loads(struct code_loads *loads, struct memory *memory, const struct maps *maps)
{
	*loads = (struct code_loads){
		.loads = { .decode = decode_loads, .is_code = is_code },
		.memory = memory,
		.maps = maps,
	};
}

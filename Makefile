# Everything is built under $(BUILD). `make help` lists the targets.

BUILD   ?= build
CC      ?= cc
VERSION := 0.1.0

CFLAGS  ?= -O2 -g
Q       := $(if $(V),,@)# V=1 shows the commands
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
           $(if $(CI),-Werror)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DFILTRACE_VERSION='"$(VERSION)"' -I. -I$(BUILD) -pthread -fno-common \
              -DBUILD_DIR='"$(BUILD)"' $(WARN) $(CFLAGS) $(SANITIZE)
LIBS    := -lelf -lncursesw -ltinfo -lsqlite3 -ljansson -lprotobuf-c -lz -lZydis -lZycore -lm -pthread

# A folder may include from the folders behind it, never the other way round.
FOLDERS := cli tui report profile pyframes tracer base
archive  = $(BUILD)/$(1).a
objects  = $(patsubst %,$(BUILD)/%.o,$(wildcard $(1)/*.c $(1)/*.S))

.DEFAULT_GOAL := all
.SECONDARY:

all: $(BUILD)/filtrace ## build the program

$(BUILD)/filtrace: $(foreach folder,$(FOLDERS),$(call archive,$(folder)))
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

define folder_rule
$(call archive,$(1)): $(call objects,$(1))
	@rm -f $$@
	$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach folder,$(FOLDERS),$(eval $(call folder_rule,$(folder))))

$(BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What is generated from report/pprof.proto; its warnings are not ours.
PPROF := $(BUILD)/report/pprof.pb-c
$(PPROF).c: report/pprof.proto
	@mkdir -p $(@D)
	@echo "  PROTO $<"
	$(Q)protoc-c --c_out=$(BUILD) $<

$(PPROF).h: $(PPROF).c ;

$(PPROF).o: $(PPROF).c
	@echo "  CC    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -w -c -o $@ $<

$(call archive,report): $(PPROF).o
$(BUILD)/report/html_parts.S.o: $(wildcard report/html/*)
$(BUILD)/report/pprof.c.o $(BUILD)/tests/unit/report/test_pprof.c.o: $(PPROF).h

# Unit tests: tests/unit/FOLDER/test_NAME.c is linked with FOLDER and what FOLDER may include.
behind_base     := base
behind_tracer   := tracer base
behind_pyframes := pyframes base
behind_profile  := profile base
behind_report   := report profile base
behind_tui      := tui profile base
behind_cli      := cli tui report profile pyframes tracer base
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))

define unit_rule
$(BUILD)/tests/unit/$(1)/test_%: $(BUILD)/tests/unit/$(1)/test_%.c.o $(foreach f,$(behind_$(1)),$(call archive,$(f)))
	@echo "  LINK  $$@"
	$(Q)$$(CC) $$(ALL_CFLAGS) -o $$@ $$(filter %.o %.a,$$^) -lcmocka $$(LIBS)
endef
$(foreach folder,$(FOLDERS),$(eval $(call unit_rule,$(folder))))

# Programs to be traced are built plainly, whatever the sanitizers of the rest.
# The embedder needs Python's headers; the matrix builds it in several ways.
TARGETS := $(patsubst %.c,$(BUILD)/%,$(filter-out fixtures/embedder.c,$(wildcard fixtures/*.c)))
$(BUILD)/fixtures/alloc_target: fixtures/alloc_tables.h fixtures/handing_on.h
$(BUILD)/fixtures/%: fixtures/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -o $@ $< -pthread

# This one pretends to be a CPython, laid out as filtrace knows it.
HOSTILE := $(BUILD)/fixtures/hostile
TARGETS += $(HOSTILE)
$(HOSTILE): $(wildcard fixtures/hostile/*.[ch]) pyframes/offsets.c tracer/region_layout.h
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -g -o $@ $(filter %.c,$^) -pthread

# This one forbids itself all calls but those that the table says are needed.
$(BUILD)/fixtures/restricted: fixtures/restricted.c tracer/calls_x86_64.c fixtures/restricted.h tracer/calls.h tracer/region_layout.h
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -g -o $@ $(filter %.c,$^)

$(UNIT_TESTS): $(TARGETS)

# What `make soak` needs: libraries for targets and tracers, and the tracer as a small program.
SOAK_PROGRAMS := $(addprefix $(BUILD)/tests/soak/,kill_at.so pulse.so trace_alloc endless)
$(BUILD)/tests/soak/%.so: tests/soak/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -shared -fPIC -o $@ $< -pthread

$(BUILD)/tests/soak/trace_alloc: $(BUILD)/tests/soak/trace_alloc.c.o $(call archive,tracer) $(call archive,base)
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/soak/endless: $(BUILD)/tests/soak/endless.c.o $(foreach f,tui profile pyframes base,$(call archive,$(f)))
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

# What `make bench` needs: the view alone, over a made-up profile.
REFRESH := $(BUILD)/tests/bench/refresh
$(REFRESH): $(REFRESH).c.o $(foreach f,tui profile base,$(call archive,$(f)))
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

# Fuzzers: tests/fuzz/fuzz_NAME.c is linked with all that reads a target or a capture. They never wait and see no
# /proc but their own; so their link wraps what would.
FUZZ_NAMES ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/fuzz_%)
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.c.o $(BUILD)/tests/fuzz/fuzz.c.o \
		$(foreach f,report profile pyframes tracer base,$(call archive,$(f)))
	@echo "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -Wl,--wrap=procfs_read,--wrap=procfs_read_head,--wrap=nanosleep -o $@ $^ $(LIBS)

# PYTHON is Debian's own, whatever other python3 comes first in PATH: its packages are used.
PYTHON  := /usr/bin/python3
PREFIX  ?= /usr/local
SUBMAKE  = $(MAKE) --no-print-directory -j$(shell nproc)
C_FILES  = $(wildcard $(addsuffix /*.[ch],$(FOLDERS) fixtures fixtures/hostile) tests/unit/*/*.[ch] tests/fuzz/*.[ch] tests/bench/*.c)
# As shared libraries of gcc, the two do not write to the same report.
ASAN    := BUILD=build-asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
           SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -static-libasan -static-libubsan'
TSAN    := BUILD=build-tsan CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=thread'
CLANG   ?= clang
FUZZ    := BUILD=$(BUILD)/fuzz CC=$(CLANG) CFLAGS='-O1 -g -fno-omit-frame-pointer' \
           SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
FUZZ_SECONDS ?= 60
# Test programs, or files of end-to-end tests, at a time: one more than processors, for they mostly wait.
LANES   ?= $(shell expr $$(nproc) + 1)

.PHONY: all demo test test-unit test-e2e fuzz matrix truth bench soak asan tsan lint format install clean help
.PHONY: unit-tests soak-programs fuzzers fuzzers-if-possible
.PHONY: packages-build packages-demo packages-test packages-matrix packages-soak packages-bench packages-readers packages-pictures readers pictures

packages-build packages-demo packages-test packages-matrix packages-soak packages-bench packages-readers packages-pictures: packages-%:
	@scripts/packages.sh $*

# Without a clang that has libFuzzer, the fuzzers are skipped, and counted as that.
fuzzers-if-possible: packages-build
	@CLANG=$(CLANG) scripts/packages.sh fuzz || echo "no clang with libFuzzer: fuzzers are skipped"
	@! scripts/has_libfuzzer.sh $(CLANG) || $(SUBMAKE) $(FUZZ) fuzzers

unit-tests: $(UNIT_TESTS)

soak-programs: $(SOAK_PROGRAMS) $(TARGETS)

fuzzers: $(FUZZERS) ; @:

# Packages come before anything is compiled, also with make -j: hence the recursive calls.
demo: packages-build packages-demo ## a leaking Flask server, and filtrace attached to it
	@$(SUBMAKE) all
	@scripts/demo.sh $(BUILD)/filtrace

test: packages-build packages-demo packages-test ## all tests, ending in one line of counts; LANES=4 at a time
	@$(SUBMAKE) all unit-tests soak-programs
	@$(MAKE) --no-print-directory fuzzers-if-possible
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B scripts/run_tests.py --lanes $(LANES) --unit $(UNIT_TESTS) \
		--fuzz $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzz/%) --e2e tests/e2e --soak tests/soak/soak.py

test-unit: packages-build packages-test ## unit tests only
	@$(SUBMAKE) unit-tests
	@$(PYTHON) -B scripts/run_tests.py --lanes $(LANES) --unit $(UNIT_TESTS)

test-e2e: packages-build packages-demo packages-test ## end-to-end tests only; PYTEST='-k kill' picks some
	@$(SUBMAKE) all $(TARGETS)
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B scripts/run_tests.py --lanes $(LANES) --e2e tests/e2e --pytest='$(PYTEST)'

readers: packages-readers ## get programs that read reports: the tests then try them
	@scripts/readers.sh $(BUILD)/readers

pictures: packages-build packages-demo packages-test packages-pictures readers ## make the pictures of README and docs again; PICTURES='--only live'
	@$(SUBMAKE) all
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B tests/pictures/pictures.py $(PICTURES)

fuzz: packages-build ## fuzz what reads foreign bytes; FUZZ_SECONDS=600 for each, FUZZ_NAMES='maps text'
	@$(MAKE) --no-print-directory fuzzers-if-possible
	@$(PYTHON) -B scripts/run_tests.py --fuzz $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzz/%) \
		--fuzz-seconds $(FUZZ_SECONDS)

matrix: packages-build packages-test packages-matrix ## every interpreter there is; MATRIX='--only 3.14' picks some
	@$(SUBMAKE) all
	@FILTRACE=$(BUILD)/filtrace MATRIX_DIR=$${MATRIX_DIR:-$(BUILD)/matrix} $(PYTHON) -B tests/matrix/matrix.py $(MATRIX)

truth: packages-build packages-demo packages-test ## figures against the truth of live targets; TRUTH='--runs 200 --seconds 12'
	@$(SUBMAKE) all
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B tests/truth/truth.py $(TRUTH)

bench: packages-build packages-demo packages-bench ## what filtrace costs its target, beside its peers; BENCH='--only w1 --peers none'
	@$(SUBMAKE) all $(REFRESH) soak-programs
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B tests/bench/bench.py $(BENCH)

soak: packages-build packages-test packages-soak ## that nothing hurts the target, as a table; SOAK='--only kill-points --scale 0.1'
	@$(SUBMAKE) all soak-programs
	@FILTRACE=$(BUILD)/filtrace $(PYTHON) -B tests/soak/soak.py $(SOAK)

asan: ## all tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@DEADLINE_SECONDS=$${DEADLINE_SECONDS:-180} $(MAKE) --no-print-directory $(ASAN) test

tsan: ## all tests with ThreadSanitizer
	@DEADLINE_SECONDS=$${DEADLINE_SECONDS:-180} $(MAKE) --no-print-directory $(TSAN) test

lint: ## formatting, SPDX lines, direction of includes, Python syntax
	@clang-format --dry-run -Werror $(C_FILES)
	@scripts/lint.sh

format: ## let clang-format decide
	@clang-format -i $(C_FILES)

install: all ## install into $(PREFIX)
	install -D -m 755 $(BUILD)/filtrace $(DESTDIR)$(PREFIX)/bin/filtrace

clean: ## remove what was built
	rm -rf $(BUILD) build-asan build-tsan

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

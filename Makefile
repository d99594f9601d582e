# sockgrade: everything is made by this one file. `make help` lists the targets.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
JOBS    ?= $(shell nproc)

# ---- compiling ----
CC       ?= cc
OPT      ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wwrite-strings -Wpointer-arith -Wvla -Wundef -Wformat=2 -Werror
PKGS     := jansson libcurl libseccomp libmnl nettle libarchive libpcre2-8 yaml-0.1
# asked lazily, so that `make deps` runs before pkg-config exists
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null)
SANITIZE ?=
CPPFLAGS_OURS = -D_GNU_SOURCE -Igrader -include base/banned.h -DSOCKGRADE_VERSION='"$(VERSION)"' \
                -DSOCKGRADE_DATA='"$(PREFIX)/share/sockgrade"'
CFLAGS_OURS   = -std=gnu17 $(OPT) $(WARNINGS) -fno-omit-frame-pointer -fstack-protector-strong \
                -pthread $(SANITIZE) $(PKG_CFLAGS)
LDFLAGS_OURS  = -pthread $(SANITIZE)

# ---- the stages, in the order in which data flows; a test is linked with what its stage may use ----
STAGES := base submission sandbox build scenario trace observe driver verdict sanitize report batch
uses_base       := base
uses_submission := submission base
uses_sandbox    := sandbox base
uses_build      := build submission sandbox base
uses_trace      := trace base
uses_scenario   := scenario trace base
uses_observe    := observe sandbox base
uses_driver     := driver observe scenario trace sandbox base
uses_verdict    := verdict scenario trace base
uses_sanitize   := sanitize base
uses_report     := report sanitize verdict scenario trace base
uses_batch      := batch report sanitize verdict scenario trace submission base

stage_objects = $(patsubst %.c,$(B)/obj/%.o,$(filter-out $(KEEPER_MAIN),$(wildcard grader/$(1)/*.c))) $(image_$(1))
# the keeper is a program of its own, which the sandbox carries as bytes (grader/sandbox/keeper_main.c)
KEEPER_MAIN   := grader/sandbox/keeper_main.c
image_sandbox  = $(B)/obj/grader/sandbox/keeper_image.o
archive       = $(B)/lib/$(1).a
ARCHIVES      := $(foreach s,$(STAGES),$(call archive,$(s)))
TOP_OBJECTS   := $(patsubst %.c,$(B)/obj/%.o,$(wildcard grader/*.c grader/cli/*.c))
TESTS         := $(patsubst grader/tests/%.c,$(B)/tests/%,$(wildcard grader/tests/test_*.c))
BENCHES       := $(patsubst grader/bench/%.c,$(B)/bench/%,$(wildcard grader/bench/*.c))
FUZZERS       := $(patsubst grader/fuzz/fuzz_%.c,%,$(wildcard grader/fuzz/fuzz_*.c))
SOURCES        = $(shell git ls-files --cached --others --exclude-standard 'grader/*.c' 'grader/*.h' 'reference/*.c' 'reference/*.h' 'student-template/*.c' 'student-template/*.h')

.PHONY: all
all: $(B)/sockgrade                        ## build the grader into build/

$(B)/sockgrade: $(TOP_OBJECTS) $(ARCHIVES)
	$(CC) $(LDFLAGS_OURS) -o $@ $(TOP_OBJECTS) -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(PKG_LIBS)

# An archive is made anew, so that an object whose source has gone does not live on in it.
define archive_rule
$(call archive,$(1)): $(call stage_objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach s,$(STAGES),$(eval $(call archive_rule,$(s))))

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_OURS) $(CFLAGS_OURS) -MMD -MP -c -o $@ $<

$(B)/keeper: $(B)/obj/$(KEEPER_MAIN:.c=.o) $(filter-out $(image_sandbox),$(call stage_objects,sandbox)) $(call archive,base)
	@rm -f $(B)/lib/keeper.a && ar rcs $(B)/lib/keeper.a $(filter-out $<,$(filter %.o,$^))
	$(CC) $(LDFLAGS_OURS) -o $@ $< $(B)/lib/keeper.a $(call archive,base) $$(pkg-config --libs libseccomp libmnl)
	@strip --strip-debug $@

$(image_sandbox): grader/sandbox/keeper_image.S $(B)/keeper
	$(CC) -DKEEPER_PROGRAM='"$(B)/keeper"' -c -o $@ $<

stage_of = $(word 2,$(subst _, ,$(1)))
.SECONDEXPANSION:
$(B)/tests/test_%: grader/tests/test_%.c $$(foreach s,$$(uses_$$(call stage_of,test_$$*)),$$(call archive,$$(s))) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_OURS) $(CFLAGS_OURS) -MMD -MP -MF $@.d -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
	    $(LDFLAGS_OURS) $(PKG_LIBS) $$(pkg-config --cflags --libs criterion)

# Loaded into sockgrade by tests: makes one of its system calls fail.
$(B)/tests/faults.so: grader/tests/faults.c Makefile
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 $(OPT) $(WARNINGS) -Wno-pedantic -fPIC -shared -o $@ $<

$(B)/bench/%: grader/bench/%.c $(ARCHIVES) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_OURS) $(CFLAGS_OURS) -MMD -MP -MF $@.d -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group \
	    $(LDFLAGS_OURS) $(PKG_LIBS)

# A fuzz target, as a program: with libFuzzer's main() (`make fuzz`), or with one that reads a corpus again (`make test`).
FUZZ_MAIN ?= replay
FUZZ_LINK ?=
FUZZ_PARTS = $(patsubst %,$(B)/obj/grader/fuzz/%.o,fuzz $(FUZZ_MAIN))
$(B)/fuzz/%: $(B)/obj/grader/fuzz/fuzz_%.o $$(FUZZ_PARTS) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_OURS) $(FUZZ_LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(PKG_LIBS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- running ----
.PHONY: demo
demo: deps                                 ## install what is missing, build, grade a small class, show the result
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@grader/tests/demo.sh $(B)

.PHONY: test
test: deps                                 ## install what is missing, build, pass every test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@grader/tests/run-tests.sh $(B)

.PHONY: tests
tests: $(TESTS) $(FUZZERS:%=$(B)/fuzz/%) $(B)/tests/faults.so  ## build the unit tests only

.PHONY: one
one:                                       ## build and run one unit test: make one T=test_base_io
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/tests/$(T)
	@timeout -k 5 300 $(B)/tests/$(T) $(ARGS)

.PHONY: asan
asan: deps                                 ## the whole suite under AddressSanitizer and UBSan (in build/asan)
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/asan OPT='-O1 -g' \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' all tests
	@SOCKGRADE_SANITIZED=1 grader/tests/run-tests.sh build/asan

.PHONY: fuzz
fuzz: deps-fuzz                            ## search for bytes that break a reader: make fuzz [T=name] [SECONDS=60]
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/fuzzing CC=clang WARNINGS=-w OPT='-O1 -g' FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
	    $(patsubst %,build/fuzzing/fuzz/%,$(or $(T),$(FUZZERS)))
	@grader/fuzz/run.sh build/fuzzing $(or $(SECONDS),60) $(or $(T),$(FUZZERS))

.PHONY: bench
bench: deps-bench                                ## figures as ratios, measured side by side
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BENCHES)
	@grader/bench/run.sh $(B)

.PHONY: mutants
mutants: deps                              ## build and grade every mutant, hold each to its label
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@grader/tests/mutants.py --build $(B) $(ARGS)

.PHONY: soak
soak: deps                                 ## the same verdicts again and again, on a machine that is kept busy
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/tests/faults.so
	@grader/tests/soak.py --build $(B) $(ARGS)
	@grader/tests/crash.py --build $(B)

.PHONY: check-style
check-style: deps-style                    ## format, layers, sizes, clang-tidy, cppcheck, shellcheck
	@grader/tests/check-style.sh $(B)

.PHONY: format
format:                                    ## reformat every C file
	clang-format -i $(SOURCES)

# ---- installing ----
.PHONY: install
install: all                               ## install below PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/sockgrade
	install -m 755 $(B)/sockgrade $(DESTDIR)$(PREFIX)/bin/sockgrade
	cp -R testcases reference student-template $(DESTDIR)$(PREFIX)/share/sockgrade/
	install -d $(DESTDIR)$(PREFIX)/share/sockgrade/reports
	install -m 644 reports/report.schema.json reports/README.md $(DESTDIR)$(PREFIX)/share/sockgrade/reports/

# Packages of Debian 12. Those for the style checks are apart: a demo does not need them.
PACKAGES       := gcc libc6-dev make pkg-config libjansson-dev libcurl4-openssl-dev libseccomp-dev libmnl-dev \
                  nettle-dev libarchive-dev libpcre2-dev libyaml-dev libcriterion-dev python3 python3-jsonschema patch procps iproute2
PACKAGES_STYLE := clang-format clang-tidy cppcheck shellcheck pmccabe git
PACKAGES_FUZZ  := clang libclang-rt-14-dev llvm-14
# gcc-multilib would bring in what gcc-12-multilib does, and take every cross compiler away
PACKAGES_BIG   := gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-12-multilib libc6-dev-i386 qemu-user

.PHONY: deps
deps:                                      ## install missing packages by apt (with sudo where needed)
	@grader/tests/deps.sh $(PACKAGES)

.PHONY: deps-style
deps-style: deps
	@grader/tests/deps.sh $(PACKAGES_STYLE)

.PHONY: deps-bench
deps-bench: deps
	@grader/tests/deps.sh bubblewrap

.PHONY: deps-fuzz
deps-fuzz: deps
	@grader/tests/deps.sh $(PACKAGES_FUZZ)

.PHONY: deps-bigendian
deps-bigendian: deps                       ## install what plays byte order on a big-endian machine (300 MB)
	@grader/tests/deps.sh $(PACKAGES_BIG)

.PHONY: clean
clean:                                     ## remove what was built
	rm -rf build

.PHONY: help
help:                                      ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

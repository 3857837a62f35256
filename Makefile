# A thin face on CMake and scripts: what to type, nothing clever.
PRESET ?= dev
BUILD  := build/$(PRESET)
SEEDS  ?= 2000
JOBS   ?= $(shell nproc)

.PHONY: help deps deps-present stacks build test test-unit check-all demo stop sim fuzz bench lint format packages clean

help:
	@echo "make demo       watch a lab site go through the whole procedure (KEEP=1 leaves it running, make stop ends it)"
	@echo "make test       quick lint, unit, rules on three stacks, simulation, and one full rebuild on the lab: what CI runs"
	@echo "make test-unit  the unit tests alone"
	@echo "make check-all  the long rest: sanitizers, real crashes, 200 hosts, many seeds, lint"
	@echo "make bench      what things cost, beside their peers (BENCH=exporter for one)"
	@echo "make fuzz SECONDS=60  every fuzz target that long (scripts/fuzz.sh SECONDS TARGET for one)"
	@echo "make packages   Debian packages in build/package/packages"
	@echo "make sim SEEDS=20000 | lint | format | clean | build PRESET=release"

deps:
	@scripts/deps.sh

# What only builds or measures installs nothing.
deps-present:
	@scripts/deps.sh --check

stacks:
	@scripts/other-stacks.sh

$(BUILD)/build.ninja: | deps-present
	@cmake --preset $(PRESET) >/dev/null

build: $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS)

test: deps stacks
	@$(MAKE) --no-print-directory build
	@scripts/lint.sh --quick
	@GTEST_BRIEF=1 MAILHUB_SIM_SEEDS=$(SEEDS) ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(JOBS) -LE 'lab|crash|scale|package'
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -L 'lab'

test-unit: deps
	@$(MAKE) --no-print-directory build
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(JOBS) -L unit

check-all: test
	@scripts/check-all.sh

demo: deps
	@cmake --preset release >/dev/null
	@cmake --build build/release -j $(JOBS) --target mailhub_exporter mailhub_actuator mailhubctl
	@tests/lab/demo.py --build build/release $(if $(KEEP),--keep)

stop:
	@tests/lab/demo.py --stop

sim: build
	@MAILHUB_SIM_SEEDS=$(SEEDS) $(BUILD)/tests/sim/sim_test --gtest_filter='Simulation.*'

fuzz:
	@scripts/fuzz.sh $(or $(SECONDS),60)

BENCH ?= $(notdir $(patsubst %/bench.py,%,$(wildcard bench/*/bench.py)))
bench: deps-present
	@cmake --preset release >/dev/null
	@cmake --build build/release -j $(JOBS) --target $(addprefix bench_,$(BENCH))
	@for name in $(BENCH); do bench/$$name/bench.py --build build/release || exit 1; done

lint: deps-present
	@scripts/lint.sh

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

packages:
	@scripts/deps.sh --check package
	@cmake --preset package >/dev/null
	@cmake --build --preset package -j $(JOBS)
	@rm -rf build/package/packages
	@cd build/package && cpack --config CPackConfig.cmake >cpack.log 2>&1 || { cat cpack.log; exit 1; }
	@ls build/package/packages/*.deb

clean:
	@rm -rf build

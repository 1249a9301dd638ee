# The two commands most people need: `make run` and `make test`. `make help` lists the rest.

# One scratch path outside the checkout, so that a second clone or a CI run builds incrementally.
ORDERSD_BUILD ?= $(HOME)/.cache/ordersd/build
# Optimised, with the static Swift runtime: what is shipped is what is measured.
RELEASE_BUILD ?= $(ORDERSD_BUILD)/../release-static
SWIFT_RELEASE = swift build -c release --static-swift-stdlib --scratch-path "$(RELEASE_BUILD)"
SWIFT_BUILD = swift build --scratch-path "$(ORDERSD_BUILD)"
SWIFT_TEST = swift test --scratch-path "$(ORDERSD_BUILD)"
STATE ?=

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: run
run: bootstrap build ## Build and start every role on this machine, with a page at http://127.0.0.1:8081
	@exec "$(ORDERSD_BUILD)/debug/ordersd" up $(if $(STATE),--state "$(STATE)") $(ARGS)

.PHONY: test
test: bootstrap-test ## Run all tests; those that measure time run by themselves, real processes last
	$(SWIFT_BUILD) --build-tests
	$(SWIFT_TEST) --skip-build --skip \
	  '^(Integration|Lab|CheckServicesTests|OrchestratorTests|OrderQueueTests|ExecutorTests|Simulation)\.'
	$(SWIFT_TEST) --skip-build --filter '^Simulation\.'
	$(SWIFT_TEST) --skip-build --filter '^CheckServicesTests\.'
	$(SWIFT_TEST) --skip-build --no-parallel --filter '^OrchestratorTests\.'
	$(SWIFT_TEST) --skip-build --filter '^ExecutorTests\.'
	$(SWIFT_TEST) --skip-build --no-parallel --filter '^OrderQueueTests\.'
	$(SWIFT_TEST) --skip-build --filter '^Integration\.'

.PHONY: chaos crash-points
MINUTES ?= 15
RATE ?= 10
chaos: bootstrap-test ## Kill, stop and slow each service in turn for MINUTES, at RATE orders/s, and count
	$(SWIFT_BUILD) --build-tests
	CHAOS_MINUTES=$(MINUTES) CHAOS_RATE=$(RATE) $(SWIFT_TEST) --skip-build --filter '/ChaosTests/'
POINTS ?= 1000
crash-points: bootstrap-test ## Kill the orchestrator POINTS times under clients that repeat their requests
	$(SWIFT_BUILD) --build-tests
	CRASH_POINTS=$(POINTS) $(SWIFT_TEST) --skip-build --filter '/CrashPointTests/'

.PHONY: sim
SEEDS ?= 1000
# The optimiser of Swift 6.3.1 crashes on the simulator in one pass, copy propagation ("Found ownership error").
SIM_FLAGS = -Xswiftc -enable-testing -Xswiftc -Xllvm -Xswiftc -sil-disable-pass=copy-propagation
sim: ## Run the simulator over SEEDS seeds, optimised; SEED=n replays one with its trace
	CORE_ONLY=1 SIM_SEEDS=$(SEEDS) $(if $(SEED),SIM_SEED=$(SEED)) swift test -c release $(SIM_FLAGS) \
	  --scratch-path "$(ORDERSD_BUILD)/../core-release" --filter '$(if $(SEED),/everySeedKeepsItsPromises,^Simulation\.)'

# The package that the lab uses is made beside the other builds.
LAB_PACKAGES = $(ORDERSD_BUILD)/../lab-package
LAB = ORDERSD_LAB=1 LAB_PACKAGE="$$(ls "$(LAB_PACKAGES)"/ordersd_*.deb)" $(SWIFT_TEST) --skip-build
.PHONY: lab
lab: lab-package ## Run the lab: hosts in network namespaces, booted systemds, containers (needs root, 25 min)
	tools/bootstrap --docker
	$(LAB) --filter '^Lab\.'

# Of it, what takes 5 minutes and depends on no tight deadline: a leader killed among hosts in network namespaces, and the
# package on one booted systemd but for the watchdog on each loop and the sockets, which are tried by `make lab`.
LAB_CI_PARTS = control,journal,reload,failure,sandbox,leader,polkit,secrets,upgrade,purge
.PHONY: lab-ci
lab-ci: lab-package ## Run the part of the lab that CI runs (needs root)
	tools/check-package "$(LAB_PACKAGES)"/ordersd_*.deb
	LAB_ONLY="leader killed" LAB_MACHINES=systemd LAB_PARTS=$(LAB_CI_PARTS) LAB_SLACK=15000 \
	  $(LAB) --filter '^Lab\.'

.PHONY: lab-package
lab-package:
	tools/bootstrap --test --lab --package
	rm -rf "$(LAB_PACKAGES)"
	$(MAKE) deb DEB_OUTPUT="$(LAB_PACKAGES)"
	$(SWIFT_BUILD) --build-tests

.PHONY: fuzz
FUZZ_SECONDS ?= 60
fuzz: ## Fuzz the decoder of election datagrams for FUZZ_SECONDS
	tools/fuzz $(FUZZ_SECONDS)

.PHONY: bench-failover
RUNS ?= 50
bench-failover: release ## Time from a fault to the next effective lease, beside keepalived (needs root)
	tools/bootstrap --test --lab
	PROGRAMS="$(RELEASE_BUILD)/release" Benchmarks/failover/run $(RUNS)

.PHONY: bench-queue-core
bench-queue-core: ## Memory and time of the queue's machine at 1 k, 100 k and 1 M orders, optimised
	CORE_ONLY=1 swift run -c release --scratch-path "$(ORDERSD_BUILD)/../core-release" queue-core-bench

.PHONY: bench
bench: release ## Orders/s, latencies and CPU time by role through REST, with a release build
	ORDERSD_BUILD="$(ORDERSD_BUILD)" PROGRAMS="$(RELEASE_BUILD)/release" Benchmarks/checkout/run $(ARGS)

.PHONY: bench-queue
ROUNDS ?= 3
bench-queue: release ## Durable cycles/s of the queue beside beanstalkd, Redis and PostgreSQL (release build)
	tools/bootstrap --bench
	ORDERSD_BUILD="$(ORDERSD_BUILD)" PROGRAMS="$(RELEASE_BUILD)/release" Benchmarks/queue/run $(ROUNDS) $(ARGS)
	ORDERSD_BUILD="$(ORDERSD_BUILD)" PROGRAMS="$(RELEASE_BUILD)/release" Benchmarks/queue/run $(ROUNDS) \
	  --in-flight 16 --depths 1000,100000,1000000 --only ordersd,beanstalkd,redis,postgresql $(ARGS)

.PHONY: test-core
test-core: ## Run the tests of the pure cores only (seconds after an edit)
	CORE_ONLY=1 swift test --scratch-path "$(ORDERSD_BUILD)/../core" $(ARGS)

.PHONY: build
build: bootstrap ## Build the two programs
	$(SWIFT_BUILD) --product ordersd
	$(SWIFT_BUILD) --product ordersctl

.PHONY: release
release: bootstrap ## Build the two programs optimised, as they are shipped and measured
	$(SWIFT_RELEASE) --product ordersd
	$(SWIFT_RELEASE) --product ordersctl

.PHONY: deb
deb: release ## Make the Debian package, ordersd_<version>_<arch>.deb, in DEB_OUTPUT (default: the current folder)
	tools/bootstrap --package
	tools/make-deb --output "$(or $(DEB_OUTPUT),.)" $(if $(VERSION),--version $(VERSION)) "$(RELEASE_BUILD)/release"

.PHONY: lab-systemd
lab-systemd: deb ## Use, upgrade and purge the package on a booted systemd, then on three on a bridge (needs root)
	tools/bootstrap --lab
	tools/lab-systemd --report "$(or $(DEB_OUTPUT),.)/lab-systemd.md" "$(or $(DEB_OUTPUT),.)"/ordersd_*.deb
	tools/lab-hosts --report "$(or $(DEB_OUTPUT),.)/lab-hosts.md" "$(or $(DEB_OUTPUT),.)"/ordersd_*.deb

.PHONY: lab-compose
lab-compose: deb ## Run the Compose file in the Docker that answers, and kill and restart containers
	tools/lab-compose "$(or $(DEB_OUTPUT),.)"/ordersd_*.deb

.PHONY: check
check: ## Format lint, generated code up to date, units, Compose file
	swift format lint --strict --recursive --parallel Package.swift Sources/Core Sources/Wire/OrderWire \
	  Sources/Wire/ElectionWire Sources/Platform Sources/Services Sources/ordersd Sources/ordersctl Tests
	tools/embed-page --check
	tools/protos --check
	tools/verify-units

.PHONY: fmt
fmt: ## Format the sources in place
	swift format --in-place --recursive --parallel Package.swift Sources/Core Sources/Wire/OrderWire \
	  Sources/Wire/ElectionWire Sources/Platform Sources/Services Sources/ordersd Sources/ordersctl Tests

.PHONY: protos
protos: ## Regenerate Swift from the .proto files
	tools/bootstrap --protos
	ORDERSD_BUILD="$(ORDERSD_BUILD)" tools/protos

.PHONY: page
page: ## Embed the page into the binary's sources
	tools/embed-page

.PHONY: bootstrap bootstrap-test
bootstrap:
	@tools/bootstrap
bootstrap-test:
	@tools/bootstrap --test

// swift-tools-version: 6.2
import PackageDescription

// Arrows point down only: Core <- Wire <- Platform <- Services <- executables (docs/ARCHITECTURE.md).
// `CORE_ONLY=1` leaves out everything that needs an external package, so that an edit of a core is tested in seconds.
let coreOnly = Context.environment["CORE_ONLY"] == "1"

let houseSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
  .treatAllWarnings(as: .error),
]

// Generated code is exempt from everything but the language mode.
let generatedSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
]

func library(
  _ layer: String, _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting]? = nil,
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", exclude: exclude,
    swiftSettings: settings ?? (layer == "Core" ? houseSettings + [.strictMemorySafety()] : houseSettings))
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: houseSettings)
}

let core: [Target] = [
  library("Core", "CoreTime"),
  library("Core", "Randomness"),
  library("Core", "VectorClock"),
  library("Core", "OrderDomain", ["CoreTime"]),
  library("Core", "BullyElection", ["CoreTime", "Randomness"]),
  library("Core", "PriorityQueue", ["CoreTime"]),
  library("Core", "LeaderWork", ["CoreTime", "Randomness"]),
  library("Core", "CheckoutFlow", ["CoreTime", "OrderDomain", "VectorClock"]),
  library("Core", "TransactionRules", ["CoreTime", "OrderDomain"]),
  library("Core", "FraudRules", ["CoreTime", "OrderDomain", "VectorClock"]),
  library("Core", "SuggestionModel", ["CoreTime", "OrderDomain"]),
  library("Core", "PeerCalls", ["CoreTime"]),

  tests("CoreTimeTests", ["CoreTime"]),
  tests("RandomnessTests", ["Randomness"]),
  tests("VectorClockTests", ["Randomness", "VectorClock"]),
  tests("OrderDomainTests", ["Randomness", "OrderDomain", "CoreTime"]),
  tests("BullyElectionTests", ["Randomness", "BullyElection", "CoreTime"]),
  tests("PriorityQueueTests", ["Randomness", "PriorityQueue", "CoreTime"]),
  tests("CheckoutFlowTests", ["Randomness", "CheckoutFlow", "CoreTime", "OrderDomain", "VectorClock"]),
  tests("TransactionRulesTests", ["Randomness", "TransactionRules", "CoreTime", "OrderDomain"]),
  tests("FraudRulesTests", ["Randomness", "FraudRules", "CoreTime", "OrderDomain"]),
  tests("SuggestionModelTests", ["Randomness", "SuggestionModel", "CoreTime", "OrderDomain"]),
  tests("LeaderWorkTests", ["LeaderWork", "CoreTime"]),
  tests("PeerCallsTests", ["Randomness", "PeerCalls", "CoreTime"]),
  .target(
    name: "SimulationKit",
    dependencies: ["Randomness", "BullyElection", "PriorityQueue", "LeaderWork", "CoreTime"],
    path: "Tests/SimulationKit", swiftSettings: houseSettings),
  tests("Simulation", ["SimulationKit", "BullyElection", "PriorityQueue", "LeaderWork", "CoreTime"]),
  tests(
    "Scenarios", ["SimulationKit", "BullyElection", "PriorityQueue", "LeaderWork", "CoreTime"],
    exclude: ["Texts"]),
  tests("TidyTests", []),
]

// Built on request only: `make bench-queue-core`.
let coreBenchmarks: [Target] = [
  .executableTarget(
    name: "queue-core-bench", dependencies: ["PriorityQueue", "OrderDomain", "CoreTime"],
    path: "Benchmarks/queue-core", swiftSettings: houseSettings)
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioConcurrency: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let grpcCore: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport: Target.Dependency = .product(
  name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf: Target.Dependency = .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let swiftProtobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let wire: [Target] = [
  .target(
    name: "OrderProtos", dependencies: [grpcCore, grpcProtobuf, swiftProtobuf],
    path: "Sources/Wire/OrderProtos", exclude: ["protos"], swiftSettings: generatedSettings),
  library(
    "Wire", "OrderWire", ["OrderProtos", "OrderDomain", "VectorClock", "CoreTime", grpcCore, swiftProtobuf]),
  library("Wire", "ElectionWire", ["BullyElection", "CoreTime", crypto]),
]

let platform: [Target] = [
  .systemLibrary(
    name: "CSystemd", path: "Sources/Platform/CSystemd", pkgConfig: "libsystemd",
    providers: [.apt(["libsystemd-dev"])]),
  library("Platform", "KernelCalls"),
  library("Platform", "SystemdSupport", ["CSystemd", "KernelCalls"]),
  library("Platform", "JournalLog", ["SystemdSupport", logging, metrics, nioConcurrency]),
  library("Platform", "MetricsExport", [coreMetrics]),
  library(
    "Platform", "DaemonKit",
    [
      "SystemdSupport", "KernelCalls", "JournalLog", "MetricsExport", "CoreTime", configuration, yams,
      logging, metrics, lifecycle, unixSignals,
      hummingbird, hummingbirdCore, nioCore, nioPosix,
    ]),
  library(
    "Platform", "GRPCSupport",
    [
      "OrderProtos", "OrderWire", "OrderDomain", "VectorClock", "CoreTime", "PeerCalls", "DaemonKit",
      "JournalLog", "SystemdSupport", grpcCore,
      grpcTransport,
      grpcProtobuf, swiftProtobuf, lifecycle, logging, metrics, coreMetrics, nioCore, nioPosix,
    ]),
  library("Platform", "MulticastTransport", ["JournalLog", nioCore, nioPosix, logging]),
  library(
    "Platform", "OrderStore",
    ["OrderWire", "DaemonKit", "JournalLog", "CoreTime", grdb, lifecycle, logging, metrics]),
]

let services: [Target] = [
  library(
    "Services", "Orchestrator",
    [
      "CheckoutFlow", "PeerCalls", "TransactionRules", "OrderDomain", "VectorClock", "CoreTime",
      "OrderProtos", "OrderWire",
      "DaemonKit", "GRPCSupport", "JournalLog", "OrderStore", hummingbird, hummingbirdCore, httpTypes,
      grpcCore,
      swiftProtobuf, grdb, lifecycle, logging, metrics,
      crypto, nioCore, nioHTTP1, nioHTTPTypes, yams,
    ], exclude: ["Page/index.html", "Page/page.css", "Page/page.js", "Page/page.svg"]),
  library(
    "Services", "TransactionVerification",
    [
      "TransactionRules", "OrderDomain", "VectorClock", "CoreTime", "OrderProtos", "OrderWire", "DaemonKit",
      "GRPCSupport", grpcCore, lifecycle, logging,
    ]),
  library(
    "Services", "FraudDetection",
    [
      "FraudRules", "OrderDomain", "VectorClock", "CoreTime", "OrderProtos", "OrderWire", "DaemonKit",
      "GRPCSupport", "JournalLog", grpcCore, lifecycle, logging, metrics, crypto,
    ]),
  library(
    "Services", "Suggestions",
    [
      "SuggestionModel", "OrderDomain", "VectorClock", "CoreTime", "OrderProtos", "OrderWire", "DaemonKit",
      "GRPCSupport", "JournalLog", grpcCore, swiftProtobuf, lifecycle, logging, metrics,
    ]),
  library(
    "Services", "OrderQueue",
    [
      "PriorityQueue", "OrderDomain", "VectorClock", "CoreTime", "OrderProtos", "OrderWire", "DaemonKit",
      "GRPCSupport", "JournalLog",
      "OrderStore", grpcCore, swiftProtobuf, grdb, sqlite, lifecycle, logging, metrics,
    ]),
  library(
    "Services", "Executor",
    [
      "BullyElection", "LeaderWork", "ElectionWire", "MulticastTransport", "OrderDomain", "VectorClock",
      "CoreTime",
      "OrderProtos", "OrderWire", "DaemonKit", "GRPCSupport", "JournalLog", grpcCore, swiftProtobuf,
      lifecycle,
      logging, metrics, subprocess,
      systemPackage, crypto,
    ]),
]

let executables: [Target] = [
  .executableTarget(
    name: "ordersd",
    dependencies: [
      "Orchestrator", "TransactionVerification", "FraudDetection", "Suggestions", "OrderQueue", "Executor",
      "DaemonKit", "GRPCSupport", "JournalLog", "SystemdSupport", "KernelCalls", "CoreTime", argumentParser,
      subprocess,
      systemPackage,
      nioCore,
      nioPosix, logging, unixSignals,
    ],
    path: "Sources/ordersd", swiftSettings: houseSettings),
  .executableTarget(
    name: "ordersctl",
    dependencies: [
      "OrderProtos", "OrderWire", "OrderDomain", "VectorClock", "CoreTime", "Randomness", "DaemonKit",
      "GRPCSupport", "JournalLog", "SystemdSupport", grpcCore,
      swiftProtobuf, argumentParser, httpClient,
      nioCore, nioPosix, nioHTTP1, logging,
    ],
    path: "Sources/ordersctl", swiftSettings: houseSettings),
]

let shellTests: [Target] = [
  .target(
    name: "WatchdogKit", dependencies: ["DaemonKit", "CoreTime"], path: "Tests/WatchdogKit",
    swiftSettings: houseSettings),
  tests(
    "OrderWireTests",
    ["OrderWire", "OrderProtos", "OrderDomain", "VectorClock", "CoreTime", grpcCore, swiftProtobuf]),
  tests("ElectionWireTests", ["ElectionWire", "BullyElection", "CoreTime", crypto]),
  tests(
    "DaemonKitTests",
    [
      "WatchdogKit", "DaemonKit", "JournalLog", "SystemdSupport", "MetricsExport", logging, coreMetrics,
      nioCore, nioPosix,
    ]),
  tests("MulticastTransportTests", ["MulticastTransport", nioCore, nioPosix, logging]),
  tests(
    "CheckServicesTests",
    [
      "TransactionVerification", "FraudDetection", "Suggestions", "SuggestionModel", "GRPCSupport",
      "OrderProtos", "OrderWire", "WatchdogKit",
      "OrderDomain", "VectorClock", "CoreTime", "DaemonKit", "SystemdSupport", grpcCore, grpcProtobuf,
      swiftProtobuf, lifecycle,
      nioPosix,
      logging,
    ]),
  tests(
    "OrderQueueTests",
    [
      "OrderQueue", "GRPCSupport", "OrderProtos", "OrderWire", "OrderDomain", "VectorClock", "CoreTime",
      "DaemonKit", "WatchdogKit",
      "OrderStore", "PriorityQueue", grpcCore, grpcTransport, swiftProtobuf, grdb, lifecycle, nioPosix,
      logging,
    ]),
  tests(
    "OrchestratorTests",
    [
      "Orchestrator", "GRPCSupport", "PeerCalls", "OrderProtos", "OrderWire", "OrderDomain", "VectorClock",
      "CoreTime", "DaemonKit", "WatchdogKit",
      "OrderStore", "CheckoutFlow", grpcCore, grpcProtobuf, swiftProtobuf, grdb, lifecycle, logging, nioCore,
      nioPosix, nioEmbedded, nioHTTPTypes, httpTypes,
    ]),
  tests(
    "ExecutorTests",
    [
      "Executor", "OrderQueue", "LeaderWork", "BullyElection", "ElectionWire", "MulticastTransport",
      "GRPCSupport", "OrderProtos", "OrderWire", "OrderDomain", "WatchdogKit",
      "CoreTime", "DaemonKit", "JournalLog", grpcCore, swiftProtobuf, lifecycle, nioPosix, logging,
    ]),
  tests("Lab", [], exclude: ["Systemd"]),
  tests(
    "Integration", ["VectorClock", "CheckoutFlow", crypto, httpClient, nioCore, nioHTTP1],
    exclude: ["Support"]),
]

let externalPackages: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
  .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
  .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
  .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
  .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
  .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
  .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0"),
  .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
  .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
]

let package = Package(
  name: "ordersd",
  platforms: [.macOS(.v15)],
  products: coreOnly
    ? []
    : [
      .executable(name: "ordersd", targets: ["ordersd"]),
      .executable(name: "ordersctl", targets: ["ordersctl"]),
    ],
  dependencies: coreOnly ? [] : externalPackages,
  targets: coreOnly ? core + coreBenchmarks : core + wire + platform + services + executables + shellTests)

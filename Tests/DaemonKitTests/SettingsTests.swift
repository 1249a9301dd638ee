import DaemonKit
import Foundation
import Testing

@Suite struct SettingsTests {
  private enum Color: String, CaseIterable { case red, green }

  private func problems(of reader: SettingsReader) -> [String] {
    do {
      try reader.validate()
      return []
    } catch let error as ConfigurationError {
      return error.problems
    } catch {
      return ["\(error)"]
    }
  }

  @Test func flagsWinOverEnvironmentOverFileOverDefault() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("ordersd.yaml", "queue:\n  a: file\n  b: file\n  c: file\n")
    let reader = try SettingsSources(
      flags: ["queue.a": "flag"],
      environment: ["ORDERSD_QUEUE_A": "variable", "ORDERSD_QUEUE_B": "variable"],
      file: file
    ).reader()
    #expect(reader.string("queue.a", default: "default", "") == "flag")
    #expect(reader.string("queue.b", default: "default", "") == "variable")
    #expect(reader.string("queue.c", default: "default", "") == "file")
    #expect(reader.string("queue.d", default: "default", "") == "default")
    try reader.validate()
  }

  @Test func aLaterFileOfConfDWinsOverAnEarlierAndBothOverTheMainFile() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("ordersd.yaml", "a: main\nb: main\nc: main\n")
    _ = try folder.file("conf.d/10-site.yaml", "a: ten\nb: ten\n")
    _ = try folder.file("conf.d/20-host.yaml", "a: twenty\n")
    _ = try folder.file("conf.d/README", "not: read\n")
    let reader = try SettingsSources(environment: [:], file: file).reader()
    let values = ["a", "b", "c"].map { reader.string($0, default: "", "") }
    #expect(values == ["twenty", "ten", "main"])
    try reader.validate()
  }

  @Test func everyMistakeIsInOneMessageWithItsPlace() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file(
      "ordersd.yaml", "order-queue:\n  port: many\n  lease: 5 seconds\ncolor: blue\n")
    let reader = try SettingsSources(
      flags: ["limit": "0"], environment: ["ORDERSD_IS_ON": "perhaps"], file: file
    ).reader()
    _ = reader.port("order-queue.port", default: 50_055, "")
    _ = reader.duration("order-queue.lease", default: .seconds(30), in: .seconds(1)...(.seconds(60)), "")
    _ = reader.choice("color", default: Color.red, "")
    _ = reader.integer("limit", default: 5, in: 1...10, "")
    _ = reader.boolean("is-on", default: false, "")
    let problems = problems(of: reader)
    #expect(problems.count == 5)
    let expected = [
      ("\(file):2: order-queue.port", "not 'many'"), ("\(file):3: order-queue.lease", "such as 30s"),
      ("\(file):4: color", "one of red, green"), ("--set limit", "from 1 to 10"),
      ("ORDERSD_IS_ON", "true or false"),
    ]
    for (place, remedy) in expected {
      #expect(problems.contains { $0.hasPrefix(place) && $0.contains(remedy) }, "\(place): \(problems)")
    }
  }

  @Test func anUnknownKeyIsAMistakeAndTheNearestKnownOneIsNamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("ordersd.yaml", "log:\n  levle: info\nnonsense: 1\n")
    let reader = try SettingsSources(environment: [:], file: file).reader()
    _ = reader.string("log.level", default: "info", "")
    let problems = problems(of: reader)
    #expect(problems.contains("\(file):2: log.levle: unknown setting; did you mean 'log.level'?"))
    #expect(problems.contains { $0.hasPrefix("\(file):3: nonsense: unknown setting; see") })
    #expect(problems.count == 2)
  }

  @Test func anUnknownVariableIsAMistakeUnlessItIsOfAnotherTool() throws {
    let reader = try SettingsSources(
      environment: [
        "ORDERSD_LOG_LEVLE": "info", "ORDERSD_NONSENSE": "1", "ORDERSD_LOG_LEVEL": "info", "LOG_LEVLE": "x",
        "ORDERSD_PORT_OFFSET": "5", "ORDERSD_EMPTY": "", "ORDERSD_SERVER": "http://x", "ORDERSD_BUILD": "/b",
        "ORDERSD_LAB": "1", "ORDERSD_PUBLISH": "8081", "ORDERSD_IMAGE_TARGET": "source",
      ], file: nil
    ).reader()
    _ = reader.string("log.level", default: "info", "")
    #expect(reader.port("port", default: 50_055, "") == 50_060)
    let problems = problems(of: reader)
    #expect(
      problems == [
        "ORDERSD_LOG_LEVLE: unknown setting; did you mean 'ORDERSD_LOG_LEVEL'?",
        "ORDERSD_NONSENSE: unknown setting; see 'ordersd settings' for all of them",
      ])
  }

  /// /etc/default/ordersd is for all units: what a unit or a script of the package says that may stand in it
  /// must keep no role from starting.
  @Test func everyVariableOfUnitsAndPackageIsASettingOrOfAnotherTool() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var variables: [String: String] = [:]
    for folder in ["units", "packaging"] {
      let base = root.appendingPathComponent(folder)
      for name in try FileManager.default.subpathsOfDirectory(atPath: base.path) {
        // Nil for a folder.
        guard let data = FileManager.default.contents(atPath: "\(base.path)/\(name)") else { continue }
        let text = String(decoding: data, as: UTF8.self)
        for match in text.matches(of: /ORDERSD_[A-Z0-9_]*[A-Z0-9]/) { variables[String(match.output)] = "x" }
      }
    }
    #expect(variables.count >= 8 && variables["ORDERSD_LEADER_OPTIONS"] != nil, "\(variables.keys)")
    let file = root.appendingPathComponent("packaging/ordersd.yaml")
    let keys = settings(in: try String(contentsOf: file, encoding: .utf8))
    #expect(keys.contains("executor.fulfilment.kind"))
    let reader = SettingsReader(layers: [.environment(variables)])
    for key in keys { _ = reader.string(key, default: "", "") }
    #expect(problems(of: reader) == [])
  }

  /// The keys of a file where every setting is commented out.
  private func settings(in text: String) -> [String] {
    var path: [(depth: Int, name: String)] = []
    var keys: [String] = []
    for line in text.split(separator: "\n") {
      guard let match = line.wholeMatch(of: /#( *)([a-z-]+):( .*)?/) else { continue }
      path.removeAll { $0.depth >= match.output.1.count }
      path.append((match.output.1.count, String(match.output.2)))
      keys.append(path.map { $0.name }.joined(separator: "."))
    }
    return keys
  }

  @Test func whereAValueComesFromIsTold() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("ordersd.yaml", "a: 1\nqueue:\n  b: [x, y]\n")
    let reader = try SettingsSources(
      flags: ["port-offset": "7"], environment: ["ORDERSD_C": "5"], file: file
    ).reader()
    for key in ["a", "c", "d"] { _ = reader.integer(key, default: 3, in: 0...9, "") }
    _ = reader.list("queue.b", default: [], "")
    _ = reader.port("e.port", default: 8_081, "")
    _ = reader.endpoint("e.endpoint", defaultPort: 8_081, "")
    let told = ["a", "queue.b", "c", "d", "e.port", "e.endpoint"].map { key in
      let reading = reader.reading(of: key)
      return "\(reading?.text ?? "-") \(reading?.place ?? "default")"
    }
    #expect(
      told == [
        "1 \(file):1", "x,y \(file):3", "5 ORDERSD_C", "3 default", "8088 default", "127.0.0.1:8088 default",
      ])
    #expect(reader.reading(of: "port-offset")?.place == "--set port-offset")
    #expect(reader.reading(of: "z") == nil)
    #expect(reader.declarations.first { $0.key == "e.port" }?.defaultText == "8081")
  }

  @Test(
    arguments: [
      ("absent.yaml", nil, "no such file"), ("folder", nil, "is a directory"),
      ("list.yaml", "- a\n", "not a list"),
      ("text.yaml", "hello\n", "must be a mapping"), ("broken.yaml", "a: [1\n", "not valid YAML"),
    ] as [(String, String?, String)])
  func aFileThatIsNoUseIsAConfigurationError(name: String, text: String?, why: String) throws {
    let folder = try TemporaryFolder()
    if name == "folder" { _ = try folder.file("folder/x", "") }
    if let text { _ = try folder.file(name, text) }
    let path = "\(folder.path)/\(name)"
    let error = #expect(throws: ConfigurationError.self) {
      try SettingsSources(environment: [:], file: path).reader()
    }
    #expect(error?.problems.first?.hasPrefix(path) == true)
    #expect(error?.problems.first?.contains(why) == true, "\(String(describing: error))")
  }

  @Test func aMistakeInASettingThatIsReadTwiceIsToldOnce() {
    let reader = SettingsReader(layers: [.flags(["port-offset": "16000"])])
    _ = reader.integer("port-offset", default: 0, in: 0...15_000, "")
    #expect(reader.port("b", default: 2_000, "") == 2_000)
    #expect(problems(of: reader).count == 1)
  }

  @Test func thePortOffsetMovesDefaultsOnly() throws {
    let reader = try SettingsSources(
      flags: ["port-offset": "100", "b.port": "7"], environment: [:], file: nil
    ).reader()
    #expect(reader.port("a.port", default: 50_055, "") == 50_155)
    #expect(reader.port("b.port", default: 50_055, "") == 7)
    #expect(reader.endpoint("a.endpoint", defaultPort: 50_051, "").port == 50_151)
  }

  @Test func readingDeclaresAKeyOnceWithTypeDefaultAndPurpose() throws {
    let reader = SettingsReader(layers: [])
    _ = reader.duration("lease", default: .seconds(30), in: .seconds(1)...(.seconds(3_600)), "How long.")
    _ = reader.duration("lease", default: .seconds(9), in: .seconds(1)...(.seconds(3_600)), "Again.")
    #expect(reader.declarations.count == 1)
    #expect(reader.declarations.first?.type == "duration 1s … 1h")
    #expect(reader.declarations.first?.defaultText == "30s")
    #expect(reader.declarations.first?.purpose == "How long.")
  }

  @Test func listsAreSequencesInFilesAndCommaSeparatedElsewhere() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("ordersd.yaml", "peers: [a, b]\n")
    let reader = try SettingsSources(flags: ["others": "c, d"], environment: [:], file: file).reader()
    #expect(reader.list("peers", default: [], "") == ["a", "b"])
    #expect(reader.list("others", default: [], "") == ["c", "d"])
  }

  @Test func theStateFolderIsTheSettingsElseSystemdsElseTheDefault() {
    let systemd = ["STATE_DIRECTORY": "/srv/own:/elsewhere"]
    func path(_ flags: [String: String], _ environment: [String: String]) -> String {
      StateFolder.path(
        reader: SettingsReader(layers: [.flags(flags)]), role: "order-queue", environment: environment)
    }
    #expect(path(["state": "/base"], systemd) == "/base/order-queue")
    #expect(path([:], systemd) == "/srv/own")
    #expect(path([:], [:]) == "/var/lib/ordersd/order-queue")
  }
}

@Suite struct TextFormTests {
  @Test(
    arguments: [
      ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3_600)),
      ("7d", .seconds(604_800)), ("0s", .zero),
    ] as [(String, Duration)])
  func aDurationIsRead(text: String, duration: Duration) { #expect(DurationText.parse(text) == duration) }

  @Test(arguments: [
    "", "5", "s", "-1s", "1.5s", "5 s", "5S", "99999999999999999999s", "9223372036854775807d", "101y",
  ])
  func whatIsNoDurationIsRefused(text: String) { #expect(DurationText.parse(text) == nil) }

  @Test(arguments: ["250ms", "5s", "2m", "1h", "7d", "1500ms", "90s"])
  func aDurationSurvivesBeingWritten(text: String) {
    #expect(DurationText.parse(text).map(DurationText.format) == text)
  }

  @Test func endpointsAreReadAndWritten() {
    #expect(NetworkEndpoint("127.0.0.1:80") == NetworkEndpoint(host: "127.0.0.1", port: 80))
    #expect(NetworkEndpoint("[::1]:80")?.description == "[::1]:80")
    for text in ["", "host", ":80", "host:", "host:65536", "::1:80", "host:-1"] {
      #expect(NetworkEndpoint(text) == nil, "\(text)")
    }
  }
}

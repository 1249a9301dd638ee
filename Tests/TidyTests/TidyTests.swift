import Foundation
import Testing

/// The layers, lowest first. A target may depend on its own layer and on those below.
private let layers = ["Core", "Wire", "Platform", "Services", "ordersd", "ordersctl"]

private func layer(_ target: Manifest.Target) -> Int? {
  guard let path = target.path, path.hasPrefix("Sources/") else { return nil }
  return layers.firstIndex(of: String(path.split(separator: "/")[1]))
}

@Suite("The house")
struct TidyTests {
  @Test("Arrows point down only")
  func arrows() throws {
    let manifest = try Manifest.load()
    let byName = Dictionary(uniqueKeysWithValues: manifest.targets.map { ($0.name, $0) })
    var checked = 0
    for target in manifest.targets where target.type != "test" && target.path?.hasPrefix("Tests/") != true {
      let own = try #require(layer(target), "\(target.name) is in no layer: \(target.path ?? "no path")")
      for dependency in target.dependencies {
        guard let name = dependency.target, let lower = byName[name] else {
          #expect(own > 0, "\(target.name) is in Core and depends on a package")
          continue
        }
        let below = try #require(layer(lower))
        #expect(below <= own, "\(target.name) (\(layers[own])) must not depend on \(name) (\(layers[below]))")
        #expect(below < layers.count - 2, "\(target.name) must not depend on the program \(name)")
        checked += 1
      }
    }
    #expect(checked > 50, "the manifest was not read as it should be")
  }

  @Test("Services do not know each other")
  func servicesAreApart() throws {
    let manifest = try Manifest.load()
    let services = Set(manifest.targets.filter { layer($0) == 3 }.map(\.name))
    #expect(services.count == 6)
    for target in manifest.targets where services.contains(target.name) {
      let others = target.dependencies.compactMap(\.target).filter(services.contains)
      #expect(others.isEmpty, "\(target.name) depends on \(others)")
    }
  }

  @Test("Core imports nothing but Core")
  func coreImportsNothing() throws {
    let cores = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appendingPathComponent("Sources/Core").path)
    #expect(cores.count >= 8)
    for path in try Repository.swiftFiles(under: "Sources/Core") {
      for line in try Repository.lines(path) {
        let words = line.split(separator: " ")
        guard let position = words.firstIndex(of: "import"), position <= 1, let name = words.last else {
          continue
        }
        #expect(cores.contains(String(name)), "\(path): \(line)")
      }
    }
  }

  @Test("Every Core module has tests")
  func coreIsTested() throws {
    let manifest = try Manifest.load()
    let names = Set(manifest.targets.map(\.name))
    for target in manifest.targets where target.type != "test" && layer(target) == 0 {
      #expect(names.contains("\(target.name)Tests"), "\(target.name) has no test target")
    }
  }

  @Test(
    "Sources hold nothing that traps on purpose or was left for later",
    arguments: ["try!", "as!", "fatalError(", "TODO", "FIXME", "// placeholder"])
  func banned(word: String) throws {
    for path in try Repository.swiftFiles(under: "Sources") {
      for (number, line) in try Repository.lines(path).enumerated() where line.contains(word) {
        Issue.record("\(path):\(number + 1): \(word)")
      }
    }
  }

  @Test("Lines fit the page")
  func lineLength() throws {
    for folder in ["Sources", "Tests"] {
      for path in try Repository.swiftFiles(under: folder) {
        for (number, line) in try Repository.lines(path).enumerated() where line.count > 120 {
          Issue.record("\(path):\(number + 1) has \(line.count) columns; 110 is the aim, 120 the limit")
        }
      }
    }
  }
}

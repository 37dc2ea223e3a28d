import Foundation
import TensorFlowLite

/// What `export.json` says of an export, as far as it is needed here.
struct Facts: Decodable {
    struct Features: Decodable {
        let sampleRate: Int
    }

    struct Segment: Decodable {
        let length: Double
        let hop: Double?
    }

    struct Input: Decodable {
        let shape: [Int]
    }

    struct File: Decodable {
        let file: String
        let inputs: [String: Input]?
    }

    let labels: [String]
    let features: Features
    let segment: Segment
    let files: [File]
}

/// An exported file that takes samples, and what its export says of it.
final class GenreModel {
    static let name = "audio_float32"

    let labels: [String]
    let sampleRate: Int
    /// Samples of one segment.
    let segmentSamples: Int
    /// Samples from the beginning of one segment to that of the next.
    let hopSamples: Int
    private let interpreter: Interpreter

    init() throws {
        guard let path = Bundle.main.path(forResource: Self.name, ofType: "tflite"),
            let about = Bundle.main.url(forResource: "export", withExtension: "json")
        else { throw CocoaError(.fileNoSuchFile) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let facts = try decoder.decode(Facts.self, from: Data(contentsOf: about))
        guard let file = facts.files.first(where: { $0.file == "\(Self.name).tflite" }),
            let samples = file.inputs?["audio"]?.shape.first
        else { throw CocoaError(.fileReadCorruptFile) }
        labels = facts.labels
        sampleRate = facts.features.sampleRate
        segmentSamples = samples
        // Without a hop of their own, segments follow each other; music has no gaps either.
        let hop = facts.segment.hop ?? facts.segment.length
        hopSamples = min(Int(hop * Double(sampleRate)), samples)
        interpreter = try Interpreter(modelPath: path)
        try interpreter.allocateTensors()
    }

    /// Returns the probability of each genre; a segment holds `segmentSamples` values, 1 is full scale.
    func probabilities(_ segment: [Float]) throws -> [Float] {
        try interpreter.copy(segment.withUnsafeBytes { Data($0) }, toInputAt: 0)
        try interpreter.invoke()
        let answer = try interpreter.output(at: 0).data
        return answer.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
}

import AVFoundation

/// Hears the microphone and says what it hears, segment by segment.
final class Listener: ObservableObject {
    @Published private(set) var answer = ""

    private let smooth = 3
    private let heldSeconds = 10
    private let engine = AVAudioEngine()
    private let work = DispatchQueue(label: "genre")
    private let lock = NSLock()
    /// What was recorded and not taken yet, by two threads under the lock.
    private var waiting: [Float] = []
    private var pending: [Float] = []
    private var recent: [[Float]] = []

    func start(_ model: GenreModel) throws {
        let session = AVAudioSession.sharedInstance()
        // The mode measurement leaves the sound as it is: no filter that is made for speech.
        try session.setCategory(.record, mode: .measurement)
        try session.setActive(true)
        let given = engine.inputNode.outputFormat(forBus: 0)
        guard
            let wanted = AVAudioFormat(
                commonFormat: .pcmFormatFloat32, sampleRate: Double(model.sampleRate), channels: 1,
                interleaved: false),
            let converter = AVAudioConverter(from: given, to: wanted)
        else { throw CocoaError(.featureUnsupported) }
        engine.inputNode.installTap(onBus: 0, bufferSize: 4096, format: given) { buffer, _ in
            let ratio = wanted.sampleRate / given.sampleRate
            let room = AVAudioFrameCount(Double(buffer.frameLength) * ratio) + 16
            guard let converted = AVAudioPCMBuffer(pcmFormat: wanted, frameCapacity: room) else {
                return
            }
            var taken = false
            converter.convert(to: converted, error: nil) { _, status in
                status.pointee = taken ? .noDataNow : .haveData
                defer { taken = true }
                return taken ? nil : buffer
            }
            guard let samples = converted.floatChannelData?[0] else { return }
            let block = Array(UnsafeBufferPointer(start: samples, count: Int(converted.frameLength)))
            self.keep(block, most: self.heldSeconds * model.sampleRate)
            self.work.async { self.hear(model) }
        }
        try engine.start()
    }

    func stop() {
        engine.inputNode.removeTap(onBus: 0)
        engine.stop()
    }

    private func keep(_ block: [Float], most: Int) {
        lock.lock()
        defer { lock.unlock() }
        // Slower than real time: all that waits is dropped, so that nothing is heard late.
        waiting = waiting.count + block.count > most ? block : waiting + block
    }

    private func hear(_ model: GenreModel) {
        lock.lock()
        pending += waiting
        waiting = []
        lock.unlock()
        while pending.count >= model.segmentSamples {
            let segment = Array(pending.prefix(model.segmentSamples))
            pending.removeFirst(model.hopSamples)
            guard let probabilities = try? model.probabilities(segment) else { continue }
            recent = Array((recent + [probabilities]).suffix(smooth))
            let mean = model.labels.indices.map { genre in
                recent.map { $0[genre] }.reduce(0, +) / Float(recent.count)
            }
            guard let best = mean.indices.max(by: { mean[$0] < mean[$1] }) else { continue }
            let text = String(format: "%@ %.2f", model.labels[best], mean[best])
            DispatchQueue.main.async { self.answer = text }
        }
    }
}

import SwiftUI

/// Shows the genre of what the microphone hears.
@main
struct GenreApp: App {
    @StateObject private var listener = Listener()
    @State private var fault = ""

    var body: some Scene {
        WindowGroup {
            Text(fault.isEmpty ? listener.answer : fault)
                .font(.largeTitle)
                .onAppear {
                    do {
                        try listener.start(GenreModel())
                    } catch {
                        fault = error.localizedDescription
                    }
                }
        }
    }
}

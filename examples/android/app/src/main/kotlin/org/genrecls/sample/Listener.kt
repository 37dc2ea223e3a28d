package org.genrecls.sample

import android.annotation.SuppressLint
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder

private const val SMOOTH = 3
private const val HELD_SECONDS = 10

/** Hears the microphone on a thread of its own and says what it hears, segment by segment. */
class Listener(private val model: GenreModel, private val heard: (String, Float) -> Unit) {
    @Volatile private var listening = false
    private var thread: Thread? = null

    @SuppressLint("MissingPermission") // MainActivity has asked for it.
    fun start() {
        // What the model does not fetch within so many seconds is lost: it never hears the past.
        val recorder = AudioRecord(
            MediaRecorder.AudioSource.UNPROCESSED,
            model.sampleRate,
            AudioFormat.CHANNEL_IN_MONO,
            AudioFormat.ENCODING_PCM_FLOAT,
            HELD_SECONDS * model.sampleRate * Float.SIZE_BYTES,
        )
        check(recorder.state == AudioRecord.STATE_INITIALIZED) {
            "the microphone does not deliver ${model.sampleRate} Hz"
        }
        listening = true
        thread = Thread {
            recorder.startRecording()
            listen(recorder)
            recorder.stop()
            recorder.release()
        }.also { it.start() }
    }

    fun stop() {
        listening = false
        thread?.join()
    }

    private fun listen(recorder: AudioRecord) {
        val segment = FloatArray(model.segmentSamples)
        val recent = ArrayDeque<FloatArray>()
        var filled = 0
        while (listening) {
            // In small pieces, so that stop() need not wait for a whole segment.
            val wanted = minOf(segment.size - filled, model.sampleRate / 10)
            val count = recorder.read(segment, filled, wanted, AudioRecord.READ_BLOCKING)
            if (count < 0) return
            filled += count
            if (filled < segment.size) continue
            recent.addLast(model.probabilities(segment))
            if (recent.size > SMOOTH) recent.removeFirst()
            val mean = FloatArray(model.labels.size) { genre ->
                recent.map { it[genre] }.average().toFloat()
            }
            val best = mean.indices.maxBy { mean[it] }
            heard(model.labels[best], mean[best])
            // The end of this segment is the beginning of the next, where they overlap.
            segment.copyInto(segment, 0, model.hopSamples, segment.size)
            filled -= model.hopSamples
        }
    }
}

package org.genrecls.sample

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import org.json.JSONObject

private const val MODEL = "audio_float32.tflite"
private const val FACTS = "export.json"

/** An exported file that takes samples, and what its export says of it. */
class GenreModel(assets: AssetManager) : AutoCloseable {
    private val facts = JSONObject(assets.open(FACTS).bufferedReader().use { it.readText() })
    private val model =
        CompiledModel.create(assets, MODEL, CompiledModel.Options(Accelerator.CPU))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** Samples a second that the microphone must deliver. */
    val sampleRate: Int = facts.getJSONObject("features").getInt("sample_rate")

    /** The genres, in the order of the probabilities. */
    val labels: List<String> =
        facts.getJSONArray("labels").let { list -> List(list.length()) { list.getString(it) } }

    /** Samples of one segment. */
    val segmentSamples: Int

    /** Samples from the beginning of one segment to that of the next. */
    val hopSamples: Int

    init {
        val files = facts.getJSONArray("files")
        val file = (0 until files.length())
            .map { files.getJSONObject(it) }
            .first { it.getString("file") == MODEL }
        val shape = file.getJSONObject("inputs").getJSONObject("audio").getJSONArray("shape")
        segmentSamples = shape.getInt(0)
        // Without a hop of their own, segments follow each other; music has no gaps either.
        val segment = facts.getJSONObject("segment")
        val hop = segment.optDouble("hop", segment.getDouble("length"))
        hopSamples = (hop * sampleRate).toInt().coerceAtMost(segmentSamples)
    }

    /** Returns the probability of each genre; [segment] holds [segmentSamples] values, 1 is full scale. */
    fun probabilities(segment: FloatArray): FloatArray {
        inputs[0].writeFloat(segment)
        model.run(inputs, outputs)
        return outputs[0].readFloat()
    }

    override fun close() {
        inputs.forEach { it.close() }
        outputs.forEach { it.close() }
        model.close()
    }
}

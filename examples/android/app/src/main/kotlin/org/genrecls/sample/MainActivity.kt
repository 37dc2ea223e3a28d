package org.genrecls.sample

import android.Manifest
import android.app.Activity
import android.content.pm.PackageManager
import android.os.Bundle
import android.view.Gravity
import android.widget.TextView

/** Shows the genre of what the microphone hears, for as long as it is on the screen. */
class MainActivity : Activity() {
    private lateinit var text: TextView
    private lateinit var model: GenreModel
    private lateinit var listener: Listener

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        text = TextView(this).apply {
            gravity = Gravity.CENTER
            textSize = 32f
        }
        setContentView(text)
        model = GenreModel(assets)
        listener = Listener(model) { genre, probability ->
            runOnUiThread { text.text = "%s %.2f".format(genre, probability) }
        }
    }

    override fun onResume() {
        super.onResume()
        val microphone = Manifest.permission.RECORD_AUDIO
        if (checkSelfPermission(microphone) == PackageManager.PERMISSION_GRANTED) {
            listener.start()
        } else {
            // The answer resumes this activity once more.
            requestPermissions(arrayOf(microphone), 0)
        }
    }

    override fun onPause() {
        listener.stop()
        super.onPause()
    }

    override fun onDestroy() {
        model.close()
        super.onDestroy()
    }
}

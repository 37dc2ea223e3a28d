"""The sound of the generated data set: ten invented styles, their bands, and a small studio.

`styles` says what a style plays, `sounds` how a band and each of its tracks sound, `composing`
writes the notes, `instruments` plays them, `recording` makes the track and `copying` makes
a worse copy of one.
"""

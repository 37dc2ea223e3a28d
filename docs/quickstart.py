# %% [markdown]
# # genrecls in a notebook
#
# Train two small models on generated data, compare them, look at what decided, export one.
# Nothing is downloaded. The same words work on the command line: `genrecls train model=cnn`.

# %%
import genrecls

options = ["debug=smoke", "trainer.epochs=3"]  # tiny data, three epochs: seconds, not a result
cnn = genrecls.train("model=cnn", *options)

# %% [markdown]
# A run is a folder; its scores are typed. The data are generated: no score says anything of music.

# %%
print(cnn.folder)
print(cnn.metrics.dataset.title, "·", cnn.metrics.split.title)
test = cnn.metrics.test.track
print(f"test accuracy per track {test.accuracy:.3f}, 95 % interval {test.accuracy_interval}")

# %%
cnn.history  # a row an epoch: a pandas DataFrame where pandas is installed

# %% [markdown]
# Another family, on other features of the same data and the same parts. Training the same again
# would find the run.

# %%
mlp = genrecls.train("model=mlp", "features=summary", *options)
print(genrecls.compare([cnn, mlp]).to_markdown())

# %%
cnn.predictions("test")[:3]  # what the model answered to the test tracks

# %% [markdown]
# A trained model classifies files. Here it is one of its own test tracks.

# %%
from pathlib import Path

song = next(Path("data").rglob("*.wav"))
prediction = genrecls.load(cnn).predict(song)
print(prediction.genre, prediction.genres)

# %%
explanation = genrecls.explain(cnn, song)
print("log-odds of the answer:", explanation.odds)

# %% [markdown]
# A TFLite file for devices, checked against the model before it is kept. (`int8` is for models that
# have learnt more than this one.)

# %%
exported = genrecls.export(cnn, "inputs=[features]", modes=["float32"])
print(exported.files)

"""The networks of the published systems, layer by layer, as the documents state them.

A line is a layer: kind and settings, output shape, parameters. What stands in front of the first
layer that a document names (input, standardisation, channel axis) is left out. Where a document
has no table, its words were multiplied out by hand; what it leaves open is the choice that the
preset states.
"""

from __future__ import annotations

import re

_CNN_DENSE = """
Dense relu                64            {dense}
Dropout 0.3               64            0
Dense softmax             10            650
"""

CARNAGHI_CNN = """
Conv2D 3x3/1              256x11x32     320
ReLU                      256x11x32     0
MaxPooling2D 3x3/2        128x6x32      0
BatchNormalization        128x6x32      128
Conv2D 3x3/1              126x4x32      9,248
ReLU                      126x4x32      0
MaxPooling2D 3x3/2        63x2x32       0
BatchNormalization        63x2x32       128
Conv2D 2x2/1              62x1x32       4,128
ReLU                      62x1x32       0
MaxPooling2D 2x2/2        31x1x32       0
BatchNormalization        31x1x32       128
Flatten                   992           0
""" + _CNN_DENSE.format(dense="63,552")
CARNAGHI_RNN = """
LSTM                      258x64        19,968
LSTM                      64            33,024
Dense relu                64            4,160
Dropout 0.3               64            0
Dense softmax             10            650
"""
CARNAGHI_CRNN = """
Conv2D 3x3/1              258x13x32     320
BatchNormalization        258x13x32     128
ReLU                      258x13x32     0
MaxPooling2D 2x2/2        129x7x32      0
Conv2D 3x3/1              129x7x64      18,496
BatchNormalization        129x7x64      256
ReLU                      129x7x64      0
MaxPooling2D 2x2/2        65x4x64       0
Conv2D 3x3/1              65x4x64       36,928
BatchNormalization        65x4x64       256
ReLU                      65x4x64       0
MaxPooling2D 2x2/2        33x2x64       0
Reshape                   33x128        0
LSTM                      64            49,408
Dense relu                64            4,160
Dropout 0.3               64            0
Dense softmax             10            650
"""

KHAMEES_CNN = """
Conv2D 3x3/1              128x11x32     320
ReLU                      128x11x32     0
MaxPooling2D 3x3/2        64x6x32       0
BatchNormalization        64x6x32       128
Conv2D 3x3/1              62x4x32       9,248
ReLU                      62x4x32       0
MaxPooling2D 3x3/2        31x2x32       0
BatchNormalization        31x2x32       128
Conv2D 2x2/1              30x1x32       4,128
ReLU                      30x1x32       0
MaxPooling2D 2x2/2        15x1x32       0
BatchNormalization        15x1x32       128
Flatten                   480           0
""" + _CNN_DENSE.format(dense="30,784")
KHAMEES_LSTM = """
LSTM                      130x64        19,968
LSTM                      64            33,024
Dense relu                64            4,160
Dropout 0.3               64            0
Dense softmax             10            650
"""
KHAMEES_MLP = """
Flatten                   1690          0
Dense relu                512           865,792
Dense relu                256           131,328
Dense relu                64            16,448
Dense softmax             10            650
"""
KHAMEES_MLP_REGULARISED = """
Flatten                   1690          0
Dense relu l2=0.001       512           865,792
Dropout 0.3               512           0
Dense relu l2=0.001       256           131,328
Dropout 0.3               256           0
Dense relu l2=0.001       64            16,448
Dropout 0.3               64            0
Dense softmax             10            650
"""

_STEINER_CONV = """
Conv2D 3x3/1              112x112x8     80
ReLU                      112x112x8     0
MaxPooling2D 2x2/2        56x56x8       0
Dropout 0.2               56x56x8       0
Conv2D 3x3/1              56x56x16      1,168
ReLU                      56x56x16      0
MaxPooling2D 2x2/2        28x28x16      0
Dropout 0.2               28x28x16      0
Conv2D 3x3/1              28x28x16      2,320
ReLU                      28x28x16      0
MaxPooling2D 2x2/2        14x14x16      0
Dropout 0.2               14x14x16      0
Conv2D 3x3/1              14x14x16      2,320
ReLU                      14x14x16      0
MaxPooling2D 2x2/2        7x7x16        0
Dropout 0.2               7x7x16        0
Conv2D 3x3/1              7x7x16        2,320
ReLU                      7x7x16        0
Dropout 0.2               7x7x16        0
Flatten                   784           0
"""
_STEINER_CONV_UNDROPPED = re.sub("Dropout.*\n", "", _STEINER_CONV)
STEINER_CNN = f"""{_STEINER_CONV}
Dense relu                64            50,240
Dense softmax             10            650
"""
STEINER_CNN_MLP = f"""{_STEINER_CONV_UNDROPPED}
Dense relu                100           78,500
Dense relu                1024          59,392
Dense relu                512           524,800
Dense relu                100           51,300
Concatenate               200           0
Dense relu                128           25,728
Dropout 0.3               128           0
Dense relu                64            8,256
Dropout 0.3               64            0
Dense softmax             10            650
"""
STEINER_MLP = """
Dense relu                32            1,856
Dropout 0.25              32            0
Dense relu                16            528
Dropout 0.25              16            0
Dense softmax             10            170
"""
STEINER_RNN = """
Bidirectional GRU         128           109,056
Dropout 0.25              128           0
Dense softmax             10            1,290
"""
_STEINER_STRIDED = """
Conv2D 2x2/2              112x112x8     40
ReLU                      112x112x8     0
Conv2D 2x2/2              56x56x16      528
ReLU                      56x56x16      0
Conv2D 2x2/2              28x28x32      2,080
ReLU                      28x28x32      0
Conv2D 2x2/2              14x14x64      8,256
ReLU                      14x14x64      0
Conv2D 2x2/2              7x7x128       32,896
ReLU                      7x7x128       0
"""
STEINER_CNN_RNN = f"""{_STEINER_STRIDED}
Reshape                   7x896         0
Dense relu                7x128         114,816
GRU                       7x64          37,248
GRU                       7x64          24,960
GRU                       64            24,960
Dense relu                64            4,160
Dense softmax             10            650
"""
STEINER_CNN_RNN_PARALLEL = """
Conv2D 2x2/2              34x109x8      40
ReLU                      34x109x8      0
Conv2D 2x2/2              17x55x16      528
ReLU                      17x55x16      0
Conv2D 2x2/2              9x28x32       2,080
ReLU                      9x28x32       0
Conv2D 2x2/2              5x14x64       8,256
ReLU                      5x14x64       0
Conv2D 2x2/2              3x7x128       32,896
ReLU                      3x7x128       0
Flatten                   2688          0
GRU                       67x64         54,528
GRU                       67x64         24,960
GRU                       64            24,960
Concatenate               2752          0
Dense relu                64            176,192
Dense softmax             10            650
"""

# The document has channels first and bands x frames: its 96 x 1366 are 1366 x 96 here.
_BISARAHALLI_TWO = """
Conv2D 2x2/1              1366x96x16    80
BatchNormalization        1366x96x16    64
{activation}              1366x96x16    0
MaxPooling2D 4x4/4        341x24x16     0
Conv2D 2x2/1              341x24x32     2,080
BatchNormalization        341x24x32     128
{activation}              341x24x32     0
MaxPooling2D 2x2/2        170x12x32     0
"""
_BISARAHALLI_32 = (
    _BISARAHALLI_TWO.format(activation="ReLU")
    + """
Conv2D 3x3/1              170x12x32     9,248
BatchNormalization        170x12x32     128
ReLU                      170x12x32     0
MaxPooling2D 2x2/2        85x6x32       0
Permute                   85x32x6       0
Reshape                   510x32        0
"""
)
_BISARAHALLI_64 = (
    _BISARAHALLI_TWO.format(activation="Activation selu")
    + """
Conv2D 3x3/1              170x12x64     18,496
BatchNormalization        170x12x64     256
Activation selu           170x12x64     0
MaxPooling2D 2x2/2        85x6x64       0
Permute                   85x64x6       0
Reshape                   510x64        0
"""
)
BISARAHALLI_SMALL = (
    _BISARAHALLI_32
    + """
GRU reset before          510x16        2,352
GRU reset before          16            1,584
Dense relu                128           2,176
Dropout 0.3               128           0
Dense softmax             4             516
"""
)
BISARAHALLI_MEDIUM_RELU = (
    _BISARAHALLI_32
    + """
GRU reset before          16            2,352
Dense relu                128           2,176
Dropout 0.3               128           0
Dense softmax             4             516
"""
)
BISARAHALLI_MEDIUM_SELU8 = (
    _BISARAHALLI_64
    + """
GRU reset before          510x8         1,752
GRU reset before          8             408
Dense selu                128           1,152
AlphaDropout 0.3          128           0
Dense softmax             4             516
"""
)
BISARAHALLI_MEDIUM_SELU16 = (
    _BISARAHALLI_64
    + """
GRU reset before          510x16        3,888
GRU reset before          16            1,584
Dense selu                128           2,176
AlphaDropout 0.3          128           0
Dense softmax             4             516
"""
)

_VGG16 = """
Conv2D 3x3/1 relu         {0}x{0}x64    1,792
Conv2D 3x3/1 relu         {0}x{0}x64    36,928
MaxPooling2D 2x2/2        {1}x{1}x64    0
Conv2D 3x3/1 relu         {1}x{1}x128   73,856
Conv2D 3x3/1 relu         {1}x{1}x128   147,584
MaxPooling2D 2x2/2        {2}x{2}x128   0
Conv2D 3x3/1 relu         {2}x{2}x256   295,168
Conv2D 3x3/1 relu         {2}x{2}x256   590,080
Conv2D 3x3/1 relu         {2}x{2}x256   590,080
MaxPooling2D 2x2/2        {3}x{3}x256   0
Conv2D 3x3/1 relu         {3}x{3}x512   1,180,160
Conv2D 3x3/1 relu         {3}x{3}x512   2,359,808
Conv2D 3x3/1 relu         {3}x{3}x512   2,359,808
MaxPooling2D 2x2/2        {4}x{4}x512   0
Conv2D 3x3/1 relu         {4}x{4}x512   2,359,808
Conv2D 3x3/1 relu         {4}x{4}x512   2,359,808
Conv2D 3x3/1 relu         {4}x{4}x512   2,359,808
MaxPooling2D 2x2/2        {5}x{5}x512   0
"""
KARAM_VGG16 = (
    _VGG16.format(224, 112, 56, 28, 14, 7)
    + """
Flatten                   25088         0
Dense relu                4096          102,764,544
Dense relu                4096          16,781,312
Dense softmax             10            40,970
"""
)
BAHULEYAN_VGG16 = (
    _VGG16.format(216, 108, 54, 27, 13, 6)
    + """
Flatten                   18432         0
Dense relu l2=0.001       512           9,437,696
Dropout 0.3               512           0
Dense softmax             7             3,591
"""
)

GRAPHS: dict[str, str] = {
    "carnaghi2022_cnn": CARNAGHI_CNN,
    "carnaghi2022_rnn": CARNAGHI_RNN,
    "carnaghi2022_crnn": CARNAGHI_CRNN,
    "khamees2021_cnn30": KHAMEES_CNN,
    "khamees2021_cnn50": KHAMEES_CNN,
    "khamees2021_lstm": KHAMEES_LSTM,
    "khamees2021_mlp": KHAMEES_MLP,
    "khamees2021_mlp_regularised": KHAMEES_MLP_REGULARISED,
    "steiner2023_cnn": STEINER_CNN,
    "steiner2023_mlp": STEINER_MLP,
    "steiner2023_rnn": STEINER_RNN,
    "steiner2023_cnn_mlp": STEINER_CNN_MLP,
    "steiner2023_cnn_rnn": STEINER_CNN_RNN,
    "steiner2023_cnn_rnn_parallel": STEINER_CNN_RNN_PARALLEL,
    "bisarahalli2021_small": BISARAHALLI_SMALL,
    "bisarahalli2021_medium_relu": BISARAHALLI_MEDIUM_RELU,
    "bisarahalli2021_medium_selu8": BISARAHALLI_MEDIUM_SELU8,
    "bisarahalli2021_medium_selu16": BISARAHALLI_MEDIUM_SELU16,
    "karam_vgg16": KARAM_VGG16,
    "bahuleyan2018_vgg16": BAHULEYAN_VGG16,
}


def genres(preset: str) -> int:
    """Return the genres that the document has: its output layer depends on them."""
    return {"bisarahalli2021": 4, "bahuleyan2018": 7}.get(preset.partition("_")[0], 10)

"""The bundled background bank: phrases, English and Chinese, for what is there when nothing asked for is.

A tower without a trained region bias has no zero of its own: its softmax always names something. Its labels are
weighed against these. They name surfaces, sky, blur and parts of things, and no object that someone may look for.
"""

BANK = (
    "background",
    "an empty area",
    "a blurred background",
    "a plain wall",
    "the floor",
    "the ground",
    "the ceiling",
    "the sky",
    "a road surface",
    "grass",
    "leaves and branches",
    "water",
    "a shadow",
    "a reflection",
    "a texture",
    "a part of an object",
    "something unrecognisable",
    "背景",
    "空白区域",
    "模糊的背景",
    "墙面",
    "地板",
    "地面",
    "天花板",
    "天空",
    "路面",
    "草地",
    "树叶和树枝",
    "水面",
    "阴影",
    "反光",
    "纹理",
    "物体的一部分",
    "无法辨认的东西",
)

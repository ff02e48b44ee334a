"""The bilingual word lists that phrases are made of. The first name of a list is the canonical one."""

KIND_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "person": ("person", "human", "pedestrian", "worker"),
        "dog": ("dog", "puppy", "hound"),
        "cat": ("cat", "kitten", "kitty"),
        "car": ("car", "automobile", "sedan"),
        "truck": ("truck", "lorry", "cargo truck"),
        "bus": ("bus", "coach", "city bus"),
        "bicycle": ("bicycle", "bike", "push bike"),
        "motorcycle": ("motorcycle", "motorbike", "moped"),
        "forklift": ("forklift", "fork truck", "forklift truck"),
        "mobile robot": ("mobile robot", "delivery robot", "wheeled robot", "agv"),
        "drone": ("drone", "quadcopter", "uav"),
        "robot arm": ("robot arm", "robotic arm", "manipulator"),
        "suitcase": ("suitcase", "travel case", "trolley case"),
        "backpack": ("backpack", "rucksack", "knapsack"),
        "pallet": ("pallet", "shipping pallet", "pallet board"),
        "box": ("box", "carton", "parcel", "package"),
        "traffic cone": ("traffic cone", "road cone", "safety cone", "cone"),
        "barrier": ("barrier", "barricade", "road block"),
        "fire extinguisher": ("fire extinguisher", "extinguisher", "hand extinguisher"),
        "ladder": ("ladder", "step ladder", "stepladder"),
        "chair": ("chair", "seat", "office chair"),
        "monitor": ("monitor", "computer screen", "display"),
        "laptop": ("laptop", "notebook computer", "portable computer"),
        "cup": ("cup", "mug", "coffee cup"),
        "bottle": ("bottle", "flask", "water bottle"),
        "umbrella": ("umbrella", "parasol", "brolly"),
        "ball": ("ball", "play ball", "toy ball"),
        "door": ("door", "doorway", "entrance door"),
        "table": ("table", "desk", "work table"),
        "knife": ("knife", "blade", "kitchen knife"),
        "scissors": ("scissors", "pair of scissors", "shears"),
        "fire": ("fire", "flame", "flames"),
        "smoke": ("smoke", "fumes", "smoke plume"),
        "camera": ("camera", "security camera", "surveillance camera", "cctv camera"),
        "traffic light": ("traffic light", "traffic signal", "stoplight"),
        "handbag": ("handbag", "tote bag", "hand bag"),
    },
    "zh": {
        "person": ("人", "行人", "工人", "人员"),
        "dog": ("狗", "小狗", "犬"),
        "cat": ("猫", "小猫", "猫咪"),
        "car": ("汽车", "轿车", "小汽车"),
        "truck": ("卡车", "货车", "载重车"),
        "bus": ("公交车", "巴士", "公共汽车"),
        "bicycle": ("自行车", "单车", "脚踏车"),
        "motorcycle": ("摩托车", "电单车", "摩托"),
        "forklift": ("叉车", "叉式装卸车", "堆高机"),
        "mobile robot": ("移动机器人", "送货机器人", "轮式机器人"),
        "drone": ("无人机", "四旋翼", "航拍机"),
        "robot arm": ("机械臂", "机器手臂", "机械手"),
        "suitcase": ("行李箱", "旅行箱", "拉杆箱"),
        "backpack": ("背包", "双肩包", "书包"),
        "pallet": ("托盘", "货盘", "栈板"),
        "box": ("箱子", "纸箱", "包裹", "盒子"),
        "traffic cone": ("路锥", "交通锥", "锥桶"),
        "barrier": ("护栏", "路障", "围挡"),
        "fire extinguisher": ("灭火器", "手提灭火器", "干粉灭火器"),
        "ladder": ("梯子", "人字梯", "爬梯"),
        "chair": ("椅子", "座椅", "靠背椅"),
        "monitor": ("显示器", "电脑屏幕", "显示屏"),
        "laptop": ("笔记本电脑", "手提电脑", "笔记本"),
        "cup": ("杯子", "水杯", "马克杯"),
        "bottle": ("瓶子", "水瓶", "瓶"),
        "umbrella": ("雨伞", "伞", "阳伞"),
        "ball": ("球", "皮球", "玩具球"),
        "door": ("门", "房门", "大门"),
        "table": ("桌子", "书桌", "工作台"),
        "knife": ("刀", "刀子", "小刀"),
        "scissors": ("剪刀", "剪子", "手工剪"),
        "fire": ("火焰", "明火", "火苗"),
        "smoke": ("烟雾", "浓烟", "烟"),
        "camera": ("摄像头", "监控摄像头", "摄像机", "监控"),
        "traffic light": ("交通灯", "红绿灯", "信号灯"),
        "handbag": ("手提包", "手袋", "提包"),
    },
}

COLOUR_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "red": ("red",),
        "orange": ("orange",),
        "yellow": ("yellow",),
        "green": ("green",),
        "blue": ("blue",),
        "purple": ("purple", "violet"),
        "pink": ("pink",),
        "white": ("white",),
        "black": ("black",),
        "gray": ("gray", "grey"),
    },
    "zh": {
        "red": ("红",),
        "orange": ("橙", "橘"),
        "yellow": ("黄",),
        "green": ("绿",),
        "blue": ("蓝",),
        "purple": ("紫",),
        "pink": ("粉", "粉红"),
        "white": ("白",),
        "black": ("黑",),
        "gray": ("灰",),
    },
}

PLURALS: dict[str, str] = {
    "person": "people",
    "knife": "knives",
    "scissors": "scissors",
    "pair of scissors": "pairs of scissors",
    "shears": "shears",
    "smoke": "smoke",
    "fumes": "fumes",
    "flames": "flames",
    "puppy": "puppies",
    "kitty": "kitties",
    "lorry": "lorries",
    "brolly": "brollies",
}
"""Plurals that are not made by adding s or es to the last word."""

NOT_CERTAIN: dict[str, frozenset[str]] = {"vehicle": frozenset({"mobile robot"}), "robot": frozenset({"drone"})}
"""Group name to kinds of which one may or may not say so: nothing is claimed of them."""

UMBRELLA: dict[bool, tuple[str, ...]] = {True: ("撑开的", "打开的"), False: ("收起的", "合上的")}
"""How Chinese says that an umbrella is open or closed: not as it does of a door."""

NO_ARTICLE: frozenset[str] = frozenset({"scissors", "shears", "smoke", "fumes", "flames"})
"""Last words of English names that "a" and "one" do not go with."""

THINGS: dict[str, tuple[str, ...]] = {
    "en": ("thing", "object", "item"),
    "zh": ("东西", "物体", "物品"),
}

GROUPS: dict[str, tuple[frozenset[str], dict[str, tuple[str, ...]]]] = {
    "vehicle": (
        frozenset({"car", "truck", "bus", "bicycle", "motorcycle", "forklift"}),
        {"en": ("vehicle",), "zh": ("车辆", "交通工具")},
    ),
    "animal": (frozenset({"dog", "cat"}), {"en": ("animal", "pet"), "zh": ("动物", "宠物")}),
    "robot": (frozenset({"mobile robot", "robot arm"}), {"en": ("robot",), "zh": ("机器人",)}),
    "bag": (
        frozenset({"suitcase", "backpack", "handbag"}),
        {"en": ("bag", "piece of luggage"), "zh": ("箱包", "行李")},
    ),
    "drinkware": (frozenset({"cup", "bottle"}), {"en": ("drinking vessel",), "zh": ("饮具",)}),
    "furniture": (frozenset({"chair", "table"}), {"en": ("piece of furniture",), "zh": ("家具",)}),
    "sharp": (frozenset({"knife", "scissors"}), {"en": ("sharp tool",), "zh": ("利器",)}),
    "road safety": (
        frozenset({"traffic cone", "barrier"}),
        {"en": ("road safety equipment",), "zh": ("交通安全设施",)},
    ),
}
"""Group name to its members and its words."""

SIZES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")},
    "zh": {"small": ("很小的", "小型的", "较小的"), "big": ("很大的", "大型的", "较大的")},
}

Wear = dict[bool, tuple[str, ...]]
TRAITS: dict[str, dict[str, Wear]] = {
    "en": {
        "helmet": {
            True: ("with a helmet", "wearing a helmet", "with a hard hat", "wearing a hard hat", "in a safety helmet"),
            False: (
                "without a helmet",
                "not wearing a helmet",
                "with no helmet",
                "without a hard hat",
                "with no hard hat",
            ),
        },
        "vest": {
            True: ("in a safety vest", "wearing a hi-vis vest", "with a reflective vest", "wearing a safety vest"),
            False: ("without a safety vest", "not wearing a hi-vis vest", "with no reflective vest", "without a vest"),
        },
        "backpack": {
            True: ("with a backpack", "carrying a backpack", "wearing a backpack", "with a rucksack"),
            False: ("without a backpack", "not carrying a backpack", "with no backpack", "without a rucksack"),
        },
        "open": {True: ("open", "opened"), False: ("closed", "shut")},
    },
    "zh": {
        "helmet": {
            True: ("戴安全帽的", "戴着安全帽的", "戴头盔的", "佩戴安全帽的"),
            False: ("没戴安全帽的", "未戴安全帽的", "不戴头盔的", "没有佩戴安全帽的"),
        },
        "vest": {
            True: ("穿反光背心的", "穿着反光背心的", "穿反光衣的", "穿安全背心的"),
            False: ("没穿反光背心的", "未穿反光背心的", "不穿反光衣的", "没有穿安全背心的"),
        },
        "backpack": {
            True: ("背着背包的", "背双肩包的", "背着双肩包的", "背书包的"),
            False: ("没背背包的", "没有背双肩包的", "不背背包的", "未背书包的"),
        },
        "open": {True: ("打开的", "开着的"), False: ("关着的", "合上的")},
    },
}
"""Language, trait and whether it holds, to the words that say so: after an English noun (but before it for "open"),
before a Chinese one."""

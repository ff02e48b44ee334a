"""Strangers: names of things that no scene shows, and words that name nothing. A phrase about them is always false.

A stranger is no name, kind, part or place of anything that is drawn: no synonym, no wider or narrower word, nothing
that a fair person would see in an object or in its background. A quarter of the strangers and a list of nonsense are
held back from training; they measure whether a tower turns down words that it never met.
"""

import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np

from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.language.words import COLOUR_WORDS, GROUPS, KIND_WORDS, PLURALS, THINGS


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


_PLAIN: dict[Language, tuple[str, ...]] = {
    "en": _listed("""
    giraffe, elephant, zebra, lion, tiger, leopard, cheetah, rhinoceros, gorilla, chimpanzee, baboon, lemur, monkey,
    koala, kangaroo, wombat, panda, bear, polar bear, grizzly, moose, reindeer, elk, deer, antelope, gazelle, buffalo,
    cow, bull, calf, horse, pony, donkey, mule, llama, alpaca, goat, sheep, lamb, pig, rabbit, hare, squirrel,
    chipmunk, beaver, otter, badger, skunk, raccoon, hedgehog, porcupine, hamster, guinea pig, rat, mole, bat, sloth,
    anteater, meerkat, weasel, mongoose, whale, dolphin, porpoise, manatee, shark, eel, tuna, cod, herring, sardine,
    anchovy, halibut, clownfish, swordfish, jellyfish, starfish, oyster, clam, mussel, scallop, shrimp, lobster,
    crayfish, crab, snail, slug, earthworm, leech, spider, scorpion, centipede, ant, bee, wasp, hornet, mosquito,
    butterfly, moth, grasshopper, mantis, termite, flea, frog, toad, newt, salamander, tadpole, lizard, iguana, gecko,
    crocodile, alligator, turtle, tortoise, snake, python, cobra, dinosaur, bird, eagle, hawk, falcon, vulture, owl,
    parrot, pigeon, sparrow, swallow, crow, raven, magpie, peacock, turkey, chicken, hen, rooster, goose, swan,
    pelican, stork, heron, penguin, ostrich, emu, kiwi bird, toucan, woodpecker, kingfisher, quail, pheasant,
    albatross, wren, finch, canary, nightingale, pizza, hamburger, sandwich, burrito, taco, lasagna, spaghetti,
    noodles, ravioli, dumpling, sushi, tofu, curry, risotto, paella, omelette, pancake, waffle, croissant, pretzel,
    doughnut, cookie, brownie, cheesecake, apple pie, pudding, custard, jelly bean, lollipop, candy, marshmallow,
    popcorn, ice cream, cereal, oatmeal, toast, bread, bread roll, butter, cheese, egg, fried egg, ham, steak,
    lamb chop, pork, beef, meatloaf, french fries, mashed potato, salad, coleslaw, hazelnut, peanut, almond, walnut,
    cashew, pistachio, chestnut, raisin, apple, pear, banana, grape, strawberry, raspberry, gooseberry, mango, papaya,
    pineapple, lemon, grapefruit, tangerine, watermelon, melon, fig, kiwi fruit, pomegranate, lychee, guava, avocado,
    tomato, potato, sweet potato, onion, garlic, ginger, leek, spinach, lettuce, broccoli, celery, asparagus,
    artichoke, eggplant, zucchini, pumpkin, radish, turnip, beetroot, corn, peas, lentil, chickpea, soybean, rice,
    wheat, oats, rye, basil, rosemary, thyme, oregano, cinnamon, nutmeg, vanilla, saffron, chili pepper, pickle,
    bean sprout, tulip, daisy, lily, orchid, sunflower, daffodil, dandelion, iris flower, marigold, peony,
    chrysanthemum, jasmine, magnolia, azalea, geranium, thistle, clover, fern, moss, bamboo, cherry blossom,
    eucalyptus, sequoia, acorn, pine needle, water lily, seaweed, lichen, tumbleweed, flower bouquet, necklace,
    earring, brooch, crown, tiara, kimono, skirt, wedding dress, tutu, bikini, swimsuit, wetsuit, spacesuit, kilt,
    snorkel, diving mask, wristwatch, pocket watch, diamond, pearl, yarn, knitting needle, thimble, pincushion,
    sewing kit, embroidery, hammer, wrench, pliers, handsaw, chainsaw, axe, hatchet, shovel, rake, hoe, spade,
    wheelbarrow, lawnmower, chisel, anvil, crowbar, vise, sandpaper, paintbrush, paint roller, tape measure,
    spirit level, soldering iron, stapler, paper clip, eraser, pencil, crayon, fountain pen, chalk, ruler, protractor,
    compass, globe, calculator, abacus, magnifying glass, microscope, telescope, binoculars, stethoscope, syringe,
    thermometer, bandage, crutch, walking stick, wheelchair, toothbrush, toothpaste, comb, hairbrush, hair dryer,
    soap, sponge, towel, toilet, toilet paper, bathtub, shower, faucet, washbasin, mop, broom, dustpan,
    vacuum cleaner, feather duster, clothes iron, ironing board, clothespin, clothes hanger, washing machine,
    sewing machine, dishwasher, refrigerator, microwave oven, toaster, blender, rice cooker, waffle iron, frying pan,
    wok, rolling pin, whisk, ladle, spatula, spoon, soup spoon, chopsticks, corkscrew, can opener, nutcracker,
    cheese grater, colander, cutting board, salt shaker, pepper mill, plate, soup bowl, egg timer, alarm clock,
    hourglass, sundial, metronome, calendar, envelope, postage stamp, newspaper, magazine, dictionary, novel,
    playing cards, banknote, coin, piggy bank, passport, boarding pass, fishing rod, fishing net, fish hook, anchor,
    rudder, oar, life raft, sail, rope knot, horseshoe, beehive, bird nest, cobweb, dog kennel, sofa, bed, bunk bed,
    crib, cradle, hammock, mattress, pillow, blanket, quilt, chandelier, bird cage, fish tank, terrarium, ceiling fan,
    smartphone, telephone, radio, headphones, earphones, microphone, game controller, joystick, computer mouse,
    printer, photocopier, fax machine, typewriter, record player, cassette, vinyl record, usb stick, memory chip,
    power socket, electric plug, solar panel, wind turbine, satellite dish, antenna, piano, guitar, violin, cello,
    viola, harp, flute, clarinet, oboe, bassoon, trumpet, trombone, tuba, saxophone, french horn, harmonica,
    accordion, banjo, ukulele, mandolin, lute, sitar, zither, xylophone, marimba, tambourine, maracas, castanets,
    cymbals, gong, pipe organ, ocarina, kazoo, double bass, sheet music, drumstick, surfboard, snowboard,
    skateboard, skis, ice skates, roller skates, sled, toboggan, dumbbell, barbell, treadmill, trampoline, frisbee,
    boomerang, javelin, archery bow, dartboard, tennis racket, golf club, hockey stick, cricket bat, chessboard,
    chess piece, dice, jigsaw puzzle, domino tiles, kite, jump rope, seesaw, playground slide, swing set,
    ferris wheel, roller coaster, merry-go-round, yoga mat, fencing foil, judo, karate, gymnastics, sumo, snorkeling,
    bowling alley, swimming pool, diving board, airplane, jet fighter, helicopter, airship, hot air balloon, rocket,
    space shuttle, satellite, spaceship, train, locomotive, tram, monorail, subway train, boat, ship, sailboat,
    rowboat, canoe, kayak, gondola, ferry, yacht, submarine, ocean liner, oil tanker, tugboat, raft, hovercraft,
    aircraft carrier, tractor, excavator, tower crane, steamroller, combine harvester, sleigh, horse carriage,
    dogsled, stroller, zeppelin, windmill, lighthouse, castle, palace, pyramid, pagoda, temple, mosque, church,
    monastery, igloo, tepee, yurt, tent, barn, silo, greenhouse, stadium, amphitheater, colosseum, aqueduct, dam,
    bridge, suspension bridge, drawbridge, water tower, oil rig, nuclear reactor, observatory, planetarium, zoo,
    cemetery, tombstone, gravestone, obelisk, totem pole, fountain, bird bath, eiffel tower, airport,
    harbor, pier, jetty, shipwreck, valley, canyon, cliff, cave, glacier, iceberg, island, beach, sand dune,
    oasis, rainforest, swamp, waterfall, river, lake, pond, ocean, wave, whirlpool, avalanche, rainbow, snowflake,
    moon, planet, comet, galaxy, meteor, constellation, north pole, rice paddy, vineyard, cornfield, haystack,
    anthill, liver, kidney, stomach, lung, brain, intestine, pancreas, spleen, skeleton, rib cage, tooth, antler,
    hoof, tusk, feather, beak, fossil, seashell, eggshell, honeycomb, dinosaur egg, coral reef, stalactite, crystal,
    quartz, peat, flowerpot, painting easel, paint palette, harpsichord, crossword, snowman, dragon, unicorn, mermaid,
    christmas tree, easter egg, gingerbread, birthday cake, wedding ring, teddy bear, nesting doll, magnet, gyroscope,
    pendulum, slingshot, cannon, rifle, grenade, torpedo, spear, stopwatch, fire hydrant, parking meter, fish pond,
    battle tank, scarf, mitten, dormouse, musk ox, ox, dragonfly, redwood, hibiscus, cactus, lotus, walrus,
    crocus, vitamin
    """),
    "zh": _listed("""
    长颈鹿, 大象, 斑马, 狮子, 老虎, 豹子, 犀牛, 猩猩, 狒狒, 猴子, 考拉, 袋鼠, 袋熊, 北极熊, 棕熊, 驼鹿, 驯鹿, 梅花鹿,
    羚羊, 水牛, 奶牛, 牦牛, 公牛, 骆驼, 驴, 骡子, 羊驼, 山羊, 绵羊, 羊羔, 猪, 野猪, 兔子, 松鼠, 河狸, 水獭, 獾,
    黄鼠狼, 臭鼬, 浣熊, 刺猬, 豪猪, 仓鼠, 豚鼠, 老鼠, 鼹鼠, 蝙蝠, 树懒, 食蚁兽, 鲸鱼, 海豚, 海牛, 鲨鱼, 鳗鱼, 金枪鱼,
    三文鱼, 鳕鱼, 鲱鱼, 沙丁鱼, 鲤鱼, 草鱼, 鲫鱼, 鲈鱼, 带鱼, 金鱼, 章鱼, 鱿鱼, 墨鱼, 海星, 牡蛎, 蛤蜊, 扇贝, 虾,
    龙虾, 螃蟹, 蜗牛, 蛞蝓, 蚯蚓, 蚂蟥, 蜘蛛, 蝎子, 蜈蚣, 蚂蚁, 蜜蜂, 马蜂, 蚊子, 苍蝇, 蝴蝶, 飞蛾, 蚱蜢, 蝗虫, 螳螂,
    蟋蟀, 蝉, 蜻蜓, 瓢虫, 甲虫, 蟑螂, 跳蚤, 毛毛虫, 蚕, 青蛙, 蟾蜍, 蝌蚪, 蝾螈, 蜥蜴, 壁虎, 鳄鱼, 乌龟, 海龟, 蛇,
    眼镜蛇, 蟒蛇, 恐龙, 鸟, 老鹰, 猎鹰, 秃鹫, 鹦鹉, 鸽子, 麻雀, 燕子, 乌鸦, 喜鹊, 孔雀, 母鸡, 小鸡, 鸭子, 鹅, 天鹅,
    鹈鹕, 鹳, 鹤, 苍鹭, 企鹅, 鸵鸟, 啄木鸟, 翠鸟, 鹌鹑, 信天翁, 海鸥, 蜂鸟, 夜莺, 杜鹃, 画眉, 披萨, 汉堡, 三明治,
    卷饼, 千层面, 意大利面, 面条, 拉面, 米线, 饺子, 馄饨, 包子, 馒头, 花卷, 烧卖, 春卷, 粽子, 汤圆, 元宵, 月饼, 寿司,
    豆腐, 咖喱, 炒饭, 粥, 煎饼, 油条, 华夫饼, 牛角包, 椒盐卷饼, 甜甜圈, 饼干, 蛋糕, 布丁, 棒棒糖, 糖果, 棉花糖,
    爆米花, 冰淇淋, 麦片, 吐司, 面包, 奶酪, 鸡蛋, 荷包蛋, 咸鸭蛋, 火腿, 香肠, 腊肉, 牛排, 羊排, 五花肉, 牛肉, 鸡翅,
    鸡腿, 薯条, 土豆泥, 沙拉, 榛子, 花生, 杏仁, 核桃, 腰果, 开心果, 板栗, 葡萄干, 苹果, 梨, 香蕉, 葡萄, 草莓, 树莓,
    芒果, 木瓜, 菠萝, 柠檬, 柚子, 西瓜, 哈密瓜, 无花果, 猕猴桃, 石榴, 荔枝, 龙眼, 榴莲, 山竹, 杨梅, 枇杷, 桃子, 杏子,
    樱桃, 柿子, 橄榄, 椰子, 番茄, 土豆, 洋葱, 大蒜, 生姜, 韭菜, 菠菜, 生菜, 西兰花, 花椰菜, 芹菜, 芦笋, 茄子, 西葫芦,
    南瓜, 冬瓜, 苦瓜, 丝瓜, 萝卜, 胡萝卜, 甜菜, 玉米, 豌豆, 扁豆, 毛豆, 大米, 小麦, 燕麦, 高粱, 小米, 蘑菇, 香菇,
    木耳, 银耳, 海带, 莲藕, 竹笋, 芋头, 山药, 辣椒, 花椒, 八角, 桂皮, 香菜, 大葱, 茴香, 泡菜, 酸菜, 豆芽, 瓜子, 芝麻,
    玫瑰, 郁金香, 雏菊, 百合, 兰花, 向日葵, 蒲公英, 鸢尾, 牡丹, 菊花, 茉莉, 薰衣草, 木兰, 杜鹃花, 天竺葵, 蓟, 三叶草,
    蕨, 苔藓, 竹子, 桉树, 橡果, 松果, 荷花, 睡莲, 海藻, 浮萍, 地衣, 芦苇, 仙人掌, 仙人球, 芦荟, 含羞草, 绿萝, 昙花,
    桂花, 梅花, 樱花, 康乃馨, 满天星, 勿忘我, 捕蝇草, 花束, 项链, 耳环, 胸针, 皇冠, 围巾, 手套, 和服, 旗袍, 裙子,
    婚纱, 比基尼, 泳衣, 潜水服, 宇航服, 丝巾, 手镯, 戒指, 钻石, 宝石, 珍珠, 玉佩, 毛线, 织针, 顶针, 针, 绣花针, 刺绣,
    缝纫机, 锤子, 扳手, 钳子, 锯子, 电锯, 斧头, 铲子, 耙子, 锄头, 凿子, 铁砧, 撬棍, 刷子, 卷尺, 水平仪, 订书机,
    回形针, 橡皮擦, 铅笔, 蜡笔, 钢笔, 毛笔, 粉笔, 墨汁, 砚台, 尺子, 量角器, 圆规, 指南针, 地球仪, 计算器, 算盘,
    放大镜, 显微镜, 望远镜, 听诊器, 注射器, 温度计, 体温计, 绷带, 拐杖, 轮椅, 牙刷, 牙膏, 梳子, 吹风机, 肥皂, 海绵,
    毛巾, 马桶, 卫生纸, 浴缸, 花洒, 水龙头, 洗手池, 拖把, 扫帚, 簸箕, 吸尘器, 鸡毛掸子, 熨斗, 熨衣板, 衣架, 洗衣机,
    洗碗机, 冰箱, 微波炉, 烤面包机, 搅拌机, 电饭锅, 平底锅, 炒锅, 高压锅, 砂锅, 擀面杖, 打蛋器, 勺子, 汤勺, 锅铲,
    筷子, 漏勺, 砧板, 胡椒粉, 盘子, 碟子, 碗, 闹钟, 时钟, 沙漏, 日晷, 节拍器, 日历, 信封, 邮票, 报纸, 杂志, 字典,
    小说, 漫画, 扑克牌, 钞票, 硬币, 存钱罐, 护照, 登机牌, 鱼竿, 鱼网, 鱼钩, 船锚, 船桨, 救生筏, 船帆, 马蹄铁, 蜂窝,
    鸟窝, 蜘蛛网, 沙发, 床, 双层床, 婴儿床, 摇篮, 吊床, 床垫, 枕头, 毯子, 被子, 吊灯, 鱼缸, 鸟笼, 手机, 电话, 收音机,
    耳机, 麦克风, 游戏手柄, 鼠标, 打印机, 复印机, 传真机, 打字机, 唱片机, 磁带, 唱片, 优盘, 芯片, 插座, 插头,
    太阳能板, 天线, 卫星, 钢琴, 吉他, 小提琴, 大提琴, 竖琴, 长笛, 单簧管, 双簧管, 巴松管, 长号, 萨克斯, 圆号, 口琴,
    手风琴, 班卓琴, 尤克里里, 琵琶, 古筝, 二胡, 木琴, 铃鼓, 沙锤, 响板, 锣, 铙钹, 军鼓, 腰鼓, 管风琴, 笛子, 唢呐, 箫,
    编钟, 乐谱, 鼓槌, 冲浪板, 滑雪板, 滑板, 冰鞋, 旱冰鞋, 雪橇, 哑铃, 杠铃, 跑步机, 蹦床, 飞盘, 回旋镖, 标枪, 弓箭,
    飞镖, 球拍, 棋盘, 象棋, 围棋, 骰子, 拼图, 积木, 风筝, 跳绳, 跷跷板, 滑梯, 秋千, 摩天轮, 过山车, 旋转木马, 瑜伽垫,
    击剑, 柔道, 空手道, 体操, 相扑, 举重, 射箭, 跳水, 游泳池, 高尔夫, 冰壶, 麻将, 陀螺, 空竹, 毽子, 飞机, 客机,
    战斗机, 直升机, 飞艇, 热气球, 火箭, 航天飞机, 人造卫星, 宇宙飞船, 火车, 高铁, 地铁, 船, 轮船, 帆船, 独木舟,
    皮划艇, 贡多拉, 渡轮, 游艇, 潜艇, 油轮, 竹筏, 气垫船, 航空母舰, 拖拉机, 挖掘机, 塔吊, 压路机, 收割机, 坦克,
    婴儿车, 购物车, 缆车, 龙舟, 风车, 灯塔, 城堡, 宫殿, 金字塔, 宝塔, 寺庙, 清真寺, 教堂, 雪屋, 帐篷, 蒙古包, 谷仓,
    筒仓, 温室, 体育场, 斗兽场, 水坝, 水渠, 桥, 吊桥, 水塔, 核电站, 天文台, 动物园, 马戏团, 墓地, 墓碑, 方尖碑, 喷泉,
    长城, 机场, 码头, 船坞, 沉船, 峡谷, 悬崖, 山洞, 冰川, 冰山, 岛, 海滩, 沙丘, 绿洲, 沼泽, 瀑布, 河流, 湖, 池塘,
    大海, 海浪, 漩涡, 雪崩, 彩虹, 雪花, 月亮, 行星, 彗星, 银河, 星座, 北极, 稻田, 梯田, 葡萄园, 玉米地, 蚁丘, 肝脏,
    肾脏, 胃, 肺, 大脑, 肠子, 胰腺, 脾脏, 骨架, 肋骨, 牙齿, 鹿角, 蹄子, 象牙, 羽毛, 鸟嘴, 化石, 贝壳, 蛋壳, 蜂巢,
    恐龙蛋, 珊瑚, 钟乳石, 水晶, 石英, 泥炭, 花盆, 画架, 调色板, 填字游戏, 龙, 独角兽, 美人鱼, 圣诞树, 姜饼, 生日蛋糕,
    泰迪熊, 套娃, 磁铁, 陀螺仪, 钟摆, 弹弓, 大炮, 步枪, 手榴弹, 鱼雷, 长矛, 秒表, 流星, 灰熊, 马, 牛, 羊, 鱼, 熊, 鼓,
    荧光棒, 飞鱼, 猪笼草, 枸杞
    """),
}

LOOKALIKES: dict[Language, tuple[str, ...]] = {
    "en": _listed("""
    doorbell, doormat, indoor pool, cupcake, cupid, buttercup, hiccup, cucumber, cuckoo, cuckoo clock, carrot,
    carp, cardamom, caribou, carousel, caramel, carnation, caraway, carambola, cartoon, cargo ship, scarab,
    credit card, postcard, cardinal bird, catfish, caterpillar, cattle, catapult, cathedral, catamaran, cattail,
    catkin, cauliflower, dogwood, dogfish, hot dog, corn dog, prairie dog, poppy, poppy seed, hummingbird,
    humpback whale, hummus, persimmon, perch, periscope, truffle, trout, truss bridge, business card, octopus,
    platypus, hippopotamus, citrus, cockroach, icicle, bison, biscuit, bible, cyclone, cyclamen, motorboat, pitchfork,
    tuning fork, salad fork, fortress, ski lift, mobile phone, robin, dromedary, dragon fruit, armadillo, army ant,
    manicure, pillowcase, backgammon, bacon, backhoe, palette, ballet, pellet, palm tree, jukebox, mailbox, sandbox,
    boxing glove, boxing ring, parsley, parsnip, parchment, partridge, cabbage, sausage, pork sausage, conifer,
    coconut, pine cone, ice cream cone, scone, condor, conch, concertina, barracuda, barley, barnacle, barn owl,
    barometer, barrette, firefly, fire ant, fir tree, vampire bat, fireweed, bladder, adder, gladiolus, ladybug,
    ladyfinger, seagull, seal, seahorse, sea urchin, sea lion, sea cucumber, monitor lizard, monarch butterfly,
    screwdriver, scroll, screech owl, ice screw, discus, lapwing, lapis lazuli, bottlenose dolphin, bottlebrush,
    bottle opener, beetle, battleship, umbrella bird, parasailing, paraglider, ballot paper, ballpoint pen, meatball,
    mothball, ball gown, ballista, baseball bat, basketball hoop, tennis net, bell, wallaby, wallflower,
    tablespoon, tablecloth, vegetable, turntable, table tennis racket, timetable, knitting, knit blanket, scissortail,
    scimitar, smoked salmon, smoothie bowl, camel, camellia, camembert, cameo, chameleon, campsite, candelabra,
    trapeze, lightning, lightship, handcuffs, handkerchief, handbook, handprint, bagpipes, bagel, baguette,
    badminton racket, bagworm, flamingo, flamenco, flax, inflatable boat, coconut crab, orangutan, blueberry,
    blackberry, cranberry, blackbird, bluebell, goldfish, cottage cheese, cable car, chairlift, boxcar, mallet,
    sapphire, stable, mite, hermit crab, termite mound, dust mite, dynamite, meteorite, projector,
    projectile, string
    """),
    "zh": _listed("""
    火龙果, 火锅, 火烈鸟, 火鸡, 火星, 萤火虫, 人参, 人民币, 狗尾草, 狗尾巴花, 热狗, 海狗, 猫头鹰, 熊猫, 猫薄荷,
    猫眼石, 猫鼬, 汽笛, 车厘子, 车前草, 水车, 纺车, 车票, 卡片, 银行卡, 发卡, 货币, 公鸡, 交响乐, 巴旦木, 芝士,
    士多啤梨, 自来水笔, 行军床, 单杠, 床单, 菜单, 脚印, 脚链, 脚蹼, 咖啡机, 织布机, 机票, 机枪, 音叉, 叉烧, 鱼叉,
    三叉戟, 雪堆, 高原, 助听器, 充电器, 加湿器, 订书器, 送子鸟, 年轮, 邮轮, 轮滑, 四叶草, 四季豆, 翼龙, 翼手龙,
    长臂猿, 手表, 手铐, 手帕, 手鼓, 手枪, 手雷, 手链, 李子, 箱根, 箱鼓, 冰箱贴, 风箱, 提拉米苏, 菩提, 提子, 提琴弓,
    拉丁舞, 拉花, 鱼杆, 球杆, 杠杆, 龟背竹, 包菜, 豆沙包, 奶黄包, 汉堡包, 面包糠, 包浆豆腐, 双杠, 双峰驼, 披肩, 书签,
    说明书, 罗盘, 磁盘, 棋盘格, 拼盘, 果盘, 铁板烧, 板鸭, 纸巾, 剪纸, 砂纸, 纸牌, 纸飞机, 纸鹤, 路由器, 锥子,
    锥栗, 锥虫, 马桶刷, 木桶饭, 护膝, 护腕, 护身符, 花瓶, 爬山虎, 爬虫, 座头鲸, 天秤座, 笔筒, 画笔, 彩笔, 记号笔,
    课本, 电池, 电吉他, 电鳗, 电风扇, 电子琴, 电熨斗, 樟脑丸, 脑花, 杯垫, 纸杯蛋糕, 水母, 水饺, 水仙, 水稻, 水果,
    水彩, 水库, 水煮鱼, 河马, 海马, 马铃薯, 马鞍, 木马, 马蹄莲, 马卡龙, 巧克力, 雨林, 雷雨, 伞菌, 阳桃, 地球, 月球,
    星球, 棒球棍, 网球拍, 羽毛球拍, 棒球手套, 皮影, 皮蛋, 橡皮, 陈皮, 橡皮筋, 豆腐皮, 皮皮虾, 门铃, 门牙, 门票, 门垫,
    桌布, 桌游, 桌旗, 螺丝刀, 刀豆, 刀鱼, 刀削面, 指甲刀, 剪影, 烟斗, 烟草, 石头, 骨头, 舌头, 枕头套, 鱼头,
    红薯, 红枣, 红豆, 绿豆, 灯笼椒, 黄瓜, 黄油, 黄豆, 黄鳝, 蛋黄, 白菜, 白鹭, 白杨, 白蚁, 黑莓, 黑熊, 黑芝麻, 紫菜,
    紫薯, 紫藤, 米粉, 粉丝, 面粉, 花粉, 蓝莓, 甘蓝, 蓝鲸, 橘子, 橙子, 通心粉, 手抓饼, 手工皂, 植物, 食物, 礼物, 怪物,
    谷物, 药物, 矿物, 博物馆, 物理书, 物流单, 购物卡, 购物单, 购物中心, 植物园, 食物链, 礼物盒, 吉祥物, 多肉植物, 药品,
    工艺品, 化妆品, 体重秤, 液体, 东坡肉, 西红柿, 人鱼, 人造黄油
    """),
}
"""The strangers that share letters or characters with the name of a kind or a colour."""

STRANGERS: dict[Language, tuple[str, ...]] = {
    language: (*_PLAIN[language], *LOOKALIKES[language]) for language in LANGUAGES
}
"""All strangers, English ones in lower case."""

NONSENSE_TEST: dict[Language, tuple[str, ...]] = {
    "en": _listed("""
    voofytwou, swink, guemeanx, zwieshaizz, diblinxzeasp, geazwackdwuern, keussquuztwonx, skeacoapleut, sceumpscyld,
    krair, meuyiraum, yceuquist, yeiroswupt, tweisemb, neaheas, juaxdkzc, loosnai, veequoask, grasproislist,
    treuntswuenx, draum, sigomozz, proasproiluet, vrundquuesprusk, creuglyshaurt, mfhxv, tpxmeplrj, steald,
    splermkrash, sploutssprooveesp, ealaggsgy, flalp, canyr, meuflosteimb, nuets, pividchqd, moitoastweak, skoichearm,
    taihytreath, beufir, klooneicheimp, rrvnj, quielffyst, itupwh, txdnd, ctxthvh, shanddroot, smoabstreess,
    kunxwoasp, spreel, voswisplauzz, theiklodroos, splong, laistleed, staiboilf, boavzwairpvroimb, lcrzcdeen, tronous,
    crelf, cikils
    """),
    "zh": _listed("""
    假阿麦, 屠僧, 艺宝, 史杖, 质只, 跪盲, 陌垦, 幌帅滤, 彦该渝, 碎汹灌, 敷陵蛮, 坠峪, 顽陈屁, 诱妨臭, 桨派, 钦蜂,
    骤兜, 寺钟, 赶违, 调鲁莉, 耀怒赎, 纵饲臃, 恩扁, 虑嘘散, 象瘤餐, 痊售忿, 弥削, 瑚格, 勤录略, 歉羔袁, 识雇, 技榜粒,
    姓侄, 潜葛, 脓衔也, 革菊, 永晌, 溪闲, 靴划雕, 早特, 住钟, 县碾, 冬蛰痔, 够艘, 谱苑, 翱协燎, 要唉, 误矾, 纂窜,
    曼星, 摧杉殖, 涉僚抚, 摸搔贱, 棕茄聂, 优翌攻, 跪很甚, 牵谚, 茵繁, 未卤, 玉龋
    """),
}
"""Nonsense that `nonsense` never gives."""

_NEVER_TRAINED = {
    "en": ("windmill", "piano", "giraffe", "pizza", "elephant", "sofa", "doorbell", "cupcake"),
    "zh": ("长颈鹿", "披萨", "大象", "钢琴", "风车", "沙发", "火车", "球拍"),
}
_ONE_IN = 4


@cache
def trained_strangers(language: Language) -> tuple[str, ...]:
    """The strangers that training may use, in the order of `STRANGERS`."""
    return tuple(word for word in STRANGERS[language] if not _held_back(word, language))


@cache
def trained_lookalikes(language: Language) -> tuple[str, ...]:
    """Those of `trained_strangers` that share letters or a character with a known name."""
    return tuple(word for word in LOOKALIKES[language] if not _held_back(word, language))


@cache
def held_back_strangers(language: Language) -> tuple[str, ...]:
    """The strangers that training never sees: about one in four by checksum, and the best known with their compounds.

    The choice depends on the word alone, so it stays when the lists grow.
    """
    return tuple(word for word in STRANGERS[language] if _held_back(word, language))


def _held_back(word: str, language: Language) -> bool:
    by_checksum = zlib.crc32(word.encode()) % _ONE_IN == 0
    return by_checksum or any(never in word for never in _NEVER_TRAINED[language])


_ONSETS = (
    "", "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "dw", "f", "fl", "fr", "g", "gl", "gr", "h", "j", "k", "kl",
    "kr", "l", "m", "n", "p", "pl", "pr", "qu", "r", "s", "sc", "sh", "sk", "sl", "sm", "sn", "sp", "spl", "spr", "st",
    "str", "sw", "t", "th", "tr", "tw", "v", "vr", "w", "y", "z", "zw",
)  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "y", "ai", "au", "ea", "ee", "ei", "eu", "ie", "oa", "oi", "oo", "ou", "ue")
_CODAS = (
    "", "", "", "b", "ck", "d", "ff", "ft", "g", "k", "l", "ld", "lf", "lk", "lm", "lp", "lt", "m", "mb", "mp", "n",
    "nd", "ng", "nk", "nt", "nx", "p", "pt", "r", "rb", "rd", "rk", "rl", "rm", "rn", "rp", "rt", "s", "sh", "sk", "sp",
    "ss", "st", "t", "th", "ts", "v", "x", "z", "zz",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS = 0.15

_SAYABLE: dict[Language, frozenset[str]] = {
    "en": frozenset(
        _listed("""
    man, men, woman, women, boy, girl, kid, child, guy, lad, dude, male, he, she, us, me, you, it, one, any, all, face,
    head, hair, hand, arm, leg, foot, feet, neck, nose, ear, ears, eye, eyes, skin, tail, paw, fur, mutt, pup, pooch,
    pet, hat, cap, vest, coat, shirt, shoe, shoes, belt, strap, van, cab, taxi, jeep, auto, tire, tyre, wheel, cart,
    bot, plane, hull, crate, case, pack, tote, sack, purse, bag, kit, tape, lid, label, hose, tank, can, tin, tub, bin,
    jar, jug, pot, tea, beer, wine, drink, cola, seat, stool, bench, rung, step, rail, fence, gate, board, sign, post,
    pipe, ring, line, lamp, light, wall, floor, road, lane, street, roof, sky, room, tile, grass, bush, tree, house,
    wood, steel, metal, iron, glass, plastic, paper, text, key, keys, tool, toy, gear, machine, edge, tip, spot, blob,
    dot, dome, heat, blaze, steam, fog, cloud, shade, art, scene, place, stuff, stop, go, safe, brown, teal, tan
    """)
    ),
    "zh": frozenset(
        "男女孩童婴儿妇爷奶爸妈父母兄弟姐妹哥叔伯姑姨婶夫妻客员工友兵警师生民众他她它你我们谁身体头脸面眼耳鼻口嘴牙颈"
        "胸腰腹腿臂指掌膝肤皮毛发尾爪衣服裤裙鞋袜帽衫袖袋巾领套带扣狼犬猫兽畜车辆胎轴灯窗镜管线绳链钉铁钢铝铜金银木"
        "竹石砖瓦墙壁顶地板路街道巷院房屋楼室厅厨店铺厂库架柜台案几凳床具物件品货罐桶筐篮壶碗茶酒汤饮奶油刃剑匕锋钳"
        "火焰烟雾云气热光炭亮暗影色彩图画景像照片字文标牌志号旗球圈圆方形块条点把柄轮机械电网屏键天空草树叶林土沙"
    ),
}
"""What could be said of an object, a part of it or a background without being its name; for Chinese the characters."""


def nonsense(rng: np.random.Generator, language: Language) -> str:
    """A word that names nothing.

    English: one to three syllables or a few random letters, never one letter or one swap away from a word of a known
    name. Chinese: one to three common characters, none of which is in a known name.
    """
    make = _english if language == "en" else _chinese
    while not _names_nothing(word := make(rng), language) or word in NONSENSE_TEST[language]:
        pass
    return word


def _english(rng: np.random.Generator) -> str:
    if rng.random() < _RANDOM_LETTERS:
        return "".join(_LETTERS[at] for at in rng.integers(26, size=int(rng.integers(4, 10))))
    syllables = int(rng.integers(1, 4))
    return "".join(_syllable(rng, closed=at == syllables - 1 or rng.random() < 0.25) for at in range(syllables))


def _syllable(rng: np.random.Generator, *, closed: bool) -> str:
    parts = (_ONSETS, _VOWELS, _CODAS) if closed else (_ONSETS, _VOWELS)
    return "".join(part[int(rng.integers(len(part)))] for part in parts)


def _chinese(rng: np.random.Generator) -> str:
    return "".join(_CHARACTERS[at] for at in rng.integers(len(_CHARACTERS), size=int(rng.integers(1, 4))))


def _names_nothing(word: str, language: Language) -> bool:
    if word in _KNOWN_STRANGERS or word in _SAYABLE[language]:
        return False
    return language == "zh" or (len(word) > 2 and _NAME_SHADOWS.isdisjoint(_shadows(word)))


def _names(language: Language) -> Iterator[str]:
    """Every word by which a phrase can speak of an object or its colour."""
    for table in (KIND_WORDS, COLOUR_WORDS):
        for words in table[language].values():
            yield from words
    for _, group in GROUPS.values():
        yield from group[language]
    yield from THINGS[language]
    if language == "en":
        yield from PLURALS.values()


def _shadows(word: str) -> set[str]:
    """The word and what is left of it without any one letter: two words share a shadow if they are a slip apart."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _common_characters(without: frozenset[str]) -> str:
    """The 3755 characters of GB 2312-80 level 1 (rows 16 to 55) but for those in `without`."""
    cells = ((row, cell) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF if row < 0xD7 else 0xFA))
    level = (bytes(cell).decode("gb2312") for cell in cells)
    return "".join(sorted(set(level) - without))


_KNOWN_STRANGERS = frozenset(word for words in STRANGERS.values() for word in words)
_NAME_SHADOWS = frozenset(shadow for name in _names("en") for word in name.split() for shadow in _shadows(word))
_CHARACTERS = _common_characters(_SAYABLE["zh"].union(*_names("zh")))

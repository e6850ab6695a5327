"""A train.csv and a test.csv."""

from pathlib import Path

TRAIN = """\
who,what,before,not,age,city,topics,liked
7,10,20|30,40|50,1,a,x|y,1
8,20,,,3,a,y,0
9,30,10,20,,b,,1
"""


TEST = """\
who,what,before,not,age,city,topics,liked
3,20,99|10|20,30|30|77,100,b,z|y,0
4,99,,,x,new,,1
"""


def folder(path: Path, train: str = TRAIN, test: str = TEST) -> Path:
    (path / "train.csv").write_text(train)
    (path / "test.csv").write_text(test)
    return path

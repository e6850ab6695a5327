"""What vectors of titles and genres give to films that nobody has seen, on MovieLens-100K.

    python -m benchmarks.item_vectors FOLDER [--epochs 40] [--seeds 1]

FOLDER is that of ml-100k, with u.data and u.item. A tenth of the films with 20 ratings or more is
drawn; all their ratings leave the log, as if they came out tomorrow. Each film has a vector: TF-IDF
of the words of its title and of its genres, cut to 64 numbers by a singular value decomposition
(scikit-learn, which seqrec itself does not need). `prepare --item-vectors --new-items` reads both.

    cold: the drawn films are ordered for each user who has rated some of them, by the history of
          the others; NDCG@10 and recall@10 of those that the user has rated
    warm: the last film of each user among all others of the log, NDCG@10 on the test part

Compared are chance, the cosine to the mean vector of the history's last ten films, and models that
read ids alone, ids and vectors, or vectors alone. Runs are trained in a folder of their own.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seqrec_cli as seqrec
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.interactions import Reading
from seqrec_cli.core.data.preparation import Preparation
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.devices import choose_device
from seqrec_cli.core.inference.scoring import Scored, score_all
from seqrec_cli.core.runs.loading import load_scorer

SIZE = 64  # numbers of a vector
SHARE = 0.1  # of the films that are drawn
FEWEST = 20  # ratings of a film that is drawn
LAST = 10  # films of a history whose mean vector is compared
K = 10
MODELS = {
    "sasrec, ids": ["model.item_vectors=none"],
    "sasrec, ids and vectors": ["model.item_vectors=added"],
    "sasrec, ids and tuned vectors": ["model.item_vectors=added", "model.tune_vectors=true"],
    "sasrec, vectors alone": ["model.item_vectors=alone"],
}


def read_log(folder: Path) -> NDArray[np.int64]:
    """Users, films, ratings and times, (rows, 4)."""
    return np.loadtxt(folder / "u.data", dtype=np.int64, delimiter="\t")


def vectors_of_films(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ids of films and their vectors."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    genres = [line.split("|")[0] for line in (folder / "u.genre").read_text().split()]
    ids, texts = [], []
    for line in (folder / "u.item").read_text(encoding="latin-1").splitlines():
        key, title, *rest = line.split("|")
        flags = rest[-19:]
        named = [
            f"genre_{genre}" for genre, flag in zip(genres, flags, strict=False) if flag == "1"
        ]
        # Genres count as much as the title, which has few words in common with others.
        texts.append(" ".join([title.replace("(", " year_").replace(")", ""), *named * 2]))
        ids.append(int(key))
    words = TfidfVectorizer(token_pattern=r"[\w']{2,}", min_df=2, sublinear_tf=True)
    table = TruncatedSVD(SIZE, random_state=0).fit_transform(words.fit_transform(texts))
    return np.array(ids), table.astype(np.float32)


def draw_cold(log: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The ids of the films that are taken out."""
    films, counts = np.unique(log[:, 1], return_counts=True)
    common = films[counts >= FEWEST]
    random = np.random.default_rng(seed)
    return np.sort(random.choice(common, round(SHARE * len(films)), replace=False))


def ranked_metrics(scores: NDArray[Any], wanted: NDArray[np.bool_]) -> dict[str, float]:
    """NDCG@10 and recall@10 of the wanted films (users, films), means over users."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    hits = np.take_along_axis(wanted, best, axis=1)
    gain = 1 / np.log2(np.arange(K) + 2)
    most = np.minimum(wanted.sum(1), K)
    ideal = np.array([gain[:count].sum() for count in most])
    return {
        "ndcg@10": float(((hits * gain).sum(1) / ideal).mean()),
        "recall@10": float((hits.sum(1) / wanted.sum(1)).mean()),
    }


def scores_of(run: Any, histories: Sequences, films: NDArray[np.int64]) -> NDArray[np.float32]:
    """The scores of films, by their numbers, for each history."""
    scores = np.zeros((len(histories), len(films)), np.float32)

    def keep(scored: Scored) -> None:
        scores[scored.rows] = scored.scores.numpy()[:, films]

    for _ in score_all(load_scorer(run, choose_device("cpu")), histories, "include", keep):
        pass
    return scores


def compare(folder: Path, epochs: int, seed: int) -> dict[str, dict[str, float]]:
    """All figures of one draw of films, by name."""
    log, (ids, vectors) = read_log(folder), vectors_of_films(folder)
    cold = draw_cold(log, seed)
    warm = log[~np.isin(log[:, 1], cold)]
    header = "user\titem\trating\ttime"
    np.savetxt("log.tsv", warm, fmt="%d", delimiter="\t", header=header, comments="")
    np.savez("vectors.npz", allow_pickle=False, ids=ids, vectors=vectors)
    options = Preparation(new_items=True, seed=seed)
    data = seqrec.prepare(
        "log.tsv",
        name=f"cold-{seed}",
        force=True,
        reading=Reading(item_vectors=Path("vectors.npz")),
        preparation=options,
    )
    assert isinstance(data, SequenceDataset)
    number = {int(key): n for n, key in enumerate(data.item_ids.tolist(), 1)}
    films = np.array([number[key] for key in cold.tolist()])
    users = {int(key): row for row, key in enumerate(data.user_ids.tolist())}
    wanted = np.zeros((data.num_users, len(cold)), np.bool_)
    for user, film in log[np.isin(log[:, 1], cold)][:, :2].tolist():
        if user in users:
            wanted[users[user], int(np.searchsorted(cold, film))] = True
    asked = np.flatnonzero(wanted.any(1))
    histories, wanted = data.histories().take(asked), wanted[asked]
    random = np.random.default_rng(seed)
    found = {"chance": ranked_metrics(random.random(wanted.shape), wanted)}
    assert data.item_vectors is not None
    table = np.concatenate((np.zeros((1, SIZE), np.float32), data.item_vectors))
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    recent = np.stack([table[history[-LAST:]].mean(0) for history in histories])
    found["cosine to the last ten"] = ranked_metrics(recent @ table[films].T, wanted)
    for name, settings in MODELS.items():
        start = time.perf_counter()
        run = seqrec.train(
            "sasrec",
            data=f"cold-{seed}",
            run=f"runs/{name.replace(', ', '-').replace(' ', '-')}-{seed}",
            settings=[
                *(f"seed={seed}", f"training.epochs={epochs}", "training.validate_every=10"),
                *("training.loss=softmax", "training.batch_size=64", "model.max_length=100"),
                *("model.hidden=64", "model.dropout=0.3"),
                *settings,
            ],
            device="cpu",
        )
        seconds = time.perf_counter() - start
        report = seqrec.evaluate(run, baselines=False)
        figure = next(iter(report.figures.values()))["ndcg@10"]
        found[name] = ranked_metrics(scores_of(run, histories, films), wanted) | {
            "warm ndcg@10": figure.mean,
            "seconds": seconds,
        }
        print(name, found[name], flush=True)  # noqa: T201
    return found | {"": {"users": len(asked), "films": len(films)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        found = [compare(folder, arguments.epochs, seed) for seed in range(arguments.seeds)]
        os.chdir("/")
    for name in found[0]:
        means = {key: float(np.mean([each[name][key] for each in found])) for key in found[0][name]}
        rounded = {key: round(mean, 4) for key, mean in means.items()}
        print(json.dumps({"model": name} | rounded))  # noqa: T201


if __name__ == "__main__":
    main()

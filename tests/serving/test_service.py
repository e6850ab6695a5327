"""The service against the commands, in this process; malformed requests get a sentence."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.runs.live import Live
from tests.shop import ITEMS, item, plain

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from tests.serving.asking import live_run, post, with_client


@pytest.fixture
def live(shop: Path) -> Live:
    return live_run()


def close(found: list[dict[str, Any]], expected: list[dict[str, Any]], key: str = "item") -> None:
    assert [row["item"] for row in found] == [row[key] for row in expected]
    assert [row["score"] for row in found] == pytest.approx(
        [row["score"] for row in expected], abs=1e-4
    )


def test_recommends_as_the_command_does(live: Live) -> None:
    rules = ("--only", "in_stock", "--exclude", "price < 8")
    (expected,) = plain("recommend", "--run", "one", "--user", "u1", "--topk", "5", *rules, "--why")
    body = {"user": "u1", "k": 5, "only": "in_stock", "exclude": "price < 8", "why": True}
    answer = post(live, "/recommend", body).json()
    assert answer["run"] == "one"
    close(answer["lists"][0]["items"], expected["items"])
    for row, other in zip(answer["lists"][0]["items"], expected["items"], strict=True):
        assert [r["item"] for r in row["why"]] == [r["item"] for r in other["why"]]
    (expected,) = plain("recommend", "--run", "one", "--history", '["item 03", "item 07"]')
    answer = post(live, "/recommend", {"history": ["item 03", "Thing 7 (1907)", "gone"]}).json()
    close(answer["lists"][0]["items"], expected["items"])
    assert answer["lists"][0]["unknown"] == ["gone"]
    assert "user" not in answer["lists"][0]
    assert "why" not in answer["lists"][0]["items"][0]


def test_a_history_is_read_without_what_nothing_was_learned_of(live: Live) -> None:
    histories = [["item 31", "item 03", "item 31"], ["item 03"]]
    answer = post(live, "/recommend", {"many": [{"history": each} for each in histories]}).json()
    first, second = answer["lists"]
    close(first["items"], second["items"])
    assert (first["unlearned"], second["unlearned"]) == (["item 31", "item 31"], [])
    answers = [post(live, "/score", {"history": h, "items": ["item 09"]}).json() for h in histories]
    close(answers[0]["items"], answers[1]["items"])
    assert [answer["unlearned"] for answer in answers] == [["item 31", "item 31"], []]


def test_similar_and_scores_are_those_of_the_commands(live: Live) -> None:
    (expected,) = plain("similar", "one", "--item", "item 05", "--topk", "7")
    answer = post(live, "/similar", {"item": "item 05", "k": 7}).json()
    close(answer["items"], expected["items"], "similar")
    body = {"user": "u1", "seen": "include", "k": 30}
    ranked = post(live, "/recommend", body).json()["lists"][0]["items"]
    items = [row["item"] for row in ranked]
    new = item(ITEMS)["sku"]  # that nobody has, so that its score would be one by chance
    answer = post(live, "/score", {"user": "u1", "items": [*items, "gone", new]}).json()
    close(answer["items"][:-2], ranked)
    assert [each["score"] for each in answer["items"][-2:]] == [None, None]


def test_what_is_asked_at_once_is_answered_as_if_asked_alone(live: Live) -> None:
    bodies = [{"user": f"u{n}", "k": 1 + n % 7} for n in range(40)]
    bodies += [{"history": [f"item {n:02}", f"item {n // 2:02}"], "k": 3} for n in range(30)]
    bodies += [{"user": f"u{n}", "exclude": [f"item {n:02}"]} for n in range(10)]

    async def all_at_once(client: httpx.AsyncClient) -> list[httpx.Response]:
        asked = [client.post("/recommend", json=body) for body in bodies * 3]
        return list(await asyncio.gather(*asked))

    async def one_by_one(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post("/recommend", json=body) for body in bodies]

    together, alone = with_client(live, all_at_once), with_client(live, one_by_one)
    for number, answer in enumerate(together):
        assert answer.status_code == 200
        expected = alone[number % len(bodies)].json()["lists"][0]["items"]
        close(answer.json()["lists"][0]["items"], expected)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/recommend", {"user": "nobody"}, "there is no user `nobody`"),
        ("/recommend", {}, "name a `user`, a `history`, or `many`"),
        ("/recommend", {"user": "u1", "history": ["item 01"]}, "name a `user`"),
        ("/recommend", {"history": ["gone"]}, "no item of the history is in the catalogue"),
        ("/recommend", {"user": "u1", "k": 0}, "`k`"),
        ("/recommend", {"user": "u1", "colour": 1}, "`colour`"),
        ("/recommend", {"user": "u1", "only": "colour = 1"}, "has no column `colour`"),
        ("/recommend", {"user": "u1", "only": "items.csv"}, "items"),
        ("/recommend", {"user": "u1", "only": ["gone"]}, "none of its 1 ids is in the catalogue"),
        ("/similar", {"item": "gone"}, "there is no item `gone`"),
        ("/similar", {"item": "item 31"}, "nobody has the item"),
        ("/recommend", {"history": ["item 31"]}, "nobody has the item"),
        ("/score", {"history": ["item 31"], "items": ["item 01"]}, "nobody has the item"),
        ("/score", {"user": "u1", "items": []}, "`items`"),
    ],
)
def test_a_wrong_request_gets_a_sentence(
    live: Live, path: str, body: dict[str, Any], sentence: str
) -> None:
    answer = post(live, path, body)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_a_rule_never_names_a_file_of_the_server(live: Live, shop: Path) -> None:
    (shop / "secret.txt").write_text("the password\n")
    for text in (str(shop / "secret.txt"), "secret.txt", "-"):
        answer = post(live, "/recommend", {"user": "u1", "only": text})
        assert answer.status_code == 422
        assert "password" not in answer.text


def test_health_metrics_page_and_openapi(live: Live) -> None:
    async def all_of_them(client: httpx.AsyncClient) -> list[httpx.Response]:
        await client.post("/recommend", json={"user": "u1"})
        await client.post("/nowhere", json={})
        paths = ("/health", "/metrics", "/", "/openapi.json", "/items?query=thing&most=3")
        return [await client.get(path) for path in paths]

    health, metrics, page, openapi, items = with_client(live, all_of_them)
    assert health.json() == {"status": "ok", "run": "one", "items": 33, "users": 40}
    assert 'seqrec_requests_total{path="/recommend",status="200"} 1.0' in metrics.text
    assert 'path="other",status="404"' in metrics.text
    assert 'seqrec_serving{run="one"} 1.0' in metrics.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    assert {"/recommend", "/similar", "/score", "/health"} <= set(openapi.json()["paths"])
    assert len(items.json()) == 3


def test_openapi_describes_every_answer(live: Live) -> None:
    described = with_client(live, lambda client: client.get("/openapi.json")).json()
    forms = {
        **{"/recommend": "RecommendAnswer", "/similar": "SimilarAnswer"},
        **{"/score": "ScoreAnswer", "/health": "Health"},
    }
    for path, form in forms.items():
        (operation,) = described["paths"][path].values()
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{form}"}, path
    listed = described["paths"]["/items"]["get"]["responses"]["200"]["content"]
    assert listed["application/json"]["schema"]["items"] == {"$ref": "#/components/schemas/Item"}
    assert "text/plain" in described["paths"]["/metrics"]["get"]["responses"]["200"]["content"]


def test_a_form_of_a_browser_is_refused(live: Live) -> None:
    """A page elsewhere can send those without asking, also to a service at 127.0.0.1."""

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/recommend", content='{"user": "u1"}')

    answer = with_client(live, ask)
    assert answer.status_code == 415
    assert "Content-Type" in answer.json()["hint"]


JSON = {"Content-Type": "application/json"}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["user", "history", "many", "k", "seen", "only", "exclude", "why", "item", "items"]
)
LIKELY = st.sampled_from(
    ["u1", "item 03", "in_stock", "include", 5, ["item 01"], [{"user": "u2"}], "\ud800", "a\0b"]
)
BODIES = st.dictionaries(KEYS, LIKELY | JUNK, max_size=5) | JUNK


def test_no_request_breaks_the_service(live: Live) -> None:
    async def fuzz(client: httpx.AsyncClient) -> None:
        loop = asyncio.get_running_loop()

        @settings(max_examples=400, suppress_health_check=list(HealthCheck))
        @given(path=st.sampled_from(["/recommend", "/similar", "/score"]), body=BODIES)
        def ask(path: str, body: Any) -> None:
            sent = client.post(path, content=json.dumps(body), headers=JSON)
            answer = asyncio.run_coroutine_threadsafe(sent, loop).result()
            assert answer.status_code in (200, 422), (answer.status_code, body)
            if answer.status_code == 422:
                assert len(answer.json()["error"]) > 5

        await asyncio.to_thread(ask)
        raw = [b"", b"{", b"\xff", b"[" * 100_000, b'{"k": 1e999}', b'{"user": NaN}', b"1" * 5_000]
        raw += [b'{"user": "u1", "k": ' + b"9" * 5_000 + b"}"]
        for content in raw:
            answer = await client.post("/recommend", content=content, headers=JSON)
            assert answer.status_code in (400, 422), content[:20]
            assert answer.json()["error"]
        strange = ("1_0", "1.0", "%2B5", "%205", "5%20", "05", "\u0665", "0", "x", "51", "")
        wrong = ["", "?query=", "?query=a&mots=3", "?query=a&query=b", "?query=a&most=5&most=5"]
        for query in [*wrong, *(f"?query=a&most={most}" for most in strange)]:
            answer = await client.get(f"/items{query}")
            assert answer.status_code == 422, query
            assert answer.json()["error"]
        for query in ("%ff%00", "a&most=5", "1_0&most=50"):
            assert (await client.get(f"/items?query={query}")).status_code == 200

    with_client(live, fuzz)

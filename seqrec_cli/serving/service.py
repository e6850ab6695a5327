"""The service: requests become questions, answers become JSON."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from seqrec_cli import __version__
from seqrec_cli.errors import ConfigError, InputError, SeqRecError
from seqrec_cli.serving import forms
from seqrec_cli.serving.figures import Figures
from seqrec_cli.serving.limits import Guard, Limits
from seqrec_cli.serving.pages import PAGE_POLICY, page

if TYPE_CHECKING:
    from seqrec_cli.core.inference.questions import Answer, Question
    from seqrec_cli.core.inference.together import Together
    from seqrec_cli.core.runs.live import Live
    from seqrec_cli.core.runs.served import Served

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": forms.Problem} for status in (400, 401, 408, 413, 415, 422, 503)
}
STRONGEST = 3  # reasons that are named


class Json(JSONResponse):
    """JSON in ASCII: what a stranger sends comes back escaped, whatever characters it has."""

    def render(self, content: Any) -> bytes:
        """The bytes of an answer."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Desk:
    """Takes requests to the run that answers now."""

    def __init__(self, live: "Live", together: "Together[Any, Answer]", figures: Figures) -> None:
        self.live = live
        self.together = together
        self.figures = figures

    async def ask(self, served: "Served", questions: "Sequence[Question]") -> "list[Answer]":
        """The answers to questions, which are scored with all that wait."""
        from seqrec_cli.core.inference.together import QueueFull

        try:
            waiting = [self.together.ask((served, question)) for question in questions]
        except QueueFull:
            raise HTTPException(503, "the service has too much to do: ask again later") from None
        return list(await asyncio.gather(*map(asyncio.wrap_future, waiting)))

    async def rules(self, served: "Served", form: Any) -> Any:
        """The rules of a form; an expression is evaluated beside the loop."""
        if form.only is None and form.exclude is None:
            return served.rules((), ())
        only, exclude = forms.as_rules(form.only), forms.as_rules(form.exclude)
        return await run_in_threadpool(served.rules, only, exclude)

    async def recommend(self, form: forms.RecommendForm) -> forms.RecommendAnswer:
        """What comes next for a user, a history, or many of them."""
        from seqrec_cli.core.inference.questions import Question

        served = self.live.now
        rules, seen = await self.rules(served, form), form.seen or served.seen
        questions, unknown = [], []
        for one in form.people:
            person: int | None = None
            items: tuple[int, ...] = ()
            strange: list[str] = []
            if one.user is not None:
                person = served.person(str(one.user))
            else:
                items, strange = served.history([str(each) for each in one.history or ()])
            how: dict[str, Any] = {"seen": seen, "rules": rules, "why": form.why}
            questions.append(Question("recommend", k=form.k, person=person, items=items, **how))
            unknown.append(strange)
        answers = await self.ask(served, questions)
        lists = [
            forms.ListAnswer(
                **({} if one.user is None else {"user": one.user}),
                items=list_rows(served, answer),
                unknown=strange,
                unlearned=served.left_out(answer.history),
            )
            for one, answer, strange in zip(form.people, answers, unknown, strict=True)
        ]
        return forms.RecommendAnswer(run=served.run.name, lists=lists)

    async def similar(self, form: forms.SimilarForm) -> forms.SimilarAnswer:
        """The items most like an item, by the model's vectors."""
        from seqrec_cli.core.inference.questions import Question

        served = self.live.now
        if served.answerer.similar is None:
            raise InputError("the model of this run has no vectors of items")
        item = served.item(str(form.item), learned=True)
        rules = await self.rules(served, form)
        question = Question("similar", items=(item,), k=form.k, rules=rules)
        (answer,) = await self.ask(served, [question])
        name = as_item(served, item)["item"]
        return forms.SimilarAnswer(run=served.run.name, item=name, items=list_rows(served, answer))

    async def score(self, form: forms.ScoreForm) -> forms.ScoreAnswer:
        """The scores of items for a user or a history; as `recommend` orders by them."""
        from seqrec_cli.core.inference.questions import Question

        served = self.live.now
        person: int | None = None
        history: tuple[int, ...] = ()
        unknown: list[str] = []
        if form.user is not None:
            person = served.person(str(form.user))
        else:
            history, unknown = served.history([str(each) for each in form.history or ()])
        numbers = [served.scored(str(item)) for item in form.items]
        known = tuple(number for number in numbers if number is not None)
        question = Question("score", person=person, items=history, candidates=known)
        (answer,) = await self.ask(served, [question])
        scores = iter(answer.scores.tolist())
        items = [
            forms.ScoredItem(item=item, score=None)
            if number is None
            else forms.ScoredItem(**as_item(served, number), score=next(scores))
            for item, number in zip(form.items, numbers, strict=True)
        ]
        left_out = served.left_out(answer.history)
        name = served.run.name
        return forms.ScoreAnswer(run=name, items=items, unknown=unknown, unlearned=left_out)

    async def items(
        self, request: Request, form: Annotated[forms.ItemsForm, Query()]
    ) -> list[forms.Item]:
        """Items whose title has a text in it, the most frequent first."""
        names = [name for name, _ in request.query_params.multi_items()]
        if len(set(names)) < len(names):
            raise InputError("a parameter stands there twice", "give each once")
        served = self.live.now
        found = await run_in_threadpool(served.titles, form.query, form.most)
        return [forms.Item(**as_item(served, number)) for number in found]

    async def health(self) -> forms.Health:
        """What is served."""
        served = self.live.now
        items, users = len(served.by_id), len(served.by_user)
        return forms.Health(status="ok", run=served.run.name, items=items, users=users)

    async def metrics(self) -> Response:
        """What was counted, for Prometheus."""
        return Response(self.figures.text(), media_type="text/plain; version=0.0.4")

    async def first_page(self) -> HTMLResponse:
        """A page to try the run."""
        return HTMLResponse(page(), headers={"Content-Security-Policy": PAGE_POLICY})


def make_service(
    live: "Live", limits: Limits, every: float, say: Callable[[str, bool], None]
) -> FastAPI:
    """The service of a run.

    Args:
        every: seconds between two looks for newer weights.
        say: called with what happened, and whether it is bad.
    """
    from seqrec_cli.core.inference.together import Together

    figures = Figures()
    together = Together(live.answer, sizes=figures.batches.observe)
    desk = Desk(live, together, figures)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        renewing = asyncio.create_task(renew_for_ever(live, figures, every, say))
        yield
        renewing.cancel()
        await run_in_threadpool(together.close)

    figures.serves(live.now.run.name)
    app = FastAPI(
        title="seqrec",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        responses=PROBLEMS,
    )
    posts: list[Any] = [desk.recommend, desk.similar, desk.score]
    for handler in posts:
        app.post(f"/{handler.__name__}")(answering(handler))
    gets: list[Any] = [desk.items, desk.health]
    for handler in gets:
        app.get(f"/{handler.__name__}", response_model_exclude_none=True)(handler)
    app.get("/metrics", response_class=PlainTextResponse)(desk.metrics)
    app.get("/", include_in_schema=False)(desk.first_page)
    app.exception_handler(RequestValidationError)(malformed)
    app.exception_handler(HTTPException)(refused)
    app.exception_handler(SeqRecError)(impossible)
    app.add_middleware(Guard, limits=limits, count=figures.count)
    return app


def answering(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose answer is written at once.

    Left to the framework, an answer is checked against its own form once more, which takes longer
    than to make it.
    """

    @functools.wraps(handler)
    async def respond(**given: Any) -> Json:
        answer = await handler(**given)
        return Json(answer.model_dump(mode="json", exclude_unset=True))

    return respond


async def renew_for_ever(
    live: "Live", figures: Figures, every: float, say: Callable[[str, bool], None]
) -> None:
    """Look for newer weights again and again, beside the requests."""
    while True:
        await asyncio.sleep(every)
        try:
            news = await run_in_threadpool(live.renew)
        except SeqRecError as error:
            figures.renewals.labels("refused").inc()
            say(error.message, True)
            continue
        if news:
            figures.renewals.labels("taken up").inc()
            figures.serves(live.now.run.name)
            say(news, False)


def as_item(served: "Served", number: int) -> dict[str, Any]:
    """An item's id, and its title if it has one."""
    titles = served.catalogue.titles
    row = {"item": served.catalogue.item_ids[number - 1].item()}
    title = "" if titles is None else str(titles[number - 1])
    return row | ({"title": title} if title else {})


def list_rows(served: "Served", answer: "Answer") -> list[forms.ListedItem]:
    """A list as it is answered, with the strongest reasons where they were asked for."""
    rows = []
    pairs = zip(answer.items.tolist(), answer.scores.tolist(), strict=True)
    for rank, (item, score) in enumerate(pairs):
        why: dict[str, Any] = {}
        if answer.influences is not None:
            own = answer.influences[rank]
            best = [at for at in (-own).argsort(kind="stable")[:STRONGEST].tolist() if own[at] > 0]
            why["why"] = [
                forms.Reason(**as_item(served, int(answer.history[at])), influence=float(own[at]))
                for at in best
            ]
        rows.append(forms.ListedItem(rank=rank + 1, **as_item(served, item), score=score, **why))
    return rows


async def malformed(request: Request, error: Any) -> Json:
    """The answer to a request that is no form: the place and what is wrong there."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.method == "POST" and kind != "application/json":
        hint = "send the header `Content-Type: application/json`"
        return Json({"error": "the body is not said to be JSON", "hint": hint}, 415)
    first = error.errors()[0]
    place = ".".join(str(each) for each in first["loc"] if each != "body")[:200]
    words = str(first["msg"]).removeprefix("Value error, ")
    sentence = f"`{place}`: {words}" if place else words
    return Json({"error": sentence[:500], "hint": "see /openapi.json"}, 422)


async def refused(request: Request, error: Any) -> Json:
    """The answer to a request that HTTP itself refuses."""
    return Json({"error": str(error.detail), "hint": ""}, error.status_code, error.headers)


async def impossible(request: Request, error: Any) -> Json:
    """The answer to what cannot be answered: the asker's to change, or else the operator's."""
    ours = not isinstance(error, InputError | ConfigError)
    return Json({"error": error.message, "hint": error.hint}, 503 if ours else 422)

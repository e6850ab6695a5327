"""A queue that answers what comes together in one go.

One thread takes all that waits, answers it, and takes what came meanwhile: nobody waits for
company, and the more is asked the larger are the batches.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class QueueFull(Exception):
    """More waits than may wait, or no more is taken."""


class Together(Generic[Asked, Answered]):
    """Answers questions in batches, in a thread of its own.

    Attributes:
        sizes: called with the size of each batch.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Asked]], Sequence[Answered]],
        most: int = 256,
        waiting: int = 1024,
        sizes: Callable[[int], None] = lambda size: None,
    ) -> None:
        """Of a function that answers a batch.

        Args:
            most: questions in a batch.
            waiting: questions that may wait.
        """
        self.answer = answer
        self.most = most
        self.sizes = sizes
        self.queue: queue.Queue[tuple[Asked, Future[Answered]] | None] = queue.Queue(waiting)
        self.closing = False
        self.thread = threading.Thread(target=self.work, name="seqrec-together", daemon=True)
        self.thread.start()

    def ask(self, question: Asked) -> "Future[Answered]":
        """The answer, when it is there.

        Raises:
            QueueFull: too many wait, or `close` was called.
        """
        future: Future[Answered] = Future()
        if self.closing:
            raise QueueFull
        try:
            self.queue.put_nowait((question, future))
        except queue.Full:
            raise QueueFull from None
        return future

    def close(self) -> None:
        """Answer what waits, take nothing more, and end the thread."""
        self.closing = True
        self.queue.put(None)
        self.thread.join()

    def work(self) -> None:
        """Answer batch after batch until `close`."""
        ended = False
        while not ended:
            waiting = [self.queue.get()]
            while len(waiting) < self.most and not self.queue.empty():
                waiting.append(self.queue.get())
            ended = None in waiting
            # Whoever gave up meanwhile is not answered.
            batch = [one for one in waiting if one and one[1].set_running_or_notify_cancel()]
            if batch:
                self.sizes(len(batch))
                self.settle(batch)

    def settle(self, batch: "Sequence[tuple[Asked, Future[Answered]]]") -> None:
        """Answer a batch. Where that fails each question is tried alone, so that the one that
        cannot be answered spoils no other."""
        try:
            answers = self.answer([question for question, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for one in batch:
                self.settle([one])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)

"""The one way in which a request to a cluster fails."""

from __future__ import annotations


class NoAnswer(Exception):
    """The far end gave no answer that can be read; the text is a sentence that names it.

    `status`: of its HTTP answer, 0 where there was none. `again`: the same request may work in a moment.
    `elsewhere`: it is this host that fails, another one of the cluster may answer. `retry_after`: seconds that the
    far end asked for.
    """

    def __init__(
        self,
        why: str,
        *,
        status: int = 0,
        again: bool = False,
        elsewhere: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(why)
        self.status = status
        self.again = again
        self.elsewhere = elsewhere
        self.retry_after = retry_after

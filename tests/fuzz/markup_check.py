"""What the panel's HTML may hold: our own tags and attributes, nothing that a text brought along."""

from __future__ import annotations

from html.parser import HTMLParser

TAGS = frozenset("a b br button code i input label p progress span table tbody td th thead tr".split())
ATTRIBUTES = frozenset(
    """aria-label checked class data-hypersd-answer data-hypersd-do data-hypersd-field data-hypersd-keep
    data-hypersd-running data-state data-value disabled href max rel scope target title type value""".split()
)
VOID = ("input", "br")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.shape: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert tag in TAGS, f"a foreign tag: {tag}"
        assert len(set(names)) == len(names)
        assert ATTRIBUTES.issuperset(names), f"a foreign attribute: {names}"
        for name, value in attrs:
            assert name != "href" or (value or "").startswith("https://huggingface.co/")
        self.shape.append(f"<{tag} {' '.join(names)}>")
        self.text += (value or "" for _, value in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.shape.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment


def check_markup(html: str) -> tuple[list[str], list[str]]:
    """The tags with their attributes' names, and all texts, as a browser reads them. Fails for what is not ours."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader.shape, reader.text

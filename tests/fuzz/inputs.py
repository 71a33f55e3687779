"""Bytes at random, most of them close to what is well-formed."""

from hypothesis import strategies as st

from fuzz.targets import Target

# What parsers stumble over: other digits, lone surrogates, no characters at all, and numbers beyond all bounds.
ODD = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    "\u0664".encode(),
    b"9" * 400,
    b"9" * 5000,
    b"-0",
    b"1e999",
    b"NaN",
    b"[" * 2000,
    b"null",
    b'"',
    b"\\ud800",
    b"\r",
    b"%00",
    b"",
)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Input for a parser."""
    pieces = st.sampled_from(ODD) | st.binary(max_size=8) | st.sampled_from(target.seeds)

    @st.composite
    def changed(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(target.seeds))
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(data)))
            end = draw(st.integers(start, min(len(data), start + 12)))
            data = data[:start] + draw(pieces) + data[end:]
        return data

    return changed() | st.binary(max_size=64)

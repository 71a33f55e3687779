"""The clock of the processes, which can be made to jump."""

from pathlib import Path

JUMPING = Path(__file__).parent / "jumping"


class Clock:
    """Where processes that are started with `environment` read by how many seconds their clock is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(JUMPING), "CHAOS_CLOCK": str(self._file)}

    def jump(self, seconds: float) -> None:
        """Be wrong by so many seconds from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._file)

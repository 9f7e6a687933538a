"""A fixed-size ring buffer of floats with a running mean."""

from collections.abc import Iterator


class RingBuffer:
    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("size must be positive")
        self._items = [0.0] * size
        self._start = 0
        self._count = 0
        self._sum = 0.0

    def push(self, value: float) -> None:
        end = (self._start + self._count) % len(self._items)
        if self._count == len(self._items):
            self._sum -= self._items[self._start]
            self._start = (self._start + 1) % len(self._items)
        else:
            self._count += 1
        self._items[end] = value
        self._sum += value

    @property
    def mean(self) -> float:
        if not self._count:
            raise ValueError("the buffer is empty")
        return self._sum / self._count

    def __iter__(self) -> Iterator[float]:
        for offset in range(self._count):
            yield self._items[(self._start + offset) % len(self._items)]

    def __len__(self) -> int:
        return self._count

"""What `test_isolation` runs in a process of its own: it does as it is told, harmful or not."""

import ctypes
import os
import time

from core import isolated, isolation


def _main() -> None:  # noqa: PLR0912 - one branch for each deed
    service = isolated.Service()
    for request, content in service.requests():
        does = request["do"]
        isolated.limit(
            memory=request.get("memory"), seconds=request.get("seconds"), written=request.get("written")
        )
        answer: isolation.Message = {"did": does}
        if does == "echo":
            service.answer(answer, [memoryview(content)])
            continue
        if does == "sleep":
            time.sleep(600)
        elif does == "spin":
            while True:
                pass
        elif (
            does == "hold"
        ):  # the interpreter's lock, as a decoder in C may: no thread of Python's is heard meanwhile
            ctypes.PyDLL(None).sleep(600)
        elif does == "take":
            try:
                answer["bytes taken"] = len(bytearray(300_000_000))
            except MemoryError:
                answer["refused"] = "memory"
        elif does == "write":
            try:
                with open(request["path"], "wb") as file:
                    file.write(bytes(2_000_000))
            except OSError as error:
                answer["refused"] = str(error)
        elif does == "print":
            os.write(1, b'{"did": "lie"}\n')
        elif does == "ask":
            service.say(asks=1)
            service.say(asks=2)
        elif does == "babble":
            os.write(service._out.fileno(), b"no message\n")
        elif does == "die":
            os.abort()
        service.answer(answer)


if __name__ == "__main__":
    _main()

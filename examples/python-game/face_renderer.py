"""The "game" of this example: draws a face for every request line (docs/your-own-game.md describes the protocol).

    python3 face_renderer.py             what likeness starts: requests on standard input, answers on standard output
"""
import json
import sys

from canvas import write_png
from face import draw_face


def main():
    print(json.dumps({"format": "likeness-client", "version": 1, "name": "python-game"}), flush=True)
    for line in sys.stdin:  # ends with the input: the sign to leave
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            size = request["size"]
            canvas, landmarks = draw_face(request["parameters"], size, request["supersample"])
            write_png(request["picture"], size, 3, canvas.rgb())
            if "labels" in request:
                write_png(request["labels"], size, 1, canvas.label_map())
            answer["landmarks"] = [[round(x * size, 3), round(y * size, 3)] for x, y in landmarks]
        except Exception as error:  # this request fails, the next may do: a game goes on
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""A client of the older event framework, as there are some: fires an event and prints the answer as one line of JSON.

usage: event_client.py HOST PORT tcp|nul|stream|http HOOK_NAME DATA [--wait]

`tcp` ends the object with a newline, `nul` with a NUL byte, `stream` by ending the stream; `http` posts it. With
`--wait` it asks for the task until it is finished, deletes it, and prints how it went.
"""

import json
import socket
import sys
import time
import urllib.request

FINISHED = 2


def over_tcp(host, port, request, end):
    with socket.create_connection((host, port), timeout=2.5) as connection:
        connection.settimeout(60)
        connection.sendall(json.dumps(request).encode() + end)
        if not end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while not answer.endswith(end or b"\n"):
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
    return json.loads(answer.strip(b"\0\n"))


def over_http(host, port, path, request):
    url = f"http://{host}:{port}/{path}/"
    question = urllib.request.Request(url, data=json.dumps(request).encode(), method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(question, timeout=60) as answer:
        return json.load(answer)


def main():
    host, port, form, hook_name, data = sys.argv[1:6]
    port = int(port)
    wait = "--wait" in sys.argv[6:]
    request = {"hook_name": hook_name, "grab_result": wait, "wait_for_task": wait, "data": json.loads(data)}
    if form == "http":
        answer = over_http(host, port, "fire_hook", request)
    else:
        end = {"tcp": b"\n", "nul": b"\0", "stream": b""}[form]
        answer = over_tcp(host, port, {"event_name": "fire_hook", **request}, end)
    if wait:
        tid = answer["tid"]
        while (answer := over_http(host, port, "task_check", {"tid": tid, "grab_result": True}))["status"] != FINISHED:
            time.sleep(0.1)
        over_http(host, port, "task_delete", {"tid": tid})
    print(json.dumps(answer))


main()

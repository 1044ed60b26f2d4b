import itertools
import json
import shutil
import subprocess
import time

import pytest
import websocket

from analysis.report.write import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-allow-origins=*",
    "--remote-debugging-port=0",
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package `chromium`)"),
]


class Page:
    """A page of a headless Chromium, driven over the DevTools protocol."""

    def __init__(self, port):
        self.numbers = itertools.count(1)
        self.events = []
        url = f"ws://127.0.0.1:{port[0]}{port[1]}"
        self.socket = websocket.create_connection(url)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    session = None

    def call(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, path, width):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while self.evaluate("document.body && document.body.dataset.figures") != "done":
            time.sleep(0.2)

    def named(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    profile = tmp_path_factory.mktemp("chromium")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            port_file = profile / "DevToolsActivePort"
            while not (port_file.exists() and port_file.read_text().count("\n")):
                assert browser.poll() is None, "chromium has ended"
                time.sleep(0.1)
            driven = Page(port_file.read_text().splitlines())
            yield driven
            driven.socket.close()
        finally:
            browser.terminate()
            browser.wait()


@pytest.fixture(scope="module")
def report(writer, tmp_path_factory):
    return write_report(writer.write_sweep(tmp_path_factory.mktemp("results") / "sweep"), figures=False).html


@pytest.mark.parametrize("width", [1200, 390])
def test_the_report_draws_every_figure_without_an_error_or_a_request(page, report, width):
    page.open(report, width)
    marks = page.evaluate(
        "Array.from(document.querySelectorAll('.plot'),"
        " plot => plot.querySelectorAll('svg .role-mark path, svg .role-mark text').length)"
    )
    assert len(marks) == 6 + 8  # six single figures and a panel for each hyperparameter
    assert min(marks) >= 5
    assert not page.named("Runtime.exceptionThrown")
    assert not [event for event in page.named("Log.entryAdded") if event["entry"]["level"] == "error"]
    assert not [
        event for event in page.named("Runtime.consoleAPICalled") if event["type"] in ("error", "warning")
    ]
    requested = {event["request"]["url"] for event in page.named("Network.requestWillBeSent")}
    assert {url for url in requested if not url.startswith("data:")} == {report.as_uri()}


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_sticks_out_of_the_page(page, report, width):
    page.open(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.plot')).filter("
        "p => p.querySelector('svg').getBoundingClientRect().right > p.getBoundingClientRect().right + 1)"
        ".map(p => p.id)"
    )
    assert cut == []


def test_hostile_text_does_not_run(page, writer, tmp_path):
    hostile = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    env = writer.manifest()["env"] | {"id": hostile, "floor_policy": hostile}
    folder = writer.write_sweep(
        tmp_path / "sweep", trials=8, seeds=2, env=env, question=hostile, command=hostile
    )
    page.open(write_report(folder, figures=False).html, 1200)
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert "</script>" in page.evaluate("document.querySelector('h1').textContent")

"""Gives tests real sweep folders and a browser; test modules cannot import siblings, so both are here."""

import importlib.util
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import websocket

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


@pytest.fixture(scope="session")
def writer():
    """The module that writes sweep folders."""
    spec = importlib.util.spec_from_file_location("sweep_writer", Path(__file__).with_name("sweep_writer.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sweep_folder(writer, tmp_path):
    """A finished sweep: 32 trials, five configurations confirmed on five seeds."""
    return writer.write_sweep(tmp_path / "results" / "trading_sweep" / "2026-11-20_19-42-06")


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

    def open(self, path, width, *, dark=False):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while self.evaluate("document.body && document.body.dataset.figures") != "done":
            time.sleep(0.2)

    def named(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]

    def complaints(self):
        """Errors and warnings of the console, and requests that left the page."""
        logged = [
            event["entry"] for event in self.named("Log.entryAdded") if event["entry"]["level"] == "error"
        ]
        said = [
            event for event in self.named("Runtime.consoleAPICalled") if event["type"] in ("error", "warning")
        ]
        return [*self.named("Runtime.exceptionThrown"), *logged, *said]

    def requests(self):
        urls = {event["request"]["url"] for event in self.named("Network.requestWillBeSent")}
        return {url for url in urls if not url.startswith("data:")}

    def printed(self):
        """Text of the page as it is printed on A4 paper, and whatever is wider than the paper."""
        self.call("Emulation.setEmulatedMedia", media="print")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=688, height=1000, deviceScaleFactor=1, mobile=False
        )
        wide = self.evaluate(
            "Array.from(document.querySelectorAll('table, .plot, .plot svg'))"
            ".filter(e => e.getBoundingClientRect().right > 689).map(e => e.outerHTML.slice(0, 80))"
        )
        return self.call("Page.printToPDF", printBackground=True)["data"], wide


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A page of a headless Chromium; tests that take it are slow."""
    if CHROMIUM is None:
        pytest.skip("needs chromium (Debian package `chromium`)")
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

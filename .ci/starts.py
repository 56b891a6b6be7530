"""Starts demo/app.py where only demo/requirements.txt is installed, waits for its address and checks /healthz."""

import importlib.util
import json
import subprocess
import sys
import threading
import time
import urllib.request

if importlib.util.find_spec("torch"):
    sys.exit("demo/requirements.txt brought torch along")
began = time.monotonic()
command = [sys.executable, "demo/app.py"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    patience = threading.Timer(90, server.kill)
    patience.start()
    try:
        line = next((line for line in server.stdout if "http://" in line), None)
        if line is None:
            sys.exit("demo/app.py ended without an address")
        address = line[line.index("http://") :].split()[0].rstrip("/.")
        with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:
            health = json.load(answer)
        print(f"{address} after {time.monotonic() - began:.1f} s: {health['bundles']}")
        if not health["bundles"]:
            sys.exit("no bundle is served")
    finally:
        patience.cancel()
        server.terminate()

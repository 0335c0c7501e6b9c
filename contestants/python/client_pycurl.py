"""Contestant: libcurl by pycurl, one multi handle, so that requests over HTTP/2 share a connection; its own timeout."""

import os
import queue
import select
import threading
import time

import pycurl

from protocol import AUTHORITY, PLAIN, PROTOCOL, done, each_request, judge, message, ready

H2 = pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE if PLAIN else pycurl.CURL_HTTP_VERSION_2TLS
VERSIONS = {"h1": pycurl.CURL_HTTP_VERSION_1_1, "h2": H2}
SPOKEN = {pycurl.CURL_HTTP_VERSION_1_1: "h1", pycurl.CURL_HTTP_VERSION_2_0: "h2"}


def handle(number, method, url, timeout):
    easy = pycurl.Curl()
    easy.setopt(pycurl.URL, url)
    body, headers = message(method)
    if body is not None:
        easy.setopt(pycurl.POSTFIELDS, body)
    easy.setopt(pycurl.CUSTOMREQUEST, method)
    easy.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
    easy.setopt(pycurl.HTTP_VERSION, VERSIONS[PROTOCOL])
    easy.setopt(pycurl.CAINFO, AUTHORITY)
    easy.setopt(pycurl.TIMEOUT_MS, round(timeout * 1000))
    # Wait for the connection that is being made rather than make another; what libcurl advises for multiplexing.
    easy.setopt(pycurl.PIPEWAIT, 1)
    easy.setopt(pycurl.NOSIGNAL, 1)
    easy.setopt(pycurl.WRITEFUNCTION, len)
    easy.go = (number, timeout, time.perf_counter())
    return easy


def finish(multi, easy, failure=None):
    number, timeout, start = easy.go
    took, error = time.perf_counter() - start, failure
    if failure is None:
        try:
            judge(SPOKEN.get(easy.getinfo(pycurl.INFO_HTTP_VERSION)), easy.getinfo(pycurl.RESPONSE_CODE))
        except ValueError as raised:
            error = raised
    multi.remove_handle(easy)
    easy.close()
    done(number, timeout, took, error)


def transfer():
    """The only thread that touches libcurl; woken by a byte in the pipe."""
    multi, running = pycurl.CurlMulti(), set()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    while True:
        while not waiting.empty():
            easy = handle(*waiting.get())
            running.add(easy)
            multi.add_handle(easy)
        multi.perform()
        _, good, bad = multi.info_read()
        for easy, *failure in [(easy,) for easy in good] + bad:
            running.discard(easy)
            finish(multi, easy, RuntimeError(*failure) if failure else None)
        if not good and not bad:
            readable, writable, broken = multi.fdset()
            timer = multi.timeout()
            patience = timer / 1000 if timer >= 0 else None
            if pipe_out in select.select([pipe_out, *readable], writable, broken, patience)[0]:
                os.read(pipe_out, 4096)


def start(*go):
    waiting.put(go)
    os.write(pipe_in, b"\0")


waiting = queue.SimpleQueue()
pipe_out, pipe_in = os.pipe()
ready("pycurl", f", libcurl {pycurl.version_info()[1]}")
threading.Thread(target=transfer, daemon=True).start()
each_request(start)

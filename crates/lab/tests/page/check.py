"""The live page in a real browser: start, cut a wire, see the loss counted, restore.

    check.py http://127.0.0.1:PORT/ [DIRECTORY FOR SCREENSHOTS]

The lab behind it has two contestants, `honest` (dials anew after a loss) and `stubborn` (does not). Exit status: 0 all is well,
77 there is no browser here, and the last line says why.

Invariant: it waits for what is to be seen, never for a time. Next: ../page.rs, which starts it; webdriver.py, the browser.
"""

import os
import sys

from webdriver import Browser, obstacle

SKIPPED = 77


class Page:
    """The page, as a user sees it."""

    def __init__(self, browser):
        self.browser = browser

    def text(self, contestant, selector):
        return self.browser.run(
            "return document.querySelector(`[data-contestant=${arguments[0]}] ${arguments[1]}`)?.textContent ?? ''",
            contestant, selector,
        )

    def figure(self, contestant, name):
        return int(self.text(contestant, f"b.{name}").replace(",", "") or 0)

    def wires(self, contestant):
        """The accessible names of its wires."""
        names = self.browser.run(
            "return [...document.querySelectorAll(`[data-contestant=${arguments[0]}] .wire`)]"
            ".map((wire) => wire.getAttribute('aria-label'))", contestant)
        return [name for name in names if name != "no wire"]

    def wait_for_wire(self, contestant, words):
        self.browser.wait(f"a wire of {contestant}: {words}",
                          lambda: any(words in name for name in self.wires(contestant)))

    def wait_for_more(self, contestant, name, than=None):
        than = self.figure(contestant, name) if than is None else than
        self.browser.wait(f"more {name} of {contestant}", lambda: self.figure(contestant, name) > than)

    def wait_for_outcome(self, contestant, words):
        self.browser.wait(f"{contestant}: {words}", lambda: words in self.text(contestant, ".outcome"))

    def wait_for_said(self, words):
        self.browser.wait(f"said aloud: {words}",
                          lambda: words in self.browser.run("return document.getElementById('said').textContent"))

    def emulate(self, width, scheme):
        self.browser.devtools("Emulation.setDeviceMetricsOverride",
                              width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.browser.devtools("Emulation.setEmulatedMedia",
                              features=[{"name": "prefers-color-scheme", "value": scheme}])


def starts(page):
    names = page.browser.run("return [...document.querySelectorAll('.card h2')].map((title) => title.textContent)")
    assert names == ["honest", "stubborn"], names
    for name in names:
        page.wait_for_more(name, "answered")
        page.wait_for_wire(name, "live")
    page.wait_for_outcome("stubborn", "Untouched")


def a_click_cuts_and_the_loss_is_counted(page):
    before = page.figure("stubborn", "lost")
    page.browser.click("[data-contestant=stubborn] .wire")
    page.wait_for_wire("stubborn", "Wire 1, cut. Restore it.")
    page.wait_for_more("stubborn", "lost", before)
    page.wait_for_outcome("stubborn", "still losing")
    page.browser.wait("all lost", lambda: page.text("stubborn", ".pill") == "all lost")
    page.wait_for_said("stubborn: ")
    page.wait_for_more("honest", "answered")


def a_click_restores(page):
    page.browser.click("[data-contestant=stubborn] .wire")
    page.wait_for_wire("stubborn", "Wire 1, live.")
    page.wait_for_more("stubborn", "answered")
    page.wait_for_outcome("stubborn", "Restored")


def keys_are_enough(page):
    """Tab to a wire, cut it with C: the client dials anew, and loses no more."""
    on_wire = "return document.activeElement.matches('[data-contestant=honest] .wire')"
    for _ in range(30):
        if page.browser.run(on_wire):
            break
        page.browser.press("\ue004")
    assert page.browser.run(on_wire), "Tab does not lead to a wire"
    before = page.figure("honest", "lost")
    page.browser.press("c")
    page.wait_for_wire("honest", "closed it")
    page.wait_for_more("honest", "lost", before)
    page.wait_for_wire("honest", "live")
    page.wait_for_outcome("honest", "the last after")
    assert page.browser.run(on_wire), "the focus was lost"


def delays_and_restores_all(page):
    page.browser.click("input[name=deed][value=delay]")
    page.browser.click("[data-contestant=stubborn] .wire")
    page.wait_for_wire("stubborn", "+60 ms. Restore it.")
    page.browser.click("#restore-all")
    page.wait_for_wire("stubborn", "Wire 1, live.")
    page.browser.click("input[name=deed][value=cut]")
    before = page.figure("honest", "lost")
    page.browser.click("#strike-each")
    page.wait_for_wire("stubborn", "Wire 1, cut.")
    page.wait_for_more("honest", "lost", before)
    page.browser.click("#restore-all")
    page.wait_for_wire("stubborn", "Wire 1, live.")


def stalls_one_direction(page):
    """Its answers, by a click; its requests, by a key. Which one it is, is said."""
    page.browser.click("input[name=deed][value=stall]")
    before = page.figure("stubborn", "lost")
    page.browser.click("[data-contestant=stubborn] .wire")
    page.wait_for_wire("stubborn", "no answers. Restore it.")
    page.wait_for_more("stubborn", "lost", before)
    page.wait_for_outcome("stubborn", "stalled (no answers)")


def restores_and_stalls_the_other(page):
    page.browser.click("[data-contestant=stubborn] .wire")
    page.wait_for_wire("stubborn", "Wire 1, live.")
    page.wait_for_more("stubborn", "answered")
    page.browser.run("document.getElementById('stall').value = 'stall-up'")
    page.browser.press("s")
    page.wait_for_wire("stubborn", "no requests. Restore it.")
    page.wait_for_more("stubborn", "lost")
    page.browser.press("r")
    page.wait_for_wire("stubborn", "Wire 1, live.")
    page.browser.run("document.getElementById('stall').value = 'stall-down'")
    page.browser.click("#strike-each")
    page.wait_for_wire("stubborn", "no answers. Restore it.")
    page.browser.click("#restore-all")
    page.wait_for_wire("stubborn", "Wire 1, live.")
    page.browser.click("input[name=deed][value=cut]")


def fits(page, width):
    wide = page.browser.run("return document.documentElement.scrollWidth")
    assert wide <= width, f"{wide} pixels wide on a screen of {width}"


def main(url, shots):
    with Browser() as browser:
        page = Page(browser)
        backs = {}

        def look(name, width, scheme):
            page.emulate(width, scheme)
            backs[scheme] = browser.run("return getComputedStyle(document.body).backgroundColor")
            fits(page, width)
            if shots:
                browser.shot(os.path.join(shots, f"{name}.png"))

        page.emulate(1280, "light")
        browser.open(url)
        browser.wait("the page", lambda: browser.run("return document.body.dataset.ready"))
        starts(page)
        look("light", 1280, "light")
        a_click_cuts_and_the_loss_is_counted(page)
        look("cut-light", 1280, "light")
        look("cut-dark", 1280, "dark")
        look("cut-narrow", 360, "light")
        assert backs["light"] != backs["dark"], "dark is as light"
        page.emulate(1280, "light")
        a_click_restores(page)
        keys_are_enough(page)
        delays_and_restores_all(page)
        stalls_one_direction(page)
        look("stalled-light", 1280, "light")
        look("stalled-narrow", 360, "dark")
        page.emulate(1280, "light")
        restores_and_stalls_the_other(page)
        look("narrow-dark", 360, "dark")
        complaints = browser.complaints()
        assert not complaints, complaints
    print("the page does what it should")


if __name__ == "__main__":
    reason = obstacle()
    if reason:
        print(reason)
        sys.exit(SKIPPED)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
